//! Connecting: version, schema, pool.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgPool, Row};
use tokio::time::timeout;

use super::address::Address;
use super::{PATIENCE, PostgresStore, migrate};
use crate::{ConnectError, Port};

/// The oldest that its makers maintained when this was written; nothing here needs more than 9.5.
const OLDEST_VERSION: i32 = 14;

/// How long a call waits for a connection, new or free, before it gives up as `Unavailable`. A server that restarts
/// within this time goes unnoticed.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an idle connection is taken for alive. After that it is asked before it is used: the question would double
/// the time of a claim, and is free where nothing happens.
pub(super) const TRUSTED_FOR: Duration = Duration::from_millis(100);

impl PostgresStore {
    /// Connects to the database that the URL names and brings its schema up to date; many processes may do so at once.
    ///
    /// # Errors
    /// `InvalidUrl`, `Unreachable`, `TooOld`; `NewerSchema` if a newer version has left this one behind.
    pub async fn connect(url: &str, upload_enqueues: bool) -> Result<Self, ConnectError> {
        let Address { options, max_connections, name } = Address::parse(url)?;
        let schema = prepare(&options, &name).await?;
        let pool = pool(max_connections).connect_lazy_with(options.clone());
        Ok(Self {
            pool,
            options,
            schema,
            name,
            upload_enqueues,
            news: Arc::default(),
            listener: OnceLock::new(),
        })
    }
}

fn pool(max_connections: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .before_acquire(|connection, about| {
            Box::pin(async move {
                if about.idle_for > TRUSTED_FOR {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
}

/// A pool of one connection, for the listener.
pub(super) fn single(options: &PgConnectOptions) -> PgPool {
    PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .max_lifetime(None)
        .idle_timeout(None)
        .connect_lazy_with(options.clone())
}

/// Checks the server and migrates; gives the schema that the tables are in.
async fn prepare(options: &PgConnectOptions, name: &str) -> Result<String, ConnectError> {
    let unreachable = |source: Box<dyn std::error::Error + Send + Sync>| ConnectError::Unreachable {
        port: Port::Metadata,
        server: name.into(),
        source,
    };
    // Another process may take its time to migrate.
    let options = options.clone().options([("statement_timeout", "0")]);
    let mut connection = timeout(PATIENCE, options.connect())
        .await
        .map_err(|elapsed| unreachable(elapsed.into()))?
        .map_err(|error| unreachable(error.into()))?;
    let about = "SELECT current_setting('server_version_num')::int4 / 10000 AS major,
        current_setting('server_version') AS version, current_schema()::text AS schema";
    let about =
        sqlx::query(about).fetch_one(&mut connection).await.map_err(|error| unreachable(error.into()))?;
    let get = |error: sqlx::Error| unreachable(error.into());
    if about.try_get::<i32, _>("major").map_err(get)? < OLDEST_VERSION {
        return Err(ConnectError::TooOld {
            port: Port::Metadata,
            server: name.into(),
            found: about.try_get("version").map_err(get)?,
            oldest: OLDEST_VERSION.to_string(),
        });
    }
    let schema: Option<String> = about.try_get("schema").map_err(get)?;
    let schema = schema.ok_or_else(|| ConnectError::InvalidUrl {
        port: Port::Metadata,
        reason: "no schema of its `search_path` exists; create it first".into(),
    })?;
    migrate::run(&mut connection).await.map_err(|error| unreachable(error.into()))?;
    judge_schema(&mut connection, name).await?;
    connection.close().await.ok();
    Ok(schema)
}

/// Refuses a newer schema that this version cannot use.
async fn judge_schema(connection: &mut PgConnection, name: &str) -> Result<(), ConnectError> {
    let unreachable =
        |source| ConnectError::Unreachable { port: Port::Metadata, server: name.into(), source };
    let row = sqlx::query(migrate::OLDEST_COMPATIBLE)
        .fetch_optional(connection)
        .await
        .map_err(|error| unreachable(error.into()))?;
    let oldest = migrate::oldest_compatible(row.as_ref()).map_err(|error| unreachable(error.into()))?;
    let known = migrate::known();
    if oldest <= known {
        return Ok(());
    }
    let found = migrate::newest(row.as_ref()).map_err(|error| unreachable(error.into()))?;
    Err(ConnectError::NewerSchema { path: PathBuf::from(name), found, known })
}
