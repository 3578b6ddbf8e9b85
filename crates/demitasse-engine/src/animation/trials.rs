//! Runs the encoders of one animation.

use std::sync::Arc;

use super::compare::{Likeness, differs, likeness};
use super::even::{Evened, Evenness};
use crate::candidate::{MIN_LOSSY_GAIN, TOLERANCE};
use crate::codec::animation::Animation;
use crate::codec::{Animator, FramesSetting, IsGood, Mode, Setting, caught, codec};
use crate::metadata::Embedded;
use crate::receipt::Encoded;
use crate::report::{CandidateReport, Trial, Verdict, Warning};
use crate::search::{Budget, Fit, Goal, PLAIN_AXIS, Probe, QualityRange, fit, is_better, search};
use crate::{Control, Effort, Error, Format, Limits, Quality, Request, Result, Score, Target};

/// One encoder, in one format.
#[derive(Clone, Copy)]
pub(super) struct Candidate {
    pub format: Format,
    pub animator: &'static dyn Animator,
}

/// A result that holds the promise.
pub(super) struct Made {
    candidate: Candidate,
    quality: Quality,
    bytes: Vec<u8>,
    /// None if every pixel is as it was.
    pub likeness: Option<Likeness>,
    /// The score below which frames were coded again.
    floor: Option<Score>,
    /// Whether more bytes were taken than were allowed, because fewer would have gone below the floor.
    exceeds: bool,
}

impl Made {
    fn of(candidate: Candidate, quality: Quality, found: Evened, exceeds: bool) -> Self {
        let Evened { bytes, likeness, floor } = found;
        Self { candidate, quality, bytes, likeness: Some(likeness), floor, exceeds }
    }

    /// For the receipt.
    pub(super) fn encoded(self, request: &Request) -> Encoded {
        let (encoder, version) = self.candidate.animator.identity();
        let setting = Setting { quality: self.quality, effort: request.effort };
        let mut settings = self.candidate.animator.settings(setting);
        if let Some(Score(floor)) = self.floor {
            settings.insert("least_score_of_a_frame".into(), floor.into());
        }
        Encoded {
            bytes: self.bytes,
            format: self.candidate.format,
            encoder,
            version,
            settings,
            exceeds: self.exceeds.then_some(request.target),
        }
    }
}

/// Runs the encoders of one animation.
#[derive(Clone, Copy)]
pub(super) struct Trials<'a> {
    pub animation: &'a Animation<'a>,
    pub request: &'a Request,
    pub embedded: &'a Embedded,
    /// That of the pixels.
    pub profile: Option<&'a Arc<[u8]>>,
    /// Pixels that are not those of the frame before, in all frames.
    pub changed: u64,
    /// A result must be smaller than this many bytes.
    pub below_bytes: u64,
    pub limits: &'a Limits,
    pub control: &'a Control,
}

type Done = (CandidateReport, Option<Made>);

