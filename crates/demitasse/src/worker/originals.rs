//! Originals that another program keeps: fetched once, then ours.

use std::path::PathBuf;

use demitasse_core::{
    BlobKey, BlobKind, BlobSource, Original, Sha256Hasher, StoreError, StoredOriginal, Upload,
};
use demitasse_engine::{Header, Limits, Request};
use tempfile::TempPath;
use tokio::io::AsyncWriteExt;

use super::Worker;
use super::fault::{Fault, failure};
use crate::accept::request_key;
use crate::failpoint;
use crate::fetch::{FetchError, GuardedClient};
use crate::http::sentence;

/// What it takes to fetch an original.
pub(crate) struct Originals {
    /// Fetches what the policy permits.
    pub(crate) client: GuardedClient,
    /// Where bytes in flight are.
    pub(crate) spool: PathBuf,
    /// What an image may be.
    pub(crate) limits: Limits,
}

/// The upload with its original in our store; fetched from its address if it is not there yet.
pub(super) async fn stored(worker: &Worker, upload: &Upload) -> Result<Upload, Fault> {
    let Original::External { url } = &upload.image.original else { return Ok(upload.clone()) };
    let Some(shared) = &worker.backends.shared else {
        return Err(Fault::Fail(failure(
            "internal",
            "The image is kept by a program that this server does not know.",
        )));
    };
    let request: Request = upload.job.request.read().map_err(|error| {
        Fault::Fail(failure("invalid_request", format!("The stored request cannot be read: {error}.")))
    })?;
    let (spool, mut original) = worker.originals.fetch(url).await?;
    let header = worker.originals.inspect(&spool).await?;
    original.media_type = header.format.media_type().into();
    (original.width, original.height) = (header.width, header.height);
    failpoint::hit("job.fetched");

    let key = BlobKey { kind: BlobKind::Original, sha256: original.sha256 };
    worker.backends.blobs.put(key, BlobSource::File(spool.to_path_buf())).await?;
    let work = request_key(original.sha256, &request)
        .map_err(|error| Fault::Fail(failure("internal", format!("The request cannot be kept: {error}."))))?;
    let attached = shared.attach_original(upload.image.id, original, work).await?;
    failpoint::hit("job.attached");
    // Our attempt is in the row that came back; whoever has taken it over meanwhile is found out at its end.
    attached.ok_or(Fault::Lost)
}

impl Originals {
    /// The bytes at `url`, counted and hashed; what they show is not known yet.
    async fn fetch(&self, url: &str) -> Result<(TempPath, StoredOriginal), Fault> {
        let mut fetched = self.client.get(url).await.map_err(not_fetched)?;
        let file = tempfile::Builder::new().prefix("original-").tempfile_in(&self.spool).map_err(no_room)?;
        let (file, path) = file.into_parts();
        let mut file = tokio::fs::File::from_std(file);
        let (mut hasher, mut bytes) = (Sha256Hasher::default(), 0);
        while let Some(chunk) = fetched.chunk().await.map_err(not_fetched)? {
            hasher.update(&chunk);
            bytes += chunk.len() as u64;
            file.write_all(&chunk).await.map_err(no_room)?;
        }
        file.flush().await.map_err(no_room)?;
        let (media_type, width, height) = (String::new(), 0, 0);
        Ok((path, StoredOriginal { sha256: hasher.finish(), bytes, media_type, width, height }))
    }

    async fn inspect(&self, spool: &TempPath) -> Result<Header, Fault> {
        let (path, limits) = (spool.to_path_buf(), self.limits);
        let inspected = tokio::task::spawn_blocking(move || {
            let bytes = std::fs::read(path)?;
            std::io::Result::Ok(demitasse_engine::inspect(&bytes, &limits))
        });
        let inspected = inspected
            .await
            .map_err(|panic| Fault::Retry(failure("crashed", sentence(&panic.to_string()))))?;
        let inspected = inspected.map_err(no_room)?;
        inspected.map_err(|error| Fault::Fail(failure(error.code(), sentence(&error.to_string()))))
    }
}

fn not_fetched(error: FetchError) -> Fault {
    let failure = failure("fetch_failed", format!("The image could not be fetched: {error}."));
    if error.is_retryable() { Fault::Retry(failure) } else { Fault::Fail(failure) }
}

fn no_room(error: std::io::Error) -> Fault {
    StoreError::new(demitasse_core::ErrorKind::Full, "spool", "original").because(error).into()
}
