//! GIF (GIF87a, GIF89a): read, and animations written.
//!
//! - `container`: blocks, walked without decoding; header, metadata and strip share the walk.
//! - `decode`: the one frame of a still GIF, by the crate `gif`, laid on its canvas.
//! - `patches`: the frames of an animation, likewise.
//! - `animator`: animations, written by our own code.
//!
//! A GIF can embed nothing but comments and application extensions: of what [`strip`](Codec::strip) is asked to keep,
//! a mark stays where it is, and nothing else has a place.

mod animator;
mod capabilities;
mod container;
mod decode;
mod patches;
#[cfg(test)]
mod tests;

use super::animation::{Patches, Timeline};
use super::{Animator, Codec, Decoded, Encoder, Header, Memory};
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

    fn timeline(&self, bytes: &[u8], limits: &Limits) -> Result<Timeline> {
        patches::timeline(bytes, limits)
    }

    fn patches<'a>(&self, bytes: &'a [u8], _limits: &Limits) -> Result<Box<dyn Patches + 'a>> {
        Ok(Box::new(patches::GifPatches::new(bytes)?))
    }

    fn animators(&self) -> &'static [&'static dyn Animator] {
        &[&animator::Lossless, &animator::DITHERED, &animator::PLAIN]
    }

    fn memory(&self) -> Memory {
        Memory { decode: 5, encode: 0 }
    }

    fn encoders(&self) -> &'static [&'static dyn Encoder] {
        &[]
    }
}
