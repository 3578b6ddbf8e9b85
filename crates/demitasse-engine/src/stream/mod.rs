//! Effort `fast` in a stream: a file is recoded at the quality that its sample asks for, and its picture is never held.
//!
//! What the receipt promises rests on the sample: tiles from all over the image, recoded in the same way and scored. Of the whole
//! image nothing is measured. Decision, figures and limits: `docs/decisions/0017-streaming.md`.

use crate::analyze::{Analysis, Content};
use crate::candidate::{
    LOSSLESS_REWRITE_MAY_SAVE, MIN_LOSSY_GAIN, REHEARSAL_TOLERANCE, Rehearsal, TOLERANCE, is_large,
    output_formats, rehearse, tiles,
};
use crate::codec::{Encoder, Header, Mode, Recoder, caught, codec};
use crate::image::Image;
use crate::metadata::Embedded;
use crate::metric::Evaluator;
use crate::pipeline::Input;
use crate::receipt::{Draft, Recoded};
use crate::report::{CandidateReport, Reason, ReasonCode, Trial, Verdict, Warning};
use crate::search::{Goal, QualityRange};
use crate::{ColorSpace, Effort, Error, Quality, Request, Result, Score, Target, color, memory};

#[cfg(test)]
mod tests;

/// Encodes of the sample.
const MAX_PROBES: usize = 3;
/// From so many pixels on the sample is little beside them, and is recoded until it is near.
const PRECISE_FROM: u64 = 4_000_000;
/// Below, what is predicted of a photo is near enough for the slope to tell the rest; of a picture unlike those that predictions were
/// fitted on it is off by 30 points, and then the sample is recoded again.
const ROUGH_TOLERANCE: f64 = 8.0;
/// From so many pixels on whatever can be recoded is. Below, a picture of full chroma goes the ordinary way, which halves it: that
/// takes up to 13 % fewer bytes and several times as long; and so does what is no photo, which is measured there
/// (`docs/decisions/0017-streaming.md`).
const LARGE: u64 = 12_000_000;

/// Whether a file with this header may be recoded in a stream, told before anything else of it is known.
pub(crate) fn may_stream(header: &Header, request: &Request) -> bool {
    header.sequential
        && request.effort == Effort::Fast
        && matches!(request.target, Target::Score { .. })
        && request.resize.is_none()
        && request.color_space == ColorSpace::Keep
        && !request.salvage
        && output_formats(header.format, request.format) == [header.format]
        && is_large(header.width, header.height)
}

/// What was decided on the sample.
struct Decision {
    quality: Quality,
    content: Content,
    trials: Vec<Trial>,
    warnings: Vec<Warning>,
}

