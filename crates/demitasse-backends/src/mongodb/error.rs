//! From MongoDB's errors to causes.

use demitasse_core::{ErrorKind, StoreError};
use mongodb::error::{Error, ErrorKind as Cause, WriteFailure};

use super::BACKEND;

/// Says what an error of the driver means for a call about `key`.
pub(super) fn store_error(key: &str) -> impl FnOnce(Error) -> StoreError {
    move |error| StoreError::new(kind(&error), BACKEND, key).because(error)
}

/// The error of a document that holds what this version cannot read.
pub(super) fn unreadable(field: &str) -> StoreError {
    StoreError::new(ErrorKind::Invalid, BACKEND, field)
}

/// Whether the store said that a unique index has the key already.
pub(super) fn is_conflict<T>(result: &Result<T, StoreError>) -> bool {
    result.as_ref().is_err_and(|error| error.kind == ErrorKind::Conflict)
}

fn kind(error: &Error) -> ErrorKind {
    match error.kind.as_ref() {
        Cause::Authentication { .. } => ErrorKind::Denied,
        Cause::Io(_)
        | Cause::ServerSelection { .. }
        | Cause::ConnectionPoolCleared { .. }
        | Cause::DnsResolve { .. }
        | Cause::Shutdown => ErrorKind::Unavailable,
        Cause::BsonDeserialization(_) | Cause::BsonSerialization(_) | Cause::Bson(_) => ErrorKind::Invalid,
        Cause::Command(said) => kind_of_code(said.code, error),
        Cause::Write(WriteFailure::WriteError(said)) => kind_of_code(said.code, error),
        // Written, but not by a majority in time: a later reading says what became of it.
        Cause::Write(WriteFailure::WriteConcernError(_)) => ErrorKind::Unavailable,
        _ if is_passing(error) => ErrorKind::Unavailable,
        _ => ErrorKind::Internal,
    }
}

/// The driver's own judgement that the same call may succeed later.
fn is_passing(error: &Error) -> bool {
    ["RetryableWriteError", "TransientTransactionError", "RetryableError"]
        .into_iter()
        .any(|label| error.contains_label(label))
}

/// <https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml>
fn kind_of_code(code: i32, error: &Error) -> ErrorKind {
    match code {
        11000 | 11001 | 12582 => ErrorKind::Conflict,
        // Unauthorized, AuthenticationFailed, Atlas' refusals.
        13 | 18 | 8000 => ErrorKind::Denied,
        // DocumentValidationFailure, BSONObjectTooLarge (two codes).
        121 | 10334 | 17419 => ErrorKind::Invalid,
        OUT_OF_DISK_SPACE => ErrorKind::Full,
        // No host, no network, no primary, no time, no majority, somebody else's write.
        6 | 7 | 50 | 64 | 89 | 91 | 112 | 133 | 189 | 202 | 262 | 9001 | 10107 | 11600 | 11602 | 13435
        | 13436 => ErrorKind::Unavailable,
        _ if is_passing(error) => ErrorKind::Unavailable,
        _ => ErrorKind::Internal,
    }
}

const OUT_OF_DISK_SPACE: i32 = 14031;