impl Trials<'_> {
    /// Tries every candidate; gives the smallest result that holds the promise (of as many bytes as allowed: the best), what
    /// became of each candidate, and what was left out.
    ///
    /// # Errors
    /// `DeadlineExceeded`, `Cancelled`; `Malformed` of the input.
    pub(super) fn run(
        &self,
        candidates: &[Candidate],
    ) -> Result<(Option<Made>, Vec<CandidateReport>, Vec<Warning>)> {
        let (mut reports, mut warnings) = (Vec::new(), Vec::new());
        let mut best: Option<(Made, usize)> = None;
        for candidate in candidates {
            self.control.check()?;
            let most_trials = match candidate.animator.mode() {
                Mode::Lossless => (1, 0),
                Mode::Lossy { .. } => self.affordable(*candidate),
            };
            if most_trials.0 == 0 {
                warnings.push(self.left_out(*candidate));
                continue;
            }
            let smallest = match (&best, self.request.target) {
                (Some((made, _)), Target::Lossless | Target::Score { .. } | Target::Quality { .. }) => {
                    made.bytes.len() as u64
                }
                _ => self.below_bytes,
            };
            let (report, made) = match self.attempt(*candidate, smallest, most_trials) {
                Ok(done) => done,
                Err(error @ (Error::Codec { .. } | Error::LimitExceeded { .. })) => {
                    let failed = self.report(*candidate, Vec::new(), None, Verdict::Failed);
                    (CandidateReport { detail: Some(error.to_string()), ..failed }, None)
                }
                Err(error) => return Err(error),
            };
            if let Some(made) = made
                && best.as_ref().is_none_or(|(best, _)| self.is_better(&made, best))
            {
                best = Some((made, reports.len()));
            }
            reports.push(report);
        }
        let made = best.map(|(made, index)| {
            reports[index].verdict = Verdict::Chosen;
            made
        });
        Ok((made, reports, warnings))
    }

    fn is_better(&self, made: &Made, best: &Made) -> bool {
        let smaller = made.bytes.len() < best.bytes.len();
        match self.request.target {
            Target::MaxBytes { .. } => {
                let held = |made: &Made| made.likeness.as_ref().map_or(100.0, |likeness| likeness.held().0);
                let (new, old) = ((!made.exceeds, held(made)), (!best.exceeds, held(best)));
                new > old || new == old && smaller
            }
            _ => smaller,
        }
    }

    /// Trials that may be made within the processor time allowed, and how often one may be made again; the same on every machine.
    fn affordable(&self, candidate: Candidate) -> (usize, usize) {
        let wanted = match (self.request.target, self.request.effort) {
            (Target::Quality { .. }, _) => 1,
            (_, Effort::Fast) => 3,
            (_, Effort::Balanced) => 5,
            (_, Effort::Max) => 7,
        };
        let Some(seconds) = self.limits.max_cpu_seconds else { return (wanted, wanted) };
        let pace = candidate.animator.pace(self.request.effort);
        let pixels = self.animation.timeline.pixels() as f64;
        let each = (pace * self.changed as f64 + LOOKING * pixels) / 1e6;
        let affordable = (seconds as f64 / each) as usize;
        (wanted.min(affordable), affordable.saturating_sub(wanted).min(wanted))
    }

    fn left_out(&self, candidate: Candidate) -> Warning {
        let (name, seconds) = (candidate.animator.identity().0, self.limits.max_cpu_seconds.unwrap_or(0));
        let detail =
            format!("{name} was not tried: all frames take longer than the {seconds} s that may be taken");
        Warning { code: "left_out_for_time".into(), detail }
    }

    fn attempt(&self, candidate: Candidate, smallest: u64, most_trials: (usize, usize)) -> Result<Done> {
        let range = match candidate.animator.mode() {
            Mode::Lossless => return self.lossless(candidate, smallest),
            Mode::Lossy { min, max, step } => QualityRange { min, max, step, axis: &PLAIN_AXIS },
        };
        let below = ((self.below_bytes as f64 * (1.0 - MIN_LOSSY_GAIN)) as u64).min(smallest);
        match self.request.target {
            Target::Quality { quality } => self.fixed(candidate, quality, smallest),
            Target::Score { score } => self.searched(candidate, range, score, below, most_trials),
            Target::MaxBytes { max_bytes, floor } => {
                self.fitted(candidate, range, (max_bytes, floor), most_trials)
            }
            Target::Lossless => Err(Error::codec("plan", "a lossy encoder for a lossless target")),
        }
    }

    fn lossless(&self, candidate: Candidate, smallest: u64) -> Result<Done> {
        let quality = Quality(100.0);
        let max_bytes = match self.request.target {
            Target::MaxBytes { max_bytes, .. } => max_bytes,
            _ => u64::MAX,
        };
        let Some(bytes) = self.encode(candidate, quality, smallest, None)? else {
            return Ok((self.report(candidate, Vec::new(), None, Verdict::Larger), None));
        };
        let size = bytes.len() as u64;
        let broken = self.result(candidate.format, &bytes, |result| differs(self.animation, result))?;
        let verdict = if broken.is_some() { Verdict::Failed } else { Verdict::Larger };
        let mut report = self.report(candidate, Vec::new(), Some((size, Score(100.0))), verdict);
        report.detail = broken.as_ref().map(|broken| format!("the last check: {broken}"));
        let holds = broken.is_none() && size <= max_bytes;
        let made =
            holds.then_some(Made { candidate, quality, bytes, likeness: None, floor: None, exceeds: false });
        Ok((report, made))
    }

    fn fixed(&self, candidate: Candidate, quality: Quality, smallest: u64) -> Result<Done> {
        let Some(bytes) = self.encode(candidate, quality, smallest, None)? else {
            return Ok((self.report(candidate, Vec::new(), None, Verdict::Larger), None));
        };
        let likeness = self.likeness(candidate, &bytes)?;
        let trial = trial(quality, bytes.len() as u64, Some(likeness.mean));
        let told = Some((trial.bytes, likeness.mean));
        if let Some(damage) = &likeness.damage {
            return Ok((self.failed(candidate, vec![trial], told, damage), None));
        }
        let report = self.report(candidate, vec![trial], told, Verdict::Larger);
        let found = Evened { bytes, likeness, floor: None };
        Ok((report, Some(Made::of(candidate, quality, found, false))))
    }

    fn searched(
        &self,
        candidate: Candidate,
        range: QualityRange,
        target: Score,
        below_bytes: u64,
        (max_trials, repeats): (usize, usize),
    ) -> Result<Done> {
        let mut best: Option<(Probe, Evened)> = None;
        let mut damage = None;
        let guess = candidate.animator.guess(target);
        let evenness = Evenness::new(target, repeats);
        let goal = Goal { target, tolerance: TOLERANCE };
        let choice = search(range, guess, goal, Budget { max_trials, below_bytes }, &mut |quality| {
            // What is larger than that may still tell where the target is.
            let most = below_bytes.saturating_mul(2);
            let Some(found) = self.evened(candidate, quality, most, &evenness)? else {
                return Ok(Probe { quality, bytes: u64::MAX, score: Score(100.0) });
            };
            let likeness = &found.likeness;
            let score = match &likeness.damage {
                Some(_) => Score(0.0),
                None if likeness.is_even() => likeness.held(),
                None => Score(likeness.held().0.min(target.0 - UNEVEN)),
            };
            damage = likeness.damage.clone().or(damage.take());
            let probe = Probe { quality, bytes: found.bytes.len() as u64, score };
            let holds = probe.score >= target && probe.bytes < below_bytes;
            if holds && best.as_ref().is_none_or(|(best, ..)| is_better(&probe, best)) {
                best = Some((probe, found));
            }
            Ok(probe)
        })?;
        let measured = choice.probes.iter().filter(|probe| probe.bytes < u64::MAX);
        let trials: Vec<_> =
            measured.map(|probe| trial(probe.quality, probe.bytes, Some(probe.score))).collect();
        let highest = trials.iter().max_by(|a, b| {
            a.score.map(|s| s.0).partial_cmp(&b.score.map(|s| s.0)).unwrap_or(std::cmp::Ordering::Equal)
        });
        let told = match (&best, highest) {
            (Some((probe, ..)), _) => Some((probe.bytes, probe.score)),
            (None, Some(Trial { bytes, score: Some(score), .. })) => Some((*bytes, *score)),
            _ => None,
        };
        let verdict = if choice.reached { Verdict::Larger } else { Verdict::BelowTarget };
        let report = self.report(candidate, trials, told, verdict);
        let report = CandidateReport { detail: damage, ..report };
        Ok((report, best.map(|(probe, found)| Made::of(candidate, probe.quality, found, false))))
    }

    /// The best score within `max_bytes`; where that is below `floor`, the smallest file at the floor.
    fn fitted(
        &self,
        candidate: Candidate,
        range: QualityRange,
        (max_bytes, floor): (u64, Score),
        (max_trials, repeats): (usize, usize),
    ) -> Result<Done> {
        let mut kept: Option<(Quality, Vec<u8>)> = None;
        let most = max_bytes.min(self.below_bytes.saturating_sub(1));
        let start = candidate.animator.guess(FIT_START).quality;
        let Fit { tried, .. } = fit(range, start, most, max_trials, &mut |quality| {
            let Some(bytes) = self.encode(candidate, quality, u64::MAX, None)? else { return Ok(u64::MAX) };
            let size = bytes.len() as u64;
            if size <= most && kept.as_ref().is_none_or(|(best, _)| quality > *best) {
                kept = Some((quality, bytes));
            }
            Ok(size)
        })?;
        let mut trials: Vec<_> = tried.iter().map(|(quality, bytes)| trial(*quality, *bytes, None)).collect();
        if let Some((quality, bytes)) = kept {
            let likeness = self.likeness(candidate, &bytes)?;
            let found = Evened { bytes, likeness, floor: None };
            let (quality, found) = self.evened_to_fit(candidate, (range, quality), found, most, repeats)?;
            let likeness = &found.likeness;
            if likeness.damage.is_none() && likeness.is_even() && likeness.held() >= floor {
                let told = Some((found.bytes.len() as u64, likeness.mean));
                let report = self.report(candidate, trials, told, Verdict::Larger);
                return Ok((report, Some(Made::of(candidate, quality, found, false))));
            }
        }
        let most_trials = (max_trials, repeats);
        let (mut report, made) = self.searched(candidate, range, floor, self.below_bytes, most_trials)?;
        trials.append(&mut report.trials);
        report.trials = trials;
        Ok((report, made.map(|made| Made { exceeds: true, ..made })))
    }

    pub(super) fn encode(
        &self,
        candidate: Candidate,
        quality: Quality,
        below_bytes: u64,
        is_good: Option<IsGood<'_>>,
    ) -> Result<Option<Vec<u8>>> {
        let setting = FramesSetting { setting: Setting { quality, effort: self.request.effort }, is_good };
        caught(candidate.format, || {
            candidate.animator.encode(self.animation, setting, self.embedded, below_bytes, self.control)
        })
    }

    pub(super) fn likeness(&self, candidate: Candidate, bytes: &[u8]) -> Result<Likeness> {
        self.result(candidate.format, bytes, |result| {
            likeness(self.animation, result, self.profile, self.control)
        })
    }

    /// Opens a result. What does not decode is the encoder's fault.
    fn result<T>(
        &self,
        format: Format,
        bytes: &[u8],
        work: impl FnOnce(&Animation<'_>) -> Result<T>,
    ) -> Result<T> {
        let codec = codec(format);
        let done = codec.timeline(bytes, self.limits).and_then(|timeline| {
            work(&Animation::new(bytes, (format, codec), &timeline, self.limits, self.control))
        });
        done.map_err(|error| match error {
            Error::Malformed { .. } | Error::Unsupported(_) => {
                Error::codec(format.capabilities().name, format!("the result does not decode: {error}"))
            }
            other => other,
        })
    }

    fn report(
        &self,
        candidate: Candidate,
        trials: Vec<Trial>,
        told: Option<(u64, Score)>,
        verdict: Verdict,
    ) -> CandidateReport {
        CandidateReport {
            format: candidate.format,
            encoder: candidate.animator.identity().0.to_owned(),
            trials,
            bytes: told.map(|told| told.0),
            score: told.map(|told| told.1),
            verdict,
            detail: None,
        }
    }

    fn failed(
        &self,
        candidate: Candidate,
        trials: Vec<Trial>,
        told: Option<(u64, Score)>,
        damage: &str,
    ) -> CandidateReport {
        let report = self.report(candidate, trials, told, Verdict::Failed);
        CandidateReport { detail: Some(format!("the last check: {damage}")), ..report }
    }
}

/// Seconds a megapixel to decode and score what a trial made (`docs/decisions/0021-animation.md`).
const LOOKING: f64 = 0.15;
/// Where a fit into bytes starts: what this score is expected to take.
const FIT_START: Score = Score(70.0);
/// Below its target is what a search is told of a result with a frame far below the others, by so many points.
const UNEVEN: f64 = 0.1;

fn trial(quality: Quality, bytes: u64, score: Option<Score>) -> Trial {
    Trial { quality, bytes, score, share: 1.0 }
}
