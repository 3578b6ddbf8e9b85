//! Writes the receipt.

use std::time::Duration;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::candidate::Attempt;
use crate::codec::{Header, Setting, Source, codec};
use crate::metadata::{Kind, Metadata, Orientation};
use crate::metric::Scored;
use crate::pipeline::Compressed;
use crate::reduce::uses_alpha;
use crate::report::{
    Animation, CandidateReport, Facts, Item, Measurement, MetadataReport, Outcome, REPORT_VERSION, Reason,
    ReasonCode, Recipe, Report, Warning,
};
use crate::{ColorSpace, Content, Format, Limits, Request, Score, Target, VERSION};

/// What the receipt says of the input.
pub(crate) struct Receipt<'a> {
    pub bytes: &'a [u8],
    pub request: &'a Request,
    pub header: &'a Header,
    pub metadata: &'a Metadata,
}

impl Receipt<'_> {
    /// Whether the input has metadata that the policy drops.
    pub(crate) fn has_something_to_drop(&self) -> bool {
        self.metadata.items.iter().any(|item| !self.request.metadata_policy().keeps(item.kind))
    }

    /// Whether a kind was named as one to keep, or everything was. The profile of pixels that were converted is no loss, and a
    /// thumbnail of a turned picture none either.
    fn is_missed(&self, kind: Kind) -> bool {
        !matches!(kind, Kind::Icc | Kind::Orientation | Kind::Copyright | Kind::Thumbnail)
            && (self.request.metadata.keeps(kind) || self.request.metadata_policy().keeps(kind))
    }

    /// Why the colours are not those that were asked for, for people.
    fn not_converted(&self) -> Option<&'static str> {
        let is_wanted = self.request.color_space == ColorSpace::Srgb;
        if is_wanted && self.header.animated && self.metadata.icc.is_some() {
            Some("the colours of an animation are not converted: its profile was kept")
        } else if is_wanted && self.metadata.own_color {
            Some("colours that are described in the file's own way, not by a profile, are not converted")
        } else {
            None
        }
    }

    /// `found` says what the output has.
    fn metadata_report(&self, survivors: Survivors, found: &[Item]) -> MetadataReport {
        let orientation = self.metadata.orientation;
        let wanted = |kind: Kind| self.request.metadata_policy().keeps(kind);
        let is_found = |kind: Kind| found.iter().any(|item| item.kind == kind);
        let survives = |kind: Kind| match (survivors, kind) {
            (Survivors::Everything, _) => true,
            // A format may say sRGB without a profile.
            (Survivors::Upright { profile }, Kind::Icc) => profile,
            (_, Kind::Icc) => true,
            (Survivors::Upright { .. }, Kind::Orientation) => false,
            (_, Kind::Orientation) => true,
            (Survivors::AsStoredLessRights, Kind::Copyright) => false,
            _ => wanted(kind) && is_found(kind),
        };
        let (kept, dropped) = self.metadata.items.iter().partition(|item| survives(item.kind));
        let is_turned = matches!(survivors, Survivors::Upright { .. }) && !orientation.is_upright();
        MetadataReport { kept, dropped, orientation_applied: is_turned.then(|| orientation.exif()) }
    }

    fn input_facts(&self, alpha: bool) -> Facts {
        let Header { format, width, height, bits, animated, .. } = *self.header;
        let (width, height) = self.metadata.orientation.turn(width, height);
        Facts {
            sha256: sha256(self.bytes),
            bytes: self.bytes.len() as u64,
            format,
            width,
            height,
            bits,
            alpha,
            animated,
        }
    }
}

/// What is left of the metadata in an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Survivors {
    /// Beside re-encoded, upright pixels: rights, and the profile unless the pixels were converted out of it.
    Upright {
        /// Whether the profile is still there.
        profile: bool,
    },
    /// Beside pixels that stay coded as they are: profile, rights, orientation.
    AsStored,
    /// The same less the rights, which would have made the file larger.
    AsStoredLessRights,
    /// All of it: the file is the input.
    Everything,
}

/// What a result rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Proof {
    /// Every pixel was found equal.
    Lossless,
    /// It was decoded and scored.
    Measured(Scored),
    /// It was made for this score, and not looked at.
    Predicted(Score),
}

/// A file that was recoded in a stream.
pub(crate) struct Recoded {
    pub bytes: Vec<u8>,
    /// The encoder's name and version.
    pub encoder: &'static str,
    pub version: &'static str,
    /// Its settings.
    pub settings: Map<String, Value>,
    /// The score that it was made for.
    pub predicted: Score,
}

