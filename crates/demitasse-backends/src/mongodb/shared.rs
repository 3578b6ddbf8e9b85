//! The original's rows in our collections.
//!
//! | what the original left | what becomes of it |
//! |---|---|
//! | image and task | one upload: the image's order by `_id`, the task's `status`; the original stays at its `imageUrl` |
//! | image with several tasks | the first that is taken in, the one with the lowest `_id` if [`SharedRows::adopt`] does it, is its job; the others are left alone, and `adopt_one` gives `None` for them |
//! | image without a task (a crash of the original) | after [`SETTLED`] a task is made for it, under the image's own id |
//! | task without an image | left alone |
//! | `pending` | queued, and lent to the original's worker while it may yet be at it |
//! | `completed`, `completed_with_errors` | succeeded, with `compressedUrl` as the result |
//! | the same, but no `compressedUrl` | waits for it as long as [`LOST`], then becomes `pending` and is compressed here: the original's announcement was lost |
//! | `failed` | failed, with a failure that says whose it is |

use std::time::Duration;

use async_trait::async_trait;
use demitasse_core::{
    Announcement, AnnouncementState, ImageId, ImageRecord, Job, JobId, JobState, Original, OwnerId, Priority,
    RequestKey, Sequence, Sha256, SharedAddresses, SharedRows, StoreError, StoredOriginal, Upload,
};
use jiff::Timestamp;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, DateTime, Document, doc, serialize_to_bson};
use mongodb::options::ReturnDocument;

use super::error::{is_conflict, unreadable};
use super::images::{compressed_url, of_image};
use super::rows::{
    COMPLETED, COMPLETED_WITH_ERRORS, FAILED, Ours, PENDING, Task, date, domain_id, ended_elsewhere,
    object_id, time,
};
use super::{MongoStore, row_limit};

/// An image of the original's that is this old and has no task gets none any more: its API writes both within seconds.
const SETTLED: Duration = Duration::from_secs(600);

/// How long a result of the original's worker may be without an address.
const LOST: Duration = Duration::from_secs(60);

#[async_trait]
impl SharedRows for MongoStore {
    async fn adopt(&self, limit: usize) -> Result<Vec<Upload>, StoreError> {
        self.repair_mirrors().await?;
        let mut taken = self.settle(limit).await?;
        let left = limit.saturating_sub(taken.len());
        if left == 0 {
            return Ok(taken);
        }
        let unknown = doc! { "demitasse.task": Bson::Null, "_id": { "$type": "objectId" } };
        let query = self.images.find(unknown).sort(doc! { "_id": 1 }).limit(row_limit(left));
        let images = self.all("images", query).await?;
        if images.is_empty() {
            return Ok(taken);
        }
        let settled = self.server_time().await?.saturating_sub(milliseconds(SETTLED));
        for image in &images {
            taken.extend(self.adopt_image(image, settled).await?);
        }
        Ok(taken)
    }

    async fn adopt_one(&self, image: ImageId, job: JobId) -> Result<Option<Upload>, StoreError> {
        let (image, id) = (object_id(image)?, object_id(job)?);
        let key = job.to_string();
        let mut filter = of_image(image);
        filter.insert("_id", id);
        let Some(task) = self.ask(&key, self.tasks.find_one(filter)).await? else { return Ok(None) };
        let Some(row) = self.ask(&key, self.images.find_one(doc! { "_id": image })).await? else {
            return Ok(None);
        };
        let task = if task.demitasse.is_some() { task } else { self.adopt_task(&row, image, task).await? };
        // Another task of the image may be its job.
        if task.id != id {
            return Ok(None);
        }
        self.mark(image, task.id).await?;
        if task.demitasse.as_ref().is_some_and(|ours| ours.lent_until.is_some()) {
            let back = doc! { "$unset": { "demitasse.lentUntil": "" } };
            self.ask(&key, self.tasks.update_one(doc! { "_id": id }, back)).await?;
        }
        self.upload(Some(task)).await
    }

