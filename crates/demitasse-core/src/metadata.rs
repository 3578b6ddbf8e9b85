//! The ports to the metadata store: the rows that are the truth.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    ImageId, Job, JobId, NewUpload, OwnerId, RequestKey, Sequence, StoreError, StoredOriginal, Transition,
    Upload, Variant,
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
    /// compare-and-set. Gives the changed job, or `None` if nothing was changed. Durable when it returns. What others changed
    /// right after may be in it, and a start that was superseded at once may be `None`.
    ///
    /// `now` becomes `updated_at`.
    async fn transition(
        &self,
        id: JobId,
        transition: Transition,
        now: Timestamp,
    ) -> Result<Option<Job>, StoreError>;

    /// The variant that the latest job of the same work to be accepted was given, of those that have one.
    async fn variant_for(&self, key: RequestKey) -> Result<Option<Variant>, StoreError>;

    /// At most `limit` jobs whose announcement is pending and due at `now`, those that are due for longest first.
    async fn unannounced(&self, now: Timestamp, limit: usize) -> Result<Vec<Job>, StoreError>;

    /// At most `limit` dead letters ([`Job::is_dead_letter`]), whoever owns them, with a sequence number below `before`, newest
    /// first.
    async fn dead_letters(&self, before: Option<Sequence>, limit: usize) -> Result<Vec<Upload>, StoreError>;

    /// At most `limit` jobs that are not in a terminal state, with a sequence number above `after`, oldest first: what
    /// the sweep compares with the queue.
    async fn unfinished(&self, after: Option<Sequence>, limit: usize) -> Result<Vec<Job>, StoreError>;
}

/// Rows that another program writes into the same store: the original service, whose collections a MongoDB store shares.
/// A store that nobody else writes to has none of this.
#[async_trait]
pub trait SharedRows: Send + Sync + 'static {
    /// Takes in at most `limit` images and jobs that the other program wrote since: gives each the next sequence number
    /// and what our own rows have. Also takes note of jobs that the other program has ended since they were taken in. Gives
    /// what it took in or noted; an empty list means that nothing is left. Idempotent: a crash between any two writes leaves
    /// rows that the next call completes.
    async fn adopt(&self, limit: usize) -> Result<Vec<Upload>, StoreError>;

    /// Takes in the image and job with these ids, or gives them as they are if they were taken in before; `None` if the
    /// other program has not written both. The caller has been given the job: if it was lent ([`SharedRows::lend`]), it
    /// no longer is.
    async fn adopt_one(&self, image: ImageId, job: JobId) -> Result<Option<Upload>, StoreError>;

    /// Says where the bytes of an external original are stored now; the key is of the work on them. `None` if there is
    /// no such image.
    async fn attach_original(
        &self,
        image: ImageId,
        original: StoredOriginal,
        key: RequestKey,
    ) -> Result<Option<Upload>, StoreError>;

    /// The other program's worker has made the variant at `url`, or has failed (`None`): an unfinished job ends so, and
    /// its announcement is due at once. Gives the changed job, or `None` if it had ended before or does not exist.
    async fn end_elsewhere(
        &self,
        job: JobId,
        url: Option<String>,
        now: Timestamp,
    ) -> Result<Option<Job>, StoreError>;

    /// Leaves the job to the other program's worker until the given time, counted as an attempt if `attempt` says so:
    /// until then [`JobStore::unfinished`] does not list it. A job that is taken in while it waits for the other program
    /// is lent as if it had been lent when it was made. `None` if it has ended, or an attempt of ours runs.
    async fn lend(&self, job: JobId, until: Timestamp, attempt: bool) -> Result<Option<Upload>, StoreError>;

    /// The addresses that the other program reads in the image's row.
    fn addresses(&self, upload: &Upload) -> SharedAddresses;
}

/// Where another program finds an image's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedAddresses {
    /// The original's; a path where neither the store nor the configuration knows a public address.
    pub original: String,
    /// The result's; `None` while there is none.
    pub result: Option<String>,
}

/// Somewhere that wants to be told when a job ends: a browser's push subscription (RFC 8030, RFC 8291).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// Whose jobs it hears of.
    pub owner: OwnerId,
    /// Where messages are posted: an address that a client gave, and unique among subscriptions.
    pub endpoint: String,
    /// The client's public key, unpadded base64url of 65 bytes.
    pub p256dh: String,
    /// The shared secret, unpadded base64url of 16 bytes.
    pub auth: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Push subscriptions.
#[async_trait]
pub trait SubscriptionStore: Send + Sync + 'static {
    /// Keeps the subscription; one with the same endpoint is replaced. Durable when it returns.
    async fn subscribe(&self, subscription: Subscription) -> Result<(), StoreError>;

    /// The owner's subscriptions, in no order.
    async fn subscriptions(&self, owner: OwnerId) -> Result<Vec<Subscription>, StoreError>;

    /// Forgets the subscription with this endpoint; `false` if there was none.
    async fn unsubscribe(&self, endpoint: &str) -> Result<bool, StoreError>;
}

/// Values that every process on the store must agree on, such as keys that are generated once.
#[async_trait]
pub trait SettingStore: Send + Sync + 'static {
    /// The value under `name`; if there is none, `value` becomes it. Of concurrent callers one sets it and all get that
    /// one. Durable when it returns.
    async fn setting_or_insert(&self, name: &str, value: String) -> Result<String, StoreError>;
}
