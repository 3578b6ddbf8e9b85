//! The last look: the winner's bytes, decoded again, against the original.

use crate::candidate::decode_result;
use crate::image::{Image, Layout, Samples};
use crate::metric::Evaluator;
use crate::metric::view::to_8_bits;
use crate::reduce::reduce;
use crate::report::Measurement;
use crate::{Control, Format, Limits, Result, Score};

/// Alpha may differ by rounding and no more, in levels of 255.
const MAX_ALPHA_DIFFERENCE: u8 = 1;
/// Side of the blocks whose mean colours are compared over the whole image, in pixels.
const BLOCK_SIDE: usize = 32;
/// No block's mean colour may shift by more than this many levels of 255. The metric looks at tiles of a large image;
/// this looks everywhere, for regions that went missing or changed colour.
const MAX_BLOCK_SHIFT: f64 = 16.0;

/// What must hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Promise {
    /// Every pixel equal.
    Lossless,
    /// The score, measured again, at least this.
    Score(Score),
    /// No score promised: dimensions, alpha and colour alone.
    Looks,
}

/// What was found.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It holds; with a measurement if pixels changed.
    Holds(Option<Measurement>),
    /// It does not: why, for people.
    Broken(String),
}

/// Decodes `bytes` and looks whether `promise` holds: dimensions, profile, alpha and colour on every pixel, the score
/// on what `evaluator` looks at.
///
/// # Errors
/// `Codec` if the bytes do not decode to a picture of the same size; `DeadlineExceeded`, `Cancelled`.
///
/// Cost: one decode, two passes, three comparisons of the metric.
pub(crate) fn verify(
    original: &Image,
    (format, bytes): (Format, &[u8]),
    promise: Promise,
    evaluator: Option<&Evaluator>,
    limits: &Limits,
    control: &Control,
) -> Result<Verdict> {
    let result = decode_result(format, bytes, original, limits, control)?;
    if result.profile != original.profile {
        return Ok(Verdict::Broken("the colour profile is not the original's".into()));
    }
    if promise == Promise::Lossless {
        let result = reduce(result);
        let same = result.layout == original.layout && result.frames == original.frames;
        return Ok(if same {
            Verdict::Holds(None)
        } else {
            Verdict::Broken("a pixel is not the original's".into())
        });
    }
    let differences = compare(original, &result);
    if differences.alpha > MAX_ALPHA_DIFFERENCE {
        return Ok(Verdict::Broken(format!("alpha differs by up to {} of 255", differences.alpha)));
    }
    if differences.block_shift > MAX_BLOCK_SHIFT {
        return Ok(Verdict::Broken(format!(
            "a region's colour shifts by {:.1} of 255",
            differences.block_shift
        )));
    }
    let measurement = evaluator.map(|evaluator| evaluator.measure(&result)).transpose()?;
    Ok(match (promise, measurement) {
        (Promise::Score(Score(target)), Some(m)) if m.value.0 < target => {
            Verdict::Broken(format!("the score is {:.2}, below {target}", m.value.0))
        }
        (_, measurement) => Verdict::Holds(measurement),
    })
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
        for left in (0..width).step_by(BLOCK_SIDE) {
            let (right, bottom) = ((left + BLOCK_SIDE).min(width), (top + BLOCK_SIDE).min(height));
            let mut shift = [0_i64; 3];
            for y in top..bottom {
                for x in left..right {
                    let [before, after] = [original, result].map(|image| rgba(image, y * width + x));
                    differences.alpha = differences.alpha.max(before[3].abs_diff(after[3]));
                    for channel in 0..3 {
                        // What shows over black: hidden colour does not count.
                        let shown = |pixel: [u8; 4]| i64::from(pixel[channel]) * i64::from(pixel[3]);
                        shift[channel] += shown(after) - shown(before);
                    }
                }
            }
            let weight = ((right - left) * (bottom - top)) as f64 * 255.0;
            let largest = shift.iter().map(|sum| sum.unsigned_abs()).max().unwrap_or(0) as f64 / weight;
            differences.block_shift = differences.block_shift.max(largest);
        }
    }
    differences
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
