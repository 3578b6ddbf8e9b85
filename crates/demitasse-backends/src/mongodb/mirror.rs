//! The image's document: what the task says, in the original's words.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use demitasse_core::{ErrorKind, Original, StoreError};
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, doc};
use mongodb::options::WriteConcern;

use super::MongoStore;
use super::rows::{Task, date};

/// Mirrors that wait for their flags to be dropped: a round trip for so many, rather than for each.
const DROPPED_AT_ONCE: usize = 32;
/// Mirrors that are written in one go.
const REPAIRED_AT_ONCE: i64 = 100;

/// A task whose mirror is no longer behind, and why it was.
pub(super) struct Mirrored {
    task: ObjectId,
    reason: String,
}

impl MongoStore {
    /// Writes what `task` says into the image's document, then notes, sooner or later, that it is no longer behind.
    /// Repeated calls write the same.
    ///
    /// # Errors
    /// `Conflict` if the original has another image of this id.
    pub(super) async fn write_mirror(&self, task: &Task) -> Result<(), StoreError> {
        let Some(ours) = &task.demitasse else { return Ok(()) };
        let (upload, image) = (task.upload(None)?, task.image()?);
        let mut set = doc! { "demitasse.task": task.id, "updatedAt": date(upload.job.updated_at) };
        let mut first = doc! { "createdAt": date(upload.image.created_at), "__v": 0 };
        if let Original::Stored(_) = upload.image.original {
            set.insert("imageUrl", self.links.original(&upload));
        }
        match self.links.result(&upload) {
            Some(url) => set.insert("compressedUrl", url),
            None => first.insert("compressedUrl", Bson::Null),
        };
        let write = if ours.adopted {
            // Deleted by the original's people, it stays so.
            self.images.update_one(doc! { "_id": image }, doc! { "$set": set })
        } else {
            let filter = doc! { "_id": image, "demitasse.task": task.id };
            self.images.update_one(filter, doc! { "$set": set, "$setOnInsert": first }).upsert(true)
        };
        self.ask(&image.to_hex(), write).await?;
        let Some(reason) = ours.mirror.clone() else { return Ok(()) };
        let waiting = {
            let mut mirrored = self.mirrored.lock().unwrap_or_else(PoisonError::into_inner);
            mirrored.push(Mirrored { task: task.id, reason });
            mirrored.len()
        };
        if waiting < DROPPED_AT_ONCE { Ok(()) } else { self.drop_flags().await }
    }

    /// Drops the flags of the mirrors that this process wrote. Nothing waits for it: lost, it costs one more write of the
    /// same. No reason comes twice in a task's life, so a flag that was set meanwhile stays.
    async fn drop_flags(&self) -> Result<(), StoreError> {
        let mirrored = std::mem::take(&mut *self.mirrored.lock().unwrap_or_else(PoisonError::into_inner));
        let mut by_reason: BTreeMap<String, Vec<ObjectId>> = BTreeMap::new();
        for Mirrored { task, reason } in mirrored {
            by_reason.entry(reason).or_default().push(task);
        }
        for (reason, tasks) in by_reason {
            let filter = doc! { "_id": { "$in": tasks }, "demitasse.mirror": reason };
            let drop_flag = self.tasks.update_many(filter, doc! { "$unset": { "demitasse.mirror": "" } });
            self.ask("mirrors", drop_flag.write_concern(WriteConcern::nodes(1))).await?;
        }
        Ok(())
    }

    /// Writes the mirrors that a crash left behind. In a healthy store there are none but a few of other processes, whose
    /// flags are not dropped yet; the same is written again.
    pub(super) async fn repair_mirrors(&self) -> Result<(), StoreError> {
        self.drop_flags().await?;
        let behind =
            self.tasks.find(doc! { "demitasse.mirror": { "$exists": true } }).limit(REPAIRED_AT_ONCE);
        for task in self.all("mirrors", behind).await? {
            match self.write_mirror(&task).await {
                // One that cannot be written must not stop the others.
                Err(error) if matches!(error.kind, ErrorKind::Invalid | ErrorKind::Conflict) => {}
                done => done?,
            }
        }
        self.drop_flags().await
    }
}
