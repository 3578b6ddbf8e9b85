//! WebP (RFC 9649), by libwebp.
//!
//! - `container`: RIFF chunks, walked and written by our own code; header, metadata, strip and the encoders share it.
//! - `animation`: the frames of an animation, each as a WebP of its own.
//! - `ffi`: the one place where libwebp is called.
//! - `encode`: the three encoders, VP8L (every pixel, or nearly) and VP8 (lossy, alpha kept whole).
//!
//! libwebp has 8 bits a sample and no gray: gray goes in as RGB and comes out as RGB.

mod animation;
mod capabilities;
mod container;
mod encode;
#[expect(unsafe_code, reason = "libwebp is C")]
mod ffi;
mod metadata;
#[cfg(test)]
mod tests;

use super::animation::{Patches, Timeline};
use super::{Animator, Codec, Decoded, Encoder, Header, Memory};
use crate::image::{Image, Layout, Samples};
use crate::metadata::{Embedded, Metadata};
use crate::{Control, Effort, Limits, Result, color};

pub(crate) use self::capabilities::CAPABILITIES;

pub(crate) struct Webp;

impl Codec for Webp {
    fn read_header(&self, bytes: &[u8]) -> Result<Header> {
        container::read_header(bytes)
    }

    fn read_metadata(&self, bytes: &[u8], limits: &Limits) -> Result<Metadata> {
        metadata::read(bytes, limits)
    }

    /// Cost: 175 megapixels a second; memory is the pixels, as much again while libwebp works, and a copy of the coded ones.
    fn decode(&self, bytes: &[u8], limits: &Limits, control: &Control) -> Result<Decoded> {
        let header = container::read_header(bytes)?;
        limits.check_header(&header)?;
        // Walks the container to its end: libwebp takes a file that lacks some.
        let metadata = metadata::read(bytes, limits)?;
        control.check()?;
        let layout = if header.alpha { Layout::Rgba } else { Layout::Rgb };
        // The image by itself: in what follows its chunk libwebp would read on.
        let bare = container::strip(bytes, &Embedded::default())?;
        let samples = ffi::decode(&bare, header.width, header.height, header.alpha)?;
        let mut warnings = Vec::new();
        let profile = color::usable_profile(layout, metadata.icc.as_deref(), &mut warnings);
        let image = Image::still(header.width, header.height, layout, Samples::U8(samples), profile);
        Ok(Decoded { image, metadata, warnings })
    }

    fn strip(&self, bytes: &[u8], keep: &Embedded) -> Result<Vec<u8>> {
        container::strip(bytes, keep)
    }

    fn timeline(&self, bytes: &[u8], limits: &Limits) -> Result<Timeline> {
        animation::timeline(bytes, limits)
    }

    fn patches<'a>(&self, bytes: &'a [u8], _limits: &Limits) -> Result<Box<dyn Patches + 'a>> {
        Ok(Box::new(animation::WebpPatches::new(bytes)?))
    }

    fn animators(&self) -> &'static [&'static dyn Animator] {
        &[&animation::Lossless, &animation::Mixed]
    }

    fn memory(&self) -> Memory {
        Memory { decode: 4, encode: 32 }
    }

    fn pace(&self, effort: Effort) -> f64 {
        match effort {
            Effort::Fast => 0.3,
            Effort::Balanced => 0.7,
            Effort::Max => 1.3,
        }
    }

    fn encoders(&self) -> &'static [&'static dyn Encoder] {
        &[&encode::Lossy, &encode::Lossless, &encode::NearLossless]
    }
}
