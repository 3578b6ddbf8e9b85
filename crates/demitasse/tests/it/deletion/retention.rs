use std::time::Duration;

use demitasse_core::BlobKind;
use jiff::SignedDuration;
use serde_json::json;

use super::{text, upload};
use crate::support::{TestApp, png};

async fn keeping(retain_for: Option<Duration>) -> TestApp {
    TestApp::with(|config| config.space.retain_for = retain_for).await
}

async fn expire(app: &TestApp) -> usize {
    app.app.delete_expired().await.unwrap()
}

#[tokio::test]
async fn images_are_deleted_so_long_after_their_upload_and_their_bytes_a_grace_period_later() {
    let app = keeping(Some(Duration::from_secs(24 * 3600))).await;
    let old = upload(&app, &png(16, 16, 1)).await;
    app.app.run_pending_jobs().await;
    app.clock.advance(SignedDuration::from_hours(12));
    let young = upload(&app, &png(16, 16, 2)).await;

    app.clock.advance(SignedDuration::from_hours(12));
    assert_eq!(expire(&app).await, 0, "it is a day old and no older");
    app.clock.advance(SignedDuration::from_millis(1));
    assert_eq!(expire(&app).await, 1);
    let left = app.get("/v1/images").await.json();
    assert_eq!((&left["data"][0]["id"], &left["data"][1]), (&young["image"]["id"], &json!(null)));
    assert_eq!(app.metric("demitasse_images_deleted_total{reason=\"retention\"}").await, 1);
    assert_eq!(app.metric("demitasse_images_deleted_total{reason=\"request\"}").await, 0);

    app.clock.advance(SignedDuration::from_hours(1));
    assert_eq!(app.app.remove_blobs().await.unwrap(), 2);
    let sha256 = text(&old, "/image/original/sha256").parse().unwrap();
    let key = demitasse_core::BlobKey { kind: BlobKind::Original, sha256 };
    assert_eq!(app.backends.blobs.head(key).await.unwrap(), None);
}

#[tokio::test]
async fn nothing_expires_unless_it_is_asked_for() {
    let app = keeping(None).await;
    upload(&app, &png(16, 16, 1)).await;
    app.clock.advance(SignedDuration::from_hours(100_000));
    assert_eq!(expire(&app).await, 0);
    assert_eq!(app.get("/v1/images").await.json()["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn more_than_a_batch_expires_in_one_go() {
    let app = keeping(Some(Duration::from_secs(60))).await;
    for _ in 0..120 {
        upload(&app, &png(1, 1, 1)).await;
    }
    app.clock.advance(SignedDuration::from_secs(61));
    assert_eq!(expire(&app).await, 120);
    assert_eq!(app.get("/v1/images").await.json()["data"], json!([]));
}
