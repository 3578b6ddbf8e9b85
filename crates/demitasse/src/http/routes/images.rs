//! Images of the native API.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use demitasse_core::{OwnerId, ParsePriorityError, Priority, Sequence};
use demitasse_engine::{OutputFormat, Preset, Quality, Request, Score, Target};
use serde::Deserialize;

use super::original::UploadForm;
use crate::http::error::{ApiError, Code, Problem};
use crate::http::metered::Form;
use crate::http::state::HttpState;
use crate::http::upload::receive;
use crate::http::urls::BaseUrl;
use crate::http::view::{Image, ImagePage, Task};
use crate::telemetry::trace_of_request;

/// Images on a page, unless the client says otherwise, and at most.
const LIMIT: (usize, usize) = (50, 200);

/// What to do with an upload: at most one of preset, target, quality and lossless.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CreateQuery {
    /// A target with a name: small, balanced, high, visually-lossless, lossless.
    preset: Option<String>,
    /// Lowest score (SSIMULACRA2, 1 to 100) that the smaller file may have.
    target: Option<f64>,
    /// The encoder's own setting, 1 to 100.
    quality: Option<f32>,
    /// Every pixel as it was.
    lossless: Option<bool>,
    /// keep, jpeg, png, webp.
    format: Option<String>,
    /// high, normal (unless said otherwise) or low: which of the waiting images goes first.
    priority: Option<String>,
}

impl CreateQuery {
    fn priority(&self) -> Result<Priority, ApiError> {
        let parsed = self.priority.as_deref().map_or(Ok(Priority::default()), str::parse);
        parsed.map_err(|error: ParsePriorityError| {
            ApiError::new(Code::InvalidRequest, format!("{error}; leave it out for normal."))
        })
    }

    fn request(&self) -> Result<Request, ApiError> {
        let lossless = self.lossless == Some(true);
        let asked = [self.preset.is_some(), self.target.is_some(), self.quality.is_some(), lossless];
        if asked.into_iter().filter(|asked| *asked).count() > 1 {
            let detail = "Give only one of preset, target, quality and lossless.";
            return Err(ApiError::new(Code::InvalidRequest, detail));
        }
        let target = match (&self.preset, self.target, self.quality) {
            (Some(name), _, _) => name.parse::<Preset>()?.target(),
            (_, Some(score), _) => Target::Score { score: Score(score) },
            (_, _, Some(quality)) => Target::Quality { quality: Quality(quality) },
            _ if lossless => Target::Lossless,
            _ => Preset::default().target(),
        };
        let format = self.format.as_deref().map_or(Ok(OutputFormat::default()), str::parse)?;
        let request = Request::new(target).with_format(format);
        request.validate()?;
        Ok(request)
    }
}

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
    let received = receive(&http, &http.intake.spool, form).await?;
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

    #[test]
    fn only_one_target_can_be_asked_for() {
        let nothing = CreateQuery {
            preset: None,
            target: None,
            quality: None,
            lossless: None,
            format: None,
            priority: None,
        };
        assert_eq!(nothing.request().unwrap(), Request::default());
        let two = CreateQuery { target: Some(70.0), lossless: Some(true), ..nothing };
        assert!(two.request().is_err());
        let unasked = CreateQuery { target: Some(70.0), lossless: Some(false), ..two };
        assert_eq!(unasked.request().unwrap().target, Target::Score { score: Score(70.0) });
    }
}
