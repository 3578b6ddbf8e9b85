//! The bytes, by content address: immutable, in parts if asked, and never run by a browser.

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use demitasse_core::{BlobKey, ByteRange, Delivery};
use demitasse_engine::{Sniffed, sniff};
use futures_util::TryStreamExt;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use crate::http::error::{ApiError, Problem};
use crate::http::range::{Requested, requested_range};
use crate::http::state::{Http, HttpState};

/// What a browser may do with an image that is opened by itself: show it. A drawing has styles and pictures of its own, in the file; it runs
/// nothing and fetches nothing, whatever is in it: an original is served as it was sent.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; sandbox";

/// How many bytes tell the format.
const SIGNATURE: u64 = 512;

/// Names a path to nginx, which sends what is there instead of this answer's body.
const ACCEL_REDIRECT: &str = "x-accel-redirect";

/// How the browser should treat the bytes.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ShowQuery {
    /// 1: offer to save the file instead of showing it.
    download: Option<String>,
}

/// The bytes of an original or a variant. The hash is hard to guess and names exactly these bytes; needs no key.
#[utoipa::path(get, path = "/i/{sha256}/{kind}/{file_name}", tag = "native", operation_id = "getBytes",
    security(()),
    params(
        ("sha256" = String, Path),
        ("kind" = String, Path, description = "original or variant"),
        ("file_name" = String, Path, description = "for people; any"),
        ShowQuery,
    ),
    responses(
        (status = 200, description = "the bytes", content_type = "image/*"),
        (status = 206, description = "a part of the bytes", content_type = "image/*"),
        (status = 307, description = "the store sends them; never cached"),
        (status = 304, description = "the client has them"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 416, description = "the part does not exist"),
    ))]
pub(crate) async fn show(
    State(http): State<HttpState>,
    Path((sha256, kind, file_name)): Path<(String, String, String)>,
    Query(query): Query<ShowQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let unknown = || ApiError::not_found("There are no such bytes.");
    let key = BlobKey {
        kind: kind.parse().map_err(|_| unknown())?,
        sha256: sha256.parse().map_err(|_| unknown())?,
    };
    // The bytes of a deleted image stay for a while.
    if !http.backends.deletions.is_named(key).await? {
        return Err(unknown());
    }
    let length = http.backends.blobs.head(key).await?.ok_or_else(unknown)?.bytes;
    let etag = format!("\"{}\"", key.sha256);
    let disposition = disposition(&file_name, query.download.as_deref() == Some("1"));
    let mut response = if matches_etag(&headers, &etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        deliver(&http, key, length, requested_range(&headers, &etag, length)).await?.ok_or_else(unknown)?
    };
    if response.status().is_redirection() && response.status() != StatusCode::NOT_MODIFIED {
        return Ok(response);
    }
    let answer = response.headers_mut();
    answer.insert(header::ETAG, value(&etag));
    answer.insert(header::CONTENT_DISPOSITION, value(&disposition));
    // nginx says these of what it sends itself: only if it can open the file, and each once.
    if !answer.contains_key(ACCEL_REDIRECT) {
        answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
        answer.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    }
    answer.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    answer.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
    Ok(response)
}

async fn deliver(
    http: &Http,
    key: BlobKey,
    length: u64,
    requested: Requested,
) -> Result<Option<Response>, ApiError> {
    let range = match requested {
        Requested::Unsatisfiable => {
            let range = [(header::CONTENT_RANGE, format!("bytes */{length}"))];
            return Ok(Some((StatusCode::RANGE_NOT_SATISFIABLE, range).into_response()));
        }
        Requested::Part(range) => Some(range),
        Requested::Whole => None,
    };
    let accel = match http.backends.blobs.delivery(key).await? {
        Delivery::Stream => None,
        Delivery::AccelPath(path) => Some(path),
        // The address may be signed for minutes only: what is immutable are the bytes, not the way to them.
        Delivery::Redirect(url) => {
            let headers = [(header::LOCATION, url.as_str()), (header::CACHE_CONTROL, "no-store")];
            return Ok(Some((StatusCode::TEMPORARY_REDIRECT, headers).into_response()));
        }
    };
    let media_type = media_type(http, key, length).await?;
    if let Some(path) = accel {
        let headers = [(ACCEL_REDIRECT, path), (header::CONTENT_TYPE.as_str(), media_type.into())];
        return Ok(Some((headers, ()).into_response()));
    }
    let Some(body) = http.backends.blobs.get(key, range).await? else { return Ok(None) };
    let sent = range.map_or(length, |range| range.end - range.start);
    let body = Body::from_stream(body.inspect_err(|error| tracing::error!(%error, "a blob was cut off")));
    let mut response = ([(header::CONTENT_TYPE, media_type)], body).into_response();
    response.headers_mut().insert(header::CONTENT_LENGTH, sent.into());
    if let Some(ByteRange { start, end }) = range {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        let range = format!("bytes {start}-{}/{length}", end - 1);
        response.headers_mut().insert(header::CONTENT_RANGE, value(&range));
    }
    Ok(Some(response))
}

/// The type as the bytes themselves tell it.
async fn media_type(http: &Http, key: BlobKey, length: u64) -> Result<&'static str, ApiError> {
    let range = ByteRange { start: 0, end: length.min(SIGNATURE) };
    let Some(body) = http.backends.blobs.get(key, Some(range)).await? else {
        return Ok("application/octet-stream");
    };
    let pieces: Vec<_> = body.try_collect().await?;
    Ok(match sniff(&pieces.concat()) {
        Sniffed::Known(format) => format.media_type(),
        _ => "application/octet-stream",
    })
}

/// RFC 9110, 13.1.2: any of the listed tags, compared weakly, or `*`.
fn matches_etag(headers: &HeaderMap, etag: &str) -> bool {
    headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).any(|list| {
        list.split(',').map(str::trim).any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
    })
}

/// RFC 6266 and 8187: a plain name for old clients, the real one in UTF-8.
fn disposition(file_name: &str, download: bool) -> String {
    let kind = if download { "attachment" } else { "inline" };
    let plain: String = file_name
        .chars()
        .map(
            |letter| {
                if letter.is_ascii_graphic() && !matches!(letter, '"' | '\\' | '%') { letter } else { '_' }
            },
        )
        .collect();
    let escaped = utf8_percent_encode(file_name, NON_ALPHANUMERIC);
    format!("{kind}; filename=\"{plain}\"; filename*=UTF-8''{escaped}")
}

/// A header value; ours are ASCII by construction.
fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_any_script_survives_and_cannot_break_out() {
        let inline = disposition("Ü \"x\".jpg", false);
        assert_eq!(inline, "inline; filename=\"___x_.jpg\"; filename*=UTF-8''%C3%9C%20%22x%22%2Ejpg");
        assert!(disposition("a", true).starts_with("attachment; "));
        assert!(!disposition("a\r\nSet-Cookie: b", false).contains('\r'));
    }
}
