//! Each is refused at once, in the route's own shape, and leaves nothing behind; or, where only decoding shows it, the
//! task fails with the reason.

use axum::http::{Request, StatusCode};
use bytes::Bytes;
use futures_util::stream;
use serde_json::json;

use crate::support::{TestApp, huge_header, multipart, noisy_png, png, truncated_png};

/// Sends `bytes` to both contracts and expects the same refusal in both shapes.
async fn is_refused(app: &TestApp, field: &str, bytes: &[u8], status: StatusCode, code: &str) -> String {
    let original = app.post("/images/upload", field, "a.png", bytes).await;
    assert_eq!(original.status, status, "{original:?}");
    let words = original.json()["error"].as_str().unwrap().to_owned();
    assert_eq!(original.json(), json!({ "error": words }));

    let native = app.post("/v1/images", field, "a.png", bytes).await;
    assert_eq!(native.status, status, "{native:?}");
    assert_eq!(native.header("content-type"), "application/problem+json");
    let problem = native.json();
    assert_eq!((&problem["code"], &problem["status"]), (&json!(code), &json!(status.as_u16())));
    assert_eq!(
        (&problem["detail"], &problem["type"]),
        (&json!(words), &json!(format!("/docs/errors.md#{code}")))
    );
    assert!(problem["instance"].as_str().unwrap().len() > "urn:request:".len());

    nothing_was_kept(app).await;
    words
}

async fn nothing_was_kept(app: &TestApp) {
    assert_eq!(app.spooled(), 0);
    assert_eq!(app.get("/images").await.text(), "[]");
    assert_eq!(app.metric("demitasse_uploads_total").await, 0);
    assert_eq!(app.get("/healthz").await.status, StatusCode::OK);
}

#[tokio::test]
async fn no_file() {
    let app = TestApp::new().await;
    for path in ["/images/upload", "/v1/images"] {
        let without_fields = app.send(multipart(path, &[])).await;
        let text_only = app.send(multipart(path, &[("image", None, b"hello")])).await;
        let no_form = app.send(Request::post(path).body("hello".into()).unwrap()).await;
        for answer in [without_fields, text_only, no_form] {
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer:?}");
            assert!(answer.text().contains("No image file provided"), "{answer:?}");
        }
    }
    let answer = app.send(multipart("/images/upload", &[])).await;
    assert_eq!(answer.json(), json!({ "error": "No image file provided" }));
    nothing_was_kept(&app).await;
}

#[tokio::test]
async fn the_wrong_field() {
    let app = TestApp::new().await;
    let words = is_refused(&app, "photo", &png(8, 8, 1), StatusCode::BAD_REQUEST, "unexpected_file").await;
    assert!(words.contains("\"photo\"") && words.contains("\"image\""), "{words}");
}

#[tokio::test]
async fn a_second_file() {
    let app = TestApp::new().await;
    let image = png(8, 8, 1);
    let two: [(&str, Option<&str>, &[u8]); 2] =
        [("image", Some("a.png"), &image), ("image", Some("b.png"), &image)];
    assert_eq!(app.send(multipart("/images/upload", &two)).await.status, StatusCode::BAD_REQUEST);
    nothing_was_kept(&app).await;
}

#[tokio::test]
async fn an_empty_file() {
    is_refused(&TestApp::new().await, "image", b"", StatusCode::BAD_REQUEST, "empty_file").await;
}

