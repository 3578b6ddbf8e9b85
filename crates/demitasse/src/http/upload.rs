//! One file out of a multipart body: streamed to the spool while it is hashed and counted, then looked at.
//!
//! Nothing of it stays in the spool: the file's owner is a [`TempPath`], which removes it however the upload ends.

use std::io;
use std::path::Path;
use std::time::Duration;

use axum::extract::Multipart;
use axum::extract::multipart::{Field, MultipartError};
use demitasse_core::{Sha256Hasher, StoredOriginal};
use demitasse_engine::{Header, Request, check_memory};
use tempfile::TempPath;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::error::{ApiError, Code};
use super::metered::{BESIDE_FILE, Form, Progress};
use super::state::Http;
use crate::config::DoorConfig;
use crate::metrics::Refused;
use crate::reclaim::UPLOAD;

/// How much of a refused body is read and thrown away, so that the client gets to read the refusal.
const DRAINED: u64 = 16 * 1024 * 1024;

/// The same of one that found no place: there are many of those, and they come again.
const DRAINED_AT_THE_DOOR: u64 = 1024 * 1024;

/// How long that may take.
const DRAIN_TIME: Duration = Duration::from_secs(30);

/// The same at the door.
const DRAIN_TIME_AT_THE_DOOR: Duration = Duration::from_secs(2);

/// How often room is looked for while an upload is written, in bytes: many at a time fill a disk that had room for each.
const LOOK_EVERY: u64 = 16 * 1024 * 1024;

/// A whole upload that looks like an image and is within the limits.
pub(crate) struct Received {
    /// The bytes; removed on drop.
    pub(crate) spool: TempPath,
    /// What they are.
    pub(crate) original: StoredOriginal,
    /// The client's name for them.
    pub(crate) file_name: Option<String>,
}

/// Reads the one file, in the field `image`.
pub(crate) async fn receive(
    http: &Http,
    spool: &Path,
    request: &Request,
    form: Form,
) -> Result<Received, ApiError> {
    let Form { pass, is_held_back, multipart, progress } = form;
    let mut body = multipart.map_err(|_| no_file());
    let _pass = match pass {
        Ok(pass) => pass,
        Err(error) => {
            // Who waits to be asked for the body is not asked.
            if let Ok(body) = &mut body
                && !is_held_back
            {
                turn_away(body, &progress).await;
            }
            return Err(error);
        }
    };
    let mut body = body?;
    let mut received = None;
    let mut beside_file = BESIDE_FILE;
    while let Some(field) = in_time(http, &progress, body.next_field()).await?.map_err(interrupted)? {
        progress.made();
        let is_file = field.file_name().is_some();
        match field.name() {
            Some("image") if is_file && received.is_none() => {
                received = Some(store(http, spool, field, &progress).await?)
            }
            Some(name) if is_file => {
                let detail =
                    format!("A file came in the field {name:?}; send one file, in the field \"image\".");
                drain(field, DRAINED, &progress).await;
                return Err(ApiError::new(Code::UnexpectedFile, detail));
            }
            // Other form fields are allowed and mean nothing.
            _ => beside_file = drain(field, beside_file, &progress).await,
        }
        if beside_file == 0 {
            let detail =
                format!("The form has more than the {BESIDE_FILE} bytes beside its file that are allowed.");
            return Err(ApiError::new(Code::LimitExceeded, detail));
        }
    }
    let (spool, mut original, file_name) = received.ok_or_else(no_file)?;
    if original.bytes == 0 {
        return Err(ApiError::new(Code::EmptyFile, "The file is empty."));
    }
    let header = inspect(http, &spool).await?;
    // Elsewhere it is for the workers to judge, who have memory of their own.
    if let Some(admission) = &http.admission {
        check_memory(&header, request, admission.most_for_engine(original.bytes))?;
    }
    original.media_type = header.format.media_type().into();
    (original.width, original.height) = (header.width, header.height);
    Ok(Received { spool, original, file_name })
}

fn no_file() -> ApiError {
    ApiError::new(Code::NoFile, "No image file provided")
}

type Stored = (TempPath, StoredOriginal, Option<String>);

async fn store(
    http: &Http,
    spool: &Path,
    mut field: Field<'_>,
    progress: &Progress,
) -> Result<Stored, ApiError> {
    let file_name = field.file_name().and_then(display_name);
    if let Err(error) = has_room(http) {
        drain(field, DRAINED, progress).await;
        return Err(error);
    }
    let (file, path) =
        tempfile::Builder::new().prefix(UPLOAD).tempfile_in(spool).map_err(storage)?.into_parts();
    let mut file = tokio::fs::File::from_std(file);
    let mut hasher = Sha256Hasher::default();
    let mut bytes = 0;
    while let Some(piece) = in_time(http, progress, field.chunk()).await?.map_err(interrupted)? {
        progress.made();
        let before = bytes;
        bytes += piece.len() as u64;
        if bytes / LOOK_EVERY > before / LOOK_EVERY
            && let Err(error) = has_room(http)
        {
            drain(field, DRAINED, progress).await;
            return Err(error);
        }
        if bytes > http.limits.max_bytes {
            drain(field, DRAINED, progress).await;
            return Err(too_large(http.limits.max_bytes));
        }
        hasher.update(&piece);
        if crate::failpoint::hit("spool.write").is_some() {
            return Err(storage(io::ErrorKind::StorageFull.into()));
        }
        file.write_all(&piece).await.map_err(storage)?;
    }
    file.flush().await.map_err(storage)?;
    let original =
        StoredOriginal { sha256: hasher.finish(), bytes, media_type: String::new(), width: 0, height: 0 };
    Ok((path, original, file_name))
}

