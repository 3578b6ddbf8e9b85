use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use demitasse_backends::Backends;
use demitasse_core::{BlobBody, BlobKey, BlobMeta, BlobSource, BlobStore, ByteRange, Delivery, StoreError};

use crate::support::{Answer, TestApp, png};

async fn uploaded(app: &TestApp, name: &str) -> String {
    let answer = app.post("/v1/images", "image", name, &png(8, 8, 1)).await;
    answer.json()["image"]["original"]["url"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn bytes_are_immutable_typed_and_never_run() {
    let app = TestApp::new().await;
    let url = uploaded(&app, "a.png").await;
    let answer = app.get(&url).await;
    assert_eq!((answer.status, &answer.body), (StatusCode::OK, &png(8, 8, 1)));
    let sha256 = url.split('/').nth(4).unwrap();
    for (name, value) in [
        ("content-type", "image/png"),
        ("etag", &format!("\"{sha256}\"")),
        ("cache-control", "public, max-age=31536000, immutable"),
        ("x-content-type-options", "nosniff"),
        (
            "content-security-policy",
            "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; sandbox",
        ),
        ("accept-ranges", "bytes"),
        ("content-length", &png(8, 8, 1).len().to_string()),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
}

#[tokio::test]
async fn a_client_that_has_the_bytes_is_told_so() {
    let app = TestApp::new().await;
    let url = uploaded(&app, "a.png").await;
    let etag = app.get(&url).await.header("etag").to_owned();
    for known in [etag.as_str(), "*", &format!("\"other\", W/{etag}")] {
        let answer = app.get_with(&url, &[("if-none-match", known)]).await;
        assert_eq!((answer.status, answer.body.len()), (StatusCode::NOT_MODIFIED, 0), "{known}");
        assert_eq!(answer.header("etag"), etag);
    }
    assert_eq!(app.get_with(&url, &[("if-none-match", "\"other\"")]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_part_of_the_bytes() {
    let app = TestApp::new().await;
    let url = uploaded(&app, "a.png").await;
    let whole = png(8, 8, 1);
    let length = whole.len();
    let part = async |range: &str| app.get_with(&url, &[("range", range)]).await;
    let is = |answer: Answer, start: usize, end: usize| {
        assert_eq!((answer.status, &answer.body[..]), (StatusCode::PARTIAL_CONTENT, &whole[start..end]));
        assert_eq!(answer.header("content-range"), format!("bytes {start}-{}/{length}", end - 1));
        assert_eq!(answer.header("content-length"), (end - start).to_string());
        assert_eq!(answer.header("content-type"), "image/png");
    };
    is(part("bytes=0-7").await, 0, 8);
    is(part("bytes=20-").await, 20, length);
    is(part("bytes=-5").await, length - 5, length);

    let beyond = part("bytes=100000-").await;
    assert_eq!(beyond.status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(beyond.header("content-range"), format!("bytes */{length}"));

    let etag = part("bytes=0-7").await.header("etag").to_owned();
    let same = app.get_with(&url, &[("range", "bytes=0-7"), ("if-range", &etag)]).await;
    assert_eq!(same.status, StatusCode::PARTIAL_CONTENT);
    let other = app.get_with(&url, &[("range", "bytes=0-7"), ("if-range", "\"other\"")]).await;
    assert_eq!((other.status, other.body), (StatusCode::OK, whole.clone()));
}

#[tokio::test]
async fn head_tells_the_length_and_sends_nothing() {
    let app = TestApp::new().await;
    let url = uploaded(&app, "a.png").await;
    let path = url.strip_prefix("http://demitasse.test").unwrap();
    let answer = app.send(Request::head(path).body(Body::empty()).unwrap()).await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, 0));
    assert_eq!(answer.header("content-length"), png(8, 8, 1).len().to_string());
}

#[tokio::test]
async fn a_name_in_any_script_comes_back() {
    let app = TestApp::new().await;
    let name = "Überraschung 🎁 & 100 %.png";
    let answer = app.post("/v1/images", "image", name, &png(8, 8, 1)).await.json();
    assert_eq!(answer["image"]["file_name"], name);
    app.app.run_pending_jobs().await;
    let task = app.task(answer["id"].as_str().unwrap()).await;
    for kind in ["original", "variant"] {
        let url = task["image"][kind]["url"].as_str().unwrap();
        assert!(url.is_ascii(), "{url}");
        let shown = app.get(url).await;
        let real = "filename*=UTF-8''%C3%9Cberraschung%20%F0%9F%8E%81%20%26%20100%20%25%2Epng";
        assert!(shown.header("content-disposition").starts_with("inline; "), "{shown:?}");
        assert!(shown.header("content-disposition").ends_with(real), "{shown:?}");
        let saved = app.get(&format!("{url}?download=1")).await;
        assert!(saved.header("content-disposition").starts_with("attachment; "), "{saved:?}");
    }
}

/// A store that sends clients elsewhere for their bytes.
struct Elsewhere(Arc<dyn BlobStore>);

#[async_trait::async_trait]
impl BlobStore for Elsewhere {
    async fn put(&self, key: BlobKey, source: BlobSource) -> Result<(), StoreError> {
        self.0.put(key, source).await
    }

    async fn get(&self, key: BlobKey, range: Option<ByteRange>) -> Result<Option<BlobBody>, StoreError> {
        self.0.get(key, range).await
    }

    async fn head(&self, key: BlobKey) -> Result<Option<BlobMeta>, StoreError> {
        self.0.head(key).await
    }

    async fn delete(&self, key: BlobKey) -> Result<(), StoreError> {
        self.0.delete(key).await
    }

    async fn delivery(&self, key: BlobKey) -> Result<Delivery, StoreError> {
        Ok(Delivery::Redirect(format!("https://bucket.example.com/{key}?signature=1")))
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.0.check().await
    }
}

#[tokio::test]
async fn a_store_that_delivers_by_itself_is_pointed_to_and_the_pointer_is_not_cached() {
    let swap = |backends: &mut Backends| backends.blobs = Arc::new(Elsewhere(backends.blobs.clone()));
    let app = TestApp::on(|_| {}, swap).await;
    let id = app.upload(&png(8, 8, 1)).await;
    let url = app.task(&id).await["image"]["original"]["url"].as_str().unwrap().to_owned();
    let answer = app.get(&url).await;
    assert_eq!(answer.status, 307);
    assert!(answer.header("location").starts_with("https://bucket.example.com/original/"));
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(answer.headers.get("etag").is_none());
    app.app.run_pending_jobs().await;
}
