//! Runs the candidates of one image.

use super::ready::Ready;
use super::{Attempt, Candidate, Sample, decode_result};
use crate::analyze::{Analysis, Content};
use crate::codec::{Mode, Setting, Source, caught};
use crate::metadata::Embedded;
use crate::metric::Evaluator;
use crate::report::{CandidateReport, Trial, Verdict};
use crate::search::{Budget, Fit, Goal, Probe, QualityRange, fit, is_better, search};
use crate::verify::{Look, look};
use crate::{Control, Effort, Error, Format, Limits, Quality, Result, Score, Target};

/// Encodes for each lossy candidate; the search rarely needs more than three.
const MAX_TRIALS: usize = 7;
/// A score this far above the target is good enough: half a point is about 1 % of a JPEG's bytes
/// (`docs/decisions/0004-search.md`).
pub(crate) const TOLERANCE: f64 = 0.9;
/// The same where time does not matter.
const FINE_TOLERANCE: f64 = 0.3;
/// A lossless rewrite of a JPEG saves 5 to 7 %; it is not tried where a lossy result saved more than this.
pub(crate) const LOSSLESS_REWRITE_MAY_SAVE: f64 = 0.10;
/// A lossy result must save at least this part of the input: pixels are not touched for less.
pub(crate) const MIN_LOSSY_GAIN: f64 = 0.02;
/// Where a fit into bytes starts: what this score is expected to take.
const FIT_START: Score = Score(70.0);

/// Runs the candidates of one image.
#[derive(Clone, Copy)]
pub(crate) struct Trials<'a> {
    /// What they start from.
    pub source: Source<'a>,
    /// A part of them, where they are many.
    pub sample: Option<&'a Sample>,
    /// What it is like.
    pub analysis: &'a Analysis,
    /// What must be held.
    pub target: Target,
    /// How much time it is worth.
    pub effort: Effort,
    /// Beside the pixels, for encoders that start from pixels.
    pub embedded: &'a Embedded,
    /// Beside the pixels, for encoders that keep a JPEG's coefficients.
    pub embedded_as_stored: &'a Embedded,
    /// For the original's score.
    pub evaluator: &'a Evaluator<'a>,
    /// A result must be smaller than this many bytes.
    pub below_bytes: u64,
    /// For decoding results.
    pub limits: &'a Limits,
    /// Deadline and cancel.
    pub control: &'a Control,
}

/// What one candidate came to.
type Done = (CandidateReport, Option<Attempt>);

