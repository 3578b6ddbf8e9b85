//! Which encoders are tried, and what each makes of the image.

use crate::analyze::is_graphic;
use crate::codec::{Encoder, Mode, Setting, Source, codec};
use crate::image::Image;
use crate::metadata::Embedded;
use crate::metric::Evaluator;
use crate::report::{CandidateReport, Trial, Verdict};
use crate::request::OutputFormat;
use crate::search::{Budget, QualityRange, is_better, search};
use crate::{Control, Effort, Error, Format, Limits, Quality, Result, Score, Target, orient};

/// Encodes for each lossy candidate; the search rarely needs more than three.
const MAX_TRIALS: usize = 6;
/// A score this far above the target is good enough: about 1 % of the bytes (`docs/decisions/0004-search.md`).
const TOLERANCE: f64 = 0.5;
/// Sides below this hold too few pixels for the metric (its own floor is 8 x 8): lossless only.
const MIN_SIDE_FOR_LOSSY: u32 = 8;
/// A lossless rewrite of a JPEG saves 5 to 7 %; it is not tried where a lossy result saved more than this.
const LOSSLESS_REWRITE_MAY_SAVE: f64 = 0.10;
/// A lossy result must save at least this part of the input: pixels are not touched for less.
const MIN_LOSSY_GAIN: f64 = 0.02;

/// One encoder, in one format.
#[derive(Clone, Copy)]
pub(crate) struct Candidate {
    /// The format that it writes.
    pub format: Format,
    /// The encoder.
    pub encoder: &'static dyn Encoder,
}

/// The best result of one encoder.
pub(crate) struct Attempt {
    /// Whose.
    pub candidate: Candidate,
    /// The setting.
    pub quality: Quality,
    /// The file.
    pub bytes: Vec<u8>,
    /// Its place in the report.
    pub index: usize,
    /// What these very bytes show, where the trial looked.
    pub seen: Option<Seen>,
}

/// A result as a viewer gets it.
pub(crate) struct Seen {
    /// Decoded from the result's bytes, upright.
    pub image: Image,
    /// Its score.
    pub score: Score,
}

/// The formats that may come out, best first; none if there is no encoder for what is asked.
pub(crate) fn output_formats(input: Format, wanted: OutputFormat) -> Vec<Format> {
    let capabilities = input.capabilities();
    let written = || Format::ALL.into_iter().filter(|format| format.capabilities().encodes);
    match wanted {
        OutputFormat::Among(formats) => formats.iter().collect(),
        OutputFormat::Auto => written().collect(),
        OutputFormat::Keep if capabilities.encodes => vec![input],
        OutputFormat::Keep if capabilities.on_the_web => Vec::new(),
        OutputFormat::Keep => vec![Format::Png, Format::Jpeg, Format::Webp],
    }
}

/// The candidates for this image, in the order in which they are tried.
pub(crate) fn plan(source: Source<'_>, formats: &[Format], target: Target) -> Vec<Candidate> {
    let all: Vec<Candidate> = formats
        .iter()
        .flat_map(|format| {
            codec(*format).encoders().iter().map(|encoder| Candidate { format: *format, encoder: *encoder })
        })
        .filter(|candidate| candidate.encoder.accepts(source))
        .collect();
    let too_small = source.image.width.min(source.image.height) < MIN_SIDE_FOR_LOSSY;
    let (lossless, lossy): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|candidate| candidate.encoder.mode() == Mode::Lossless);
    match target {
        Target::Lossless => lossless,
        _ if too_small || lossy.is_empty() => lossless,
        Target::Quality { .. } => lossy,
        Target::MaxBytes { .. } => lossless.into_iter().chain(lossy).collect(),
        Target::Score { .. } => lossy.into_iter().chain(lossless).collect(),
    }
}

