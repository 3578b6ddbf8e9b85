//! Metadata and queue in MongoDB, in the very collections of the original service, for several processes on several
//! machines; the original's API and worker may share the database.
//!
//! The URI is `mongodb://` or `mongodb+srv://`, as MongoDB defines it; the database is the one that it names, else `test`
//! as in the original.
//!
//! | collection | fields of the original | beside them, ours only |
//! |---|---|---|
//! | `compressingtasks` | `imageId`, `status`, `createdAt`, `updatedAt` | `demitasse`: everything of the job **and** of its image |
//! | `imagemetadatas` | `imageUrl`, `compressedUrl`, `createdAt`, `updatedAt` | `demitasse.task`: which task has the rest |
//! | `demitasse_queue` | | the queue: job, priority, place, lease |
//! | `demitasse_blobs` | | blobs that may have to go (`blobs`) |
//! | `demitasse_deletions` | | images that go, or went a moment ago (`deletion`) |
//! | `demitasse_counters`, `_settings`, `_subscriptions`, `_health` | | as their names say |
//!
//! # Why a crash tears nothing
//!
//! There are no transactions (a standalone server has none). **The task's document is the truth**: an upload exists once
//! its task has the sub-document `demitasse`, every change of a job is one `updateOne` of that document whose filter
//! is the compare of the compare-and-set, and our readers read nothing else. The image's document is a mirror for
//! the original's eyes. A task whose mirror is behind says so in `demitasse.mirror`, set in the same write that puts it
//! behind; [`JobStore::unfinished`](demitasse_core::JobStore::unfinished) from the start (so every sweep) and
//! [`SharedRows::adopt`](demitasse_core::SharedRows::adopt) write the mirrors that are behind.
//!
//! | writes, in this order | a crash before it leaves | who completes it |
//! |---|---|---|
//! | upload: 1. take a sequence number | nothing | |
//! | 2. insert the task, `mirror: upload` | a number that nothing has | nobody has to: numbers order, they do not count |
//! | 3. insert the image | an upload that the original does not list | the next sweep |
//! | 4. put the job into the queue (if it is ours) | a queued job without an entry | the sweep of whoever reads `unfinished` |
//! | 5. drop `mirror`, of many at once | mirrors to be written once more | the next sweep; the same is written |
//! | success: 1. change the task, `mirror: result` | a running job | its lease ends |
//! | 2. `compressedUrl` of the image | `completed` without `compressedUrl`, for the original's eyes only | the next sweep |
//! | 3. drop `mirror` | a mirror to be written once more | the next sweep |
//! | adoption: 1. take a number, 2. add `demitasse` to the task | a row as the original left it | the next adoption |
//! | 3. add `demitasse.task` to the image | an image that looks new, with a task that was taken in | the next adoption |
//! | deletion: `deletion` says which | | the next sweep |
//! | attaching an original: 1. change the task, 2. `imageUrl` of the image, 3. drop `mirror` | as with success | the next sweep |
//!
//! # Order
//!
//! Sequence numbers come from a counter and are written a moment later, so a number may be missing, and a reader that
//! pages with a cursor may have passed a number whose upload appears afterwards: lists are complete for uploads that were
//! answered before the page was read.
//!
//! # Sharing
//!
//! `status` always has one of the original's four words. The original's worker changes `status` and nothing else of a
//! task, so what it says ends a job of ours that is not over (`rows`); no transition begins or ends an attempt of a task
//! whose `status` is not `pending`. `shared` says how its rows are taken in.
//!
//! Every write is acknowledged by a majority and journalled; queue times are the server's own. Wants MongoDB 5 or newer.

mod address;
mod blobs;
mod deletion;
mod error;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod images;
mod jobs;
mod links;
mod mirror;
mod notices;
mod open;
mod pool;
mod queue;
mod rows;
mod shared;
mod updates;

use std::future::IntoFuture;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use demitasse_core::{ErrorKind, Sequence, StoreError};
use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};
use mongodb::options::ReturnDocument;
use mongodb::{Collection, Cursor, Database};
use serde::de::DeserializeOwned;

use crate::{AdoptDefaults, Check};
use error::{is_conflict, store_error};
use mirror::Mirrored;
use pool::Connections;
use rows::Task;

pub use links::Links;

pub(crate) use address::describe;

/// The name in errors.
const BACKEND: &str = "mongodb";

/// How long a call may take, a change of primary included, before it is `Unavailable`.
const PATIENCE: Duration = Duration::from_secs(20);

/// The original's collections.
const TASKS: &str = "compressingtasks";
const IMAGES: &str = "imagemetadatas";

/// A database in use. [`MongoStore::open`] makes one.
pub struct MongoStore {
    database: Database,
    /// Those that `database` and its collections use.
    connections: Arc<Connections>,
    tasks: Collection<Task>,
    /// Mirrors of what the tasks say, and images that only the original knows.
    images: Collection<Document>,
    queue: Collection<Document>,
    links: Links,
    adopt: AdoptDefaults,
    /// Whether an upload goes into this store's own queue.
    upload_enqueues: bool,
    /// Tasks whose mirrors were written, until their flags are dropped together.
    mirrored: Mutex<Vec<Mirrored>>,
}

impl MongoStore {
    fn collection(&self, name: &str) -> Collection<Document> {
        self.database.collection(name)
    }

    /// Runs a call about `key` to its end or to the end of patience.
    async fn ask<T, C>(&self, key: &str, call: C) -> Result<T, StoreError>
    where
        C: IntoFuture<Output = mongodb::error::Result<T>, IntoFuture: Send> + Send,
    {
        match tokio::time::timeout(PATIENCE, call.into_future()).await {
            Ok(result) => result.map_err(store_error(key)),
            Err(late) => Err(StoreError::new(ErrorKind::Unavailable, BACKEND, key).because(late)),
        }
    }

    /// Everything that a query finds.
    async fn all<T, C>(&self, key: &str, query: C) -> Result<Vec<T>, StoreError>
    where
        T: DeserializeOwned + Unpin + Send + Sync,
        C: IntoFuture<Output = mongodb::error::Result<Cursor<T>>, IntoFuture: Send> + Send,
    {
        let query = query.into_future();
        self.ask(key, async { query.await?.try_collect().await }).await
    }

    /// The next number of the one counter that orders all rows.
    async fn next_sequence(&self) -> Result<Sequence, StoreError> {
        let counters = self.collection("demitasse_counters");
        let next = counters
            .find_one_and_update(doc! { "_id": "sequence" }, doc! { "$inc": { "last": 1_i64 } })
            .return_document(ReturnDocument::After);
        let counter = self.ask("sequence", next).await?;
        let last = counter.as_ref().and_then(|counter| counter.get_i64("last").ok());
        last.map(Sequence).ok_or_else(|| StoreError::new(ErrorKind::Internal, BACKEND, "sequence"))
    }
}

#[async_trait]
impl Check for MongoStore {
    async fn check(&self) -> Result<(), StoreError> {
        let health = self.collection("demitasse_health");
        let write = health
            .update_one(doc! { "_id": 1 }, vec![doc! { "$set": { "checkedAt": "$$NOW" } }])
            .upsert(true);
        let written = self.ask("health", write).await;
        // Two first checks at once: the other one wrote it.
        if !is_conflict(&written) {
            written?;
        }
        let found = self.ask("health", health.find_one(doc! { "_id": 1 })).await?;
        found.map(drop).ok_or_else(|| StoreError::new(ErrorKind::Internal, BACKEND, "health"))
    }
}

/// A limit as the driver takes it; zero is none there.
fn row_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(0)
}
