//! The search on a sample of a large image.

use super::ready::Ready;
use super::{Candidate, Trials, decode_result};
use crate::codec::Source;
use crate::metric::Evaluator;
use crate::report::Trial;
use crate::search::{Budget, Goal, Guess, Probe, QualityRange, refine, search};
use crate::{Effort, Quality, Result, Score};

/// Encodes of the sample.
const MAX_PROBES: usize = 3;
/// A score this far from what is aimed at is near enough to tell the rest from the slope.
pub(crate) const REHEARSAL_TOLERANCE: f64 = 2.5;
/// A sample scores higher than the whole image, by this for each point that is missing to 100 and for no pixel seen: what
/// is rare is not in it (`docs/decisions/0003-tiles.md`).
const BIAS: f64 = 0.055;

/// A search on a sample.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rehearsal {
    /// The settings that may be tried.
    pub range: QualityRange,
    /// Of the whole image.
    pub goal: Goal,
    /// Encodes, at least 1.
    pub max_probes: usize,
    /// The part of the image's pixels that is in the sample.
    pub share: f64,
    /// Width of the range of scores that is near enough, usually [`REHEARSAL_TOLERANCE`].
    pub tolerance: f64,
}

/// Where the search on the whole image should start: `expected`, or better. `measure` encodes the sample, and gives its bytes and its
/// score. Notes what was tried in `trials`.
///
/// # Errors
/// Those of `measure`.
pub(crate) fn rehearse(
    rehearsal: Rehearsal,
    expected: Guess,
    trials: &mut Vec<Trial>,
    measure: &mut dyn FnMut(Quality) -> Result<(u64, Score)>,
) -> Result<Guess> {
    let Rehearsal { range, goal, max_probes, share, tolerance } = rehearsal;
    let bias = BIAS * (1.0 - share).powi(2) * (100.0 - goal.target.0);
    let target = Score((goal.target.0 + bias - tolerance / 2.0).min(99.0));
    let aim = Goal { target, tolerance };
    let budget = Budget { max_trials: max_probes, below_bytes: u64::MAX };
    let choice = search(range, expected, aim, budget, &mut |quality| {
        let (bytes, score) = measure(quality)?;
        trials.push(Trial { quality, bytes, score: Some(score), share });
        Ok(Probe { quality, bytes, score })
    })?;
    Ok(refine(range.axis, &choice.probes, expected, Score((goal.aim() + bias).min(99.5))))
}

impl Trials<'_> {
    /// As [`rehearse`], where there is a sample; what is `expected` where there is none.
    ///
    /// # Errors
    /// The encoder's; `DeadlineExceeded`, `Cancelled`.
    pub(super) fn rehearse(
        &self,
        candidate: Candidate,
        range: QualityRange,
        goal: Goal,
        expected: Guess,
        trials: &mut Vec<Trial>,
    ) -> Result<Guess> {
        let Some(sample) = self.sample.filter(|_| candidate.encoder.rehearses()) else { return Ok(expected) };
        let evaluator = Evaluator::new(&sample.image);
        let source = Source { image: &sample.image, ..self.source };
        let ready = Ready::new(candidate, source, self.control)?;
        let max_probes = if self.effort == Effort::Fast { 1 } else { MAX_PROBES };
        let (share, tolerance) = (sample.share, REHEARSAL_TOLERANCE);
        let rehearsal = Rehearsal { range, goal, max_probes, share, tolerance };
        rehearse(rehearsal, expected, trials, &mut |quality| {
            self.control.check()?;
            let bytes = ready.encode(self.setting(quality), self.embedded, self.control)?;
            let image = decode_result(candidate.format, &bytes, &sample.image, self.limits, self.control)?;
            Ok((bytes.len() as u64, evaluator.score(&image, self.control)?.whole))
        })
    }
}
