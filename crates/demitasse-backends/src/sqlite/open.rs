//! Opening a database: lock, connections, schema.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use sqlx::SqlSafeStr;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::SqliteStore;
use super::writer::Writer;
use crate::ConnectError;
use crate::lock::{Lock, create_private_dir, open_private};

/// The schema: version, name and SQL of each step. A released step is never edited: sqlx compares their hashes.
///
/// Listed here and not collected by `sqlx::migrate!`, whose macro crate would compile SQLite a second time.
pub(super) const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "initial", include_str!("migrations/0001_initial.sql")),
    (2, "scale_out", include_str!("migrations/0002_scale_out.sql")),
    (3, "deletion", include_str!("migrations/0003_deletion.sql")),
    (4, "dead_letters", include_str!("migrations/0004_dead_letters.sql")),
];

/// Applies these steps.
pub(super) fn migrator(migrations: &[(i64, &'static str, &'static str)]) -> Migrator {
    let steps = migrations.iter().map(|&(version, name, sql)| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    Migrator::with_migrations(steps.collect())
}

/// How long a statement waits for SQLite's own lock. This process has one writer, so it waits only for visitors: a
/// backup, or someone's shell.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a call waits for a connection before it gives up as `Unavailable`.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// Reads are short and come from memory; more connections gain nothing.
const READERS: u32 = 4;
/// What a connection keeps of the pages that it read; a negative number counts KiB. With SQLite's own 2 MB each, the service grew by 5 MB
/// and more under a soak (`docs/operations.md`).
const CACHE: &str = "-256";

impl SqliteStore {
    /// Opens the database at `path`: makes directory and file if they are missing (private to this user), takes the
    /// lock `<path>.lock`, and applies the migrations that are missing.
    ///
    /// # Errors
    /// `InUse` if another store has it open, `NewerSchema` if a newer version wrote it, `Open` if it cannot be written
    /// or is no database.
    pub async fn open(path: &Path, upload_enqueues: bool) -> Result<Self, ConnectError> {
        Self::open_with(path, upload_enqueues, BUSY_TIMEOUT).await
    }

    pub(super) async fn open_with(
        path: &Path,
        upload_enqueues: bool,
        busy_timeout: Duration,
    ) -> Result<Self, ConnectError> {
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            create_private_dir(parent)?;
        }
        let lock = Lock::take(&lock_path(path))?;
        // SQLite gives the log and its index the mode of the database.
        open_private(path).map_err(|error| ConnectError::open(path, error))?;

        let options =
            SqliteConnectOptions::new().filename(path).busy_timeout(busy_timeout).foreign_keys(true);
        // Pages that were read lie in the system's cache as well: each connection need not keep 2 MB of its own.
        let options = options.pragma("cache_size", CACHE);
        let writing = options
            .clone()
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("journal_size_limit", "67108864");
        let pool = || {
            SqlitePoolOptions::new()
                .acquire_timeout(ACQUIRE_TIMEOUT)
                .idle_timeout(None)
                .max_lifetime(None)
                .test_before_acquire(false)
        };
        let writer = pool()
            .max_connections(1)
            .connect_with(writing)
            .await
            .map_err(|error| ConnectError::open(path, error))?;
        migrator(MIGRATIONS).run(&writer).await.map_err(|error| migrate_error(path, error))?;
        let readers = pool()
            .max_connections(READERS)
            .connect_with(options.read_only(true))
            .await
            .map_err(|error| ConnectError::open(path, error))?;
        Ok(Self {
            changes: Writer::start(writer.clone()),
            writer,
            readers,
            is_damaged: AtomicBool::new(false),
            upload_enqueues,
            _lock: lock,
        })
    }
}

fn lock_path(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(".lock");
    path.into()
}

/// The newest schema of this build.
pub(crate) fn known_schema() -> i64 {
    MIGRATIONS.iter().map(|(version, ..)| *version).max().unwrap_or(0)
}

fn migrate_error(path: &Path, error: MigrateError) -> ConnectError {
    let known = known_schema();
    match error {
        MigrateError::VersionMissing(found) if found > known => {
            ConnectError::NewerSchema { path: path.into(), found, known }
        }
        error => ConnectError::open(path, error),
    }
}
