use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use axum::http::StatusCode;
use demitasse_backends::Backends;
use demitasse_backends::disk::DiskBlobs;
use demitasse_core::{
    BlobBody, BlobKey, BlobKind, BlobMeta, BlobSource, BlobStore, ByteRange, Delivery, ErrorKind,
    ManualClock, Sha256, StoreError,
};
use jiff::SignedDuration;
use serde_json::json;
use tempfile::TempDir;

use super::{delete, text, upload};
use crate::support::{TestApp, noisy_png, png};

const GRACE: SignedDuration = SignedDuration::from_hours(1);

async fn exists(app: &TestApp, key: BlobKey) -> bool {
    app.backends.blobs.head(key).await.unwrap().is_some()
}

fn original(bytes: &[u8]) -> BlobKey {
    BlobKey { kind: BlobKind::Original, sha256: Sha256::of(bytes) }
}

async fn remove(app: &TestApp) -> usize {
    app.app.remove_blobs().await.unwrap()
}

#[tokio::test]
async fn bytes_go_after_their_grace_period_from_memory_and_from_a_directory() {
    let directory = TempDir::new().unwrap();
    for on_disk in [false, true] {
        let swap = |backends: &mut Backends| {
            if on_disk {
                backends.blobs = Arc::new(DiskBlobs::open(directory.path()).unwrap());
            }
        };
        let app = TestApp::on(|_| {}, swap).await;
        let bytes = noisy_png(32, 32, 1);
        let id = app.upload(&bytes).await;
        app.app.run_pending_jobs().await;
        let task = app.task(&id).await;
        let result = text(&task, "/image/variant/sha256").parse().unwrap();
        let keys = [original(&bytes), BlobKey { kind: BlobKind::Variant, sha256: result }];
        delete(&app, text(&task, "/image/id")).await;

        app.clock.advance(GRACE - SignedDuration::from_secs(1));
        assert_eq!(remove(&app).await, 0);
        assert!(exists(&app, keys[0]).await && exists(&app, keys[1]).await);
        app.clock.advance(SignedDuration::from_secs(1));
        assert_eq!(remove(&app).await, 2);
        assert!(!exists(&app, keys[0]).await && !exists(&app, keys[1]).await);
        assert_eq!(app.metric("demitasse_blobs_removed_total").await, 2);
    }
}

#[tokio::test]
async fn bytes_that_another_image_has_stay_for_it() {
    let app = TestApp::new().await;
    let bytes = png(32, 32, 1);
    let first = upload(&app, &bytes).await;
    let second = upload(&app, &bytes).await;
    app.app.run_pending_jobs().await;
    delete(&app, text(&first, "/image/id")).await;
    app.clock.advance(GRACE);
    assert_eq!(remove(&app).await, 0);
    let second = app.task(text(&second, "/id")).await;
    for pointer in ["/image/original/url", "/image/variant/url"] {
        assert_eq!(app.get(text(&second, pointer)).await.status, StatusCode::OK);
    }
    delete(&app, text(&second, "/image/id")).await;
    app.clock.advance(GRACE);
    assert_eq!(remove(&app).await, 2);
}

#[tokio::test]
async fn bytes_that_are_uploaded_again_within_the_grace_period_stay() {
    let app = TestApp::new().await;
    let bytes = png(32, 32, 1);
    let first = upload(&app, &bytes).await;
    delete(&app, text(&first, "/image/id")).await;
    app.clock.advance(GRACE - SignedDuration::from_secs(1));
    let again = upload(&app, &bytes).await;
    app.clock.advance(GRACE);
    assert_eq!(remove(&app).await, 0);
    assert_eq!(app.get(text(&again, "/image/original/url")).await.body, bytes);
    app.app.run_pending_jobs().await;
    assert_eq!(app.task(text(&again, "/id")).await["status"], "succeeded");
}

#[tokio::test]
async fn bytes_that_were_removed_can_be_uploaded_again() {
    let app = TestApp::new().await;
    let bytes = png(32, 32, 1);
    let first = upload(&app, &bytes).await;
    delete(&app, text(&first, "/image/id")).await;
    app.clock.advance(GRACE);
    assert_eq!(remove(&app).await, 1);
    let again = upload(&app, &bytes).await;
    assert_eq!(app.get(text(&again, "/image/original/url")).await.body, bytes);
}

#[tokio::test]
async fn a_result_that_came_too_late_for_its_image_goes() {
    let app = TestApp::new().await;
    let bytes = noisy_png(256, 256, 1);
    let task = upload(&app, &bytes).await;
    let mut events = app.backends.events.subscribe().await.unwrap();
    let deleting = async {
        use futures_util::StreamExt;
        while events.next().await.unwrap().state != demitasse_core::JobState::Running {}
        delete(&app, text(&task, "/image/id")).await
    };
    tokio::join!(app.app.run_pending_jobs(), deleting);
    app.clock.advance(GRACE);
    assert_eq!(remove(&app).await, 2);
}

