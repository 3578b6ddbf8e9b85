//! The last look: what the winner's bytes decode to, against the original.

use std::ops::Range;

use crate::color;
use crate::image::{Image, Layout, Samples};
use crate::metric::view::to_8_bits;
use crate::metric::{Evaluator, Scored};
use crate::reduce::reduce;
use crate::{Control, Result, Score};

/// Alpha may differ by rounding and no more, in levels of 255.
const MAX_ALPHA_DIFFERENCE: u8 = 1;
/// Side of the blocks whose mean colours are compared over the whole image, in pixels.
const BLOCK_SIDE: usize = 32;
/// No block's mean colour may shift by more than this many levels of 255: a region went missing or changed colour, which
/// a mean over a large image may not show.
const MAX_BLOCK_SHIFT: f64 = 16.0;
/// No tile may score lower than the target by more than this, however well the rest of the image does.
pub(crate) const MAX_BELOW_TARGET: f64 = 20.0;

/// What a result looks like beside its original; its pixels need not be kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Look {
    profile_is_same: bool,
    differences: Differences,
    /// The metric's scores.
    pub scored: Scored,
}

impl Look {
    /// The score that a target is compared with: the whole image's, or less where one of its tiles is ruined.
    pub(crate) fn held(&self) -> Score {
        let worst = self.scored.worst_tile.map_or(f64::INFINITY, |tile| tile.score.0);
        Score(self.scored.whole.0.min(worst + MAX_BELOW_TARGET))
    }

    /// Why the result is another picture, for people; `None` if it is the same one within what lossy coding changes.
    pub(crate) fn damage(&self) -> Option<String> {
        self.damage_beyond(MAX_ALPHA_DIFFERENCE)
    }

    /// The same, where alpha may differ by so many levels of 255.
    pub(crate) fn damage_beyond(&self, max_alpha_difference: u8) -> Option<String> {
        if !self.profile_is_same {
            return Some("the colour profile is not the original's".into());
        }
        if self.differences.alpha > max_alpha_difference {
            return Some(format!("alpha differs by up to {} of 255", self.differences.alpha));
        }
        (self.differences.block_shift > MAX_BLOCK_SHIFT)
            .then(|| format!("a region's colour shifts by {:.1} of 255", self.differences.block_shift))
    }
}

/// Looks at `result`, decoded from the bytes that go out and as large as the original: profile, alpha and colour on every
/// pixel, and the scores.
///
/// # Errors
/// `DeadlineExceeded`, `Cancelled`.
///
/// Cost: that of [`Evaluator::score`] and a pass over both.
pub(crate) fn look(
    original: &Image,
    result: &Image,
    evaluator: &Evaluator<'_>,
    control: &Control,
) -> Result<Look> {
    Ok(Look {
        profile_is_same: has_same_profile(original, result),
        differences: compare(original, result),
        scored: evaluator.score(result, control)?,
    })
}

/// Why `result` is not the same in every pixel; `None` if it is.
pub(crate) fn loss(original: &Image, result: Image) -> Option<String> {
    if !has_same_profile(original, &result) {
        return Some("the colour profile is not the original's".into());
    }
    let result = reduce(result);
    let same = result.layout == original.layout && result.frames == original.frames;
    (!same).then(|| "a pixel is not the original's".into())
}

fn has_same_profile(original: &Image, result: &Image) -> bool {
    color::is_same_profile(original.layout, original.profile.as_deref(), result.profile.as_deref())
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Differences {
    /// The largest, in levels of 255.
    alpha: u8,
    /// The largest of all blocks and channels, in levels of 255.
    block_shift: f64,
}

/// Compares two pictures of one size, pixel by pixel for alpha and block by block for colour.
fn compare(original: &Image, result: &Image) -> Differences {
    let mut differences = Differences { alpha: 0, block_shift: 0.0 };
    let (width, height) = (original.width as usize, original.height as usize);
    for top in (0..height).step_by(BLOCK_SIDE) {
        let rows = top..(top + BLOCK_SIDE).min(height);
        let shifts = match opaque_samples(original, result) {
            Some((before, after, channels)) => {
                let band = rows.start * width * channels..rows.end * width * channels;
                shifts_if_opaque(&before[band.clone()], &after[band], width, channels)
            }
            None => shifts_of_any(original, result, rows.clone(), &mut differences.alpha),
        };
        for (block, shift) in shifts.into_iter().enumerate() {
            let columns = (width - block * BLOCK_SIDE).min(BLOCK_SIDE);
            let largest = shift.iter().map(|sum| sum.unsigned_abs()).max().unwrap_or(0);
            let mean = f64::from(largest) / (rows.len() * columns * 255) as f64;
            differences.block_shift = differences.block_shift.max(mean);
        }
    }
    differences
}

/// The samples of both, and how many a pixel has, where both are of one layout, of 8 bits and without alpha: nearly all
/// photos, for which [`shifts_of_any`] takes many times as long.
fn opaque_samples<'a>(original: &'a Image, result: &'a Image) -> Option<(&'a [u8], &'a [u8], usize)> {
    let plain = original.layout == result.layout && !original.layout.has_alpha();
    let (before, after) = original.samples_u8().zip(result.samples_u8()).filter(|_| plain)?;
    Some((before, after, original.layout.channels()))
}

