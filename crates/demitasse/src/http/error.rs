//! One table of what can go wrong at the HTTP edge, and the two shapes it is told in.
//!
//! A handler returns [`ApiError`] and does not know which shape its route speaks: the error travels in the response's
//! extensions, and the router's layer writes the body, `{"error": ..}` on the original's routes ([`tell_original`]) and
//! RFC 9457 on the others ([`tell_problem`]).

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use demitasse_core::{ErrorKind, StoreError};
use serde::Serialize;
use utoipa::ToSchema;

use super::request_id::request_id;

/// The cause, for programs. Stable: a code never changes its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    InvalidRequest,
    NoFile,
    UnexpectedFile,
    EmptyFile,
    Interrupted,
    Malformed,
    Unauthorized,
    NotFound,
    MethodNotAllowed,
    TaskEnded,
    TooSlow,
    LimitExceeded,
    Unsupported,
    Internal,
    Unavailable,
    StorageFull,
    TooManySubscriptions,
    PushFailed,
}

impl Code {
    /// Every code, in the order of the documentation.
    pub(crate) const ALL: [Self; 18] = [
        Self::InvalidRequest,
        Self::NoFile,
        Self::UnexpectedFile,
        Self::EmptyFile,
        Self::Interrupted,
        Self::Malformed,
        Self::Unauthorized,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::TaskEnded,
        Self::TooSlow,
        Self::LimitExceeded,
        Self::Unsupported,
        Self::Internal,
        Self::Unavailable,
        Self::StorageFull,
        Self::TooManySubscriptions,
        Self::PushFailed,
    ];

    /// code, status, title, what to do
    fn row(self) -> (&'static str, StatusCode, &'static str, &'static str) {
        use StatusCode as S;
        match self {
            Self::InvalidRequest => (
                "invalid_request",
                S::BAD_REQUEST,
                "The request is not valid",
                "Correct the value that the detail names.",
            ),
            Self::NoFile => (
                "no_file",
                S::BAD_REQUEST,
                "No image file was sent",
                "Send multipart/form-data with the file in the field `image`.",
            ),
            Self::UnexpectedFile => (
                "unexpected_file",
                S::BAD_REQUEST,
                "A file came in an unexpected field",
                "Send one file, in the field `image`.",
            ),
            Self::EmptyFile => ("empty_file", S::BAD_REQUEST, "The file is empty", "Send the image's bytes."),
            Self::Interrupted => (
                "interrupted",
                S::BAD_REQUEST,
                "The upload ended before it was complete",
                "Send it again; nothing was kept.",
            ),
            Self::Malformed => {
                ("malformed", S::BAD_REQUEST, "The image is damaged", "Export or copy the image again.")
            }
            Self::Unauthorized => (
                "unauthorized",
                S::UNAUTHORIZED,
                "A valid API key is needed",
                "Send the header `Authorization: Bearer KEY`.",
            ),
            Self::NotFound => {
                ("not_found", S::NOT_FOUND, "There is no such thing", "Check the address and the id.")
            }
            Self::MethodNotAllowed => (
                "method_not_allowed",
                S::METHOD_NOT_ALLOWED,
                "This method does not work here",
                "See /openapi.json for the methods of each route.",
            ),
            Self::TaskEnded => (
                "task_ended",
                S::CONFLICT,
                "The task has ended already",
                "Read the task to see how it ended.",
            ),
            Self::TooSlow => (
                "too_slow",
                S::REQUEST_TIMEOUT,
                "The upload stood still for too long",
                "Send it again; nothing was kept.",
            ),
            Self::LimitExceeded => (
                "limit_exceeded",
                S::PAYLOAD_TOO_LARGE,
                "The image is over a limit of this server",
                "Send a smaller image, or ask the operator to raise --max-bytes or --max-pixels.",
            ),
            Self::Unsupported => (
                "unsupported",
                S::UNSUPPORTED_MEDIA_TYPE,
                "This is not an image that can be compressed",
                "Send JPEG, PNG, WebP, GIF, BMP or TIFF.",
            ),
            Self::Internal => (
                "internal",
                S::INTERNAL_SERVER_ERROR,
                "The server failed",
                "Try again; if it stays, the operator finds the cause in the log under the request's id.",
            ),
            Self::Unavailable => (
                "unavailable",
                S::SERVICE_UNAVAILABLE,
                "The server cannot do this now",
                "Try again in a few seconds.",
            ),
            Self::StorageFull => (
                "storage_full",
                S::INSUFFICIENT_STORAGE,
                "The server has no room for the image",
                "The operator has to free disk space; nothing was kept.",
            ),
            Self::TooManySubscriptions => (
                "too_many_subscriptions",
                S::CONFLICT,
                "No more browsers can be subscribed",
                "Switch notifications off in a browser that does not need them.",
            ),
            Self::PushFailed => (
                "push_failed",
                S::BAD_GATEWAY,
                "The browser's push service did not take a message",
                "Try again; if it stays, subscribe anew in the browser.",
            ),
        }
    }

