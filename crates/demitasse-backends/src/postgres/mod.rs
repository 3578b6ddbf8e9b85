//! Metadata and queue in one PostgreSQL database, for any number of processes on any number of machines.
//!
//! The URL is `postgres://[USER[:PASSWORD]@]HOST[:PORT]/DATABASE` with libpq's parameters `sslmode`, `sslrootcert`,
//! `sslcert`, `sslkey`, `host` (a socket's directory), `application_name` and `options`, and `max_connections` (of one
//! process, 10 unless said otherwise; a process that runs workers has one more, which listens). What the URL leaves out
//! comes from libpq's variables and password file. Tables get plain names in the first schema of the `search_path`:
//! `?options[search_path]=NAME` gives Demitasse one of its own, which must exist.
//!
//! Every call is one statement, and so one transaction: an upload writes image, job and queue entry, each transition and
//! each claim is one `UPDATE`. `synchronous_commit` is left as the server has it, so what was accepted survives a crash
//! unless the server was told otherwise; but claims, heartbeats and what ends them do not wait for it. Leases are counted
//! by the database's clock. A connection that is lost is replaced, and the call tried again once. How versions follow each
//! other without a pause: `migrate.rs`.
//!
//! Through PgBouncer: in session mode, with `ignore_startup_parameters = extra_float_digits, options`. In transaction
//! mode there is no `LISTEN` and no lock around migrations, and prepared statements need PgBouncer 1.21 or
//! `?statement-cache-capacity=0`; it is neither tested nor advised.

mod address;
mod deletion;
mod error;
mod images;
mod jobs;
mod listener;
mod migrate;
mod notices;
mod open;
mod queue;
mod rows;
#[cfg(test)]
mod tests;
mod text;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use demitasse_core::{ErrorKind, StoreError};
use futures_util::TryStreamExt;
use sqlx::postgres::{PgConnectOptions, PgRow};
use sqlx::{Either, Executor, PgPool};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use crate::sql::{Statement, pool_use};
use crate::{Check, PoolUse, Pooled};
use error::store_error;
use listener::Listener;

/// The name in errors.
const BACKEND: &str = "postgres";

/// How long the server works on a statement before it gives up; a claim takes a thousandth of it.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(20);

/// How long an answer may take: a server that vanished without a word sends none.
const PATIENCE: Duration = Duration::from_secs(30);

/// The pause before a call is tried again. A connection that lay idle for [`open::TRUSTED_FOR`] is tested before it is
/// used, and this is longer: the second try does not meet another dead connection.
const PAUSE: Duration = Duration::from_millis(200);

/// An open database. [`PostgresStore::connect`] makes one.
pub struct PostgresStore {
    pool: PgPool,
    /// For the listener's own connection.
    options: PgConnectOptions,
    /// Where the tables are; what notifications are about.
    schema: String,
    /// The address without credentials.
    name: String,
    /// Whether an upload goes into this store's own queue.
    upload_enqueues: bool,
    /// Passes one waiting worker on to look for an entry; keeps one such call for the next to wait.
    news: Arc<Notify>,
    /// Started by the first worker that waits.
    listener: OnceLock<Listener>,
}

/// What a statement did.
struct Done {
    rows: Vec<PgRow>,
    /// Rows that were changed or, by a `SELECT`, given.
    count: u64,
}

impl PostgresStore {
    /// The address, without credentials.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs a statement; once more if it was undone, or if the connection was lost. Should the first have been executed
    /// before the loss: an enqueue is the same twice, a claim ends with its lease, and whatever ends a lease or changes a
    /// job finds it changed. (An upload is not: see `create_upload`.)
    async fn run(&self, statement: Statement, key: &str) -> Result<Done, StoreError> {
        let mut result = self.try_once(statement.clone()).await;
        if result.as_ref().is_err_and(error::may_pass) {
            sleep(PAUSE).await;
            result = self.try_once(statement).await;
        }
        result.map_err(store_error(key))
    }

    async fn try_once(&self, statement: Statement) -> Result<Done, sqlx::Error> {
        let query = text::escaped(statement).query();
        let run = async {
            let (mut rows, mut count) = (Vec::new(), 0);
            let mut results = (&self.pool).fetch_many(query);
            while let Some(result) = results.try_next().await? {
                match result {
                    Either::Left(done) => count += done.rows_affected(),
                    Either::Right(row) => rows.push(row),
                }
            }
            Ok(Done { rows, count })
        };
        timeout(PATIENCE, run).await.unwrap_or(Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())))
    }

    async fn rows(&self, statement: Statement, key: &str) -> Result<Vec<PgRow>, StoreError> {
        Ok(self.run(statement, key).await?.rows)
    }

    /// Runs a writing statement and says whether it changed a row.
    async fn write(&self, statement: Statement, key: &str) -> Result<bool, StoreError> {
        Ok(self.run(statement, key).await?.count > 0)
    }
}

#[async_trait]
impl Check for PostgresStore {
    /// Also notices that a newer version has left this one behind.
    async fn check(&self) -> Result<(), StoreError> {
        self.write(queue::health(), "health").await?;
        let rows = self.rows(Statement::new(migrate::OLDEST_COMPATIBLE), "schema_version").await?;
        match migrate::oldest_compatible(rows.first())? {
            oldest if oldest > migrate::known() => {
                let sentence = "a newer version has changed the schema so that this one cannot use it";
                Err(StoreError::new(ErrorKind::Invalid, BACKEND, "schema_version").because(sentence))
            }
            _ => Ok(()),
        }
    }
}

impl Pooled for PostgresStore {
    /// Without the listener's connection, which no call waits for.
    fn pools(&self) -> Vec<PoolUse> {
        vec![pool_use("metadata", &self.pool)]
    }
}
