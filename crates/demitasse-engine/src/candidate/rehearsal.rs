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
const TOLERANCE: f64 = 2.5;
/// A sample scores higher than the whole image, by this for each point that is missing to 100 and for no pixel seen: what
/// is rare is not in it (`docs/decisions/0003-tiles.md`).
const BIAS: f64 = 0.055;

impl Trials<'_> {
    /// Where the search on the whole image should start: `expected`, or better where there is a sample. Notes what was
    /// tried in `trials`.
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
        let unseen = 1.0 - sample.share;
        let bias = BIAS * unseen * unseen * (100.0 - goal.target.0);
        let aim =
            Goal { target: Score((goal.target.0 + bias - TOLERANCE / 2.0).min(99.0)), tolerance: TOLERANCE };
        let evaluator = Evaluator::new(&sample.image);
        let source = Source { image: &sample.image, ..self.source };
        let ready = Ready::new(candidate, source, self.control)?;
        let max_trials = if self.effort == Effort::Fast { 1 } else { MAX_PROBES };
        let budget = Budget { max_trials, below_bytes: u64::MAX };
        let choice = search(range, expected, aim, budget, &mut |quality: Quality| {
            self.control.check()?;
            let bytes = ready.encode(self.setting(quality), self.embedded, self.control)?;
            let image = decode_result(candidate.format, &bytes, &sample.image, self.limits, self.control)?;
            let score = evaluator.score(&image, self.control)?.whole;
            trials.push(Trial {
                quality,
                bytes: bytes.len() as u64,
                score: Some(score),
                share: sample.share,
            });
            Ok(Probe { quality, bytes: bytes.len() as u64, score })
        })?;
        Ok(refine(range.axis, &choice.probes, expected, Score((goal.aim() + bias).min(99.5))))
    }
}
