//! The pipeline: header → limits → decode → candidates → search → verify → receipt. What never holds a picture is in `stream`.

use std::time::Instant;

use cpu_time::ThreadTime;

use crate::analyze::Analysis;
use crate::candidate::{Attempt, Candidate, Sample, Trials, decode_result, lossy, output_formats, plan};
use crate::codec::{Codec, Header, Mode, Source, codec};
use crate::image::Image;
use crate::metadata::{self, Embedded, Kind, Mark, Metadata, Orientation, Pixels, Rights, exif};
use crate::metric::Evaluator;
use crate::receipt::{Draft, Proof, Receipt, Survivors};
use crate::reduce::{reduce, uses_alpha};
use crate::reference::{self, Reference};
use crate::report::{CandidateReport, Reason, ReasonCode, Report, Verdict, Warning};
use crate::request::OutputFormat;
use crate::stream::already_compressed;
use crate::{
    ColorSpace, Control, Error, Format, Limits, Request, Result, Sniffed, Target, animation, color, memory,
    orient, sniff, time, vector, verify,
};

/// Smaller bytes, and the receipt.
#[derive(Debug, Clone)]
pub struct Compressed {
    /// The output file; never larger than the input, unless it was resized or salvaged.
    pub bytes: Vec<u8>,
    /// What was done.
    pub report: Report,
}

/// Reads the header and checks it against the limits; nothing is decoded.
///
/// # Errors
/// `Unsupported` for what is no image or an image of a format that is not read, `Malformed` for a broken header,
/// `LimitExceeded`.
///
/// Cost: linear in the bytes at worst, independent of the claimed dimensions.
pub fn inspect(bytes: &[u8], limits: &Limits) -> Result<Header> {
    limits.check_bytes(bytes.len())?;
    let format = match sniff(bytes) {
        Sniffed::Known(format) => format,
        Sniffed::Foreign(name) => {
            return Err(Error::Unsupported(format!(
                "{name} images are not supported: send {}",
                Format::names_of_read()
            )));
        }
        Sniffed::Unknown if bytes.is_empty() => return Err(Error::Unsupported("the file is empty".into())),
        Sniffed::Unknown => {
            return Err(Error::Unsupported(format!(
                "the file is not an image of a known format: send {}",
                Format::names_of_read()
            )));
        }
    };
    let header = codec(format).read_header(bytes)?;
    limits.check_header(&header)?;
    Ok(header)
}

/// Reads what the file carries beside pixels: profile, orientation, rights, and a list of every piece with its size.
///
/// # Errors
/// As [`inspect`]; nothing is decoded.
pub fn read_metadata(bytes: &[u8], limits: &Limits) -> Result<Metadata> {
    codec(inspect(bytes, limits)?.format).read_metadata(bytes, limits)
}

/// Says what kind of picture it is, as [`compress`] sees it: upright, and without what it does not use.
///
/// # Errors
/// As [`compress`].
///
/// Cost: one decode, and little more.
pub fn analyze(bytes: &[u8], limits: &Limits, control: &Control) -> Result<Analysis> {
    let codec = codec(inspect(bytes, limits)?.format);
    let decoded = codec.decode(bytes, limits, control)?;
    let orientation = codec.read_metadata(bytes, limits)?.orientation;
    Ok(Analysis::of(&reduce(orient::apply(decoded.image, orientation))))
}

