//! The next setting to try, as a pure function of what was tried.

use super::{QualityRange, clamp};
use crate::report::Trial;
use crate::{Quality, Score};

/// Points of score a point of quality, where nothing is known yet: jpegli and libwebp between scores of 60 and 90, on
/// photos (`docs/decisions/0004-search.md`).
const TYPICAL_SLOPE: f64 = 0.8;
/// Slopes outside this range are noise or saturation; extrapolating along them would jump to the ends.
const SLOPE_RANGE: (f64, f64) = (0.15, 4.0);
/// Aim this far above the target, in points of score: landing just below costs a trial, just above costs nothing.
const AIM_ABOVE: f64 = 0.2;
/// Inside a bracket, stay this far (as a part of it) from its ends, so that it always shrinks.
const MARGIN: f64 = 0.12;

/// The next quality, or `None` if every setting that could be better was tried.
pub(super) fn next_quality(range: QualityRange, target: Score, trials: &[Trial]) -> Option<Quality> {
    let below = trials.iter().filter(|t| t.score < target).max_by(|a, b| a.quality.0.total_cmp(&b.quality.0));
    let above =
        trials.iter().filter(|t| t.score >= target).min_by(|a, b| a.quality.0.total_cmp(&b.quality.0));
    let guess = match (below, above) {
        // A curve that is not monotone: what is known to reach the target may still be approached from below it.
        (Some(low), Some(high)) if low.quality.0 >= high.quality.0 => return None,
        (Some(low), Some(high)) => interpolate(low, high, target),
        (Some(low), None) => extrapolate(low, slope(trials), target),
        (None, Some(high)) => extrapolate(high, slope(trials), target),
        (None, None) => return None,
    };
    settle(range, guess, below, above, trials)
}

/// Where the straight line through both points reaches the target, kept off the bracket's ends.
fn interpolate(low: &Trial, high: &Trial, target: Score) -> f64 {
    let (low_quality, high_quality) = (f64::from(low.quality.0), f64::from(high.quality.0));
    let span = high_quality - low_quality;
    let rise = (high.score.0 - low.score.0).max(f64::EPSILON);
    let part = (target.0 + AIM_ABOVE - low.score.0) / rise;
    low_quality + span * part.clamp(MARGIN, 1.0 - MARGIN)
}

fn extrapolate(from: &Trial, slope: f64, target: Score) -> f64 {
    f64::from(from.quality.0) + (target.0 + AIM_ABOVE - from.score.0) / slope
}

/// Points of score a point of quality, over the two trials nearest in time.
fn slope(trials: &[Trial]) -> f64 {
    let [.., a, b] = trials else { return TYPICAL_SLOPE };
    let run = f64::from(b.quality.0 - a.quality.0);
    let slope = (b.score.0 - a.score.0) / run;
    if slope.is_finite() { slope.clamp(SLOPE_RANGE.0, SLOPE_RANGE.1) } else { TYPICAL_SLOPE }
}

/// Rounds the guess; if that was tried, takes the nearest untried step inside the bracket.
fn settle(
    range: QualityRange,
    guess: f64,
    below: Option<&Trial>,
    above: Option<&Trial>,
    trials: &[Trial],
) -> Option<Quality> {
    let untried =
        |quality: Quality| trials.iter().all(|t| (t.quality.0 - quality.0).abs() > range.step / 2.0);
    let inside = |quality: Quality| {
        below.is_none_or(|low| quality.0 > low.quality.0)
            && above.is_none_or(|high| quality.0 < high.quality.0)
    };
    let fits = |quality: &Quality| untried(*quality) && inside(*quality);
    let rounded = clamp(range, Quality(guess as f32));
    let neighbors = [rounded.0 + range.step, rounded.0 - range.step];
    std::iter::once(rounded).chain(neighbors.map(|quality| clamp(range, Quality(quality)))).find(fits)
}
