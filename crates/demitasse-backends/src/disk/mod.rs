//! Blobs in a directory: `{original,variant}/ab/cd/<sha256>`, where `abcd` begins the hash, so that no directory grows
//! past a few thousand names in the millions of blobs.
//!
//! A blob appears under its name whole and durable, or not at all: it is written and synced under `tmp/` and then
//! renamed. Names come from typed keys only; no path from outside enters. With [`DiskBlobs::behind_proxy`] a reverse proxy
//! sends the bytes; what is made is then readable by the group, which the proxy belongs to.

mod durable;
mod put;
mod read;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use demitasse_core::{
    BlobBody, BlobKey, BlobKind, BlobMeta, BlobSource, BlobStore, ByteRange, Delivery, ErrorKind, Sha256,
    StoreError,
};

use crate::ConnectError;
use crate::lock::{Lock, create_private_dir, sync_dir};
use durable::Durable;

/// The name in errors.
const BACKEND: &str = "disk";

/// Where puts are staged.
const STAGING: &str = "tmp";

/// An open blob directory. [`DiskBlobs::open`] makes one.
pub struct DiskBlobs(Arc<Root>);

struct Root {
    path: PathBuf,
    /// Directories whose own names are known to be durable.
    durable: Durable,
    /// Held while a check uses its one name.
    checking: tokio::sync::Mutex<()>,
    /// Where the reverse proxy keeps the directory, without a slash at the end.
    proxy_prefix: Option<String>,
    _lock: Lock,
}

impl DiskBlobs {
    /// Opens the directory: makes it if it is missing (private to this user), takes the lock `DIR/lock`, and removes
    /// what interrupted puts left in `tmp/`. Blocks for a few system calls.
    ///
    /// # Errors
    /// `InUse` if another store has it open, `Open` if it cannot be written.
    pub fn open(dir: &Path) -> Result<Self, ConnectError> {
        Self::open_with(dir, None)
    }

    /// As [`DiskBlobs::open`], and blobs are delivered by a reverse proxy that has the directory under `prefix`, such as
    /// `/_blobs`: as `PREFIX/original/ab/cd/<sha256>`. New blobs and directories are readable by the group; what is there
    /// already keeps its mode.
    ///
    /// # Errors
    /// As [`DiskBlobs::open`].
    pub fn behind_proxy(dir: &Path, prefix: &str) -> Result<Self, ConnectError> {
        Self::open_with(dir, Some(prefix.trim_end_matches('/').into()))
    }

    fn open_with(dir: &Path, proxy_prefix: Option<String>) -> Result<Self, ConnectError> {
        let is_new = !dir.exists();
        create_private_dir(dir)?;
        let lock = Lock::take(&dir.join("lock"))?;
        let staging = dir.join(STAGING);
        remove_leftovers(&staging).map_err(|error| ConnectError::open(&staging, error))?;
        let mut made: Vec<PathBuf> = is_new.then(|| dir.into()).into_iter().collect();
        for name in [STAGING, BlobKind::Original.as_str(), BlobKind::Variant.as_str()] {
            let path = dir.join(name);
            if name != STAGING && !path.exists() {
                made.push(path.clone());
            }
            create_private_dir(&path)?;
        }
        if proxy_prefix.is_some() {
            for path in &made {
                put::open_to_group(path).map_err(|error| ConnectError::open(path, error))?;
            }
        }
        sync_dir(dir).map_err(|error| ConnectError::open(dir, error))?;
        Ok(Self(Arc::new(Root {
            path: dir.into(),
            durable: Durable::default(),
            checking: tokio::sync::Mutex::default(),
            proxy_prefix,
            _lock: lock,
        })))
    }

    /// Runs `work` where blocking is allowed.
    async fn blocking<T: Send + 'static>(
        &self,
        key: BlobKey,
        work: impl FnOnce(&Root) -> io::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let root = self.0.clone();
        tokio::task::spawn_blocking(move || work(&root))
            .await
            .map_err(|error| StoreError::new(ErrorKind::Internal, BACKEND, key.to_string()).because(error))?
            .map_err(store_error(key))
    }
}

impl Root {
    fn blob_path(&self, key: BlobKey) -> PathBuf {
        self.path.join(relative_path(key))
    }
}

/// Where a blob lies in the directory; also in URLs, so always with slashes.
pub(crate) fn relative_path(key: BlobKey) -> String {
    let hash = key.sha256.to_string();
    format!("{}/{}/{}/{hash}", key.kind.as_str(), &hash[..2], &hash[2..4])
}

fn remove_leftovers(staging: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(staging) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Says what an error of the file system means for a call about `key`.
fn store_error(key: BlobKey) -> impl FnOnce(io::Error) -> StoreError {
    move |error| {
        let kind = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                ErrorKind::Full
            }
            io::ErrorKind::PermissionDenied => ErrorKind::Denied,
            io::ErrorKind::InvalidInput => ErrorKind::Invalid,
            io::ErrorKind::NotFound => ErrorKind::NotFound,
            _ => ErrorKind::Unavailable,
        };
        StoreError::new(kind, BACKEND, key.to_string()).because(error)
    }
}

#[async_trait]
impl BlobStore for DiskBlobs {
    async fn put(&self, key: BlobKey, source: BlobSource) -> Result<(), StoreError> {
        self.blocking(key, move |root| put::put(root, key, source)).await
    }

    async fn get(&self, key: BlobKey, range: Option<ByteRange>) -> Result<Option<BlobBody>, StoreError> {
        read::get(&self.0, key, range).await
    }

    async fn head(&self, key: BlobKey) -> Result<Option<BlobMeta>, StoreError> {
        self.blocking(key, move |root| match std::fs::metadata(root.blob_path(key)) {
            Ok(metadata) => Ok(Some(BlobMeta { bytes: metadata.len() })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        })
        .await
    }

    async fn delete(&self, key: BlobKey) -> Result<(), StoreError> {
        self.blocking(key, move |root| put::delete(root, key)).await
    }

    async fn delivery(&self, key: BlobKey) -> Result<Delivery, StoreError> {
        Ok(match &self.0.proxy_prefix {
            Some(prefix) => Delivery::AccelPath(format!("{prefix}/{}", relative_path(key))),
            None => Delivery::Stream,
        })
    }

    async fn check(&self) -> Result<(), StoreError> {
        let _alone = self.0.checking.lock().await;
        // Not the hash of any file that will ever be uploaded: the name of a probe, not a content address.
        let key = BlobKey { kind: BlobKind::Original, sha256: Sha256::of(b"demitasse readiness probe") };
        self.put(key, BlobSource::Bytes(Bytes::from_static(b"probe"))).await?;
        let found = self.head(key).await?;
        self.delete(key).await?;
        match found {
            Some(BlobMeta { bytes: 5 }) => Ok(()),
            _ => Err(StoreError::new(ErrorKind::Internal, BACKEND, key.to_string())),
        }
    }
}
