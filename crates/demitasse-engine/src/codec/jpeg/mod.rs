//! JPEG: mozjpeg decodes and transcodes, jpegli encodes; markers are walked and written, and coefficients recoded in a stream, by
//! code of our own.

mod capabilities;
mod chroma;
mod container;
mod encode;
mod frame;
mod gain_map;
mod jpegli;
mod marker;
mod mozjpeg;
mod read;
mod recode;
mod sink;
mod trellis;
mod zigzag;

use super::{Codec, Decoded, Encoder, Header, Memory, Recoder, Tiles};
use crate::color;
use crate::image::{Image, Layout, Samples};
use crate::metadata::{Embedded, Metadata};
use crate::report::Warning;
use crate::{Control, Effort, Limits, Result};
use frame::{Frame, Structure};
use marker::malformed;
use mozjpeg::{Damage, Pixels};

pub(crate) use self::capabilities::CAPABILITIES;

pub(crate) struct Jpeg;

impl Codec for Jpeg {
    fn read_header(&self, bytes: &[u8]) -> Result<Header> {
        Ok(Frame::find(bytes)?.header())
    }

    fn read_metadata(&self, bytes: &[u8], limits: &Limits) -> Result<Metadata> {
        read::read(bytes, limits)
    }

    /// Gray and RGB; CMYK comes as sRGB, with a warning `cmyk_converted`.
    fn decode(&self, bytes: &[u8], limits: &Limits, control: &Control) -> Result<Decoded> {
        decode(bytes, None, limits, control)
    }

    fn decode_shrunk(
        &self,
        bytes: &[u8],
        at_least: (u32, u32),
        limits: &Limits,
        control: &Control,
    ) -> Result<Decoded> {
        decode(bytes, Some(at_least), limits, control)
    }

    /// What libjpeg makes of it, as viewers do: rows that are missing are gray, and damaged ones wrong until the next restart
    /// marker.
    fn salvage(&self, bytes: &[u8], limits: &Limits, control: &Control) -> Result<Decoded> {
        let structure = Structure::walk(bytes)?;
        let (pixels, damage) = mozjpeg::salvage(bytes, control)?;
        let detail = match damage {
            Some(Damage { detail, row: 0, scan: 1 }) => return Err(malformed(detail)),
            Some(Damage { detail, row, scan: 1 }) => {
                format!("{detail}; of {} rows the first {row} are whole", pixels.height)
            }
            Some(Damage { detail, row, scan }) => {
                format!("{detail}; from row {row} of {} on, detail of scan {scan} is missing", pixels.height)
            }
            None => structure.lacks.clone().unwrap_or_default(),
        };
        let mut decoded = finish(bytes, pixels, &structure, limits)?;
        decoded.warnings.push(Warning { code: "salvaged".into(), detail });
        Ok(decoded)
    }

    fn strip(&self, bytes: &[u8], keep: &Embedded) -> Result<Vec<u8>> {
        container::rewrite(bytes, keep)
    }

    fn recoder<'a>(
        &self,
        bytes: &'a [u8],
        tiles: &Tiles,
        control: &Control,
    ) -> Result<Option<Box<dyn Recoder + 'a>>> {
        let recoder = recode::Recode::open(bytes, tiles, control)?;
        Ok(recoder.map(|recoder| Box::new(recoder) as Box<dyn Recoder + 'a>))
    }

    fn memory(&self) -> Memory {
        Memory { decode: 6, encode: 10 }
    }

    fn pace(&self, effort: Effort) -> f64 {
        match effort {
            Effort::Fast => 0.05,
            Effort::Balanced => 0.18,
            Effort::Max => 0.25,
        }
    }

    fn encoders(&self) -> &'static [&'static dyn Encoder] {
        &[&encode::Jpegli, &encode::Transcode]
    }
}

fn decode(bytes: &[u8], at_least: Option<(u32, u32)>, limits: &Limits, control: &Control) -> Result<Decoded> {
    let structure = Structure::read(bytes)?;
    let pixels = mozjpeg::decode(bytes, at_least, control)?;
    let mut decoded = finish(bytes, pixels, &structure, limits)?;
    if !structure.ended {
        decoded.warnings.push(Warning {
            code: "missing_end_marker".into(),
            detail: "the file lacks its last two bytes; the picture is complete".into(),
        });
    }
    Ok(decoded)
}

/// Pixels as the file's metadata describe them.
fn finish(bytes: &[u8], pixels: Pixels, structure: &Structure, limits: &Limits) -> Result<Decoded> {
    let metadata = read::read(bytes, limits)?;
    let mut warnings = Vec::new();
    let image = match pixels.channels {
        4 => from_cmyk(pixels, structure.adobe, metadata.icc.as_deref(), &mut warnings),
        channels => {
            let layout = if channels == 1 { Layout::Gray } else { Layout::Rgb };
            let profile = color::usable_profile(layout, metadata.icc.as_deref(), &mut warnings);
            Image::still(pixels.width, pixels.height, layout, Samples::U8(pixels.samples), profile)
        }
    };
    Ok(Decoded { image, metadata, warnings })
}

/// With an Adobe marker inks are stored inverted, 0 for full ink: not in any standard, but what Photoshop has always
/// written, and how Pillow, libvips and ImageMagick read it.
fn from_cmyk(
    mut pixels: Pixels,
    inverted: bool,
    profile: Option<&[u8]>,
    warnings: &mut Vec<Warning>,
) -> Image {
    if inverted {
        pixels.samples.iter_mut().for_each(|sample| *sample = 255 - *sample);
    }
    let (rgb, profiled) = color::cmyk_to_srgb8(&pixels.samples, profile);
    let how = if profiled { "by its ICC profile" } else { "without a profile, so colours are approximate" };
    warnings.push(Warning {
        code: "cmyk_converted".into(),
        detail: format!("the image is CMYK; it was converted to sRGB {how}"),
    });
    Image::still(pixels.width, pixels.height, Layout::Rgb, Samples::U8(rgb), None)
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
