//! Finds the coarsest setting whose score still reaches the target.
//!
//! Pure: it knows qualities, bytes and scores, and asks a closure for them. No codec, no pixels, no clock.

mod predict;

use predict::{first_quality, next_quality};

use crate::report::Trial;
use crate::{Quality, Result, Score};

/// The settings that may be tried.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct QualityRange {
    /// Coarsest.
    pub min: Quality,
    /// Finest.
    pub max: Quality,
    /// First guess for a score of 75.
    pub start: Quality,
    /// Settings closer than this are the same.
    pub step: f32,
}

/// How much may be spent, and when it is good enough.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Budget {
    /// Probes, at least 1.
    pub max_trials: usize,
    /// A score at most this far above the target ends the search.
    pub tolerance: f64,
    /// A result of this many bytes or more is of no use.
    pub below_bytes: u64,
}

/// How a search ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Choice {
    /// The smallest trial that reached the target within the bytes allowed.
    pub best: Option<Trial>,
    /// Whether some trial reached the target, however large.
    pub reached: bool,
    /// Every trial, in order.
    pub trials: Vec<Trial>,
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
    target: Score,
    budget: Budget,
    probe: &mut dyn FnMut(Quality) -> Result<Trial>,
) -> Result<Choice> {
    let mut trials: Vec<Trial> = Vec::with_capacity(budget.max_trials);
    let mut next = Some(first_quality(range, target));
    while let Some(quality) = next.take() {
        let trial = probe(quality)?;
        trials.push(trial);
        let good_enough = trial.score >= target && trial.score.0 <= target.0 + budget.tolerance;
        // Below the target and too large already: every finer setting is larger still.
        let hopeless = trial.score < target && trial.bytes >= budget.below_bytes;
        if !good_enough && !hopeless && trials.len() < budget.max_trials {
            next = next_quality(range, target, &trials);
        }
    }
    let reached = trials.iter().any(|trial| trial.score >= target);
    let best = trials
        .iter()
        .filter(|trial| trial.score >= target && trial.bytes < budget.below_bytes)
        .copied()
        .reduce(|best, trial| if is_better(&trial, &best) { trial } else { best });
    Ok(Choice { best, reached, trials })
}

/// Whether `trial` is the better of two that reach the target: fewer bytes, or as many and a higher score.
pub(crate) fn is_better(trial: &Trial, best: &Trial) -> bool {
    trial.bytes.cmp(&best.bytes).then(best.score.0.total_cmp(&trial.score.0)).is_lt()
}

/// Rounds to a multiple of the step inside the range.
fn clamp(range: QualityRange, quality: Quality) -> Quality {
    let rounded = (quality.0 / range.step).round() * range.step;
    Quality(rounded.clamp(range.min.0, range.max.0))
}

#[cfg(test)]
mod tests;
