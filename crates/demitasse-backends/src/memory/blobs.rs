//! Blobs as a map.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use demitasse_core::{
    BlobBody, BlobKey, BlobMeta, BlobSource, BlobStore, ByteRange, Delivery, ErrorKind, StoreError,
};
use futures_util::stream;

use super::BACKEND;

/// Bytes in one piece of a body; small enough that readers meet pieces in tests as they do with other stores.
const PIECE: usize = 64 * 1024;

/// Blobs that live as long as the process.
#[derive(Default)]
pub struct MemoryBlobs(Mutex<HashMap<BlobKey, Bytes>>);

impl MemoryBlobs {
    fn blobs(&self) -> MutexGuard<'_, HashMap<BlobKey, Bytes>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl BlobStore for MemoryBlobs {
    async fn put(&self, key: BlobKey, source: BlobSource) -> Result<(), StoreError> {
        let bytes = match source {
            BlobSource::Bytes(bytes) => bytes,
            BlobSource::File(path) => tokio::fs::read(path).await.map(Bytes::from).map_err(|error| {
                StoreError::new(ErrorKind::Invalid, BACKEND, key.to_string()).because(error)
            })?,
        };
        self.blobs().entry(key).or_insert(bytes);
        Ok(())
    }

    async fn get(&self, key: BlobKey, range: Option<ByteRange>) -> Result<Option<BlobBody>, StoreError> {
        let Some(mut bytes) = self.blobs().get(&key).cloned() else { return Ok(None) };
        if let Some(range) = range {
            bytes = part(&bytes, range)
                .ok_or_else(|| StoreError::new(ErrorKind::Invalid, BACKEND, format!("{key} {range:?}")))?;
        }
        let mut pieces = Vec::new();
        while !bytes.is_empty() {
            pieces.push(Ok(bytes.split_to(bytes.len().min(PIECE))));
        }
        Ok(Some(Box::pin(stream::iter(pieces))))
    }

    async fn head(&self, key: BlobKey) -> Result<Option<BlobMeta>, StoreError> {
        Ok(self.blobs().get(&key).map(|bytes| BlobMeta { bytes: bytes.len() as u64 }))
    }

    async fn delete(&self, key: BlobKey) -> Result<(), StoreError> {
        self.blobs().remove(&key);
        Ok(())
    }

    async fn delivery(&self, _key: BlobKey) -> Result<Delivery, StoreError> {
        Ok(Delivery::Stream)
    }

    async fn check(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

fn part(bytes: &Bytes, range: ByteRange) -> Option<Bytes> {
    let start = usize::try_from(range.start).ok()?;
    let end = usize::try_from(range.end).ok()?;
    (start <= end && end <= bytes.len()).then(|| bytes.slice(start..end))
}
