//! SSIMULACRA 2.1, a row at a time: the score of a whole image and of its tiles, in one pass.
//!
//! The published metric keeps some thirty planes of the image in memory. Here every scale remembers the nine rows that its
//! blur needs, so that memory grows with the width of the image alone and the work stays in the processor's cache; and
//! maps whose weight is next to nothing are left out. `docs/decisions/0013-metric.md` measures both.
//!
//! Source: Sneyers, SSIMULACRA 2.1 (github.com/cloudinary/ssimulacra2). The test oracle is the crate `fast-ssim2`.

mod blur;
mod kernel;
mod level;
mod recursive;
mod weights;

use std::sync::LazyLock;

use level::{Level, PLANES, TILE_SIDE, Tiling};
use pulp::{Simd, WithSimd};

use super::Rect;

/// Scales of the pyramid, each half as large as the one before.
const MAX_SCALES: usize = 6;
/// A scale is looked at if the one before it has at least this many pixels a side.
pub(crate) const MIN_SIDE: usize = 8;

/// Two images on their way past each other.
pub(crate) struct Comparison {
    width: usize,
    height: usize,
    tiling: Tiling,
    levels: Vec<Level>,
    /// The current rows, linear.
    linear: Vec<f32>,
}

/// What a comparison found.
#[derive(Debug, Clone)]
pub(crate) struct Scores {
    /// Of the whole image.
    pub whole: f64,
    /// Of each tile: the same pooling over its own pixels. One that covers everything where the image is small.
    pub tiles: Vec<(Rect, f64)>,
}

impl Comparison {
    /// Of two images of `width` x `height` pixels.
    pub(crate) fn new(width: u32, height: u32) -> Self {
        let (width, height) = (width as usize, height as usize);
        let tiling = Tiling::of(width, height);
        let sizes: Vec<_> = std::iter::successors(Some((width, height)), |(width, height)| {
            Some((width.div_ceil(2), height.div_ceil(2)))
        })
        .take(MAX_SCALES)
        .collect();
        let large_enough = sizes.iter().take_while(|(width, height)| *width.min(height) >= MIN_SIDE).count();
        // The published metric asks whether the scale before is large enough; the first is always looked at.
        let scales = (large_enough + 1).min(MAX_SCALES);
        let levels = sizes.iter().take(scales).enumerate();
        let levels = levels.map(|(scale, (w, h))| Level::new(*w, *h, scale, scales, tiling)).collect();
        Self { width, height, tiling, levels, linear: vec![0.0; PLANES * width] }
    }

    /// Takes the next rows of both: interleaved sRGB, 8 bits, three samples a pixel, whole rows.
    ///
    /// Cost: about 10 ns a pixel on one core.
    pub(crate) fn push(&mut self, reference: &[u8], distorted: &[u8]) {
        pulp::Arch::new().dispatch(Push { comparison: self, reference, distorted });
    }

    /// The scores; every row must have been pushed.
    pub(crate) fn finish(mut self) -> Scores {
        pulp::Arch::new().dispatch(Finish { levels: &mut self.levels });
        let tiles = self.tiling.columns * self.tiling.rows;
        let tiles = (0..tiles).map(|tile| (self.tile(tile), self.score(Some(tile)))).collect();
        Scores { whole: self.score(None), tiles }
    }

    fn score(&self, tile: Option<usize>) -> f64 {
        let sums: Vec<_> = self.levels.iter().map(|level| level.sums(tile)).collect();
        let pixels: Vec<_> = self.levels.iter().map(|level| level.pixels(tile)).collect();
        weights::score(&sums, &pixels)
    }

    fn tile(&self, tile: usize) -> Rect {
        let (column, row) = (tile % self.tiling.columns, tile / self.tiling.columns);
        let span = |index: usize, count: usize, whole: usize| {
            let end = if index + 1 == count { whole } else { (index + 1) * TILE_SIDE };
            ((index * TILE_SIDE) as u32, (end - index * TILE_SIDE) as u32)
        };
        let ((x, width), (y, height)) =
            (span(column, self.tiling.columns, self.width), span(row, self.tiling.rows, self.height));
        Rect { x, y, width, height }
    }
}

/// [`Comparison::push`], compiled for each instruction set. Not a closure: the compiler leaves one that is used from several
/// places out of line, and compiles it for none of them.
struct Push<'a> {
    comparison: &'a mut Comparison,
    reference: &'a [u8],
    distorted: &'a [u8],
}

impl WithSimd for Push<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let Comparison { width, levels, linear, .. } = self.comparison;
        let rows = self.reference.chunks_exact(3 * *width).zip(self.distorted.chunks_exact(3 * *width));
        for (reference, distorted) in rows {
            linearize(reference, distorted, linear, *width);
            push_row(levels, linear);
        }
    }
}

/// The rows that wait for others below them.
struct Finish<'a> {
    levels: &'a mut [Level],
}

impl WithSimd for Finish<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        finish(self.levels);
    }
}

/// Passes a row down the pyramid as far as it makes new rows.
#[inline(always)]
fn push_row(levels: &mut [Level], linear: &[f32]) {
    let Some(first) = levels.first_mut() else { return };
    let mut is_complete = first.push(linear);
    let mut scale = 1;
    while is_complete && scale < levels.len() {
        let (above, below) = levels.split_at_mut(scale);
        is_complete = below[0].push(above[scale - 1].half_row());
        scale += 1;
    }
}

#[inline(always)]
fn finish(levels: &mut [Level]) {
    for scale in 0..levels.len() {
        let has_row = levels[scale].finish();
        let (above, below) = levels.split_at_mut(scale + 1);
        if has_row {
            push_row(below, above[scale].half_row());
        }
    }
}

/// sRGB (IEC 61966-2-1) to linear light, 0 to 1.
static LINEAR: LazyLock<[f32; 256]> = LazyLock::new(|| {
    std::array::from_fn(|sample| {
        let encoded = sample as f64 / 255.0;
        let linear =
            if encoded <= 0.040_45 { encoded / 12.92 } else { ((encoded + 0.055) / 1.055).powf(2.4) };
        linear as f32
    })
});

#[inline(always)]
fn linearize(reference: &[u8], distorted: &[u8], linear: &mut [f32], width: usize) {
    let table = &*LINEAR;
    for (image, samples) in [reference, distorted].into_iter().enumerate() {
        let planes = &mut linear[3 * image * width..3 * (image + 1) * width];
        let (red, rest) = planes.split_at_mut(width);
        let (green, blue) = rest.split_at_mut(width);
        let pixels = samples.as_chunks::<3>().0.iter();
        for (((pixel, red), green), blue) in pixels.zip(red).zip(green).zip(blue) {
            *red = table[usize::from(pixel[0])];
            *green = table[usize::from(pixel[1])];
            *blue = table[usize::from(pixel[2])];
        }
    }
}

#[cfg(test)]
mod tests;
