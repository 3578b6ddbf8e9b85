//! Blobs in a Cloudinary account, where the original service keeps them: originals in the folder `images`, results in
//! `compressed_images`, each under the public id `FOLDER/<sha256>`.
//!
//! # The URL
//! `cloudinary://KEY:SECRET@CLOUD?OPTIONS`, as the official SDKs take it.
//!
//! | option | default | meaning |
//! |---|---|---|
//! | `upload_prefix` | `https://api.cloudinary.com` | where calls go |
//! | `delivery_prefix` | `https://res.cloudinary.com`, or an `upload_prefix` that is not Cloudinary's | where blobs are read |
//! | `signature` | `sha1` | the hash of signatures: `sha1` or `sha256`, as the account is set |
//! | `signature_version` | `2` | `2` escapes `&` inside values, `1` is the former form |
//! | `delivery` | `redirect` | `redirect`: clients are sent to the public URL; `proxy`: blobs go through this service |
//!
//! # What it promises
//! Cloudinary may be set to change what it delivers (automatic format or quality, stripped metadata), which would break
//! the promise that a key is the hash of its bytes: a whole body that hashes to something else ends in an error. The
//! length and the identity of every upload are checked against the answer, and its signature proves who gave it.
//!
//! Images are stored with the resource type `image`. What is no image to Cloudinary (QOI, a probe, more megapixels than
//! the account may have) is stored as `raw`; reads try one after the other. Cloudinary refuses empty files, which
//! Demitasse has none of. A content delivery network stands before reads: a blob may stay readable for some minutes
//! after its deletion.

mod api;
mod delivery;
mod options;
mod sign;
mod upload;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use demitasse_core::{
    BlobBody, BlobKey, BlobKind, BlobMeta, BlobSource, BlobStore, ByteRange, Clock, Delivery, ErrorKind,
    Sha256, StoreError,
};
use futures_util::TryStreamExt;

use crate::ConnectError;
use api::Api;

/// The name in errors.
const BACKEND: &str = "cloudinary";

/// What Cloudinary takes a file for; a part of every address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resource {
    Image,
    Raw,
}

impl Resource {
    fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Raw => "raw",
        }
    }
}

/// An account. [`CloudinaryBlobs::open`] makes one; nothing is sent before the first call.
pub struct CloudinaryBlobs(Api);

impl CloudinaryBlobs {
    /// Takes a URL as the module describes it; `clock` dates the signatures. Sends nothing.
    ///
    /// # Errors
    /// `InvalidUrl`, with a sentence that repeats no secret; `Open` if the system's certificates cannot be read.
    pub fn open(url: &str, clock: Arc<dyn Clock>) -> Result<Self, ConnectError> {
        Ok(Self(Api::new(options::parse(url)?, clock)?))
    }

    /// What was picked, for logs: the cloud's name and where calls go, without secrets.
    pub fn description(&self) -> String {
        format!("cloudinary://{} at {}", self.0.account.cloud, self.0.account.upload_prefix)
    }
}

fn public_id(key: BlobKey) -> String {
    let folder = match key.kind {
        BlobKind::Original => "images",
        BlobKind::Variant => "compressed_images",
    };
    format!("{folder}/{}", key.sha256)
}

/// An error about `key`: a blob's key or a public id.
fn error(
    kind: ErrorKind,
    key: &str,
    reason: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> StoreError {
    StoreError::new(kind, BACKEND, key).because(reason)
}

#[async_trait]
impl BlobStore for CloudinaryBlobs {
    async fn put(&self, key: BlobKey, source: BlobSource) -> Result<(), StoreError> {
        upload::put(&self.0, &public_id(key), &source).await
    }

    async fn get(&self, key: BlobKey, range: Option<ByteRange>) -> Result<Option<BlobBody>, StoreError> {
        delivery::get(&self.0, &public_id(key), key.sha256, range).await
    }

    async fn head(&self, key: BlobKey) -> Result<Option<BlobMeta>, StoreError> {
        Ok(delivery::find(&self.0, &public_id(key)).await?.map(|(_, meta)| meta))
    }

    async fn delete(&self, key: BlobKey) -> Result<(), StoreError> {
        upload::destroy(&self.0, &public_id(key)).await
    }

    async fn delivery(&self, key: BlobKey) -> Result<Delivery, StoreError> {
        if !self.0.account.redirect {
            return Ok(Delivery::Stream);
        }
        let public_id = public_id(key);
        match delivery::find(&self.0, &public_id).await? {
            Some((resource, _)) => Ok(Delivery::Redirect(self.0.account.delivery_url(resource, &public_id))),
            None => Ok(Delivery::Stream),
        }
    }

    /// The URL under which an image is delivered; for what Cloudinary has as `raw` it leads nowhere.
    fn public_url(&self, key: BlobKey) -> Option<String> {
        Some(self.0.account.delivery_url(Resource::Image, &public_id(key)))
    }

    async fn check(&self) -> Result<(), StoreError> {
        let mut name = [0; 16];
        getrandom::fill(&mut name)
            .map_err(|reason| error(ErrorKind::Internal, "probe", reason.to_string()))?;
        // A name of its own for every check: several machines share the account, and its network remembers what is gone.
        let public_id = format!("demitasse_probe/{}", hex::encode(name));
        let bytes = Bytes::from_static(b"demitasse probe");
        upload::put(&self.0, &public_id, &BlobSource::Bytes(bytes.clone())).await?;
        let read = async {
            let body = delivery::get(&self.0, &public_id, Sha256::of(&bytes), None).await?;
            let body =
                body.ok_or_else(|| error(ErrorKind::NotFound, &public_id, "what was stored is not there"))?;
            body.try_collect::<Vec<Bytes>>().await.map(drop)
        };
        let read = read.await;
        // Whatever the reading said: no probe may stay.
        upload::destroy(&self.0, &public_id).await?;
        read
    }
}
