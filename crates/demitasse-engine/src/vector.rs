//! Drawings that stay drawings: what `pipeline` is for pixels.
//!
//! What could do harm goes first. Then numbers are written shorter, coarser at first, and that is drawn beside what was left in two
//! sizes, until there is no difference that anybody would see. A target of a score is therefore held whatever it is; without loss, no
//! pixel differs. Letters and pictures inside are not drawn here: what belongs to them is not touched.

use serde_json::{Map, json};

use crate::codec::{Codec, Drawing, Header};
use crate::image::Image;
use crate::metadata::{Kind, Orientation};
use crate::metric::{Evaluator, Scored};
use crate::pipeline::{Input, fits_already};
use crate::receipt::{Draft, Encoded};
use crate::reduce::uses_alpha;
use crate::report::{CandidateReport, Reason, ReasonCode, Trial, Verdict, Warning};
use crate::request::OutputFormat;
use crate::{Control, Error, Format, Quality, Request, Result, Score, Target, verify};

/// Longer sides in which drawings are compared, in pixels: an icon's on a sharp screen, and that of a picture; and how many times as large
/// each is drawn. What draws counts four lines a pixel, of which one more or less would be seen.
const VIEWS: [(u32, u32); 2] = [(192, 4), (512, 2)];
/// No result scores lower: what nobody tells from the original when both flicker in one place (SSIMULACRA2's scale). Edges that move by
/// nothing to speak of, over the lines that are counted, score 92 to 95 in some icons.
const MIN_SCORE: f64 = 90.0;
/// A pixel on an edge may be covered by this much more or less, in levels of 255: an eighth is one line of those that the
/// second view is drawn with, and an edge which lies on it falls to either side.
const MAX_COVER_DIFFERENCE: u8 = 64;
/// Parts of a drawing's larger side that its numbers tell apart, coarse first: at 10,000 a point moves by a twentieth of a pixel where
/// 1,000 of them show it.
const PARTS: [f64; 3] = [1e4, 1e5, 1e6];
/// Bytes above which a drawing is not drawn, and therefore not written anew: a path of 15 MB takes minutes.
const MAX_DRAWN_BYTES: usize = 2_000_000;
const ENCODER: &str = "demitasse-svg";

/// Whether a drawing with this header stays one.
pub(crate) fn stays(header: &Header, request: &Request) -> bool {
    header.format.capabilities().vector && matches!(request.format, OutputFormat::Keep | OutputFormat::Auto)
}

/// Compresses a drawing.
///
/// # Errors
/// As [`crate::compress`].
///
/// Cost: what is safe of it is drawn at most eight times, in at most 1,024 x 1,024 pixels.
pub(crate) fn compress(input: &Input<'_>) -> Result<Draft> {
    if input.request.resize.is_some() {
        let detail =
            "a drawing has no size of its own: ask for no size, or for a format of pixels such as png";
        return Err(Error::InvalidRequest(detail.into()));
    }
    let drawing = input.codec.drawing(input.bytes)?;
    let removed = drawing.removed();
    if let Some(kind) = must_stay(input).filter(|_| removed.is_none()) {
        let detail = format!(
            "its metadata would not survive ({kind}), and all of it is to be kept: ask for another policy to compress it"
        );
        return input.keep(Reason::new(ReasonCode::NoEncoder, detail), None, Vec::new(), Vec::new());
    }
    if input.bytes.len() > MAX_DRAWN_BYTES && removed.is_none() {
        let detail =
            format!("it has more than {MAX_DRAWN_BYTES} bytes: to draw it and compare would take too long");
        return input.keep(Reason::new(ReasonCode::NoEncoder, detail), None, Vec::new(), Vec::new());
    }
    Attempt { input, drawing: drawing.as_ref(), removed }.run()
}

/// A kind of metadata that was to be held, whatever becomes of the rest, and that is not written.
fn must_stay(input: &Input<'_>) -> Option<Kind> {
    let policy = input.request.metadata_policy();
    let is_lost = |kind: &Kind| policy.keeps(*kind) && *kind != Kind::Copyright;
    input.metadata.items.iter().map(|item| item.kind).filter(|_| policy.is_strict()).find(is_lost)
}

struct Attempt<'a> {
    input: &'a Input<'a>,
    drawing: &'a dyn Drawing,
    removed: Option<String>,
}

/// A file, and what it looks like beside the input.
struct Written {
    bytes: Vec<u8>,
    parts: Option<f64>,
    likeness: Likeness,
}

