//! Images of the native API.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use demitasse_core::{OwnerId, Sequence};
use serde::Deserialize;

use super::create_query::CreateQuery;
use super::original::UploadForm;
use crate::accept::Intake;
use crate::delete::Deletion;
use crate::http::error::{ApiError, Code, Problem};
use crate::http::metered::Form;
use crate::http::state::HttpState;
use crate::http::upload::receive;
use crate::http::urls::BaseUrl;
use crate::http::view::{Image, ImagePage, Task};
use crate::metrics::Deleted;
use crate::telemetry::trace_of_request;

/// Images on a page, unless the client says otherwise, and at most.
const LIMIT: (usize, usize) = (50, 200);

/// Accepts an image and answers with its task; the work is done later.
#[utoipa::path(post, path = "/v1/images", tag = "native", operation_id = "createImage", params(CreateQuery),
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses(
        (status = 202, body = Task, headers(("Location" = String))),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn create(
    State(http): State<HttpState>,
    base: BaseUrl,
    query: Result<Query<CreateQuery>, QueryRejection>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, ApiError> {
    let Query(query) = query.map_err(|error| ApiError::new(Code::InvalidRequest, error.body_text()))?;
    let (request, priority) = (query.request()?, query.priority()?);
    let received = receive(&http, &http.intake.spool, &request, form).await?;
    let upload = http.intake.accept(received, &request, trace_of_request(&headers), priority).await?;
    let location = base.join(&format!("/v1/tasks/{}", upload.job.id));
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(Task::new(&upload, &base)))
        .into_response())
}

/// Which page.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// Images on the page, 1 to 200; 50 if not given.
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Images, newest first.
#[utoipa::path(get, path = "/v1/images", tag = "native", operation_id = "listImages", params(PageQuery),
    responses(
        (status = 200, body = ImagePage, headers(("Link" = String))),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn list(
    State(http): State<HttpState>,
    base: BaseUrl,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(query) = query.map_err(|error| ApiError::new(Code::InvalidRequest, error.body_text()))?;
    let limit = query.limit.unwrap_or(LIMIT.0);
    if limit == 0 || limit > LIMIT.1 {
        return Err(ApiError::new(
            Code::InvalidRequest,
            format!("limit is {limit}; it goes from 1 to {}.", LIMIT.1),
        ));
    }
    let before = query.cursor.as_deref().map(read_cursor).transpose()?;
    let mut uploads = http.backends.images.images_before(OwnerId::DEFAULT, before, limit + 1).await?;
    let has_more = uploads.len() > limit;
    uploads.truncate(limit);
    let next_cursor = uploads.last().filter(|_| has_more).map(|last| cursor(last.image.sequence));
    let data = uploads.iter().map(|upload| Image::new(upload, &base)).collect();
    let link = next_cursor.as_ref().map(|cursor| {
        let next = base.join(&format!("/v1/images?limit={limit}&cursor={cursor}"));
        [(header::LINK, format!("<{next}>; rel=\"next\""))]
    });
    Ok((link, Json(ImagePage { data, next_cursor })).into_response())
}

/// One image.
#[utoipa::path(get, path = "/v1/images/{id}", tag = "native", operation_id = "getImage",
    params(("id" = String, Path)),
    responses(
        (status = 200, body = Image),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn show(
    State(http): State<HttpState>,
    base: BaseUrl,
    Path(id): Path<String>,
) -> Result<Json<Image>, ApiError> {
    let unknown = || ApiError::not_found("There is no image with this id.");
    let id = id.parse().map_err(|_| unknown())?;
    let found = http.backends.images.image(OwnerId::DEFAULT, id).await?;
    Ok(Json(Image::new(&found.ok_or_else(unknown)?, &base)))
}

/// Deletes an image with its task and its result. There need not be one: deleting again changes nothing, and is answered
/// in the same way. A task that has not ended is cancelled. The bytes go later, unless another image has the same.
#[utoipa::path(delete, path = "/v1/images/{id}", tag = "native", operation_id = "deleteImage",
    params(("id" = String, Path)),
    responses(
        (status = 204, description = "There is no such image any more"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn delete(
    State(http): State<HttpState>,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let id = id.parse().map_err(|_| ApiError::not_found("There is no image with this id."))?;
    let Intake { backends, metrics, bridge, .. } = &http.intake;
    let deletion = Deletion { backends, metrics, bridge: bridge.as_deref() };
    if deletion.delete(OwnerId::DEFAULT, id, Deleted::Request).await? {
        tracing::info!(image = %id, "deleted");
    }
    Ok(StatusCode::NO_CONTENT)
}

/// A cursor is opaque to clients: the place of the last image seen, in hexadecimal.
fn cursor(sequence: Sequence) -> String {
    format!("{:016x}", sequence.0)
}

fn read_cursor(text: &str) -> Result<Sequence, ApiError> {
    let place = i64::from_str_radix(text, 16).ok().filter(|place| *place >= 0);
    place.map(Sequence).ok_or_else(|| {
        ApiError::new(
            Code::InvalidRequest,
            "cursor is not one that this server gave; leave it out to begin anew.",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_anything_else_is_refused() {
        assert_eq!(read_cursor(&cursor(Sequence(4711))).unwrap(), Sequence(4711));
        for wrong in ["", "-1", "x", "ffffffffffffffffff"] {
            assert!(read_cursor(wrong).is_err(), "{wrong}");
        }
    }
}
