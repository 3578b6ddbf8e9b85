//! Uploads and lists.

use async_trait::async_trait;
use demitasse_core::{ErrorKind, ImageId, ImageStore, NewUpload, OwnerId, Sequence, StoreError, Upload};
use tokio::time::sleep;

use super::error::{may_pass, store_error};
use super::queue::now;
use super::{BACKEND, PAUSE, PostgresStore};
use crate::sql::images::{self, bind_image, bind_job};
use crate::sql::rows::Fields;
use crate::sql::{Statement, rows};

/// Image and job, both or neither: one statement is one transaction.
///
/// The number comes from a row, whose lock is held until the commit is visible, and not from a sequence object: so
/// numbers become visible in their order, and whoever reads on from a number misses none that is committed later. Uploads
/// are committed one by one for it, without another round trip between.
macro_rules! create {
    ($and:literal) => {
        concat!(
            "WITH next AS (UPDATE counters SET value = value + 1 WHERE name = 'sequence' RETURNING value),
                image AS (INSERT INTO images (sequence, id, owner, file_name, sha256, bytes, media_type, width, height,
                        created_at)
                    SELECT value, $1, $2, $3, $4, $5, $6, $7, $8, $9 FROM next),
                job AS (INSERT INTO jobs (sequence, id, image_id, owner, state, request, request_key, attempt,
                        max_attempts, priority, trace, created_at, updated_at)
                    SELECT value, $10, $11, $12, 'queued', $13, $14, 0, $15, $16, $17, $18, $18 FROM next)",
            $and
        )
    };
}

const CREATE: &str = create!(" SELECT value FROM next");

const CREATE_AND_ENQUEUE: &str = concat!(
    create!(
        ", entry AS (INSERT INTO queue_entries (job_id, sequence, priority, ready_at) SELECT $10, value, $16, "
    ),
    now!(),
    " FROM next) SELECT value, pg_notify('demitasse_queue', current_schema()) FROM next"
);

#[async_trait]
impl ImageStore for PostgresStore {
    async fn create_upload(&self, new: NewUpload) -> Result<Upload, StoreError> {
        let key = new.image_id.to_string();
        let statement = create(&new, self.upload_enqueues)?;
        let mut result = self.try_once(statement.clone()).await;
        if result.as_ref().is_err_and(may_pass) {
            sleep(PAUSE).await;
            result = self.try_once(statement).await;
            // The first may have been committed before its answer was lost.
            if result.as_ref().is_err_and(|error| super::error::kind(error) == ErrorKind::Conflict)
                && let Some(found) = self.image(new.owner, new.image_id).await?
                && found.job.id == new.job_id
            {
                return Ok(found);
            }
        }
        let done = result.map_err(store_error(key.as_str()))?;
        let row = done.rows.first().ok_or_else(|| StoreError::new(ErrorKind::Internal, BACKEND, key))?;
        Ok(new.into_upload(Sequence(Fields(row).number("value")?)))
    }

    async fn image(&self, owner: OwnerId, id: ImageId) -> Result<Option<Upload>, StoreError> {
        let rows = self.rows(images::image(owner, id), &id.to_string()).await?;
        rows.first().map(rows::upload).transpose()
    }

    async fn images_after(
        &self,
        owner: OwnerId,
        after: Option<Sequence>,
        limit: usize,
    ) -> Result<Vec<Upload>, StoreError> {
        self.rows(images::after(owner, after, limit), "images").await?.iter().map(rows::upload).collect()
    }

    async fn images_before(
        &self,
        owner: OwnerId,
        before: Option<Sequence>,
        limit: usize,
    ) -> Result<Vec<Upload>, StoreError> {
        self.rows(images::before(owner, before, limit), "images").await?.iter().map(rows::upload).collect()
    }
}

/// The statement of an upload, with everything bound.
pub(super) fn create(new: &NewUpload, enqueues: bool) -> Result<Statement, StoreError> {
    let sql = if enqueues { CREATE_AND_ENQUEUE } else { CREATE };
    Ok(bind_job(bind_image(Statement::new(sql), new, BACKEND)?, new))
}
