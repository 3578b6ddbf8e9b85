//! Deletion, in single writes that a crash cannot tear.
//!
//! | writes, in this order | a crash before it leaves | who completes it |
//! |---|---|---|
//! | 1. the intent, in `demitasse_deletions`, with the blobs that the task names | nothing | |
//! | 2. delete the image | an image that the original no longer lists | the next sweep |
//! | 3. delete the task: from here on the image is gone | the same | the next sweep |
//! | 4. list the blobs | blobs that nobody names and nobody lists | the next sweep, from the intent |
//! | 5. delete the image once more: its mirror may have been written meanwhile | an image that the original lists | the next sweep |
//! | 6. note that it is done | a deletion that is done once more | the next sweep |
//!
//! The intent stays for a while: a mirror that was on its way when the task went is deleted with it.
//!
//! The original's worker dies if the task that it works on is gone. A task that may be lent to it is therefore given back
//! instead of deleted: without its image, and without anything of ours, nobody takes it in again.

use std::time::Duration;

use async_trait::async_trait;
use demitasse_core::{BlobKey, DeletionStore, ImageId, OwnerId, Removal, StoreError, Upload};
use jiff::Timestamp;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, Document, doc};
use mongodb::options::ReturnDocument;
use serde::Deserialize;

use super::error::is_conflict;
use super::images::of_image;
use super::queue::{milliseconds, now};
use super::rows::{Task, date, domain_id, object_id, read_object_id};
use super::{MongoStore, row_limit};

pub(super) const DELETIONS: &str = "demitasse_deletions";

/// How long after its task is gone a mirror may still be written, with room to spare.
const SETTLED: Duration = Duration::from_secs(600);

/// How long whoever deletes has before somebody else completes it.
const BUSY: Duration = Duration::from_secs(60);

/// Deletions that are completed, or forgotten, in one go.
const AT_ONCE: i64 = 100;

/// Where a task names blobs.
const NAMES: [&str; 2] = [super::blobs::ORIGINAL, super::blobs::VARIANT];

/// What was decided: which image goes with which task, and the blobs that they named then, as `KIND/HASH`.
#[derive(Deserialize)]
struct Intent {
    #[serde(rename = "_id")]
    task: ObjectId,
    image: ObjectId,
    blobs: Vec<String>,
}

/// Of a task, what names its image.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    image_id: Bson,
    demitasse: NamedOurs,
}

#[derive(Deserialize)]
struct NamedOurs {
    owner: OwnerId,
}

#[async_trait]
impl DeletionStore for MongoStore {
    async fn delete_image(&self, owner: OwnerId, id: ImageId) -> Result<Option<Upload>, StoreError> {
        let (about, image) = (id.to_string(), object_id(id)?);
        let mut filter = of_image(image);
        filter.insert("demitasse.owner", owner.to_string());
        let Some(task) = self.ask(&about, self.tasks.find_one(filter)).await? else { return Ok(None) };
        let blobs = task.upload(None)?.blobs().map(|key| key.to_string()).collect();
        let intent = Intent { task: task.id, image, blobs };
        self.intend(&intent).await?;
        let deleted = self.carry_out(&intent).await?;
        deleted.map(|task| task.upload(None)).transpose()
    }

    async fn accepted_before(
        &self,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<(OwnerId, ImageId)>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let created = "demitasse.image.createdAt";
        let tasks = self.tasks.clone_with_type::<Named>();
        let query = tasks
            .find(doc! { created: { "$lt": date(before) } })
            .sort(doc! { created: 1, "demitasse.sequence": 1 })
            .projection(doc! { "imageId": 1, "demitasse.owner": 1 })
            .limit(row_limit(limit));
        let found = self.all("images", query).await?;
        let image = |task: &Named| Ok((task.demitasse.owner, domain_id(read_object_id(&task.image_id)?)?));
        found.iter().map(image).collect()
    }

    async fn is_named(&self, key: BlobKey) -> Result<bool, StoreError> {
        self.names(key).await
    }

    async fn list_blob(&self, key: BlobKey) -> Result<(), StoreError> {
        self.list(key).await
    }

    async fn hold(&self, key: BlobKey) -> Result<bool, StoreError> {
        self.hold_blob(key).await
    }

    async fn begin_removals(
        &self,
        grace: Duration,
        abandoned: Duration,
        limit: usize,
    ) -> Result<Vec<Removal>, StoreError> {
        self.complete_deletions().await?;
        self.begin(grace, abandoned, limit).await
    }

    async fn end_removal(&self, removal: Removal, removed: bool) -> Result<(), StoreError> {
        self.end_one(removal, removed).await
    }
}

impl MongoStore {
    async fn intend(&self, intent: &Intent) -> Result<(), StoreError> {
        let set = doc! {
            "image": intent.image, "blobs": { "$literal": &intent.blobs }, "done": false, "at": now(),
        };
        let deletions = self.collection(DELETIONS);
        let write =
            deletions.update_one(doc! { "_id": intent.task }, vec![doc! { "$set": set }]).upsert(true);
        let written = self.ask(&intent.image.to_hex(), write).await;
        // Two who delete it at once: the other one wrote it.
        if is_conflict(&written) { Ok(()) } else { written.map(drop) }
    }

