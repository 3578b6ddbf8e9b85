//! Which images are old, and the list of blobs that may have to go.

use std::time::Duration;

use demitasse_core::{BlobKey, ImageId, LeaseId, OwnerId, Removal, StoreError};
use jiff::Timestamp;

use super::queue::milliseconds;
use super::rows::{Columns, Fields};
use super::{Statement, row_limit};

pub(crate) const ACCEPTED_BEFORE: &str =
    "SELECT owner, id FROM images WHERE created_at < $1 ORDER BY created_at, sequence LIMIT $2";

/// The conditions are those of the indexes `images_of_blob` and `jobs_of_blob`. Gives a row if the blob is named.
pub(crate) const NAMED: &str =
    "SELECT 1 AS named WHERE ($1 = 'original' AND EXISTS (SELECT 1 FROM images WHERE sha256 = $2))
        OR ($1 = 'variant' AND EXISTS (SELECT 1 FROM jobs WHERE variant_sha256 = $2))";

const LISTED: &str = "SELECT lease FROM listed_blobs WHERE kind = $1 AND sha256 = $2";

const REMOVED: &str = "DELETE FROM listed_blobs WHERE kind = $1 AND sha256 = $2 AND lease = $3";

/// The statements that differ between databases: `$now` gives the database's own time in Unix milliseconds.
///
/// An entry waits since `since`, or is being removed under `lease` since `removing_since`. Each statement that changes an
/// entry says in its own `WHERE` what the entry must be, not only in a subquery: of two that meet, the later looks again
/// at what the earlier has left.
macro_rules! statements {
    (now: $now:expr) => {
        /// Lists a blob; one that is being removed is left alone.
        const LIST: &str = concat!(
            "INSERT INTO listed_blobs (kind, sha256, since) VALUES ($1, $2, ",
            $now,
            ") ON CONFLICT (kind, sha256) DO UPDATE SET since = excluded.since WHERE listed_blobs.lease IS NULL"
        );

        /// Lists a listed blob anew.
        const HOLD: &str = concat!(
            "UPDATE listed_blobs SET since = ",
            $now,
            " WHERE kind = $1 AND sha256 = $2 AND lease IS NULL"
        );

        /// Drops what is due and named.
        const DROP_NAMED: &str = concat!(
            "DELETE FROM listed_blobs WHERE ((lease IS NULL AND since <= ",
            $now,
            " - $1) OR (lease IS NOT NULL AND removing_since <= ",
            $now,
            " - $2)) AND ((kind = 'original' AND EXISTS (SELECT 1 FROM images WHERE images.sha256 = listed_blobs.sha256))
                OR (kind = 'variant' AND EXISTS (SELECT 1 FROM jobs WHERE jobs.variant_sha256 = listed_blobs.sha256)))"
        );

        /// Marks what is due and not named.
        const BEGIN: &str = concat!(
            "UPDATE listed_blobs SET lease = $3, removing_since = ",
            $now,
            " WHERE ((lease IS NULL AND since <= ",
            $now,
            " - $1) OR (lease IS NOT NULL AND removing_since <= ",
            $now,
            " - $2)) AND (kind, sha256) IN (SELECT kind, sha256 FROM listed_blobs AS due
                WHERE ((lease IS NULL AND since <= ",
            $now,
            " - $1) OR (lease IS NOT NULL AND removing_since <= ",
            $now,
            " - $2)) AND NOT ((kind = 'original' AND EXISTS (SELECT 1 FROM images WHERE images.sha256 = due.sha256))
                OR (kind = 'variant' AND EXISTS (SELECT 1 FROM jobs WHERE jobs.variant_sha256 = due.sha256)))
                ORDER BY since, sha256 LIMIT $4) RETURNING kind, sha256"
        );

        const PUT_BACK: &str = concat!(
            "UPDATE listed_blobs SET lease = NULL, removing_since = NULL, since = ",
            $now,
            " WHERE kind = $1 AND sha256 = $2 AND lease = $3"
        );
    };
}
pub(crate) use statements;

