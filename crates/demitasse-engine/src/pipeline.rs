//! The pipeline: header → limits → decode → candidates → search → verify → receipt.

use std::time::Instant;

use cpu_time::ThreadTime;

use crate::candidate::{Attempt, Seen, Trials, decode_result, output_formats, plan};
use crate::codec::{Codec, Header, Mode, Source, codec};
use crate::image::Image;
use crate::metadata::{Embedded, Mark, Metadata, Orientation, Rights, exif};
use crate::metric::{Evaluator, Purpose};
use crate::receipt::{Draft, Receipt, Survivors};
use crate::reduce::{reduce, uses_alpha};
use crate::report::{CandidateReport, Reason, ReasonCode, Report, Verdict, Warning};
use crate::request::OutputFormat;
use crate::verify::{self, Promise, verify};
use crate::{Control, Error, Format, Limits, Request, Result, Sniffed, Target, orient, sniff};

/// Smaller bytes, and the receipt.
#[derive(Debug, Clone)]
pub struct Compressed {
    /// The output file; never larger than the input.
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
                "{name} images are not supported: send JPEG, PNG, WebP, GIF, BMP or TIFF"
            )));
        }
        Sniffed::Unknown if bytes.is_empty() => return Err(Error::Unsupported("the file is empty".into())),
        Sniffed::Unknown => {
            return Err(Error::Unsupported(
                "the file is not an image of a known format: send JPEG, PNG, WebP, GIF, BMP or TIFF".into(),
            ));
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

/// Compresses `bytes` as `request` asks; what comes out is never larger, decodes to the same picture within the
/// promise, and is described by the report.
///
/// Not reaching a target is an outcome ([`crate::Outcome::KeptOriginal`]), not an error. Same bytes, request and
/// [`crate::VERSION`]: same output bytes.
///
/// # Errors
/// - `Unsupported`, `LimitExceeded`, `InvalidRequest` before anything is decoded;
/// - `Malformed` if the image is damaged or cut off;
/// - `DeadlineExceeded`, `Cancelled` as `control` says, looked at between steps;
/// - `Codec` for a defect.
///
/// Cost: blocking; for a JPEG photo of 2 megapixels about 0.5 s of one core with a target, 0.1 s at a fixed quality, and
/// less a megapixel for larger ones (the metric looks at tiles); memory about 11 bytes a pixel and 110 for each pixel that
/// the metric looks at.
pub fn compress(bytes: &[u8], request: &Request, limits: &Limits, control: &Control) -> Result<Compressed> {
    let clock = Clock { wall: Instant::now(), cpu: ThreadTime::try_now().ok() };
    request.validate()?;
    let header = inspect(bytes, limits)?;
    let codec = codec(header.format);
    let metadata = codec.read_metadata(bytes, limits)?;
    let input = Input { bytes, request, header, codec, metadata, limits, control };
    let draft = if header.animated { input.keep_animated()? } else { input.compress_still()? };
    Ok(draft.finish(&input.receipt(), clock.wall.elapsed(), clock.cpu.map(|cpu| cpu.elapsed())))
}

struct Clock {
    wall: Instant,
    cpu: Option<ThreadTime>,
}

/// One call's input.
struct Input<'a> {
    bytes: &'a [u8],
    request: &'a Request,
    header: Header,
    codec: &'static dyn Codec,
    metadata: Metadata,
    limits: &'a Limits,
    control: &'a Control,
}

