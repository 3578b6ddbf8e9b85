//! The next setting to try, as a pure function of what was tried.

use super::{QualityRange, clamp};
use crate::report::Trial;
use crate::{Quality, Score};

/// On the logarithmic axes below, what is missing to a score of 100 grows this much as fast as what is missing to full
/// quality, where nothing else is known: jpegli on 15 photos at three targets (`docs/decisions/0004-search.md`).
const TYPICAL_SLOPE: f64 = 0.5;
/// Slopes outside this range are noise or saturation; extrapolating along them would jump to the ends.
const SLOPE_RANGE: (f64, f64) = (0.15, 2.0);
/// What [`QualityRange::start`] is a first guess for.
const START_SCORE: f64 = 75.0;
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
        (Some(low), None) => extrapolate(point(low), slope(trials), target),
        (None, Some(high)) => extrapolate(point(high), slope(trials), target),
        (None, None) => return None,
    };
    settle(range, quality_of_loss(guess), below, above, trials)
}

/// The first quality: the range's own first guess, moved along the typical slope.
pub(super) fn first_quality(range: QualityRange, target: Score) -> Quality {
    let start = (loss_of_quality(range.start), loss_of_score(START_SCORE));
    clamp(range, Quality(quality_of_loss(extrapolate(start, TYPICAL_SLOPE, target)) as f32))
}

/// The axes on which curves of score over quality are nearly straight: the logarithms of what is missing to full quality
/// and to a perfect score. Each decreases as its number grows.
fn point(trial: &Trial) -> (f64, f64) {
    (loss_of_quality(trial.quality), loss_of_score(trial.score.0))
}

fn loss_of_quality(quality: Quality) -> f64 {
    (101.0 - f64::from(quality.0)).max(0.5).ln()
}

fn quality_of_loss(loss: f64) -> f64 {
    101.0 - loss.exp()
}

fn loss_of_score(score: f64) -> f64 {
    (100.5 - score).max(0.25).ln()
}

/// Where the straight line through both points reaches the target, kept off the bracket's ends.
fn interpolate(low: &Trial, high: &Trial, target: Score) -> f64 {
    let ((low_x, low_y), (high_x, high_y)) = (point(low), point(high));
    let rise = (low_y - high_y).max(f64::EPSILON);
    let part = (low_y - loss_of_score(target.0 + AIM_ABOVE)) / rise;
    low_x + (high_x - low_x) * part.clamp(MARGIN, 1.0 - MARGIN)
}

fn extrapolate((x, y): (f64, f64), slope: f64, target: Score) -> f64 {
    x + (loss_of_score(target.0 + AIM_ABOVE) - y) / slope
}

/// The slope between the last two trials.
fn slope(trials: &[Trial]) -> f64 {
    let [.., a, b] = trials else { return TYPICAL_SLOPE };
    let ((a_x, a_y), (b_x, b_y)) = (point(a), point(b));
    let slope = (b_y - a_y) / (b_x - a_x);
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
