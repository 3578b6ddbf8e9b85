//! The list of blobs that may have to go, in `demitasse_blobs`.
//!
//! An entry's id is the blob's key. It waits since `since`, or is being removed under `lease` since `removingSince`; times
//! are the server's, as numbers. Every change says in its filter what the entry must be.
//!
//! There are no transactions: a blob is marked first, and then looked for in the rows, so that whoever is about to name it
//! sees the mark, or is seen.

use std::time::Duration;

use demitasse_core::{BlobKey, BlobKind, LeaseId, Removal, StoreError};
use futures_util::TryStreamExt;
use mongodb::Collection;
use mongodb::bson::{Bson, Document, doc};

use super::error::{is_conflict, unreadable};
use super::queue::{milliseconds, now};
use super::{BACKEND, MongoStore};
use crate::lease::new_lease;

pub(super) const BLOBS: &str = "demitasse_blobs";

/// Where a task names its original, and its result.
pub(super) const ORIGINAL: &str = "demitasse.image.original.sha256";
pub(super) const VARIANT: &str = "demitasse.variant.sha256";

/// Entries that are read at a time.
const BATCH: u32 = 100;

/// Entries that are due; `null` is what an absent lease equals.
fn due(grace: Duration, abandoned: Duration) -> Document {
    let past = |field: &str, wait| {
        doc! { "$expr": { "$lte": [format!("${field}"), { "$subtract": [now(), milliseconds(wait)] }] } }
    };
    let (mut waits, mut removing) = (past("since", grace), past("removingSince", abandoned));
    waits.insert("lease", Bson::Null);
    removing.insert("lease", doc! { "$type": "string" });
    doc! { "$or": [waits, removing] }
}

/// The entry of `key`, if it is due.
fn due_entry(key: BlobKey, grace: Duration, abandoned: Duration) -> Document {
    let mut filter = due(grace, abandoned);
    filter.insert("_id", key.to_string());
    filter
}

fn waiting(key: BlobKey) -> Document {
    doc! { "_id": key.to_string(), "lease": Bson::Null }
}

fn held(removal: Removal) -> Document {
    doc! { "_id": removal.key.to_string(), "lease": removal.lease.to_string() }
}

/// Reads what [`BlobKey`] writes.
pub(super) fn parse(name: &str) -> Result<BlobKey, StoreError> {
    let (kind, sha256) = name.split_once('/').ok_or_else(|| unreadable("blob"))?;
    let failed = |error| unreadable("blob").because(error);
    Ok(BlobKey { kind: kind.parse().map_err(failed)?, sha256: sha256.parse().map_err(failed)? })
}

impl MongoStore {
    fn blobs(&self) -> Collection<Document> {
        self.collection(BLOBS)
    }

    pub(super) async fn names(&self, key: BlobKey) -> Result<bool, StoreError> {
        let field = match key.kind {
            BlobKind::Original => ORIGINAL,
            BlobKind::Variant => VARIANT,
        };
        let tasks = self.tasks.clone_with_type::<Document>();
        let query = tasks.find_one(doc! { field: key.sha256.to_string() }).projection(doc! { "_id": 1 });
        Ok(self.ask(&key.to_string(), query).await?.is_some())
    }

    pub(super) async fn list(&self, key: BlobKey) -> Result<(), StoreError> {
        let since = vec![doc! { "$set": { "since": now() } }];
        let listed =
            self.ask(&key.to_string(), self.blobs().update_one(waiting(key), since).upsert(true)).await;
        // It is being removed, or somebody else has listed it just now.
        if is_conflict(&listed) { Ok(()) } else { listed.map(drop) }
    }

    pub(super) async fn hold_blob(&self, key: BlobKey) -> Result<bool, StoreError> {
        let (name, blobs) = (key.to_string(), self.blobs());
        loop {
            let found = self.ask(&name, blobs.find_one(doc! { "_id": &name })).await?;
            let Some(entry) = found else { return Ok(true) };
            if entry.get_str("lease").is_ok() {
                return Ok(false);
            }
            let since = vec![doc! { "$set": { "since": now() } }];
            if self.ask(&name, blobs.update_one(waiting(key), since)).await?.matched_count > 0 {
                return Ok(true);
            }
            // Somebody was faster; what they left decides.
        }
    }

    pub(super) async fn begin(
        &self,
        grace: Duration,
        abandoned: Duration,
        limit: usize,
    ) -> Result<Vec<Removal>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let lease = new_lease(BACKEND)?;
        let blobs = self.blobs();
        let query = blobs.find(due(grace, abandoned)).sort(doc! { "since": 1, "_id": 1 });
        // All that is due, by their ids: what is named goes off the list and makes room for the next.
        let mut found = self.ask("blobs", query.projection(doc! { "_id": 1 }).batch_size(BATCH)).await?;
        let mut begun = Vec::new();
        while begun.len() < limit
            && let Some(entry) = self.ask("blobs", found.try_next()).await?
        {
            let name = entry.get_str("_id").map_err(|error| unreadable("blob").because(error))?;
            begun.extend(self.begin_one(parse(name)?, grace, abandoned, lease).await?);
        }
        Ok(begun)
    }

    /// Marks the blob and looks for it in the rows; `None` if it is named, and then no longer listed, or somebody else's.
    async fn begin_one(
        &self,
        key: BlobKey,
        grace: Duration,
        abandoned: Duration,
        lease: LeaseId,
    ) -> Result<Option<Removal>, StoreError> {
        let (name, blobs, removal) = (key.to_string(), self.blobs(), Removal { key, lease });
        let mark = vec![doc! { "$set": { "lease": lease.to_string(), "removingSince": now() } }];
        let marked = blobs.update_one(due_entry(key, grace, abandoned), mark);
        if self.ask(&name, marked).await?.matched_count == 0 {
            return Ok(None);
        }
        if !self.names(key).await? {
            return Ok(Some(removal));
        }
        self.end_one(removal, true).await.map(|()| None)
    }

    pub(super) async fn end_one(&self, removal: Removal, is_over: bool) -> Result<(), StoreError> {
        let (name, blobs) = (removal.key.to_string(), self.blobs());
        if is_over {
            return self.ask(&name, blobs.delete_one(held(removal))).await.map(drop);
        }
        let back = vec![doc! { "$set": { "since": now() } }, doc! { "$unset": ["lease", "removingSince"] }];
        self.ask(&name, blobs.update_one(held(removal), back)).await.map(drop)
    }
}
