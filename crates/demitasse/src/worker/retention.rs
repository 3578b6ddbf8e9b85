//! Deletes what is older than it may be, through the same door as everyone.

use jiff::SignedDuration;

use demitasse_core::StoreError;

use super::Worker;
use crate::delete::Deletion;
use crate::metrics::Deleted;

/// Images that are looked for at a time.
const BATCH: usize = 100;

/// Deletes the images that were accepted longer ago than they are kept, oldest first; gives how many.
pub(crate) async fn delete_expired(worker: &Worker) -> Result<usize, StoreError> {
    let retain_for = worker.space.retain_for.and_then(|duration| SignedDuration::try_from(duration).ok());
    let Some(before) = retain_for.and_then(|duration| worker.clock.now().checked_sub(duration).ok()) else {
        return Ok(0);
    };
    let deletion =
        Deletion { backends: &worker.backends, metrics: &worker.metrics, bridge: worker.bridge.as_deref() };
    let mut deleted = 0;
    loop {
        let expired = worker.backends.deletions.accepted_before(before, BATCH).await?;
        let so_far = deleted;
        for (owner, image) in &expired {
            if worker.stopping.is_cancelled() {
                return Ok(deleted);
            }
            deleted += usize::from(deletion.delete(*owner, *image, Deleted::Retention).await?);
        }
        // Others may delete the same at the same time.
        if expired.len() < BATCH || deleted == so_far {
            return Ok(deleted);
        }
    }
}
