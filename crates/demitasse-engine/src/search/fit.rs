//! The finest setting that fits into so many bytes.

use super::QualityRange;
use crate::{Quality, Result};

/// A result that fills this part of what is allowed ends the search: 3 % of the bytes are about a point of score.
const FULL: f64 = 0.97;
/// Where the next setting should land.
const AIM: f64 = 0.988;
/// Logarithm of the bytes over the axis, before two settings were tried.
const TYPICAL_SLOPE: f64 = -0.8;
const SLOPE_RANGE: (f64, f64) = (-2.5, -0.2);
/// A bracket is never left to its ends.
const MARGIN: f64 = 0.08;

/// How it ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fit {
    /// The finest setting found that fits, and its bytes; none if not even the coarsest does.
    pub best: Option<(Quality, u64)>,
    /// Every setting that was tried, and its bytes.
    pub tried: Vec<(Quality, u64)>,
}

/// Searches from `start`. `encode` gives the bytes of a setting. At most `max_trials` encodes, all different.
///
/// Assumes that bytes grow with quality; what is chosen was encoded and fits.
///
/// # Errors
/// The encoder's own, at once.
pub(crate) fn fit(
    range: QualityRange,
    start: Quality,
    max_bytes: u64,
    max_trials: usize,
    encode: &mut dyn FnMut(Quality) -> Result<u64>,
) -> Result<Fit> {
    let mut tried: Vec<(Quality, u64)> = Vec::with_capacity(max_trials);
    let mut next = Some(range.clamp(start));
    while let Some(quality) = next.take() {
        let bytes = encode(quality)?;
        tried.push((quality, bytes));
        let is_full = bytes <= max_bytes && bytes as f64 >= FULL * max_bytes as f64;
        let is_finest = bytes <= max_bytes && quality.0 >= range.max.0;
        if !is_full && !is_finest && tried.len() < max_trials {
            let is_last = tried.len() + 1 == max_trials;
            next = match tried.iter().any(|(_, bytes)| *bytes <= max_bytes) {
                // "Cannot" is said of the coarsest setting alone.
                false if is_last && !tried.iter().any(|(quality, _)| *quality == range.min) => {
                    Some(range.min)
                }
                _ => next_quality(range, max_bytes, &tried),
            };
        }
    }
    let fits = tried.iter().filter(|(_, bytes)| *bytes <= max_bytes);
    let best = fits.max_by(|a, b| a.0.0.total_cmp(&b.0.0)).copied();
    Ok(Fit { best, tried })
}

fn next_quality(range: QualityRange, max_bytes: u64, tried: &[(Quality, u64)]) -> Option<Quality> {
    let by_quality = |a: &&(Quality, u64), b: &&(Quality, u64)| a.0.0.total_cmp(&b.0.0);
    let fits = tried.iter().filter(|(_, bytes)| *bytes <= max_bytes).max_by(by_quality);
    let exceeds = tried.iter().filter(|(_, bytes)| *bytes > max_bytes).min_by(by_quality);
    let aim = (AIM * max_bytes as f64).ln();
    let loss = |quality: &Quality| (range.axis.loss)(quality.0.into());
    let point = |(quality, bytes): &(Quality, u64)| (loss(quality), (*bytes).max(1) as f64);
    let guess = match (fits, exceeds) {
        (Some(low), Some(high)) if low.0.0 >= high.0.0 => return None,
        (Some(low), Some(high)) => {
            let ((low_x, low_bytes), (high_x, high_bytes)) = (point(low), point(high));
            let part = (aim - low_bytes.ln()) / (high_bytes.ln() - low_bytes.ln()).max(f64::EPSILON);
            low_x + (high_x - low_x) * part.clamp(MARGIN, 1.0 - MARGIN)
        }
        (Some(nearest), None) | (None, Some(nearest)) => {
            let (x, bytes) = point(nearest);
            x + (aim - bytes.ln()) / seen_slope(range, tried)
        }
        (None, None) => return None,
    };
    let inside = |quality: Quality| {
        fits.is_none_or(|low| quality.0 > low.0.0) && exceeds.is_none_or(|high| quality.0 < high.0.0)
    };
    let qualities: Vec<Quality> = tried.iter().map(|tried| tried.0).collect();
    range.untried(Quality((range.axis.quality)(guess) as f32), &qualities, inside)
}

fn seen_slope(range: QualityRange, tried: &[(Quality, u64)]) -> f64 {
    let [.., a, b] = tried else { return TYPICAL_SLOPE };
    let rise = (b.1.max(1) as f64).ln() - (a.1.max(1) as f64).ln();
    let loss = |quality: Quality| (range.axis.loss)(quality.0.into());
    let slope = rise / (loss(b.0) - loss(a.0));
    if slope.is_finite() { slope.clamp(SLOPE_RANGE.0, SLOPE_RANGE.1) } else { TYPICAL_SLOPE }
}
