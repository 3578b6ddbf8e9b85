//! What a vendor's error means to a caller.

use demitasse_core::{ErrorKind, StoreError};
use object_store::Error;

/// Turns a vendor's error about `key` into the port's.
pub(super) fn store_error(backend: &'static str, key: String) -> impl FnOnce(Error) -> StoreError {
    move |error| StoreError::new(kind(&error), backend, key).because(error)
}

/// Whether the object is missing, in a bucket that exists. (A `HEAD` has no body and cannot tell the two apart; every
/// write can.)
pub(super) fn is_missing_object(error: &Error) -> bool {
    matches!(error, Error::NotFound { source, .. } if !source.to_string().contains("NoSuchBucket"))
}

fn kind(error: &Error) -> ErrorKind {
    let text = error.to_string();
    // The library gives status and body as text only. Ceph answers a full quota with 403, MinIO with 400 or 507.
    let full = ["QuotaExceeded", "StorageFull", "InsufficientStorage", "status code: 507"];
    if full.iter().any(|sign| text.contains(sign)) {
        return ErrorKind::Full;
    }
    match error {
        Error::NotFound { .. } => ErrorKind::NotFound,
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => ErrorKind::Denied,
        Error::AlreadyExists { .. } | Error::Precondition { .. } | Error::NotModified { .. } => {
            ErrorKind::Conflict
        }
        Error::InvalidPath { .. } | Error::UnknownConfigurationKey { .. } => ErrorKind::Invalid,
        Error::NotSupported { .. } | Error::NotImplemented { .. } | Error::JoinError { .. } => {
            ErrorKind::Internal
        }
        _ if text.contains("InvalidAccessKeyId") || text.contains("SignatureDoesNotMatch") => {
            ErrorKind::Denied
        }
        // What is left of 4xx is a request that no repetition makes better; the rest is the network or the server.
        _ if text.contains("status code: 4") && !text.contains("status code: 429") => ErrorKind::Internal,
        _ => ErrorKind::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(text: &str) -> Error {
        Error::Generic { store: "S3", source: text.into() }
    }

    #[test]
    fn every_cause_has_its_kind() {
        let denied = || Error::PermissionDenied { path: "k".into(), source: "403".into() };
        let quota = Error::PermissionDenied { path: "k".into(), source: "<Code>QuotaExceeded</Code>".into() };
        for (error, expected) in [
            (denied(), ErrorKind::Denied),
            (quota, ErrorKind::Full),
            (generic("Server returned non-2xx status code: 507 Insufficient Storage: "), ErrorKind::Full),
            (
                generic("Server returned non-2xx status code: 503 Service Unavailable: "),
                ErrorKind::Unavailable,
            ),
            (generic("Server returned non-2xx status code: 429 Too Many Requests: "), ErrorKind::Unavailable),
            (generic("Server returned non-2xx status code: 400 Bad Request: "), ErrorKind::Internal),
            (generic("HTTP error: error sending request"), ErrorKind::Unavailable),
            (Error::NotFound { path: "k".into(), source: "404".into() }, ErrorKind::NotFound),
        ] {
            assert_eq!(store_error("s3", "k".into())(error).kind, expected);
        }
    }

    #[test]
    fn a_missing_bucket_is_not_a_missing_object() {
        let missing = |source: &str| Error::NotFound { path: "k".into(), source: source.into() };
        assert!(is_missing_object(&missing("<Code>NoSuchKey</Code>")));
        assert!(!is_missing_object(&missing("<Code>NoSuchBucket</Code>")));
        assert!(!is_missing_object(&generic("status code: 500")));
    }
}