impl Input<'_> {
    fn receipt(&self) -> Receipt<'_> {
        Receipt { bytes: self.bytes, request: self.request, header: &self.header, metadata: &self.metadata }
    }

    fn keep_animated(&self) -> Result<Draft> {
        let detail = "animated images are kept as they are: this version compresses still images";
        self.keep(Reason::new(ReasonCode::Animated, detail), None, Vec::new(), Vec::new())
    }

    fn compress_still(&self) -> Result<Draft> {
        let decoded = self.codec.decode(self.bytes, self.limits, self.control)?;
        let image = reduce(orient::apply(decoded.image, self.metadata.orientation));
        let alpha = uses_alpha(&image);
        let formats_without_alpha = |format: OutputFormat| match format {
            OutputFormat::Among(formats) => formats.iter().all(|format| !format.capabilities().alpha),
            OutputFormat::Keep | OutputFormat::Auto => false,
        };
        if alpha && formats_without_alpha(self.request.format) {
            let detail = "the image has transparent pixels and JPEG has none: ask for png or webp";
            return Err(Error::InvalidRequest(detail.into()));
        }
        let mut formats = output_formats(self.header.format, self.request.format);
        if self.metadata.own_color {
            formats.retain(|format| *format == self.header.format);
        }
        if formats.is_empty() {
            return self.keep(self.no_encoder(), Some(&image), Vec::new(), decoded.warnings);
        }
        if self.is_already_compressed() {
            let detail = "it was compressed to this target, or a lower one, before";
            let reason = Reason::new(ReasonCode::AlreadyCompressed, detail);
            return self.keep(reason, Some(&image), Vec::new(), decoded.warnings);
        }
        let source = Source { image: &image, bytes: self.bytes, format: self.header.format };
        let candidates = plan(source, &formats, self.request.target);
        if candidates.is_empty() {
            return self.keep(self.no_candidate(&formats), Some(&image), Vec::new(), decoded.warnings);
        }
        let lossy = candidates.iter().any(|candidate| candidate.encoder.mode() != Mode::Lossless);
        let purpose = match self.request.target {
            Target::Quality { .. } => Purpose::Information,
            Target::Score { .. } | Target::Lossless | Target::MaxBytes { .. } => Purpose::Promise,
        };
        let evaluator = lossy.then(|| Evaluator::new(&image, purpose)).transpose()?;
        let (embedded, embedded_as_stored) = (self.embedded(&image), self.embedded_as_stored());
        let kept = self.codec.strip(self.bytes, &embedded_as_stored)?;
        let trials = Trials {
            source,
            target: self.request.target,
            effort: self.request.effort,
            embedded: &embedded,
            embedded_as_stored: &embedded_as_stored,
            evaluator: evaluator.as_ref(),
            below_bytes: kept.len().min(self.bytes.len()) as u64,
            limits: self.limits,
            control: self.control,
        };
        let (attempts, mut reports) = trials.run(&candidates)?;
        for attempt in attempts {
            if let Some(draft) =
                self.accept(attempt, &image, evaluator.as_ref(), &mut reports, &decoded.warnings)?
            {
                return Ok(draft);
            }
        }
        self.keep(why_kept(&reports), Some(&image), reports, decoded.warnings)
    }

    fn no_encoder(&self) -> Reason {
        let format = self.header.format;
        let detail = if self.metadata.own_color {
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
        mut attempt: Attempt,
        image: &Image,
        evaluator: Option<&Evaluator>,
        reports: &mut [CandidateReport],
        warnings: &[Warning],
    ) -> Result<Option<Draft>> {
        let promise = match (attempt.candidate.encoder.mode(), self.request.target) {
            (Mode::Lossless, _) => Promise::Lossless,
            (_, Target::Score { score }) => Promise::Score(score),
            _ => Promise::Looks,
        };
        let broken = match self.look(&mut attempt, image, promise, evaluator) {
            Ok(verify::Verdict::Holds(score)) => {
                reports[attempt.index].verdict = Verdict::Chosen;
                let source = Source { image, bytes: self.bytes, format: self.header.format };
                return Ok(Some(Draft::compressed(
                    attempt,
                    source,
                    self.request.effort,
                    score,
                    reports.to_vec(),
                    warnings.to_vec(),
                )));
            }
            Ok(verify::Verdict::Broken(why)) => why,
            Err(error @ (Error::DeadlineExceeded | Error::Cancelled)) => return Err(error),
            Err(error) => error.to_string(),
        };
        reports[attempt.index].verdict = Verdict::Failed;
        reports[attempt.index].detail = Some(format!("the last check: {broken}"));
        Ok(None)
    }

    /// Verifies what the attempt's bytes show; they are decoded for it where no trial did.
    fn look(
        &self,
        attempt: &mut Attempt,
        image: &Image,
        promise: Promise,
        evaluator: Option<&Evaluator>,
    ) -> Result<verify::Verdict> {
        let (result, score) = match attempt.seen.take() {
            Some(Seen { image, score }) => (image, Some(score)),
            None => (self.decode_result(attempt.candidate.format, &attempt.bytes, image)?, None),
        };
        verify(image, result, promise, evaluator.map(|evaluator| (evaluator, score)))
    }

    fn decode_result(&self, format: Format, bytes: &[u8], original: &Image) -> Result<Image> {
        decode_result(format, bytes, original, self.limits, self.control)
    }

    /// Keeps the input's coding and takes away what is private. `image` is the decoded input, where it was decoded: the
    /// rewritten file must show the same.
    fn keep(
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
        match verify(image, result, Promise::Lossless, None)? {
            verify::Verdict::Holds(_) => Ok(()),
            verify::Verdict::Broken(why) => Err(damaged(format!("is another picture: {why}"))),
        }
    }

    /// Whether an earlier compression promised the same, or less, already.
    fn is_already_compressed(&self) -> bool {
        let keeps_format = match self.request.format {
            OutputFormat::Keep => true,
            OutputFormat::Auto => false,
            OutputFormat::Among(formats) => formats.contains(self.header.format),
        };
        let made = self.metadata.mark;
        keeps_format && made.zip(self.mark()).is_some_and(|(made, wanted)| made.covers(wanted))
    }

    /// The mark of a lossy result of this request.
    fn mark(&self) -> Option<Mark> {
        match self.request.target {
            Target::Score { score } => Some(Mark::Score(score.0)),
            Target::Quality { quality } => Some(Mark::Quality(quality.0.into())),
            Target::Lossless | Target::MaxBytes { .. } => None,
        }
    }

    /// What goes beside re-encoded, upright pixels.
    fn embedded(&self, image: &Image) -> Embedded {
        Embedded {
            icc: image.profile.as_ref().map(|profile| profile.to_vec()),
            exif: exif::write(None, &self.metadata.rights),
            mark: self.mark(),
        }
    }

    /// What goes beside pixels that stay coded as they are.
    fn embedded_as_stored(&self) -> Embedded {
        Embedded {
            icc: self.metadata.icc.clone(),
            exif: exif::write(self.orientation_to_keep(), &self.metadata.rights),
            mark: self.metadata.mark,
        }
    }
}

fn why_kept(reports: &[CandidateReport]) -> Reason {
    let any = |verdict| reports.iter().any(|report| report.verdict == verdict);
    let (code, detail) = if any(Verdict::Failed) {
        (ReasonCode::VerificationFailed, "no smaller result passed the last check")
    } else if any(Verdict::Larger) {
        (ReasonCode::NoSmallerCandidate, "already optimal: every result that holds the promise is larger")
    } else {
        (ReasonCode::TargetNotReached, "no encoder reaches the target with a smaller file")
    };
    Reason::new(code, detail)
}