/// An animation or a drawing that was written anew.
pub(crate) struct Encoded {
    pub bytes: Vec<u8>,
    pub format: Format,
    /// The encoder's name and version.
    pub encoder: &'static str,
    pub version: &'static str,
    /// Its settings.
    pub settings: Map<String, Value>,
    /// What was asked for, where it took more bytes than that.
    pub exceeds: Option<Target>,
}

/// A finished compression, before it is written down.
pub(crate) struct Draft {
    bytes: Vec<u8>,
    outcome: Outcome,
    reason: Option<Reason>,
    /// The new picture, if there is one.
    made: Option<Made>,
    /// Whether some pixel of the input is not opaque.
    alpha: bool,
    lossless: bool,
    score: Option<Measurement>,
    predicted_score: Option<Score>,
    content: Option<Content>,
    animation: Option<Animation>,
    recipe: Recipe,
    survivors: Survivors,
    candidates: Vec<CandidateReport>,
    warnings: Vec<Warning>,
}

/// What is new of a file that was made.
struct Made {
    format: Format,
    width: u32,
    height: u32,
    bits: u8,
    alpha: bool,
}

impl Draft {
    /// New bytes.
    pub(crate) fn compressed(attempt: Attempt, source: Source<'_>, request: &Request, proof: Proof) -> Self {
        let encoder = attempt.candidate.encoder;
        let (name, version) = encoder.identity();
        let setting = Setting { quality: attempt.quality, effort: request.effort };
        Self {
            outcome: Outcome::Compressed,
            reason: attempt.exceeds.then(|| exceeded(request.target, attempt.bytes.len())).flatten(),
            made: Some(Made {
                format: attempt.candidate.format,
                width: source.image.width,
                height: source.image.height,
                bits: source.image.bits(),
                alpha: uses_alpha(source.image),
            }),
            alpha: uses_alpha(source.image),
            lossless: proof == Proof::Lossless,
            score: match proof {
                Proof::Measured(scored) => Some(scored.measurement()),
                Proof::Lossless | Proof::Predicted(_) => None,
            },
            predicted_score: match proof {
                Proof::Predicted(score) => Some(score),
                Proof::Lossless | Proof::Measured(_) => None,
            },
            content: None,
            animation: None,
            recipe: Recipe {
                encoder: name.to_owned(),
                version: version.to_owned(),
                settings: encoder.settings(source, setting),
            },
            survivors: if encoder.keeps_coefficients() {
                Survivors::AsStored
            } else {
                Survivors::Upright { profile: source.image.profile.is_some() }
            },
            bytes: attempt.bytes,
            candidates: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// New bytes of a picture that was never held. It is opaque, of 8 bits, and stored as it was.
    pub(crate) fn recoded(recoded: Recoded, header: &Header, orientation: Orientation) -> Self {
        let Recoded { bytes, encoder, version, settings, predicted } = recoded;
        let (width, height) = orientation.turn(header.width, header.height);
        let Header { format, bits, alpha, .. } = *header;
        Self {
            bytes,
            outcome: Outcome::Compressed,
            reason: None,
            made: Some(Made { format, width, height, bits, alpha }),
            alpha,
            lossless: false,
            score: None,
            predicted_score: Some(predicted),
            content: None,
            animation: None,
            recipe: Recipe { encoder: encoder.to_owned(), version: version.to_owned(), settings },
            survivors: Survivors::AsStored,
            candidates: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// New bytes of frames or shapes, which are stored as they were. `score` is what was measured of them; none if every pixel
    /// was found equal.
    pub(crate) fn rewritten(
        encoded: Encoded,
        header: &Header,
        orientation: Orientation,
        alpha: bool,
        score: Option<Measurement>,
    ) -> Self {
        let Encoded { bytes, format, encoder, version, settings, exceeds } = encoded;
        let (width, height) = orientation.turn(header.width, header.height);
        Self {
            outcome: Outcome::Compressed,
            reason: exceeds.and_then(|target| exceeded(target, bytes.len())),
            made: Some(Made { format, width, height, bits: 8, alpha }),
            alpha,
            lossless: score.is_none(),
            score,
            predicted_score: None,
            content: None,
            animation: None,
            recipe: Recipe { encoder: encoder.to_owned(), version: version.to_owned(), settings },
            survivors: Survivors::AsStored,
            bytes,
            candidates: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// The input's coding, with what `survivors` says of its metadata.
    pub(crate) fn kept(
        bytes: Vec<u8>,
        survivors: Survivors,
        reason: Reason,
        alpha: bool,
        candidates: Vec<CandidateReport>,
        warnings: Vec<Warning>,
    ) -> Self {
        Self {
            bytes,
            outcome: Outcome::KeptOriginal,
            reason: Some(reason),
            made: None,
            alpha,
            lossless: true,
            score: None,
            predicted_score: None,
            content: None,
            animation: None,
            recipe: Recipe {
                encoder: "strip".into(),
                version: env!("CARGO_PKG_VERSION").into(),
                settings: Map::new(),
            },
            survivors,
            candidates,
            warnings,
        }
    }

    /// Says whether the input, before any resize, has pixels that are not opaque.
    pub(crate) fn with_input_alpha(self, alpha: bool) -> Self {
        Self { alpha, ..self }
    }

    /// Adds when what is shown.
    pub(crate) fn with_animation(self, animation: Animation) -> Self {
        Self { animation: Some(animation), ..self }
    }

    /// Adds what was tried, and what the owner should know.
    pub(crate) fn with_story(self, candidates: Vec<CandidateReport>, warnings: Vec<Warning>) -> Self {
        Self { candidates, warnings, ..self }
    }

    /// Adds what kind of picture it is.
    pub(crate) fn with_content(self, content: Content) -> Self {
        Self { content: Some(content), ..self }
    }

    /// Tells the owner more.
    pub(crate) fn warn(&mut self, code: &str, detail: String) {
        self.warnings.push(Warning { code: code.into(), detail });
    }

    /// By how much the target is missed, for people; `None` where it is not, or nothing is promised.
    pub(crate) fn shortfall(&self, target: Target) -> Option<String> {
        let encoder = &self.recipe.encoder;
        match (target, &self.score) {
            (Target::Score { score: Score(wanted) }, Some(measured)) if measured.value.0 < wanted => {
                Some(format!("{encoder} reaches {:.2} at its best, not {wanted}", measured.value.0))
            }
            (Target::MaxBytes { max_bytes, .. }, _) if self.len() as u64 > max_bytes => {
                Some(format!("{encoder} needs {} bytes at its coarsest, not {max_bytes}", self.len()))
            }
            _ => None,
        }
    }

    /// Length of the file, in bytes.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Writes the receipt.
    pub(crate) fn finish(self, input: &Receipt<'_>, wall: Duration, cpu: Option<Duration>) -> Compressed {
        let input_facts = input.input_facts(self.alpha);
        let mut output =
            Facts { sha256: sha256(&self.bytes), bytes: self.bytes.len() as u64, ..input_facts.clone() };
        if let Some(Made { format, width, height, bits, alpha }) = self.made {
            output = Facts { format, width, height, bits, alpha, ..output };
        }
        let found = codec(output.format).read_metadata(&self.bytes, &Limits::default()).unwrap_or_default();
        let metadata = input.metadata_report(self.survivors, &found.items);
        let lost: Vec<_> =
            metadata.dropped.iter().filter(|item| input.is_missed(item.kind)).map(|item| item.kind).collect();
        let mut warnings = self.warnings;
        if let Some(why) = input.not_converted() {
            warnings.push(Warning { code: "color_not_converted".into(), detail: why.into() });
        }
        let loses_map = metadata.dropped.iter().any(|item| item.kind == Kind::GainMap);
        if loses_map && input.metadata.pieces.gain_map.is_some() && !lost.contains(&Kind::GainMap) {
            warnings.push(gain_map_dropped());
        }
        warnings.extend(lost.into_iter().map(|kind| not_carried(kind, output.format)));
        let report = Report {
            version: REPORT_VERSION,
            engine: VERSION.to_owned(),
            outcome: self.outcome,
            reason: self.reason,
            request: *input.request,
            input: input_facts,
            output,
            score: self.score,
            predicted_score: self.predicted_score,
            content: self.content,
            animation: self.animation,
            lossless: self.lossless,
            recipe: self.recipe,
            candidates: self.candidates,
            metadata,
            warnings,
            time_ms: milliseconds(wall),
            cpu_ms: cpu.map(milliseconds),
        };
        Compressed { bytes: self.bytes, report }
    }
}

fn gain_map_dropped() -> Warning {
    let detail = "its gain map went: on a screen of high dynamic range it looks as on any other. To keep it, name gain_map among the \
                  metadata to keep (JPEG alone has room for it)";
    Warning { code: "gain_map_dropped".into(), detail: detail.into() }
}

fn not_carried(kind: Kind, format: Format) -> Warning {
    let detail = format!("metadata ({kind}) was to be kept; it cannot be carried over, or not into {format}");
    Warning { code: "metadata_not_carried".into(), detail }
}

/// Why more bytes came out than were allowed.
fn exceeded(target: Target, bytes: usize) -> Option<Reason> {
    let Target::MaxBytes { max_bytes, floor } = target else { return None };
    let detail = format!(
        "{max_bytes} bytes are too few: the smallest result that scores {} or more has {bytes}",
        floor.0
    );
    Some(Reason::new(ReasonCode::MaxBytesExceeded, detail))
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
