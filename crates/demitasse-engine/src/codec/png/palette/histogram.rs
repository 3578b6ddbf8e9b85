//! Which colours there are, and how much each counts.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::activity::Activity;
use super::levels::Levels;
use super::space::{Point, Space};

/// Colours beyond this many are taken together with their neighbours, by leaving out bits: the places of so many are near
/// enough to each other, and fewer are quicker.
const MOST_COLORS: usize = 1 << 13;
/// Bits of a sample that may be left out.
const MOST_BITS: u32 = 4;
/// From this variance on, what goes on around a pixel hides errors on it.
const HIDING_VARIANCE: f32 = 0.002;

/// A colour, or several that are nearly the same.
#[derive(Debug, Clone, Copy)]
pub(super) struct Color {
    pub(super) point: Point,
    /// How many pixels have it, each counted by what an error there would show.
    pub(super) weight: f32,
}

/// The colours of each class of [`Levels`].
pub(super) type Histogram = Vec<Vec<Color>>;

/// Weight, and weighted red, green and blue.
type Sums = HashMap<u32, [f32; 4], BuildHasherDefault<KeyHasher>>;

/// Of rows of `width` pixels. What is transparent has one colour that does not count.
///
/// Cost: 30 ms a megapixel; memory bounded by [`MOST_COLORS`] and a row.
pub(super) fn collect(
    pixels: &[[u8; 4]],
    width: usize,
    levels: &Levels,
    activity: &Activity,
    space: &Space,
) -> Histogram {
    let (mut sums, mut bits) = (Sums::default(), 0);
    for (y, row) in pixels.chunks(width).enumerate() {
        let shown: Vec<f32> = activity.row(y).iter().copied().map(shown).collect();
        for (x, pixel) in row.iter().enumerate().filter(|(_, pixel)| pixel[3] > 0) {
            let weight = shown[Activity::block(x)] * (f32::from(pixel[3]) / 255.0).powi(2);
            let sum = sums.entry(key(*pixel, levels) & mask(bits)).or_default();
            sum[0] += weight;
            for (sum, sample) in sum[1..].iter_mut().zip(pixel) {
                *sum += weight * f32::from(*sample);
            }
        }
        while sums.len() > MOST_COLORS && bits < MOST_BITS {
            bits += 1;
            sums = coarser(sums, mask(bits));
        }
    }
    let mut histogram = vec![Vec::new(); levels.alphas().len()];
    if let Some(clear) = levels.alphas().iter().position(|alpha| *alpha == 0) {
        histogram[clear].push(Color { point: [0.0; 3], weight: 0.0 });
    }
    for (key, [weight, rest @ ..]) in in_order(sums) {
        let point = space.point_between(rest.map(|sum| (sum / weight).clamp(0.0, 255.0)));
        histogram[(key >> 24) as usize].push(Color { point, weight });
    }
    histogram
}

/// What an error on a pixel counts, by what goes on around it: a plain area shows it, noise hides it, if far less than the
/// metric's structure term says, which divides by the variance. The fourth root was the best of those tried
/// (`docs/decisions/0018-palette.md`).
fn shown(variance: f32) -> f32 {
    (HIDING_VARIANCE / (variance + HIDING_VARIANCE)).sqrt().sqrt()
}

/// Class, red, green, blue.
fn key([r, g, b, alpha]: [u8; 4], levels: &Levels) -> u32 {
    u32::from_be_bytes([levels.class(alpha) as u8, r, g, b])
}

/// Takes `bits` of each sample away from a [`key`].
fn mask(bits: u32) -> u32 {
    let sample = 0xff << bits & 0xff;
    u32::from_be_bytes([0xff, sample as u8, sample as u8, sample as u8])
}

fn coarser(sums: Sums, mask: u32) -> Sums {
    let mut out = Sums::default();
    for (key, more) in in_order(sums) {
        let sum = out.entry(key & mask).or_default();
        for (sum, more) in sum.iter_mut().zip(more) {
            *sum += more;
        }
    }
    out
}

/// Sorted, so that sums come out the same however the table lies in memory.
fn in_order(sums: Sums) -> Vec<(u32, [f32; 4])> {
    let mut list: Vec<_> = sums.into_iter().collect();
    list.sort_unstable_by_key(|(key, _)| *key);
    list
}

/// Fibonacci hashing of a key (Knuth, volume 3, 6.4): colours come from no adversary who could gain by collisions, because
/// [`MOST_COLORS`] bounds them.
#[derive(Default)]
struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u32(u32::from(*byte)));
    }

    fn write_u32(&mut self, key: u32) {
        // The golden ratio, in 64 bits. The table takes its bits from both ends.
        let product = (self.0 ^ u64::from(key)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = product ^ product >> 32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pixels: &[[u8; 4]], width: usize) -> Histogram {
        let (levels, activity) = (Levels::of(pixels, 256), Activity::of(pixels, width));
        collect(pixels, width, &levels, &activity, &Space::new())
    }

    #[test]
    fn few_colours_are_told_apart_exactly() {
        let pixels: Vec<_> = (0..64).map(|at| [250 + at % 2, 250, 250, 255]).collect();
        let histogram = of(&pixels, 8);
        let places = histogram[0].iter().map(|color| color.point).collect::<Vec<_>>();
        assert_eq!(places, [250, 251].map(|red| Space::new().point([red, 250, 250])));
    }

    #[test]
    fn more_colours_than_are_held_are_taken_together() {
        let pixels: Vec<_> =
            (0..1_u32 << 17).map(|at| [(at >> 9) as u8, (at >> 1) as u8, (at * 37) as u8, 255]).collect();
        let histogram = of(&pixels, 512);
        let count = histogram[0].len();
        assert!((2_000..=MOST_COLORS).contains(&count), "{count}");
    }

    #[test]
    fn hidden_colours_do_not_count_and_faint_ones_count_less() {
        let pixels = [[[9, 9, 9, 0]; 16], [[200, 0, 0, 51]; 16], [[200, 0, 0, 255]; 16]].concat();
        let histogram = of(&pixels, 48);
        let weights: Vec<Vec<f32>> =
            histogram.iter().map(|colors| colors.iter().map(|color| color.weight).collect()).collect();
        assert_eq!(weights[0], [0.0]);
        assert!(weights[1][0] < weights[2][0] / 10.0);
    }

    #[test]
    fn a_plain_area_counts_more_than_a_busy_one() {
        let pixel = |at: usize| match at % 64 {
            0..32 => [90, 90, 90, 255],
            _ => [(at * 7919 % 251) as u8, (at * 7919 % 251) as u8, 80, 255],
        };
        let pixels: Vec<_> = (0..64 * 64).map(pixel).collect();
        let histogram = of(&pixels, 64);
        let plain: f32 = histogram[0].iter().map(|color| color.weight).fold(0.0, f32::max);
        let busy: f32 = histogram[0].iter().map(|color| color.weight).sum::<f32>() - plain;
        assert!(plain > 2.0 * busy, "{plain} {busy}");
    }
}
