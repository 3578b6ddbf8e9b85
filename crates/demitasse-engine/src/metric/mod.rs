//! How far a decoded result is from its original, on the SSIMULACRA2 scale.
//!
//! [`Evaluator`] holds the original and compares any number of results with it: the whole image, every pixel, and each of
//! its tiles.

pub(crate) mod ssimulacra2;
pub(crate) mod view;

use crate::image::Image;
use crate::report::{Measurement, Scope, Tile};
use crate::{Control, Result, Score};
use ssimulacra2::Comparison;
use view::View;

/// The metric's name in reports.
const NAME: &str = "ssimulacra2";
/// Rows between two looks at the control; so many are converted at a time.
const BAND: usize = 64;

/// A region of an image, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rect {
    /// Left edge.
    pub x: u32,
    /// Top edge.
    pub y: u32,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

/// An original, for comparisons with what became of it.
pub(crate) struct Evaluator<'a> {
    original: &'a Image,
    view: View<'a>,
}

/// What a comparison found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scored {
    /// Of the whole image; with alpha the lower of the two backdrops' scores.
    pub whole: Score,
    /// The tile with the lowest score, where there are several.
    pub worst_tile: Option<Tile>,
}

impl Scored {
    /// What goes into the receipt.
    pub(crate) fn measurement(&self) -> Measurement {
        Measurement {
            metric: NAME.into(),
            value: self.whole,
            scope: Scope::Whole,
            tiles: 1,
            share: 1.0,
            worst_tile: self.worst_tile,
        }
    }
}

impl<'a> Evaluator<'a> {
    /// Costs nothing: the original is looked at with each result.
    pub(crate) fn new(original: &'a Image) -> Self {
        Self { original, view: View::new(original) }
    }

    /// Scores `result`, which has the original's size.
    ///
    /// # Errors
    /// `DeadlineExceeded`, `Cancelled`.
    ///
    /// Cost: about 10 ns of one core for each pixel, twice that with alpha; memory for some hundred rows.
    pub(crate) fn score(&self, result: &Image, control: &Control) -> Result<Scored> {
        let (width, height) = (self.original.width, self.original.height);
        let result = View::new(result);
        // A result without alpha beside an original with it is opaque over both backdrops; and the reverse.
        let pictures = self.view.pictures().max(result.pictures());
        let mut comparisons: Vec<_> = (0..pictures).map(|_| Comparison::new(width, height)).collect();
        for top in (0..height as usize).step_by(BAND) {
            control.check()?;
            let rows = top..(top + BAND).min(height as usize);
            let (references, results) = (self.view.rows(rows.clone()), result.rows(rows));
            for (picture, comparison) in comparisons.iter_mut().enumerate() {
                let of = |pictures: &[view::Rgb8<'_>]| picture.min(pictures.len() - 1);
                comparison.push(&references[of(&references)], &results[of(&results)]);
            }
        }
        let scores = comparisons.into_iter().map(Comparison::finish);
        let lowest = scores.min_by(|a, b| a.whole.total_cmp(&b.whole));
        let (whole, tiles) = lowest.map_or((100.0, Vec::new()), |scores| (scores.whole, scores.tiles));
        let worst = tiles.iter().min_by(|a, b| a.1.total_cmp(&b.1)).filter(|_| tiles.len() > 1);
        Ok(Scored { whole: Score(whole), worst_tile: worst.map(|(place, score)| tile(*place, *score)) })
    }
}

fn tile(place: Rect, score: f64) -> Tile {
    let Rect { x, y, width, height } = place;
    Tile { x, y, width, height, score: Score(score) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::{Layout, Samples};

    fn ramp(width: u32, height: u32, offset: u8) -> Image {
        let samples = (0..width * height).map(|i| ((i * 7 + i / width * 3) % 200) as u8 + offset).collect();
        Image::still(width, height, Layout::Gray, Samples::U8(samples), None)
    }

    fn score(original: &Image, result: &Image) -> Scored {
        Evaluator::new(original).score(result, &Control::new()).unwrap()
    }

    #[test]
    fn an_identical_image_scores_100() {
        let image = ramp(64, 48, 0);
        assert_eq!(score(&image, &image), Scored { whole: Score(100.0), worst_tile: None });
    }

    #[test]
    fn a_larger_difference_scores_lower() {
        let [near, far] = [2, 40].map(|offset| score(&ramp(64, 48, 0), &ramp(64, 48, offset)).whole);
        assert!(far < near && near < Score(100.0), "{far:?} {near:?}");
    }

    #[test]
    fn a_difference_that_only_one_backdrop_shows_counts() {
        let with = |pixel: [u8; 4]| {
            let samples = pixel.iter().copied().cycle().take(64 * 64 * 4).collect();
            Image::still(64, 64, Layout::Rgba, Samples::U8(samples), None)
        };
        let lost = score(&with([255, 255, 255, 128]), &with([255, 255, 255, 255]));
        assert!(lost.whole < Score(90.0), "{lost:?}");
        assert_eq!(score(&with([255, 0, 0, 0]), &with([0, 255, 0, 0])).whole, Score(100.0));
    }

    #[test]
    fn an_image_of_a_few_pixels_can_be_scored() {
        let image = ramp(3, 2, 0);
        assert_eq!(score(&image, &image).whole, Score(100.0));
    }

    #[test]
    fn a_cancelled_comparison_stops() {
        let control = Control::new();
        control.cancel();
        let image = ramp(64, 48, 0);
        assert_eq!(Evaluator::new(&image).score(&image, &control).unwrap_err().code(), "cancelled");
    }
}
