//! From SQLite's result codes to causes.

use demitasse_core::{ErrorKind, StoreError};
use sqlx::error::DatabaseError;

use super::BACKEND;

/// Says what an error of sqlx means for a call about `key`.
pub(super) fn store_error(key: impl Into<String>) -> impl FnOnce(sqlx::Error) -> StoreError {
    move |error| StoreError::new(kind(&error), BACKEND, key).because(error)
}

/// The cause behind an error of sqlx.
pub(super) fn kind(error: &sqlx::Error) -> ErrorKind {
    match error {
        sqlx::Error::Database(error) if error.is_unique_violation() => ErrorKind::Conflict,
        sqlx::Error::Database(error) => kind_of_code(error.as_ref()),
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
            ErrorKind::Unavailable
        }
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => ErrorKind::Invalid,
        _ => ErrorKind::Internal,
    }
}

/// The low byte of the extended code is the primary one: <https://www.sqlite.org/rescode.html>.
fn kind_of_code(error: &dyn DatabaseError) -> ErrorKind {
    const PERM: i32 = 3;
    const BUSY: i32 = 5;
    const LOCKED: i32 = 6;
    const READONLY: i32 = 8;
    const IOERR: i32 = 10;
    const CORRUPT: i32 = 11;
    const FULL: i32 = 13;
    const CANTOPEN: i32 = 14;
    const NOTADB: i32 = 26;
    let code = error.code().and_then(|code| code.parse::<i32>().ok()).unwrap_or_default();
    match code & 0xff {
        FULL => ErrorKind::Full,
        BUSY | LOCKED | IOERR | CANTOPEN => ErrorKind::Unavailable,
        PERM | READONLY => ErrorKind::Denied,
        CORRUPT | NOTADB => ErrorKind::Damaged,
        _ => ErrorKind::Internal,
    }
}
