//! Blobs in a bucket: Amazon S3 and everything that speaks its language, Google Cloud Storage, Azure.
//!
//! The object of a blob is `PREFIX/original/<sha256>` or `PREFIX/variant/<sha256>`. It appears whole or not at all, and
//! only if nothing is there yet: up to 16 MiB by one conditional request, larger ones by a multipart
//! upload that begins only if the object is missing (the library has no conditional end of a multipart upload; since
//! the name is the hash of the bytes, who comes second writes the same).
//!
//! # The URL
//! `s3://BUCKET/PREFIX?OPTIONS`, `gs://BUCKET/PREFIX?OPTIONS`, `az://CONTAINER/PREFIX?OPTIONS`; the prefix may be left
//! out. Credentials come from the environment as the vendor's own tools name them (`AWS_ACCESS_KEY_ID`,
//! `AWS_SECRET_ACCESS_KEY`, web identity, the roles of ECS, EKS and EC2; `GOOGLE_APPLICATION_CREDENTIALS`;
//! `AZURE_STORAGE_ACCOUNT_NAME`, `AZURE_STORAGE_ACCOUNT_KEY`). `s3://KEY:SECRET@BUCKET` is taken as well and never shown.
//!
//! | option | default | meaning |
//! |---|---|---|
//! | `endpoint` | the vendor's | URL of the server |
//! | `region` | `AWS_REGION`, or `us-east-1` | S3 only |
//! | `path_style` | `true` for an `endpoint` outside AWS or a bucket name with a dot | S3 only: `https://HOST/BUCKET/KEY` instead of `https://BUCKET.HOST/KEY` |
//! | `allow_http` | `false` | whether `endpoint` may be unencrypted |
//! | `account` | `AZURE_STORAGE_ACCOUNT_NAME` | Azure only |
//! | `delivery` | `proxy` | `proxy`: blobs go through this service; `redirect`: clients are sent to a presigned URL, so the endpoint must be reachable for them |
//!
//! # What a browser sees behind a presigned URL
//! The bucket answers, with the headers that were stored with the object. Each is therefore stored with the type that
//! its bytes tell (raster images only); anything else becomes `application/octet-stream` to be saved as a file. No
//! content type of an uploader's choice is ever kept, so nothing in the bucket can run as a page.

mod error;
mod options;
mod put;
mod read;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use demitasse_core::{
    BlobBody, BlobKey, BlobMeta, BlobSource, BlobStore, ByteRange, Delivery, ErrorKind, StoreError,
};
use object_store::path::Path;
use object_store::signer::{Method, Signer};
use object_store::{ObjectStore, ObjectStoreExt};
use tokio::sync::Semaphore;

use crate::ConnectError;
use error::store_error;

/// How long a presigned URL works: a client follows a redirect at once, and what leaks from a log soon means nothing.
const PRESIGNED_FOR: Duration = Duration::from_secs(300);

/// A bucket. [`BucketBlobs::open`] makes one; nothing is sent before the first call.
pub struct BucketBlobs {
    /// `s3`, `gs` or `az`: the name in errors.
    backend: &'static str,
    store: Arc<dyn ObjectStore>,
    /// The same store; `None` if blobs are proxied.
    signer: Option<Arc<dyn Signer>>,
    prefix: Path,
    /// What puts may hold in memory, in units of [`put::UNIT`]: whole files and parts that are on their way.
    memory: Arc<Semaphore>,
    description: String,
}

impl BucketBlobs {
    /// Takes a URL as the module describes it. Sends nothing.
    ///
    /// # Errors
    /// `InvalidUrl`, with a sentence that repeats no secret.
    pub fn open(url: &str) -> Result<Self, ConnectError> {
        options::open(url)
    }

    /// What was picked, for logs: scheme, bucket, prefix and endpoint, without secrets.
    pub fn description(&self) -> &str {
        &self.description
    }

    fn path(&self, key: BlobKey) -> Path {
        self.prefix.clone().join(key.kind.as_str()).join(key.sha256.to_string())
    }

    fn error(&self, key: BlobKey) -> impl FnOnce(object_store::Error) -> StoreError {
        store_error(self.backend, key.to_string())
    }

    async fn probe(&self, path: &Path) -> Result<(), StoreError> {
        let error = |error| store_error(self.backend, path.to_string())(error);
        self.store.put(path, Bytes::from_static(b"probe").into()).await.map_err(error)?;
        let read = async { self.store.get(path).await?.bytes().await };
        let read = read.await.map_err(error);
        // Whatever the reading said: no probe may stay.
        self.store.delete(path).await.map_err(error)?;
        match read?.as_ref() {
            b"probe" => Ok(()),
            _ => Err(StoreError::new(ErrorKind::Internal, self.backend, path.to_string())
                .because("other bytes came back than were written")),
        }
    }
}

#[async_trait]
impl BlobStore for BucketBlobs {
    async fn put(&self, key: BlobKey, source: BlobSource) -> Result<(), StoreError> {
        put::put(self, key, source).await
    }

    async fn get(&self, key: BlobKey, range: Option<ByteRange>) -> Result<Option<BlobBody>, StoreError> {
        read::get(self, key, range).await
    }

    async fn head(&self, key: BlobKey) -> Result<Option<BlobMeta>, StoreError> {
        match self.store.head(&self.path(key)).await {
            Ok(meta) => Ok(Some(BlobMeta { bytes: meta.size })),
            Err(error) if error::is_missing_object(&error) => Ok(None),
            Err(error) => Err(self.error(key)(error)),
        }
    }

    async fn delete(&self, key: BlobKey) -> Result<(), StoreError> {
        match self.store.delete(&self.path(key)).await {
            Err(error) if !error::is_missing_object(&error) => Err(self.error(key)(error)),
            _ => Ok(()),
        }
    }

    async fn delivery(&self, key: BlobKey) -> Result<Delivery, StoreError> {
        let Some(signer) = &self.signer else { return Ok(Delivery::Stream) };
        let url = signer
            .signed_url(Method::GET, &self.path(key), PRESIGNED_FOR)
            .await
            .map_err(|error| self.error(key)(error))?;
        Ok(Delivery::Redirect(url.into()))
    }

    async fn check(&self) -> Result<(), StoreError> {
        // A name of its own for every check: several machines share the bucket.
        let mut name = [0; 16];
        getrandom::fill(&mut name).map_err(|error| {
            StoreError::new(ErrorKind::Internal, self.backend, "probe").because(error.to_string())
        })?;
        self.probe(&self.prefix.clone().join("probe").join(hex::encode(name))).await
    }
}
