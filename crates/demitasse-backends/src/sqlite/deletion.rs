//! Deletion, and the list of blobs that may have to go.

use std::time::Duration;

use async_trait::async_trait;
use demitasse_core::{BlobKey, DeletionStore, ImageId, OwnerId, Removal, StoreError, Upload};
use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;

use super::error::store_error;
use super::{BACKEND, SqliteStore};
use crate::lease::new_lease;
use crate::sql::{Statement, deletion, images, rows};

deletion::statements! {
    now: "CAST(unixepoch('subsec') * 1000 AS INTEGER)"
}

deletion::deletion_store!(SqliteStore);

/// The job goes with its image.
const DELETE: &str = "DELETE FROM images WHERE id = $1 AND owner = $2";

impl SqliteStore {
    async fn delete(&self, owner: OwnerId, id: ImageId) -> Result<Option<Upload>, StoreError> {
        let failed = || store_error(id.to_string());
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(failed())?;
        let found = images::image(owner, id).query().fetch_all(&mut *transaction).await.map_err(failed())?;
        let Some(deleted) = found.first().map(rows::upload).transpose()? else { return Ok(None) };
        let delete = Statement::new(DELETE).bind(id.to_string()).bind(owner.to_string());
        delete.query().execute(&mut *transaction).await.map_err(failed())?;
        for key in deleted.blobs() {
            deletion::about(LIST, key).query().execute(&mut *transaction).await.map_err(failed())?;
        }
        transaction.commit().await.map_err(failed())?;
        Ok(Some(deleted))
    }

    async fn select(&self, statement: Statement, key: &str) -> Result<Vec<SqliteRow>, StoreError> {
        self.read(statement, key).await
    }

    /// Runs a writing statement with `RETURNING` to its end.
    async fn change(&self, statement: Statement, key: &str) -> Result<Vec<SqliteRow>, StoreError> {
        statement.query().fetch_all(&self.writer).await.map_err(store_error(key))
    }
}
