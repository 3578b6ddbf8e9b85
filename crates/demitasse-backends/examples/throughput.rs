//! Measures what a metadata store takes: uploads per second, and jobs per second from claim to ack, one worker and one
//! uploader at a time and then eight.
//!
//! `cargo run --release -p demitasse-backends --example throughput -- URL [DONE]`: URL is the store's, as in
//! `sqlite:DIR/demitasse.db` on the disk to measure, DONE the number of finished jobs that lie there already.

#![expect(clippy::print_stdout, reason = "it reports to a terminal")]
#![expect(clippy::unwrap_used, reason = "a measurement that fails has no result")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use demitasse_backends::{BackendUrls, Backends, connect};
use demitasse_core::{
    Clock, Document, ImageId, JobId, NewUpload, OwnerId, Priority, RequestKey, Sha256, StoredOriginal,
    SystemClock, Transition, Variant, VariantOutcome,
};
use futures_util::future::join_all;
use serde_json::json;

const JOBS: u64 = 1000;

fn upload() -> NewUpload {
    let now = SystemClock.now();
    let image_id = ImageId::generate(now).unwrap();
    NewUpload {
        image_id,
        job_id: JobId::generate(now).unwrap(),
        owner: OwnerId::DEFAULT,
        file_name: Some("a cup of coffee.jpeg".into()),
        original: StoredOriginal {
            sha256: Sha256::of(image_id.to_string().as_bytes()),
            bytes: 1_234_567,
            media_type: "image/jpeg".into(),
            width: 4000,
            height: 3000,
        },
        request: Document(json!({ "version": 1, "format": "keep", "target": { "ssimulacra2": 80 } })),
        request_key: RequestKey(Sha256::of(image_id.to_string().as_bytes())),
        max_attempts: 3,
        priority: Priority::Normal,
        trace: None,
        now,
    }
}

fn variant() -> Variant {
    Variant {
        sha256: Sha256::of(b"variant"),
        bytes: 234_567,
        media_type: "image/jpeg".into(),
        width: 4000,
        height: 3000,
        outcome: VariantOutcome::Compressed,
        reason: None,
        score: Some(80.4),
        report: Document(json!({ "version": 1, "trials": vec![json!({ "quality": 74, "score": 80.4 }); 8] })),
    }
}

/// Claim, start, succeed, ack: four commits.
async fn work(store: &Backends) -> bool {
    let claim = store.queue.claim("throughput", Duration::from_secs(60)).await.unwrap();
    let Some(claim) = claim else { return false };
    let lease = claim.lease;
    let now = SystemClock.now();
    let start = Transition::Start { lease, over: None };
    store.jobs.transition(claim.job_id, start, now).await.unwrap().unwrap();
    let end = Transition::Succeed { lease, variant: Box::new(variant()), announce_until: None };
    store.jobs.transition(claim.job_id, end, now).await.unwrap().unwrap();
    store.queue.ack(claim).await.unwrap()
}

async fn measure(store: &Backends, tasks: u64) {
    let start = Instant::now();
    let left = Arc::new(AtomicU64::new(0));
    join_all((0..tasks).map(|_| {
        let (store, left) = (store.clone(), left.clone());
        tokio::spawn(async move {
            while left.fetch_add(1, Ordering::Relaxed) < JOBS {
                store.images.create_upload(upload()).await.unwrap();
            }
        })
    }))
    .await;
    let uploads = JOBS as f64 / start.elapsed().as_secs_f64();

    let start = Instant::now();
    join_all((0..tasks).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { while work(&store).await {} })
    }))
    .await;
    let jobs = JOBS as f64 / start.elapsed().as_secs_f64();
    println!("{tasks} at a time: {uploads:.0} uploads/s; {jobs:.0} jobs/s (claim, start, succeed, ack)");
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let metadata = arguments.next().unwrap_or_else(|| "sqlite:target/throughput/demitasse.db".into());
    let done: u64 = arguments.next().map_or(0, |done| done.parse().unwrap());
    let store = connect(&BackendUrls { metadata, ..BackendUrls::memory() }).await.unwrap();
    for _ in 0..done {
        store.images.create_upload(upload()).await.unwrap();
        work(&store).await;
    }
    for tasks in [1, 8] {
        measure(&store, tasks).await;
    }
}
