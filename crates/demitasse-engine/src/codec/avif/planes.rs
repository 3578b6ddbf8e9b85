//! From pixels to planes: what the encoder takes.

use super::matrix::{BT601, Matrix};
use crate::image::{Image, Layout, Samples};

/// Samples of one picture, in planes of 16-bit numbers.
pub(super) struct Planes {
    /// Size in pixels.
    pub width: u32,
    pub height: u32,
    /// How many bits of the numbers are used.
    pub bits: u8,
    /// Luma or alpha; `width x height`.
    pub luma: Vec<u16>,
    /// Blue and red differences, none for gray.
    pub chroma: Option<Chroma>,
}

/// The two planes of colour.
pub(super) struct Chroma {
    /// Whether they are half as wide and half as high, rounded up.
    pub halved: bool,
    pub blue: Vec<u16>,
    pub red: Vec<u16>,
}

impl Planes {
    /// Luma and colour of an image: BT.601, full range, of `bits` bits; halved colour is the mean of four pixels. None
    /// for a gray one.
    ///
    /// Cost: two passes; 2 bytes a plane and pixel, and 8 more while colour is halved.
    pub(super) fn of_color(image: &Image, bits: u8, halved: bool) -> Self {
        match image.samples() {
            Samples::U8(samples) => of_samples(image, samples, 255.0, bits, halved),
            Samples::U16(samples) => of_samples(image, samples, 65_535.0, bits, halved),
        }
    }

    /// The alpha of an image that has it.
    pub(super) fn of_alpha(image: &Image, bits: u8) -> Self {
        let (channels, max) = (image.layout.channels(), (1_u32 << bits) - 1);
        let alpha = |sample: u32, from: u32| ((sample * max + from / 2) / from) as u16;
        let luma = match image.samples() {
            Samples::U8(samples) => {
                samples.chunks_exact(channels).map(|pixel| alpha(pixel[channels - 1].into(), 255)).collect()
            }
            Samples::U16(samples) => samples
                .chunks_exact(channels)
                .map(|pixel| alpha(pixel[channels - 1].into(), 65_535))
                .collect(),
        };
        Self { width: image.width, height: image.height, bits, luma, chroma: None }
    }
}

fn max(bits: u8) -> f32 {
    f32::from((1_u16 << bits) - 1)
}

fn of_samples<T: Copy + Into<f32>>(
    image: &Image,
    samples: &[T],
    full: f32,
    bits: u8,
    halved: bool,
) -> Planes {
    let (channels, max) = (image.layout.channels(), max(bits));
    let pixels = samples.chunks_exact(channels);
    let (width, height) = (image.width, image.height);
    if matches!(image.layout, Layout::Gray | Layout::GrayAlpha) {
        let luma = pixels.map(|pixel| round(pixel[0].into() / full, 0.0, max)).collect();
        return Planes { width, height, bits, luma, chroma: None };
    }
    let Matrix::Weights { red, blue } = BT601 else { unreachable!("it is one of weights") };
    let mut luma = Vec::with_capacity(pixels.len());
    let [mut u, mut v] = [0, 1].map(|_| Vec::with_capacity(pixels.len()));
    for pixel in pixels {
        let [r, g, b] = [pixel[0], pixel[1], pixel[2]].map(|sample| sample.into() / full);
        let y = red * r + (1.0 - red - blue) * g + blue * b;
        luma.push(round(y, 0.0, max));
        u.push((b - y) / (2.0 * (1.0 - blue)));
        v.push((r - y) / (2.0 * (1.0 - red)));
    }
    let middle = f32::from(1_u16 << (bits - 1));
    let [blue, red] = [u, v].map(|plane| {
        let plane = if halved { halve(&plane, width as usize) } else { plane };
        plane.into_iter().map(|value| round(value, middle, max)).collect()
    });
    Planes { width, height, bits, luma, chroma: Some(Chroma { halved, blue, red }) }
}

fn round(value: f32, offset: f32, max: f32) -> u16 {
    (value * max + offset + 0.5).clamp(0.0, max) as u16
}

/// The mean of each four, or of as many as there are.
fn halve(plane: &[f32], width: usize) -> Vec<f32> {
    let mut halved = Vec::with_capacity(plane.len() / 4 + width);
    for rows in plane.chunks(2 * width) {
        let (upper, lower) = rows.split_at(width);
        let lower = if lower.is_empty() { upper } else { lower };
        for (upper, lower) in upper.chunks(2).zip(lower.chunks(2)) {
            let count = 2 * upper.len();
            halved.push(upper.iter().chain(lower).sum::<f32>() / count as f32);
        }
    }
    halved
}
