//! Deletion, and the list of blobs that may have to go.

use std::time::Duration;

use async_trait::async_trait;
use demitasse_core::{BlobKey, DeletionStore, ImageId, OwnerId, Removal, StoreError, Upload};
use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;

use super::{BACKEND, SqliteStore};
use crate::lease::new_lease;
use crate::sql::{Statement, deletion, images, rows};

deletion::statements! {
    now: "CAST(unixepoch('subsec') * 1000 AS INTEGER)"
}

deletion::deletion_store!(SqliteStore);

/// What the image's rows name is listed, as [`LIST`] does.
const LIST_BLOBS_OF: &str = "INSERT INTO listed_blobs (kind, sha256, since)
    SELECT kind, sha256, CAST(unixepoch('subsec') * 1000 AS INTEGER) FROM (
        SELECT 'original' AS kind, sha256 FROM images WHERE id = $1 AND owner = $2
        UNION ALL SELECT 'variant', jobs.variant_sha256 FROM images JOIN jobs ON jobs.sequence = images.sequence
            WHERE images.id = $1 AND images.owner = $2 AND jobs.variant_sha256 IS NOT NULL) WHERE TRUE
    ON CONFLICT (kind, sha256) DO UPDATE SET since = excluded.since WHERE listed_blobs.lease IS NULL";

/// The job goes with its image.
const DELETE: &str = "DELETE FROM images WHERE id = $1 AND owner = $2";

impl SqliteStore {
    async fn delete(&self, owner: OwnerId, id: ImageId) -> Result<Option<Upload>, StoreError> {
        let about = |sql| Statement::new(sql).bind(id.to_string()).bind(owner.to_string());
        let statements = vec![images::image(owner, id), about(LIST_BLOBS_OF), about(DELETE)];
        let done = self.run(statements, &id.to_string()).await?;
        done.rows.first().map(rows::upload).transpose()
    }

    async fn select(&self, statement: Statement, key: &str) -> Result<Vec<SqliteRow>, StoreError> {
        self.read(statement, key).await
    }

    /// Runs a writing statement with `RETURNING`.
    async fn change(&self, statement: Statement, key: &str) -> Result<Vec<SqliteRow>, StoreError> {
        Ok(self.run(vec![statement], key).await?.rows)
    }
}
