//! Storing, with bounded memory.

use std::io;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use demitasse_core::{BlobKey, BlobSource, ErrorKind, StoreError};
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, Error, ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, WriteMultipart,
};
use tokio::fs::File;
use tokio::io::AsyncReadExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::BucketBlobs;
use crate::sniff::{OPAQUE, SNIFFED, media_type};

/// Bytes that go by one request; more go in parts.
pub(super) const SINGLE: u64 = 16 * 1024 * 1024;

/// Bytes of a part: above every vendor's minimum (5 MiB), and 10,000 parts make 80 GiB.
const PART: usize = 8 * 1024 * 1024;

/// Parts of one blob that are on their way at a time; another one is being read meanwhile.
const PARTS_IN_FLIGHT: usize = 2;

/// What memory is counted in.
pub(super) const UNIT: u64 = 64 * 1024;

/// What all puts from files may hold at a time.
const MEMORY: u64 = 64 * 1024 * 1024;

/// How often a conditional put is sent that was refused because of another one that then did not come true.
const ROUNDS: u32 = 5;

pub(super) fn memory() -> Arc<Semaphore> {
    Arc::new(Semaphore::new((MEMORY / UNIT) as usize))
}

pub(super) async fn put(store: &BucketBlobs, key: BlobKey, source: BlobSource) -> Result<(), StoreError> {
    match source {
        BlobSource::Bytes(bytes) => create(store, key, bytes).await,
        BlobSource::File(path) => put_file(store, key, &path).await,
    }
}

async fn put_file(store: &BucketBlobs, key: BlobKey, path: &FilePath) -> Result<(), StoreError> {
    let error = |error| file_error(store, key)(error);
    let mut file = File::open(path).await.map_err(error)?;
    let length = file.metadata().await.map_err(error)?.len();
    if length > SINGLE {
        return put_parts(store, key, file, length).await;
    }
    let _memory = reserve(store, key, length).await?;
    let bytes = read_part(&mut file, length as usize).await.map_err(error)?;
    create(store, key, bytes).await
}

/// One request, which succeeds only if nothing is there.
async fn create(store: &BucketBlobs, key: BlobKey, bytes: Bytes) -> Result<(), StoreError> {
    let path = store.path(key);
    for round in 0..ROUNDS {
        let options =
            PutOptions { mode: PutMode::Create, attributes: attributes(&bytes), ..Default::default() };
        match store.store.put_opts(&path, bytes.clone().into(), options).await {
            Ok(_) => return Ok(()),
            // S3 says "conflict" about another put that is still under way as well, which may yet fail: look.
            Err(Error::AlreadyExists { .. }) if exists(store, key, &path).await? => return Ok(()),
            Err(Error::AlreadyExists { .. }) => tokio::time::sleep(pause(round)).await,
            Err(error) => return Err(store.error(key)(error)),
        }
    }
    Err(StoreError::new(ErrorKind::Unavailable, store.backend, key.to_string())
        .because("other writers of this key kept it busy and left nothing behind"))
}

/// 50 ms, doubled every round.
fn pause(round: u32) -> Duration {
    Duration::from_millis(50 << round)
}

async fn exists(store: &BucketBlobs, key: BlobKey, path: &Path) -> Result<bool, StoreError> {
    match store.store.head(path).await {
        Ok(_) => Ok(true),
        Err(Error::NotFound { .. }) => Ok(false),
        Err(error) => Err(store.error(key)(error)),
    }
}

async fn put_parts(store: &BucketBlobs, key: BlobKey, file: File, length: u64) -> Result<(), StoreError> {
    let path = store.path(key);
    if exists(store, key, &path).await? {
        return Ok(());
    }
    let _memory = reserve(store, key, ((PARTS_IN_FLIGHT + 1) * PART) as u64).await?;
    let mut file = file;
    let first = read_part(&mut file, PART).await.map_err(|error| file_error(store, key)(error))?;
    let options = PutMultipartOptions { attributes: attributes(&first), ..Default::default() };
    let upload =
        store.store.put_multipart_opts(&path, options).await.map_err(|error| store.error(key)(error))?;
    let mut parts = WriteMultipart::new_with_chunk_size(upload, PART);
    match send_parts(store, key, &mut parts, first, &mut file, length).await {
        // Takes the parts away if it fails.
        Ok(()) => parts.finish().await.map(drop).map_err(|error| store.error(key)(error)),
        Err(error) => {
            // The first error counts. What an abort leaves behind is the bucket's lifecycle rule to remove.
            drop(parts.abort().await);
            Err(error)
        }
    }
}

async fn send_parts(
    store: &BucketBlobs,
    key: BlobKey,
    parts: &mut WriteMultipart,
    first: Bytes,
    file: &mut File,
    length: u64,
) -> Result<(), StoreError> {
    let mut rest = length - first.len() as u64;
    parts.put(first);
    while rest > 0 {
        parts.wait_for_capacity(PARTS_IN_FLIGHT).await.map_err(|error| store.error(key)(error))?;
        let part = read_part(file, rest.min(PART as u64) as usize)
            .await
            .map_err(|error| file_error(store, key)(error))?;
        rest -= part.len() as u64;
        parts.put(part);
    }
    Ok(())
}

/// Exactly `length` bytes, or an error: a file that shrinks must not become a blob.
async fn read_part(file: &mut File, length: usize) -> io::Result<Bytes> {
    let mut part = BytesMut::with_capacity(length);
    let mut limited = file.take(length as u64);
    while part.len() < length {
        if limited.read_buf(&mut part).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(part.freeze())
}

/// What a browser is told by a bucket that serves the blob itself; see the module.
fn attributes(start: &[u8]) -> Attributes {
    let media_type = media_type(&start[..start.len().min(SNIFFED)]);
    let disposition = if media_type == OPAQUE { "attachment" } else { "inline" };
    Attributes::from_iter([
        (Attribute::ContentType, media_type),
        (Attribute::ContentDisposition, disposition),
    ])
}

async fn reserve(store: &BucketBlobs, key: BlobKey, bytes: u64) -> Result<OwnedSemaphorePermit, StoreError> {
    let units = bytes.min(MEMORY).div_ceil(UNIT) as u32;
    let permit = store.memory.clone().acquire_many_owned(units).await;
    permit
        .map_err(|error| StoreError::new(ErrorKind::Internal, store.backend, key.to_string()).because(error))
}

fn file_error(store: &BucketBlobs, key: BlobKey) -> impl FnOnce(io::Error) -> StoreError {
    let (backend, key) = (store.backend, key.to_string());
    move |error| {
        let kind = match error.kind() {
            io::ErrorKind::NotFound => ErrorKind::NotFound,
            io::ErrorKind::PermissionDenied => ErrorKind::Denied,
            io::ErrorKind::UnexpectedEof => ErrorKind::Invalid,
            _ => ErrorKind::Unavailable,
        };
        StoreError::new(kind, backend, key).because(error)
    }
}
