//! The four URLs that pick the backends, and why one may be refused.

use std::fmt;
use std::path::PathBuf;

use crate::AdoptDefaults;

/// A port that a URL configures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Port {
    /// Images and jobs.
    Metadata,
    /// The job queue.
    Queue,
    /// The event bus.
    Events,
    /// The blobs.
    Storage,
    /// The original service's messages.
    Original,
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Metadata => "metadata",
            Self::Queue => "queue",
            Self::Events => "events",
            Self::Storage => "storage",
            Self::Original => "bridge",
        })
    }
}

impl Port {
    /// What its URL may look like, for error messages.
    fn forms(self) -> &'static str {
        match self {
            Self::Metadata => {
                "`sqlite:PATH`, `postgres://HOST/DATABASE`, `mongodb://HOST/DATABASE` or `memory:`"
            }
            Self::Queue => "`metadata`, `redis://HOST:PORT` or `memory:`",
            Self::Events => "`redis://HOST:PORT` or `memory:`",
            Self::Storage => {
                "`file:DIR`, `s3://BUCKET/PREFIX`, `gs://BUCKET/PREFIX`, `az://CONTAINER/PREFIX`, \
                 `cloudinary://KEY:SECRET@CLOUD` or `memory:`"
            }
            Self::Original => "`redis://HOST:PORT`",
        }
    }
}

/// Where each port finds its backend. The scheme picks it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackendUrls {
    /// `sqlite:PATH`, `postgres://HOST/DATABASE`, `mongodb://HOST/DATABASE`, `mongodb+srv://HOST/DATABASE` or `memory:`.
    pub metadata: String,
    /// `metadata` (in the metadata store), `redis://HOST:PORT` or `memory:`.
    pub queue: String,
    /// `redis://HOST:PORT` or `memory:`.
    pub events: String,
    /// `file:DIR`, `file:DIR?accel=PREFIX`, `s3://BUCKET/PREFIX`, `gs://BUCKET/PREFIX`, `az://CONTAINER/PREFIX`,
    /// `cloudinary://KEY:SECRET@CLOUD` or `memory:`.
    pub storage: String,
    /// The address under which clients see the service, without a slash at its end: for links that are stored where another
    /// program reads them.
    pub public_url: Option<String>,
    /// What is asked for in jobs that the original service wrote into the metadata store.
    pub adopt: AdoptDefaults,
    /// Where the original service's messages are; `None` if it does not run.
    pub original: Option<OriginalUrl>,
}

/// Where the original service's messages are, and who does the work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginalUrl {
    /// `redis://HOST:PORT`.
    pub redis: String,
    /// The key of its list of tasks; `image-queue` by default.
    pub list: String,
    /// Its topic of results; `tasks-results` by default.
    pub topic: String,
    /// Whether its worker does the work of what is uploaded here: such jobs are not enqueued here.
    pub works: bool,
}

impl BackendUrls {
    /// Nothing leaves this process and nothing survives it; for tests.
    pub fn memory() -> Self {
        Self {
            metadata: "memory:".into(),
            queue: "metadata".into(),
            events: "memory:".into(),
            storage: "memory:".into(),
            public_url: None,
            adopt: AdoptDefaults::default(),
            original: None,
        }
    }
}

/// Why a backend cannot be used, as a sentence for the person who configures it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// Nobody knows the scheme.
    #[error("the {port} URL has the unknown scheme `{scheme}`; it takes {}", .port.forms())]
    UnknownScheme {
        /// The port.
        port: Port,
        /// What stands before the colon; never the rest, which may hold a password.
        scheme: String,
    },
    /// The scheme is known but was left out of this build.
    #[error(
        "the {port} URL asks for `{scheme}`, which is not in this build; build with the feature `{feature}` or choose \
         another backend"
    )]
    NotCompiledIn {
        /// The port.
        port: Port,
        /// The scheme.
        scheme: &'static str,
        /// The feature that brings it.
        feature: &'static str,
    },
    /// The part after the scheme is missing.
    #[error("the {port} URL names no path; it takes {}", .port.forms())]
    NoPath {
        /// The port.
        port: Port,
    },
    /// The URL cannot be used.
    #[error("the {port} URL cannot be used: {reason}")]
    InvalidUrl {
        /// The port.
        port: Port,
        /// What is wrong with it and what it takes, without repeating its secrets.
        reason: String,
    },
    /// Nothing answers there, or it refuses us.
    #[error("the {port} cannot be reached at {server}: {source}")]
    Unreachable {
        /// The port.
        port: Port,
        /// The address, without credentials.
        server: String,
        /// The vendor's reason.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server lacks what newer ones have.
    #[error("the {port} server {server} has version {found}; it must be {oldest} or newer")]
    TooOld {
        /// The port.
        port: Port,
        /// The address, without credentials.
        server: String,
        /// Its version.
        found: String,
        /// The oldest version that will do.
        oldest: String,
    },
    /// Another process has the data.
    #[error(
        "another process uses {}; SQLite and local disk serve one process, so stop it or give this one its own \
         directory", .path.display()
    )]
    InUse {
        /// The lock file.
        path: PathBuf,
    },
    /// The database was written by a newer Demitasse.
    #[error(
        "the database {} has schema {found}, and this version knows schemas up to {known}; start a newer version or \
         restore a backup", .path.display()
    )]
    NewerSchema {
        /// The database.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema of this build.
        known: i64,
    },
    /// The path cannot be created, opened or written.
    #[error("cannot open {} for writing: {source}", .path.display())]
    Open {
        /// The file or directory.
        path: PathBuf,
        /// The system's or the vendor's reason.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl ConnectError {
    #[cfg(any(feature = "sqlite", feature = "disk"))]
    pub(crate) fn open(
        path: &std::path::Path,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Open { path: path.into(), source: source.into() }
    }
}

/// Splits `scheme:rest`; a text without a colon is all scheme. `scheme://rest` means the same.
pub(crate) fn split(url: &str) -> (&str, &str) {
    let (scheme, rest) = url.split_once(':').unwrap_or((url, ""));
    (scheme, rest.strip_prefix("//").unwrap_or(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_may_be_relative_absolute_or_after_two_slashes() {
        assert_eq!(split("sqlite:data/app.db"), ("sqlite", "data/app.db"));
        assert_eq!(split("file:/var/lib/blobs"), ("file", "/var/lib/blobs"));
        assert_eq!(split("file:///var/lib/blobs"), ("file", "/var/lib/blobs"));
        assert_eq!(split("metadata"), ("metadata", ""));
    }
}
