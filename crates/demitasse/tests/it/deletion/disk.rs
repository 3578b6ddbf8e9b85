use axum::http::StatusCode;
use demitasse::config::MinFree;
use serde_json::json;

use super::{delete, text, upload};
use crate::support::{TestApp, multipart, png};

/// No disk has as much.
const MORE_THAN_THERE_IS: MinFree = MinFree::Bytes(u64::MAX);

async fn full() -> TestApp {
    TestApp::with(|config| config.space.min_free = MORE_THAN_THERE_IS).await
}

#[tokio::test]
async fn below_the_mark_uploads_are_refused_in_each_routes_shape_and_nothing_is_kept() {
    let app = full().await;
    let refused = app.post("/v1/images", "image", "a.png", &png(16, 16, 1)).await;
    assert_eq!(
        (refused.status, &refused.json()["code"]),
        (StatusCode::INSUFFICIENT_STORAGE, &json!("storage_full"))
    );
    assert_eq!(refused.header("content-type"), "application/problem+json");
    let refused = app.send(multipart("/images/upload", &[("image", Some("a.png"), &png(16, 16, 1))])).await;
    let words = "The server's disk has less free space than has to stay; nothing was kept.";
    assert_eq!(
        (refused.status, refused.json()),
        (StatusCode::INSUFFICIENT_STORAGE, json!({ "error": words }))
    );
    assert_eq!(app.get("/v1/images").await.json()["data"], json!([]));
    assert_eq!(app.spooled(), 0);
}

#[tokio::test]
async fn below_the_mark_work_reading_and_deleting_go_on() {
    let roomy = TestApp::new().await;
    let task = upload(&roomy, &png(16, 16, 1)).await;
    let low = roomy.again(|config| config.space.min_free = MORE_THAN_THERE_IS).await;
    low.app.run_pending_jobs().await;
    assert_eq!(low.task(text(&task, "/id")).await["status"], "succeeded");
    assert_eq!(low.get(text(&task, "/image/original/url")).await.status, StatusCode::OK);
    assert_eq!(delete(&low, text(&task, "/image/id")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(low.get("/v1/images").await.json()["data"], json!([]));
}

#[tokio::test]
async fn readiness_and_metrics_say_that_the_disk_is_low_and_requests_still_come() {
    let app = full().await;
    let answer = app.get("/readyz").await;
    let disk = answer.json()["dependencies"]["disk"].clone();
    assert_eq!((answer.status, disk), (StatusCode::OK, json!("low: uploads are refused")));
    let text = app.app.metrics_text().await.unwrap();
    let value = |name: &str| -> f64 {
        let line = text.lines().find(|line| line.starts_with(&format!("{name}{{"))).unwrap();
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    assert!(value("demitasse_disk_free_bytes") < value("demitasse_disk_min_free_bytes"), "{text}");
}