/// The refusal comes after five seconds.
#[tokio::test]
async fn an_upload_of_bytes_that_are_being_removed_waits_and_is_refused_at_last() {
    let app = TestApp::new().await;
    let bytes = png(32, 32, 1);
    let first = upload(&app, &bytes).await;
    delete(&app, text(&first, "/image/id")).await;
    app.clock.advance(GRACE);
    let grace = std::time::Duration::from_secs(3600);
    let begun = app.backends.deletions.begin_removals(grace, grace, 9).await.unwrap();
    let [removal] = begun[..] else { panic!("one removal") };

    let refused = app.post("/v1/images", "image", "a.png", &bytes).await;
    assert_eq!(
        (refused.status, &refused.json()["code"]),
        (StatusCode::SERVICE_UNAVAILABLE, &json!("unavailable"))
    );
    assert_eq!(app.get("/v1/images").await.json()["data"], json!([]));
    let (again, ()) = tokio::join!(app.post("/v1/images", "image", "a.png", &bytes), async {
        app.backends.blobs.delete(removal.key).await.unwrap();
        app.backends.deletions.end_removal(removal, true).await.unwrap();
    });
    assert_eq!(again.status, StatusCode::ACCEPTED);
    assert!(exists(&app, original(&bytes)).await);
}

/// A store that is slow, or that fails to delete.
struct Troubled {
    blobs: Arc<dyn BlobStore>,
    clock: Arc<ManualClock>,
    trouble: Arc<AtomicU8>,
}

const NONE: u8 = 0;
const SLOW: u8 = 1;
const AWAY: u8 = 2;
const DENIED: u8 = 3;

#[async_trait::async_trait]
impl BlobStore for Troubled {
    async fn put(&self, key: BlobKey, source: BlobSource) -> Result<(), StoreError> {
        self.blobs.put(key, source).await?;
        if self.trouble.load(Ordering::SeqCst) == SLOW {
            self.clock.advance(SignedDuration::from_mins(11));
        }
        Ok(())
    }

    async fn get(&self, key: BlobKey, range: Option<ByteRange>) -> Result<Option<BlobBody>, StoreError> {
        self.blobs.get(key, range).await
    }

    async fn head(&self, key: BlobKey) -> Result<Option<BlobMeta>, StoreError> {
        self.blobs.head(key).await
    }

    async fn delete(&self, key: BlobKey) -> Result<(), StoreError> {
        let failed = |kind| Err(StoreError::new(kind, "test", key.to_string()));
        match self.trouble.load(Ordering::SeqCst) {
            AWAY => failed(ErrorKind::Unavailable),
            DENIED => failed(ErrorKind::Denied),
            _ => self.blobs.delete(key).await,
        }
    }

    async fn delivery(&self, key: BlobKey) -> Result<Delivery, StoreError> {
        self.blobs.delivery(key).await
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.blobs.check().await
    }
}

async fn troubled() -> (TestApp, Arc<AtomicU8>) {
    let trouble = Arc::new(AtomicU8::new(NONE));
    let theirs = trouble.clone();
    let app = TestApp::with_blobs(|blobs, clock| Arc::new(Troubled { blobs, clock, trouble: theirs })).await;
    (app, trouble)
}

#[tokio::test]
async fn an_upload_whose_bytes_took_too_long_to_store_is_refused_and_leaves_nothing() {
    let (app, trouble) = troubled().await;
    let bytes = png(32, 32, 1);
    trouble.store(SLOW, Ordering::SeqCst);
    let refused = app.post("/v1/images", "image", "a.png", &bytes).await;
    assert_eq!(
        (refused.status, &refused.json()["code"]),
        (StatusCode::SERVICE_UNAVAILABLE, &json!("unavailable"))
    );
    trouble.store(NONE, Ordering::SeqCst);
    assert_eq!(app.get("/v1/images").await.json()["data"], json!([]));
    app.clock.advance(GRACE);
    assert_eq!(remove(&app).await, 1);
    assert!(!exists(&app, original(&bytes)).await);
}

#[tokio::test]
async fn what_cannot_be_removed_stays_usable_and_goes_when_it_can() {
    let (app, trouble) = troubled().await;
    let bytes = png(32, 32, 1);
    let task = upload(&app, &bytes).await;
    delete(&app, text(&task, "/image/id")).await;
    app.clock.advance(GRACE);
    trouble.store(DENIED, Ordering::SeqCst);
    assert_eq!(remove(&app).await, 0);
    let again = upload(&app, &bytes).await;
    delete(&app, text(&again, "/image/id")).await;
    trouble.store(NONE, Ordering::SeqCst);
    app.clock.advance(GRACE);
    assert_eq!(remove(&app).await, 1);
}

#[tokio::test]
async fn a_removal_that_may_yet_happen_is_gone_on_with_before_the_bytes_can_come_again() {
    let (app, trouble) = troubled().await;
    let bytes = png(32, 32, 1);
    let task = upload(&app, &bytes).await;
    delete(&app, text(&task, "/image/id")).await;
    app.clock.advance(GRACE);
    trouble.store(AWAY, Ordering::SeqCst);
    assert!(app.app.remove_blobs().await.is_err());
    trouble.store(NONE, Ordering::SeqCst);
    assert!(!app.backends.deletions.hold(original(&bytes)).await.unwrap());
    assert_eq!(remove(&app).await, 0, "whoever began it may be at it still");
    app.clock.advance(SignedDuration::from_mins(20));
    assert_eq!(remove(&app).await, 1);
    upload(&app, &bytes).await;
    assert!(exists(&app, original(&bytes)).await);
}
