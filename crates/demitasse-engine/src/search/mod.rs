//! Finds the setting whose score is the target's, or whose size is the one allowed.
//!
//! Pure: it knows qualities, bytes and scores, and asks a closure for them. No codec, no pixels, no clock.
//!
//! - [`search`]: the coarsest setting whose score still reaches a target.
//! - [`fit`]: the finest setting that fits into so many bytes.
//! - `curve`: what to expect of an encoder before anything was tried.

mod curve;
mod fit;
mod predict;

pub(crate) use curve::Curve;
pub(crate) use fit::{Fit, fit};
use predict::next_quality;
pub(crate) use predict::refine;

use crate::{Quality, Result, Score};

/// The settings that may be tried.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct QualityRange {
    /// Coarsest.
    pub min: Quality,
    /// Finest.
    pub max: Quality,
    /// Settings closer than this are the same.
    pub step: f32,
    /// On which scores are nearly straight.
    pub axis: &'static Axis,
}

/// A measure of what is lost at a quality, on which (the logarithm of what is missing to a perfect) score is nearly a
/// straight line. Falls as quality grows.
#[derive(Debug)]
pub(crate) struct Axis {
    /// From a quality.
    pub loss: fn(f64) -> f64,
    /// And back.
    pub quality: fn(f64) -> f64,
}

impl PartialEq for Axis {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

/// The logarithm of what is missing to full quality.
pub(crate) static PLAIN_AXIS: Axis =
    Axis { loss: |quality| (101.0 - quality).max(0.5).ln(), quality: |loss| 101.0 - loss.exp() };

/// What is expected before anything was tried.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Guess {
    /// The setting that should score as the target asks.
    pub quality: Quality,
    /// How the curve runs there: see [`Curve`].
    pub slope: f64,
}

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Goal {
    /// No less than this.
    pub target: Score,
    /// A score at most this far above the target ends the search.
    pub tolerance: f64,
}

impl Goal {
    /// Where to aim: landing below the target costs a trial, landing above it bytes.
    pub(crate) fn aim(&self) -> f64 {
        self.target.0 + AIM * self.tolerance
    }
}

/// Of the tolerance: in the middle, a little below, because scores fall short more often than they exceed.
const AIM: f64 = 0.45;

/// How much may be spent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Budget {
    /// Probes, at least 1.
    pub max_trials: usize,
    /// A result of this many bytes or more is of no use.
    pub below_bytes: u64,
}

/// One encode, scored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Probe {
    /// The encoder's setting.
    pub quality: Quality,
    /// Length of the result.
    pub bytes: u64,
    /// Its score.
    pub score: Score,
}

/// How a search ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Choice {
    /// The smallest probe that reached the target within the bytes allowed.
    pub best: Option<Probe>,
    /// Whether some probe reached the target, however large.
    pub reached: bool,
    /// Every probe, in order.
    pub probes: Vec<Probe>,
}

/// Searches.
///
/// Assumes that score and bytes grow with quality, and stays right where they do not: what is chosen was probed and
/// reached the target; nothing is inferred. At most `budget.max_trials` probes, all different settings.
///
/// # Errors
/// The probe's own, at once.
pub(crate) fn search(
    range: QualityRange,
    guess: Guess,
    goal: Goal,
    budget: Budget,
    probe: &mut dyn FnMut(Quality) -> Result<Probe>,
) -> Result<Choice> {
    let mut probes: Vec<Probe> = Vec::with_capacity(budget.max_trials);
    let mut next = Some(range.clamp(guess.quality));
    while let Some(quality) = next.take() {
        let tried = probe(quality)?;
        probes.push(tried);
        let good_enough = tried.score >= goal.target && tried.score.0 <= goal.target.0 + goal.tolerance;
        // Below the target and too large already: every finer setting is larger still.
        let hopeless = tried.score < goal.target && tried.bytes >= budget.below_bytes;
        if !good_enough && !hopeless && !is_settled(goal, &probes) && probes.len() < budget.max_trials {
            next = next_quality(range, guess.slope, goal, &probes);
        }
    }
    let reached = probes.iter().any(|tried| tried.score >= goal.target);
    let best = probes
        .iter()
        .filter(|tried| tried.score >= goal.target && tried.bytes < budget.below_bytes)
        .copied()
        .reduce(|best, tried| if is_better(&tried, &best) { tried } else { best });
    Ok(Choice { best, reached, probes })
}

/// Whether the best probe is near enough to the target, and the nearest that falls short has so nearly as many bytes that what lies
/// between them is not worth another: as much as the tolerance gives away at most.
fn is_settled(goal: Goal, probes: &[Probe]) -> bool {
    /// What a user is promised, in points.
    const NEAR: f64 = 1.0;
    /// Part of the bytes that a point is worth, about (`docs/decisions/0004-search.md`).
    const A_POINT: f64 = 0.02;
    let reaches = |probe: &&Probe| probe.score >= goal.target;
    let Some(best) = probes.iter().filter(reaches).min_by_key(|probe| probe.bytes) else { return false };
    let below = probes.iter().filter(|probe| !reaches(probe) && probe.bytes <= best.bytes);
    let Some(below) = below.max_by_key(|probe| probe.bytes) else { return false };
    let may_save = (best.bytes - below.bytes) as f64 / best.bytes as f64;
    best.score.0 <= goal.target.0 + NEAR && may_save <= A_POINT * goal.tolerance
}

/// Whether `probe` is the better of two that reach the target: fewer bytes, or as many and a higher score.
pub(crate) fn is_better(probe: &Probe, best: &Probe) -> bool {
    probe.bytes.cmp(&best.bytes).then(best.score.0.total_cmp(&probe.score.0)).is_lt()
}

impl QualityRange {
    /// Rounds to a multiple of the step inside the range.
    pub(crate) fn clamp(&self, quality: Quality) -> Quality {
        let rounded = (quality.0 / self.step).round() * self.step;
        Quality(rounded.clamp(self.min.0, self.max.0))
    }

    /// The nearest setting to `guess` that is inside and not among `tried`, its neighbours included.
    fn untried(
        &self,
        guess: Quality,
        tried: &[Quality],
        inside: impl Fn(Quality) -> bool,
    ) -> Option<Quality> {
        let is_new =
            |quality: Quality| tried.iter().all(|tried| (tried.0 - quality.0).abs() > self.step / 2.0);
        let rounded = self.clamp(guess);
        let neighbors = [0.0, 1.0, -1.0].map(|steps| self.clamp(Quality(rounded.0 + steps * self.step)));
        neighbors.into_iter().find(|quality| is_new(*quality) && inside(*quality))
    }
}

#[cfg(test)]
mod tests;
