//! From Redis' errors to causes.

use demitasse_core::{ErrorKind, StoreError};
use redis::{ErrorKind as Cause, RedisError, ServerErrorKind as Said};

use super::BACKEND;

/// The error of a call about `key`. Neither holds credentials: the client's messages name none.
pub(super) fn store_error(key: &str, error: RedisError) -> StoreError {
    StoreError::new(kind(&error), BACKEND, key).because(error)
}

fn kind(error: &RedisError) -> ErrorKind {
    match (error.kind(), error.code()) {
        (Cause::Io | Cause::ClusterConnectionNotFound, _) => ErrorKind::Unavailable,
        (Cause::AuthenticationFailed | Cause::Server(Said::NoPerm), _)
        | (_, Some("NOAUTH" | "WRONGPASS" | "NOPERM")) => ErrorKind::Denied,
        (_, Some("OOM")) => ErrorKind::Full,
        (
            Cause::Server(
                Said::BusyLoading | Said::TryAgain | Said::ClusterDown | Said::MasterDown | Said::ReadOnly,
            ),
            _,
        )
        | (_, Some("BUSY" | "MISCONF" | "NOREPLICAS")) => ErrorKind::Unavailable,
        _ => ErrorKind::Internal,
    }
}
