//! What a viewer shows: the pixels that the metric compares.

use crate::color;
use crate::image::{Image, Layout, Samples};
use crate::metric::sampling::Sampling;

/// What is behind transparent pixels. Both are looked at, because either may hide a difference that the other shows.
const BACKDROPS: [u8; 2] = [255, 0];

/// Interleaved sRGB pixels, 8 bits a sample, three samples a pixel, no padding.
pub(crate) type Rgb8 = Vec<u8>;

/// Renders the tiles of `sampling`, put side by side, as a viewer shows them: profile converted to sRGB, alpha over
/// white and over black (two pictures), 16 bits rounded to 8. An image without alpha gives one picture.
///
/// A profile that cannot be used is ignored, as viewers ignore it. Cost: linear in the pixels looked at.
pub(crate) fn render(image: &Image, sampling: &Sampling) -> Vec<Rgb8> {
    let channels = image.layout.channels();
    let samples = match image.samples() {
        Samples::U8(samples) => sampling.mosaic(samples, image.width, channels),
        Samples::U16(samples) => {
            sampling.mosaic(samples, image.width, channels).into_iter().map(to_8_bits).collect()
        }
    };
    let (color, alpha) = split(&samples, image.layout);
    let rgb = color::to_srgb8(&color, image.layout.is_gray(), image.profile.as_deref());
    match alpha {
        None => vec![rgb],
        Some(alpha) => BACKDROPS.iter().map(|backdrop| blend(&rgb, &alpha, *backdrop)).collect(),
    }
}

/// 65,535 to 255, rounded: 65,535 / 255 = 257.
pub(crate) fn to_8_bits(sample: u16) -> u8 {
    ((u32::from(sample) + 128) / 257) as u8
}

/// Colour samples (gray: 1 a pixel, else 3) and alpha apart.
fn split(samples: &[u8], layout: Layout) -> (Vec<u8>, Option<Vec<u8>>) {
    if !layout.has_alpha() {
        return (samples.to_vec(), None);
    }
    let channels = layout.channels();
    let pixels = samples.chunks_exact(channels);
    let alpha = pixels.clone().map(|pixel| pixel[channels - 1]).collect();
    (pixels.flat_map(|pixel| &pixel[..channels - 1]).copied().collect(), Some(alpha))
}

/// Blends over a grey backdrop, in non-linear sRGB as browsers do, rounded.
fn blend(rgb: &[u8], alpha: &[u8], backdrop: u8) -> Rgb8 {
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
        assert_eq!(render(&image, &Sampling::whole(1, 1)), [vec![255; 3], vec![0; 3]]);
    }

    #[test]
    fn a_half_transparent_pixel_is_blended() {
        let image = Image::still(1, 1, Layout::GrayAlpha, Samples::U8(vec![100, 51]), None);
        // 51/255 is a fifth: 100/5 + 255*4/5 = 224; 100/5 = 20.
        assert_eq!(render(&image, &Sampling::whole(1, 1)), [vec![224; 3], vec![20; 3]]);
    }

    #[test]
    fn sixteen_bits_are_rounded_to_eight() {
        assert_eq!([0, 128, 129, 257, 65_407, 65_535].map(to_8_bits), [0, 0, 1, 1, 255, 255]);
    }
}
