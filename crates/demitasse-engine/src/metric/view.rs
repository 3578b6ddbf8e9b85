//! What a viewer shows: the pixels that the metric compares.

use std::borrow::Cow;
use std::ops::Range;

use crate::color::ToSrgb;
use crate::image::{Image, Layout, Samples};

/// What is behind transparent pixels. Both are looked at, because either may hide a difference that the other shows.
const BACKDROPS: [u8; 2] = [255, 0];

/// Interleaved sRGB pixels, 8 bits a sample, three samples a pixel, no padding.
pub(crate) type Rgb8<'a> = Cow<'a, [u8]>;

/// An image as a viewer shows it: profile converted to sRGB, alpha over white and over black, 16 bits rounded to 8.
///
/// A profile that cannot be used is ignored, as viewers ignore it.
pub(crate) struct View<'a> {
    image: &'a Image,
    to_srgb: ToSrgb,
}

impl<'a> View<'a> {
    pub(crate) fn new(image: &'a Image) -> Self {
        Self { image, to_srgb: ToSrgb::new(image.layout.is_gray(), image.profile.as_deref()) }
    }

    /// How many pictures there are: one, or one for each backdrop.
    pub(crate) fn pictures(&self) -> usize {
        if self.image.layout.has_alpha() { BACKDROPS.len() } else { 1 }
    }

    /// Rows of every picture. Cost: linear in the rows' pixels; nothing is copied of an 8-bit sRGB image.
    pub(crate) fn rows(&self, rows: Range<usize>) -> Vec<Rgb8<'a>> {
        let channels = self.image.layout.channels();
        let row = self.image.width as usize * channels;
        let band = rows.start * row..rows.end * row;
        let samples: Rgb8<'a> = match self.image.samples() {
            Samples::U8(samples) => Cow::Borrowed(&samples[band]),
            Samples::U16(samples) => samples[band].iter().map(|sample| to_8_bits(*sample)).collect(),
        };
        if !self.image.layout.has_alpha() {
            return vec![self.convert(samples)];
        }
        let (color, alpha) = split(&samples, self.image.layout);
        let rgb = self.convert(color.into());
        BACKDROPS.iter().map(|backdrop| blend(&rgb, &alpha, *backdrop).into()).collect()
    }

    fn convert<'s>(&self, samples: Rgb8<'s>) -> Rgb8<'s> {
        if self.to_srgb.is_identity() { samples } else { self.to_srgb.convert(&samples).into() }
    }
}

/// 65,535 to 255, rounded: 65,535 / 255 = 257.
pub(crate) fn to_8_bits(sample: u16) -> u8 {
    ((u32::from(sample) + 128) / 257) as u8
}

/// Colour samples (gray: 1 a pixel, else 3) and alpha apart.
fn split(samples: &[u8], layout: Layout) -> (Vec<u8>, Vec<u8>) {
    let channels = layout.channels();
    let pixels = samples.chunks_exact(channels);
    let alpha = pixels.clone().map(|pixel| pixel[channels - 1]).collect();
    (pixels.flat_map(|pixel| &pixel[..channels - 1]).copied().collect(), alpha)
}

/// Blends over a grey backdrop, in non-linear sRGB as browsers do, rounded.
fn blend(rgb: &[u8], alpha: &[u8], backdrop: u8) -> Vec<u8> {
    let over = |sample: u8, alpha: u8| {
        let sum = u32::from(sample) * u32::from(alpha) + u32::from(backdrop) * u32::from(255 - alpha);
        ((sum + 127) / 255) as u8
    };
    rgb.chunks_exact(3)
        .zip(alpha)
        .flat_map(|(pixel, alpha)| [pixel[0], pixel[1], pixel[2]].map(|s| over(s, *alpha)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transparent_pixel_shows_white_and_black() {
        let image = Image::still(1, 1, Layout::Rgba, Samples::U8(vec![10, 20, 30, 0]), None);
        assert_eq!(View::new(&image).rows(0..1), [vec![255; 3], vec![0; 3]]);
    }

    #[test]
    fn a_half_transparent_pixel_is_blended() {
        let image = Image::still(1, 1, Layout::GrayAlpha, Samples::U8(vec![100, 51]), None);
        // 51/255 is a fifth: 100/5 + 255*4/5 = 224; 100/5 = 20.
        assert_eq!(View::new(&image).rows(0..1), [vec![224; 3], vec![20; 3]]);
    }

    #[test]
    fn sixteen_bits_are_rounded_to_eight() {
        assert_eq!([0, 128, 129, 257, 65_407, 65_535].map(to_8_bits), [0, 0, 1, 1, 255, 255]);
    }
}
