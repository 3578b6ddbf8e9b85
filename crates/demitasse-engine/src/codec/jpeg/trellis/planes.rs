//! A row of MCUs as planes of samples.

use crate::codec::jpeg::chroma::chromas;
use crate::codec::jpeg::jpegli::Raster;

use super::dct::SIDE;

/// A few rows of one component, centred at 0.
#[derive(Default)]
pub(super) struct Plane {
    /// Row by row.
    pub samples: Vec<f32>,
    /// Samples of a row: whole blocks.
    pub width: usize,
}

/// Luma and, where there are colours, the two chromas of one row of MCUs.
pub(super) struct Strip {
    /// One or three.
    pub planes: Vec<Plane>,
    /// Chroma before it is halved.
    full: [Vec<f32>; 2],
    /// Rows and columns of pixels to one sample of chroma.
    chroma: usize,
}

impl Strip {
    /// Room for it.
    pub(super) fn new(raster: Raster<'_>, chroma: usize) -> Self {
        let mcu = SIDE * chroma;
        let width = (raster.width as usize).next_multiple_of(mcu);
        let plane =
            |part: usize| Plane { samples: vec![0.0; width / part * mcu / part], width: width / part };
        let planes = match raster.channels {
            1 => vec![plane(1)],
            _ => vec![plane(1), plane(chroma), plane(chroma)],
        };
        let full = || if chroma > 1 { vec![0.0; width * mcu] } else { Vec::new() };
        Self { planes, full: [full(), full()], chroma }
    }

    /// Rows of pixels in a row of MCUs.
    pub(super) fn rows(&self) -> usize {
        SIDE * self.chroma
    }

    /// Fills it from row `top` on. Beyond the edges the last column and the last row go on.
    ///
    /// Cost: one pass over its pixels.
    pub(super) fn fill(&mut self, raster: Raster<'_>, top: usize) {
        let (width, height) = (raster.width as usize, raster.height as usize);
        let channels = usize::from(raster.channels);
        let padded = self.planes[0].width;
        for row in 0..self.rows() {
            let from = (top + row).min(height - 1) * width * channels;
            let pixels = &raster.samples[from..from + width * channels];
            let to = row * padded..row * padded + padded;
            let [luma, chroma @ ..] = &mut self.planes[..] else { return };
            let luma = &mut luma.samples[to.clone()];
            if let [blue, red] = chroma {
                let (blue, red) = match &mut self.full {
                    _ if self.chroma == 1 => (&mut blue.samples[to.clone()], &mut red.samples[to]),
                    [blue, red] => (&mut blue[to.clone()], &mut red[to]),
                };
                colours(pixels, luma, blue, red);
                extend(blue, width);
                extend(red, width);
            } else {
                for (sample, pixel) in luma.iter_mut().zip(pixels) {
                    *sample = f32::from(*pixel) - 128.0;
                }
            }
            extend(luma, width);
        }
        if self.chroma > 1 && channels > 1 {
            for (plane, full) in self.planes[1..].iter_mut().zip(&self.full) {
                halve(full, padded, plane);
            }
        }
    }
}

/// JFIF's YCbCr (ITU-T T.871, 7), centred at 0.
fn colours(pixels: &[u8], luma: &mut [f32], blue: &mut [f32], red: &mut [f32]) {
    for (((pixel, luma), blue), red) in pixels.as_chunks::<3>().0.iter().zip(luma).zip(blue).zip(red) {
        let [r, g, b] = pixel.map(f32::from);
        *luma = 0.299 * r + 0.587 * g + 0.114 * b - 128.0;
        [*blue, *red] = chromas(pixel);
    }
}

fn extend(row: &mut [f32], width: usize) {
    let last = row[width - 1];
    row[width..].fill(last);
}

/// Means of two by two.
fn halve(full: &[f32], width: usize, half: &mut Plane) {
    for (rows, half) in full.chunks_exact(2 * width).zip(half.samples.chunks_exact_mut(width / 2)) {
        let (upper, lower) = rows.split_at(width);
        for ((half, upper), lower) in
            half.iter_mut().zip(upper.as_chunks::<2>().0).zip(lower.as_chunks::<2>().0)
        {
            *half = (upper[0] + upper[1] + lower[0] + lower[1]) * 0.25;
        }
    }
}
