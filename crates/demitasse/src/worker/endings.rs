//! How an attempt at a job ends: what is written down, who is told, and what becomes of the claim.

use std::time::{Duration, Instant};

use demitasse_core::{
    Claim, Failure, ImageRecord, Job, JobState, LeaseId, StoreError, Transition, Upload, Variant,
};
use tempfile::TempPath;
use tokio::sync::OwnedMutexGuard;

use super::Worker;
use super::fault::{Fault, failure};
use super::retry::{backoff, jitter};
use crate::accept::publish;
use crate::failpoint;
use crate::hold::Hold;
use crate::metrics::JobEnd;

/// A result, while whoever waits for the same work still waits: its row is what they look for.
pub(super) struct Made {
    pub(super) variant: Variant,
    /// Keeps its blob until it is named.
    pub(super) hold: Hold,
    /// Its bytes, by which the next start finds the blob if we die before it is named.
    pub(super) spool: Option<TempPath>,
    /// The image, whose original is stored now.
    pub(super) image: ImageRecord,
    pub(super) end: JobEnd,
    pub(super) alone: OwnedMutexGuard<()>,
}

/// Makes the result visible and tells whoever asked.
pub(super) async fn succeed(
    worker: &Worker,
    claim: Claim,
    upload: &Upload,
    Made { variant, hold, spool, image, end, alone }: Made,
    began: Instant,
) -> Result<(), StoreError> {
    let bytes = variant.bytes;
    let announce_until = worker.announcer.deadline(upload).await;
    let succeed = Transition::Succeed { lease: claim.lease, variant: Box::new(variant), announce_until };
    hold.check()?;
    let Some(job) = worker.backends.jobs.transition(upload.job.id, succeed, worker.clock.now()).await? else {
        hold.abandon().await;
        return superseded(worker, claim, began).await;
    };
    drop((alone, spool));
    failpoint::hit("job.finished");
    let ended = Upload { image, job };
    publish(&worker.backends, &ended).await;
    worker.announcer.announce(&ended);
    failpoint::hit("job.published");
    let job = ended.job;
    worker.metrics.job_ended(end, began.elapsed());
    let original = ended.image.original.stored().map_or(bytes, |original| original.bytes);
    worker.metrics.delivered(
        original,
        bytes,
        worker.clock.now().duration_since(job.created_at).as_secs_f64(),
    );
    tracing::info!(job = %job.id, attempt = job.attempt, outcome = ?end, bytes, took = ?began.elapsed(), "job done");
    worker.backends.queue.ack(claim).await.map(drop)
}

/// The row is no longer ours: cancelled, deleted, or another worker's.
async fn superseded(worker: &Worker, claim: Claim, began: Instant) -> Result<(), StoreError> {
    let row = worker.backends.jobs.job(claim.job_id).await?;
    let has_ended = row.is_none_or(|upload| upload.job.state.is_terminal());
    worker.metrics.job_ended(if has_ended { JobEnd::Cancelled } else { JobEnd::Lost }, began.elapsed());
    if has_ended {
        worker.backends.queue.ack(claim).await?;
    }
    Ok(())
}

/// Fails the job and tells whoever asked.
async fn fail(worker: &Worker, upload: &Upload, lease: LeaseId, failure: Failure) -> Result<(), StoreError> {
    let announce_until = worker.announcer.deadline(upload).await;
    let fail = Transition::Fail { lease, failure, announce_until };
    if let Some(job) = transition(worker, upload, fail).await? {
        worker.announcer.announce(&Upload { image: upload.image.clone(), job });
    }
    Ok(())
}

/// Writes down how the attempt failed, and gives the claim back or up.
pub(super) async fn settle(
    worker: &Worker,
    claim: Claim,
    upload: &Upload,
    fault: Fault,
    began: Instant,
) -> Result<(), StoreError> {
    let (lease, queue, job) = (claim.lease, &worker.backends.queue, &upload.job);
    let end = match fault {
        Fault::Lost => {
            tracing::warn!(job = %job.id, "the lease was lost; the result is dropped");
            JobEnd::Lost
        }
        Fault::Cancelled => {
            queue.ack(claim).await?;
            JobEnd::Cancelled
        }
        Fault::Stopping => {
            transition(worker, upload, Transition::Release { lease }).await?;
            queue.nack(claim, Duration::ZERO).await?;
            JobEnd::Released
        }
        Fault::Retry(failure) if job.has_attempts_left() => {
            tracing::warn!(job = %job.id, attempt = job.attempt, code = failure.code, "the job will be tried again");
            transition(worker, upload, Transition::Retry { lease, failure }).await?;
            queue.nack(claim, backoff(worker.config.retry_delay, job.attempt, jitter())).await?;
            JobEnd::Retried
        }
        Fault::Retry(failure) | Fault::Fail(failure) => {
            tracing::warn!(job = %job.id, attempt = job.attempt, code = failure.code, "the job failed");
            fail(worker, upload, lease, failure).await?;
            queue.ack(claim).await?;
            JobEnd::Failed
        }
    };
    worker.metrics.job_ended(end, began.elapsed());
    Ok(())
}

/// Ends a job whose last allowed attempt died without a word. The row still names that attempt's lease.
pub(super) async fn give_up(
    worker: &Worker,
    claim: Claim,
    upload: &Upload,
    began: Instant,
) -> Result<(), StoreError> {
    if let (JobState::Running, Some(lease)) = (upload.job.state, upload.job.lease) {
        let detail = "The server stopped each time while it worked on this image; upload it again, or try another copy.";
        fail(worker, upload, lease, failure("crashed", detail)).await?;
        worker.metrics.job_ended(JobEnd::Failed, began.elapsed());
    }
    worker.backends.queue.bury(claim).await.map(drop)
}

/// Applies a transition and tells whoever listens.
pub(super) async fn transition(
    worker: &Worker,
    upload: &Upload,
    transition: Transition,
) -> Result<Option<Job>, StoreError> {
    let changed = worker.backends.jobs.transition(upload.job.id, transition, worker.clock.now()).await?;
    if let Some(job) = &changed {
        publish(&worker.backends, &Upload { image: upload.image.clone(), job: job.clone() }).await;
    }
    Ok(changed)
}