/// Refuses while a disk has less room than is to stay.
fn has_room(http: &Http) -> Result<(), ApiError> {
    let Some(low) = http.disks.low() else { return Ok(()) };
    tracing::error!(dir = %low.dir.display(), free = low.free, least = low.least, "an upload was refused: see --min-free-disk");
    Err(ApiError::new(
        Code::StorageFull,
        "The server's disk has less free space than has to stay; nothing was kept.",
    ))
}

fn too_large(allowed: u64) -> ApiError {
    ApiError::new(
        Code::LimitExceeded,
        format!("The file is larger than the {allowed} bytes that are allowed."),
    )
}

async fn inspect(http: &Http, spool: &Path) -> Result<Header, ApiError> {
    let _permit = http.inspections.acquire().await.map_err(|error| ApiError::internal(&error))?;
    let (path, limits) = (spool.to_owned(), http.limits);
    let inspected = tokio::task::spawn_blocking(move || {
        let bytes = std::fs::read(path)?;
        Ok(demitasse_engine::inspect(&bytes, &limits))
    });
    let inspected: io::Result<_> = inspected.await.map_err(|panic| ApiError::internal(&panic))?;
    Ok(inspected.map_err(storage)??)
}

/// The next step of an upload, if it is not too slow, and the upload is not on the whole.
async fn in_time<T>(http: &Http, progress: &Progress, step: impl Future<Output = T>) -> Result<T, ApiError> {
    let DoorConfig { stall_timeout, min_upload_rate, .. } = http.config.door;
    let too_slow = |detail: String| {
        http.metrics.refused(Refused::Slow);
        ApiError::new(Code::TooSlow, detail)
    };
    let done = timeout(stall_timeout, step).await.map_err(|_| {
        let seconds = stall_timeout.as_secs_f64();
        too_slow(format!("Nothing came for {seconds} seconds; the upload was given up."))
    })?;
    let (received, took) = progress.pace();
    let rate = received as f64 / took.as_secs_f64();
    if took > stall_timeout && rate < min_upload_rate as f64 {
        let (came, seconds) = (received, took.as_secs());
        return Err(too_slow(format!(
            "{came} bytes came in {seconds} seconds, and at least {min_upload_rate} a second are needed; the upload was given up."
        )));
    }
    Ok(done)
}

fn interrupted(error: MultipartError) -> ApiError {
    tracing::info!(%error, "an upload was interrupted");
    ApiError::new(
        Code::Interrupted,
        "The upload ended before it was complete, or is no valid multipart/form-data.",
    )
}

fn storage(error: io::Error) -> ApiError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            tracing::error!(%error, "no room for an upload");
            ApiError::new(Code::StorageFull, "There is no room left on the server; nothing was kept.")
        }
        // As Linux makes a disk that it has found defective.
        io::ErrorKind::ReadOnlyFilesystem => {
            tracing::error!(%error, "uploads cannot be written");
            ApiError::new(Code::Unavailable, "The server's disk cannot be written; nothing was kept.")
        }
        _ => ApiError::internal(&error),
    }
}

/// Reads on without keeping anything, and gives what is left of `budget`; an error ends it, for the answer is decided already.
async fn drain(mut field: Field<'_>, budget: u64, progress: &Progress) -> u64 {
    let mut left = budget;
    let reading = async {
        while left > 0
            && let Ok(Ok(Some(piece))) = timeout(Duration::from_secs(5), field.chunk()).await
        {
            progress.made();
            left = left.saturating_sub(piece.len() as u64);
        }
    };
    timeout(DRAIN_TIME, reading).await.ok();
    left
}

/// Reads a little of a body for which there is no place.
async fn turn_away(body: &mut Multipart, progress: &Progress) {
    let reading = async {
        let mut left = DRAINED_AT_THE_DOOR;
        while left > 0
            && let Ok(Some(field)) = body.next_field().await
        {
            progress.made();
            left = drain(field, left, progress).await;
        }
    };
    timeout(DRAIN_TIME_AT_THE_DOOR, reading).await.ok();
}

/// The client's name for a file: any Unicode, but no folders, no control characters, at most 255 characters.
fn display_name(sent: &str) -> Option<String> {
    let name = sent.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = name.chars().filter(|letter| !letter.is_control()).take(255).collect();
    let name = name.trim();
    (!name.is_empty() && name != "." && name != "..").then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_keeps_its_letters_and_loses_its_folders() {
        assert_eq!(display_name("Überraschung 🎁.jpg").as_deref(), Some("Überraschung 🎁.jpg"));
        assert_eq!(display_name(r"C:\photos\a.png").as_deref(), Some("a.png"));
        assert_eq!(display_name("../../etc/passwd").as_deref(), Some("passwd"));
        assert_eq!(display_name("a\r\nb\0.png").as_deref(), Some("ab.png"));
        for nothing in ["", "/", "..", ".", " "] {
            assert_eq!(display_name(nothing), None, "{nothing:?}");
        }
    }
}
