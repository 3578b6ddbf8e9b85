//! The loop of one worker.

use std::sync::Arc;

use super::Worker;
use super::compress_job::compress_job;

/// Works until the server stops: claims the oldest job, does it, claims the next. Idle, it sleeps until an enqueue wakes
/// it; the queue's own news, or a look from time to time, find retries whose time has come and the jobs of other
/// processes.
pub(crate) async fn run(worker: Arc<Worker>, name: String) {
    while !worker.stopping.is_cancelled() {
        if work_once(&worker, &name).await {
            continue;
        }
        tokio::select! {
            () = worker.wake.notified() => {}
            () = worker.backends.queue.wait(worker.config.poll) => {}
            () = worker.stopping.cancelled() => {}
        }
    }
}

/// Does every job that is ready now; for tests.
pub(crate) async fn run_pending(worker: &Worker, name: &str) {
    while work_once(worker, name).await {}
}

/// Claims one job and does it; `false` if there was none.
async fn work_once(worker: &Worker, name: &str) -> bool {
    let claim = match worker.backends.queue.claim(name, worker.config.lease).await {
        Ok(Some(claim)) => claim,
        Ok(None) => return false,
        Err(error) => {
            tracing::error!(%error, "no job can be claimed");
            return false;
        }
    };
    // Two enqueues close together may have left one ring; whoever got it passes it on.
    worker.wake.notify_one();
    let _busy = worker.metrics.busy();
    if let Err(error) = compress_job(worker, claim).await {
        // The lease runs out by itself and the job comes again.
        tracing::error!(%error, source = ?error.source, job = %claim.job_id, "a job could not be brought to an end");
    }
    true
}