/// Compresses `bytes` as `request` asks; what comes out is never larger, decodes to the same picture within the
/// promise, and is described by the report.
///
/// Where a size is asked for that the image has not, the resized picture takes the original's place: it is what results are
/// compared with. The original cannot stand in for it, so something of that size comes out in any case: at worst an
/// encoder's best, with a warning `target_not_reached`, or more bytes than came in, with a warning `larger_than_input`.
///
/// The same of a damaged image that is to be salvaged ([`Request::salvage`]).
///
/// Not reaching a target is an outcome ([`crate::Outcome::KeptOriginal`]), not an error. Same bytes, request and
/// [`crate::VERSION`]: same output bytes.
///
/// # Errors
/// - `Unsupported`, `LimitExceeded`, `InvalidRequest` before anything is decoded;
/// - `InvalidRequest` too where transparency, or another size, is asked of a format that has none to offer;
/// - `Malformed` if the image is damaged or cut off, and no part of it is to be, or can be, salvaged;
/// - `DeadlineExceeded`, `Cancelled` as `control` says, looked at between steps;
/// - `Codec` for a defect.
///
/// Cost: blocking; for a JPEG photo about 0.15 s of one core a megapixel with a target, 0.05 at a fixed quality, 0.03 at
/// effort `fast`, 0.015 where that recodes a large baseline JPEG in a stream; memory at most [`crate::memory_needed`].
pub fn compress(bytes: &[u8], request: &Request, limits: &Limits, control: &Control) -> Result<Compressed> {
    let clock = Clock { wall: Instant::now(), cpu: ThreadTime::try_now().ok() };
    request.validate()?;
    let header = inspect(bytes, limits)?;
    // Of several frames no more than one is held, and what is too much is kept: `animation` looks itself.
    if !header.animated {
        memory::check(&header, request, limits.max_memory)?;
    }
    let codec = codec(header.format);
    let metadata = codec.read_metadata(bytes, limits)?;
    let input = Input { bytes, request, header, codec, metadata, limits, control };
    let mut draft = if header.animated {
        animation::compress(&input)?
    } else if vector::stays(&header, request) {
        vector::compress(&input)?
    } else {
        input.compress_still()?
    };
    if draft.len() > bytes.len() {
        let detail = format!("the new file has {} bytes, the input {}", draft.len(), bytes.len());
        draft.warn("larger_than_input", detail);
    }
    Ok(draft.finish(&input.receipt(), clock.wall.elapsed(), clock.cpu.map(|cpu| cpu.elapsed())))
}

struct Clock {
    wall: Instant,
    cpu: Option<ThreadTime>,
}

/// One call's input.
pub(crate) struct Input<'a> {
    pub bytes: &'a [u8],
    pub request: &'a Request,
    pub header: Header,
    pub codec: &'static dyn Codec,
    pub metadata: Metadata,
    pub limits: &'a Limits,
    pub control: &'a Control,
}

