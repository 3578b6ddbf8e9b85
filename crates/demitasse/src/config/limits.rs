//! What an image may be.

use clap::Args;
use demitasse_engine::Limits;

/// What an image may be.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// Largest upload, in bytes
    #[arg(long, env = "DEMITASSE_MAX_BYTES", value_name = "BYTES", default_value_t = Limits::default().max_bytes)]
    pub max_bytes: u64,

    /// Largest image, in pixels (width x height)
    #[arg(long, env = "DEMITASSE_MAX_PIXELS", value_name = "PIXELS", default_value_t = Limits::default().max_pixels)]
    pub max_pixels: u64,

    /// Longest side, in pixels
    #[arg(long, env = "DEMITASSE_MAX_SIDE", value_name = "PIXELS", default_value_t = Limits::default().max_dimension)]
    pub max_side: u32,

    /// Frames of an animation; one with more is kept as it is
    #[arg(long, env = "DEMITASSE_MAX_FRAMES", value_name = "N", default_value_t = Limits::default().max_frames)]
    pub max_frames: u32,

    /// Pixels of all its frames together, each as large as the canvas; one with more is kept as it is
    #[arg(
        long,
        env = "DEMITASSE_MAX_ANIMATION_PIXELS",
        value_name = "PIXELS",
        default_value_t = Limits::default().max_animation_pixels
    )]
    pub max_animation_pixels: u64,

    /// Bytes of one piece of metadata (a profile, EXIF, a text), unpacked; of a PNG, of all together
    #[arg(
        long,
        env = "DEMITASSE_MAX_METADATA_BYTES",
        value_name = "BYTES",
        default_value_t = Limits::default().max_metadata_bytes
    )]
    pub max_metadata_bytes: u64,
}

impl LimitArgs {
    pub(super) fn resolve(&self) -> Limits {
        Limits {
            max_bytes: self.max_bytes,
            max_pixels: self.max_pixels,
            max_dimension: self.max_side,
            max_frames: self.max_frames,
            max_animation_pixels: self.max_animation_pixels,
            max_metadata_bytes: self.max_metadata_bytes,
            ..Limits::default()
        }
    }

    /// Flags whose value must not be 0, with it.
    pub(super) fn positive(&self) -> [(&'static str, u64); 6] {
        [
            ("--max-bytes", self.max_bytes),
            ("--max-pixels", self.max_pixels),
            ("--max-side", self.max_side.into()),
            ("--max-frames", self.max_frames.into()),
            ("--max-animation-pixels", self.max_animation_pixels),
            ("--max-metadata-bytes", self.max_metadata_bytes),
        ]
    }
}