    /// The stable word.
    pub(crate) fn name(self) -> &'static str {
        self.row().0
    }

    fn status(self) -> StatusCode {
        self.row().1
    }

    fn title(self) -> &'static str {
        self.row().2
    }
}

/// An error on its way to the client.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    code: Code,
    detail: String,
    /// The words that the original service uses here.
    original: Option<&'static str>,
}

impl ApiError {
    /// An error that says `detail` to people.
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), original: None }
    }

    /// Nothing of that name.
    pub(crate) fn not_found(detail: &'static str) -> Self {
        Self::new(Code::NotFound, detail)
    }

    /// Our own fault: the cause goes to the log, once, and not to the client.
    pub(crate) fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "a request failed");
        Self::new(Code::Internal, "The cause is in the server's log.")
    }

    /// Says it in the original's words where the original's shape is spoken and the fault is ours.
    #[must_use]
    pub(crate) fn in_original_words(mut self, words: &'static str) -> Self {
        if self.code == Code::Internal {
            self.original = Some(words);
        }
        self
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let source = error.source.as_ref().map(ToString::to_string);
        match error.kind {
            ErrorKind::Full => {
                tracing::error!(%error, source, "no room");
                Self::new(Code::StorageFull, "There is no room left on the server; nothing was kept.")
            }
            kind if kind.is_retryable() => {
                tracing::error!(%error, source, "a backend is not available");
                Self::new(
                    Code::Unavailable,
                    "A store that the server needs does not answer; nothing was kept.",
                )
            }
            _ => Self::internal(&format!("{error}: {}", source.unwrap_or_default())),
        }
    }
}

impl From<demitasse_engine::Error> for ApiError {
    fn from(error: demitasse_engine::Error) -> Self {
        use demitasse_engine::Error as E;
        let code = match &error {
            E::Malformed { .. } => Code::Malformed,
            E::Unsupported(_) => Code::Unsupported,
            E::LimitExceeded { .. } => Code::LimitExceeded,
            E::InvalidRequest(_) => Code::InvalidRequest,
            E::Codec { .. } | E::DeadlineExceeded | E::Cancelled => return Self::internal(&error),
        };
        Self::new(code, sentence(&error.to_string()))
    }
}

/// Error texts are written without capital and stop; people get a sentence.
pub(crate) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let Some(first) = letters.next() else { return String::new() };
    format!("{}{}.", first.to_uppercase(), letters.as_str().trim_end_matches('.'))
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        if self.code == Code::Unauthorized {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if matches!(self.code, Code::Unavailable) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// RFC 9457.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// Where the code is explained, relative to this server.
    #[serde(rename = "type")]
    #[schema(example = "/docs/errors.md#not_found")]
    kind: String,
    /// What went wrong, in general.
    #[schema(example = "There is no such thing")]
    title: String,
    /// The HTTP status.
    #[schema(example = 404)]
    status: u16,
    /// What went wrong this time.
    #[schema(example = "There is no image with this id.")]
    detail: String,
    /// Names this occurrence; the log has it as the request's id.
    #[schema(example = "urn:request:5f1d7e84da0b44c8")]
    instance: String,
    /// A stable word for programs.
    #[schema(example = "not_found")]
    code: String,
}

/// Writes errors as problem documents.
pub(crate) async fn tell_problem(request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    let mut response = next.run(request).await;
    let Some(error) = response.extensions_mut().remove::<ApiError>() else { return response };
    let problem = Problem {
        kind: format!("/docs/errors.md#{}", error.code.name()),
        title: error.code.title().into(),
        status: error.code.status().as_u16(),
        detail: error.detail,
        instance: format!("urn:request:{id}"),
        code: error.code.name().into(),
    };
    fill(response, "application/problem+json", &problem)
}

/// Writes errors as the original service does.
pub(crate) async fn tell_original(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let Some(error) = response.extensions_mut().remove::<ApiError>() else { return response };
    let words = error.original.map_or(error.detail, Into::into);
    fill(response, "application/json; charset=utf-8", &serde_json::json!({ "error": words }))
}

fn fill(mut response: Response, media_type: &'static str, body: &impl Serialize) -> Response {
    *response.body_mut() = Body::from(serde_json::to_vec(body).unwrap_or_default());
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// The page that [`Problem::kind`] points to.
pub(crate) fn documentation() -> String {
    let mut page = String::from(
        "# Errors\n\nErrors on `/v1` are `application/problem+json` (RFC 9457) with these codes; the routes of the original \
         service say `{\"error\": \"...\"}` with the same statuses. This page is generated.\n",
    );
    for (name, status, title, advice) in Code::ALL.map(Code::row) {
        page.push_str(&format!("\n## {name}\n{} {title}. {advice}\n", status.as_u16()));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_own_name() {
        let mut names = Code::ALL.map(Code::name);
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn an_error_text_becomes_a_sentence() {
        assert_eq!(sentence("the file is empty"), "The file is empty.");
        assert_eq!(sentence(""), "");
    }
}
