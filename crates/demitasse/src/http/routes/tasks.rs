//! Tasks of the native API.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use demitasse_core::{JobState, OwnerId, Transition, Upload};

use crate::accept::publish;
use crate::http::error::{ApiError, Code, Problem};
use crate::http::state::HttpState;
use crate::http::urls::BaseUrl;
use crate::http::view::{Task, TaskPage};

use super::page::PageQuery;

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

/// Tries a failed task again, as if it had just been accepted: attempts are counted anew. Its image was kept.
#[utoipa::path(post, path = "/v1/tasks/{id}/retry", tag = "native", operation_id = "retryTask",
    params(("id" = String, Path)),
    responses(
        (status = 200, body = Task),
        (status = 409, body = Problem, content_type = "application/problem+json"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn retry(
    State(http): State<HttpState>,
    base: BaseUrl,
    Path(id): Path<String>,
) -> Result<Json<Task>, ApiError> {
    let unknown = || ApiError::not_found("There is no task with this id.");
    let id = id.parse().map_err(|_| unknown())?;
    let jobs = &http.backends.jobs;
    let found = jobs.job_of(OwnerId::DEFAULT, id).await?.ok_or_else(unknown)?;
    let Some(job) = jobs.transition(id, Transition::Revive, http.intake.clock.now()).await? else {
        return Err(ApiError::new(
            Code::TaskNotFailed,
            "The task has not failed; there is nothing to try again.",
        ));
    };
    let upload = Upload { job, ..found };
    http.intake.hand_on_again(&upload).await;
    tracing::info!(job = %id, "a failed job is tried again");
    Ok(Json(Task::new(&upload, &base)))
}

/// Tasks that failed as often as they were allowed to, newest first: their images crash, or take too long, or met a fault that
/// stayed. Nothing happens to them until somebody retries or deletes them.
#[utoipa::path(get, path = "/v1/dead-letters", tag = "native", operation_id = "listDeadLetters", params(PageQuery),
    responses(
        (status = 200, body = TaskPage, headers(("Link" = String))),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn dead_letters(
    State(http): State<HttpState>,
    base: BaseUrl,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Response, ApiError> {
    let asked = PageQuery::read(query)?;
    let found = http.backends.jobs.dead_letters(asked.before, asked.limit + 1).await?;
    let page = asked.page(found);
    let data = page.rows.iter().map(|upload| Task::new(upload, &base)).collect();
    let link = page.link("/v1/dead-letters", &base);
    Ok((link, Json(TaskPage { data, next_cursor: page.next_cursor })).into_response())
}
