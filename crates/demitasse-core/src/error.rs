//! What can go wrong in a store, by cause.

use std::error::Error;

/// The cause of a [`StoreError`]; callers branch on this and on nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The thing named does not exist.
    NotFound,
    /// It exists already, or it changed under the caller.
    Conflict,
    /// The backend cannot be reached, is busy, or ran out of space; later may be better.
    Unavailable,
    /// The backend has no room for more bytes.
    Full,
    /// The backend refused the credentials or the permission.
    Denied,
    /// What was given, or what is stored, is not what the port takes.
    Invalid,
    /// What the backend has stored is broken: it takes a backup, and somebody who puts it back.
    Damaged,
    /// Anything else: a defect.
    Internal,
}

impl ErrorKind {
    /// Whether the same call may succeed later.
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::Unavailable | Self::Full | Self::Conflict)
    }
}

/// An error of a backend: what, where, about which key, because of what.
#[derive(Debug, thiserror::Error)]
#[error("{backend}: {kind:?} for {key}")]
pub struct StoreError {
    /// The cause.
    pub kind: ErrorKind,
    /// Which backend said so: `sqlite`, `disk`, ...
    pub backend: &'static str,
    /// What the call was about: an id, a key, a path inside the store. Never a secret.
    pub key: String,
    /// The vendor's own error.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl StoreError {
    /// Makes an error without a vendor's error behind it.
    pub fn new(kind: ErrorKind, backend: &'static str, key: impl Into<String>) -> Self {
        Self { kind, backend, key: key.into(), source: None }
    }

    /// Adds the vendor's error.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}