impl Input<'_> {
    /// Recodes in a stream; `None` where it cannot be done, or where the ordinary way may do better and there is memory for it.
    ///
    /// # Errors
    /// `Malformed` for what cannot be decoded; `DeadlineExceeded`, `Cancelled`.
    ///
    /// Cost: two passes over the input and one over the output; 16 MB and the output.
    pub(crate) fn recode(&self) -> Result<Option<Draft>> {
        let Target::Score { score: target } = self.request.target else { return Ok(None) };
        if !may_stream(&self.header, self.request) || self.not_carried(self.header.format).is_some() {
            return Ok(None);
        }
        let (tiles, share) = tiles(self.header.width, self.header.height);
        let Some(recoder) = self.codec.recoder(self.bytes, &tiles, self.control)? else { return Ok(None) };
        let is_roomy = self.has_room_for_picture();
        if recoder.has_full_chroma() && self.may_be_held() {
            return Ok(None);
        }
        if self.is_already_compressed() {
            return self.keep(already_compressed(), None, Vec::new(), Vec::new()).map(Some);
        }
        let decision = match self.rehearse(&*recoder, target, share) {
            // What the recoder cannot do, another encoder may.
            Err(Error::Codec { .. }) if is_roomy => None,
            decision => decision?,
        };
        let Some(decision) = decision else { return Ok(None) };
        let embedded = Embedded { mark: self.mark(), ..self.embedded_as_stored() };
        if embedded.gain_map.is_some() {
            return Ok(None);
        }
        let without_metadata = (recoder.bare_length() + length(&embedded)).min(self.bytes.len() as u64);
        let below = (without_metadata as f64 * (1.0 - MIN_LOSSY_GAIN)) as u64;
        let max_bytes =
            self.limits.max_memory.map_or(below, |budget| below.min(memory::room_for_stream(budget)));
        let recoded = caught(self.header.format, || {
            recoder.recode(decision.quality, &embedded, max_bytes, self.control)
        });
        let (bytes, failure) = match recoded {
            Err(error @ (Error::DeadlineExceeded | Error::Cancelled)) => return Err(error),
            Err(error) => (None, Some(error.to_string())),
            Ok(bytes) => (bytes, None),
        };
        let saves = |bytes: &Vec<u8>| 1.0 - bytes.len() as f64 / without_metadata as f64;
        // Where little is saved, the ordinary way may save more without loss.
        if is_roomy && bytes.as_ref().is_none_or(|bytes| saves(bytes) < LOSSLESS_REWRITE_MAY_SAVE) {
            return Ok(None);
        }
        self.told(&*recoder, target, decision, bytes, failure).map(Some)
    }

    /// The draft, of new bytes or of the old ones.
    fn told(
        &self,
        recoder: &dyn Recoder,
        target: Score,
        mut decision: Decision,
        bytes: Option<Vec<u8>>,
        failure: Option<String>,
    ) -> Result<Draft> {
        let size = bytes.as_ref().map(|bytes| bytes.len() as u64);
        let quality = decision.quality;
        decision.trials.extend(size.map(|bytes| Trial { quality, bytes, score: None, share: 1.0 }));
        let (verdict, detail) = match (&failure, size) {
            (Some(failure), _) => (Verdict::Failed, format!("the last check: {failure}")),
            (None, Some(_)) => (Verdict::Chosen, CHECKED.to_owned()),
            (None, None) => (Verdict::Larger, "it saves too little to touch the pixels".to_owned()),
        };
        let report = CandidateReport {
            format: self.header.format,
            encoder: recoder.identity().0.to_owned(),
            trials: decision.trials,
            bytes: size,
            score: None,
            verdict,
            detail: Some(detail),
        };
        let Some(bytes) = bytes else {
            let reason = match failure {
                Some(_) => {
                    Reason::new(ReasonCode::VerificationFailed, "the result did not pass the last check")
                }
                None => {
                    Reason::new(ReasonCode::NoSmallerCandidate, "the result that holds the promise is larger")
                }
            };
            let kept = self.keep(reason, None, vec![report], decision.warnings)?;
            return Ok(kept.with_content(decision.content));
        };
        let (encoder, version) = recoder.identity();
        let recoded =
            Recoded { bytes, encoder, version, settings: recoder.settings(quality), predicted: target };
        let draft = Draft::recoded(recoded, &self.header, self.metadata.orientation);
        Ok(draft.with_story(vec![report], decision.warnings).with_content(decision.content))
    }

    /// Finds the quality on the sample; `None` for what is no photo, if it is better measured whole.
    fn rehearse(&self, recoder: &dyn Recoder, target: Score, share: f64) -> Result<Option<Decision>> {
        let mut warnings = Vec::new();
        let original = self.decode_sample(recoder.sample(), &mut warnings)?;
        let analysis = Analysis::of_sample(&original, self.header.pixels());
        let is_photo = analysis.content == Content::Photo;
        if !is_photo && self.may_be_held() {
            return Ok(None);
        }
        let encoder = recoder.encoder();
        let Some(range) = range(encoder) else { return Ok(None) };
        let evaluator = Evaluator::new(&original);
        let expected = encoder.curve(self.request.effort).guess(range.axis, &analysis.features, target);
        let goal = Goal { target, tolerance: TOLERANCE };
        let is_cheap = self.header.pixels() >= PRECISE_FROM || !is_photo;
        let tolerance = if is_cheap { REHEARSAL_TOLERANCE } else { ROUGH_TOLERANCE };
        let rehearsal = Rehearsal { range, goal, max_probes: MAX_PROBES, share, tolerance };
        let mut trials = Vec::new();
        let guess = rehearse(rehearsal, expected, &mut trials, &mut |quality| {
            self.control.check()?;
            let bytes = caught(self.header.format, || recoder.recode_sample(quality, self.control))?;
            let image = self.decode_sample(&bytes, &mut Vec::new())?;
            Ok((bytes.len() as u64, evaluator.score(&image, self.control)?.whole))
        })?;
        let quality = range.clamp(held(&trials, target, tolerance).unwrap_or(guess.quality));
        Ok(Some(Decision { quality, content: analysis.content, trials, warnings }))
    }

    /// A sample's pixels, with the profile of the image that it is of.
    fn decode_sample(&self, bytes: &[u8], warnings: &mut Vec<Warning>) -> Result<Image> {
        let image = codec(self.header.format).decode(bytes, self.limits, self.control)?.image;
        let profile = color::usable_profile(image.layout, self.metadata.icc.as_deref(), warnings);
        Ok(Image { profile, ..image })
    }

    /// Whether the ordinary way is open, and not much dearer.
    fn may_be_held(&self) -> bool {
        self.header.pixels() < LARGE && self.has_room_for_picture()
    }

    fn has_room_for_picture(&self) -> bool {
        memory::check_picture(&self.header, self.request, self.limits.max_memory).is_ok()
    }
}

/// What [`Recoder::recode`] looks at, for people.
const CHECKED: &str = "the quality was found on a sample; the result was decoded whole at an eighth of its size, and every region of \
                       32 x 32 pixels has its colour";

/// Where no score of the sample came near the target, the curve is too steep to be trusted between them: then the coarsest quality
/// that held it on the sample.
fn held(trials: &[Trial], target: Score, tolerance: f64) -> Option<Quality> {
    let scores = || trials.iter().filter_map(|trial| Some((trial.score?, trial.quality)));
    if scores().any(|(score, _)| (score.0 - target.0).abs() <= tolerance) {
        return None;
    }
    let holding = scores().filter(|(score, _)| *score >= target).map(|(_, quality)| quality);
    holding.min_by(|a, b| a.0.total_cmp(&b.0))
}

fn range(encoder: &dyn Encoder) -> Option<QualityRange> {
    match encoder.mode() {
        Mode::Lossless => None,
        Mode::Lossy { min, max, step } => Some(QualityRange { min, max, step, axis: encoder.axis() }),
    }
}

/// About how many bytes it takes in a file.
fn length(embedded: &Embedded) -> u64 {
    let blocks = [&embedded.icc, &embedded.exif, &embedded.xmp, &embedded.iptc].into_iter().flatten();
    let comments = embedded.comments.iter().map(|comment| comment.keyword.len() + comment.text.len());
    blocks.map(Vec::len).chain(comments).map(|bytes| bytes as u64).sum()
}

pub(crate) fn already_compressed() -> Reason {
    let detail = "it was compressed to this target, or a lower one, before";
    Reason::new(ReasonCode::AlreadyCompressed, detail)
}
