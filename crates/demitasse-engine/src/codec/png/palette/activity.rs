//! How much goes on around each pixel.

/// Side of the blocks, in pixels.
const SIDE: usize = 4;

/// The variance of lightness around each block of 4 x 4 pixels, on a scale from 0 to 0.25. What is transparent counts as
/// black.
pub(super) struct Activity {
    variances: Vec<f32>,
    /// Blocks in a row.
    across: usize,
}

impl Activity {
    /// Of rows of `width` pixels. Cost: a pass; memory: half a byte a pixel.
    pub(super) fn of(pixels: &[[u8; 4]], width: usize) -> Self {
        let across = width.div_ceil(SIDE);
        let own: Vec<f32> =
            pixels.chunks(width * SIDE).flat_map(|band| band_variances(band, width, across)).collect();
        Self { variances: smoothed(&own, across), across }
    }

    /// The blocks of row `y`; pixel `x` lies in block `x / 4`.
    pub(super) fn row(&self, y: usize) -> &[f32] {
        &self.variances[y / SIDE * self.across..][..self.across]
    }

    /// The block of pixel `x` in [`Activity::row`].
    pub(super) fn block(x: usize) -> usize {
        x / SIDE
    }
}

/// The variance inside each block of a band of at most four rows.
fn band_variances(band: &[[u8; 4]], width: usize, across: usize) -> Vec<f32> {
    let mut sums = vec![(0_u32, 0_u32, 0_u32); across];
    for row in band.chunks(width) {
        for (sum, block) in sums.iter_mut().zip(row.chunks(SIDE)) {
            for lightness in block.iter().copied().map(lightness) {
                *sum = (sum.0 + 1, sum.1 + lightness, sum.2 + lightness * lightness);
            }
        }
    }
    let variance = |(count, sum, squares): (u32, u32, u32)| {
        // 16 x 255 squared, times 16, fits in 32 bits; so the difference is exact.
        (count * squares - sum * sum) as f32 / (count * count) as f32 / (255.0 * 255.0)
    };
    sums.into_iter().map(variance).collect()
}

/// Rec. 601 luma over black, 0 to 255.
fn lightness([r, g, b, alpha]: [u8; 4]) -> u32 {
    let luma = (u32::from(r) * 77 + u32::from(g) * 150 + u32::from(b) * 29 + 128) >> 8;
    (luma * u32::from(alpha) + 127) / 255
}

/// Means over each block, twice, and its neighbours: about the reach of the metric's own window.
fn smoothed(own: &[f32], across: usize) -> Vec<f32> {
    let down = own.len() / across;
    let around = |at: usize, end: usize| at.saturating_sub(1)..(at + 2).min(end);
    let mut out = Vec::with_capacity(own.len());
    for y in 0..down {
        for x in 0..across {
            let (mut sum, mut count) = (own[y * across + x], 1.0);
            for row in around(y, down) {
                for value in &own[row * across..][around(x, across)] {
                    sum += value;
                    count += 1.0;
                }
            }
            out.push(sum / count);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(width: usize, height: usize, gray: impl Fn(usize, usize) -> u8) -> Activity {
        let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let pixels: Vec<_> = places.map(|(x, y)| [gray(x, y), gray(x, y), gray(x, y), 255]).collect();
        Activity::of(&pixels, width)
    }

    #[test]
    fn nothing_goes_on_where_all_is_one_colour() {
        let activity = of(13, 9, |_, _| 200);
        assert!((0..9).all(|y| activity.row(y).iter().all(|variance| *variance == 0.0)));
    }

    #[test]
    fn an_edge_is_seen_from_the_next_block_and_no_farther() {
        // Between the columns 9 and 10, inside of block 2.
        let activity = of(32, 32, |x, _| if x < 10 { 0 } else { 255 });
        let row = activity.row(16);
        assert!(row[1] > 0.0 && row[2] > row[1] && row[3] == row[1]);
        assert!(row[0] == 0.0 && row[4..].iter().all(|variance| *variance == 0.0));
        assert!((row[2] - 0.25 * 4.0 / 10.0).abs() < 1e-6);
    }
}
