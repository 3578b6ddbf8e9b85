//! What goes wrong at the HTTP edge, and the two shapes it is told in. The table of causes is `code`.
//!
//! A handler returns [`ApiError`] and does not know which shape its route speaks: the error travels in the response's
//! extensions, and the router's layer writes the body, `{"error": ..}` on the original's routes ([`tell_original`]) and
//! RFC 9457 on the others ([`tell_problem`]).

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use demitasse_core::{ErrorKind, StoreError};
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use super::code::Code;
use super::code::Row;
use super::request_id::{random_id, request_id};

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
            E::LimitExceeded { .. } | E::MemoryBudget { .. } => Code::LimitExceeded,
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
        let mut response = self.code.row().status.into_response();
        if self.code == Code::Unauthorized {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.code.retry_after() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(seconds));
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
    fill(response, "application/problem+json", &Problem::new(error, &id))
}

impl Problem {
    fn new(error: ApiError, id: &str) -> Self {
        Self {
            kind: format!("/docs/errors.md#{}", error.code.row().name),
            title: error.code.row().title.into(),
            status: error.code.row().status.as_u16(),
            detail: error.detail,
            instance: format!("urn:request:{id}"),
            code: error.code.row().name.into(),
        }
    }
}

/// The whole answer in HTTP/1.1, for a connection on which no request was read.
pub(crate) fn bare_answer(error: ApiError) -> Vec<u8> {
    let code = error.code;
    let body = serde_json::to_vec(&Problem::new(error, &random_id())).unwrap_or_default();
    let retry = code.retry_after().map(|seconds| format!("retry-after: {seconds}\r\n"));
    let head = format!(
        "HTTP/1.1 {}\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\nconnection: close\r\n{}\r\n",
        code.row().status,
        body.len(),
        retry.unwrap_or_default()
    );
    [head.into_bytes(), body].concat()
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
    for Row { name, status, title, advice, .. } in Code::all().map(Code::row) {
        page.push_str(&format!("\n## {name}\n{} {title}. {advice}\n", status.as_u16()));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_text_becomes_a_sentence() {
        assert_eq!(sentence("the file is empty"), "The file is empty.");
        assert_eq!(sentence(""), "");
    }
}
