//! Originals that another program keeps: fetched once, then ours.

use std::io::{self, Write};
use std::path::PathBuf;

use bytes::Bytes;
use demitasse_core::{
    BlobKey, BlobKind, BlobSource, ErrorKind, Original, Sha256, StoreError, StoredOriginal, Upload,
};
use demitasse_engine::{Limits, Request};
use tempfile::TempPath;

use super::Worker;
use super::fault::{Fault, failure};
use crate::accept::request_key;
use crate::failpoint;
use crate::fetch::{FetchError, GuardedClient, SaveError};
use crate::hold::Hold;
use crate::http::sentence;
use crate::reclaim::{ORIGINAL, VARIANT};

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
    let spool = worker.originals.fetch(url).await?;
    let original = worker.originals.inspect(&spool).await?;
    failpoint::hit("job.fetched");

    let key = BlobKey { kind: BlobKind::Original, sha256: original.sha256 };
    let hold = Hold::take(&worker.backends, &worker.clock, key).await?;
    hold.put(BlobSource::File(spool.to_path_buf())).await?;
    let work = request_key(original.sha256, &request)
        .map_err(|error| Fault::Fail(failure("internal", format!("The request cannot be kept: {error}."))))?;
    hold.check()?;
    let attached = shared.attach_original(upload.image.id, original, work).await?;
    failpoint::hit("job.attached");
    // Our attempt is in the row that came back; whoever has taken it over meanwhile is found out at its end.
    if attached.is_none() {
        hold.abandon().await;
    }
    attached.ok_or(Fault::Lost)
}

impl Originals {
    /// A result's bytes, as a file that stays until a row names them.
    pub(super) async fn spool_variant(&self, bytes: Bytes) -> Result<TempPath, Fault> {
        let dir = self.spool.clone();
        let written = tokio::task::spawn_blocking(move || {
            let mut file = tempfile::Builder::new().prefix(VARIANT).tempfile_in(dir)?;
            file.write_all(&bytes)?;
            io::Result::Ok(file.into_temp_path())
        });
        written.await.map_err(io::Error::other).flatten().map_err(spool)
    }

    /// The bytes at `url`, as a file; what they show is not known yet.
    async fn fetch(&self, url: &str) -> Result<TempPath, Fault> {
        let fetched = self.client.get(url).await.map_err(not_fetched)?;
        let file = tempfile::Builder::new().prefix(ORIGINAL).tempfile_in(&self.spool).map_err(spool)?;
        let (file, path) = file.into_parts();
        let saved = fetched.save(&mut tokio::fs::File::from_std(file)).await;
        saved.map(|_| path).map_err(|error| match error {
            SaveError::Fetch(error) => not_fetched(error),
            SaveError::Write(error) => spool(error),
        })
    }

    /// What the bytes are, by their header, and their hash. They are in memory meanwhile.
    async fn inspect(&self, path: &TempPath) -> Result<StoredOriginal, Fault> {
        let (path, limits) = (path.to_path_buf(), self.limits);
        let inspected = tokio::task::spawn_blocking(move || {
            let bytes = std::fs::read(path)?;
            let header = demitasse_engine::inspect(&bytes, &limits);
            io::Result::Ok(header.map(|header| StoredOriginal {
                sha256: Sha256::of(&bytes),
                bytes: bytes.len() as u64,
                media_type: header.format.media_type().into(),
                width: header.width,
                height: header.height,
            }))
        });
        let inspected = inspected
            .await
            .map_err(|panic| Fault::Retry(failure("crashed", sentence(&panic.to_string()))))?;
        let inspected = inspected.map_err(spool)?;
        inspected.map_err(|error| Fault::Fail(failure(error.code(), sentence(&error.to_string()))))
    }
}

fn not_fetched(error: FetchError) -> Fault {
    let failure = failure("fetch_failed", format!("The image could not be fetched: {error}."));
    if error.is_retryable() { Fault::Retry(failure) } else { Fault::Fail(failure) }
}

fn spool(error: io::Error) -> Fault {
    let kind = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            ErrorKind::Full
        }
        _ => ErrorKind::Internal,
    };
    StoreError::new(kind, "spool", "bytes in flight").because(error).into()
}
