//! What this server can do.

use demitasse_engine::{Format, Limits, Preset, Target};
use serde::Serialize;
use utoipa::ToSchema;

/// What this server can do, and what it takes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Info {
    /// Of the server.
    #[schema(example = "0.1.0")]
    version: &'static str,
    /// What an image may be.
    limits: LimitsInfo,
    /// Targets with names, from the smallest files to the largest.
    presets: Vec<PresetInfo>,
    /// The preset of an upload that names none.
    default_preset: &'static str,
    /// What is read and written.
    formats: Vec<FormatInfo>,
    /// Whether an API key is needed.
    auth_required: bool,
}

/// What an image may be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Limits)]
pub(crate) struct LimitsInfo {
    /// Of the file, in bytes.
    max_bytes: u64,
    /// Width x height.
    max_pixels: u64,
}

/// A target with a name.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Preset)]
pub(crate) struct PresetInfo {
    /// Its name.
    name: &'static str,
    /// The score that is held; null: every pixel as it was.
    #[schema(required)]
    target: Option<f64>,
}

/// A format.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Format)]
pub(crate) struct FormatInfo {
    /// Its name.
    name: &'static str,
    /// IANA media type.
    media_type: &'static str,
    /// Whether it is read.
    decodes: bool,
    /// Whether it is written.
    encodes: bool,
}

impl Info {
    pub(crate) fn new(limits: &Limits, auth_required: bool) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            limits: LimitsInfo { max_bytes: limits.max_bytes, max_pixels: limits.max_pixels },
            presets: Preset::ALL.map(PresetInfo::new).into(),
            default_preset: Preset::default().name(),
            formats: Format::ALL.map(FormatInfo::new).into(),
            auth_required,
        }
    }
}

impl PresetInfo {
    fn new(preset: Preset) -> Self {
        let target = match preset.target() {
            Target::Score { score } => Some(score.0),
            Target::Quality { .. } | Target::Lossless | Target::MaxBytes { .. } => None,
        };
        Self { name: preset.name(), target }
    }
}

impl FormatInfo {
    fn new(format: Format) -> Self {
        let can = format.capabilities();
        Self { name: can.name, media_type: can.media_type, decodes: true, encodes: can.encodes }
    }
}