    /// Does what was decided, as far as it is not done. Gives the task if it was there until now.
    async fn carry_out(&self, intent: &Intent) -> Result<Option<Task>, StoreError> {
        self.delete_mirror(intent).await?;
        let deleted = self.delete_task(intent.task).await?;
        let now_named = deleted.as_ref().map(|task| task.upload(None)).transpose()?;
        let now_named = now_named.iter().flat_map(Upload::blobs).map(|key| key.to_string());
        let mut blobs: Vec<String> = intent.blobs.iter().cloned().chain(now_named).collect();
        blobs.sort_unstable();
        blobs.dedup();
        for name in blobs {
            self.list(super::blobs::parse(&name)?).await?;
        }
        self.delete_mirror(intent).await?;
        let done = doc! { "$set": { "done": true } };
        let note = self.collection(DELETIONS);
        self.ask(&intent.image.to_hex(), note.update_one(doc! { "_id": intent.task }, done)).await?;
        Ok(deleted)
    }

    /// An image that the original wrote may not have been marked when its task was taken in.
    async fn delete_mirror(&self, intent: &Intent) -> Result<(), StoreError> {
        let of_task = doc! { "_id": intent.image, "demitasse.task": { "$in": [intent.task, Bson::Null] } };
        self.ask(&intent.image.to_hex(), self.images.delete_one(of_task)).await.map(drop)
    }

    /// Deletes the task, or gives it back to the original's worker, and says what it was last; `None` if it is gone.
    async fn delete_task(&self, task: ObjectId) -> Result<Option<Task>, StoreError> {
        let about = task.to_hex();
        let ours = || doc! { "_id": task, "demitasse.sequence": { "$exists": true } };
        let mut lent = ours();
        lent.extend(doc! { "demitasse.open": true, "demitasse.lentUntil": { "$gt": 0 } });
        let mut free = ours();
        free.insert("$nor", vec![doc! { "demitasse.open": true, "demitasse.lentUntil": { "$gt": 0 } }]);
        let tasks = self.tasks.clone_with_type::<Document>();
        loop {
            let Some(found) = self.ask(&about, tasks.find_one(ours())).await? else { return Ok(None) };
            // A result that comes in between is seen, whether or not a server's answer is the very document it deletes.
            let as_found = |filter: &Document| {
                let mut filter = filter.clone();
                filter.extend(NAMES.map(|path| (path.to_owned(), field(&found, path))));
                filter
            };
            let delete = self.tasks.find_one_and_delete(as_found(&free));
            if let Some(task) = self.ask(&about, delete).await? {
                return Ok(Some(task));
            }
            let give_back = doc! { "$unset": { "demitasse": "" } };
            let give_back = self.tasks.find_one_and_update(as_found(&lent), give_back);
            let given = self.ask(&about, give_back.return_document(ReturnDocument::Before)).await?;
            if given.is_some() {
                return Ok(given);
            }
            // Ended, lent, taken back or deleted between the two.
        }
    }

    /// Completes what a crash has cut off, and forgets what has been done for long.
    async fn complete_deletions(&self) -> Result<(), StoreError> {
        let before = |wait| doc! { "$lte": ["$at", { "$subtract": [now(), milliseconds(wait)] }] };
        let deletions = self.collection(DELETIONS).clone_with_type::<Intent>();
        let cut_off = deletions.find(doc! { "done": false, "$expr": before(BUSY) }).limit(AT_ONCE);
        for intent in self.all("deletions", cut_off).await? {
            self.carry_out(&intent).await?;
        }
        let settled = deletions.find(doc! { "done": true, "$expr": before(SETTLED) }).limit(AT_ONCE);
        let settled = self.all("deletions", settled).await?;
        if settled.is_empty() {
            return Ok(());
        }
        let tasks: Vec<_> = settled.iter().map(|intent| intent.task).collect();
        let images: Vec<_> = settled.iter().map(|intent| intent.image).collect();
        let late = doc! { "_id": { "$in": images }, "demitasse.task": { "$in": &tasks } };
        self.ask("deletions", self.images.delete_many(late)).await?;
        self.ask("deletions", deletions.delete_many(doc! { "_id": { "$in": tasks } })).await.map(drop)
    }
}

/// What stands at `path`; `null` if nothing does, which an absent field equals.
fn field(document: &Document, path: &str) -> Bson {
    let mut names = path.split('.');
    let first = names.next().and_then(|name| document.get(name));
    names.fold(first, |found, name| found?.as_document()?.get(name)).cloned().unwrap_or(Bson::Null)
}

/// The two collections' indexes: each query's condition, and few documents.
pub(super) fn indexes() -> [(&'static str, Document); 2] {
    [(DELETIONS, doc! { "done": 1, "at": 1 }), (super::blobs::BLOBS, doc! { "since": 1 })]
}
