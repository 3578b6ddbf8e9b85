//! A task: what the original service calls a job.

use demitasse_core::{Event, Failure, JobState, Upload};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Image, Report, time};
use crate::http::urls::BaseUrl;

/// One compression of one image.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Task {
    /// 24 hex digits.
    id: String,
    /// The image that it compresses.
    image_id: String,
    /// Where it stands.
    status: TaskStatus,
    /// Whether it goes before others: high, normal or low.
    #[schema(example = "normal")]
    priority: String,
    /// Attempts begun so far.
    #[schema(example = 1)]
    attempt: u32,
    /// Attempts allowed.
    #[schema(example = 5)]
    max_attempts: u32,
    /// When it was accepted.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it last changed.
    #[schema(format = DateTime)]
    updated_at: String,
    /// When it succeeded, failed or was cancelled.
    #[schema(required, format = DateTime)]
    finished_at: Option<String>,
    /// Why it failed, or why its last attempt did.
    #[schema(required)]
    error: Option<TaskError>,
    /// The image.
    image: Image,
    /// The receipt: exactly what the engine wrote about the bytes of the variant.
    #[schema(required, value_type = Option<Report>)]
    report: Option<serde_json::Value>,
}

/// A page of tasks, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TaskPage {
    /// The tasks.
    pub(crate) data: Vec<Task>,
    /// Ask for the next page with this; null on the last.
    #[schema(required)]
    pub(crate) next_cursor: Option<String>,
}

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TaskStatus {
    /// Accepted, not tried yet.
    Queued,
    /// Being worked on.
    Running,
    /// An attempt failed for a reason that may pass; it waits for the next.
    Retrying,
    /// Done: a variant exists.
    Succeeded,
    /// Given up.
    Failed,
    /// Taken back by its owner.
    Cancelled,
}

/// Why a task, or its last attempt, failed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct TaskError {
    /// A stable word for programs.
    #[schema(example = "malformed")]
    code: String,
    /// What, in short.
    #[schema(example = "The image is damaged")]
    title: String,
    /// What, why and what to do.
    detail: String,
}

/// News of a task.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TaskEvent {
    /// The task.
    task_id: String,
    /// Its image.
    image_id: String,
    /// Where it stands.
    status: TaskStatus,
    /// Attempts begun so far.
    attempt: u32,
    /// The image, complete enough to show without asking again.
    image: Image,
}

/// News of an image that is gone, with its task and its result.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeletedEvent {
    /// The task.
    task_id: String,
    /// Its image.
    image_id: String,
}

impl Task {
    /// What a client that reaches this server under `base` sees of `upload`'s task.
    pub(crate) fn new(upload: &Upload, base: &BaseUrl) -> Self {
        let job = &upload.job;
        Self {
            id: job.id.to_string(),
            image_id: job.image_id.to_string(),
            status: job.state.into(),
            priority: job.priority.as_str().into(),
            attempt: job.attempt,
            max_attempts: job.max_attempts,
            created_at: time(job.created_at),
            updated_at: time(job.updated_at),
            finished_at: job.state.is_terminal().then(|| time(job.updated_at)),
            error: job.failure.as_ref().map(TaskError::new),
            image: Image::new(upload, base),
            report: job.variant.as_ref().map(|variant| variant.report.0.clone()),
        }
    }
}

impl TaskEvent {
    /// The present state of `upload`'s task as news.
    pub(crate) fn new(upload: &Upload, base: &BaseUrl) -> Self {
        Self {
            task_id: upload.job.id.to_string(),
            image_id: upload.image.id.to_string(),
            status: upload.job.state.into(),
            attempt: upload.job.attempt,
            image: Image::new(upload, base),
        }
    }
}

impl DeletedEvent {
    /// That there is no row of `event`'s task.
    pub(crate) fn new(event: &Event) -> Self {
        Self { task_id: event.job_id.to_string(), image_id: event.image_id.to_string() }
    }
}

impl From<JobState> for TaskStatus {
    fn from(state: JobState) -> Self {
        match state {
            JobState::Queued => Self::Queued,
            JobState::Running => Self::Running,
            JobState::Retrying => Self::Retrying,
            JobState::Succeeded => Self::Succeeded,
            JobState::Failed => Self::Failed,
            JobState::Cancelled => Self::Cancelled,
        }
    }
}

impl TaskError {
    pub(crate) fn new(failure: &Failure) -> Self {
        let title = match failure.code.as_str() {
            "malformed" => "The image is damaged",
            "unsupported" => "This kind of image cannot be compressed",
            "limit_exceeded" => "The image is over a limit",
            "invalid_request" => "The request cannot be met",
            "deadline_exceeded" => "Compressing took too long",
            "crashed" => "Compressing crashed",
            "codec_failed" => "A codec failed",
            "fetch_failed" => "The image could not be fetched",
            "original_service_failed" => "The original service failed",
            "storage_full" => "The server has no room",
            _ => "The server failed",
        };
        Self { code: failure.code.clone(), title: title.into(), detail: failure.detail.clone() }
    }
}
