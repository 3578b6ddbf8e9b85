//! Bringing the schema up to date while processes of the version before run beside.
//!
//! Schemas are numbered. Whoever starts applies the steps that it knows and the database lacks, one process at a time
//! under sqlx's advisory lock. The table `schema_version` says which programs may use the result: those that know schemas
//! up to `oldest_compatible` or higher. So a program that finds a *newer* schema runs on it, unless that says otherwise.
//!
//! Hence the rule for a new step: if the version before can use the result (added tables, added columns with a default,
//! added indexes), the step leaves `oldest_compatible` alone. If not (something dropped, renamed or required), it is made
//! one version after the one that stopped needing the old form, and sets `oldest_compatible` to that version's number. A
//! rolling upgrade by one version is always possible then; one by two is refused, in a sentence, where it is not, and a
//! process that runs already is no longer ready.

use demitasse_core::StoreError;
use sqlx::SqlSafeStr;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::postgres::{PgConnection, PgRow};

use crate::sql::rows::Fields;

/// The schema: version, name and SQL of each step. A released step is never edited: sqlx compares their hashes.
///
/// Listed here and not collected by `sqlx::migrate!`, whose macro crate would compile a second time.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "initial", include_str!("migrations/0001_initial.sql")),
    (2, "deletion", include_str!("migrations/0002_deletion.sql")),
    (3, "dead_letters", include_str!("migrations/0003_dead_letters.sql")),
];

/// Gives `oldest_compatible` and `newest`.
pub(super) const OLDEST_COMPATIBLE: &str = "SELECT oldest_compatible,
        (SELECT MAX(version) FROM _sqlx_migrations) AS newest
    FROM schema_version WHERE id = 1";

/// The newest schema of this build.
pub(super) fn known() -> i64 {
    MIGRATIONS.iter().map(|(version, ..)| *version).max().unwrap_or(0)
}

/// Applies the steps that are missing; waits while another process does.
pub(super) async fn run(connection: &mut PgConnection) -> Result<(), MigrateError> {
    let steps = MIGRATIONS.iter().map(|&(version, name, sql)| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    let mut migrator = Migrator::with_migrations(steps.collect());
    // Newer ones are judged by what they say of themselves.
    migrator.set_ignore_missing(true);
    migrator.run(connection).await
}

/// Reads the row of [`OLDEST_COMPATIBLE`].
pub(super) fn oldest_compatible(row: Option<&PgRow>) -> Result<i64, StoreError> {
    row.map_or(Ok(0), |row| Fields(row).number("oldest_compatible"))
}

/// Reads the row of [`OLDEST_COMPATIBLE`]: the schema that is there.
pub(super) fn newest(row: Option<&PgRow>) -> Result<i64, StoreError> {
    row.map_or(Ok(0), |row| Fields(row).number("newest"))
}