/// What each block of a band of at most [`BLOCK_SIDE`] rows gains in each channel, in levels of 255 x 255.
///
/// Adds whole rows first, sample by sample, which is what vector units are for: 32 differences of 255 fit in 16 bits.
fn shifts_if_opaque(before: &[u8], after: &[u8], width: usize, channels: usize) -> Vec<[i32; 3]> {
    let row = width * channels;
    let mut sums = vec![0_i16; row];
    for (before, after) in before.chunks_exact(row).zip(after.chunks_exact(row)) {
        for ((sum, before), after) in sums.iter_mut().zip(before).zip(after) {
            *sum += i16::from(*after) - i16::from(*before);
        }
    }
    let of_block = |block: &[i16]| {
        let mut shift = [0; 3];
        for pixel in block.chunks_exact(channels) {
            for (shift, sum) in shift.iter_mut().zip(pixel) {
                *shift += i32::from(*sum) * 255;
            }
        }
        shift
    };
    sums.chunks(BLOCK_SIDE * channels).map(of_block).collect()
}

/// As [`shifts_if_opaque`], of what shows over black: hidden colour does not count. Notes the largest difference in
/// alpha.
fn shifts_of_any(original: &Image, result: &Image, rows: Range<usize>, alpha: &mut u8) -> Vec<[i32; 3]> {
    let width = original.width as usize;
    let mut shifts = vec![[0; 3]; width.div_ceil(BLOCK_SIDE)];
    for y in rows {
        for x in 0..width {
            let [before, after] = [original, result].map(|image| rgba(image, y * width + x));
            *alpha = (*alpha).max(before[3].abs_diff(after[3]));
            for (channel, shift) in shifts[x / BLOCK_SIDE].iter_mut().enumerate() {
                let shown = |pixel: [u8; 4]| i32::from(pixel[channel]) * i32::from(pixel[3]);
                *shift += shown(after) - shown(before);
            }
        }
    }
    shifts
}

/// Pixel `index`, 8 bits a channel.
fn rgba(image: &Image, index: usize) -> [u8; 4] {
    let channels = image.layout.channels();
    let at = |channel: usize| match image.samples() {
        Samples::U8(samples) => samples[index * channels + channel],
        Samples::U16(samples) => to_8_bits(samples[index * channels + channel]),
    };
    match image.layout {
        Layout::Gray => [at(0), at(0), at(0), 255],
        Layout::GrayAlpha => [at(0), at(0), at(0), at(1)],
        Layout::Rgb => [at(0), at(1), at(2), 255],
        Layout::Rgba => [at(0), at(1), at(2), at(3)],
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn flat(layout: Layout, pixel: &[u8]) -> Image {
        let samples = pixel.iter().copied().cycle().take(64 * 64 * pixel.len()).collect();
        Image::still(64, 64, layout, Samples::U8(samples), None)
    }

    #[test]
    fn a_region_that_turned_black_is_seen() {
        let original = flat(Layout::Rgb, &[200, 100, 50]);
        let Samples::U8(mut samples) = original.samples().clone() else { unreachable!() };
        for y in 32..64 {
            samples[(y * 64 + 32) * 3..(y * 64 + 64) * 3].fill(0);
        }
        let damaged = Image::still(64, 64, Layout::Rgb, Samples::U8(samples), None);
        assert_eq!(compare(&original, &damaged), Differences { alpha: 0, block_shift: 200.0 });
    }

    proptest! {
        #[test]
        fn the_quick_way_for_opaque_photos_finds_what_the_other_finds(
            (width, channels) in (1_usize..80, prop_oneof![Just(1_usize), Just(3)]),
            noise in vec(any::<u8>(), 80 * 3 * 2 * 34),
            height in 1_usize..34,
        ) {
            let layout = if channels == 1 { Layout::Gray } else { Layout::Rgb };
            let length = width * height * channels;
            let [before, after] = [0, length].map(|start| {
                let samples = Samples::U8(noise[start..start + length].to_vec());
                Image::still(width as u32, height as u32, layout, samples, None)
            });
            let rows = 0..height.min(BLOCK_SIDE);
            let [band_before, band_after] = [&before, &after]
                .map(|image| &image.samples_u8().unwrap()[..rows.len() * width * channels]);
            let quick = shifts_if_opaque(band_before, band_after, width, channels);
            let quick: Vec<_> = quick.into_iter().map(|shift| if channels == 1 { [shift[0]; 3] } else { shift }).collect();
            prop_assert_eq!(quick, shifts_of_any(&before, &after, rows, &mut 0));
        }
    }

    #[test]
    fn lost_transparency_is_seen() {
        let original = flat(Layout::Rgba, &[0, 0, 0, 40]);
        assert_eq!(compare(&original, &flat(Layout::Gray, &[0])).alpha, 215);
    }

    #[test]
    fn hidden_colour_does_not_count() {
        let [before, after] = [[255, 0, 0, 0], [0, 255, 0, 0]].map(|pixel| flat(Layout::Rgba, &pixel));
        assert_eq!(compare(&before, &after), Differences { alpha: 0, block_shift: 0.0 });
    }
}
