//! The arithmetic, on rows of samples.
//!
//! Plain loops that the compiler turns into vector instructions: everything is inlined into the one place that picks the
//! instruction set ([`super::Comparison::push`]). No operation is fused or reordered by that, so that scores are the same
//! on every machine.

use super::weights::{SUMS, Sums};

/// The blur reaches this many pixels to each side.
pub(super) const REACH: usize = 4;
/// Rows and columns that one blurred value is made of.
pub(super) const WINDOW: usize = 2 * REACH + 1;

/// The blur from its middle outwards: the truncated cosine approximation of a Gaussian of 1.5 pixels (Charalampidis,
/// Recursive Implementation of the Gaussian Filter Using Truncated Cosine Functions, 2016) that the metric uses. The
/// recursive form's impulse response, which is exactly this long.
const TAPS: [f32; REACH + 1] = [0.264_621_1, 0.212_928_6, 0.109_335_37, 0.036_011_115, 0.009_414_368];

/// Of the maps' sums: so many values are added side by side.
const LANES: usize = 8;
/// Keeps the structural error of flat regions finite.
const C2: f32 = 0.0009;

/// Opsin absorbance: how much red, green and blue excite long, middle and short cones. Rows of libjxl's matrix.
const OPSIN: [[f32; 3]; 3] =
    [[0.30, 0.622, 0.078], [0.23, 0.692, 0.078], [0.243_422_69, 0.204_767_45, 0.551_809_86]];
const OPSIN_BIAS: f32 = 0.003_793_073_4;
/// The cube root of [`OPSIN_BIAS`].
const OPSIN_BIAS_ROOT: f32 = 0.155_954_2;

/// Linear red, green, blue of a row to X, Y, B, moved so that none is negative; all rows are of one length.
#[inline(always)]
pub(super) fn xyb(linear: [&[f32]; 3], [x, y, b]: [&mut [f32]; 3]) {
    let width = y.len();
    let linear = linear.map(|row| &row[..width]);
    let rows = x[..width].iter_mut().zip(y).zip(&mut b[..width]);
    for (at, ((x, y), b)) in rows.enumerate() {
        let [long, middle, short] = [0, 1, 2].map(|row| cone(linear, row, at));
        let luma = 0.5 * (long + middle);
        *x = 7.0 * (long - middle) + 0.42;
        *y = luma + 0.01;
        *b = short - luma + 0.55;
    }
}

/// [`xyb`] where only Y counts.
#[inline(always)]
pub(super) fn luma(linear: [&[f32]; 3], y: &mut [f32]) {
    let linear = linear.map(|row| &row[..y.len()]);
    for (at, y) in y.iter_mut().enumerate() {
        *y = 0.5 * (cone(linear, 0, at) + cone(linear, 1, at)) + 0.01;
    }
}

#[inline(always)]
fn cone(linear: [&[f32]; 3], row: usize, at: usize) -> f32 {
    let [r, g, b] = OPSIN[row];
    let [red, green, blue] = linear.map(|plane| plane[at]);
    cube_root(r * red + g * green + b * blue + OPSIN_BIAS) - OPSIN_BIAS_ROOT
}

/// Of a positive number, to about 1e-6 of it: the exponent divided by three, then Newton's method for the inverse root.
#[inline(always)]
fn cube_root(x: f32) -> f32 {
    /// Of 1 for an exponent of 0: makes the first guess right to a tenth.
    const GUESS: u32 = 0x5480_0000;
    const THIRD_OF_AN_EXPONENT: u32 = 0x002a_aaaa;
    let mut inverse =
        f32::from_bits(GUESS.wrapping_sub((x.to_bits() >> 23).wrapping_mul(THIRD_OF_AN_EXPONENT)));
    let third = x * (1.0 / 3.0);
    for _ in 0..4 {
        let square = inverse * inverse;
        inverse = (4.0 / 3.0) * inverse - third * (square * square);
    }
    x * inverse * inverse
}

/// Blurs along a row. `padded` has [`REACH`] zeros on both sides of the row: outside the image there is nothing.
#[inline(always)]
pub(super) fn blur_along(padded: &[f32], out: &mut [f32]) {
    let width = out.len();
    let at: [&[f32]; WINDOW] = std::array::from_fn(|offset| &padded[offset..offset + width]);
    for (x, out) in out.iter_mut().enumerate() {
        *out = TAPS[0] * at[4][x]
            + TAPS[1] * (at[3][x] + at[5][x])
            + TAPS[2] * (at[2][x] + at[6][x])
            + TAPS[3] * (at[1][x] + at[7][x])
            + TAPS[4] * (at[0][x] + at[8][x]);
    }
}

/// Blurs across rows: `rows` from the uppermost, each at least as long as `out`.
#[inline(always)]
pub(super) fn blur_across(rows: [&[f32]; WINDOW], out: &mut [f32]) {
    let width = out.len();
    let at = rows.map(|row| &row[..width]);
    for (x, out) in out.iter_mut().enumerate() {
        *out = TAPS[0] * at[4][x]
            + TAPS[1] * (at[3][x] + at[5][x])
            + TAPS[2] * (at[2][x] + at[6][x])
            + TAPS[3] * (at[1][x] + at[7][x])
            + TAPS[4] * (at[0][x] + at[8][x]);
    }
}

