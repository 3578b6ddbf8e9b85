//! The server; the integration tests start it in their own process.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Multipart, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use sha1::Digest;
use tokio::sync::Mutex;

/// Seconds for which a signature is good.
const SIGNATURE_LIFE: i64 = 3600;

/// An account, and how the server behaves.
pub(crate) struct StandIn {
    pub(crate) dir: PathBuf,
    pub(crate) cloud: String,
    pub(crate) key: String,
    pub(crate) secret: String,
    /// Whether answers are signed with SHA-256 instead of SHA-1. Calls may be signed with either.
    pub(crate) sha256: bool,
    /// How many calls are still answered with 420.
    refusals: AtomicU32,
    /// Held while files change: a call sees all of another or nothing.
    turn: Mutex<()>,
}

impl Default for StandIn {
    fn default() -> Self {
        Self {
            dir: PathBuf::new(),
            cloud: "demo".into(),
            key: "key".into(),
            secret: "secret".into(),
            sha256: false,
            refusals: AtomicU32::new(0),
            turn: Mutex::default(),
        }
    }
}

/// A status and a sentence.
type Refusal = (StatusCode, String);

impl StandIn {
    /// Answers the next `calls` calls with 420.
    pub(crate) fn refuse_first(&self, calls: u32) {
        self.refusals.store(calls, Ordering::SeqCst);
    }

    pub(crate) fn storage_url(&self, address: SocketAddr) -> String {
        let hash = if self.sha256 { "&signature=sha256" } else { "" };
        format!(
            "cloudinary://{}:{}@{}?upload_prefix=http://{address}{hash}",
            self.key, self.secret, self.cloud
        )
    }

    /// The routes, and the account behind them for a test to turn its knobs.
    pub(crate) async fn router(self) -> io::Result<(Arc<Self>, Router)> {
        for name in ["image", "raw", "chunks"] {
            tokio::fs::create_dir_all(self.dir.join(name)).await?;
        }
        let state = Arc::new(self);
        let router = Router::new()
            .route("/v1_1/{cloud}/ping", get(ping))
            .route("/v1_1/{cloud}/{resource}/{action}", post(call))
            .route("/{cloud}/{resource}/upload/{version}/{*public_id}", get(deliver))
            .layer(DefaultBodyLimit::max(64 << 20))
            .with_state(state.clone());
        Ok((state, router))
    }

    fn file(&self, resource: &str, public_id: &str) -> PathBuf {
        self.dir.join(resource).join(hex::encode(public_id))
    }

    /// Both hashes and both versions are good, as with accounts that are being moved from one to the other.
    fn check_signature(&self, fields: &BTreeMap<String, String>) -> Result<(), Refusal> {
        let given = fields.get("signature").map(String::as_str).unwrap_or_default();
        let signed: Vec<_> = fields
            .iter()
            .filter(|(name, value)| !value.is_empty() && !["signature", "api_key"].contains(&name.as_str()))
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let plain = signed.join("&");
        let escaped = signed.iter().map(|part| part.replace('&', "%26")).collect::<Vec<_>>().join("&");
        let good = [&plain, &escaped].iter().any(|text| {
            let text = format!("{text}{}", self.secret);
            given == hex::encode(sha1::Sha1::digest(&text))
                || given == hex::encode(sha2::Sha256::digest(&text))
        });
        if !good || fields.get("api_key") != Some(&self.key) {
            let text = format!("Invalid Signature {given}. String to sign - '{plain}'.");
            return Err((StatusCode::UNAUTHORIZED, text));
        }
        let timestamp = fields.get("timestamp").and_then(|value| value.parse::<i64>().ok()).unwrap_or(0);
        if (jiff::Timestamp::now().as_second() - timestamp).abs() > SIGNATURE_LIFE {
            return Err((StatusCode::BAD_REQUEST, "Stale request".into()));
        }
        Ok(())
    }

