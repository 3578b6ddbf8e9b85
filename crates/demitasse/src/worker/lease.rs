//! Keeps a claim alive while its job runs.

use std::sync::Arc;
use std::time::Duration;

use demitasse_core::{Claim, JobQueue};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Heartbeats until it is dropped.
pub(super) struct Heartbeat {
    task: JoinHandle<()>,
    /// Fires when the lease is lost: somebody else has the job.
    pub(super) lost: CancellationToken,
}

impl Heartbeat {
    /// Extends `claim` each third of `lease`. A queue that cannot be asked is asked again: the lease may outlast it.
    pub(super) fn start(queue: Arc<dyn JobQueue>, claim: Claim, lease: Duration) -> Self {
        let lost = CancellationToken::new();
        let tell = lost.clone();
        let task = tokio::spawn(async move {
            loop {
                tokio::time::sleep(lease / 3).await;
                match queue.heartbeat(claim, lease).await {
                    Ok(true) => {}
                    Ok(false) => return tell.cancel(),
                    Err(error) => tracing::warn!(%error, job = %claim.job_id, "a heartbeat failed"),
                }
            }
        });
        Self { task, lost }
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.task.abort();
    }
}
