use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::http::StatusCode;
use demitasse_backends::Backends;
use demitasse_core::{
    BlobBody, BlobKey, BlobMeta, BlobSource, BlobStore, ByteRange, Delivery, ErrorKind, StoreError,
};
use futures_util::future::join_all;
use jiff::SignedDuration;
use serde_json::json;

use crate::support::{TestApp, png};

/// Compares a generated document with the one in the repository; `UPDATE_DOCS=1` writes it.
pub(crate) fn is_current(name: &str, generated: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    if std::env::vars().any(|(name, _)| name == "UPDATE_DOCS") {
        std::fs::write(&path, generated).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == generated, "docs/{name} is not current: run the tests with UPDATE_DOCS=1");
}

#[test]
fn the_description_in_the_repository_is_current() {
    is_current("openapi.json", &demitasse::http::openapi_json().unwrap());
}

#[test]
fn the_page_of_errors_in_the_repository_is_current() {
    is_current("errors.md", &demitasse::http::errors_page());
}

#[tokio::test]
async fn an_upload_is_accepted_with_its_task_and_where_to_look() {
    let app = TestApp::new().await;
    let answer = app.post("/v1/images?preset=high&format=webp", "image", "a.png", &png(8, 6, 1)).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    let task = answer.json();
    let id = task["id"].as_str().unwrap();
    assert_eq!(answer.header("location"), format!("http://demitasse.test/v1/tasks/{id}"));
    assert_eq!(app.task(id).await, task);
    let image = &task["image"];
    assert_eq!(app.get(&format!("/v1/images/{}", image["id"].as_str().unwrap())).await.json(), *image);
    assert_eq!((&image["task_id"], &image["status"]), (&json!(id), &json!("queued")));
    assert_eq!((&image["original"]["width"], &image["original"]["height"]), (&json!(8), &json!(6)));
    assert_eq!(image["original"]["media_type"], "image/png");
}

#[tokio::test]
async fn a_list_is_read_page_by_page_newest_first() {
    let app = TestApp::new().await;
    for seed in 0..5 {
        app.upload(&png(1, 1, seed)).await;
    }
    let mut seen = Vec::new();
    let mut path = "/v1/images?limit=2".to_owned();
    loop {
        let answer = app.get(&path).await;
        let page = answer.json();
        seen.extend(page["data"].as_array().unwrap().iter().map(|image| image["id"].clone()));
        let Some(cursor) = page["next_cursor"].as_str() else {
            assert_eq!(answer.header("link"), "");
            break;
        };
        path = format!("/v1/images?limit=2&cursor={cursor}");
        assert_eq!(answer.header("link"), format!("<http://demitasse.test{path}>; rel=\"next\""));
    }
    let all = app.get("/v1/images").await.json();
    let all: Vec<_> = all["data"].as_array().unwrap().iter().map(|image| image["id"].clone()).collect();
    assert_eq!(seen, all);
    let oldest_first = app.get("/images").await.json();
    let newest_first: Vec<_> =
        oldest_first.as_array().unwrap().iter().rev().map(|image| image["id"].clone()).collect();
    assert_eq!(seen, newest_first);
    for query in ["limit=0", "limit=201", "limit=x", "cursor=x"] {
        assert_eq!(
            app.get(&format!("/v1/images?{query}")).await.json()["code"],
            "invalid_request",
            "{query}"
        );
    }
}

#[tokio::test]
async fn info_says_what_the_server_takes() {
    let app = TestApp::new().await;
    let info = app.get("/v1/info").await.json();
    assert_eq!(info["limits"], json!({ "max_bytes": 100_000_000, "max_pixels": 100_000_000 }));
    assert_eq!((&info["default_preset"], &info["auth_required"]), (&json!("balanced"), &json!(false)));
    assert_eq!(info["presets"][0], json!({ "name": "small", "target": 60.0 }));
    assert_eq!(info["presets"][4], json!({ "name": "lossless", "target": null }));
    let jpeg = json!({ "name": "jpeg", "media_type": "image/jpeg", "decodes": true, "encodes": true });
    assert_eq!(info["formats"][0], jpeg);
}