    async fn attach_original(
        &self,
        image: ImageId,
        original: StoredOriginal,
        key: RequestKey,
    ) -> Result<Option<Upload>, StoreError> {
        let about = image.to_string();
        let mut filter = of_image(object_id(image)?);
        filter.insert("demitasse.sequence", doc! { "$exists": true });
        let mut external = filter.clone();
        external.insert("demitasse.image.original.url", doc! { "$exists": true });
        let original = serialize_to_bson(&original).map_err(|error| unreadable("original").because(error))?;
        let set = doc! { "$set": {
            "demitasse.image.original": original, "demitasse.requestKey": key.0.to_string(), "demitasse.mirror": "original",
        } };
        let change = self.tasks.find_one_and_update(external, set).return_document(ReturnDocument::After);
        let task = match self.ask(&about, change).await? {
            Some(task) => {
                self.write_mirror(&task).await.ok();
                Some(task)
            }
            // Attached before, or no such image.
            None => self.ask(&about, self.tasks.find_one(filter)).await?,
        };
        self.upload(task).await
    }

    async fn end_elsewhere(
        &self,
        job: JobId,
        url: Option<String>,
        now: Timestamp,
    ) -> Result<Option<Job>, StoreError> {
        let filter = doc! { "_id": object_id(job)?, "demitasse.open": true };
        let Some(task) = self.ask(&job.to_string(), self.tasks.find_one(filter)).await? else {
            return Ok(None);
        };
        let status = match (&url, task.status.as_str()) {
            (None, _) => FAILED,
            (Some(_), COMPLETED_WITH_ERRORS) => COMPLETED_WITH_ERRORS,
            (Some(_), _) => COMPLETED,
        };
        let Some(task) = self.end(&task, status, url.as_deref(), Some(date(now))).await? else {
            return Ok(None);
        };
        self.write_mirror(&task).await.ok();
        Ok(Some(task.upload(None)?.job))
    }

    async fn lend(&self, job: JobId, until: Timestamp, attempt: bool) -> Result<Option<Upload>, StoreError> {
        let idle = doc! {
            "_id": object_id(job)?, "demitasse.open": true, "status": PENDING, "demitasse.state": { "$ne": "running" },
        };
        let lend = doc! {
            "$set": { "demitasse.lentUntil": until.as_millisecond() }, "$inc": { "demitasse.attempt": i32::from(attempt) },
        };
        let change = self.tasks.find_one_and_update(idle, lend).return_document(ReturnDocument::After);
        let task = self.ask(&job.to_string(), change).await?;
        self.upload(task).await
    }

    fn addresses(&self, upload: &Upload) -> SharedAddresses {
        SharedAddresses { original: self.links.original(upload), result: self.links.result(upload) }
    }
}

