//! What a deletion leaves behind, step by step; a crash between any two steps is safe.
//!
//! | step | leaves behind | if we die here |
//! |---|---|---|
//! | take the job off the original's list, if it runs beside us | a job that the sweep gives again | the same |
//! | delete the rows | blobs on the list of those that may have to go | pages show the image until they are loaded again; a worker drops what it has made |
//! | publish | nothing | - |
//!
//! The blobs go later, by `worker::removal`. The job's entry in the queue stays until it is claimed.

use demitasse_backends::Backends;
use demitasse_core::{ImageId, Job, JobState, OwnerId, StoreError, Upload};

use crate::accept::publish;
use crate::bridge::Bridge;
use crate::failpoint;
use crate::metrics::{Deleted, Metrics};

/// What it takes to delete.
pub(crate) struct Deletion<'a> {
    pub(crate) backends: &'a Backends,
    pub(crate) metrics: &'a Metrics,
    pub(crate) bridge: Option<&'a Bridge>,
}

impl Deletion<'_> {
    /// Deletes the image, its job and its result, and tells whoever listens; `false` if `owner` has no such image.
    pub(crate) async fn delete(&self, owner: OwnerId, id: ImageId, why: Deleted) -> Result<bool, StoreError> {
        if let Some(bridge) = self.bridge {
            let Some(found) = self.backends.images.image(owner, id).await? else { return Ok(false) };
            if !found.job.state.is_terminal() {
                bridge.withdraw(found.job.id).await;
            }
        }
        failpoint::hit("delete.begun");
        let Some(Upload { image, job }) = self.backends.deletions.delete_image(owner, id).await? else {
            return Ok(false);
        };
        failpoint::hit("delete.deleted");
        // Workers of any version stop; whoever reads the row finds none.
        publish(self.backends, &Upload { image, job: Job { state: JobState::Cancelled, ..job } }).await;
        self.metrics.deleted(why);
        Ok(true)
    }
}
