//! Uploads and lists.

use async_trait::async_trait;
use demitasse_core::{
    ErrorKind, ImageId, ImageStore, NewUpload, OwnerId, Sequence, StoreError, Ticket, Upload,
};
use sqlx::SqliteConnection;

use super::error::store_error;
use super::rows::{upload, upload_columns};
use super::{BACKEND, SqliteStore, queue};

pub(super) const AFTER: &str = concat!(
    "SELECT ",
    upload_columns!(),
    " FROM images JOIN jobs ON jobs.sequence = images.sequence WHERE images.owner = $1",
    " AND images.sequence > $2 ORDER BY images.sequence LIMIT $3"
);

pub(super) const BEFORE: &str = concat!(
    "SELECT ",
    upload_columns!(),
    " FROM images JOIN jobs ON jobs.sequence = images.sequence WHERE images.owner = $1",
    " AND images.sequence < $2 ORDER BY images.sequence DESC LIMIT $3"
);

#[async_trait]
impl ImageStore for SqliteStore {
    async fn create_upload(&self, new: NewUpload) -> Result<Upload, StoreError> {
        let key = new.image_id.to_string();
        let failed = || store_error(key.clone());
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(failed())?;
        let sequence = insert_image(&mut transaction, &new).await?;
        let created = new.into_upload(sequence);
        insert_job(&mut transaction, &created).await?;
        if self.upload_enqueues {
            queue::insert(Ticket::from(&created.job)).execute(&mut *transaction).await.map_err(failed())?;
        }
        transaction.commit().await.map_err(failed())?;
        Ok(created)
    }

    async fn image(&self, owner: OwnerId, id: ImageId) -> Result<Option<Upload>, StoreError> {
        let id = id.to_string();
        let query = sqlx::query(concat!(
            "SELECT ",
            upload_columns!(),
            " FROM images JOIN jobs ON jobs.sequence = images.sequence WHERE images.id = $1 AND images.owner = $2"
        ));
        let rows = self.read(query.bind(&id).bind(owner.to_string()), &id).await?;
        rows.first().map(upload).transpose()
    }

    async fn images_after(
        &self,
        owner: OwnerId,
        after: Option<Sequence>,
        limit: usize,
    ) -> Result<Vec<Upload>, StoreError> {
        let after = after.map_or(i64::MIN, |sequence| sequence.0);
        let query = sqlx::query(AFTER).bind(owner.to_string()).bind(after).bind(row_limit(limit));
        self.read(query, "images").await?.iter().map(upload).collect()
    }

    async fn images_before(
        &self,
        owner: OwnerId,
        before: Option<Sequence>,
        limit: usize,
    ) -> Result<Vec<Upload>, StoreError> {
        let before = before.map_or(i64::MAX, |sequence| sequence.0);
        let query = sqlx::query(BEFORE).bind(owner.to_string()).bind(before).bind(row_limit(limit));
        self.read(query, "images").await?.iter().map(upload).collect()
    }
}

/// A limit as SQL takes it.
pub(super) fn row_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

async fn insert_image(connection: &mut SqliteConnection, new: &NewUpload) -> Result<Sequence, StoreError> {
    let key = new.image_id.to_string();
    let bytes = i64::try_from(new.original.bytes)
        .map_err(|error| StoreError::new(ErrorKind::Invalid, BACKEND, key.as_str()).because(error))?;
    let done = sqlx::query(
        "INSERT INTO images (id, owner, file_name, sha256, bytes, media_type, width, height, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(&key)
    .bind(new.owner.to_string())
    .bind(&new.file_name)
    .bind(new.original.sha256.to_string())
    .bind(bytes)
    .bind(&new.original.media_type)
    .bind(new.original.width)
    .bind(new.original.height)
    .bind(new.now.as_millisecond())
    .execute(connection)
    .await
    .map_err(store_error(key))?;
    Ok(Sequence(done.last_insert_rowid()))
}

async fn insert_job(connection: &mut SqliteConnection, created: &Upload) -> Result<(), StoreError> {
    let job = &created.job;
    sqlx::query(
        "INSERT INTO jobs (sequence, id, image_id, owner, state, request, request_key, attempt, max_attempts,
             priority, trace, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind(job.sequence.0)
    .bind(job.id.to_string())
    .bind(job.image_id.to_string())
    .bind(job.owner.to_string())
    .bind(job.state.as_str())
    .bind(job.request.0.to_string())
    .bind(job.request_key.0.to_string())
    .bind(job.attempt)
    .bind(job.max_attempts)
    .bind(job.priority.rank())
    .bind(&job.trace)
    .bind(job.created_at.as_millisecond())
    .bind(job.updated_at.as_millisecond())
    .execute(connection)
    .await
    .map_err(store_error(job.id.to_string()))?;
    Ok(())
}