    fn answer(&self, resource: &str, public_id: &str, bytes: &[u8], existing: bool) -> Value {
        let version = 1;
        let text = format!("public_id={public_id}&version={version}{}", self.secret);
        let signature = match self.sha256 {
            true => hex::encode(sha2::Sha256::digest(text)),
            false => hex::encode(sha1::Sha1::digest(text)),
        };
        let path = format!("{}/{resource}/upload/v{version}/{public_id}", self.cloud);
        let mut answer = json!({
            "asset_id": hex::encode(&sha1::Sha1::digest(public_id)[..16]),
            "public_id": public_id,
            "version": version,
            "signature": signature,
            "resource_type": resource,
            "type": "upload",
            "created_at": "2026-01-01T00:00:00Z",
            "bytes": bytes.len(),
            "etag": hex::encode(&sha1::Sha1::digest(bytes)[..16]),
            "url": format!("http://stand-in.invalid/{path}"),
            "secure_url": format!("https://stand-in.invalid/{path}"),
        });
        if existing {
            answer["existing"] = json!(true);
        }
        answer
    }

    async fn upload(&self, resource: &str, form: &Form, headers: &HeaderMap) -> Result<Value, Refusal> {
        let public_id = form.fields.get("public_id").cloned().unwrap_or_default();
        let mut bytes =
            form.file.clone().ok_or((StatusCode::BAD_REQUEST, "Missing required parameter - file".into()))?;
        let _turn = self.turn.lock().await;
        if let Some(id) = headers.get("x-unique-upload-id").and_then(|id| id.to_str().ok()) {
            let chunk =
                headers.get("content-range").and_then(|range| range.to_str().ok()).and_then(parse_chunk);
            let (start, end, total) =
                chunk.ok_or((StatusCode::BAD_REQUEST, "Invalid Content-Range".into()))?;
            let path = self.dir.join("chunks").join(hex::encode(id));
            let mut so_far = tokio::fs::read(&path).await.unwrap_or_default();
            if start > so_far.len() || end - start != bytes.len() || end > total {
                return Err((StatusCode::BAD_REQUEST, "Invalid chunk".into()));
            }
            // A chunk that is sent again takes its own place.
            so_far.truncate(start);
            so_far.extend_from_slice(&bytes);
            if end < total {
                tokio::fs::write(&path, so_far).await.map_err(failed)?;
                return Ok(json!({ "done": false, "public_id": public_id, "bytes": end }));
            }
            drop(tokio::fs::remove_file(&path).await);
            bytes = so_far.into();
        }
        if resource == "image" && !looks_like_an_image(&bytes) {
            return Err((StatusCode::BAD_REQUEST, "Invalid image file".into()));
        }
        let path = self.file(resource, &public_id);
        let keep = form.fields.get("overwrite").is_some_and(|value| value == "0" || value == "false");
        if keep && let Ok(there) = tokio::fs::read(&path).await {
            return Ok(self.answer(resource, &public_id, &there, true));
        }
        let staged = path.with_extension("new");
        tokio::fs::write(&staged, &bytes).await.map_err(failed)?;
        tokio::fs::rename(&staged, &path).await.map_err(failed)?;
        Ok(self.answer(resource, &public_id, &bytes, false))
    }

    async fn destroy(&self, resource: &str, form: &Form) -> Value {
        let public_id = form.fields.get("public_id").cloned().unwrap_or_default();
        let _turn = self.turn.lock().await;
        match tokio::fs::remove_file(self.file(resource, &public_id)).await {
            Ok(()) => json!({ "result": "ok" }),
            Err(_) => json!({ "result": "not found" }),
        }
    }
}

