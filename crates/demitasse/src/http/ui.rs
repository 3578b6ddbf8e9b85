//! The web UI, embedded; and what is served where nothing else is.

use axum::extract::Request;
use axum::http::{Method, header};
use axum::response::{IntoResponse, Response};

use super::error::{ApiError, Code};

/// Scripts, styles and connections of our own only; images also from memory, for previews.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; \
                      connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What is served before the UI is built, or without the feature `ui`.
const STUB: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Demitasse</title>\
                    <h1>Demitasse</h1><p>The web UI was not built: run <code>make build</code>. \
                    The API works: see <a href=\"/openapi.json\">/openapi.json</a>.</p></html>";

#[cfg(feature = "ui")]
#[derive(rust_embed::RustEmbed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Assets;

struct Asset {
    bytes: std::borrow::Cow<'static, [u8]>,
    etag: String,
}

#[cfg(feature = "ui")]
fn asset(path: &str) -> Option<Asset> {
    let file = Assets::get(path)?;
    Some(Asset { bytes: file.data, etag: format!("\"{}\"", hex::encode(file.metadata.sha256_hash())) })
}

#[cfg(not(feature = "ui"))]
fn asset(_path: &str) -> Option<Asset> {
    None
}

/// Serves a file of the UI, or its page for an address that a browser navigates to.
pub(super) async fn serve(request: Request) -> Response {
    let path = request.uri().path();
    if path.starts_with("/v1/") || !matches!(*request.method(), Method::GET | Method::HEAD) {
        return ApiError::not_found("There is nothing at this address; /openapi.json lists what there is.")
            .into_response();
    }
    let name = path.trim_start_matches('/');
    if let Some(file) = asset(name).filter(|_| name != "index.html") {
        let caching =
            if name.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
        return send(&request, file, mime_guess::from_path(name).first_or_octet_stream().as_ref(), caching);
    }
    let accepts =
        request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if path != "/" && path != "/index.html" && !accepts.contains("text/html") {
        return ApiError::new(Code::NotFound, "There is nothing at this address.").into_response();
    }
    let stub = || Asset { bytes: STUB.as_bytes().into(), etag: "\"stub\"".into() };
    send(&request, asset("index.html").unwrap_or_else(stub), "text/html; charset=utf-8", "no-cache")
}

fn send(request: &Request, file: Asset, media_type: &str, caching: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, media_type.to_owned()),
        (header::CACHE_CONTROL, caching.to_owned()),
        (header::ETAG, file.etag.clone()),
        (header::CONTENT_SECURITY_POLICY, POLICY.to_owned()),
        (header::REFERRER_POLICY, "no-referrer".to_owned()),
    ];
    let known = request.headers().get(header::IF_NONE_MATCH).and_then(|tag| tag.to_str().ok());
    if known.is_some_and(|known| known.trim_start_matches("W/") == file.etag) {
        return (axum::http::StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, file.bytes.into_owned()).into_response()
}