impl Input<'_> {
    fn receipt(&self) -> Receipt<'_> {
        Receipt { bytes: self.bytes, request: self.request, header: &self.header, metadata: &self.metadata }
    }

    fn compress_still(&self) -> Result<Draft> {
        if let Some(draft) = self.recode()? {
            return Ok(draft);
        }
        memory::check_picture(&self.header, self.request, self.limits.max_memory)?;
        let orientation = self.metadata.orientation;
        let reference = reference::decode(
            self.bytes,
            &self.header,
            orientation,
            self.request,
            self.limits,
            self.control,
        )?;
        let analysis = Analysis::of(&reference.image);
        Ok(self.compress_reference(reference, &analysis)?.with_content(analysis.content))
    }

    fn compress_reference(&self, mut reference: Reference, analysis: &Analysis) -> Result<Draft> {
        let mut formats = self.formats(&reference)?;
        let budget = self.limits.max_memory;
        reference.warnings.extend(memory::leave_out(&mut formats, &self.header, self.request, budget)?);
        let budget = self.limits.max_cpu_seconds;
        reference.warnings.extend(time::leave_out(&mut formats, &self.header, self.request, budget));
        if formats.is_empty() {
            return self.keep_unless_replaced(self.no_encoder(), reference);
        }
        if !reference.replaces_input && self.is_already_compressed() {
            return self.keep_unless_replaced(already_compressed(), reference);
        }
        let source = self.source(&reference.image);
        let mut candidates = plan(source, &formats, self.request.target, self.request.effort, analysis);
        let mut at_worst = Vec::new();
        if !reference.replaces_input && self.fits_already(&formats) {
            // A file within the bytes allowed has its best score as it is.
            candidates.retain(|candidate| candidate.encoder.mode() == Mode::Lossless);
            if candidates.is_empty() {
                return self.keep_unless_replaced(fits_already(), reference);
            }
        }
        if reference.replaces_input {
            candidates.retain(|candidate| !candidate.encoder.keeps_coefficients());
            if self.request.target != Target::Lossless {
                at_worst = lossy(source, &formats);
            }
        }
        if candidates.is_empty() && at_worst.is_empty() {
            return self.keep_unless_replaced(self.no_candidate(&formats), reference);
        }
        self.try_candidates(reference, analysis, &candidates, &at_worst)
    }

    /// Whether the input, in a format that may come out, has no more bytes than are allowed.
    fn fits_already(&self, formats: &[Format]) -> bool {
        let max_bytes = match self.request.target {
            Target::MaxBytes { max_bytes, .. } => max_bytes,
            Target::Score { .. } | Target::Quality { .. } | Target::Lossless => return false,
        };
        self.bytes.len() as u64 <= max_bytes && formats.contains(&self.header.format)
    }

    /// The formats that may come out.
    fn formats(&self, reference: &Reference) -> Result<Vec<Format>> {
        let without_alpha = match self.request.format {
            OutputFormat::Among(formats) => formats.iter().all(|format| !format.capabilities().alpha),
            OutputFormat::Keep | OutputFormat::Auto => false,
        };
        if without_alpha && uses_alpha(&reference.image) {
            let detail = "the image has transparent pixels and JPEG has none: ask for png or webp";
            return Err(Error::InvalidRequest(detail.into()));
        }
        let mut formats = output_formats(self.header.format, self.request.format);
        if self.metadata.own_color {
            formats.retain(|format| *format == self.header.format);
        }
        formats.retain(|format| self.not_carried(*format).is_none());
        Ok(formats)
    }

    /// A kind of metadata that must not be lost, and that `format` cannot carry beside new pixels.
    pub(crate) fn not_carried(&self, format: Format) -> Option<Kind> {
        let carried = format.capabilities().metadata;
        let has_room = |kind| match kind {
            Kind::GainMap => {
                self.metadata.pieces.gain_map.is_some() && self.metadata.orientation.is_upright()
            }
            _ => true,
        };
        self.kinds_to_hold().find(|kind| !carried.contains(kind) || !has_room(*kind))
    }

    /// Kinds whose loss would make a file stay as it is. A thumbnail may go: one of a picture that is turned upright lies on its side.
    fn kinds_to_hold(&self) -> impl Iterator<Item = Kind> {
        let policy = self.request.metadata_policy();
        // Without loss, other pictures behind the first (a preview) are no part of it; a gain map is.
        let is_map = self.metadata.pieces.gain_map.is_some();
        let must_stay = move |kind: Kind| policy.is_strict() || (kind == Kind::GainMap && is_map);
        let kinds = self.metadata.items.iter().map(|item| item.kind);
        kinds.filter(move |kind| *kind != Kind::Thumbnail && policy.keeps(*kind) && must_stay(*kind))
    }

    /// A kind of metadata that was to be held and that a result has not.
    fn kind_lost(&self, format: Format, bytes: &[u8]) -> Result<Option<Kind>> {
        if self.kinds_to_hold().next().is_none() {
            return Ok(None);
        }
        let result = codec(format).read_metadata(bytes, self.limits)?;
        let has = |kind| result.items.iter().any(|item| item.kind == kind);
        // Colours were compared with the pixels.
        Ok(self.kinds_to_hold().find(|kind| *kind != Kind::Icc && !has(*kind)))
    }

    fn source<'s>(&'s self, image: &'s Image) -> Source<'s> {
        Source { image, bytes: self.bytes, format: self.header.format }
    }

    fn try_candidates(
        &self,
        reference: Reference,
        analysis: &Analysis,
        candidates: &[Candidate],
        at_worst: &[Candidate],
    ) -> Result<Draft> {
        let image = &reference.image;
        let target = self.request.target;
        let evaluator = Evaluator::new(image);
        let sample = matches!(target, Target::Score { .. }).then(|| Sample::of(image)).flatten();
        let (embedded, embedded_as_stored) = (self.embedded(image), self.embedded_as_stored());
        let below_bytes = if reference.replaces_input {
            u64::MAX
        } else {
            self.codec.strip(self.bytes, &embedded_as_stored)?.len().min(self.bytes.len()) as u64
        };
        let trials = Trials {
            source: self.source(image),
            sample: sample.as_ref(),
            analysis,
            target,
            effort: self.request.effort,
            embedded: &embedded,
            embedded_as_stored: &embedded_as_stored,
            evaluator: &evaluator,
            below_bytes,
            limits: self.limits,
            control: self.control,
        };
        let (attempts, mut reports) = trials.run(candidates)?;
        for attempt in attempts {
            if let Some(draft) = self.accept(attempt, &reference, target, &evaluator, &mut reports)? {
                return Ok(draft);
            }
        }
        if reference.replaces_input {
            return self.best_of(trials, at_worst, &reference, reports);
        }
        let Reference { image, warnings, .. } = &reference;
        let why = why_kept(&reports, target, self.bytes.len());
        self.keep(why, Some(image), reports, warnings.clone())
    }

    /// What one of these encoders gives at its finest, or of few bytes at its coarsest, where something of another size, or
    /// salvaged, must come out and nothing reaches the target.
    fn best_of(
        &self,
        trials: Trials<'_>,
        encoders: &[Candidate],
        reference: &Reference,
        mut reports: Vec<CandidateReport>,
    ) -> Result<Draft> {
        for candidate in encoders {
            let Mode::Lossy { min, max, .. } = candidate.encoder.mode() else { continue };
            let is_of_bytes = matches!(self.request.target, Target::MaxBytes { .. });
            let target = Target::Quality { quality: if is_of_bytes { min } else { max } };
            let (attempts, more) = Trials { target, ..trials }.run(&[*candidate])?;
            let earlier = reports.len();
            reports.extend(more);
            for attempt in attempts {
                let attempt = Attempt { index: earlier + attempt.index, ..attempt };
                if let Some(mut draft) =
                    self.accept(attempt, reference, target, trials.evaluator, &mut reports)?
                {
                    if let Some(shortfall) = draft.shortfall(self.request.target) {
                        draft.warn("target_not_reached", shortfall);
                    }
                    return Ok(draft);
                }
            }
        }
        let why = reports.iter().filter_map(|report| report.detail.as_deref()).next_back();
        Err(Error::codec("resize", format!("nothing passed the last check: {}", why.unwrap_or("no encoder"))))
    }

    /// Keeps the input; if another size is asked for, or it is damaged, that is no answer, and the request cannot be met.
    fn keep_unless_replaced(&self, reason: Reason, reference: Reference) -> Result<Draft> {
        if !reference.replaces_input {
            return self.keep(reason, Some(&reference.image), Vec::new(), reference.warnings);
        }
        Err(Error::InvalidRequest(match self.request.target {
            Target::Lossless => {
                "a resized or salvaged image can be lossless in png and webp: ask for one of them, or for a score"
                    .into()
            }
            _ => format!("nothing can be made of it: {}", reason.detail),
        }))
    }

    fn no_encoder(&self) -> Reason {
        let format = self.header.format;
        let lost = output_formats(format, self.request.format)
            .into_iter()
            .find_map(|format| self.not_carried(format));
        let detail = if let Some(kind) = lost {
            format!(
                "its metadata would not survive ({kind}), and all of it is to be kept: ask for another policy to compress it"
            )
        } else if self.metadata.own_color {
            format!("its colours are described in a way that only {format} can carry")
        } else {
            format!("there is no encoder for {format} yet: ask for png or webp")
        };
        Reason::new(ReasonCode::NoEncoder, detail)
    }

    fn no_candidate(&self, formats: &[Format]) -> Reason {
        let names: Vec<_> = formats.iter().map(Format::to_string).collect();
        let detail = format!(
            "no {} encoder can carry this image whole: its size, its depth, or every pixel as it is",
            names.join(" or ")
        );
        Reason::new(ReasonCode::NoEncoder, detail)
    }

    /// Verifies an attempt; `None` if it does not hold its promise, and then its report says why.
    fn accept(
        &self,
        attempt: Attempt,
        reference: &Reference,
        target: Target,
        evaluator: &Evaluator<'_>,
        reports: &mut [CandidateReport],
    ) -> Result<Option<Draft>> {
        let held = match self.verify(&attempt, &reference.image, target, evaluator) {
            Ok(held) => held,
            Err(error @ (Error::DeadlineExceeded | Error::Cancelled)) => return Err(error),
            Err(error) => Err(error.to_string()),
        };
        let report = &mut reports[attempt.index];
        match held {
            Ok(proof) => {
                report.verdict = Verdict::Chosen;
                let source = self.source(&reference.image);
                let draft = Draft::compressed(attempt, source, self.request, proof);
                let draft = draft.with_input_alpha(reference.input_alpha);
                Ok(Some(draft.with_story(reports.to_vec(), reference.warnings.clone())))
            }
            Err(broken) => {
                report.verdict = Verdict::Failed;
                report.detail = Some(format!("the last check: {broken}"));
                Ok(None)
            }
        }
    }

    /// What the attempt's bytes show, against what was promised: the proof, or what is broken. They are decoded for it
    /// where no trial did.
    fn verify(
        &self,
        attempt: &Attempt,
        image: &Image,
        target: Target,
        evaluator: &Evaluator<'_>,
    ) -> Result<std::result::Result<Proof, String>> {
        let format = attempt.candidate.format;
        if let Some(kind) = self.kind_lost(format, &attempt.bytes)? {
            return Ok(Err(format!("the metadata are not all there ({kind})")));
        }
        if attempt.candidate.encoder.mode() == Mode::Lossless {
            let result = self.decode_result(format, &attempt.bytes, image)?;
            return Ok(verify::loss(image, result).map_or(Ok(Proof::Lossless), Err));
        }
        if let Some(score) = attempt.predicted {
            return Ok(Ok(Proof::Predicted(score)));
        }
        let look = match attempt.look {
            Some(look) => look,
            None => {
                let result = self.decode_result(format, &attempt.bytes, image)?;
                verify::look(image, &result, evaluator, self.control)?
            }
        };
        Ok(match (look.damage(), target) {
            (Some(damage), _) => Err(damage),
            (None, Target::Score { score }) if look.held() < score => {
                Err(format!("the score is {:.2}, below {}", look.held().0, score.0))
            }
            (None, _) => Ok(Proof::Measured(look.scored)),
        })
    }

    fn decode_result(&self, format: Format, bytes: &[u8], original: &Image) -> Result<Image> {
        decode_result(format, bytes, original, self.limits, self.control)
    }

    /// Keeps the input's coding and takes away what is private. `image` is the decoded input, where it was decoded: the
    /// rewritten file must show the same.
    pub(crate) fn keep(
        &self,
        reason: Reason,
        image: Option<&Image>,
        candidates: Vec<CandidateReport>,
        mut warnings: Vec<Warning>,
    ) -> Result<Draft> {
        let alpha = image.map_or(self.header.alpha, uses_alpha);
        let (bytes, survivors) = self.without_private_metadata(image)?;
        if survivors == Survivors::Everything && self.receipt().has_something_to_drop() {
            let detail = "without its private metadata the file would be larger: all of it was kept";
            warnings.push(Warning { code: "metadata_kept".into(), detail: detail.into() });
        }
        Ok(Draft::kept(bytes, survivors, reason, alpha, candidates, warnings))
    }

    /// The input less what is private, never larger. Rights that were packed may take more room where they are written
    /// plainly; then they go too.
    fn without_private_metadata(&self, image: Option<&Image>) -> Result<(Vec<u8>, Survivors)> {
        if !self.receipt().has_something_to_drop() {
            return Ok((self.bytes.to_vec(), Survivors::Everything));
        }
        let whole = self.embedded_as_stored();
        let less_rights =
            Embedded { exif: exif::write(self.orientation_to_keep(), &Rights::default()), ..whole.clone() };
        for (embedded, survivors) in
            [(whole, Survivors::AsStored), (less_rights, Survivors::AsStoredLessRights)]
        {
            let stripped = self.codec.strip(self.bytes, &embedded)?;
            if stripped.len() <= self.bytes.len() {
                self.check_stripped(&stripped, image)?;
                return Ok((stripped, survivors));
            }
        }
        Ok((self.bytes.to_vec(), Survivors::Everything))
    }

    fn orientation_to_keep(&self) -> Option<Orientation> {
        let orientation = self.metadata.orientation;
        (!orientation.is_upright()).then_some(orientation)
    }

    fn check_stripped(&self, stripped: &[u8], image: Option<&Image>) -> Result<()> {
        let format = self.header.format;
        let damaged =
            |why: String| Error::codec("strip", format!("the {format} file without metadata {why}"));
        if self.codec.read_header(stripped)? != self.header {
            return Err(damaged("has another header".into()));
        }
        let Some(image) = image else { return Ok(()) };
        let result = self.decode_result(format, stripped, image)?;
        match verify::loss(image, result) {
            None => Ok(()),
            Some(why) => Err(damaged(format!("is another picture: {why}"))),
        }
    }

    /// Whether an earlier compression promised the same, or less, already.
    pub(crate) fn is_already_compressed(&self) -> bool {
        let keeps_format = match self.request.format {
            OutputFormat::Keep | OutputFormat::Auto => true,
            OutputFormat::Among(formats) => formats.contains(self.header.format),
        };
        let made = self.metadata.mark;
        keeps_format && made.zip(self.mark()).is_some_and(|(made, wanted)| made.covers(wanted))
    }

    /// The mark of a lossy result of this request.
    pub(crate) fn mark(&self) -> Option<Mark> {
        match self.request.target {
            Target::Score { score } => Some(Mark::Score(score.0)),
            Target::Quality { quality } => Some(Mark::Quality(quality.0.into())),
            Target::Lossless | Target::MaxBytes { .. } => None,
        }
    }

    /// What goes beside re-encoded, upright pixels.
    fn embedded(&self, image: &Image) -> Embedded {
        let icc_is_srgb = match image.profile.as_deref() {
            Some(profile) => color::is_srgb(image.layout, profile),
            None => self.metadata.icc.is_some() && self.request.color_space == ColorSpace::Srgb,
        };
        Embedded {
            icc: image.profile.as_ref().map(|profile| profile.to_vec()),
            icc_is_srgb,
            mark: self.mark(),
            ..metadata::embedded(&self.metadata, self.request.metadata_policy(), Pixels::Upright)
        }
    }

    /// What goes beside pixels that stay coded as they are.
    pub(crate) fn embedded_as_stored(&self) -> Embedded {
        Embedded {
            icc: self.metadata.icc.clone(),
            mark: self.metadata.mark,
            ..metadata::embedded(&self.metadata, self.request.metadata_policy(), Pixels::AsStored)
        }
    }
}

