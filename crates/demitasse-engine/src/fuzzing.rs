//! Doors for the fuzz targets, to what no caller reaches by itself or reaches only behind much else. No part of the interface.

use std::sync::Arc;

use crate::codec::animation::Animation;
use crate::codec::{Tiles, codec};
use crate::image::{Image, Layout, Samples};
use crate::metadata::{self, Embedded, Metadata, MetadataPolicy, Pieces, Pixels, exif, iptc, xmp};
use crate::{Control, Header, Limits, Quality, Result, color, inspect};

/// Side of the sample of [`recode`], in pixels.
const SAMPLE: u32 = 16;

/// How a still image is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// For compressing.
    Whole,
    /// As results are looked at.
    Shown,
    /// For resizing to a quarter.
    Shrunk,
    /// What can be had of a damaged one.
    Salvaged,
}

/// Decodes a still image, or the first frame, as the pipeline does: behind the limits.
///
/// # Errors
/// As [`crate::compress`].
pub fn decode(bytes: &[u8], way: Way, limits: &Limits) -> Result<(Header, Image)> {
    let header = inspect(bytes, limits)?;
    let (codec, control) = (codec(header.format), Control::new());
    let decoded = match way {
        Way::Whole => codec.decode(bytes, limits, &control),
        Way::Shown => codec.decode_shown(bytes, limits, &control),
        Way::Shrunk => {
            let at_least = (header.width.div_ceil(4), header.height.div_ceil(4));
            codec.decode_shrunk(bytes, at_least, limits, &control)
        }
        Way::Salvaged => codec.salvage(bytes, limits, &control),
    };
    Ok((header, decoded?.image))
}

/// Plays an animation, and gives every frame to `see`: width times height pixels of red, green, blue and alpha. How many the
/// container says there are.
///
/// # Errors
/// As [`crate::compress`].
pub fn play(bytes: &[u8], limits: &Limits, mut see: impl FnMut(&[u8])) -> Result<usize> {
    let format = inspect(bytes, limits)?.format;
    let (codec, control) = (codec(format), Control::new());
    let timeline = codec.timeline(bytes, limits)?;
    let mut player = Animation::new(bytes, (format, codec), &timeline, limits, &control).play()?;
    while let Some(frame) = player.next()? {
        see(frame);
    }
    Ok(timeline.delays.len())
}

/// The file around the same coded pixels, with what `policy` leaves of its metadata.
///
/// # Errors
/// As [`crate::compress`].
pub fn strip(bytes: &[u8], policy: MetadataPolicy, limits: &Limits) -> Result<Vec<u8>> {
    let codec = codec(inspect(bytes, limits)?.format);
    let found = codec.read_metadata(bytes, limits)?;
    let keep = metadata::embedded(&found, policy, Pixels::AsStored);
    codec.strip(bytes, &Embedded { icc: found.icc, mark: found.mark, ..keep })
}

/// Recodes in a stream with one tile for a sample; `None` where that cannot be done.
///
/// # Errors
/// As [`crate::compress`].
pub fn recode(bytes: &[u8], quality: Quality, limits: &Limits) -> Result<Option<Vec<u8>>> {
    let header = inspect(bytes, limits)?;
    if !header.sequential || header.width < SAMPLE || header.height < SAMPLE {
        return Ok(None);
    }
    let (tiles, control) = (Tiles { lefts: vec![0], tops: vec![0], side: SAMPLE }, Control::new());
    let Some(recoder) = codec(header.format).recoder(bytes, &tiles, &control)? else { return Ok(None) };
    recoder.recode_sample(quality, &control)?;
    recoder.recode(quality, &Embedded::default(), u64::MAX, &control)
}

/// What an EXIF block says.
pub fn read_exif(block: &[u8]) -> Metadata {
    let facts = exif::read(block);
    let pieces = Pieces { exif: metadata::piece(block), ..Pieces::default() };
    Metadata {
        orientation: facts.orientation,
        rights: facts.rights,
        items: facts.items,
        pieces,
        ..Metadata::default()
    }
}

/// What an XMP packet says.
pub fn read_xmp(packet: &[u8]) -> Metadata {
    let pieces = Pieces { xmp: metadata::piece(packet), ..Pieces::default() };
    Metadata { rights: xmp::read_rights(packet), pieces, ..Metadata::default() }
}

/// What Photoshop's resources say.
pub fn read_iptc(resources: &[u8]) -> Metadata {
    let pieces = Pieces { iptc: metadata::piece(resources), ..Pieces::default() };
    Metadata { rights: iptc::read_photoshop(resources), pieces, ..Metadata::default() }
}

/// What `policy` leaves of it, beside pixels that were turned upright or not.
pub fn select(metadata: &Metadata, policy: MetadataPolicy, is_upright: bool) -> Embedded {
    let pixels = if is_upright { Pixels::Upright } else { Pixels::AsStored };
    metadata::embedded(metadata, policy, pixels)
}

/// Whether a profile can be used for pixels of this layout; every conversion by it is tried.
pub fn convert(profile: &[u8], layout: Layout) -> bool {
    let samples: Vec<u8> = (0..64 * layout.channels()).map(|at| (at * 37) as u8).collect();
    color::cmyk_to_srgb8(&samples[..64], Some(profile));
    let wide = samples.iter().map(|sample| u16::from(*sample) * 257).collect();
    for samples in [Samples::U8(samples), Samples::U16(wide)] {
        let profile = Some(Arc::from(profile));
        color::convert_to_srgb(&mut Image::still(8, 8, layout, samples, profile));
    }
    color::check_profile(layout, profile).is_ok()
}