fn failed(error: io::Error) -> Refusal {
    (StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}

fn refuse((status, message): Refusal) -> Response {
    (status, axum::Json(json!({ "error": { "message": message } }))).into_response()
}

/// `bytes START-LAST/TOTAL`: start, end, total.
fn parse_chunk(range: &str) -> Option<(usize, usize, usize)> {
    let (part, total) = range.strip_prefix("bytes ")?.split_once('/')?;
    let (start, last) = part.split_once('-')?;
    Some((start.parse().ok()?, last.parse::<usize>().ok()? + 1, total.parse().ok()?))
}

fn looks_like_an_image(bytes: &[u8]) -> bool {
    let starts: [&[u8]; 8] =
        [b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"RIFF", b"BM", b"II*\0", b"MM\0*", b"\xff\x0a"];
    starts.iter().any(|start| bytes.starts_with(start)) || bytes.get(4..8) == Some(b"ftyp")
}

struct Form {
    fields: BTreeMap<String, String>,
    file: Option<Bytes>,
}

async fn read_form(mut multipart: Multipart) -> Result<Form, Refusal> {
    let malformed =
        |error: axum::extract::multipart::MultipartError| (StatusCode::BAD_REQUEST, error.to_string());
    let mut form = Form { fields: BTreeMap::new(), file: None };
    while let Some(field) = multipart.next_field().await.map_err(malformed)? {
        let name = field.name().unwrap_or_default().to_owned();
        if name == "file" {
            form.file = Some(field.bytes().await.map_err(malformed)?);
        } else {
            form.fields.insert(name, field.text().await.map_err(malformed)?);
        }
    }
    Ok(form)
}

async fn call(
    State(state): State<Arc<StandIn>>,
    Path((cloud, resource, action)): Path<(String, String, String)>,
    headers: HeaderMap,
    multipart: Multipart,
) -> Response {
    let form = match read_form(multipart).await {
        Ok(form) => form,
        Err(refusal) => return refuse(refusal),
    };
    if state.refusals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
        let status = StatusCode::from_u16(420).unwrap_or(StatusCode::TOO_MANY_REQUESTS);
        let mut response = refuse((status, "Rate Limit Exceeded".into()));
        response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("0"));
        return response;
    }
    if cloud != state.cloud || !["image", "raw"].contains(&resource.as_str()) {
        return refuse((StatusCode::NOT_FOUND, "unknown cloud or resource type".into()));
    }
    if let Err(refusal) = state.check_signature(&form.fields) {
        return refuse(refusal);
    }
    let answer = match action.as_str() {
        "upload" => state.upload(&resource, &form, &headers).await,
        "destroy" => Ok(state.destroy(&resource, &form).await),
        _ => Err((StatusCode::NOT_FOUND, "unknown action".into())),
    };
    answer.map_or_else(refuse, |answer| axum::Json(answer).into_response())
}

async fn ping() -> Response {
    axum::Json(json!({ "status": "ok" })).into_response()
}

async fn deliver(
    State(state): State<Arc<StandIn>>,
    Path((cloud, resource, _version, public_id)): Path<(String, String, String, String)>,
    headers: HeaderMap,
) -> Response {
    let known = cloud == state.cloud && ["image", "raw"].contains(&resource.as_str());
    let Some(bytes) =
        (if known { tokio::fs::read(state.file(&resource, &public_id)).await.ok() } else { None })
    else {
        return (StatusCode::NOT_FOUND, [("x-cld-error", format!("Resource not found - {public_id}"))])
            .into_response();
    };
    let total = bytes.len();
    let requested = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    let Some((start, last)) = requested.and_then(|range| range.strip_prefix("bytes=")?.split_once('-'))
    else {
        return (StatusCode::OK, bytes).into_response();
    };
    let start = start.parse().unwrap_or(usize::MAX);
    let end = last.parse().unwrap_or(usize::MAX).saturating_add(1).min(total);
    if start >= end {
        let range = [(header::CONTENT_RANGE, format!("bytes */{total}"))];
        return (StatusCode::RANGE_NOT_SATISFIABLE, range).into_response();
    }
    let range = [(header::CONTENT_RANGE, format!("bytes {start}-{}/{total}", end - 1))];
    (StatusCode::PARTIAL_CONTENT, range, bytes[start..end].to_vec()).into_response()
}
