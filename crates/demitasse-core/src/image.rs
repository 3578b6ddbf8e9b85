//! What is stored about an uploaded image.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::clock::to_milliseconds;
use crate::{
    BlobKey, BlobKind, Document, ImageId, Job, JobId, JobState, OwnerId, Priority, RequestKey, Sequence,
    Sha256,
};

/// Where an image's original is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Original {
    /// In the blob store.
    Stored(StoredOriginal),
    /// Somewhere else, written down by another program that shares the metadata store; its bytes were never seen.
    External {
        /// Its absolute address, unchecked.
        url: String,
    },
}

impl Original {
    /// The stored bytes; `None` if they are elsewhere.
    pub fn stored(&self) -> Option<&StoredOriginal> {
        match self {
            Self::Stored(original) => Some(original),
            Self::External { .. } => None,
        }
    }
}

/// The uploaded bytes, as their header describes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredOriginal {
    /// Content address; the blob is `original/<sha256>`.
    pub sha256: Sha256,
    /// Length in bytes.
    pub bytes: u64,
    /// IANA media type, from the bytes and never from the client's word.
    pub media_type: String,
    /// Width in pixels, as stored (before any EXIF orientation).
    pub width: u32,
    /// Height in pixels, as stored.
    pub height: u32,
}

/// Whether a variant was made or the original was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VariantOutcome {
    /// New bytes, smaller than the original.
    Compressed,
    /// The original's pixels and coding, private metadata removed.
    KeptOriginal,
}

/// The compressed bytes and what can be said of them without reading the report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Variant {
    /// Content address; the blob is `variant/<sha256>`.
    pub sha256: Sha256,
    /// Length in bytes; never above the original's.
    pub bytes: u64,
    /// IANA media type.
    pub media_type: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Made or kept.
    pub outcome: VariantOutcome,
    /// Why the original was kept, as a sentence.
    pub reason: Option<String>,
    /// SSIMULACRA2 of the decoded variant against the decoded original, higher is better, 100 is identical; `None`
    /// where nothing was measured.
    pub score: Option<f64>,
    /// The engine's report: the receipt of exactly these bytes.
    pub report: Document,
}

/// Everything that one accepted upload writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUpload {
    /// The new image's id.
    pub image_id: ImageId,
    /// The new job's id.
    pub job_id: JobId,
    /// Who uploaded.
    pub owner: OwnerId,
    /// The client's file name: any Unicode, for display and download only.
    pub file_name: Option<String>,
    /// The bytes.
    pub original: StoredOriginal,
    /// What was asked for, in the engine's JSON.
    pub request: Document,
    /// Equal for equal work: the original's hash, the request, the engine's version.
    pub request_key: RequestKey,
    /// How often the job may be tried, at least 1.
    pub max_attempts: u32,
    /// Whether the job goes before others.
    pub priority: Priority,
    /// The trace that the upload belongs to, as a W3C `traceparent`.
    pub trace: Option<String>,
    /// When the upload was accepted.
    pub now: Timestamp,
}

impl NewUpload {
    /// The rows that this upload becomes at its place `sequence`: a queued job that was never tried. Times are kept in
    /// whole milliseconds.
    ///
    /// The one definition that every store writes (in its own language).
    pub fn into_upload(self, sequence: Sequence) -> Upload {
        let now = to_milliseconds(self.now);
        let image = ImageRecord {
            id: self.image_id,
            sequence,
            owner: self.owner,
            file_name: self.file_name,
            original: Original::Stored(self.original),
            created_at: now,
        };
        let job = Job {
            id: self.job_id,
            image_id: self.image_id,
            sequence,
            owner: self.owner,
            state: JobState::Queued,
            request: self.request,
            request_key: self.request_key,
            attempt: 0,
            max_attempts: self.max_attempts,
            priority: self.priority,
            trace: self.trace,
            lease: None,
            failure: None,
            variant: None,
            external_variant: None,
            announcement: None,
            created_at: now,
            updated_at: now,
        };
        Upload { image, job }
    }
}

/// A stored image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageRecord {
    /// Its id.
    pub id: ImageId,
    /// Its place in the order of acceptance.
    pub sequence: Sequence,
    /// Who owns it.
    pub owner: OwnerId,
    /// The client's file name.
    pub file_name: Option<String>,
    /// The uploaded bytes, or where they are.
    pub original: Original,
    /// When it was accepted.
    pub created_at: Timestamp,
}

/// An image with its job (and, in [`Job::variant`], its result): what every list and page shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Upload {
    /// The image.
    pub image: ImageRecord,
    /// Its job.
    pub job: Job,
}

impl Upload {
    /// The blobs that these rows name: the original if it is stored here, and the result if it was made here.
    pub fn blobs(&self) -> impl Iterator<Item = BlobKey> + use<> {
        let original = self.image.original.stored().map(|original| (BlobKind::Original, original.sha256));
        let result = self.job.variant.as_ref().map(|variant| (BlobKind::Variant, variant.sha256));
        original.into_iter().chain(result).map(|(kind, sha256)| BlobKey { kind, sha256 })
    }
}
