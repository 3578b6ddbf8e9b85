//! The receipt: what was done, what was measured, what was tried.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::metadata::Kind;
use crate::{Content, Format, Quality, Request, Score};

/// Of the report's JSON. 2: a trial's score may be null, and a reason may stand beside new bytes.
pub const REPORT_VERSION: u32 = 2;

/// Everything that can be said of one compression. Its JSON form is stable; `version` counts its changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`REPORT_VERSION`].
    pub version: u32,
    /// Name and version of the engine.
    pub engine: String,
    /// Whether new bytes were made.
    pub outcome: Outcome,
    /// Why the original was kept, or why what was asked for could not be had.
    pub reason: Option<Reason>,
    /// What was asked for.
    pub request: Request,
    /// The bytes that came in.
    pub input: Facts,
    /// The bytes that went out.
    pub output: Facts,
    /// What was measured on the decoded output; `None` where pixels are identical, nothing could be decoded, or the effort
    /// is `fast`.
    pub score: Option<Measurement>,
    /// The score that the output was made for without measuring it: effort `fast`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicted_score: Option<Score>,
    /// When what is shown, and in how many frames it was looked for; `None` for a still image, or where that was not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub animation: Option<Animation>,
    /// What kind of picture it is; `None` where nothing was decoded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
    /// Whether every pixel of the output was compared with the input's, or with the resized input's, and found equal.
    pub lossless: bool,
    /// How the output was made: with the same engine, input and recipe the bytes are the same.
    pub recipe: Recipe,
    /// Everything that was tried, in the order of trying.
    pub candidates: Vec<CandidateReport>,
    /// What was kept and what was dropped.
    pub metadata: MetadataReport,
    /// What the owner of the image should know.
    pub warnings: Vec<Warning>,
    /// Wall-clock time of the whole call, in milliseconds.
    pub time_ms: u64,
    /// Processor time of the calling thread, in milliseconds; `None` where the system does not tell.
    pub cpu_ms: Option<u64>,
}

/// Whether new bytes were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// New bytes, smaller than the input; of a resized image they may be more, and then a warning says so.
    Compressed,
    /// The input's pixels and coding; private metadata removed.
    KeptOriginal,
}

/// Why the original was kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// For programs.
    pub code: ReasonCode,
    /// For people.
    pub detail: String,
}

impl Reason {
    pub(crate) fn new(code: ReasonCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

/// Why the original was kept, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonCode {
    /// It has several frames, and what is asked for cannot be made of them, or they are too much to decode.
    Animated,
    /// It carries the mark of an earlier compression to the same target, or a lower one.
    AlreadyCompressed,
    /// Every candidate that holds the promise is larger.
    NoSmallerCandidate,
    /// No candidate reached the target.
    TargetNotReached,
    /// The smaller candidates failed the last check.
    VerificationFailed,
    /// The bytes allowed hold no result above the floor: the output is the smallest that does.
    MaxBytesExceeded,
    /// It is within the bytes allowed as it is.
    FitsAlready,
    /// There is no encoder for its format yet, or none that can carry this image whole.
    NoEncoder,
}

/// What is known of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// SHA-256 of the bytes, 64 hex digits.
    pub sha256: String,
    /// Length in bytes.
    pub bytes: u64,
    /// Format.
    pub format: Format,
    /// Width in pixels, as a viewer shows it.
    pub width: u32,
    /// Height in pixels, as a viewer shows it.
    pub height: u32,
    /// Bits a sample: 8 or 16.
    pub bits: u8,
    /// Whether some pixel is not opaque.
    pub alpha: bool,
    /// Whether it has several frames in time.
    pub animated: bool,
}

/// A score and what it was measured on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// The metric: `ssimulacra2`.
    pub metric: String,
    /// The score; higher is better, 100 is identical.
    pub value: Score,
    /// What it was measured on.
    pub scope: Scope,
    /// How many tiles; 1 for the whole image.
    pub tiles: u32,
    /// The part of the pixels that was looked at, above 0, at most 1.
    pub share: f64,
    /// The region with the lowest score; none where the image is one region.
    pub worst_tile: Option<Tile>,
}

/// When what is shown: the same in input and output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Animation {
    /// How many frames.
    pub frames: u32,
    /// How long all of them are shown once, in milliseconds.
    pub duration_ms: u64,
    /// How often they are shown; 0 is for ever.
    pub plays: u32,
    /// In how many frames the decoded output was compared with the input: all, or none where the input's coding was kept.
    pub compared_frames: u32,
    /// The frame with the lowest score, where scores were measured; [`Report::score`] is the mean of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lowest: Option<FrameScore>,
}

/// A frame and its own score.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FrameScore {
    /// Which, from 0.
    pub frame: u32,
    /// Its score.
    pub score: Score,
}

/// What a score was measured on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Every pixel.
    Whole,
    /// Some tiles: an estimate of the whole.
    Tiles,
}

/// A region and its own score.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Tile {
    /// Left edge, in pixels.
    pub x: u32,
    /// Top edge, in pixels.
    pub y: u32,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Its score.
    pub score: Score,
}

/// How the output was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// The encoder; `strip` where the original was kept.
    pub encoder: String,
    /// Its version.
    pub version: String,
    /// Its settings.
    pub settings: Map<String, Value>,
}

/// One encoder's attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CandidateReport {
    /// The format that it writes.
    pub format: Format,
    /// The encoder.
    pub encoder: String,
    /// Every setting that was tried.
    pub trials: Vec<Trial>,
    /// Length of its best result.
    pub bytes: Option<u64>,
    /// Score of its best result.
    pub score: Option<Score>,
    /// What became of it.
    pub verdict: Verdict,
    /// More, for people.
    pub detail: Option<String>,
}

/// What became of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is the output.
    Chosen,
    /// Another candidate, or the input, is smaller.
    Larger,
    /// It cannot reach the target.
    BelowTarget,
    /// Its encoder failed, or the last check did.
    Failed,
}

/// One encode at one setting.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// The encoder's setting.
    pub quality: Quality,
    /// Length of the result.
    pub bytes: u64,
    /// Its score, or less where one of its tiles is ruined; `None` where it was not measured.
    pub score: Option<Score>,
    /// The part of the image's pixels that was encoded: 1, or less where a sample of them told where to start.
    #[serde(default = "whole", skip_serializing_if = "is_whole")]
    pub share: f64,
}

fn whole() -> f64 {
    1.0
}

fn is_whole(share: &f64) -> bool {
    *share == whole()
}

/// What was kept and what was dropped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetadataReport {
    /// Kept, with their sizes.
    pub kept: Vec<Item>,
    /// Dropped, with their sizes.
    pub dropped: Vec<Item>,
    /// The EXIF orientation (2 to 8) that was applied to the pixels.
    pub orientation_applied: Option<u8>,
}

/// A piece of metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// What it is.
    pub kind: Kind,
    /// Its size in the input.
    pub bytes: u64,
}

/// Something that the owner of the image should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// For programs: `cmyk_converted`, `first_page_only`, `larger_than_input`, `target_not_reached`, ...
    pub code: String,
    /// For people.
    pub detail: String,
}
