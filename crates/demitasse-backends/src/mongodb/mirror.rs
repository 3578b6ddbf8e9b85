//! The image's document: what the task says, in the original's words.

use demitasse_core::{ErrorKind, Original, StoreError};
use mongodb::bson::{Bson, doc};
use mongodb::options::WriteConcern;

use super::MongoStore;
use super::rows::{Task, date};

/// Mirrors that are written in one go.
const REPAIRED_AT_ONCE: i64 = 100;

impl MongoStore {
    /// Writes what `task` says into the image's document, then notes that it is no longer behind. Repeated calls write the
    /// same.
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
        let Some(reason) = &ours.mirror else { return Ok(()) };
        // Nothing waits for this: lost, it costs one more write of the same.
        let done = self
            .tasks
            .update_one(
                doc! { "_id": task.id, "demitasse.mirror": reason },
                doc! { "$unset": { "demitasse.mirror": "" } },
            )
            .write_concern(WriteConcern::nodes(1));
        self.ask(&task.id.to_hex(), done).await.map(drop)
    }

    /// Writes the mirrors that a crash left behind; in a healthy store there are none but those being written just now.
    pub(super) async fn repair_mirrors(&self) -> Result<(), StoreError> {
        let behind =
            self.tasks.find(doc! { "demitasse.mirror": { "$exists": true } }).limit(REPAIRED_AT_ONCE);
        for task in self.all("mirrors", behind).await? {
            match self.write_mirror(&task).await {
                // One that cannot be written must not stop the others.
                Err(error) if matches!(error.kind, ErrorKind::Invalid | ErrorKind::Conflict) => {}
                done => done?,
            }
        }
        Ok(())
    }
}
