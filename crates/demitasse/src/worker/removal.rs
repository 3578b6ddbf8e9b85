//! Removes the blobs that no row names any more. Why none is lost: `deletion` of `demitasse-core`.
//!
//! | step | leaves behind | if we die here |
//! |---|---|---|
//! | begin: mark what is listed for long enough and not named | blobs that cannot be held | after [`ABANDONED`] another sweep goes on |
//! | delete the blob | a mark of what is gone | the same; there is nothing left to delete |
//! | end | nothing | - |

use std::time::{Duration, Instant};

use demitasse_core::{ErrorKind, Removal, StoreError};

use super::Worker;
use super::retention::delete_expired;
use crate::failpoint;

/// Blobs that are begun at a time.
const BATCH: usize = 100;

/// When a removal that was begun and not ended is taken for cut off.
const ABANDONED: Duration = Duration::from_secs(20 * 60);

/// How long after a removal was begun its blob may still be deleted: with the time that the slowest store takes for it, and
/// its retries, this is well below [`ABANDONED`], so that nobody deletes what somebody else has taken over.
const BEGUN_RECENTLY: Duration = Duration::from_secs(5 * 60);

/// Removes what is due now; gives how many.
pub(crate) async fn remove_blobs(worker: &Worker) -> Result<usize, StoreError> {
    let mut removed = 0;
    loop {
        let (began, began_at) = (Instant::now(), worker.clock.now());
        let grace = failpoint::time("removal.grace", worker.space.blob_grace);
        let abandoned = failpoint::time("removal.abandoned", ABANDONED);
        let recently = failpoint::time("removal.recently", BEGUN_RECENTLY);
        let removals = worker.backends.deletions.begin_removals(grace, abandoned, BATCH).await?;
        if !removals.is_empty() {
            failpoint::hit("removal.begun");
        }
        let is_last = removals.len() < BATCH;
        for removal in removals {
            // By two clocks: the first stands still while the machine sleeps, the second may be set back.
            let slept = Duration::try_from(worker.clock.now().duration_since(began_at));
            if began.elapsed() > recently || slept.is_ok_and(|slept| slept > recently) {
                tracing::warn!("removing blobs takes long; the rest is left to a later sweep");
                return Ok(removed);
            }
            removed += usize::from(remove(worker, removal).await?);
        }
        if is_last || worker.stopping.is_cancelled() {
            return Ok(removed);
        }
    }
}

async fn remove(worker: &Worker, removal: Removal) -> Result<bool, StoreError> {
    let deleted = worker.backends.blobs.delete(removal.key).await;
    failpoint::hit("removal.deleted");
    match deleted {
        Ok(()) => {
            worker.backends.deletions.end_removal(removal, true).await?;
            worker.metrics.blob_removed();
            tracing::debug!(blob = %removal.key, "removed");
            Ok(true)
        }
        // The call may have been heard and not answered: nobody may store these bytes before that is settled.
        Err(error) if error.kind == ErrorKind::Unavailable => Err(error),
        Err(error) => {
            tracing::error!(%error, source = ?error.source, "a blob that nothing names cannot be removed");
            worker.backends.deletions.end_removal(removal, false).await?;
            Ok(false)
        }
    }
}

/// Deletes what is older than it may be, removes what nothing names, and tidies the metrics, until the server stops.
pub(crate) async fn tidy_regularly(worker: &Worker) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(worker.config.sweep) => {}
            () = worker.stopping.cancelled() => return,
        }
        worker.metrics.tidy();
        match delete_expired(worker).await {
            Ok(0) => {}
            Ok(deleted) => tracing::info!(deleted, "images older than --retain-for were deleted"),
            Err(error) => tracing::warn!(%error, "deleting old images was cut off; it comes again"),
        }
        match remove_blobs(worker).await {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, "blobs that nothing named were removed"),
            Err(error) => tracing::warn!(%error, "the removal of blobs was cut off; it comes again"),
        }
    }
}
