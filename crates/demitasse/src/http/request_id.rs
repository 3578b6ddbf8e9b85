//! The id under which a request stands in the log and in its answer.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Request};
use tower_http::request_id::{MakeRequestId, RequestId};

/// The header of the id.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Makes ids of 16 hex digits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MakeRandomId;

impl MakeRequestId for MakeRandomId {
    fn make_request_id<B>(&mut self, _request: &Request<B>) -> Option<RequestId> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).ok()?;
        HeaderValue::from_str(&hex::encode(random)).ok().map(RequestId::new)
    }
}

/// The id of a request that has passed the layer which sets it.
pub(crate) fn request_id(headers: &HeaderMap) -> String {
    headers.get(HEADER).and_then(|id| id.to_str().ok()).unwrap_or_default().into()
}
