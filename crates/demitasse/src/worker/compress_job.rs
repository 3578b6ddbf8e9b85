//! One job, from claim to acknowledgement; a crash between any two steps is safe.
//!
//! | step | leaves behind | if we die here |
//! |---|---|---|
//! | claim | a lease | it runs out, the job is claimed again |
//! | start | attempt n | the same, and the attempt counts |
//! | fetch the original, if another program keeps it | a blob, then the row that names it | the same; it is fetched once |
//! | wait for memory, compress in a child process | nothing | the same |
//! | hold the variant's blob | nothing | - |
//! | put the variant | a blob nobody names | the same; same bytes, same blob |
//! | succeed | the variant, visible with its receipt | the next claim finds it done |
//! | publish | nothing | clients refetch |
//! | acknowledge | an empty queue | - |

use std::time::Instant;

use demitasse_core::{
    BlobBody, BlobKey, BlobKind, BlobSource, Claim, Document, ErrorKind, JobId, JobState, StoreError,
    Transition, Upload, Variant, VariantOutcome,
};
use demitasse_engine::{Outcome, Request};
use futures_util::future::BoxFuture;
use tokio::sync::broadcast::error::RecvError;
use tracing::Instrument;

use super::Worker;
use super::endings::{Made, give_up, settle, succeed, transition};
use super::engine_child::{Finished, InputImage};
use super::fault::{Fault, failure};
use super::lease::Heartbeat;
use super::originals;
use crate::failpoint;
use crate::hold::Hold;
use crate::http::sentence;
use crate::metrics::{JobEnd, Step};
use crate::telemetry::join_trace;

/// Does the job of `claim`.
///
/// # Errors
/// A store could not be asked; the claim is left to run out.
pub(super) async fn compress_job(worker: &Worker, claim: Claim) -> Result<(), StoreError> {
    failpoint::hit("job.claimed");
    let began = Instant::now();
    let Some(upload) = worker.backends.jobs.job(claim.job_id).await? else {
        return worker.backends.queue.ack(claim).await.map(drop);
    };
    if upload.job.state.is_terminal() {
        return worker.backends.queue.ack(claim).await.map(drop);
    }
    // The queue hands it out for the first time, and somebody works on it: the queue has lost what it knew. Whoever is at
    // it has a lease's time to end it; if they died with the queue's memory, the next delivery takes over.
    if upload.job.state == JobState::Running && claim.deliveries == 1 {
        return worker.backends.queue.nack(claim, worker.config.lease).await.map(drop);
    }
    if !upload.job.has_attempts_left() {
        return give_up(worker, claim, &upload, began).await;
    }
    let over = upload.job.lease;
    // The row names another claim's lease. That one is older than ours if ours is still held now that the row was read.
    if over.is_some() && !worker.backends.queue.heartbeat(claim, worker.config.lease).await? {
        return Ok(());
    }
    let start = Transition::Start { lease: claim.lease, over };
    let Some(job) = transition(worker, &upload, start).await? else {
        return worker.backends.queue.nack(claim, worker.config.lease).await.map(drop);
    };
    failpoint::hit("job.started");
    let upload = Upload { image: upload.image, job };

    let span = tracing::info_span!("job", job = %upload.job.id, attempt = upload.job.attempt);
    join_trace(&span, upload.job.trace.as_deref());
    let work = async {
        match attempt(worker, claim, &upload).await {
            Ok(made) => succeed(worker, claim, &upload, made, began).await,
            Err(fault) => settle(worker, claim, &upload, fault, began).await,
        }
    };
    work.instrument(span).await
}

/// The work itself, under a heartbeat, until it is done, the lease is lost or the server stops.
async fn attempt(worker: &Worker, claim: Claim, upload: &Upload) -> Result<Made, Fault> {
    let cancelled = cancellation(worker, upload.job.id);
    let heartbeat = Heartbeat::start(worker.backends.clone(), claim, worker.config.lease);
    tokio::select! {
        done = variant(worker, upload) => done,
        () = heartbeat.lost.cancelled() => Err(Fault::Lost),
        () = cancelled => Err(Fault::Cancelled),
        () = worker.giving_up.cancelled() => Err(Fault::Stopping),
    }
}

/// Completes when the job's owner takes it back.
fn cancellation(worker: &Worker, job: JobId) -> impl Future<Output = ()> + use<> {
    let mut cancelled = worker.cancelled.subscribe();
    async move {
        loop {
            match cancelled.recv().await {
                Ok(id) if id == job => return,
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return std::future::pending().await,
            }
        }
    }
}

