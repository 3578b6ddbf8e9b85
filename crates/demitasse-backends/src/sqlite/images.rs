//! Uploads and lists.

use async_trait::async_trait;
use demitasse_core::{ImageId, ImageStore, NewUpload, OwnerId, Sequence, StoreError, Ticket, Upload};

use super::error::store_error;
use super::{BACKEND, SqliteStore, queue};
use crate::sql::images::{self, bind_image, bind_job};
use crate::sql::{Statement, rows};

const INSERT_IMAGE: &str =
    "INSERT INTO images (id, owner, file_name, sha256, bytes, media_type, width, height,
        created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

const INSERT_JOB: &str =
    "INSERT INTO jobs (sequence, id, image_id, owner, state, request, request_key, attempt,
        max_attempts, priority, trace, created_at, updated_at)
    VALUES ($10, $1, $2, $3, 'queued', $4, $5, 0, $6, $7, $8, $9, $9)";

#[async_trait]
impl ImageStore for SqliteStore {
    async fn create_upload(&self, new: NewUpload) -> Result<Upload, StoreError> {
        let key = new.image_id.to_string();
        let failed = || store_error(key.clone());
        let image = bind_image(Statement::new(INSERT_IMAGE), &new, BACKEND)?;
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(failed())?;
        let done = image.query().execute(&mut *transaction).await.map_err(failed())?;
        let sequence = done.last_insert_rowid();
        let job = bind_job(Statement::new(INSERT_JOB), &new).bind(sequence);
        job.query().execute(&mut *transaction).await.map_err(failed())?;
        let created = new.into_upload(Sequence(sequence));
        if self.upload_enqueues {
            let entry = queue::insert(Ticket::from(&created.job));
            entry.query().execute(&mut *transaction).await.map_err(failed())?;
        }
        transaction.commit().await.map_err(failed())?;
        Ok(created)
    }

    async fn image(&self, owner: OwnerId, id: ImageId) -> Result<Option<Upload>, StoreError> {
        let rows = self.read(images::image(owner, id), &id.to_string()).await?;
        rows.first().map(rows::upload).transpose()
    }

    async fn images_after(
        &self,
        owner: OwnerId,
        after: Option<Sequence>,
        limit: usize,
    ) -> Result<Vec<Upload>, StoreError> {
        self.read(images::after(owner, after, limit), "images").await?.iter().map(rows::upload).collect()
    }

    async fn images_before(
        &self,
        owner: OwnerId,
        before: Option<Sequence>,
        limit: usize,
    ) -> Result<Vec<Upload>, StoreError> {
        self.read(images::before(owner, before, limit), "images").await?.iter().map(rows::upload).collect()
    }
}
