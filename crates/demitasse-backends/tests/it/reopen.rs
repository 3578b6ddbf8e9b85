use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use demitasse_backends::{BackendUrls, Backends, connect};
use demitasse_core::contract::sample;
use demitasse_core::{BlobSource, JobState, OwnerId, Transition};
use futures_util::TryStreamExt;

const LONG: Duration = Duration::from_secs(3600);

async fn open(dir: &Path) -> Backends {
    let urls = BackendUrls {
        metadata: format!("sqlite:{}", dir.join("demitasse.db").display()),
        storage: format!("file:{}", dir.join("blobs").display()),
        ..BackendUrls::memory()
    };
    connect(&urls).await.unwrap()
}

#[tokio::test]
async fn uploads_results_and_blobs_are_found_again() {
    let dir = tempfile::tempdir().unwrap();
    let backends = open(dir.path()).await;
    let key = sample::blob_key(b"abc");
    backends.blobs.put(key, BlobSource::Bytes(Bytes::from_static(b"abc"))).await.unwrap();
    for n in 0..3 {
        backends.images.create_upload(sample::upload(n)).await.unwrap();
    }
    let lease = sample::lease(1);
    for transition in [
        Transition::Start { lease, over: None },
        Transition::Succeed { lease, variant: Box::new(sample::variant(1)), announce_until: None },
    ] {
        backends.jobs.transition(sample::job_id(1), transition, sample::time(9)).await.unwrap().unwrap();
    }
    let before = backends.images.images_after(OwnerId::DEFAULT, None, 10).await.unwrap();
    drop(backends);

    let backends = open(dir.path()).await;
    assert_eq!(backends.images.images_after(OwnerId::DEFAULT, None, 10).await.unwrap(), before);
    assert_eq!(before[1].job.state, JobState::Succeeded);
    assert!(backends.jobs.variant_for(sample::request_key(1)).await.unwrap().is_some());
    let body = backends.blobs.get(key, None).await.unwrap().unwrap();
    assert_eq!(body.try_collect::<Vec<Bytes>>().await.unwrap().concat(), b"abc");
    let next = backends.images.create_upload(sample::upload(7)).await.unwrap();
    assert!(next.image.sequence > before[2].image.sequence);
}

#[tokio::test]
async fn a_claim_of_a_crashed_process_is_claimable_when_its_lease_ends() {
    let dir = tempfile::tempdir().unwrap();
    let backends = open(dir.path()).await;
    for n in 1..=2 {
        backends.images.create_upload(sample::upload(n)).await.unwrap();
    }
    let ended = backends.queue.claim("crashed", Duration::ZERO).await.unwrap().unwrap();
    backends.queue.heartbeat(ended, Duration::ZERO).await.unwrap();
    drop(backends);

    let backends = open(dir.path()).await;
    let again = backends.queue.claim("next", LONG).await.unwrap().unwrap();
    assert_eq!((again.job_id, again.deliveries), (ended.job_id, 2));
    assert!(!backends.queue.ack(ended).await.unwrap());
    drop(backends);

    // The lease that has not ended holds through a restart, and its holder may go on.
    let backends = open(dir.path()).await;
    let other = backends.queue.claim("third", LONG).await.unwrap().unwrap();
    assert_eq!(other.job_id, sample::job_id(2));
    assert!(backends.queue.ack(again).await.unwrap());
}

#[tokio::test]
async fn attempts_survive_crashes() {
    let dir = tempfile::tempdir().unwrap();
    let id = sample::job_id(1);
    open(dir.path()).await.images.create_upload(sample::upload(1)).await.unwrap();
    let mut over = None;
    for attempt in 1..=3 {
        let backends = open(dir.path()).await;
        let lease = sample::lease(attempt.into());
        let start = Transition::Start { lease, over: over.replace(lease) };
        let started = backends.jobs.transition(id, start, sample::time(1)).await.unwrap();
        assert_eq!(started.unwrap().attempt, attempt);
    }
    let upload = open(dir.path()).await.jobs.job(id).await.unwrap().unwrap();
    assert_eq!((upload.job.attempt, upload.job.has_attempts_left()), (3, false));
}
