//! How far a decoded result is from its original, on the SSIMULACRA2 scale.
//!
//! [`Evaluator::new`] prepares the original once; [`Evaluator::score`] compares any number of results with it.
//!
//! Source: Sneyers, SSIMULACRA 2.1 (github.com/cloudinary/ssimulacra2), as implemented by the crate `fast-ssim2`.

pub(crate) mod sampling;
pub(crate) mod view;

use fast_ssim2::{PixelDescriptor, PixelSlice, Ssimulacra2Reference};

use crate::image::Image;
use crate::report::{Measurement, Scope, Tile};
use crate::{Error, Result, Score};
use sampling::{Rect, Sampling};
use view::{Rgb8, render};

/// The metric's name in reports.
const NAME: &str = "ssimulacra2";
/// Tiles score higher than the whole image that they are part of; by how much, for each point of score that is missing
/// to 100 and for no pixel looked at: least squares over 22 images at four qualities, in
/// `docs/decisions/0003-tiles.md`. What is left has a standard deviation of 0.8.
const TILE_BIAS: f64 = 0.14;

/// What a score is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A target rests on it: as close to the whole image's as can be paid for, with the worst region beside it.
    Promise,
    /// Nothing was promised: it tells what became of the image.
    Information,
}

/// An original, prepared for many comparisons.
///
/// Holds about 110 bytes for each pixel that is looked at, twice that with alpha.
pub(crate) struct Evaluator {
    purpose: Purpose,
    sampling: Sampling,
    /// One for each backdrop: see [`render`].
    references: Vec<Ssimulacra2Reference>,
    /// The same pictures, for the tiles' own scores.
    pictures: Vec<Rgb8>,
}

impl Evaluator {
    /// Prepares `original`; looks at all of it or at tiles, by its size and
    /// the purpose alone.
    ///
    /// # Errors
    /// `Codec` if the metric refuses the picture.
    ///
    /// Cost: about 0.1 s of one core for each megapixel looked at.
    pub(crate) fn new(original: &Image, purpose: Purpose) -> Result<Self> {
        let sampling = Sampling::plan(original.width, original.height, purpose);
        let pictures = render(original, &sampling);
        let references = pictures
            .iter()
            .map(|picture| {
                Ssimulacra2Reference::new(&slice(picture, sampling.mosaic_size())?).map_err(failed)
            })
            .collect::<Result<_>>()?;
        Ok(Self { purpose, sampling, references, pictures })
    }

    /// The score of `result`, whole or on the tiles; with alpha the lower of the two backdrops' scores.
    ///
    /// # Errors
    /// `Codec` if the metric refuses the picture; the caller has checked that the dimensions are equal.
    ///
    /// Cost: about 0.12 s of one core for each megapixel looked at, twice that with alpha.
    pub(crate) fn score(&self, result: &Image) -> Result<Score> {
        let pictures = self.pictures_of(result);
        let mut lowest = f64::INFINITY;
        for (picture, reference) in pictures.iter().zip(&self.references) {
            let score = reference.compare(&slice(picture, self.sampling.mosaic_size())?).map_err(failed)?;
            lowest = lowest.min(score);
        }
        Ok(Score(self.estimate_of_whole(lowest)))
    }

    /// Takes the tiles' bias from their score: 100 stays 100, and a whole image's score stays as it is.
    fn estimate_of_whole(&self, score: f64) -> f64 {
        let unseen = 1.0 - self.sampling.share;
        score - TILE_BIAS * unseen * unseen * (100.0 - score)
    }

    /// The score of `result` for the receipt, with its worst tile where a promise rests on it. `known` is the score, if
    /// [`Evaluator::score`] gave it for these pixels already.
    ///
    /// # Errors
    /// As [`Evaluator::score`].
    ///
    /// Cost: that of [`Evaluator::score`] unless `known`; the worst tile twice that.
    pub(crate) fn measure(&self, result: &Image, known: Option<Score>) -> Result<Measurement> {
        let value = known.map_or_else(|| self.score(result), Ok)?;
        let wants_tile = self.purpose == Purpose::Promise && !self.sampling.is_whole();
        let worst_tile = wants_tile.then(|| self.worst_tile(result)).transpose()?;
        Ok(Measurement {
            metric: NAME.into(),
            value,
            scope: if self.sampling.is_whole() { Scope::Whole } else { Scope::Tiles },
            tiles: self.sampling.tiles.len() as u32,
            share: (self.sampling.share * 1e4).round() / 1e4,
            worst_tile,
        })
    }

