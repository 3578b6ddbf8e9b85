//! Metadata and queue in one SQLite database: the default, and durable by itself.
//!
//! One connection writes, a few read. An upload writes image, job and queue entry, all or none; each transition and each
//! claim is one `UPDATE`. Changes that wait at the same time share a transaction (`writer`), and none is answered before
//! its commit, which syncs the write-ahead log (`synchronous=FULL`): what was accepted survives a power cut. Leases are
//! counted by the database's clock. See `migrations/` for the tables.

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
mod writer;

#[cfg(feature = "disk")]
pub(crate) use open::known_schema;

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use demitasse_core::{ErrorKind, StoreError};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqlitePool};

use crate::lock::Lock;
use crate::sql::{Statement, pool_use};
use crate::{Check, PoolUse, Pooled};
use error::store_error;
use writer::{Done, Writer};

/// The name in errors.
const BACKEND: &str = "sqlite";

/// An open database. [`SqliteStore::open`] makes one.
pub struct SqliteStore {
    /// Where all changes go.
    changes: Writer,
    /// The one connection that they are written on.
    writer: SqlitePool,
    /// Connections that only read; in WAL mode they never wait for the writer.
    readers: SqlitePool,
    /// Whether a call has met pages that are broken. A check may never touch them.
    is_damaged: AtomicBool,
    /// Whether an upload goes into this store's own queue.
    upload_enqueues: bool,
    /// Held as long as the store; last, so that the connections go first.
    _lock: Lock,
}

impl SqliteStore {
    /// Runs a writing statement with `RETURNING` and gives its only row.
    async fn write_one(&self, statement: Statement, key: &str) -> Result<Option<SqliteRow>, StoreError> {
        Ok(self.run(vec![statement], key).await?.rows.into_iter().next())
    }

    /// Runs a writing statement and says whether it changed a row.
    async fn write(&self, statement: Statement, key: &str) -> Result<bool, StoreError> {
        Ok(self.run(vec![statement], key).await?.changed > 0)
    }

    /// Runs writing statements, all or none.
    async fn run(&self, statements: Vec<Statement>, key: &str) -> Result<Done, StoreError> {
        self.changes.run(statements, key).await.inspect_err(|error| self.look_at(error))
    }

    async fn read(&self, statement: Statement, key: &str) -> Result<Vec<SqliteRow>, StoreError> {
        let rows = statement.query().fetch_all(&self.readers).await;
        rows.map_err(store_error(key)).inspect_err(|error| self.look_at(error))
    }

    fn look_at(&self, error: &StoreError) {
        if error.kind == ErrorKind::Damaged {
            self.is_damaged.store(true, Ordering::Relaxed);
        }
    }
}

#[async_trait]
impl Check for SqliteStore {
    async fn check(&self) -> Result<(), StoreError> {
        if self.is_damaged.load(Ordering::Relaxed) {
            return Err(StoreError::new(ErrorKind::Damaged, BACKEND, "database"));
        }
        self.write(queue::health(), "health").await?;
        let rows = self.read(Statement::new("SELECT checked_at FROM health WHERE id = 1"), "health").await?;
        match rows.len() {
            1 => Ok(()),
            _ => Err(StoreError::new(ErrorKind::Internal, BACKEND, "health")),
        }
    }

    /// Reads every page (`PRAGMA quick_check`).
    async fn examine(&self) -> Result<(), StoreError> {
        self.check().await?;
        let damaged = || StoreError::new(ErrorKind::Damaged, BACKEND, "database");
        let rows = self.read(Statement::new("PRAGMA quick_check(1)"), "database").await?;
        match rows.first().map(|row| row.try_get::<String, _>(0)) {
            Some(Ok(said)) if said == "ok" => Ok(()),
            Some(Ok(said)) => Err(damaged().because(said)),
            _ => Err(damaged()),
        }
    }
}

impl Pooled for SqliteStore {
    fn pools(&self) -> Vec<PoolUse> {
        vec![pool_use("metadata_writer", &self.writer), pool_use("metadata_readers", &self.readers)]
    }
}