/// Runs the candidates of one image.
pub(crate) struct Trials<'a> {
    /// What they start from.
    pub source: Source<'a>,
    /// What must be held.
    pub target: Target,
    /// How much time it is worth.
    pub effort: Effort,
    /// Beside the pixels, for encoders that start from pixels.
    pub embedded: &'a Embedded,
    /// Beside the pixels, for encoders that keep a JPEG's coefficients.
    pub embedded_as_stored: &'a Embedded,
    /// The prepared original; only where a score is needed.
    pub evaluator: Option<&'a Evaluator>,
    /// A result must be smaller than this many bytes.
    pub below_bytes: u64,
    /// For decoding results.
    pub limits: &'a Limits,
    /// Deadline and cancel.
    pub control: &'a Control,
}

impl Trials<'_> {
    /// Tries every candidate; gives the results that hold the promise, smallest first (ties: the earlier candidate),
    /// and what became of each candidate.
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
            let (report, attempt) = match self.attempt(*candidate, index) {
                Ok(done) => done,
                Err(error @ (Error::DeadlineExceeded | Error::Cancelled)) => return Err(error),
                Err(error) => (failed(*candidate, &error), None),
            };
            reports.push(report);
            let Some(mut attempt) = attempt else { continue };
            let bytes = attempt.bytes.len() as u64;
            if bytes < smallest {
                attempts.iter_mut().for_each(|earlier| earlier.seen = None);
                smallest = bytes;
            } else {
                // It is decoded again, should the smallest not pass; the pixels of all would be much to hold.
                attempt.seen = None;
            }
            attempts.push(attempt);
        }
        attempts.sort_by_key(|attempt| (attempt.bytes.len(), attempt.index));
        Ok((attempts, reports))
    }

    /// Whether an earlier result makes this one useless.
    fn cannot_win(&self, candidate: Candidate, smallest: u64) -> bool {
        let lossless_after_lossy = candidate.encoder.mode() == Mode::Lossless && smallest < self.below_bytes;
        let saved = 1.0 - smallest as f64 / self.below_bytes as f64;
        lossless_after_lossy
            && match candidate.format {
                Format::Jpeg => saved > LOSSLESS_REWRITE_MAY_SAVE,
                Format::Webp => !is_graphic(self.source.image),
                _ => false,
            }
    }

    fn attempt(&self, candidate: Candidate, index: usize) -> Result<(CandidateReport, Option<Attempt>)> {
        match (candidate.encoder.mode(), self.target) {
            (Mode::Lossless, _) => self.lossless(candidate, index),
            (Mode::Lossy { .. }, Target::Quality { quality }) => self.fixed(candidate, quality, index),
            (Mode::Lossy { min, max, start, step }, Target::Score { score }) => {
                self.searched(candidate, QualityRange { min, max, start, step }, score, index)
            }
            (Mode::Lossy { .. }, Target::MaxBytes { .. } | Target::Lossless) => {
                Err(Error::codec("plan", "a lossy encoder for a lossless target"))
            }
        }
    }

    fn lossless(&self, candidate: Candidate, index: usize) -> Result<(CandidateReport, Option<Attempt>)> {
        let bytes = self.encode(candidate, Quality(100.0))?;
        let fits = (bytes.len() as u64) < self.below_bytes;
        let report =
            report(candidate, Vec::new(), Some(bytes.len() as u64), Some(Score(100.0)), Verdict::Larger);
        let attempt = Attempt { candidate, quality: Quality(100.0), bytes, index, seen: None };
        Ok((report, fits.then_some(attempt)))
    }

    fn fixed(
        &self,
        candidate: Candidate,
        quality: Quality,
        index: usize,
    ) -> Result<(CandidateReport, Option<Attempt>)> {
        let bytes = self.repack(candidate, quality, self.encode(candidate, quality)?)?;
        let seen = self.see(candidate.format, &bytes)?;
        let trial = Trial { quality, bytes: bytes.len() as u64, score: seen.score };
        let fits = trial.bytes < self.below_bytes;
        let report = report(candidate, vec![trial], Some(trial.bytes), Some(trial.score), Verdict::Larger);
        Ok((report, fits.then_some(Attempt { candidate, quality, bytes, index, seen: Some(seen) })))
    }

    fn searched(
        &self,
        candidate: Candidate,
        range: QualityRange,
        target: Score,
        index: usize,
    ) -> Result<(CandidateReport, Option<Attempt>)> {
        let below_bytes = (self.below_bytes as f64 * (1.0 - MIN_LOSSY_GAIN)) as u64;
        let budget = Budget { max_trials: MAX_TRIALS, tolerance: TOLERANCE, below_bytes };
        let mut kept: Option<(Trial, Vec<u8>, Seen)> = None;
        let choice = search(range, target, budget, &mut |quality| {
            self.control.check()?;
            let bytes = self.encode(candidate, quality)?;
            let seen = self.see(candidate.format, &bytes)?;
            let trial = Trial { quality, bytes: bytes.len() as u64, score: seen.score };
            let holds = trial.score >= target && trial.bytes < budget.below_bytes;
            if holds && kept.as_ref().is_none_or(|(best, ..)| is_better(&trial, best)) {
                kept = Some((trial, bytes, seen));
            }
            Ok(trial)
        })?;
        let verdict = if choice.reached { Verdict::Larger } else { Verdict::BelowTarget };
        let (size, score) = (choice.best.map(|best| best.bytes), choice.best.map(|best| best.score));
        let report = report(candidate, choice.trials, size, score, verdict);
        let Some((Trial { quality, .. }, tried, seen)) = kept else { return Ok((report, None)) };
        let bytes = self.repack(candidate, quality, tried.clone())?;
        let seen = (bytes == tried).then_some(seen);
        let report = CandidateReport { bytes: Some(bytes.len() as u64), ..report };
        Ok((report, Some(Attempt { candidate, quality, bytes, index, seen })))
    }

    fn encode(&self, candidate: Candidate, quality: Quality) -> Result<Vec<u8>> {
        let embedded =
            if candidate.encoder.keeps_coefficients() { self.embedded_as_stored } else { self.embedded };
        candidate.encoder.encode(self.source, self.setting(quality), embedded, self.control)
    }

    fn repack(&self, candidate: Candidate, quality: Quality, bytes: Vec<u8>) -> Result<Vec<u8>> {
        candidate.encoder.repack(self.source, self.setting(quality), bytes, self.embedded, self.control)
    }

    fn setting(&self, quality: Quality) -> Setting {
        Setting { quality, effort: self.effort }
    }

    fn see(&self, format: Format, bytes: &[u8]) -> Result<Seen> {
        let image = decode_result(format, bytes, self.source.image, self.limits, self.control)?;
        let evaluator =
            self.evaluator.ok_or_else(|| Error::codec("plan", "a lossy encoder without a metric"))?;
        let score = evaluator.score(&image)?;
        Ok(Seen { image, score })
    }
}

/// Decodes a result, turns it upright and checks that it is a picture of the same size.
///
/// # Errors
/// `Codec` if it is not, or does not decode: the encoder's fault.
pub(crate) fn decode_result(
    format: Format,
    bytes: &[u8],
    original: &Image,
    limits: &Limits,
    control: &Control,
) -> Result<Image> {
    let decoded = codec(format).decode(bytes, limits, control).map_err(|error| match error {
        Error::DeadlineExceeded | Error::Cancelled => error,
        other => Error::codec(format.capabilities().name, format!("the result does not decode: {other}")),
    })?;
    let image = orient::apply(decoded.image, decoded.metadata.orientation);
    let (found, expected) = ((image.width, image.height), (original.width, original.height));
    if found != expected {
        return Err(Error::codec(
            format.capabilities().name,
            format!("the result has {} x {} pixels, not {} x {}", found.0, found.1, expected.0, expected.1),
        ));
    }
    Ok(image)
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
