//! The next setting to try, as a pure function of what was tried.

use super::{Axis, Goal, Guess, Probe, QualityRange};
use crate::{Quality, Score};

/// Slopes outside this range are noise or saturation; extrapolating along them would jump to the ends.
const SLOPE_RANGE: (f64, f64) = (0.15, 2.0);
/// Inside a bracket, stay this far (as a part of it) from its ends, so that it always shrinks.
const MARGIN: f64 = 0.08;

/// The next quality, or `None` if every setting that could be better was tried. `slope` is the expected one, used until
/// there are two probes.
pub(super) fn next_quality(range: QualityRange, slope: f64, goal: Goal, probes: &[Probe]) -> Option<Quality> {
    let by_quality = |a: &&Probe, b: &&Probe| a.quality.0.total_cmp(&b.quality.0);
    let below = probes.iter().filter(|probe| probe.score < goal.target).max_by(by_quality);
    let above = probes.iter().filter(|probe| probe.score >= goal.target).min_by(by_quality);
    let guess = match (below, above) {
        // A curve that is not monotone: what is known to reach the target may still be approached from below it.
        (Some(low), Some(high)) if low.quality.0 >= high.quality.0 => return None,
        (Some(low), Some(high)) => interpolate(range.axis, low, high, goal),
        (Some(nearest), None) | (None, Some(nearest)) => {
            extrapolate(range.axis, nearest, seen_slope(range.axis, probes, slope), goal)
        }
        (None, None) => return None,
    };
    let inside = |quality: Quality| {
        below.is_none_or(|low| quality.0 > low.quality.0)
            && above.is_none_or(|high| quality.0 < high.quality.0)
    };
    let tried: Vec<Quality> = probes.iter().map(|probe| probe.quality).collect();
    range.untried(Quality((range.axis.quality)(guess) as f32), &tried, inside)
}

/// What the probes of a part say of the whole: the quality that scores `target` on the line through the nearest, and that
/// line's slope. What was `expected`, if there are none.
pub(crate) fn refine(axis: &Axis, probes: &[Probe], expected: Guess, target: Score) -> Guess {
    let distance = |probe: &&Probe| (probe.score.0 - target.0).abs();
    let Some(nearest) = probes.iter().min_by(|a, b| distance(a).total_cmp(&distance(b))) else {
        return expected;
    };
    let others = probes.iter().filter(|probe| probe.quality != nearest.quality);
    let slope = match others.min_by(|a, b| distance(a).total_cmp(&distance(b))) {
        Some(other) => seen_slope(axis, &[*other, *nearest], expected.slope),
        None => expected.slope,
    };
    let (x, y) = point(axis, nearest);
    let quality = Quality((axis.quality)(x + (loss_of_score(target.0) - y) / slope) as f32);
    Guess { quality, slope }
}

/// Where curves of score over quality are nearly straight: the encoder's own axis, and the logarithm of what is missing to
/// a perfect score.
fn point(axis: &Axis, probe: &Probe) -> (f64, f64) {
    ((axis.loss)(probe.quality.0.into()), loss_of_score(probe.score.0))
}

pub(super) fn loss_of_score(score: f64) -> f64 {
    (100.5 - score).max(0.25).ln()
}

/// Where the straight line through both points reaches the aim, kept off the bracket's ends.
fn interpolate(axis: &Axis, low: &Probe, high: &Probe, goal: Goal) -> f64 {
    let ((low_x, low_y), (high_x, high_y)) = (point(axis, low), point(axis, high));
    let rise = (low_y - high_y).max(f64::EPSILON);
    let part = (low_y - loss_of_score(goal.aim())) / rise;
    low_x + (high_x - low_x) * part.clamp(MARGIN, 1.0 - MARGIN)
}

fn extrapolate(axis: &Axis, from: &Probe, slope: f64, goal: Goal) -> f64 {
    let (x, y) = point(axis, from);
    x + (loss_of_score(goal.aim()) - y) / slope
}

/// The slope between the last two probes, as far as they are apart; the expected one before there are two.
///
/// Scores do not rise evenly: settings are rounded on their way into a file. So what two probes say is weighed against what was
/// expected as two measurements are, by how far each is usually off.
fn seen_slope(axis: &Axis, probes: &[Probe], expected: f64) -> f64 {
    /// Of the difference of two scores from the line, in the logarithm of what is missing: half a point at 75.
    const UNEVENNESS: f64 = 0.028;
    /// Of an expected slope, as a part of it.
    const DOUBT: f64 = 0.3;
    let [.., a, b] = probes else { return expected };
    let ((a_x, a_y), (b_x, b_y)) = (point(axis, a), point(axis, b));
    let seen = (b_y - a_y) / (b_x - a_x);
    if !seen.is_finite() {
        return expected;
    }
    let of_seen = ((b_x - a_x) / UNEVENNESS).powi(2);
    let of_expected = (DOUBT * expected).powi(-2);
    let slope = (of_seen * seen + of_expected * expected) / (of_seen + of_expected);
    slope.clamp(SLOPE_RANGE.0, SLOPE_RANGE.1)
}
