//! What the pixels are like: narrows the candidates and predicts their settings.
//!
//! - `colors`: how many there are, which tells drawings from photos.
//! - `texture`: how much happens between neighbouring pixels, which is what bytes go to.

mod colors;
mod texture;

use serde::{Deserialize, Serialize};

pub use texture::{FEATURES, Features};

use crate::image::Image;

/// What kind of picture it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Content {
    /// Natural texture everywhere: a photo, a painting.
    Photo,
    /// Few colours or large flat regions: a drawing, a chart, a screenshot.
    Graphic,
    /// A graphic whose edges are letters: thin, of high contrast, on a flat ground.
    Text,
    /// Every pixel differs from its neighbours: scanned grain, noise.
    Noise,
}

/// What is known of an image before anything is encoded. Depends on the pixels alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Analysis {
    /// What kind of picture it is.
    pub content: Content,
    /// For predictions.
    pub features: Features,
}

/// Of the blocks that were looked at, so many must be of one colour in a graphic of many colours: drawings, screenshots and
/// charts have a third and more, photos a tenth at most, however smooth they are (`docs/decisions/0015-choice.md`).
const EVEN_IN_A_GRAPHIC: f64 = 0.3;
/// The same of one that has few colours: a gray photo has few, too.
const EVEN_OF_FEW_COLORS: f64 = 0.03;
/// Mean step between neighbours, in levels of 255, in the blocks of letters that are not flat.
const STEP_IN_TEXT: f64 = 12.0;
/// Texture above this, in levels, that is as strong across two pixels as across one, is noise.
const NOISE: f64 = 14.0;

impl Analysis {
    /// Looks at the first frame. Cost: one pass over the colours, cut short in photos, and 4,096 blocks at most.
    pub fn of(image: &Image) -> Self {
        Self::of_sample(image, image.pixels())
    }

    /// The same of an image of so many pixels, of which this is a sample.
    pub(crate) fn of_sample(image: &Image, pixels: u64) -> Self {
        let colors = colors::count(image);
        let texture = texture::measure(image, pixels);
        let is_even = |least| texture.even_share > least;
        let is_graphic = colors.are_very_few()
            || is_even(EVEN_IN_A_GRAPHIC)
            || colors.are_few(image.pixels()) && is_even(EVEN_OF_FEW_COLORS);
        let content = if is_graphic && texture.step_where_busy > STEP_IN_TEXT {
            Content::Text
        } else if is_graphic {
            Content::Graphic
        } else if texture.is_noise(NOISE) {
            Content::Noise
        } else {
            Content::Photo
        };
        Self { content, features: texture.features }
    }

    /// Whether a lossless encoder may beat a lossy one: few colours, or much that is flat.
    pub fn is_graphic(&self) -> bool {
        matches!(self.content, Content::Graphic | Content::Text)
    }
}

#[cfg(test)]
mod tests;
