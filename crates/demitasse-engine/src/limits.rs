//! What the engine is willing to take, checked from the header before a pixel is decoded.

use serde::{Deserialize, Serialize};

use crate::codec::Header;
use crate::{Error, Result};

/// The limits on an input. Strict: nothing above them is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Bytes of the file. Default 100 MB (10^8).
    pub max_bytes: u64,
    /// Width x height of the canvas, in pixels. Default 100 megapixels (10^8).
    pub max_pixels: u64,
    /// Width or height, in pixels. Default 65,500: what JPEG can carry, rounded down.
    pub max_dimension: u32,
    /// Frames of an animation that is decoded; one with more is kept as it is. Default 10,000.
    pub max_frames: u32,
    /// Pixels of all its frames together, each as large as the canvas. Default 1,000 megapixels (10^9).
    pub max_animation_pixels: u64,
    /// Bytes of one piece of metadata (an ICC profile, EXIF, a text chunk) after decompression; of a PNG, of all of them together.
    /// Default 16 MB.
    pub max_metadata_bytes: u64,
    /// Bytes that a call may allocate, if there is a bound: what is predicted to need more is refused
    /// ([`crate::memory_needed`]). Default none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_memory: Option<u64>,
    /// Seconds of processor time that a call may take, if there is a bound: of several formats that may come out, those are
    /// not tried whose search is predicted to take more. Default none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_cpu_seconds: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_bytes: 100_000_000,
            max_pixels: 100_000_000,
            max_dimension: 65_500,
            max_frames: 10_000,
            max_animation_pixels: 1_000_000_000,
            max_metadata_bytes: 16_000_000,
            max_memory: None,
            max_cpu_seconds: None,
        }
    }
}

impl Limits {
    pub(crate) fn check_bytes(&self, bytes: usize) -> Result<()> {
        within("bytes", bytes as u64, self.max_bytes)
    }

    pub(crate) fn check_header(&self, header: &Header) -> Result<()> {
        if header.format.capabilities().vector {
            // The size that it claims costs nothing until it is drawn so large: `Codec::decode` looks then.
            return Ok(());
        }
        self.check_size(header.width, header.height)
    }

    /// Checks what is to be made as strictly as what comes in.
    pub(crate) fn check_size(&self, width: u32, height: u32) -> Result<()> {
        within("columns", width.into(), self.max_dimension.into())?;
        within("rows", height.into(), self.max_dimension.into())?;
        within("pixels", u64::from(width) * u64::from(height), self.max_pixels)
    }
}

fn within(limit: &'static str, actual: u64, allowed: u64) -> Result<()> {
    if actual > allowed {
        return Err(Error::LimitExceeded { limit, actual, allowed });
    }
    Ok(())
}