impl MongoStore {
    /// Takes note of the jobs that the original's worker has ended.
    async fn settle(&self, limit: usize) -> Result<Vec<Upload>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let ended =
            doc! { "demitasse.open": true, "status": { "$in": [COMPLETED, COMPLETED_WITH_ERRORS, FAILED] } };
        let query = self.tasks.find(ended).sort(doc! { "demitasse.sequence": 1 }).limit(row_limit(limit));
        let tasks = self.all("ended", query).await?;
        let images = tasks.iter().map(Task::image).collect::<Result<Vec<_>, _>>()?;
        let urls = self.compressed_urls(images).await?;
        let mut settled = Vec::new();
        for task in &tasks {
            let url = urls.get(&task.image()?).map(String::as_str);
            let changed = match url {
                None if task.status != FAILED => self.reopen_if_lost(task).await?,
                url => self.end(task, &task.status, url, None).await?,
            };
            settled.extend(changed.map(|task| task.upload(None)).transpose()?);
        }
        Ok(settled)
    }

    /// Ends an open job as the original's `status` and `url` say; `None` if it has ended meanwhile.
    async fn end(
        &self,
        task: &Task,
        status: &str,
        url: Option<&str>,
        now: Option<DateTime>,
    ) -> Result<Option<Task>, StoreError> {
        let Upload { image, job } = task.upload(None)?;
        let mut job = ended_elsewhere(job, status, url);
        // Its worker told no one of ours.
        let due_at = job.updated_at;
        job.announcement.get_or_insert(Announcement {
            state: AnnouncementState::Pending,
            attempts: 0,
            due_at,
        });
        let ended = Upload { image, job };
        let ours =
            serialize_to_bson(&Ours::new(&ended)).map_err(|error| unreadable("demitasse").because(error))?;
        let mut set =
            doc! { "status": status, "demitasse.state": ended.job.state.as_str(), "demitasse.open": false };
        for field in ["failure", "externalVariant", "announcement"] {
            if let Some(value) = ours.as_document().and_then(|ours| ours.get(field)) {
                set.insert(format!("demitasse.{field}"), value);
            }
        }
        if let Some(now) = now {
            set.insert("updatedAt", now);
            set.insert("demitasse.mirror", "result");
        }
        let mut unset =
            doc! { "demitasse.lease": "", "demitasse.unknownSince": "", "demitasse.lentUntil": "" };
        if ended.job.failure.is_none() {
            unset.insert("demitasse.failure", "");
        }
        let change = self
            .tasks
            .find_one_and_update(
                doc! { "_id": task.id, "demitasse.open": true },
                doc! { "$set": set, "$unset": unset },
            )
            .return_document(ReturnDocument::After);
        self.ask(&task.id.to_hex(), change).await
    }

    /// Makes a job pending again whose result has been without an address for too long; `None` before that.
    async fn reopen_if_lost(&self, task: &Task) -> Result<Option<Task>, StoreError> {
        let key = task.id.to_hex();
        let open = doc! { "_id": task.id, "demitasse.open": true, "status": &task.status };
        let now = || doc! { "$toLong": "$$NOW" };
        let mut lost = open.clone();
        lost.insert("demitasse.unknownSince", doc! { "$exists": true });
        lost.insert(
            "$expr",
            doc! { "$lte": ["$demitasse.unknownSince", { "$subtract": [now(), milliseconds(LOST)] }] },
        );
        let reopen = doc! {
            "$set": { "status": PENDING },
            "$unset": { "demitasse.unknownSince": "", "demitasse.lentUntil": "" },
        };
        let change = self.tasks.find_one_and_update(lost, reopen).return_document(ReturnDocument::After);
        if let Some(task) = self.ask(&key, change).await? {
            return Ok(Some(task));
        }
        let mut first_seen = open;
        first_seen.insert("demitasse.unknownSince", Bson::Null);
        let note = vec![doc! { "$set": { "demitasse.unknownSince": now() } }];
        self.ask(&key, self.tasks.update_one(first_seen, note)).await?;
        Ok(None)
    }

    /// Takes in an image that no task of ours has, with its first task; `None` if its task may yet come.
    async fn adopt_image(&self, row: &Document, settled: i64) -> Result<Option<Upload>, StoreError> {
        let image = row.get_object_id("_id").map_err(|error| unreadable("_id").because(error))?;
        let task = match self.task_of(image).await? {
            Some(task) => task,
            None if image.timestamp().timestamp_millis() < settled => self.make_task(row, image).await?,
            None => return Ok(None),
        };
        let task = if task.demitasse.is_some() { task } else { self.adopt_task(row, image, task).await? };
        self.mark(image, task.id).await?;
        self.upload(Some(task)).await
    }

    /// The image's job, else its first task.
    async fn task_of(&self, image: ObjectId) -> Result<Option<Task>, StoreError> {
        let query = self.tasks.find_one(of_image(image)).sort(doc! { "demitasse.sequence": -1, "_id": 1 });
        self.ask(&image.to_hex(), query).await
    }

    /// The task that the original did not come to write. Its id is the image's, so that two who make it make one.
    async fn make_task(&self, row: &Document, image: ObjectId) -> Result<Task, StoreError> {
        let at = row.get_datetime("createdAt").ok().copied().unwrap_or_else(|| image.timestamp());
        let status = if compressed_url(row).is_some() { COMPLETED } else { PENDING };
        let task = Task {
            id: image,
            image_id: image.into(),
            status: status.into(),
            created_at: Some(at),
            updated_at: Some(at),
            version: 0,
            demitasse: None,
        };
        let made = self.ask(&image.to_hex(), self.tasks.insert_one(&task)).await;
        if !is_conflict(&made) {
            made?;
        }
        Ok(task)
    }

    /// Gives the task what our own have. If another process was first, or took another task of the image, its task.
    async fn adopt_task(&self, row: &Document, image: ObjectId, task: Task) -> Result<Task, StoreError> {
        let key = task.id.to_hex();
        let upload = self.adopted(row, &task, self.next_sequence().await?)?;
        let mut ours = Ours::new(&upload);
        ours.adopted = true;
        if task.status == PENDING {
            ours.lent_until = Some((upload.job.created_at + self.adopt.patience).as_millisecond());
        }
        let ours = serialize_to_bson(&ours).map_err(|error| unreadable("demitasse").because(error))?;
        let not_taken = doc! { "_id": task.id, "demitasse": { "$exists": false } };
        let change = self
            .tasks
            .find_one_and_update(not_taken, doc! { "$set": { "demitasse": ours } })
            .return_document(ReturnDocument::After);
        let changed = self.ask(&key, change).await;
        if !is_conflict(&changed)
            && let Some(task) = changed?
        {
            return Ok(task);
        }
        self.task_of(image).await?.ok_or_else(|| unreadable(&key))
    }

    /// The rows that the original's documents become.
    fn adopted(&self, row: &Document, task: &Task, sequence: Sequence) -> Result<Upload, StoreError> {
        let url = row.get_str("imageUrl").unwrap_or_default().to_owned();
        let image_id = domain_id(task.image()?)?;
        let created = task.created_at.unwrap_or_else(|| task.id.timestamp());
        let image_created =
            row.get_datetime("createdAt").ok().copied().unwrap_or_else(|| task.id.timestamp());
        let job = Job {
            id: domain_id(task.id)?,
            image_id,
            sequence,
            owner: OwnerId::DEFAULT,
            state: JobState::Queued,
            request: self.adopt.request.clone(),
            // Of the address: the bytes are not known. Replaced when they are.
            request_key: RequestKey(Sha256::of(url.as_bytes())),
            attempt: 0,
            max_attempts: self.adopt.max_attempts,
            priority: Priority::Normal,
            trace: None,
            lease: None,
            failure: None,
            variant: None,
            external_variant: None,
            announcement: None,
            created_at: time(created)?,
            updated_at: time(task.updated_at.unwrap_or(created))?,
        };
        let image = ImageRecord {
            id: image_id,
            sequence,
            owner: OwnerId::DEFAULT,
            file_name: None,
            original: Original::External { url },
            created_at: time(image_created)?,
        };
        Ok(Upload { image, job: ended_elsewhere(job, &task.status, compressed_url(row)) })
    }

    /// Notes in the image which task has the rest.
    async fn mark(&self, image: ObjectId, task: ObjectId) -> Result<(), StoreError> {
        let unmarked = doc! { "_id": image, "demitasse.task": Bson::Null };
        let mark = self.images.update_one(unmarked, doc! { "$set": { "demitasse.task": task } });
        self.ask(&image.to_hex(), mark).await.map(drop)
    }

    /// The server's Unix milliseconds.
    async fn server_time(&self) -> Result<i64, StoreError> {
        let hello = self.ask("time", self.database.run_command(doc! { "hello": 1 })).await?;
        let time = hello.get_datetime("localTime").map_err(|error| unreadable("localTime").because(error))?;
        Ok(time.timestamp_millis())
    }
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
