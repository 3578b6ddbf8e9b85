//! PNG (W3C PNG, third edition) and what is needed of APNG.
//!
//! - `container`: chunks, walked without decoding; header, metadata and [`strip`](Codec::strip) share the walk.
//! - `animation`: the frames of an APNG, each as a PNG of its own.
//! - `animator`: the encoder of an APNG's frames, by `oxipng`.
//! - `decode`: pixels, by the crate `png`.
//! - `lossless`: the encoder that keeps every pixel, by `oxipng`.
//! - `palette`: the encoder with at most 256 colours, packed by `oxipng`.
//!
//! Colour: `iCCP` is the profile. `cICP`, `sRGB`, `gAMA` and `cHRM` describe colours too; they are no private data and
//! stay in every PNG that is made from a PNG, unless they say what is assumed without them (`container::color_chunks`). Other formats cannot carry them:
//! [`Metadata::own_color`] tells.

mod animation;
mod animator;
mod capabilities;
mod container;
mod decode;
mod lossless;
mod metadata;
mod palette;
#[cfg(test)]
mod tests;

use super::animation::{Patches, Timeline};
use super::{Animator, Codec, Decoded, Encoder, Header, Memory};
use crate::metadata::{Embedded, Metadata};
use crate::{Control, Effort, Limits, Result};

pub(crate) use self::capabilities::CAPABILITIES;

pub(crate) struct Png;

impl Codec for Png {
    fn read_header(&self, bytes: &[u8]) -> Result<Header> {
        container::read_header(bytes)
    }

    fn read_metadata(&self, bytes: &[u8], limits: &Limits) -> Result<Metadata> {
        metadata::read(bytes, limits)
    }

    fn decode(&self, bytes: &[u8], limits: &Limits, control: &Control) -> Result<Decoded> {
        decode::decode(bytes, limits, control)
    }

    fn strip(&self, bytes: &[u8], keep: &Embedded) -> Result<Vec<u8>> {
        container::strip(bytes, keep)
    }

    fn timeline(&self, bytes: &[u8], limits: &Limits) -> Result<Timeline> {
        animation::timeline(bytes, limits)
    }

    fn patches<'a>(&self, bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Patches + 'a>> {
        Ok(Box::new(animation::PngPatches::new(bytes, limits)?))
    }

    fn animators(&self) -> &'static [&'static dyn Animator] {
        &[&animator::Lossless]
    }

    fn memory(&self) -> Memory {
        Memory { decode: 8, encode: 24 }
    }

    fn pace(&self, _effort: Effort) -> f64 {
        3.0
    }

    fn encoders(&self) -> &'static [&'static dyn Encoder] {
        &[&lossless::Lossless, &palette::Palette]
    }
}
