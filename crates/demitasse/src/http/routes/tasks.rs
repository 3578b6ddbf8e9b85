//! Tasks of the native API.

use axum::Json;
use axum::extract::{Path, State};
use demitasse_core::OwnerId;

use crate::http::error::{ApiError, Problem};
use crate::http::state::HttpState;
use crate::http::urls::BaseUrl;
use crate::http::view::Task;

/// One task, with its receipt once it is done.
#[utoipa::path(get, path = "/v1/tasks/{id}", tag = "native", operation_id = "getTask",
    params(("id" = String, Path)),
    responses(
        (status = 200, body = Task),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn show(
    State(http): State<HttpState>,
    base: BaseUrl,
    Path(id): Path<String>,
) -> Result<Json<Task>, ApiError> {
    let unknown = || ApiError::not_found("There is no task with this id.");
    let id = id.parse().map_err(|_| unknown())?;
    let found = http.backends.jobs.job_of(OwnerId::DEFAULT, id).await?;
    Ok(Json(Task::new(&found.ok_or_else(unknown)?, &base)))
}