pub(crate) fn fits_already() -> Reason {
    let detail = "it has no more bytes than are allowed, and no encoder makes it smaller without loss";
    Reason::new(ReasonCode::FitsAlready, detail)
}

/// Why nothing else came out. `bytes` is the length of the input.
pub(crate) fn why_kept(reports: &[CandidateReport], target: Target, bytes: usize) -> Reason {
    let any = |verdict| reports.iter().any(|report| report.verdict == verdict);
    if matches!(target, Target::MaxBytes { max_bytes, .. } if bytes as u64 <= max_bytes) {
        return fits_already();
    }
    if any(Verdict::Failed) {
        Reason::new(ReasonCode::VerificationFailed, "no smaller result passed the last check")
    } else if any(Verdict::Larger) {
        let detail = "already optimal: every result that holds the promise is larger";
        Reason::new(ReasonCode::NoSmallerCandidate, detail)
    } else {
        let best = reports.iter().filter_map(|report| Some((report.score?, report)));
        let best = best.max_by(|(a, _), (b, _)| a.0.total_cmp(&b.0));
        let reached = best.map_or(String::new(), |(score, report)| {
            format!("; the best that was reached is {:.1}, by {}", score.0, report.encoder)
        });
        let detail = format!("no encoder reaches the target with a smaller file{reached}");
        Reason::new(ReasonCode::TargetNotReached, detail)
    }
}
