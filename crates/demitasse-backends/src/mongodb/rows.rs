//! From documents to the domain's types and back.

use std::fmt::Display;
use std::str::FromStr;

use demitasse_core::{
    Announcement, AnnouncementState, Document as Json, ErrorKind, Failure, ImageId, ImageRecord, Job,
    JobState, LeaseId, Original, OwnerId, Priority, RequestKey, Sequence, StoreError, Upload, Variant,
};
use jiff::Timestamp;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, DateTime};
use serde::{Deserialize, Serialize};

use super::BACKEND;
use super::error::unreadable;

/// The original's words for `status`.
pub(super) const PENDING: &str = "pending";
pub(super) const COMPLETED: &str = "completed";
pub(super) const COMPLETED_WITH_ERRORS: &str = "completed_with_errors";
pub(super) const FAILED: &str = "failed";

/// A document of `compressingtasks`. Fields that it does not name (`__v`) are left alone.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Task {
    #[serde(rename = "_id")]
    pub(super) id: ObjectId,
    /// An `ObjectId`, as Mongoose writes it; hex digits are read too.
    pub(super) image_id: Bson,
    #[serde(default)]
    pub(super) status: String,
    #[serde(default)]
    pub(super) created_at: Option<DateTime>,
    #[serde(default)]
    pub(super) updated_at: Option<DateTime>,
    /// What Mongoose counts; we write what it writes.
    #[serde(rename = "__v", default)]
    pub(super) version: i32,
    /// Absent from a task that was not taken in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) demitasse: Option<Ours>,
}

/// What we keep beside the original's fields: the rest of the job, and its image.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ours {
    sequence: i64,
    owner: OwnerId,
    state: JobState,
    /// Whether the state is not terminal; what indexes ask.
    open: bool,
    /// JSON as text: BSON has no unsigned 64-bit numbers, among others.
    request: String,
    request_key: RequestKey,
    attempt: u32,
    max_attempts: u32,
    priority: Priority,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lease: Option<LeaseId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<Failure>,
    /// With its report as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<Variant>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_variant: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    announcement: Option<News>,
    image: Image,
    /// Why the image's document may be behind; absent if it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mirror: Option<String>,
    /// Whether the original wrote the rows.
    #[serde(default)]
    pub(super) adopted: bool,
    /// Until when the job is left to the original's worker, in Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) lent_until: Option<i64>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct News {
    state: AnnouncementState,
    attempts: u32,
    due_at: DateTime,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Image {
    #[serde(skip_serializing_if = "Option::is_none")]
    file_name: Option<String>,
    original: Original,
    created_at: DateTime,
}

impl Task {
    /// The document of a new upload, whose image has none yet.
    pub(super) fn new(upload: &Upload) -> Result<Self, StoreError> {
        Ok(Self {
            id: object_id(upload.job.id)?,
            image_id: object_id(upload.image.id)?.into(),
            status: status(&upload.job).into(),
            created_at: Some(date(upload.job.created_at)),
            updated_at: Some(date(upload.job.updated_at)),
            version: 0,
            demitasse: Some(Ours { mirror: Some("upload".into()), ..Ours::new(upload) }),
        })
    }

    pub(super) fn image(&self) -> Result<ObjectId, StoreError> {
        read_object_id(&self.image_id)
    }

    /// Whether the original's worker says that it has a result, and we have not taken note of it.
    pub(super) fn has_result_elsewhere(&self) -> bool {
        let completed = [COMPLETED, COMPLETED_WITH_ERRORS].contains(&self.status.as_str());
        completed && self.demitasse.as_ref().is_some_and(|ours| ours.open)
    }

    /// The rows, as they are seen with the image's `compressedUrl`.
    pub(super) fn upload(&self, compressed_url: Option<&str>) -> Result<Upload, StoreError> {
        let ours = self.demitasse.as_ref().ok_or_else(|| unreadable("demitasse"))?;
        let id: ImageId = domain_id(self.image()?)?;
        let image = ImageRecord {
            id,
            sequence: Sequence(ours.sequence),
            owner: ours.owner,
            file_name: ours.image.file_name.clone(),
            original: ours.image.original.clone(),
            created_at: time(ours.image.created_at)?,
        };
        let job = self.job(ours, id)?;
        Ok(Upload { image, job: ended_elsewhere(job, &self.status, compressed_url) })
    }

    fn job(&self, ours: &Ours, image_id: ImageId) -> Result<Job, StoreError> {
        let created = self.created_at.unwrap_or_else(|| self.id.timestamp());
        Ok(Job {
            id: domain_id(self.id)?,
            image_id,
            sequence: Sequence(ours.sequence),
            owner: ours.owner,
            state: ours.state,
            request: Json(parsed(&ours.request, "request")?),
            request_key: ours.request_key,
            attempt: ours.attempt,
            max_attempts: ours.max_attempts,
            priority: ours.priority,
            trace: ours.trace.clone(),
            lease: ours.lease,
            failure: ours.failure.clone(),
            variant: ours.variant.clone().map(unpacked).transpose()?,
            external_variant: ours.external_variant.clone(),
            announcement: ours.announcement.as_ref().map(News::read).transpose()?,
            created_at: time(created)?,
            updated_at: time(self.updated_at.unwrap_or(created))?,
        })
    }
}

