//! GIF (GIF87a, GIF89a): read only.
//!
//! - `container`: blocks, walked without decoding; header, metadata and strip share the walk.
//! - `decode`: the one frame of a still GIF, by the crate `gif`, laid on its canvas.
//!
//! A GIF can embed nothing but comments: what [`strip`](Codec::strip) is asked to keep has no place in it.

mod capabilities;
mod container;
mod decode;
#[cfg(test)]
mod tests;

use super::{Codec, Decoded, Encoder, Header, Memory};
use crate::metadata::{Embedded, Metadata};
use crate::{Control, Limits, Result};

pub(crate) use self::capabilities::CAPABILITIES;

pub(crate) struct Gif;

impl Codec for Gif {
    fn read_header(&self, bytes: &[u8]) -> Result<Header> {
        container::read_header(bytes)
    }

    fn read_metadata(&self, bytes: &[u8], _limits: &Limits) -> Result<Metadata> {
        container::read_metadata(bytes)
    }

    fn decode(&self, bytes: &[u8], limits: &Limits, control: &Control) -> Result<Decoded> {
        decode::decode(bytes, limits, control)
    }

    fn strip(&self, bytes: &[u8], _keep: &Embedded) -> Result<Vec<u8>> {
        container::strip(bytes)
    }

    fn memory(&self) -> Memory {
        Memory { decode: 5, encode: 0 }
    }

    fn encoders(&self) -> &'static [&'static dyn Encoder] {
        &[]
    }
}
