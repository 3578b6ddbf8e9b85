//! Uploads and lists.

use std::collections::HashMap;

use async_trait::async_trait;
use demitasse_core::{
    ImageId, ImageStore, JobQueue, NewUpload, OwnerId, Sequence, StoreError, Ticket, Upload,
};
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Document, doc};

use super::error::is_conflict;
use super::rows::{Task, object_id};
use super::{MongoStore, row_limit};

#[async_trait]
impl ImageStore for MongoStore {
    async fn create_upload(&self, new: NewUpload) -> Result<Upload, StoreError> {
        let created = new.into_upload(self.next_sequence().await?);
        let task = Task::new(&created)?;
        self.ask(&created.image.id.to_string(), self.tasks.insert_one(&task)).await?;
        // From here on the upload exists; what follows is completed by the sweep, should it fail.
        let (mirrored, _queued) = tokio::join!(self.write_mirror(&task), async {
            if self.upload_enqueues { self.enqueue(Ticket::from(&created.job)).await } else { Ok(()) }
        });
        if is_conflict(&mirrored) {
            // The original has an image of this id, which it never showed us.
            let written = doc! { "_id": task.id, "demitasse.sequence": created.job.sequence.0 };
            self.ask(&created.job.id.to_string(), self.tasks.delete_one(written)).await?;
            mirrored?;
        }
        Ok(created)
    }

    async fn image(&self, owner: OwnerId, id: ImageId) -> Result<Option<Upload>, StoreError> {
        let mut filter = of_image(object_id(id)?);
        filter.insert("demitasse.owner", owner.to_string());
        let task = self.ask(&id.to_string(), self.tasks.find_one(filter)).await?;
        self.upload(task).await
    }

    async fn images_after(
        &self,
        owner: OwnerId,
        after: Option<Sequence>,
        limit: usize,
    ) -> Result<Vec<Upload>, StoreError> {
        let bound = doc! { "$gt": after.map_or(i64::MIN, |sequence| sequence.0) };
        self.page(owner, bound, 1, limit).await
    }

    async fn images_before(
        &self,
        owner: OwnerId,
        before: Option<Sequence>,
        limit: usize,
    ) -> Result<Vec<Upload>, StoreError> {
        let bound = doc! { "$lt": before.map_or(i64::MAX, |sequence| sequence.0) };
        self.page(owner, bound, -1, limit).await
    }
}

/// The tasks of an image, whichever way their writer wrote its id.
pub(super) fn of_image(image: ObjectId) -> Document {
    doc! { "imageId": { "$in": [image, image.to_hex()] } }
}

impl MongoStore {
    async fn page(
        &self,
        owner: OwnerId,
        bound: Document,
        direction: i32,
        limit: usize,
    ) -> Result<Vec<Upload>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let query = self
            .tasks
            .find(doc! { "demitasse.owner": owner.to_string(), "demitasse.sequence": bound })
            .sort(doc! { "demitasse.sequence": direction })
            .limit(row_limit(limit));
        let tasks = self.all("images", query).await?;
        self.uploads(&tasks).await
    }

    /// What a task of ours says.
    pub(super) async fn upload(&self, task: Option<Task>) -> Result<Option<Upload>, StoreError> {
        let Some(task) = task else { return Ok(None) };
        Ok(self.uploads(&[task]).await?.pop())
    }

    /// What tasks of ours say. The images are asked only for results of the original's worker.
    pub(super) async fn uploads(&self, tasks: &[Task]) -> Result<Vec<Upload>, StoreError> {
        let elsewhere = tasks.iter().filter(|task| task.has_result_elsewhere());
        let images = elsewhere.map(Task::image).collect::<Result<Vec<_>, _>>()?;
        let urls = self.compressed_urls(images).await?;
        let url = |task: &Task| Ok::<_, StoreError>(urls.get(&task.image()?).map(String::as_str));
        tasks.iter().map(|task| task.upload(url(task)?)).collect()
    }

    /// The `compressedUrl` of those images that have one.
    pub(super) async fn compressed_urls(
        &self,
        images: Vec<ObjectId>,
    ) -> Result<HashMap<ObjectId, String>, StoreError> {
        if images.is_empty() {
            return Ok(HashMap::new());
        }
        let query = self.images.find(doc! { "_id": { "$in": images } });
        let found = self.all("images", query.projection(doc! { "compressedUrl": 1 })).await?;
        let read =
            |image: &Document| Some((image.get_object_id("_id").ok()?, compressed_url(image)?.to_owned()));
        Ok(found.iter().filter_map(read).collect())
    }
}

/// An image's `compressedUrl`, if it is one.
pub(super) fn compressed_url(image: &Document) -> Option<&str> {
    image.get_str("compressedUrl").ok().filter(|url| !url.is_empty())
}
