//! Animated WebP (RFC 9649, section 2.7.1).
//!
//! - `patches`: the frames of a file, each decoded as a WebP of its own.
//! - `animator`: frames to a file.
//! - `frames`: each encoded as a WebP of its own, as lossy or lossless as is smallest.
//! - `region`: what of a frame is new.
//!
//! Why libwebp's own encoder of animations is not used: it takes equal frames together, and here every frame stays a frame
//! (`docs/decisions/0021-animation.md`).

mod animator;
mod frames;
mod patches;
mod region;

pub(super) use self::animator::{Lossless, Mixed};
pub(super) use self::patches::{WebpPatches, timeline};

/// Parts of a second in which delays are counted.
const A_SECOND: u32 = 1000;

#[cfg(test)]
mod tests;
