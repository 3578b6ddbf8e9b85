//! AVIF (AV1 Image File Format 1.1), by libaom and dav1d.
//!
//! - `boxes`, `items`, `picture`: the container, walked by our own code: no byte of it reaches a C library.
//! - `metadata`, `strip`, `write`: what is beside the pixels, and files around coded pixels.
//! - `dav1d`, `matrix`, `decode`: AV1 to pixels.
//! - `planes`, `rate`, `aom`, `encode`: pixels to AV1.
//!
//! Sequences (brand `avis`), crops, layers to choose from and pictures of other codecs are refused by name.

#[expect(unsafe_code, reason = "libaom is C")]
mod aom;
mod boxes;
mod capabilities;
#[expect(unsafe_code, reason = "dav1d is C")]
mod dav1d;
mod decode;
mod encode;
mod items;
mod matrix;
mod metadata;
mod picture;
mod planes;
mod rate;
mod strip;
#[cfg(test)]
mod tests;
mod write;

use super::{Codec, Decoded, Encoder, Header, Memory};
use crate::metadata::{Embedded, Metadata};
use crate::{Control, Effort, Limits, Result};

pub(crate) use self::capabilities::CAPABILITIES;

pub(crate) struct Avif;

impl Codec for Avif {
    fn read_header(&self, bytes: &[u8]) -> Result<Header> {
        Ok(picture::Picture::read(bytes, &picture::read_items(bytes)?)?.header())
    }

    fn read_metadata(&self, bytes: &[u8], limits: &Limits) -> Result<Metadata> {
        metadata::read(bytes, limits)
    }

    fn decode(&self, bytes: &[u8], limits: &Limits, control: &Control) -> Result<Decoded> {
        decode::decode(bytes, limits, control)
    }

    fn decode_shown(&self, bytes: &[u8], limits: &Limits, control: &Control) -> Result<Decoded> {
        decode::decode_shown(bytes, limits, control)
    }

    fn strip(&self, bytes: &[u8], keep: &Embedded) -> Result<Vec<u8>> {
        strip::strip(bytes, keep)
    }

    fn memory(&self) -> Memory {
        Memory { decode: 14, encode: 175 }
    }

    fn pace(&self, effort: Effort) -> f64 {
        match effort {
            Effort::Fast => 0.4,
            Effort::Balanced => 2.5,
            Effort::Max => 12.0,
        }
    }

    fn encoders(&self) -> &'static [&'static dyn Encoder] {
        &[&encode::Lossy]
    }
}
