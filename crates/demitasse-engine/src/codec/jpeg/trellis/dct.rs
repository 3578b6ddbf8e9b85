//! The discrete cosine transform of a block.

use std::array::from_fn;
use std::f32::consts::FRAC_1_SQRT_2;

/// Side of a block.
pub(super) const SIDE: usize = 8;
type Row = [f32; SIDE];

/// Cosines of the odd waves over 2, row by row: cos((2 wave + 1) (2 sample + 1) pi / 16) / 2, for the first half of the samples.
const ODD: [[f32; 4]; 4] = [
    [0.490_392_64, 0.415_734_8, 0.277_785_12, 0.097_545_16],
    [0.415_734_8, -0.097_545_16, -0.490_392_64, -0.277_785_12],
    [0.277_785_12, -0.490_392_64, 0.097_545_16, 0.415_734_8],
    [0.097_545_16, -0.277_785_12, 0.415_734_8, -0.490_392_64],
];
/// Of the second and sixth wave: cos(pi / 8) / 2 and sin(pi / 8) / 2.
const TURN: (f32, f32) = (0.461_939_77, 0.191_341_71);

/// Two-dimensional DCT-II as JPEG scales it (T.81, A.3.3), which is the orthonormal one: rows of samples in, rows of
/// coefficients out.
///
/// Cost: about 0.15 us.
pub(super) fn forward(samples: &[Row; SIDE]) -> [Row; SIDE] {
    transposed(&waves(&transposed(&waves(samples))))
}

/// The transform down every column at once: each operation takes a whole row. Even waves by sums of mirrored samples, odd ones
/// by their differences.
#[inline(always)]
fn waves(rows: &[Row; SIDE]) -> [Row; SIDE] {
    const MEAN: f32 = FRAC_1_SQRT_2 / 2.0;
    let mut out = [[0.0; SIDE]; SIDE];
    for column in 0..SIDE {
        let sum = |i: usize| rows[i][column] + rows[7 - i][column];
        let difference = [0, 1, 2, 3].map(|i: usize| rows[i][column] - rows[7 - i][column]);
        let (outer, inner) = (sum(0) + sum(3), sum(1) + sum(2));
        let (outer_rest, inner_rest) = (sum(0) - sum(3), sum(1) - sum(2));
        out[0][column] = (outer + inner) * MEAN;
        out[4][column] = (outer - inner) * MEAN;
        out[2][column] = outer_rest * TURN.0 + inner_rest * TURN.1;
        out[6][column] = outer_rest * TURN.1 - inner_rest * TURN.0;
        for (wave, cosines) in ODD.iter().enumerate() {
            let [a, b, c, d] = *cosines;
            out[2 * wave + 1][column] =
                difference[0] * a + difference[1] * b + (difference[2] * c + difference[3] * d);
        }
    }
    out
}

#[inline(always)]
fn transposed(rows: &[Row; SIDE]) -> [Row; SIDE] {
    from_fn(|row| from_fn(|column| rows[column][row]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T.81, A.3.3, word by word.
    fn by_definition(samples: &[Row; SIDE]) -> [Row; SIDE] {
        let scale = |wave: usize| if wave == 0 { f64::sqrt(0.5) } else { 1.0 };
        let cosine = |sample: usize, wave: usize| {
            ((2 * sample + 1) as f64 * wave as f64 * std::f64::consts::PI / 16.0).cos()
        };
        from_fn(|v| {
            from_fn(|u| {
                let sum: f64 = (0..64)
                    .map(|place| (place / 8, place % 8))
                    .map(|(y, x)| f64::from(samples[y][x]) * cosine(x, u) * cosine(y, v))
                    .sum();
                (0.25 * scale(u) * scale(v) * sum) as f32
            })
        })
    }

    #[test]
    fn it_is_the_transform_of_the_standard() {
        for seed in 1..=20_u32 {
            let samples: [Row; SIDE] =
                from_fn(|y| from_fn(|x| ((seed * 7919 + (y * 8 + x) as u32 * 104_729) % 256) as f32 - 128.0));
            let (fast, slow) = (forward(&samples), by_definition(&samples));
            for (fast, slow) in fast.as_flattened().iter().zip(slow.as_flattened()) {
                assert!((fast - slow).abs() < 1e-3, "{fast} {slow}");
            }
        }
    }
}
