//! Uploads and lists.

use async_trait::async_trait;
use demitasse_core::{ErrorKind, ImageId, ImageStore, NewUpload, OwnerId, Sequence, StoreError, Upload};

use super::{BACKEND, SqliteStore, queue};
use crate::sql::images::{self, bind_image, bind_job};
use crate::sql::{Statement, rows};

const INSERT_IMAGE: &str =
    "INSERT INTO images (id, owner, file_name, sha256, bytes, media_type, width, height,
        created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING sequence";

/// Right after the image, whose sequence number is the last row's.
const INSERT_JOB: &str =
    "INSERT INTO jobs (sequence, id, image_id, owner, state, request, request_key, attempt,
        max_attempts, priority, trace, created_at, updated_at)
    VALUES (last_insert_rowid(), $1, $2, $3, 'queued', $4, $5, 0, $6, $7, $8, $9, $9)";

#[async_trait]
impl ImageStore for SqliteStore {
    async fn create_upload(&self, new: NewUpload) -> Result<Upload, StoreError> {
        let key = new.image_id.to_string();
        let mut statements = vec![
            bind_image(Statement::new(INSERT_IMAGE), &new, BACKEND)?,
            bind_job(Statement::new(INSERT_JOB), &new),
        ];
        if self.upload_enqueues {
            statements.push(queue::insert_for_last_row(new.job_id, new.priority));
        }
        let done = self.run(statements, &key).await?;
        let row = done.rows.first().ok_or_else(|| StoreError::new(ErrorKind::Internal, BACKEND, key))?;
        Ok(new.into_upload(Sequence(rows::Fields(row).number("sequence")?)))
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
