//! Images and jobs as maps.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use async_trait::async_trait;
use demitasse_core::{
    AnnouncementState, BlobKey, ErrorKind, ImageId, ImageStore, Job, JobId, JobStore, NewUpload, OwnerId,
    RequestKey, Sequence, StoreError, Ticket, Transition, Upload, Variant,
};
use jiff::Timestamp;

use super::{BACKEND, MemoryStore};

/// The rows, by sequence, and where each id stands.
#[derive(Default)]
pub(super) struct Rows {
    last: i64,
    uploads: BTreeMap<Sequence, Upload>,
    images: HashMap<ImageId, Sequence>,
    jobs: HashMap<JobId, Sequence>,
}

impl Rows {
    fn insert(&mut self, upload: NewUpload) -> Result<Upload, StoreError> {
        if self.images.contains_key(&upload.image_id) {
            return Err(StoreError::new(ErrorKind::Conflict, BACKEND, upload.image_id.to_string()));
        }
        if self.jobs.contains_key(&upload.job_id) {
            return Err(StoreError::new(ErrorKind::Conflict, BACKEND, upload.job_id.to_string()));
        }
        self.last += 1;
        let sequence = Sequence(self.last);
        self.images.insert(upload.image_id, sequence);
        self.jobs.insert(upload.job_id, sequence);
        let upload = upload.into_upload(sequence);
        self.uploads.insert(sequence, upload.clone());
        Ok(upload)
    }

    pub(super) fn remove(&mut self, owner: OwnerId, id: ImageId) -> Option<Upload> {
        let sequence = *self.images.get(&id)?;
        self.uploads.get(&sequence).filter(|upload| upload.image.owner == owner)?;
        let removed = self.uploads.remove(&sequence)?;
        self.images.remove(&removed.image.id);
        self.jobs.remove(&removed.job.id);
        Some(removed)
    }

    pub(super) fn accepted_before(&self, before: Timestamp, limit: usize) -> Vec<(OwnerId, ImageId)> {
        let images = self.uploads.values().map(|upload| &upload.image);
        let mut found: Vec<_> = images.filter(|image| image.created_at < before).collect();
        found.sort_by_key(|image| (image.created_at, image.sequence));
        found.into_iter().take(limit).map(|image| (image.owner, image.id)).collect()
    }

    pub(super) fn names(&self, key: BlobKey) -> bool {
        self.uploads.values().any(|upload| upload.blobs().any(|named| named == key))
    }

    /// All rows strictly between the bounds that are given.
    fn between(
        &self,
        after: Option<Sequence>,
        before: Option<Sequence>,
    ) -> impl DoubleEndedIterator<Item = &Upload> + '_ {
        let lower = after.map_or(Bound::Unbounded, Bound::Excluded);
        let upper = before.map_or(Bound::Unbounded, Bound::Excluded);
        self.uploads.range((lower, upper)).map(|(_, upload)| upload)
    }
}

#[async_trait]
impl ImageStore for MemoryStore {
    async fn create_upload(&self, upload: NewUpload) -> Result<Upload, StoreError> {
        let mut state = self.state();
        let created = state.rows.insert(upload)?;
        if self.upload_enqueues {
            state.queue.enqueue(Ticket::from(&created.job), self.clock.now());
        }
        Ok(created)
    }

    async fn image(&self, owner: OwnerId, id: ImageId) -> Result<Option<Upload>, StoreError> {
        let rows = &self.state().rows;
        let found = rows.images.get(&id).and_then(|sequence| rows.uploads.get(sequence));
        Ok(found.filter(|upload| upload.image.owner == owner).cloned())
    }

    async fn images_after(
        &self,
        owner: OwnerId,
        after: Option<Sequence>,
        limit: usize,
    ) -> Result<Vec<Upload>, StoreError> {
        let rows = &self.state().rows;
        let of_owner = rows.between(after, None).filter(|upload| upload.image.owner == owner);
        Ok(of_owner.take(limit).cloned().collect())
    }

    async fn images_before(
        &self,
        owner: OwnerId,
        before: Option<Sequence>,
        limit: usize,
    ) -> Result<Vec<Upload>, StoreError> {
        let rows = &self.state().rows;
        let of_owner = rows.between(None, before).rev().filter(|upload| upload.image.owner == owner);
        Ok(of_owner.take(limit).cloned().collect())
    }
}

#[async_trait]
impl JobStore for MemoryStore {
    async fn job(&self, id: JobId) -> Result<Option<Upload>, StoreError> {
        let rows = &self.state().rows;
        Ok(rows.jobs.get(&id).and_then(|sequence| rows.uploads.get(sequence)).cloned())
    }

    async fn transition(
        &self,
        id: JobId,
        transition: Transition,
        now: Timestamp,
    ) -> Result<Option<Job>, StoreError> {
        let rows = &mut self.state().rows;
        let Some(sequence) = rows.jobs.get(&id) else { return Ok(None) };
        let Some(upload) = rows.uploads.get_mut(sequence) else { return Ok(None) };
        let Some(changed) = transition.apply(&upload.job, now) else { return Ok(None) };
        upload.job = changed.clone();
        Ok(Some(changed))
    }

    async fn variant_for(&self, key: RequestKey) -> Result<Option<Variant>, StoreError> {
        let rows = &self.state().rows;
        let mut of_key = rows.uploads.values().rev().filter(|upload| upload.job.request_key == key);
        Ok(of_key.find_map(|upload| upload.job.variant.clone()))
    }

    async fn unannounced(&self, now: Timestamp, limit: usize) -> Result<Vec<Job>, StoreError> {
        let rows = &self.state().rows;
        let due = |job: &Job| {
            let news = job.announcement.filter(|news| news.state == AnnouncementState::Pending);
            news.map(|news| news.due_at).filter(|due_at| *due_at <= now)
        };
        let jobs = rows.uploads.values().map(|upload| &upload.job);
        let mut found: Vec<_> = jobs.filter_map(|job| Some((due(job)?, job.clone()))).collect();
        found.sort_by_key(|(due_at, job)| (*due_at, job.sequence));
        Ok(found.into_iter().take(limit).map(|(_, job)| job).collect())
    }

    async fn dead_letters(&self, before: Option<Sequence>, limit: usize) -> Result<Vec<Upload>, StoreError> {
        let rows = &self.state().rows;
        let dead = rows.between(None, before).rev().filter(|upload| upload.job.is_dead_letter());
        Ok(dead.take(limit).cloned().collect())
    }

    async fn unfinished(&self, after: Option<Sequence>, limit: usize) -> Result<Vec<Job>, StoreError> {
        let rows = &self.state().rows;
        let unfinished = rows.between(after, None).filter(|upload| !upload.job.state.is_terminal());
        Ok(unfinished.take(limit).map(|upload| upload.job.clone()).collect())
    }
}
