//! The queue as a collection that holds open work only.
//!
//! `at` is when an entry becomes claimable, in the server's Unix milliseconds: the end of its lease if it has one. As
//! numbers and not as dates, since every comparison is with `$toLong` of the server's `$$NOW`.

use std::time::Duration;

use async_trait::async_trait;
use demitasse_core::{Claim, JobQueue, QueueDepth, StoreError, Ticket};
use mongodb::bson::{Bson, Document, doc};
use mongodb::options::ReturnDocument;

use super::error::{is_conflict, unreadable};
use super::rows::{domain_id, object_id};
use super::{BACKEND, MongoStore};
use crate::lease::new_lease;

/// Dead entries that are kept.
const DEAD_KEPT: u64 = 10_000;

/// The server's time.
pub(super) fn now() -> Document {
    doc! { "$toLong": "$$NOW" }
}

fn after(duration: Duration) -> Document {
    doc! { "$add": [now(), milliseconds(duration)] }
}

fn is_due() -> Document {
    doc! { "$lte": ["$at", now()] }
}

#[async_trait]
impl JobQueue for MongoStore {
    async fn enqueue(&self, ticket: Ticket) -> Result<(), StoreError> {
        let id = object_id(ticket.job_id)?;
        let entry = doc! {
            "_id": id, "dead": false, "priority": i32::from(ticket.priority.rank()), "sequence": ticket.sequence.0,
            "deliveries": 0, "at": now(),
        };
        // A living entry does not match, so that its id is in the way of the insertion.
        let missing_or_dead = doc! { "_id": id, "dead": { "$ne": false } };
        let write = self.queue.update_one(missing_or_dead, vec![doc! { "$replaceWith": entry }]).upsert(true);
        let written = self.ask(&id.to_hex(), write).await;
        if is_conflict(&written) { Ok(()) } else { written.map(drop) }
    }

    /// Walks the order from the oldest entry to the first that is due: past the claimed (as many as workers) and the
    /// delayed.
    async fn claim(&self, worker: &str, lease: Duration) -> Result<Option<Claim>, StoreError> {
        let id = new_lease(BACKEND)?;
        let due = doc! { "dead": false, "$expr": is_due() };
        let take = doc! { "$set": {
            "lease": id.to_string(), "worker": { "$literal": worker }, "at": after(lease),
            "deliveries": { "$add": ["$deliveries", 1] },
        } };
        let claim = self
            .queue
            .find_one_and_update(due, vec![take])
            .sort(doc! { "priority": 1, "sequence": 1, "_id": 1 })
            .return_document(ReturnDocument::After);
        let Some(entry) = self.ask("queue", claim).await? else { return Ok(None) };
        let job_id = entry.get_object_id("_id").map_err(|error| unreadable("_id").because(error))?;
        let deliveries = u32::try_from(number(&entry, "deliveries")).map_err(|_| unreadable("deliveries"))?;
        Ok(Some(Claim { job_id: domain_id(job_id)?, lease: id, deliveries }))
    }

    async fn heartbeat(&self, claim: Claim, lease: Duration) -> Result<bool, StoreError> {
        self.change(claim, vec![doc! { "$set": { "at": after(lease) } }]).await
    }

    async fn ack(&self, claim: Claim) -> Result<bool, StoreError> {
        let done = self.ask(&claim.job_id.to_string(), self.queue.delete_one(held(claim)?)).await?;
        Ok(done.deleted_count > 0)
    }

    async fn nack(&self, claim: Claim, delay: Duration) -> Result<bool, StoreError> {
        let give_back = doc! { "$set": { "at": after(delay) } };
        self.change(claim, vec![give_back, doc! { "$unset": ["lease", "worker"] }]).await
    }

    async fn bury(&self, claim: Claim) -> Result<bool, StoreError> {
        let bury = doc! { "$set": { "dead": true, "at": now() } };
        let buried = self.change(claim, vec![bury, doc! { "$unset": ["lease", "worker"] }]).await?;
        if buried {
            self.forget_dead().await?;
        }
        Ok(buried)
    }

    async fn depth(&self) -> Result<QueueDepth, StoreError> {
        // An entry is dead, ready, claimed or delayed.
        let count = |condition: Document| doc! { "$sum": { "$cond": [condition, 1, 0] } };
        let alive = doc! { "$not": ["$dead"] };
        let leased = doc! { "$gt": ["$lease", Bson::Null] };
        let ready = doc! { "$and": [alive.clone(), is_due()] };
        let later = doc! { "$and": [alive, { "$not": [is_due()] }] };
        let group = doc! { "$group": {
            "_id": Bson::Null,
            "dead": count(doc! { "$eq": ["$dead", true] }),
            "ready": count(ready.clone()),
            "claimed": count(doc! { "$and": [later.clone(), leased.clone()] }),
            "delayed": count(doc! { "$and": [later, { "$not": [leased] }] }),
            "oldest": { "$max": { "$cond": [ready, { "$subtract": [now(), "$at"] }, Bson::Null] } },
        } };
        let counted = self.all("queue", self.queue.aggregate([group])).await?;
        let Some(counts) = counted.first() else { return Ok(QueueDepth::default()) };
        let count = |name| u64::try_from(number(counts, name)).unwrap_or(0);
        let ready = count("ready");
        Ok(QueueDepth {
            ready,
            delayed: count("delayed"),
            claimed: count("claimed"),
            dead: count("dead"),
            oldest_ready: (ready > 0).then(|| Duration::from_millis(count("oldest"))),
        })
    }
}

impl MongoStore {
    /// Changes the entry that `claim` holds.
    async fn change(&self, claim: Claim, pipeline: Vec<Document>) -> Result<bool, StoreError> {
        let change = self.queue.update_one(held(claim)?, pipeline);
        Ok(self.ask(&claim.job_id.to_string(), change).await?.matched_count > 0)
    }

    async fn forget_dead(&self) -> Result<(), StoreError> {
        let dead = || doc! { "dead": true };
        let too_many =
            self.queue.find(dead()).sort(doc! { "at": -1 }).skip(DEAD_KEPT).projection(doc! { "_id": 1 });
        let ids: Vec<_> =
            self.all("queue", too_many).await?.iter().filter_map(|entry| entry.get("_id").cloned()).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let mut forgotten = dead();
        forgotten.insert("_id", doc! { "$in": ids });
        self.ask("queue", self.queue.delete_many(forgotten)).await.map(drop)
    }
}

fn held(claim: Claim) -> Result<Document, StoreError> {
    Ok(doc! { "_id": object_id(claim.job_id)?, "lease": claim.lease.to_string() })
}

/// A whole number, whichever size the server chose for it.
fn number(document: &Document, field: &str) -> i64 {
    match document.get(field) {
        Some(Bson::Int32(number)) => i64::from(*number),
        Some(Bson::Int64(number)) => *number,
        _ => 0,
    }
}

/// Whole milliseconds, at most a thousand years, so that no sum in the database overflows.
pub(super) fn milliseconds(duration: Duration) -> i64 {
    const LONGEST: i64 = 1000 * 365 * 24 * 60 * 60 * 1000;
    i64::try_from(duration.as_millis()).unwrap_or(LONGEST).min(LONGEST)
}