/// The variant of an earlier job for the same work, or a new one.
async fn variant(worker: &Worker, upload: &Upload) -> Result<Made, Fault> {
    let upload = &originals::stored(worker, upload).await?;
    let alone = worker.single_flight.enter(upload.job.request_key).await;
    if let Some(variant) = worker.backends.jobs.variant_for(upload.job.request_key).await?
        && made_by_this_engine(&variant)
    {
        let hold = hold_result(worker, &variant).await?;
        let key = BlobKey { kind: BlobKind::Variant, sha256: variant.sha256 };
        if worker.backends.blobs.head(key).await?.is_some() {
            let (image, end) = (upload.image.clone(), JobEnd::Reused);
            return Ok(Made { variant, hold, spool: None, image, end, alone });
        }
    }
    let finished = compress(worker, upload).await?;
    let format = finished.report.input.format.media_type();
    worker.metrics.step(Step::Engine, format, finished.took);
    failpoint::hit("job.compressed");

    let variant = describe(&finished)?;
    let key = BlobKey { kind: BlobKind::Variant, sha256: variant.sha256 };
    if failpoint::hit("job.put").is_some() {
        return Err(StoreError::new(ErrorKind::Full, "failpoint", key.to_string()).into());
    }
    let store = Instant::now();
    let hold = hold_result(worker, &variant).await?;
    let spool = worker.originals.spool_variant(finished.bytes).await?;
    hold.put(BlobSource::File(spool.to_path_buf())).await?;
    worker.metrics.step(Step::Store, format, store.elapsed());
    failpoint::hit("job.stored");
    let end = match variant.outcome {
        VariantOutcome::Compressed => JobEnd::Compressed,
        VariantOutcome::KeptOriginal => JobEnd::KeptOriginal,
    };
    Ok(Made { variant, hold, spool: Some(spool), image: upload.image.clone(), end, alone })
}

async fn hold_result(worker: &Worker, variant: &Variant) -> Result<Hold, StoreError> {
    let key = BlobKey { kind: BlobKind::Variant, sha256: variant.sha256 };
    Hold::take(&worker.backends, &worker.clock, key).await
}

/// The key names the engine of the API that accepted the job. While versions run side by side, a worker of another may
/// have made the result; the receipt says so.
fn made_by_this_engine(variant: &Variant) -> bool {
    variant.report.0["engine"] == demitasse_engine::VERSION
}

async fn compress(worker: &Worker, upload: &Upload) -> Result<Finished, Fault> {
    let Some(original) = upload.image.original.stored() else {
        return Err(Fault::Retry(failure(
            "internal",
            "The image was not fetched; the cause is in the server's log.",
        )));
    };
    let key = BlobKey { kind: BlobKind::Original, sha256: original.sha256 };
    let request: Request = upload.job.request.read().map_err(|error| {
        Fault::Fail(failure("invalid_request", format!("The stored request cannot be read: {error}.")))
    })?;
    let body = || -> BoxFuture<'_, Result<BlobBody, Fault>> {
        Box::pin(async move {
            worker.backends.blobs.get(key, None).await?.ok_or_else(|| {
                Fault::Fail(failure(
                    "internal",
                    "The uploaded bytes are gone from the store; upload the image again.",
                ))
            })
        })
    };
    let (attempt, image) = (upload.job.attempt, InputImage::of(original));
    worker.engine.compress(request, attempt, image, &body, || worker.metrics.engine_run()).await
}

fn describe(finished: &Finished) -> Result<Variant, Fault> {
    let report = &finished.report;
    let defect =
        |error: String| Fault::Fail(failure("internal", format!("The report cannot be kept: {error}.")));
    Ok(Variant {
        sha256: report
            .output
            .sha256
            .parse()
            .map_err(|error: demitasse_core::ParseIdError| defect(error.to_string()))?,
        bytes: report.output.bytes,
        media_type: report.output.format.media_type().into(),
        width: report.output.width,
        height: report.output.height,
        outcome: match report.outcome {
            Outcome::Compressed => VariantOutcome::Compressed,
            Outcome::KeptOriginal => VariantOutcome::KeptOriginal,
        },
        reason: report.reason.as_ref().map(|reason| sentence(&reason.detail)),
        score: report.score.as_ref().map(|score| score.value.0),
        report: Document::from_value(report).map_err(|error| defect(error.to_string()))?,
    })
}
