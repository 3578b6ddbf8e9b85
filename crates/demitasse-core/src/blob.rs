//! The port to the blob store: immutable bytes by content address.

use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;
use std::str::FromStr;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::Stream;

use crate::{ParseIdError, Sha256, StoreError};

/// What a blob is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BlobKind {
    /// As it was uploaded.
    Original,
    /// As the engine made it.
    Variant,
}

impl BlobKind {
    /// The first part of the key and of the URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Original => "original",
            Self::Variant => "variant",
        }
    }
}

impl FromStr for BlobKind {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        match text {
            "original" => Ok(Self::Original),
            "variant" => Ok(Self::Variant),
            _ => Err(ParseIdError),
        }
    }
}

/// Names a blob: kind and the hash of its bytes. Owns its path, `original/<sha256>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BlobKey {
    /// What it is.
    pub kind: BlobKind,
    /// The hash of its bytes.
    pub sha256: Sha256,
}

impl fmt::Display for BlobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.as_str(), self.sha256)
    }
}

/// Where the bytes of a put come from.
#[derive(Debug)]
pub enum BlobSource {
    /// From memory.
    Bytes(Bytes),
    /// From a local file, which nobody writes to any more: the store may give the same file a second name, and its own
    /// permissions. It stays until the caller removes it.
    File(PathBuf),
}

/// What is known of a blob without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobMeta {
    /// Length in bytes.
    pub bytes: u64,
}

/// A part of a blob, in bytes from its start; `end` is not included. It lies inside a blob of `n` bytes if
/// `start <= end <= n`, so it may be empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRange {
    /// First byte.
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
}

/// The bytes, in pieces.
pub type BlobBody = Pin<Box<dyn Stream<Item = Result<Bytes, StoreError>> + Send>>;

/// How the HTTP layer gets a blob to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// Through [`BlobStore::get`].
    Stream,
    /// By sending the client to this absolute URL.
    Redirect(String),
    /// By naming this path to the reverse proxy.
    AccelPath(String),
}

/// Immutable bytes by content address.
#[async_trait]
pub trait BlobStore: Send + Sync + 'static {
    /// Stores the bytes under `key`, durably when it returns; whole or not at all. A blob that exists is left as it
    /// is and the call succeeds: same key, same bytes.
    ///
    /// # Errors
    /// `Full` if there is no room; nothing is left behind then.
    async fn put(&self, key: BlobKey, source: BlobSource) -> Result<(), StoreError>;

    /// The bytes, or a part of them; `None` if there is no such blob.
    ///
    /// # Errors
    /// `Invalid` if the range does not lie inside the blob.
    async fn get(&self, key: BlobKey, range: Option<ByteRange>) -> Result<Option<BlobBody>, StoreError>;

    /// What is known of the blob; `None` if there is no such blob.
    async fn head(&self, key: BlobKey) -> Result<Option<BlobMeta>, StoreError>;

    /// Removes the blob; one that is not there is no error. When the call returns, nothing of it is under way any more: a
    /// put that begins then is not undone by it.
    async fn delete(&self, key: BlobKey) -> Result<(), StoreError>;

    /// How to get the blob to a client.
    async fn delivery(&self, key: BlobKey) -> Result<Delivery, StoreError>;

    /// The absolute URL under which anyone can read the bytes, for as long as the blob exists; `None` if the store has
    /// none. Says nothing about whether the blob exists. It goes into documents that are shared with the original
    /// service, which keeps URLs and no keys.
    fn public_url(&self, _key: BlobKey) -> Option<String> {
        None
    }

    /// Tries for real whether blobs can be written and read, for `/readyz` and `doctor`.
    async fn check(&self) -> Result<(), StoreError>;
}
