//! Tasks of the native API.

use axum::Json;
use axum::extract::{Path, State};
use demitasse_core::{JobState, OwnerId, Transition, Upload};

use crate::accept::publish;
use crate::http::error::{ApiError, Code, Problem};
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

/// Takes a task back that has not ended: no worker begins it, and one that works on it stops soon and keeps nothing.
/// Cancelling again changes nothing.
#[utoipa::path(post, path = "/v1/tasks/{id}/cancel", tag = "native", operation_id = "cancelTask",
    params(("id" = String, Path)),
    responses(
        (status = 200, body = Task),
        (status = 409, body = Problem, content_type = "application/problem+json"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn cancel(
    State(http): State<HttpState>,
    base: BaseUrl,
    Path(id): Path<String>,
) -> Result<Json<Task>, ApiError> {
    let unknown = || ApiError::not_found("There is no task with this id.");
    let id = id.parse().map_err(|_| unknown())?;
    let jobs = &http.backends.jobs;
    let found = jobs.job_of(OwnerId::DEFAULT, id).await?.ok_or_else(unknown)?;
    let upload = match jobs.transition(id, Transition::Cancel, http.intake.clock.now()).await? {
        Some(job) => Upload { job, ..found },
        None => jobs.job_of(OwnerId::DEFAULT, id).await?.ok_or_else(unknown)?,
    };
    if upload.job.state != JobState::Cancelled {
        return Err(ApiError::new(
            Code::TaskEnded,
            "The task has ended already; there is nothing to cancel.",
        ));
    }
    if let Some(bridge) = &http.intake.bridge {
        bridge.withdraw(id).await;
    }
    publish(&http.backends, &upload).await;
    Ok(Json(Task::new(&upload, &base)))
}
