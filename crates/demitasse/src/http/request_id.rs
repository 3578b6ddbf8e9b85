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
        HeaderValue::from_str(&random_id()).ok().map(RequestId::new)
    }
}

/// A new id.
pub(crate) fn random_id() -> String {
    let mut random = [0; 8];
    // All zeros if the system has no random numbers: an id that names nothing is better than no answer.
    getrandom::fill(&mut random).ok();
    hex::encode(random)
}

/// The id of a request that has passed the layer which sets it.
pub(crate) fn request_id(headers: &HeaderMap) -> String {
    headers.get(HEADER).and_then(|id| id.to_str().ok()).unwrap_or_default().into()
}