    /// A result without alpha beside an original with it is seen as opaque over both backdrops.
    fn pictures_of(&self, result: &Image) -> Vec<Rgb8> {
        let mut pictures = render(result, &self.sampling);
        while pictures.len() < self.references.len() {
            pictures.push(pictures[0].clone());
        }
        pictures
    }

    fn worst_tile(&self, result: &Image) -> Result<Tile> {
        let pictures = self.pictures_of(result);
        let mut worst: Option<Tile> = None;
        for (index, tile) in self.sampling.tiles.iter().enumerate() {
            for (distorted, reference) in pictures.iter().zip(&self.pictures) {
                let score = self.tile_score(index, reference, distorted)?;
                if worst.is_none_or(|worst| score < worst.score) {
                    let Rect { x, y, width, height } = *tile;
                    worst = Some(Tile { x, y, width, height, score });
                }
            }
        }
        worst.ok_or_else(|| Error::codec(NAME, "no tile to score"))
    }

    fn tile_score(&self, index: usize, reference: &[u8], distorted: &[u8]) -> Result<Score> {
        let tile = self.sampling.tiles[index];
        let (column, row) = (index as u32 % self.sampling.columns, index as u32 / self.sampling.columns);
        let place = Rect { x: column * tile.width, y: row * tile.height, ..tile };
        let one = Sampling { tiles: vec![place], columns: 1, rows: 1, share: 1.0 };
        let mosaic_width = self.sampling.mosaic_size().0;
        let [reference, distorted] =
            [reference, distorted].map(|picture| one.mosaic(picture, mosaic_width, 3));
        let size = (tile.width, tile.height);
        let score = fast_ssim2::compute_ssimulacra2(&slice(&reference, size)?, &slice(&distorted, size)?);
        score.map(Score).map_err(failed)
    }
}

fn slice(picture: &[u8], (width, height): (u32, u32)) -> Result<PixelSlice<'_>> {
    PixelSlice::new(picture, width, height, width as usize * 3, PixelDescriptor::RGB8_SRGB)
        .map(PixelSlice::erase)
        .map_err(|error| Error::codec(NAME, error))
}

fn failed(error: fast_ssim2::Ssimulacra2Error) -> Error {
    Error::codec(NAME, error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::{Layout, Samples};

    fn ramp(width: u32, height: u32, offset: u8) -> Image {
        let samples = (0..width * height).map(|i| ((i * 7 + i / width * 3) % 200) as u8 + offset).collect();
        Image::still(width, height, Layout::Gray, Samples::U8(samples), None)
    }

    #[test]
    fn an_identical_image_scores_100() {
        let image = ramp(64, 48, 0);
        assert_eq!(Evaluator::new(&image, Purpose::Promise).unwrap().score(&image).unwrap(), Score(100.0));
    }

    #[test]
    fn a_larger_difference_scores_lower() {
        let evaluator = Evaluator::new(&ramp(64, 48, 0), Purpose::Promise).unwrap();
        let [near, far] = [2, 40].map(|offset| evaluator.score(&ramp(64, 48, offset)).unwrap());
        assert!(far < near && near < Score(100.0), "{far:?} {near:?}");
    }

    #[test]
    fn the_worst_tile_is_where_the_damage_is() {
        let original = ramp(2000, 1500, 0);
        let evaluator = Evaluator::new(&original, Purpose::Promise).unwrap();
        let damaged_tile = evaluator.sampling.tiles[3];
        let mut samples = original.samples_u8().unwrap().to_vec();
        for y in damaged_tile.y..damaged_tile.y + damaged_tile.height {
            let start = (y * 2000 + damaged_tile.x) as usize;
            samples[start..start + damaged_tile.width as usize].fill(128);
        }
        let damaged = Image::still(2000, 1500, Layout::Gray, Samples::U8(samples), None);
        let measurement = evaluator.measure(&damaged, None).unwrap();
        let worst = measurement.worst_tile.unwrap();
        assert_eq!((worst.x, worst.y), (damaged_tile.x, damaged_tile.y));
        assert!(worst.score < measurement.value);
        assert_eq!(measurement.scope, Scope::Tiles);
    }

    #[test]
    fn an_image_of_a_few_pixels_can_be_scored() {
        let image = ramp(3, 2, 0);
        assert_eq!(Evaluator::new(&image, Purpose::Promise).unwrap().score(&image).unwrap(), Score(100.0));
    }
}