/// `(reference - distorted)^2`, and `reference x distorted`.
#[inline(always)]
pub(super) fn products(reference: &[f32], distorted: &[f32], squares: &mut [f32], product: &mut [f32]) {
    let made = squares.iter_mut().zip(product);
    for ((reference, distorted), (square, product)) in reference.iter().zip(distorted).zip(made) {
        let difference = reference - distorted;
        *square = difference * difference;
        *product = reference * distorted;
    }
}

/// What the maps of one row are made of, blurred.
#[derive(Clone, Copy)]
pub(super) struct Means<'a> {
    pub reference: &'a [f32],
    pub distorted: &'a [f32],
    /// Of `reference^2` and of `distorted^2`; or twice of `(reference - distorted)^2`.
    pub squares: [&'a [f32]; 2],
    /// Of `reference x distorted`.
    pub product: &'a [f32],
    /// Which of the two squares are.
    pub squares_are_apart: bool,
}

/// What the maps of one row are made of.
#[derive(Clone, Copy)]
pub(super) struct MapRow<'a> {
    /// Reference and distorted, as they are.
    pub samples: (&'a [f32], &'a [f32]),
    pub means: Means<'a>,
}

/// Adds the maps of the columns `from..to` to `sums`.
#[inline(always)]
pub(super) fn add_maps(row: MapRow<'_>, from: usize, to: usize, sums: &mut Sums) {
    if row.means.squares_are_apart {
        add_maps_of::<true>(row, from, to, sums);
    } else {
        add_maps_of::<false>(row, from, to, sums);
    }
}

/// Samples of a row that the maps are made of.
const INPUTS: usize = 7;

#[inline(always)]
fn add_maps_of<const APART: bool>(row: MapRow<'_>, from: usize, to: usize, sums: &mut Sums) {
    let MapRow { samples: (reference, distorted), means } = row;
    let columns: [_; INPUTS] = [
        reference,
        distorted,
        means.reference,
        means.distorted,
        means.squares[0],
        means.squares[1],
        means.product,
    ]
    .map(|samples| samples[from..to].as_chunks::<LANES>());
    let mut lanes = [[0.0_f32; LANES]; SUMS];
    let chunks = columns.map(|(chunks, _)| chunks);
    for at in 0..chunks[0].len() {
        add_lanes::<APART>(chunks.map(|chunks| &chunks[at]), &mut lanes);
    }
    let rest = columns.map(|(_, rest)| rest);
    for at in 0..rest[0].len() {
        let values = maps::<APART>(rest.map(|rest| rest[at]));
        for (map, value) in values.into_iter().enumerate() {
            lanes[2 * map][0] += value;
            lanes[2 * map + 1][0] += (value * value) * (value * value);
        }
    }
    for (sum, lanes) in sums.iter_mut().zip(lanes) {
        *sum += lanes.iter().map(|value| f64::from(*value)).sum::<f64>();
    }
}

#[inline(always)]
fn add_lanes<const APART: bool>(inputs: [&[f32; LANES]; INPUTS], lanes: &mut [[f32; LANES]; SUMS]) {
    let mut values = [[0.0; LANES]; 3];
    for lane in 0..LANES {
        let of_lane = maps::<APART>(inputs.map(|input| input[lane]));
        for (values, value) in values.iter_mut().zip(of_lane) {
            values[lane] = value;
        }
    }
    for (map, values) in values.iter().enumerate() {
        for (lane, value) in values.iter().enumerate() {
            lanes[2 * map][lane] += value;
            lanes[2 * map + 1][lane] += (value * value) * (value * value);
        }
    }
}

/// Structural error (`SSIMMap`), added and lost detail (`EdgeDiffMap`) of a pixel.
#[inline(always)]
fn maps<const APART: bool>(inputs: [f32; INPUTS]) -> [f32; 3] {
    let [sample, distorted_sample, reference, distorted, first_squares, second_squares, product] = inputs;
    let difference = reference - distorted;
    let likeness_of_means = 1.0 - difference * difference;
    let covariance = 2.0 * (product - reference * distorted) + C2;
    // The sum of both variances. Where the squares are of the difference, equal images give exactly 0 below, and rounding
    // counts less; where they are apart, it counts as it does in the published metric.
    let variances = if APART {
        (first_squares - reference * reference) + (second_squares - distorted * distorted) + C2
    } else {
        covariance + (first_squares - difference * difference)
    };
    let structure = (1.0 - likeness_of_means * covariance / variances).max(0.0);
    let detail = |sample: f32, mean: f32| 1.0 + (sample - mean).abs();
    let change = detail(distorted_sample, distorted) / detail(sample, reference) - 1.0;
    [structure, change.max(0.0), (-change).max(0.0)]
}

/// Adds neighbours of a row: half as many, rounded up, the last one doubled where it is alone.
#[inline(always)]
pub(super) fn add_pairs(row: &[f32], out: &mut [f32]) {
    for (out, pair) in out.iter_mut().zip(row.chunks_exact(2)) {
        *out = pair[0] + pair[1];
    }
    if let ([last], Some(out)) = (row.chunks_exact(2).remainder(), out.last_mut()) {
        *out = last + last;
    }
}

/// The second row of two: averages it with what [`add_pairs`] made of the first.
#[inline(always)]
pub(super) fn average_pairs(row: &[f32], sums: &mut [f32]) {
    for (sum, pair) in sums.iter_mut().zip(row.chunks_exact(2)) {
        *sum = (*sum + (pair[0] + pair[1])) * 0.25;
    }
    if let ([last], Some(sum)) = (row.chunks_exact(2).remainder(), sums.last_mut()) {
        *sum = (*sum + (last + last)) * 0.25;
    }
}
