//! Deletion, and the list of blobs that may have to go.

use std::time::Duration;

use async_trait::async_trait;
use demitasse_core::{BlobKey, DeletionStore, ImageId, OwnerId, Removal, StoreError, Upload};
use jiff::Timestamp;
use sqlx::postgres::PgRow;

use super::queue::now;
use super::{BACKEND, PostgresStore};
use crate::lease::new_lease;
use crate::sql::rows::{self, upload_columns};
use crate::sql::{Statement, deletion};

deletion::statements! {
    now: now!()
}

deletion::deletion_store!(PostgresStore);

/// Rows and list in one statement, which is one transaction. `FOR UPDATE` waits for a transition that is under way, and
/// gives what it has left: so what is listed is what the row named last. The job goes with its image.
const DELETE: &str = concat!(
    "WITH found AS (SELECT ",
    upload_columns!(),
    " FROM images JOIN jobs ON jobs.sequence = images.sequence WHERE images.id = $1 AND images.owner = $2
            FOR UPDATE OF images, jobs),
        gone AS (DELETE FROM images WHERE sequence IN (SELECT sequence FROM found)),
        listed AS (INSERT INTO listed_blobs (kind, sha256, since)
            SELECT 'original', sha256, ",
    now!(),
    " FROM found UNION ALL SELECT 'variant', variant_sha256, ",
    now!(),
    " FROM found WHERE variant_sha256 IS NOT NULL
            ON CONFLICT (kind, sha256) DO UPDATE SET since = excluded.since WHERE listed_blobs.lease IS NULL)
    SELECT * FROM found"
);

impl PostgresStore {
    async fn delete(&self, owner: OwnerId, id: ImageId) -> Result<Option<Upload>, StoreError> {
        let statement = Statement::new(DELETE).bind(id.to_string()).bind(owner.to_string());
        self.rows(statement, &id.to_string()).await?.first().map(rows::upload).transpose()
    }

    async fn select(&self, statement: Statement, key: &str) -> Result<Vec<PgRow>, StoreError> {
        self.rows(statement, key).await
    }

    async fn change(&self, statement: Statement, key: &str) -> Result<Vec<PgRow>, StoreError> {
        self.rows(statement, key).await
    }
}
