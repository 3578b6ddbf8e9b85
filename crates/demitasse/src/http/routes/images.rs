//! Images of the native API.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use demitasse_core::OwnerId;

use super::create_query::CreateQuery;
use super::original::UploadForm;
use super::page::PageQuery;
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
    let asked = PageQuery::read(query)?;
    let found = http.backends.images.images_before(OwnerId::DEFAULT, asked.before, asked.limit + 1).await?;
    let page = asked.page(found);
    let data = page.rows.iter().map(|upload| Image::new(upload, &base)).collect();
    let link = page.link("/v1/images", &base);
    Ok((link, Json(ImagePage { data, next_cursor: page.next_cursor })).into_response())
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
