//! Who may come in.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::error::{ApiError, Code};
use super::state::HttpState;
use crate::config::Secret;

/// Lets a request pass if no key is set, or if it shows the key as a bearer token (RFC 6750).
///
/// A preflight never carries credentials, so it passes.
pub(crate) async fn require_key(State(http): State<HttpState>, request: Request, next: Next) -> Response {
    match &http.config.api_key {
        Some(key) if request.method() != Method::OPTIONS && !shows(request.headers(), key) => ApiError::new(
            Code::Unauthorized,
            "Send the header `Authorization: Bearer KEY` with this server's key.",
        )
        .into_response(),
        _ => next.run(request).await,
    }
}

fn shows(headers: &HeaderMap, key: &Secret) -> bool {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return false };
    let Some((scheme, token)) = value.as_bytes().split_at_checked(b"Bearer ".len()) else { return false };
    scheme.eq_ignore_ascii_case(b"Bearer ") && key.matches(token.trim_ascii())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_the_whole_key_as_a_bearer_token_passes() {
        let key: Secret = "correct horse".parse().unwrap();
        let shown = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, HeaderValue::from_static(value));
            shows(&headers, &key)
        };
        assert!(shown("Bearer correct horse"));
        assert!(shown("bearer correct horse"));
        for wrong in ["Bearer correct hors", "Bearer ", "Bearer", "Basic correct horse", "correct horse", ""]
        {
            assert!(!shown(wrong), "{wrong}");
        }
        assert!(!shows(&HeaderMap::new(), &key));
    }
}
