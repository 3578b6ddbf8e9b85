//! Metadata and queue in one SQLite database: the default, and durable by itself.
//!
//! One connection writes, a few read. An upload writes image, job and queue entry in one transaction; each transition
//! and each claim is one `UPDATE`. The write-ahead log is synced on every commit (`synchronous=FULL`), so what was
//! accepted survives a power cut. Leases are counted by the database's clock. See `migrations/` for the tables.

mod deletion;
mod error;
mod images;
mod jobs;
mod notices;
mod open;
mod queue;
mod rows;
#[cfg(test)]
mod tests;

#[cfg(feature = "disk")]
pub(crate) use open::known_schema;

use async_trait::async_trait;
use demitasse_core::{ErrorKind, StoreError};
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteRow;

use crate::lock::Lock;
use crate::sql::{Statement, pool_use};
use crate::{Check, PoolUse, Pooled};
use error::store_error;

/// The name in errors.
const BACKEND: &str = "sqlite";

/// An open database. [`SqliteStore::open`] makes one.
pub struct SqliteStore {
    /// One connection. Statements wait for it here, in order, rather than for SQLite's lock.
    writer: SqlitePool,
    /// Connections that only read; in WAL mode they never wait for the writer.
    readers: SqlitePool,
    /// Whether an upload goes into this store's own queue.
    upload_enqueues: bool,
    /// Held as long as the store; last, so that the connections go first.
    _lock: Lock,
}

impl SqliteStore {
    /// Runs a writing statement with `RETURNING` to its end and gives its only row.
    ///
    /// Not `fetch_optional`: sqlx would stop at the first row, before the commit, and lose the commit's error.
    async fn write_one(&self, statement: Statement, key: &str) -> Result<Option<SqliteRow>, StoreError> {
        let rows = statement.query().fetch_all(&self.writer).await.map_err(store_error(key))?;
        Ok(rows.into_iter().next())
    }

    /// Runs a writing statement and says whether it changed a row.
    async fn write(&self, statement: Statement, key: &str) -> Result<bool, StoreError> {
        let done = statement.query().execute(&self.writer).await.map_err(store_error(key))?;
        Ok(done.rows_affected() > 0)
    }

    async fn read(&self, statement: Statement, key: &str) -> Result<Vec<SqliteRow>, StoreError> {
        statement.query().fetch_all(&self.readers).await.map_err(store_error(key))
    }
}

#[async_trait]
impl Check for SqliteStore {
    async fn check(&self) -> Result<(), StoreError> {
        self.write(queue::health(), "health").await?;
        let rows = self.read(Statement::new("SELECT checked_at FROM health WHERE id = 1"), "health").await?;
        match rows.len() {
            1 => Ok(()),
            _ => Err(StoreError::new(ErrorKind::Internal, BACKEND, "health")),
        }
    }
}

impl Pooled for SqliteStore {
    fn pools(&self) -> Vec<PoolUse> {
        vec![pool_use("metadata_writer", &self.writer), pool_use("metadata_readers", &self.readers)]
    }
}
