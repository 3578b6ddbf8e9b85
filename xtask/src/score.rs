//! SSIMULACRA2 of whole images, by the metric's own crate and nothing of the engine.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use fast_ssim2::{PixelDescriptor, PixelSlice};

/// A decoded picture: 8-bit sRGB, three samples a pixel, row by row.
pub(crate) struct Picture {
    width: u32,
    height: u32,
    samples: Vec<u8>,
}

impl Picture {
    /// Reads a binary PPM with 255 as its maximum.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path)?;
        Self::parse(&bytes).with_context(|| format!("{} is no PPM", path.display()))
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let mut field = || {
            let start = rest.iter().position(|byte| !byte.is_ascii_whitespace())?;
            let length = rest[start..].iter().position(u8::is_ascii_whitespace)?;
            let text = std::str::from_utf8(&rest[start..start + length]).ok()?;
            rest = &rest[start + length..];
            Some(text.to_owned())
        };
        let (magic, width, height, most) =
            (field()?, field()?.parse().ok()?, field()?.parse().ok()?, field()?);
        let samples = rest.get(1..)?.to_vec();
        let is_whole = samples.len() as u64 == 3 * u64::from(width) * u64::from(height);
        (magic == "P6" && most == "255" && is_whole).then_some(Self { width, height, samples })
    }

    pub(crate) fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    fn slice(&self) -> Result<PixelSlice<'_>> {
        let stride = self.width as usize * 3;
        PixelSlice::new(&self.samples, self.width, self.height, stride, PixelDescriptor::RGB8_SRGB)
            .map(PixelSlice::erase)
            .map_err(|error| anyhow::anyhow!("{error}"))
    }
}

/// Scores `distorted` against `reference`, both whole.
pub(crate) fn score(reference: &Picture, distorted: &Picture) -> Result<f64> {
    let size = |picture: &Picture| (picture.width, picture.height);
    ensure!(
        size(reference) == size(distorted),
        "the sizes differ: {:?}, {:?}",
        size(reference),
        size(distorted)
    );
    fast_ssim2::compute_ssimulacra2(&reference.slice()?, &distorted.slice()?)
        .map_err(|error| anyhow::anyhow!("{error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ppm_is_read_and_a_short_one_is_refused() {
        let picture = Picture::parse(b"P6\n2 1\n255\nabcdef").unwrap();
        assert_eq!((picture.width, picture.height, picture.samples.as_slice()), (2, 1, b"abcdef".as_slice()));
        assert!(Picture::parse(b"P6\n2 1\n255\nabcde").is_none());
        assert!(Picture::parse(b"P6").is_none());
    }
}
