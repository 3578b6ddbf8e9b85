//! The port to deletion: images that go, and the blobs that no row names any more.
//!
//! Blobs are shared: a hundred uploads of the same bytes name one blob, and equal work shares its result. So a blob is
//! never removed together with an image. A deletion puts the image's blobs on a list; whoever sweeps the list removes
//! those that have been on it for a grace period and that no row names.
//!
//! # Why no blob is removed that a row names, or is about to
//! Names are rows, and only rows: no count is kept that could be wrong.
//!
//! | who | does, in this order |
//! |---|---|
//! | whoever is about to name a blob (an upload, a worker with a result) | 1. [`DeletionStore::hold`]; 2. [`crate::BlobStore::put`]; 3. the row that names it, within [`NAMED_WITHIN`] of 1 |
//! | whoever deletes | 1. removes the rows and lists their blobs, in one step |
//! | whoever sweeps | 1. [`DeletionStore::begin_removals`]: marks what is listed for longer than the grace and is not named; 2. [`crate::BlobStore::delete`]; 3. [`DeletionStore::end_removal`] |
//!
//! Let an upload hold a blob at the time *h*. Of the list's entry for this blob one of these is true then:
//! - *There is none.* Either no sweep has ever marked it, or the removal has ended: then the blob is gone, and the put
//!   writes it anew. An entry that comes later is listed after *h*.
//! - *It waits.* It is listed anew, at *h*. Both, hold and mark, change the same entry if, and only if, it is as they
//!   read it: one of them comes first, and the other sees it.
//! - *It is marked.* The hold says so, and the upload waits for the removal to end.
//!
//! So whatever is marked later was listed at *h* or after it, and is marked a grace period after *h* at the earliest. The
//! row is there by then, because [`NAMED_WITHIN`] is shorter than [`SHORTEST_GRACE`] by more than a store's own patience,
//! and a row that is there keeps the blob.
//!
//! A crash leaves an entry that waits, or one that is marked; the next sweep takes up both. A crash between a put and its
//! row leaves a blob that nobody names and nobody lists: it stays, unless who finds the bytes where they were in flight lists it.
//! What is in doubt stays.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{BlobKey, ImageId, LeaseId, OwnerId, StoreError, Upload};

/// How long after its [`DeletionStore::hold`] a blob must be named in a row; later, the row must not be written.
pub const NAMED_WITHIN: Duration = Duration::from_secs(10 * 60);

/// The shortest grace period under which nothing is lost.
pub const SHORTEST_GRACE: Duration = Duration::from_secs(15 * 60);

/// A blob that the caller, and nobody else, removes now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removal {
    /// The blob.
    pub key: BlobKey,
    /// Tells this removal from a later one of the same blob.
    pub lease: LeaseId,
}

/// Deletes images, and keeps the list of blobs that may have to go. Times are counted by the store's own clock, so
/// processes with wrong clocks do no harm.
#[async_trait]
pub trait DeletionStore: Send + Sync + 'static {
    /// Removes the image and its job, both or neither, and lists their blobs. Gives what was removed, or `None` if `owner`
    /// has no such image. Durable when it returns; from then on no call finds the image or its job, and no transition of
    /// the job succeeds. Its entry in a queue stays until it is claimed.
    async fn delete_image(&self, owner: OwnerId, id: ImageId) -> Result<Option<Upload>, StoreError>;

    /// At most `limit` images, whoever owns them, that were accepted before `before`, those that were accepted first first.
    async fn accepted_before(
        &self,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<(OwnerId, ImageId)>, StoreError>;

    /// Whether any image has the blob as its original, or any job has it as its result.
    async fn is_named(&self, key: BlobKey) -> Result<bool, StoreError>;

    /// Lists a blob: for whoever has stored one and did not come to name it. One that is listed already begins its grace
    /// period anew; one that is being removed is left alone.
    async fn list_blob(&self, key: BlobKey) -> Result<(), StoreError>;

    /// Keeps the blob for whoever is about to name it: if it is listed, its grace period begins anew. `false` if it is
    /// being removed just now: to be asked again, before anything is stored.
    async fn hold(&self, key: BlobKey) -> Result<bool, StoreError>;

    /// Takes at most `limit` blobs off the list that have been on it for `grace` or longer, those that have been for
    /// longest first, and that nothing names: each is the caller's to remove. What is named is no longer listed. What
    /// somebody began to remove `abandoned` ago or longer, and did not end, is given again.
    async fn begin_removals(
        &self,
        grace: Duration,
        abandoned: Duration,
        limit: usize,
    ) -> Result<Vec<Removal>, StoreError>;

    /// The blob is gone; or, if not `removed`, certainly is not and will not be by this caller, and begins its grace period
    /// anew. A removal that somebody else has taken over is left alone.
    async fn end_removal(&self, removal: Removal, removed: bool) -> Result<(), StoreError>;
}