#[tokio::test]
async fn readiness_names_every_dependency() {
    let app = TestApp::new().await;
    let answer = app.get("/readyz").await;
    assert_eq!(answer.status, StatusCode::OK);
    let ok = json!({ "metadata": "ok", "queue": "ok", "events": "ok", "storage": "ok", "server": "ok", "disk": "ok" });
    let answer = answer.json();
    assert_eq!((&answer["ready"], &answer["dependencies"]), (&json!(true), &ok));
}

/// A store that counts how often it is tried, and can be away.
struct Tried {
    blobs: Arc<dyn BlobStore>,
    times: Arc<AtomicUsize>,
    away: Arc<AtomicBool>,
}

#[async_trait::async_trait]
impl BlobStore for Tried {
    async fn put(&self, key: BlobKey, source: BlobSource) -> Result<(), StoreError> {
        self.blobs.put(key, source).await
    }

    async fn get(&self, key: BlobKey, range: Option<ByteRange>) -> Result<Option<BlobBody>, StoreError> {
        self.blobs.get(key, range).await
    }

    async fn head(&self, key: BlobKey) -> Result<Option<BlobMeta>, StoreError> {
        self.blobs.head(key).await
    }

    async fn delete(&self, key: BlobKey) -> Result<(), StoreError> {
        self.blobs.delete(key).await
    }

    async fn delivery(&self, key: BlobKey) -> Result<Delivery, StoreError> {
        self.blobs.delivery(key).await
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.times.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        match self.away.load(Ordering::SeqCst) {
            true => Err(StoreError::new(ErrorKind::Unavailable, "test", "away")),
            false => Ok(()),
        }
    }
}

#[tokio::test]
async fn asking_for_readiness_often_tries_the_stores_rarely() {
    let (times, away) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let tried = (times.clone(), away.clone());
    let swap = |backends: &mut Backends| {
        let (times, away) = tried;
        backends.blobs = Arc::new(Tried { blobs: backends.blobs.clone(), times, away });
    };
    let app = TestApp::on(|_| {}, swap).await;
    let ask_all = async |status: u16| {
        let answers = join_all((0..20).map(|_| app.get("/readyz"))).await;
        assert!(answers.iter().all(|answer| answer.status == status), "{answers:?}");
    };
    ask_all(200).await;
    assert_eq!(times.load(Ordering::SeqCst), 1);
    away.store(true, Ordering::SeqCst);
    app.clock.advance(SignedDuration::from_millis(9_999));
    ask_all(200).await;
    assert_eq!(times.load(Ordering::SeqCst), 1);
    app.clock.advance(SignedDuration::from_millis(1));
    ask_all(503).await;
    assert_eq!(times.load(Ordering::SeqCst), 2);
    away.store(false, Ordering::SeqCst);
    app.clock.advance(SignedDuration::from_secs(10));
    ask_all(200).await;
    assert_eq!(times.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn the_page_is_served_under_a_strict_policy() {
    let app = TestApp::new().await;
    let page = app.get_with("/", &[("accept", "text/html")]).await;
    assert_eq!((page.status, page.header("content-type")), (StatusCode::OK, "text/html; charset=utf-8"));
    assert_eq!(page.header("cache-control"), "no-cache");
    assert!(page.header("content-security-policy").starts_with("default-src 'none'; script-src 'self';"));
    assert_eq!(app.get("/favicon-that-is-not-there.png").await.status, StatusCode::NOT_FOUND);
    assert_eq!(app.get_with("/some/view", &[("accept", "text/html")]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_request_keeps_the_id_that_it_came_with() {
    let app = TestApp::new().await;
    let answer = app.get_with("/v1/images/x", &[("x-request-id", "abc-1")]).await;
    assert_eq!(answer.header("x-request-id"), "abc-1");
    assert_eq!(answer.json()["instance"], "urn:request:abc-1");
}

#[tokio::test]
async fn addresses_follow_the_public_url() {
    let app = TestApp::with(|config| config.http.public_url = "https://example.com/img".parse().ok()).await;
    let answer = app.post("/images/upload", "image", "a.png", &png(8, 8, 1)).await;
    assert!(answer.header("location").starts_with("https://example.com/img/v1/tasks/"), "{answer:?}");
    let url = app.get("/images").await.json()[0]["imageUrl"].as_str().unwrap().to_owned();
    assert!(url.starts_with("https://example.com/img/i/"), "{url}");
}
