//! TIFF 6.0 (classic, with 32-bit offsets): read only, first page.
//!
//! - `container`: directories, walked without decoding; header, metadata and strip share the walk.
//! - `tree`: every image of the file and the private directories behind it, each visited once.
//! - `decode`: pixels, by the crate `tiff`, brought to gray or RGB.
//! - `strip`: private tags taken out in place, their data overwritten; offsets stay as they are.

mod capabilities;
mod container;
mod decode;
mod metadata;
mod strip;
#[cfg(test)]
mod tests;
mod tree;

use super::{Codec, Decoded, Encoder, Header, Memory};
use crate::metadata::{Embedded, Metadata};
use crate::{Control, Limits, Result};

pub(crate) use self::capabilities::CAPABILITIES;

pub(crate) struct Tiff;

impl Codec for Tiff {
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
        strip::strip(bytes, keep)
    }

    fn memory(&self) -> Memory {
        Memory { decode: 10, encode: 0 }
    }

    fn encoders(&self) -> &'static [&'static dyn Encoder] {
        &[]
    }
}
