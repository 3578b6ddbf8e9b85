//! Keeps a claim alive while its job runs.

use std::time::Duration;

use demitasse_backends::Backends;
use demitasse_core::{Claim, StoreError};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Heartbeats until it is dropped.
pub(super) struct Heartbeat {
    task: JoinHandle<()>,
    /// Fires when the lease is lost: somebody else has the job.
    pub(super) lost: CancellationToken,
}

impl Heartbeat {
    /// Extends `claim` each third of `lease`. A queue that cannot be asked is asked again: the lease may outlast it. One that
    /// no longer knows the claim does not decide: it may have lost its memory, and the row is the truth.
    pub(super) fn start(backends: Backends, claim: Claim, lease: Duration) -> Self {
        let lost = CancellationToken::new();
        let tell = lost.clone();
        let task = tokio::spawn(async move {
            loop {
                tokio::time::sleep(lease / 3).await;
                let beat = match backends.queue.heartbeat(claim, lease).await {
                    Ok(true) => Ok(true),
                    Ok(false) => is_ours(&backends, claim).await,
                    Err(error) => Err(error),
                };
                match beat {
                    Ok(true) => {}
                    Ok(false) => return tell.cancel(),
                    Err(error) => tracing::warn!(%error, job = %claim.job_id, "a heartbeat failed"),
                }
            }
        });
        Self { task, lost }
    }
}

/// Whether the row still runs under the lease of `claim`.
async fn is_ours(backends: &Backends, claim: Claim) -> Result<bool, StoreError> {
    let row = backends.jobs.job(claim.job_id).await?;
    Ok(row.is_some_and(|upload| upload.job.lease == Some(claim.lease)))
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.task.abort();
    }
}
