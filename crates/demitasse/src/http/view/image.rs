//! An image and its variant.

use demitasse_core::{BlobKey, BlobKind, Original, StoredOriginal, Upload, Variant, VariantOutcome};
use serde::Serialize;
use utoipa::ToSchema;

use super::{TaskError, TaskStatus, time};
use crate::http::urls::{BaseUrl, variant_name};

/// An uploaded image and, once its task is done, its variant.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Image {
    /// 24 hex digits.
    #[schema(example = "6924c0bc9a1f3e5d7c2b4a60")]
    id: String,
    /// The task that compresses it.
    task_id: String,
    /// Where the task stands.
    status: TaskStatus,
    /// The name that the client gave.
    #[schema(required, example = "Überraschung.jpg")]
    file_name: Option<String>,
    /// When it was accepted.
    #[schema(format = DateTime)]
    created_at: String,
    /// The uploaded bytes.
    original: OriginalBytes,
    /// The compressed bytes.
    #[schema(required)]
    variant: Option<VariantBytes>,
    /// Where the compressed bytes are that another program made, which shares the database; they were never read.
    #[schema(required, format = "uri")]
    external_variant_url: Option<String>,
    /// Why the task failed, or why its last attempt did.
    #[schema(required)]
    error: Option<TaskError>,
}

/// The uploaded bytes.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Original)]
pub(crate) struct OriginalBytes {
    /// Where they are served.
    #[schema(format = "uri")]
    url: String,
    /// Whether they are kept elsewhere and were never read: all that is known of them is their address, and what follows
    /// is empty or 0.
    external: bool,
    /// SHA-256, 64 hex digits.
    sha256: String,
    /// Length in bytes.
    bytes: u64,
    /// From the bytes, never from the client's word.
    #[schema(example = "image/jpeg")]
    media_type: String,
    /// Width in pixels, as stored.
    width: u32,
    /// Height in pixels, as stored.
    height: u32,
}

/// The compressed bytes.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Variant)]
pub(crate) struct VariantBytes {
    /// Where they are served.
    #[schema(format = "uri")]
    url: String,
    /// SHA-256, 64 hex digits.
    sha256: String,
    /// Length in bytes; never above the original's.
    bytes: u64,
    /// Of the compressed bytes.
    media_type: String,
    /// Width in pixels.
    width: u32,
    /// Height in pixels.
    height: u32,
    /// Made or kept.
    outcome: Outcome,
    /// Why the original was kept.
    #[schema(required)]
    reason: Option<String>,
    /// SSIMULACRA2 against the original: higher is better, 100 is identical. Null where nothing was measured.
    #[schema(required)]
    score: Option<f64>,
    /// Whether every pixel was compared with the original's and found equal.
    lossless: bool,
    /// Whether it has at most the bytes that were asked for; null where no limit was.
    #[schema(required)]
    within_max_bytes: Option<bool>,
}

/// Whether new bytes were made.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// Smaller bytes.
    Compressed,
    /// The original's pixels and coding, private metadata removed.
    KeptOriginal,
}

/// A page of images, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImagePage {
    /// The images.
    pub(crate) data: Vec<Image>,
    /// Ask for the next page with this; null on the last.
    #[schema(required)]
    pub(crate) next_cursor: Option<String>,
}

impl Image {
    /// What a client that reaches this server under `base` sees of `upload`.
    pub(crate) fn new(upload: &Upload, base: &BaseUrl) -> Self {
        let Upload { image, job } = upload;
        let name = image.file_name.as_deref();
        Self {
            id: image.id.to_string(),
            task_id: job.id.to_string(),
            status: job.state.into(),
            file_name: image.file_name.clone(),
            created_at: time(image.created_at),
            original: OriginalBytes::new(&image.original, name, base),
            variant: job.variant.as_ref().map(|variant| VariantBytes::new(variant, name, base)),
            external_variant_url: job.external_variant.clone(),
            error: job.failure.as_ref().map(TaskError::new),
        }
    }
}

/// Where the uploaded bytes are served.
pub(crate) fn original_url(original: &Original, name: Option<&str>, base: &BaseUrl) -> String {
    let original = match original {
        Original::Stored(original) => original,
        Original::External { url } => return url.clone(),
    };
    let key = BlobKey { kind: BlobKind::Original, sha256: original.sha256 };
    match name {
        Some(name) => base.blob(key, name),
        None => base.blob(key, &variant_name(None, &original.media_type)),
    }
}

/// Where the compressed bytes are served.
pub(crate) fn variant_url(variant: &Variant, name: Option<&str>, base: &BaseUrl) -> String {
    let key = BlobKey { kind: BlobKind::Variant, sha256: variant.sha256 };
    base.blob(key, &variant_name(name, &variant.media_type))
}

impl OriginalBytes {
    fn new(original: &Original, name: Option<&str>, base: &BaseUrl) -> Self {
        let url = original_url(original, name, base);
        match original {
            Original::Stored(StoredOriginal { sha256, bytes, media_type, width, height }) => Self {
                url,
                external: false,
                sha256: sha256.to_string(),
                bytes: *bytes,
                media_type: media_type.clone(),
                width: *width,
                height: *height,
            },
            Original::External { .. } => Self {
                url,
                external: true,
                sha256: String::new(),
                bytes: 0,
                media_type: String::new(),
                width: 0,
                height: 0,
            },
        }
    }
}

impl VariantBytes {
    fn new(variant: &Variant, name: Option<&str>, base: &BaseUrl) -> Self {
        let report = &variant.report.0;
        let max_bytes = report["request"]["target"]["max_bytes"].as_u64();
        Self {
            url: variant_url(variant, name, base),
            sha256: variant.sha256.to_string(),
            bytes: variant.bytes,
            media_type: variant.media_type.clone(),
            width: variant.width,
            height: variant.height,
            outcome: match variant.outcome {
                VariantOutcome::Compressed => Outcome::Compressed,
                VariantOutcome::KeptOriginal => Outcome::KeptOriginal,
            },
            reason: variant.reason.clone(),
            score: variant.score,
            lossless: report["lossless"] == true,
            within_max_bytes: max_bytes.map(|most| variant.bytes <= most),
        }
    }
}
