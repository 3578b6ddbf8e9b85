//! From PostgreSQL's error codes to causes: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.

use std::io;

use demitasse_core::{ErrorKind, StoreError};

use super::BACKEND;

/// Says what an error of sqlx means for a call about `key`. Neither holds credentials: messages name the user at most.
pub(super) fn store_error(key: impl Into<String>) -> impl FnOnce(sqlx::Error) -> StoreError {
    move |error| StoreError::new(kind(&error), BACKEND, key).because(error)
}

/// Whether another try, soon and on another connection, may find things better: the connection was lost, or the
/// statement was undone because of others.
pub(super) fn may_pass(error: &sqlx::Error) -> bool {
    match error {
        // What timed out has had its time.
        sqlx::Error::Io(error) => error.kind() != io::ErrorKind::TimedOut,
        error => code(error).is_some_and(|code| {
            matches!(code.as_str(), "40001" | "40P01" | "57P01" | "57P02" | "57P03") || code.starts_with("08")
        }),
    }
}

fn code(error: &sqlx::Error) -> Option<String> {
    error.as_database_error()?.code().map(Into::into)
}

pub(super) fn kind(error: &sqlx::Error) -> ErrorKind {
    match error {
        sqlx::Error::Database(error) => error.code().map_or(ErrorKind::Internal, |code| kind_of_code(&code)),
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => ErrorKind::Unavailable,
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => ErrorKind::Invalid,
        _ => ErrorKind::Internal,
    }
}

fn kind_of_code(code: &str) -> ErrorKind {
    let class = code.get(..2).unwrap_or_default();
    match (class, code) {
        (_, "23505") => ErrorKind::Conflict,
        (_, "53100") => ErrorKind::Full,
        (_, "42501") | ("28", _) => ErrorKind::Denied,
        (_, "22021" | "22P05") => ErrorKind::Invalid,
        // A standby, as after a failover (25006); a lock that somebody else has (55P03); an operator, or the statement's
        // time was over (57).
        (_, "25006" | "55P03") | ("08" | "40" | "53" | "57" | "58", _) => ErrorKind::Unavailable,
        _ => ErrorKind::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_told_by_cause() {
        for (code, kind) in [
            ("23505", ErrorKind::Conflict),
            ("53100", ErrorKind::Full),
            ("53300", ErrorKind::Unavailable),
            ("28P01", ErrorKind::Denied),
            ("42501", ErrorKind::Denied),
            ("57014", ErrorKind::Unavailable),
            ("57P01", ErrorKind::Unavailable),
            ("40001", ErrorKind::Unavailable),
            ("40P01", ErrorKind::Unavailable),
            ("25006", ErrorKind::Unavailable),
            ("42601", ErrorKind::Internal),
            ("23514", ErrorKind::Internal),
        ] {
            assert_eq!(kind_of_code(code), kind, "{code}");
        }
    }
}
