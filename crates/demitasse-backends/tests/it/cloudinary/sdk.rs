//! What the official SDK sends for the same calls, field by field.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::extract::{DefaultBodyLimit, Multipart, OriginalUri, State};
use axum::http::HeaderMap;
use axum::{Json, Router};
use demitasse_backends::cloudinary::CloudinaryBlobs;
use demitasse_core::contract::sample;
use demitasse_core::{BlobSource, BlobStore, ManualClock, Sha256, SystemClock};
use serde_json::{Value, json};

use super::{jpeg, start};
use crate::services::required;

/// When the calls are made: the SDK's clock is stopped, so that even signatures must be equal.
const TIMESTAMP: i64 = 1_568_810_420;

const SECRET: &str = "secret&more";

/// A request as a server sees it. Headers that name the client, the connection or the boundary are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    path: String,
    content_range: Option<String>,
    has_upload_id: bool,
    fields: BTreeMap<String, String>,
    /// Its name, type, length and hash.
    file: Option<(String, String, usize, Sha256)>,
}

type Log = Arc<Mutex<Vec<Seen>>>;

async fn capture(
    State(log): State<Log>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    mut multipart: Multipart,
) -> Json<Value> {
    let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let mut seen = Seen {
        path: uri.path().into(),
        content_range: header("content-range"),
        has_upload_id: header("x-unique-upload-id").is_some(),
        fields: BTreeMap::new(),
        file: None,
    };
    while let Some(field) = multipart.next_field().await.unwrap() {
        let name = field.name().unwrap().to_owned();
        if name == "file" {
            let file_name = field.file_name().unwrap().to_owned();
            let media_type = field.content_type().unwrap_or_default().to_owned();
            let bytes = field.bytes().await.unwrap();
            seen.file = Some((file_name, media_type, bytes.len(), Sha256::of(&bytes)));
        } else {
            let doubled = seen.fields.insert(name, field.text().await.unwrap());
            assert_eq!(doubled, None);
        }
    }
    let public_id = seen.fields.get("public_id").cloned().unwrap_or_default();
    let total = seen.content_range.as_ref().map(|range| range.rsplit_once('/').unwrap().1.parse().unwrap());
    let bytes: Option<usize> = total.or(seen.file.as_ref().map(|file| file.2));
    log.lock().unwrap().push(seen);
    // Signed wrongly on purpose: what comes after the request is not looked at here.
    Json(json!({ "result": "ok", "public_id": public_id, "version": 1, "bytes": bytes, "signature": "0" }))
}

async fn capture_server() -> (String, Log) {
    let log = Log::default();
    let router =
        Router::new().fallback(capture).layer(DefaultBodyLimit::max(64 << 20)).with_state(log.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (format!("http://{address}"), log)
}

/// Runs the SDK; `lines` see `cloudinary`, `uploader` and `argv`, from the first of `arguments` on.
async fn run_sdk(lines: &str, arguments: &[&str]) {
    let script =
        format!("import cloudinary\nfrom cloudinary import uploader, utils\nfrom sys import argv\n{lines}");
    let output = tokio::process::Command::new(required("TEST_CLOUDINARY_PYTHON"))
        .args(["-c", &script])
        .args(arguments)
        .env_remove("CLOUDINARY_URL")
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "the SDK failed (is TEST_CLOUDINARY_PYTHON a Python that has it?): {said}"
    );
}

const CONFIGURE: &str = r#"
_, server, secret, algorithm, version, public_id, path = argv
cloudinary.config(cloud_name="demo", api_key="key", api_secret=secret, upload_prefix=server,
                  signature_algorithm=algorithm, signature_version=int(version))
options = dict(public_id=public_id, overwrite=False, unique_filename=False, resource_type="image", filename="blob")
"#;

const STOP_THE_CLOCK: &str = "utils.now = lambda: '1568810420'\n";

/// The three calls, by the SDK and by us, on the same file.
async fn both(algorithm: &str, version: &str, call: &str, length: usize) -> (Vec<Seen>, Vec<Seen>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("image");
    let bytes = jpeg(length);
    std::fs::write(&path, &bytes).unwrap();
    let key = sample::blob_key(&bytes);
    let public_id = format!("images/{}", key.sha256);
    let (server, log) = capture_server().await;
    let lines = format!("{CONFIGURE}{STOP_THE_CLOCK}{call}\n");
    run_sdk(&lines, &[&server, SECRET, algorithm, version, &public_id, text(&path)]).await;
    let theirs = std::mem::take(&mut *log.lock().unwrap());

    let url = format!(
        "cloudinary://key:secret%26more@demo?upload_prefix={server}&signature={algorithm}&signature_version={version}"
    );
    let clock = ManualClock::new(jiff::Timestamp::from_second(TIMESTAMP).unwrap());
    let store = CloudinaryBlobs::open(&url, Arc::new(clock)).unwrap();
    if call.starts_with("uploader.destroy") {
        store.delete(key).await.unwrap();
    } else {
        // The capture server does not know the secret: its answer must not be believed, but the requests are out.
        store.put(key, BlobSource::File(path)).await.unwrap_err();
    }
    let ours = std::mem::take(&mut *log.lock().unwrap());
    (theirs, ours)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

const UPLOAD: &str = "uploader.upload(path, **options)";
const UPLOAD_LARGE: &str = "uploader.upload_large(path, **options)";
const DESTROY: &str = "uploader.destroy(public_id, invalidate=True, resource_type='image')";

#[tokio::test]
async fn calls_are_equal_to_the_sdks_in_every_field() {
    for (algorithm, version) in [("sha1", "2"), ("sha256", "2"), ("sha1", "1"), ("sha256", "1")] {
        for call in [UPLOAD, DESTROY] {
            let (theirs, ours) = both(algorithm, version, call, 1000).await;
            assert_eq!(theirs.len(), 1, "{call}");
            assert!(theirs[0].fields.contains_key("signature"), "{theirs:?}");
            assert_eq!(theirs, ours, "{call} {algorithm} {version}");
        }
    }
}

#[tokio::test]
async fn chunks_are_equal_to_the_sdks_in_every_field() {
    let (theirs, ours) = both("sha1", "2", UPLOAD_LARGE, 20_000_001).await;
    assert_eq!(theirs.len(), 2);
    assert_eq!(theirs[1].content_range.as_deref(), Some("bytes 20000000-20000000/20000001"));
    assert_eq!(theirs, ours);
}

#[tokio::test]
async fn the_stand_in_takes_what_the_sdk_sends() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("image");
    let bytes = jpeg(20_000_001);
    std::fs::write(&path, &bytes).unwrap();
    let key = sample::blob_key(&bytes);
    let (url, _) = start(&dir.path().join("kept")).await;
    let server = url.split_once("upload_prefix=").unwrap().1;
    let public_id = format!("images/{}", key.sha256);
    let lines = format!(
        "{CONFIGURE}answer = {UPLOAD_LARGE}\n\
         assert utils.verify_api_response_signature(public_id, answer['version'], answer['signature'])\n"
    );
    run_sdk(&lines, &[server, "secret", "sha1", "2", &public_id, text(&path)]).await;
    let store = CloudinaryBlobs::open(&url, Arc::new(SystemClock)).unwrap();
    assert_eq!(store.head(key).await.unwrap().unwrap().bytes, 20_000_001);
    let lines = format!("{CONFIGURE}assert {DESTROY}['result'] == 'ok'\n");
    run_sdk(&lines, &[server, "secret", "sha256", "1", &public_id, text(&path)]).await;
    assert_eq!(store.head(key).await.unwrap(), None);
}
