//! Scores of whole images, by the metrics' own crates and nothing of the engine: SSIMULACRA2, and Butteraugli beside it.

use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use butteraugli::{ButteraugliParams, ButteraugliReference};
use fast_ssim2::{PixelDescriptor, PixelSlice, Ssimulacra2Reference};

/// A decoded picture: 8-bit sRGB, three samples a pixel, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) samples: Vec<u8>,
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

    /// As a binary PPM.
    pub(crate) fn ppm(&self) -> Vec<u8> {
        let mut bytes = format!("P6\n{} {}\n255\n", self.width, self.height).into_bytes();
        bytes.extend_from_slice(&self.samples);
        bytes
    }

    /// The part at `x`, `y`, which must lie inside.
    pub(crate) fn crop(&self, (x, y): (u32, u32), (width, height): (u32, u32)) -> Self {
        let stride = self.width as usize * 3;
        let (left, length) = (x as usize * 3, width as usize * 3);
        let rows = (y..y + height).map(|row| row as usize * stride + left);
        let samples = rows.flat_map(|start| &self.samples[start..start + length]).copied().collect();
        Self { width, height, samples }
    }

    fn slice(&self) -> Result<PixelSlice<'_>> {
        let stride = self.width as usize * 3;
        PixelSlice::new(&self.samples, self.width, self.height, stride, PixelDescriptor::RGB8_SRGB)
            .map(PixelSlice::erase)
            .map_err(|error| anyhow!("{error}"))
    }
}

/// SSIMULACRA2 of `distorted` against `reference`, both whole; 100 is identical, higher is better.
pub(crate) fn score(reference: &Picture, distorted: &Picture) -> Result<f64> {
    same_size(reference, distorted)?;
    fast_ssim2::compute_ssimulacra2(&reference.slice()?, &distorted.slice()?)
        .map_err(|error| anyhow!("{error}"))
}

fn same_size(reference: &Picture, distorted: &Picture) -> Result<()> {
    let size = |picture: &Picture| (picture.width, picture.height);
    let (before, after) = (size(reference), size(distorted));
    ensure!(before == after, "the sizes differ: {before:?}, {after:?}");
    Ok(())
}

/// A reference that many pictures are scored against; about 140 bytes a pixel.
pub(crate) struct Reference {
    pub(crate) picture: Picture,
    ssimulacra2: Ssimulacra2Reference,
    butteraugli: ButteraugliReference,
}

/// Two metrics of one picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scores {
    /// 100 is identical, higher is better.
    pub(crate) ssimulacra2: f64,
    /// Butteraugli's 3-norm at 80 nits: 0 is identical, lower is better.
    pub(crate) butteraugli: f64,
}

impl Scores {
    /// The worse of both in each metric.
    pub(crate) fn worse(self, other: Self) -> Self {
        Self {
            ssimulacra2: self.ssimulacra2.min(other.ssimulacra2),
            butteraugli: self.butteraugli.max(other.butteraugli),
        }
    }
}

impl Reference {
    /// Prepares a picture, of 8 pixels a side at least.
    pub(crate) fn new(picture: Picture) -> Result<Self> {
        let ssimulacra2 = Ssimulacra2Reference::new(&picture.slice()?).map_err(|error| anyhow!("{error}"))?;
        let (width, height) = (picture.width as usize, picture.height as usize);
        let butteraugli =
            ButteraugliReference::new(&picture.samples, width, height, ButteraugliParams::default())
                .map_err(|error| anyhow!("{error}"))?;
        Ok(Self { picture, ssimulacra2, butteraugli })
    }

    /// Scores `distorted`, whole.
    pub(crate) fn scores(&self, distorted: &Picture) -> Result<Scores> {
        same_size(&self.picture, distorted)?;
        let ssimulacra2 =
            self.ssimulacra2.compare(&distorted.slice()?).map_err(|error| anyhow!("{error}"))?;
        let butteraugli = self.butteraugli.compare(&distorted.samples).map_err(|error| anyhow!("{error}"))?;
        Ok(Scores { ssimulacra2, butteraugli: butteraugli.pnorm_3 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32, sample: impl Fn(u32) -> u8) -> Picture {
        Picture { width, height, samples: (0..width * height * 3).map(sample).collect() }
    }

    #[test]
    fn a_ppm_is_read_and_a_short_one_is_refused() {
        let read = Picture::parse(b"P6\n2 1\n255\nabcdef").unwrap();
        assert_eq!((read.width, read.height, read.samples.as_slice()), (2, 1, b"abcdef".as_slice()));
        assert_eq!(Picture::parse(&read.ppm()).unwrap(), read);
        assert!(Picture::parse(b"P6\n2 1\n255\nabcde").is_none());
        assert!(Picture::parse(b"P6").is_none());
    }

    #[test]
    fn a_crop_has_the_pixels_of_its_place() {
        let whole = picture(4, 3, |index| index as u8);
        let part = whole.crop((1, 2), (2, 1));
        assert_eq!(part, Picture { width: 2, height: 1, samples: vec![27, 28, 29, 30, 31, 32] });
    }

    #[test]
    fn a_picture_is_identical_to_itself_and_damage_is_seen_by_both_metrics() {
        let original = picture(32, 32, |index| (index * 7 % 251) as u8);
        let damaged = picture(32, 32, |index| (index * 7 % 251) as u8 & 0xe0);
        let reference = Reference::new(original.clone()).unwrap();
        let same = reference.scores(&original).unwrap();
        let worse = reference.scores(&damaged).unwrap();
        assert!(same.ssimulacra2 > 99.9 && same.butteraugli < 0.01, "{same:?}");
        assert!(worse.ssimulacra2 < same.ssimulacra2 && worse.butteraugli > same.butteraugli, "{worse:?}");
        assert!((score(&original, &damaged).unwrap() - worse.ssimulacra2).abs() < 0.01);
        assert!(reference.scores(&picture(16, 32, |_| 0)).is_err());
    }
}
