//! The contract of the original service: its paths, shapes, words and dates.

use std::str::FromStr;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use demitasse_core::{AnnouncementState, JobState, OwnerId, Priority, Sequence, StoreError, Upload};
use demitasse_engine::{Preset, Request};
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::error::ApiError;
use crate::http::metered::Form;
use crate::http::state::HttpState;
use crate::http::upload::receive;
use crate::http::urls::BaseUrl;
use crate::http::view;
use crate::telemetry::trace_of_request;

/// Rows read from the store at a time while `/images` is streamed.
const PAGE: usize = 200;

/// The form of an upload.
#[derive(ToSchema)]
#[schema(as = UploadForm)]
#[expect(dead_code, reason = "describes the multipart body, which is streamed and never this struct")]
pub(super) struct UploadForm {
    /// The image.
    #[schema(format = Binary, content_media_type = "application/octet-stream")]
    image: String,
}

/// The one addition to the original's upload.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct UploadQuery {
    /// Name of a target; anything else in the query is ignored, as the original does.
    preset: Option<String>,
}

/// The original's answer to an upload.
#[derive(Serialize, ToSchema)]
pub(crate) struct OriginalAccepted {
    #[serde(rename = "taskId")]
    task_id: String,
}

/// The original's image.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OriginalImage {
    id: String,
    image_url: String,
    #[schema(required)]
    compressed_url: Option<String>,
    /// JavaScript's `Date.toString()`.
    #[schema(example = "Thu Jan 01 1970 00:00:00 GMT+0000 (Coordinated Universal Time)")]
    created_at: String,
}

/// The original's task.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OriginalTask {
    id: String,
    image_id: String,
    status: OriginalStatus,
}

/// The original's status of a task.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OriginalTaskStatus {
    task_id: String,
    status: OriginalStatus,
}

/// The original's four states.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OriginalStatus {
    Pending,
    Completed,
    CompletedWithErrors,
    Failed,
}

/// Accepts an image and answers with its task; the work is done later.
#[utoipa::path(post, path = "/images/upload", tag = "original", params(UploadQuery),
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses((status = 200, body = OriginalAccepted, headers(("Location" = String)))))]
pub(crate) async fn upload(
    State(http): State<HttpState>,
    base: BaseUrl,
    Query(query): Query<UploadQuery>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, ApiError> {
    let preset = query.preset.as_deref().map_or(Ok(Preset::default()), Preset::from_str)?;
    let request = Request::new(preset.target());
    let received = receive(&http, &http.intake.spool, &request, form).await?;
    let accepted = http.intake.accept(received, &request, trace_of_request(&headers), Priority::Normal).await;
    let upload =
        accepted.map_err(|error| ApiError::from(error).in_original_words("Image compression failed."))?;
    let task_id = upload.job.id.to_string();
    let location = base.join(&format!("/v1/tasks/{task_id}"));
    Ok(([(header::LOCATION, location)], Json(OriginalAccepted { task_id })).into_response())
}

/// Every image, in the order of acceptance, however many there are.
#[utoipa::path(get, path = "/images", tag = "original", responses((status = 200, body = [OriginalImage])))]
pub(crate) async fn list(State(http): State<HttpState>, base: BaseUrl) -> Result<Response, ApiError> {
    // The first page decides between an answer and an error; after it, an error can only cut the answer off.
    let first = page(&http, None)
        .await
        .map_err(|error| ApiError::from(error).in_original_words("Failed to get images."))?;
    let pages = stream::try_unfold(Some(first), move |rows| {
        let http = http.clone();
        async move {
            let Some(rows) = rows else { return Ok::<_, StoreError>(None) };
            let next = match rows.last().filter(|_| rows.len() == PAGE) {
                Some(last) => Some(page(&http, Some(last.image.sequence)).await?),
                None => None,
            };
            Ok(Some((rows, next)))
        }
    });
    let mut separator = "[";
    let rows = pages.map_ok(move |rows| {
        let mut text = Vec::new();
        for upload in &rows {
            text.extend_from_slice(std::mem::replace(&mut separator, ",").as_bytes());
            text.extend(serde_json::to_vec(&OriginalImage::new(upload, &base)).unwrap_or_default());
        }
        if rows.len() < PAGE {
            text.extend_from_slice(if separator == "[" { b"[]" } else { b"]" });
        }
        Bytes::from(text)
    });
    let body = Body::from_stream(rows.boxed());
    Ok(([(header::CONTENT_TYPE, "application/json; charset=utf-8")], body).into_response())
}

async fn page(http: &HttpState, after: Option<Sequence>) -> Result<Vec<Upload>, StoreError> {
    http.backends.images.images_after(OwnerId::DEFAULT, after, PAGE).await
}

/// One image.
#[utoipa::path(get, path = "/images/{id}", tag = "original", params(("id" = String, Path)),
    responses((status = 200, body = OriginalImage)))]