impl Trials<'_> {
    /// Tries every candidate; gives the results that may hold the promise, best first (ties: the earlier candidate), and
    /// what became of each candidate.
    ///
    /// # Errors
    /// `DeadlineExceeded`, `Cancelled`. A codec that fails is a candidate that failed.
    pub(crate) fn run(&self, candidates: &[Candidate]) -> Result<(Vec<Attempt>, Vec<CandidateReport>)> {
        let mut attempts: Vec<Attempt> = Vec::new();
        let mut reports = Vec::new();
        let mut smallest = self.below_bytes;
        for candidate in candidates {
            self.control.check()?;
            if self.cannot_win(*candidate, smallest) {
                continue;
            }
            let index = reports.len();
            let (report, attempt) = match self.attempt(*candidate, index, smallest) {
                Ok(done) => done,
                Err(error @ (Error::DeadlineExceeded | Error::Cancelled)) => return Err(error),
                Err(error) => (failed(*candidate, &error), None),
            };
            reports.push(report);
            let Some(attempt) = attempt else { continue };
            if !matches!(self.target, Target::MaxBytes { .. }) {
                smallest = smallest.min(attempt.bytes.len() as u64);
            }
            attempts.push(attempt);
        }
        match self.target {
            Target::MaxBytes { .. } => attempts.sort_by(|a, b| {
                let score = |attempt: &Attempt| attempt.look.map_or(100.0, |look| look.held().0);
                let by_score = || score(b).total_cmp(&score(a));
                a.exceeds.cmp(&b.exceeds).then_with(by_score).then(a.bytes.len().cmp(&b.bytes.len()))
            }),
            _ => attempts.sort_by_key(|attempt| (attempt.bytes.len(), attempt.index)),
        }
        Ok((attempts, reports))
    }

    /// Whether an earlier result makes this one useless.
    fn cannot_win(&self, candidate: Candidate, smallest: u64) -> bool {
        let lossless_after_lossy = candidate.encoder.mode() == Mode::Lossless && smallest < self.below_bytes;
        let saved = 1.0 - smallest as f64 / self.below_bytes as f64;
        lossless_after_lossy
            && match candidate.format {
                Format::Jpeg => saved > LOSSLESS_REWRITE_MAY_SAVE,
                Format::Webp => !self.analysis.is_graphic(),
                _ => false,
            }
    }

    fn attempt(&self, candidate: Candidate, index: usize, smallest: u64) -> Result<Done> {
        let ready = &Ready::new(candidate, self.source, self.control)?;
        let range = match candidate.encoder.mode() {
            Mode::Lossless => return self.lossless(ready, index),
            Mode::Lossy { min, max, step } => QualityRange { min, max, step, axis: candidate.encoder.axis() },
        };
        match self.target {
            Target::Quality { quality } => self.fixed(ready, quality, index),
            Target::Score { score } if self.may_predict(candidate) => {
                self.predicted(ready, range, score, index)
            }
            Target::Score { score } => {
                let below_bytes = ((self.below_bytes as f64 * (1.0 - MIN_LOSSY_GAIN)) as u64).min(smallest);
                self.searched(ready, range, score, below_bytes, index)
            }
            Target::MaxBytes { max_bytes, floor } => self.fitted(ready, range, max_bytes, floor, index),
            Target::Lossless => Err(Error::codec("plan", "a lossy encoder for a lossless target")),
        }
    }

    /// Whether a result may rest on a prediction. Curves were fitted on photos: of drawings and noise they are off by up to 30
    /// points (`docs/decisions/0014-prediction.md`).
    fn may_predict(&self, candidate: Candidate) -> bool {
        self.effort == Effort::Fast
            && candidate.encoder.is_predictable()
            && self.analysis.content == Content::Photo
    }

    fn lossless(&self, ready: &Ready<'_>, index: usize) -> Result<Done> {
        let candidate = ready.candidate;
        let quality = Quality(100.0);
        let bytes = self.encode(ready, quality)?;
        let size = bytes.len() as u64;
        let fits = size < self.below_bytes;
        let report = report(candidate, Vec::new(), Some(size), Some(Score(100.0)), Verdict::Larger);
        let exceeds = matches!(self.target, Target::MaxBytes { max_bytes, .. } if size > max_bytes);
        let attempt = Attempt { candidate, quality, bytes, index, look: None, predicted: None, exceeds };
        // What exceeds the bytes allowed is the business of the encoders that can do something about it.
        Ok((report, (fits && !exceeds).then_some(attempt)))
    }

    fn fixed(&self, ready: &Ready<'_>, quality: Quality, index: usize) -> Result<Done> {
        let candidate = ready.candidate;
        let bytes = self.repack(candidate, quality, self.encode(ready, quality)?)?;
        let look = self.look(candidate.format, &bytes)?;
        let size = bytes.len() as u64;
        let trial = Trial { quality, bytes: size, score: Some(look.scored.whole), share: 1.0 };
        let report = report(candidate, vec![trial], Some(size), trial.score, Verdict::Larger);
        let attempt =
            Attempt { candidate, quality, bytes, index, look: Some(look), predicted: None, exceeds: false };
        Ok((report, (size < self.below_bytes).then_some(attempt)))
    }

    /// One encode at the setting that the image's features ask for, and a sample of it; nothing is measured on the result.
    fn predicted(&self, ready: &Ready<'_>, range: QualityRange, target: Score, index: usize) -> Result<Done> {
        let candidate = ready.candidate;
        let expected =
            candidate.encoder.curve(self.effort).guess(range.axis, &self.analysis.features, target);
        let goal = Goal { target, tolerance: TOLERANCE };
        let mut trials = Vec::new();
        let guess = self.rehearse(candidate, range, goal, expected, &mut trials)?;
        let quality = range.clamp(guess.quality);
        let bytes = self.encode(ready, quality)?;
        let size = bytes.len() as u64;
        trials.push(Trial { quality, bytes: size, score: None, share: 1.0 });
        let report = report(candidate, trials, Some(size), None, Verdict::Larger);
        let fits = size < (self.below_bytes as f64 * (1.0 - MIN_LOSSY_GAIN)) as u64;
        let attempt =
            Attempt { candidate, quality, bytes, index, look: None, predicted: Some(target), exceeds: false };
        Ok((report, fits.then_some(attempt)))
    }

    fn searched(
        &self,
        ready: &Ready<'_>,
        range: QualityRange,
        target: Score,
        below_bytes: u64,
        index: usize,
    ) -> Result<Done> {
        let candidate = ready.candidate;
        let budget = Budget { max_trials: MAX_TRIALS, below_bytes };
        let tolerance = if self.effort == Effort::Max { FINE_TOLERANCE } else { TOLERANCE };
        let goal = Goal { target, tolerance };
        let expected =
            candidate.encoder.curve(self.effort).guess(range.axis, &self.analysis.features, target);
        let mut trials = Vec::new();
        let guess = self.rehearse(candidate, range, goal, expected, &mut trials)?;
        let mut kept: Option<(Probe, Vec<u8>, Look)> = None;
        let choice = search(range, guess, goal, budget, &mut |quality| {
            self.control.check()?;
            let bytes = self.encode(ready, quality)?;
            let look = self.look(candidate.format, &bytes)?;
            let probe = Probe { quality, bytes: bytes.len() as u64, score: look.held() };
            let holds = probe.score >= target && probe.bytes < budget.below_bytes;
            if holds && kept.as_ref().is_none_or(|(best, ..)| is_better(&probe, best)) {
                kept = Some((probe, bytes, look));
            }
            Ok(probe)
        })?;
        let verdict = if choice.reached { Verdict::Larger } else { Verdict::BelowTarget };
        trials.extend(choice.probes.iter().map(trial));
        // Where the target is out of reach, the best that was reached is told.
        let highest = choice.probes.iter().max_by(|a, b| a.score.0.total_cmp(&b.score.0)).copied();
        let told = choice.best.or(highest.filter(|_| !choice.reached));
        let report = report(candidate, trials, told.map(|p| p.bytes), told.map(|p| p.score), verdict);
        let Some((Probe { quality, .. }, tried, look)) = kept else { return Ok((report, None)) };
        let bytes = self.repack(candidate, quality, tried.clone())?;
        let look = (bytes == tried).then_some(look);
        let report = CandidateReport { bytes: Some(bytes.len() as u64), ..report };
        Ok((
            report,
            Some(Attempt { candidate, quality, bytes, index, look, predicted: None, exceeds: false }),
        ))
    }

    /// The best score within `max_bytes`; where that is below `floor`, the smallest file at the floor.
    fn fitted(
        &self,
        ready: &Ready<'_>,
        range: QualityRange,
        max_bytes: u64,
        floor: Score,
        index: usize,
    ) -> Result<Done> {
        let candidate = ready.candidate;
        let start = candidate
            .encoder
            .curve(self.effort)
            .guess(range.axis, &self.analysis.features, FIT_START)
            .quality;
        let mut kept: Option<(Quality, Vec<u8>)> = None;
        let max_bytes = max_bytes.min(self.below_bytes.saturating_sub(1));
        let Fit { tried, .. } = fit(range, start, max_bytes, MAX_TRIALS, &mut |quality| {
            self.control.check()?;
            let bytes = self.encode(ready, quality)?;
            let size = bytes.len() as u64;
            if size <= max_bytes && kept.as_ref().is_none_or(|(best, _)| quality > *best) {
                kept = Some((quality, bytes));
            }
            Ok(size)
        })?;
        let mut trials: Vec<Trial> = tried
            .iter()
            .map(|(quality, bytes)| Trial { quality: *quality, bytes: *bytes, score: None, share: 1.0 })
            .collect();
        if let Some((quality, bytes)) = kept {
            let bytes = self.repack(candidate, quality, bytes)?;
            let look = self.look(candidate.format, &bytes)?;
            let (size, score) = (bytes.len() as u64, Some(look.scored.whole));
            trials.iter_mut().filter(|trial| trial.quality == quality).for_each(|trial| trial.score = score);
            if look.held() >= floor {
                let report = report(candidate, trials, Some(size), score, Verdict::Larger);
                let attempt = Attempt {
                    candidate,
                    quality,
                    bytes,
                    index,
                    look: Some(look),
                    predicted: None,
                    exceeds: false,
                };
                return Ok((report, Some(attempt)));
            }
        }
        let (mut report, attempt) = self.searched(ready, range, floor, self.below_bytes, index)?;
        trials.append(&mut report.trials);
        report.trials = trials;
        Ok((report, attempt.map(|attempt| Attempt { exceeds: true, ..attempt })))
    }

    fn encode(&self, ready: &Ready<'_>, quality: Quality) -> Result<Vec<u8>> {
        let embedded = match ready.candidate.encoder.keeps_coefficients() {
            true => self.embedded_as_stored,
            false => self.embedded,
        };
        ready.encode(self.setting(quality), embedded, self.control)
    }

    fn repack(&self, candidate: Candidate, quality: Quality, bytes: Vec<u8>) -> Result<Vec<u8>> {
        let setting = self.setting(quality);
        caught(candidate.format, || {
            candidate.encoder.repack(self.source, setting, bytes, self.embedded, self.control)
        })
    }

    pub(super) fn setting(&self, quality: Quality) -> Setting {
        Setting { quality, effort: self.effort }
    }

    fn look(&self, format: Format, bytes: &[u8]) -> Result<Look> {
        let image = decode_result(format, bytes, self.source.image, self.limits, self.control)?;
        look(self.source.image, &image, self.evaluator, self.control)
    }
}

fn trial(probe: &Probe) -> Trial {
    Trial { quality: probe.quality, bytes: probe.bytes, score: Some(probe.score), share: 1.0 }
}

fn report(
    candidate: Candidate,
    trials: Vec<Trial>,
    bytes: Option<u64>,
    score: Option<Score>,
    verdict: Verdict,
) -> CandidateReport {
    let encoder = candidate.encoder.identity().0.to_owned();
    CandidateReport { format: candidate.format, encoder, trials, bytes, score, verdict, detail: None }
}

fn failed(candidate: Candidate, error: &Error) -> CandidateReport {
    CandidateReport {
        detail: Some(error.to_string()),
        ..report(candidate, Vec::new(), None, None, Verdict::Failed)
    }
}
