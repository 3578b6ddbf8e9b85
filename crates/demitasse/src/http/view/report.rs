//! The engine's report as a client sees it: the types behind the OpenAPI description.
//!
//! An answer carries the stored JSON unchanged; a test reads the engine's own report with these types, unknown fields
//! refused, so that description and receipt cannot drift apart.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

macro_rules! shapes {
    ($($(#[$doc:meta])* $kind:ident $name:ident { $($body:tt)* })*) => {
        $(shapes!(@$kind $(#[$doc])* $name { $($body)* });)*
    };
    // After a semicolon: fields that are left out where there is nothing to say.
    (@object $(#[$doc:meta])* $name:ident {
        $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)?
        $(; $($(#[$optional_doc:meta])* $optional:ident: $optional_type:ty),* $(,)?)?
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct $name {
            $($(#[$field_doc])* #[schema(required)] $field: $type,)*
            $($(
                $(#[$optional_doc])*
                #[serde(skip_serializing_if = "Option::is_none")]
                #[schema(nullable = false)]
                $optional: Option<$optional_type>,
            )*)?
        }
    };
    (@words $(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $word:ident),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub(crate) enum $name { $($(#[$word_doc])* $word),* }
    };
}

shapes! {
    /// The receipt: what was done, what was measured, what was tried.
    object Report {
        /// Of this JSON: 2.
        version: u32,
        /// Name and version of the engine.
        engine: String,
        /// Whether new bytes were made.
        outcome: ReportOutcome,
        /// Why the original was kept, or why what was asked for could not be had.
        reason: Option<ReportReason>,
        /// What was asked for.
        request: ReportRequest,
        /// The bytes that came in.
        input: ReportFacts,
        /// The bytes that went out.
        output: ReportFacts,
        /// What was measured on the decoded output; null where nothing was.
        score: Option<ReportScore>,
        /// Whether every pixel was compared and found equal.
        lossless: bool,
        /// How the output was made.
        recipe: ReportRecipe,
        /// Everything that was tried.
        candidates: Vec<ReportCandidate>,
        /// What was kept and what was dropped.
        metadata: ReportMetadata,
        /// What the owner of the image should know.
        warnings: Vec<ReportWarning>,
        /// Wall-clock time, in milliseconds.
        time_ms: u64,
        /// Processor time, in milliseconds.
        cpu_ms: Option<u64>;
        /// The score that the output was made for without measuring it: effort `fast`.
        predicted_score: f64,
        /// What kind of picture it is, where it was decoded.
        content: ReportContent,
        /// When what is shown, of an animation.
        animation: ReportAnimation,
    }
    /// When what is shown: the same in input and output.
    object ReportAnimation {
        /// How many frames.
        frames: u32,
        /// How long all of them are shown once, in milliseconds.
        duration_ms: u64,
        /// How often they are shown; 0 is for ever.
        plays: u32,
        /// In how many frames the decoded output was compared with the input: all, or none where its coding was kept.
        compared_frames: u32;
        /// The frame with the lowest score, where scores were measured; `score` is the mean of all.
        lowest: ReportFrameScore,
    }
    /// A frame and its own score.
    object ReportFrameScore {
        /// Which, from 0.
        frame: u32,
        /// Its score.
        score: f64,
    }
    /// What kind of picture it is.
    words ReportContent {
        /// Natural texture.
        Photo,
        /// Few colours or large flat regions.
        Graphic,
        /// A graphic with letters.
        Text,
        /// Grain, noise.
        Noise,
    }
    /// Whether new bytes were made.
    words ReportOutcome {
        /// Smaller bytes.
        Compressed,
        /// The original's pixels and coding.
        KeptOriginal,
    }
    /// Why the original was kept, or why what was asked for could not be had.
    object ReportReason {
        /// For programs.
        code: ReportReasonCode,
        /// For people.
        detail: String,
    }
    /// The same, for programs.
    words ReportReasonCode {
        /// Several frames, and what is asked for cannot be made of them, or they are too much to decode.
        Animated,
        /// Compressed before to the same target or a lower one.
        AlreadyCompressed,
        /// Every candidate that holds the promise is larger.
        NoSmallerCandidate,
        /// No candidate reached the target.
        TargetNotReached,
        /// The smaller candidates failed the last check.
        VerificationFailed,
        /// No encoder for its format.
        NoEncoder,
        /// The bytes allowed hold nothing above the floor.
        MaxBytesExceeded,
        /// It is within the bytes allowed as it is.
        FitsAlready,
    }
    /// A name that stands alone: a rule, or one format.
    words ReportFormatWord {
        /// The input's.
        Keep,
        /// The smallest that keeps the promise.
        Auto,
        /// JPEG.
        Jpeg,
        /// PNG.
        Png,
        /// WebP.
        Webp,
        /// AVIF.
        Avif,
    }
    /// How much time the result was worth.
    words ReportEffort {
        /// One encode at a predicted setting.
        Fast,
        /// Searched for and measured.
        Balanced,
        /// Slow settings, measured on the whole image.
        Max,
    }
    /// How an image is fitted to another size.
    words ReportResizeMethod {
        /// To a width or a height; the other side follows.
        Scale,
        /// Whole, inside width and height.
        Fit,
        /// Fills width and height; cut on both sides alike.
        Cover,
        /// Fills width and height; the cut keeps the most detail.
        Thumb,
    }
    /// What is known of a file.
    object ReportFacts {
        /// 64 hex digits.
        sha256: String,
        /// Length in bytes.
        bytes: u64,
        /// Format.
        format: ReportFormat,
        /// Width in pixels, as a viewer shows it.
        width: u32,
        /// Height in pixels, as a viewer shows it.
        height: u32,
        /// Bits a sample.
        bits: u8,
        /// Whether some pixel is not opaque.
        alpha: bool,
        /// Whether it has several frames in time.
        animated: bool,
    }
    /// A format.
    words ReportFormat {
        /// JPEG.
        Jpeg,
        /// PNG.
        Png,
        /// WebP.
        Webp,
        /// GIF.
        Gif,
        /// BMP.
        Bmp,
        /// TIFF.
        Tiff,
        /// JPEG XL.
        Jxl,
        /// ICO.
        Ico,
        /// QOI.
        Qoi,
        /// SVG.
        Svg,
        /// AVIF.
        Avif,
    }
    /// A score and what it was measured on.
    object ReportScore {
        /// `ssimulacra2`.
        metric: String,
        /// Higher is better, 100 is identical.
        value: f64,
        /// What it was measured on.
        scope: ReportScope,
        /// How many tiles.
        tiles: u32,
        /// The part of the pixels that was looked at.
        share: f64,
        /// The region with the lowest score; none where the image is one region.
        worst_tile: Option<ReportTile>,
    }
    /// What a score was measured on.
    words ReportScope {
        /// Every pixel.
        Whole,
        /// Some tiles: an estimate.
        Tiles,
    }
    /// A region and its own score.
    object ReportTile {
        /// Left edge.
        x: u32,
        /// Top edge.
        y: u32,
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Its score.
        score: f64,
    }
    /// How the output was made.
    object ReportRecipe {
        /// The encoder.
        encoder: String,
        /// Its version.
        version: String,
        /// Its settings.
        settings: BTreeMap<String, Value>,
    }
    /// One encoder's attempt.
    object ReportCandidate {
        /// The format that it writes.
        format: ReportFormat,
        /// The encoder.
        encoder: String,
        /// Every setting that was tried.
        trials: Vec<ReportTrial>,
        /// Length of its best result.
        bytes: Option<u64>,
        /// Score of its best result.
        score: Option<f64>,
        /// What became of it.
        verdict: ReportVerdict,
        /// More, for people.
        detail: Option<String>,
    }
    /// What became of a candidate.
    words ReportVerdict {
        /// It is the output.
        Chosen,
        /// Another is smaller.
        Larger,
        /// It cannot reach the target.
        BelowTarget,
        /// Its encoder or the last check failed.
        Failed,
    }
    /// One encode at one setting.
    object ReportTrial {
        /// The encoder's setting.
        quality: f64,
        /// Length of the result.
        bytes: u64,
        /// Its score; null where it was not measured.
        score: Option<f64>;
        /// The part of the image's pixels that was encoded, if not all of them.
        share: f64,
    }
    /// What was kept and what was dropped.
    object ReportMetadata {
        /// Kept.
        kept: Vec<ReportItem>,
        /// Dropped.
        dropped: Vec<ReportItem>,
        /// The EXIF orientation that was applied to the pixels.
        orientation_applied: Option<u8>,
    }
    /// A piece of metadata.
    object ReportItem {
        /// What it is: `icc`, `gps`, `exif`, ...
        kind: String,
        /// Its size in the input.
        bytes: u64,
    }
    /// Something that the owner of the image should know.
    object ReportWarning {
        /// For programs.
        code: String,
        /// For people.
        detail: String,
    }
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReportRequest {
    /// Of this JSON: 1.
    #[schema(required)]
    version: u32,
    /// What must be held.
    #[schema(required)]
    target: ReportTarget,
    /// Which format comes out.
    #[schema(required)]
    format: ReportOutputFormat,
    /// How much time it is worth; balanced if not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    effort: Option<ReportEffort>,
    /// Another size; the input's own if not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    resize: Option<ReportResize>,
}

/// Which format comes out: a name, or several to choose the smallest from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum ReportOutputFormat {
    /// A name.
    One(ReportFormatWord),
    /// Names of formats.
    Several(Vec<ReportFormat>),
}

/// Another size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReportResize {
    /// How.
    #[schema(required)]
    method: ReportResizeMethod,
    /// In pixels, as a viewer shows the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    width: Option<u32>,
    /// In pixels, as a viewer shows the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    height: Option<u32>,
    /// Whether the image may become larger than it is.
    #[schema(required)]
    enlarge: bool,
}

/// What must be held.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum ReportTarget {
    /// The smallest file with at least this score.
    Score {
        /// SSIMULACRA2, 1 to 100.
        score: f64,
    },
    /// This setting of the encoder.
    Quality {
        /// 1 to 100.
        quality: f64,
    },
    /// Every pixel as it was.
    Lossless,
    /// The best score that fits into this many bytes.
    MaxBytes {
        /// Of the whole file, metadata included.
        max_bytes: u64,
        /// The score (SSIMULACRA2, 1 to 100) that is held even where the bytes must then be exceeded.
        floor: f64,
    },
}

#[cfg(test)]
mod tests {
    use demitasse_engine::{Control, Limits, Preset, Quality, Request, Target, compress};

    use super::*;

    /// A BMP, which needs no encoder, of `side` x `side` pixels.
    fn bmp(side: u8) -> Vec<u8> {
        let mut bytes = b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
        bytes.extend([side, 0, 0, 0, side, 0, 0, 0, 1, 0, 24, 0]);
        bytes.resize(54, 0);
        for y in 0..side {
            bytes.extend((0..side).flat_map(|x| [x.wrapping_mul(7), y.wrapping_mul(5), x ^ y]));
        }
        bytes
    }

    #[test]
    fn the_description_fits_what_the_engine_writes() {
        let quality = Target::Quality { quality: Quality(80.0) };
        for target in [Preset::Balanced.target(), Preset::Lossless.target(), quality] {
            let done =
                compress(&bmp(64), &Request::new(target), &Limits::default(), &Control::new()).unwrap();
            let written = serde_json::to_value(&done.report).unwrap();
            let read: Report = serde_json::from_value(written.clone()).unwrap();
            assert_eq!(serde_json::to_value(read).unwrap(), written);
        }
    }

    #[test]
    fn the_description_fits_what_the_engine_writes_of_animations() {
        // A square that moves; every frame is drawn whole, by codes that no dictionary shortens.
        let mut gif = b"GIF89a\x10\0\x10\0\xf0\0\0\x80\x80\x80\x10\x40\x90".to_vec();
        for frame in 0..3 {
            gif.extend(b"\x21\xf9\x04\x04\x05\0\0\0\x2c\0\0\0\0\x10\0\x10\0\0\x07");
            let pixels: Vec<u8> = (0..256).map(|at| u8::from(at % 16 / 4 == frame)).collect();
            // Codes of 8 bits, cleared before they grow.
            let codes: Vec<u8> =
                pixels.chunks(100).flat_map(|part| [&[0x80], part].concat()).chain([0x81]).collect();
            for block in codes.chunks(255) {
                gif.push(block.len() as u8);
                gif.extend(block);
            }
            gif.push(0);
        }
        gif.push(0x3b);
        let webp = "webp".parse().unwrap();
        let quality = Target::Quality { quality: Quality(30.0) };
        for request in [Request::new(Target::Lossless), Request::new(quality).with_format(webp)] {
            let done = compress(&gif, &request, &Limits::default(), &Control::new()).unwrap();
            assert_eq!(done.report.animation.as_ref().unwrap().compared_frames, 3, "{:?}", done.report);
            let written = serde_json::to_value(&done.report).unwrap();
            let read: Report = serde_json::from_value(written.clone()).unwrap();
            assert_eq!(serde_json::to_value(read).unwrap(), written);
        }
    }

    #[test]
    fn the_description_fits_every_request() {
        use demitasse_engine::{Effort, Format, OutputFormat, Resize, ResizeMethod, Score};
        let target = Target::MaxBytes { max_bytes: 200_000, floor: Score(30.0) };
        let resize = |method| Resize { method, width: Some(8), height: None, enlarge: false };
        let methods = [ResizeMethod::Scale, ResizeMethod::Fit, ResizeMethod::Cover, ResizeMethod::Thumb];
        let several = OutputFormat::Among([Format::Webp, Format::Jpeg].into_iter().collect());
        let formats = OutputFormat::names().map(|name| name.parse().unwrap()).chain([several]);
        let requests = formats
            .map(|format| Request::new(target).with_format(format))
            .chain(Effort::ALL.map(|effort| Request::new(target).with_effort(effort)))
            .chain(methods.map(|method| Request::new(target).with_resize(resize(method))));
        for request in requests {
            let written = serde_json::to_value(request).unwrap();
            let read: ReportRequest = serde_json::from_value(written.clone()).unwrap();
            assert_eq!(serde_json::to_value(read).unwrap(), written);
        }
        for format in Format::ALL {
            serde_json::from_value::<ReportFormat>(serde_json::to_value(format).unwrap()).unwrap();
        }
    }

    #[test]
    fn the_description_fits_what_the_version_before_wrote() {
        let receipts: Vec<Value> =
            serde_json::from_str(include_str!("../../../tests/it/fixtures/receipts.json")).unwrap();
        for receipt in receipts {
            serde_json::from_value::<Report>(receipt).unwrap();
        }
    }
}