impl Ours {
    /// The sub-document of rows that nothing is known to be behind of.
    pub(super) fn new(upload: &Upload) -> Self {
        let Upload { image, job } = upload.clone();
        Self {
            sequence: job.sequence.0,
            owner: job.owner,
            state: job.state,
            open: !job.state.is_terminal(),
            request: job.request.0.to_string(),
            request_key: job.request_key,
            attempt: job.attempt,
            max_attempts: job.max_attempts,
            priority: job.priority,
            trace: job.trace,
            lease: job.lease,
            failure: job.failure,
            variant: job.variant.map(packed),
            external_variant: job.external_variant,
            announcement: job.announcement.map(|news| News {
                state: news.state,
                attempts: news.attempts,
                due_at: date(news.due_at),
            }),
            image: Image {
                file_name: image.file_name,
                original: image.original,
                created_at: date(image.created_at),
            },
            mirror: None,
            adopted: false,
            lent_until: None,
        }
    }
}

impl News {
    fn read(&self) -> Result<Announcement, StoreError> {
        Ok(Announcement { state: self.state, attempts: self.attempts, due_at: time(self.due_at)? })
    }
}

/// The job as the original's `status` and `compressedUrl` leave it. They say nothing of a job that ended here. A result
/// whose address is not known yet leaves it as it is: the original's worker writes `status`, its API the address.
pub(super) fn ended_elsewhere(job: Job, status: &str, compressed_url: Option<&str>) -> Job {
    if job.state.is_terminal() {
        return job;
    }
    match (status, compressed_url) {
        (FAILED, _) => Job {
            state: JobState::Failed,
            lease: None,
            failure: Some(Failure {
                code: "original_service_failed".into(),
                detail: "the original service's worker could not compress this image and gave no reason; upload it \
                         again to have it compressed here"
                    .into(),
            }),
            ..job
        },
        (COMPLETED | COMPLETED_WITH_ERRORS, Some(url)) => Job {
            state: JobState::Succeeded,
            lease: None,
            failure: None,
            external_variant: Some(url.into()),
            // What `completed_with_errors` means of a result: somebody was not told.
            announcement: (status == COMPLETED_WITH_ERRORS).then_some(Announcement {
                state: AnnouncementState::GivenUp,
                attempts: 0,
                due_at: job.updated_at,
            }),
            ..job
        },
        _ => job,
    }
}

/// The original's word for where a job stands.
pub(super) fn status(job: &Job) -> &'static str {
    match job.state {
        JobState::Queued | JobState::Running | JobState::Retrying => PENDING,
        JobState::Succeeded
            if job.announcement.is_some_and(|news| news.state == AnnouncementState::GivenUp) =>
        {
            COMPLETED_WITH_ERRORS
        }
        JobState::Succeeded => job.variant.as_ref().map_or(COMPLETED, completed),
        JobState::Failed | JobState::Cancelled => FAILED,
    }
}

/// The word for a result. The one place where a store looks into a report: the shared field must say what our API says.
pub(super) fn completed(variant: &Variant) -> &'static str {
    let warnings = variant.report.0.get("warnings").and_then(|warnings| warnings.as_array());
    if warnings.is_some_and(|warnings| !warnings.is_empty()) { COMPLETED_WITH_ERRORS } else { COMPLETED }
}

/// The variant with its report as a text.
pub(super) fn packed(mut variant: Variant) -> Variant {
    variant.report = Json(variant.report.0.to_string().into());
    variant
}

fn unpacked(mut variant: Variant) -> Result<Variant, StoreError> {
    let text = variant.report.0.as_str().ok_or_else(|| unreadable("report"))?;
    variant.report = Json(parsed(text, "report")?);
    Ok(variant)
}

fn parsed(text: &str, field: &str) -> Result<serde_json::Value, StoreError> {
    serde_json::from_str(text).map_err(|error| unreadable(field).because(error))
}

/// An id of the domain as MongoDB has it: both have 24 hex digits.
pub(super) fn object_id(id: impl Display) -> Result<ObjectId, StoreError> {
    let text = id.to_string();
    ObjectId::parse_str(&text)
        .map_err(|error| StoreError::new(ErrorKind::Internal, BACKEND, text).because(error))
}

/// An image's id, whichever way its writer wrote it.
pub(super) fn read_object_id(id: &Bson) -> Result<ObjectId, StoreError> {
    match id {
        Bson::ObjectId(id) => Ok(*id),
        Bson::String(text) => ObjectId::parse_str(text).map_err(|error| unreadable("imageId").because(error)),
        _ => Err(unreadable("imageId")),
    }
}

pub(super) fn domain_id<T>(id: ObjectId) -> Result<T, StoreError>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    id.to_hex().parse().map_err(|error: T::Err| unreadable("_id").because(error))
}

pub(super) fn date(at: Timestamp) -> DateTime {
    DateTime::from_millis(at.as_millisecond())
}

pub(super) fn time(date: DateTime) -> Result<Timestamp, StoreError> {
    Timestamp::from_millisecond(date.timestamp_millis()).map_err(|error| unreadable("date").because(error))
}