pub(crate) async fn image(
    State(http): State<HttpState>,
    base: BaseUrl,
    Path(id): Path<String>,
) -> Result<Json<OriginalImage>, ApiError> {
    let unknown = || ApiError::not_found("Image not found.");
    let id = id.parse().map_err(|_| unknown())?;
    let found = http.backends.images.image(OwnerId::DEFAULT, id).await;
    let found =
        found.map_err(|error| ApiError::from(error).in_original_words("Failed to get image metadata."))?;
    Ok(Json(OriginalImage::new(&found.ok_or_else(unknown)?, &base)))
}

/// One task.
#[utoipa::path(get, path = "/tasks/{id}", tag = "original", params(("id" = String, Path)),
    responses((status = 200, body = OriginalTask)))]
pub(crate) async fn task(
    State(http): State<HttpState>,
    Path(id): Path<String>,
) -> Result<Json<OriginalTask>, ApiError> {
    let upload = find_task(&http, &id).await?;
    Ok(Json(OriginalTask {
        id: upload.job.id.to_string(),
        image_id: upload.image.id.to_string(),
        status: OriginalStatus::of(&upload),
    }))
}

/// The status of one task.
#[utoipa::path(get, path = "/tasks/{id}/status", tag = "original", params(("id" = String, Path)),
    responses((status = 200, body = OriginalTaskStatus)))]
pub(crate) async fn task_status(
    State(http): State<HttpState>,
    Path(id): Path<String>,
) -> Result<Json<OriginalTaskStatus>, ApiError> {
    let upload = find_task(&http, &id).await?;
    Ok(Json(OriginalTaskStatus { task_id: upload.job.id.to_string(), status: OriginalStatus::of(&upload) }))
}

async fn find_task(http: &HttpState, id: &str) -> Result<Upload, ApiError> {
    let unknown = || ApiError::not_found("Task not found.");
    let id = id.parse().map_err(|_| unknown())?;
    let found = http.backends.jobs.job_of(OwnerId::DEFAULT, id).await;
    found.map_err(|error| ApiError::from(error).in_original_words("Failed to get task."))?.ok_or_else(unknown)
}

impl OriginalImage {
    fn new(upload: &Upload, base: &BaseUrl) -> Self {
        let Upload { image, job } = upload;
        let name = image.file_name.as_deref();
        Self {
            id: image.id.to_string(),
            image_url: view::original_url(&image.original, name, base),
            compressed_url: job
                .variant
                .as_ref()
                .map(|variant| view::variant_url(variant, name, base))
                .or_else(|| job.external_variant.clone()),
            created_at: javascript_date(image.created_at),
        }
    }
}

impl OriginalStatus {
    fn of(upload: &Upload) -> Self {
        let variant = upload.job.variant.as_ref();
        // The result is there, and somebody who asked to be told of it was not.
        let unannounced =
            upload.job.announcement.is_some_and(|news| news.state == AnnouncementState::GivenUp);
        match upload.job.state {
            JobState::Queued | JobState::Running | JobState::Retrying => Self::Pending,
            JobState::Succeeded if variant.is_some_and(has_warnings) || unannounced => {
                Self::CompletedWithErrors
            }
            JobState::Succeeded => Self::Completed,
            JobState::Failed | JobState::Cancelled => Self::Failed,
        }
    }
}

fn has_warnings(variant: &demitasse_core::Variant) -> bool {
    let warnings = variant.report.0.get("warnings").and_then(|warnings| warnings.as_array());
    warnings.is_some_and(|warnings| !warnings.is_empty())
}

/// What JavaScript's `Date.prototype.toString` gives in UTC (ECMA-262, 21.4.4.41).
fn javascript_date(at: Timestamp) -> String {
    at.strftime("%a %b %d %Y %H:%M:%S GMT+0000 (Coordinated Universal Time)").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_looks_as_javascript_writes_it() {
        let expected = "Thu Jan 01 1970 00:00:00 GMT+0000 (Coordinated Universal Time)";
        assert_eq!(javascript_date(Timestamp::UNIX_EPOCH), expected);
    }
}
