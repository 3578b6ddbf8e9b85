//! The ports to the metadata store: the rows that are the truth.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    ImageId, Job, JobId, NewUpload, OwnerId, RequestKey, Sequence, StoreError, Transition, Upload, Variant,
};

/// Images, written once and read often.
#[async_trait]
pub trait ImageStore: Send + Sync + 'static {
    /// Stores image and job, both or neither, and gives them the next sequence number. Durable when it returns.
    ///
    /// In an embedded store the job is enqueued in the same transaction.
    ///
    /// # Errors
    /// `Conflict` if one of the ids exists already; nothing is changed then.
    async fn create_upload(&self, upload: NewUpload) -> Result<Upload, StoreError>;

    /// The image with its job, or `None` if `owner` has no such image.
    async fn image(&self, owner: OwnerId, id: ImageId) -> Result<Option<Upload>, StoreError>;

    /// At most `limit` of the owner's images with a sequence number above `after`, oldest first.
    async fn images_after(
        &self,
        owner: OwnerId,
        after: Option<Sequence>,
        limit: usize,
    ) -> Result<Vec<Upload>, StoreError>;

    /// At most `limit` of the owner's images with a sequence number below `before`, newest first.
    async fn images_before(
        &self,
        owner: OwnerId,
        before: Option<Sequence>,
        limit: usize,
    ) -> Result<Vec<Upload>, StoreError>;
}

/// Jobs and their states.
#[async_trait]
pub trait JobStore: Send + Sync + 'static {
    /// The job, whoever owns it, or `None`. (A worker serves every owner; the HTTP layer asks [`JobStore::job_of`].)
    async fn job(&self, id: JobId) -> Result<Option<Upload>, StoreError>;

    /// The job with its image, or `None` if `owner` has no such job.
    async fn job_of(&self, owner: OwnerId, id: JobId) -> Result<Option<Upload>, StoreError> {
        Ok(self.job(id).await?.filter(|upload| upload.job.owner == owner))
    }

    /// Applies `transition` if, and only if, [`Transition::next`] allows it from the job's present row: a
    /// compare-and-set. Gives the changed job, or `None` if nothing was changed. Durable when it returns.
    ///
    /// `now` becomes `updated_at`.
    async fn transition(
        &self,
        id: JobId,
        transition: Transition,
        now: Timestamp,
    ) -> Result<Option<Job>, StoreError>;

    /// A variant that an earlier job made for the same work, if there is one.
    async fn variant_for(&self, key: RequestKey) -> Result<Option<Variant>, StoreError>;

    /// At most `limit` jobs that are not in a terminal state, with a sequence number above `after`, oldest first: what
    /// the sweep compares with the queue.
    async fn unfinished(&self, after: Option<Sequence>, limit: usize) -> Result<Vec<Job>, StoreError>;
}