/// What is asked of the list, besides the statements: both databases give the same answers to the same questions.
macro_rules! deletion_store {
    ($store:ty) => {
        #[async_trait]
        impl DeletionStore for $store {
            async fn delete_image(&self, owner: OwnerId, id: ImageId) -> Result<Option<Upload>, StoreError> {
                self.delete(owner, id).await
            }

            async fn accepted_before(
                &self,
                before: Timestamp,
                limit: usize,
            ) -> Result<Vec<(OwnerId, ImageId)>, StoreError> {
                let rows = self.select(deletion::accepted_before(before, limit), "images").await?;
                rows.iter().map(deletion::image).collect()
            }

            async fn is_named(&self, key: BlobKey) -> Result<bool, StoreError> {
                Ok(!self.select(deletion::about(deletion::NAMED, key), &key.to_string()).await?.is_empty())
            }

            async fn list_blob(&self, key: BlobKey) -> Result<(), StoreError> {
                self.write(deletion::about(LIST, key), &key.to_string()).await.map(drop)
            }

            async fn hold(&self, key: BlobKey) -> Result<bool, StoreError> {
                let name = key.to_string();
                loop {
                    let rows = self.select(deletion::listed(key), &name).await?;
                    let Some(entry) = rows.first() else { return Ok(true) };
                    if deletion::is_being_removed(entry)? {
                        return Ok(false);
                    }
                    if self.write(deletion::about(HOLD, key), &name).await? {
                        return Ok(true);
                    }
                    // Somebody was faster; what they left decides.
                }
            }

            async fn begin_removals(
                &self,
                grace: Duration,
                abandoned: Duration,
                limit: usize,
            ) -> Result<Vec<Removal>, StoreError> {
                self.write(deletion::drop_named(DROP_NAMED, grace, abandoned), "blobs").await?;
                let lease = new_lease(BACKEND)?;
                let begin = deletion::begin(BEGIN, grace, abandoned, lease, limit);
                let rows = self.change(begin, "blobs").await?;
                rows.iter().map(|row| deletion::removal(row, lease)).collect()
            }

            async fn end_removal(&self, removal: Removal, removed: bool) -> Result<(), StoreError> {
                let end = deletion::end(removal, (!removed).then_some(PUT_BACK));
                self.write(end, &removal.key.to_string()).await.map(drop)
            }
        }
    };
}
pub(crate) use deletion_store;

pub(crate) fn accepted_before(before: Timestamp, limit: usize) -> Statement {
    Statement::new(ACCEPTED_BEFORE).bind(before.as_millisecond()).bind(row_limit(limit))
}

/// Reads a row of [`accepted_before`].
pub(crate) fn image(row: &impl Columns) -> Result<(OwnerId, ImageId), StoreError> {
    Ok((Fields(row).parsed("owner")?, Fields(row).parsed("id")?))
}

/// Binds a blob: kind, sha256.
pub(crate) fn about(sql: &'static str, key: BlobKey) -> Statement {
    Statement::new(sql).bind(key.kind.as_str()).bind(key.sha256.to_string())
}

pub(crate) fn listed(key: BlobKey) -> Statement {
    about(LISTED, key)
}

/// Reads a row of [`listed`].
pub(crate) fn is_being_removed(row: &impl Columns) -> Result<bool, StoreError> {
    Ok(row.optional_text("lease")?.is_some())
}

pub(crate) fn drop_named(sql: &'static str, grace: Duration, abandoned: Duration) -> Statement {
    Statement::new(sql).bind(milliseconds(grace)).bind(milliseconds(abandoned))
}

pub(crate) fn begin(
    sql: &'static str,
    grace: Duration,
    abandoned: Duration,
    lease: LeaseId,
    limit: usize,
) -> Statement {
    drop_named(sql, grace, abandoned).bind(lease.to_string()).bind(row_limit(limit))
}

/// Reads a row that was begun under `lease`.
pub(crate) fn removal(row: &impl Columns, lease: LeaseId) -> Result<Removal, StoreError> {
    let key = BlobKey { kind: Fields(row).parsed("kind")?, sha256: Fields(row).parsed("sha256")? };
    Ok(Removal { key, lease })
}

/// Ends a removal: the entry goes, or `put_back` is done to it.
pub(crate) fn end(removal: Removal, put_back: Option<&'static str>) -> Statement {
    about(put_back.unwrap_or(REMOVED), removal.key).bind(removal.lease.to_string())
}