#[tokio::test]
async fn not_an_image() {
    let app = TestApp::new().await;
    for bytes in [
        b"hello, world".as_slice(),
        b"<html><svg xmlns='http://www.w3.org/2000/svg'/></html>",
        b"%PDF-1.7",
        &[0; 100],
    ] {
        is_refused(&app, "image", bytes, StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported").await;
    }
}

#[tokio::test]
async fn a_broken_header() {
    let app = TestApp::new().await;
    is_refused(&app, "image", &png(8, 8, 1)[..12], StatusCode::BAD_REQUEST, "malformed").await;
}

#[tokio::test]
async fn a_file_that_was_not_copied_whole() {
    let app = TestApp::new().await;
    let whole = noisy_png(64, 64, 1);
    is_refused(&app, "image", &whole[..whole.len() / 2], StatusCode::BAD_REQUEST, "malformed").await;
}

#[tokio::test]
async fn too_many_pixels() {
    let app = TestApp::new().await;
    let bomb = huge_header(50_000, 50_000);
    is_refused(&app, "image", &bomb, StatusCode::PAYLOAD_TOO_LARGE, "limit_exceeded").await;
}

#[tokio::test]
async fn too_many_bytes() {
    let app = TestApp::with(|config| config.limits.max_bytes = 1000).await;
    let words =
        is_refused(&app, "image", &noisy_png(64, 64, 1), StatusCode::PAYLOAD_TOO_LARGE, "limit_exceeded")
            .await;
    assert!(words.contains("1000 bytes"), "{words}");
}

#[tokio::test]
async fn a_body_that_is_cut_off_half_way() {
    let app = TestApp::new().await;
    for path in ["/images/upload", "/v1/images"] {
        let head = "--cut\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n\r\n";
        let pieces: [Result<Bytes, std::io::Error>; 3] = [
            Ok(Bytes::from_static(head.as_bytes())),
            Ok(Bytes::from(vec![7; 100_000])),
            Err(std::io::ErrorKind::ConnectionReset.into()),
        ];
        let request = Request::post(path)
            .header("content-type", "multipart/form-data; boundary=cut")
            .body(axum::body::Body::from_stream(stream::iter(pieces)))
            .unwrap();
        assert_eq!(app.send(request).await.status, StatusCode::BAD_REQUEST);
    }
    nothing_was_kept(&app).await;
}

#[tokio::test]
async fn truncated_pixels_fail_the_task_with_the_reason() {
    let app = TestApp::new().await;
    let id = app.upload(&truncated_png()).await;
    app.app.run_pending_jobs().await;
    let task = app.task(&id).await;
    assert_eq!((&task["status"], &task["attempt"]), (&json!("failed"), &json!(1)), "{task}");
    assert_eq!(task["error"]["code"], "malformed");
    assert!(task["error"]["detail"].as_str().unwrap().starts_with("PNG is damaged"), "{task}");
    assert_eq!(app.get(&format!("/tasks/{id}/status")).await.json()["status"], "failed");
}

#[tokio::test]
async fn corrupt_pixels_fail_the_task_with_the_reason() {
    let app = TestApp::new().await;
    let mut bytes = noisy_png(64, 64, 1);
    let middle = bytes.len() / 2;
    bytes[middle..middle + 16].fill(0x55);
    let id = app.upload(&bytes).await;
    app.app.run_pending_jobs().await;
    assert_eq!(app.task(&id).await["error"]["code"], "malformed");
}

#[tokio::test]
async fn a_request_that_makes_no_sense() {
    let app = TestApp::new().await;
    let image = png(8, 8, 1);
    for query in [
        "preset=tiny",
        "target=101",
        "target=banana",
        "quality=0",
        "preset=small&lossless=true",
        "format=gif",
    ] {
        let answer = app.post(&format!("/v1/images?{query}"), "image", "a.png", &image).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(answer.json()["code"], "invalid_request", "{query}");
    }
    let answer = app.post("/images/upload?preset=tiny", "image", "a.png", &image).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.json()["error"].as_str().unwrap().contains("tiny"));
    nothing_was_kept(&app).await;
}

#[tokio::test]
async fn unknown_and_malformed_ids_and_addresses() {
    let app = TestApp::new().await;
    let hash = "0".repeat(64);
    for path in [
        "/v1/images/000000000000000000000000".to_owned(),
        "/v1/images/nonsense".into(),
        "/v1/tasks/000000000000000000000000".into(),
        "/v1/tasks/nonsense".into(),
        "/v1/nothing".into(),
        format!("/i/{hash}/original/a.png"),
        format!("/i/{hash}/elsewhere/a.png"),
        "/i/nonsense/original/a.png".into(),
    ] {
        let answer = app.get(&path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.json()["code"], "not_found", "{path}");
    }
    let answer = app.send(Request::delete("/v1/images").body("".into()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.json()["code"], "method_not_allowed");
}