impl Attempt<'_> {
    fn run(self) -> Result<Draft> {
        let Input { bytes, header, codec, request, .. } = *self.input;
        let keeps_rights = request.metadata_policy().keeps(Kind::Copyright);
        let plain = self.drawing.plain(keeps_rights);
        let views = Views::of(&plain, &header, codec)?;
        let alpha = views.use_alpha();
        let (written, trials) = self.search(&views, plain, keeps_rights)?;
        let length = written.bytes.len();
        // What could do harm goes, however many bytes that takes.
        let may_stay = self.removed.is_none() && length >= bytes.len();
        let report = candidate(&written, trials, may_stay);
        let mut warnings = Vec::new();
        if let Some(removed) = &self.removed {
            // The input itself is never drawn: what was left out of it was not counted.
            let detail = format!("left out for safety: {removed}");
            warnings.push(Warning { code: "sanitized".into(), detail });
        }
        if may_stay {
            let reason = if is_within(request.target, bytes.len()) {
                fits_already()
            } else {
                let detail = "already optimal: written shorter it would not be smaller";
                Reason::new(ReasonCode::NoSmallerCandidate, detail)
            };
            return Ok(self.input.keep(reason, None, vec![report], warnings)?.with_input_alpha(alpha));
        }
        let score = written.likeness.lowest.map(|lowest| lowest.measurement());
        let draft = Draft::rewritten(encoded(written, request), &header, Orientation::UPRIGHT, alpha, score);
        Ok(draft.with_story(vec![report], warnings))
    }

    /// The coarsest that looks the same; of all that do not, none: then it is written as it was read.
    fn search(&self, views: &Views, plain: Vec<u8>, keeps_rights: bool) -> Result<(Written, Vec<Trial>)> {
        let Input { header, codec, control, request, .. } = *self.input;
        let mut trials = Vec::new();
        for parts in PARTS {
            control.check()?;
            let bytes = self.drawing.minified(parts, keeps_rights);
            let likeness = views.likeness(&bytes, &header, codec, control)?;
            let score = Some(likeness.score());
            trials.push(Trial {
                quality: Quality(parts.log10() as f32),
                bytes: bytes.len() as u64,
                score,
                share: 1.0,
            });
            let is_good = match request.target {
                Target::Lossless => likeness.is_same(),
                _ => likeness.is_near(),
            };
            if is_good {
                return Ok((Written { bytes, parts: Some(parts), likeness }, trials));
            }
        }
        Ok((Written { bytes: plain, parts: None, likeness: Likeness::SAME }, trials))
    }
}

fn candidate(written: &Written, trials: Vec<Trial>, is_larger: bool) -> CandidateReport {
    CandidateReport {
        format: Format::Svg,
        encoder: ENCODER.into(),
        trials,
        bytes: Some(written.bytes.len() as u64),
        score: Some(written.likeness.score()),
        verdict: if is_larger { Verdict::Larger } else { Verdict::Chosen },
        detail: None,
    }
}

fn encoded(written: Written, request: &Request) -> Encoded {
    let mut settings = Map::new();
    if let Some(parts) = written.parts {
        settings.insert("parts".into(), json!(parts));
    }
    let exceeds = (!is_within(request.target, written.bytes.len())
        && matches!(request.target, Target::MaxBytes { .. }))
    .then_some(request.target);
    Encoded {
        bytes: written.bytes,
        format: Format::Svg,
        encoder: ENCODER,
        version: env!("CARGO_PKG_VERSION"),
        settings,
        exceeds,
    }
}

fn is_within(target: Target, bytes: usize) -> bool {
    matches!(target, Target::MaxBytes { max_bytes, .. } if bytes as u64 <= max_bytes)
}

/// How alike two drawings are, in all sizes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Likeness {
    /// The lower score; none where every pixel is the same.
    pub lowest: Option<Scored>,
    /// Why they are not the same drawing, for people.
    pub damage: Option<String>,
}

impl Likeness {
    const SAME: Self = Self { lowest: None, damage: None };

    /// Whether every pixel is the same.
    pub(crate) fn is_same(&self) -> bool {
        self.lowest.is_none()
    }

    /// Whether nobody tells them apart.
    pub(crate) fn is_near(&self) -> bool {
        self.damage.is_none() && self.score().0 >= MIN_SCORE
    }

    /// 100 where every pixel is the same.
    pub(crate) fn score(&self) -> Score {
        self.lowest.map_or(Score(100.0), |lowest| lowest.whole)
    }
}

/// What a drawing looks like, in each size.
pub(crate) struct Views(Vec<Image>);

impl Views {
    /// Draws a file that was found safe.
    ///
    /// # Errors
    /// Of [`Codec::draw`].
    pub(crate) fn of(bytes: &[u8], header: &Header, codec: &dyn Codec) -> Result<Self> {
        let draw = |(side, times): &(u32, u32)| {
            let (width, height) = size(header, *side);
            codec.draw(bytes, (width, height), *times)
        };
        Ok(Self(VIEWS.iter().map(draw).collect::<Result<_>>()?))
    }

    /// Whether some pixel is not opaque.
    pub(crate) fn use_alpha(&self) -> bool {
        self.0.iter().any(uses_alpha)
    }

    /// Draws another file and compares both.
    ///
    /// # Errors
    /// Of [`Codec::draw`]; `DeadlineExceeded`, `Cancelled`.
    pub(crate) fn likeness(
        &self,
        bytes: &[u8],
        header: &Header,
        codec: &dyn Codec,
        control: &Control,
    ) -> Result<Likeness> {
        let others = Self::of(bytes, header, codec)?;
        let mut likeness = Likeness::SAME;
        for (view, other) in self.0.iter().zip(&others.0) {
            if view == other {
                continue;
            }
            let look = verify::look(view, other, &Evaluator::new(view), control)?;
            likeness.damage = likeness.damage.or(look.damage_beyond(MAX_COVER_DIFFERENCE));
            let lower = likeness.lowest.filter(|lowest| lowest.whole.0 <= look.scored.whole.0);
            likeness.lowest = lower.or(Some(look.scored));
        }
        Ok(likeness)
    }
}

/// The drawing's size, its longer side of so many pixels.
fn size(header: &Header, side: u32) -> (u32, u32) {
    let longer = u64::from(header.width.max(header.height));
    let of = |length: u32| (u64::from(length) * u64::from(side) / longer).max(1) as u32;
    (of(header.width), of(header.height))
}
