//! Doors to what of a request is read by code of our own.

use axum::extract::Query;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use demitasse_engine::Request;

use super::range::{Requested, requested_range};
use super::routes::create_query::CreateQuery;

/// What an upload with this query asks for; `None` if it is refused.
pub fn create_query(query: &Uri) -> Option<Request> {
    let Query(query) = Query::<CreateQuery>::try_from_uri(query).ok()?;
    query.priority().ok()?;
    query.request().ok()
}

/// Start and end of the part that a client asks for by `range`; `None` for all or nothing.
pub fn range(range: HeaderValue, length: u64) -> Option<(u64, u64)> {
    let headers = HeaderMap::from_iter([(header::RANGE, range)]);
    match requested_range(&headers, "\"tag\"", length) {
        Requested::Part(part) => Some((part.start, part.end)),
        Requested::Whole | Requested::Unsatisfiable => None,
    }
}
