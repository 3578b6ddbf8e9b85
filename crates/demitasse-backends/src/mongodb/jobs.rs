//! Jobs: every transition is one `updateOne`.

use async_trait::async_trait;
use demitasse_core::{Job, JobId, JobStore, RequestKey, Sequence, StoreError, Transition, Upload, Variant};
use jiff::Timestamp;
use mongodb::bson::{Bson, doc};

use super::rows::{PENDING, Task, date, object_id};
use super::updates::{Update, update};
use super::{MongoStore, row_limit};

#[async_trait]
impl JobStore for MongoStore {
    async fn job(&self, id: JobId) -> Result<Option<Upload>, StoreError> {
        let ours = doc! { "_id": object_id(id)?, "demitasse.sequence": { "$exists": true } };
        let task = self.ask(&id.to_string(), self.tasks.find_one(ours)).await?;
        self.upload(task).await
    }

    async fn transition(
        &self,
        id: JobId,
        transition: Transition,
        now: Timestamp,
    ) -> Result<Option<Job>, StoreError> {
        let has_result = matches!(transition, Transition::Succeed { .. });
        let started = if let Transition::Start { lease, .. } = &transition { Some(*lease) } else { None };
        let (key, task) = (id.to_string(), object_id(id)?);
        let Update { mut filter, set } = update(transition, now)?;
        filter.insert("_id", task);
        if self.ask(&key, self.tasks.update_one(filter, set)).await?.matched_count == 0 {
            return Ok(None);
        }
        let Some(task) = self.ask(&key, self.tasks.find_one(doc! { "_id": task })).await? else {
            return Ok(None);
        };
        if has_result {
            // The job has ended, whatever comes of this; the sweep completes it.
            self.write_mirror(&task).await.ok();
        }
        let job = task.upload(None)?.job;
        // Another start may have come between the change and the look.
        Ok(Some(job).filter(|job| started.is_none() || job.lease == started))
    }

    async fn variant_for(&self, key: RequestKey) -> Result<Option<Variant>, StoreError> {
        let key = key.0.to_string();
        let query = self
            .tasks
            .find_one(doc! { "demitasse.requestKey": &key, "demitasse.variant.sha256": { "$exists": true } })
            .sort(doc! { "demitasse.sequence": -1 });
        let found = self.ask(&key, query).await?;
        Ok(found.map(|task| task.upload(None)).transpose()?.and_then(|upload| upload.job.variant))
    }

    async fn unannounced(&self, now: Timestamp, limit: usize) -> Result<Vec<Job>, StoreError> {
        let due = doc! {
            "demitasse.announcement.state": "pending",
            "demitasse.announcement.dueAt": { "$lte": date(now) },
        };
        let order = doc! { "demitasse.announcement.dueAt": 1, "demitasse.sequence": 1 };
        if limit == 0 {
            return Ok(Vec::new());
        }
        let query = self.tasks.find(due).sort(order).limit(row_limit(limit));
        jobs(&self.all("unannounced", query).await?)
    }

    async fn dead_letters(&self, before: Option<Sequence>, limit: usize) -> Result<Vec<Upload>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let before = before.map_or(i64::MAX, |sequence| sequence.0);
        let dead = doc! {
            "demitasse.state": "failed", "demitasse.sequence": { "$lt": before },
            "$expr": { "$gte": ["$demitasse.attempt", "$demitasse.maxAttempts"] },
        };
        let query = self.tasks.find(dead).sort(doc! { "demitasse.sequence": -1 }).limit(row_limit(limit));
        let tasks = self.all("dead letters", query).await?;
        self.uploads(&tasks).await
    }

    async fn unfinished(&self, after: Option<Sequence>, limit: usize) -> Result<Vec<Job>, StoreError> {
        if after.is_none() {
            self.repair_mirrors().await?;
        }
        if limit == 0 {
            return Ok(Vec::new());
        }
        let after = after.map_or(i64::MIN, |sequence| sequence.0);
        let open = doc! {
            "demitasse.open": true, "demitasse.sequence": { "$gt": after }, "status": PENDING,
            // Not lent, or not any more.
            "$or": [
                { "demitasse.lentUntil": Bson::Null },
                { "$expr": { "$lte": ["$demitasse.lentUntil", { "$toLong": "$$NOW" }] } },
            ],
        };
        let query = self.tasks.find(open).sort(doc! { "demitasse.sequence": 1 }).limit(row_limit(limit));
        jobs(&self.all("unfinished", query).await?)
    }
}

/// The jobs of tasks that the original's worker has not ended.
fn jobs(tasks: &[Task]) -> Result<Vec<Job>, StoreError> {
    tasks.iter().map(|task| Ok(task.upload(None)?.job)).collect()
}
