//! Repairs the queue from the rows, which are the truth.

use std::time::Duration;

use demitasse_core::{Claim, Job, JobState, Sequence, StoreError, Ticket};

use super::Worker;

/// Rows looked at in one go.
const PAGE: usize = 500;

/// Puts every unfinished job into the queue; those that are in it stay as they are. Those that are the original's worker's
/// to do are given to it.
pub(crate) async fn sweep(worker: &Worker) -> Result<(), StoreError> {
    let mut unfinished = Unfinished::default();
    while let Some(jobs) = unfinished.next(worker).await? {
        let jobs = match &worker.bridge {
            Some(bridge) => bridge.keep_ours(jobs).await?,
            None => jobs,
        };
        for job in jobs {
            worker.backends.queue.enqueue(Ticket::from(&job)).await?;
        }
        worker.wake.notify_one();
    }
    Ok(())
}

/// Sweeps until the server stops.
pub(crate) async fn sweep_regularly(worker: &Worker) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(worker.config.sweep) => {}
            () = worker.stopping.cancelled() => return,
        }
        if let Err(error) = sweep(worker).await {
            tracing::warn!(%error, "the sweep failed; it comes again");
        }
    }
}

/// Ends the leases that a dead process left behind, so that its jobs need not wait for them to run out. Right only where
/// this process is the only one on the store, which the embedded stores guarantee by a lock: the row of a running job
/// names its lease.
pub(crate) async fn release_orphans(worker: &Worker) -> Result<(), StoreError> {
    let mut unfinished = Unfinished::default();
    while let Some(jobs) = unfinished.next(worker).await? {
        for job in jobs {
            let (JobState::Running, Some(lease)) = (job.state, job.lease) else { continue };
            let claim = Claim { job_id: job.id, lease, deliveries: job.attempt };
            worker.backends.queue.nack(claim, Duration::ZERO).await?;
            tracing::info!(job = %job.id, attempt = job.attempt, "taking over a job that was cut off");
        }
    }
    Ok(())
}

/// The unfinished jobs, page by page.
#[derive(Default)]
struct Unfinished {
    after: Option<Sequence>,
}

impl Unfinished {
    async fn next(&mut self, worker: &Worker) -> Result<Option<Vec<Job>>, StoreError> {
        let jobs = worker.backends.jobs.unfinished(self.after, PAGE).await?;
        let Some(last) = jobs.last() else { return Ok(None) };
        self.after = Some(last.sequence);
        Ok(Some(jobs))
    }
}
