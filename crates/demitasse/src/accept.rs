//! What one accepted upload leaves behind, step by step; a crash between any two steps is safe.
//!
//! | step | leaves behind | if we die here |
//! |---|---|---|
//! | hold the original's blob | nothing | - |
//! | put the original | a blob nobody names | the client saw no answer and sends again; same bytes, same blob. If not, the next start finds it by the file in the spool |
//! | record | image and job `queued`: the truth | the sweep puts the job into the queue |
//! | enqueue | a hint | a worker finds it |
//! | wake, publish | nothing | idle workers look by themselves, clients refetch |

use std::path::PathBuf;
use std::sync::Arc;

use demitasse_backends::Backends;
use demitasse_core::{
    BlobKey, BlobKind, BlobSource, Clock, Document, ErrorKind, Event, ImageId, JobId, NewUpload, OwnerId,
    Priority, RequestKey, Sha256, StoreError, StoredOriginal, Ticket, Upload,
};
use demitasse_engine::Request;
use tokio::sync::Notify;

use crate::bridge::Bridge;
use crate::failpoint;
use crate::hold::Hold;
use crate::http::Received;
use crate::metrics::Metrics;

/// Takes accepted uploads in.
pub(crate) struct Intake {
    pub(crate) backends: Backends,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Arc<Metrics>,
    /// Wakes an idle worker.
    pub(crate) wake: Arc<Notify>,
    /// Where uploads in flight are; on the same file system as the blobs, so that storing one is a link.
    pub(crate) spool: PathBuf,
    /// Attempts allowed for each job.
    pub(crate) max_attempts: u32,
    /// To the original service, if it runs beside us.
    pub(crate) bridge: Option<Arc<Bridge>>,
}

impl Intake {
    /// Stores the bytes, records the image with its job, and gets the job worked on.
    pub(crate) async fn accept(
        &self,
        received: Received,
        request: &Request,
        trace: Option<String>,
        priority: Priority,
    ) -> Result<Upload, StoreError> {
        let Received { spool, original, file_name } = received;
        let key = BlobKey { kind: BlobKind::Original, sha256: original.sha256 };
        if failpoint::hit("upload.put").is_some() {
            return Err(StoreError::new(ErrorKind::Full, "failpoint", key.to_string()));
        }
        let new = NewUpload { trace, priority, ..self.record(original, file_name, request)? };
        let bytes = new.original.bytes;
        let hold = Hold::take(&self.backends, &self.clock, key).await?;
        hold.put(BlobSource::File(spool.to_path_buf())).await?;
        failpoint::hit("upload.stored");

        let upload = match hold.check() {
            Ok(()) => self.backends.images.create_upload(new).await,
            Err(error) => Err(error),
        };
        let upload = match upload {
            Ok(upload) => upload,
            Err(error) => {
                hold.abandon().await;
                return Err(error);
            }
        };
        failpoint::hit("upload.recorded");
        drop(spool);

        // The row is the truth: if the hint is lost, the sweep repeats it.
        if let Err(error) = self.hand_on(&upload).await {
            tracing::warn!(%error, job = %upload.job.id, "the job will be enqueued by the sweep");
        }
        self.wake.notify_one();
        self.metrics.uploaded(bytes);
        tracing::info!(job = %upload.job.id, image = %upload.image.id, bytes, "accepted");
        publish(&self.backends, &upload).await;
        Ok(upload)
    }

    /// Gets a job worked on that had ended. If the hint is lost, the sweep repeats it.
    pub(crate) async fn hand_on_again(&self, upload: &Upload) {
        let handed_on = match &self.bridge {
            Some(bridge) if bridge.works() => bridge.give(upload.job.id).await,
            _ => self.backends.queue.enqueue(Ticket::from(&upload.job)).await,
        };
        if let Err(error) = handed_on {
            tracing::warn!(%error, job = %upload.job.id, "the job will be enqueued by the sweep");
        }
        self.wake.notify_one();
        publish(&self.backends, upload).await;
    }

    /// Gives the job to whoever does it: our workers, or the original's.
    async fn hand_on(&self, upload: &Upload) -> Result<(), StoreError> {
        match &self.bridge {
            Some(bridge) if bridge.works() => bridge.give(upload.job.id).await,
            _ if self.backends.upload_enqueues => Ok(()),
            _ => self.backends.queue.enqueue(Ticket::from(&upload.job)).await,
        }
    }

    fn record(
        &self,
        original: StoredOriginal,
        file_name: Option<String>,
        request: &Request,
    ) -> Result<NewUpload, StoreError> {
        let defect =
            |error: String| StoreError::new(ErrorKind::Internal, "application", "upload").because(error);
        let now = self.clock.now();
        Ok(NewUpload {
            image_id: ImageId::generate(now).map_err(|error| defect(error.to_string()))?,
            job_id: JobId::generate(now).map_err(|error| defect(error.to_string()))?,
            owner: OwnerId::DEFAULT,
            file_name,
            request: Document::from_value(request).map_err(|error| defect(error.to_string()))?,
            request_key: request_key(original.sha256, request).map_err(|error| defect(error.to_string()))?,
            original,
            max_attempts: self.max_attempts,
            priority: Priority::default(),
            trace: None,
            now,
        })
    }
}

/// Equal for equal work. The engine's request serializes in one way, so its JSON is canonical.
pub(crate) fn request_key(original: Sha256, request: &Request) -> Result<RequestKey, serde_json::Error> {
    let request = serde_json::to_string(request)?;
    Ok(RequestKey(Sha256::of(format!("{original}\n{request}\n{}", demitasse_engine::VERSION).as_bytes())))
}

/// Tells whoever listens that the job of `upload` changed; that it fails changes nothing.
pub(crate) async fn publish(backends: &Backends, upload: &Upload) {
    let event = Event {
        owner: upload.job.owner,
        job_id: upload.job.id,
        image_id: upload.image.id,
        state: upload.job.state,
    };
    if let Err(error) = backends.events.publish(event).await {
        tracing::warn!(%error, job = %upload.job.id, "an event was lost");
    }
}

#[cfg(test)]
mod tests {
    use demitasse_engine::{Preset, Request};

    use super::*;

    #[test]
    fn work_is_equal_only_for_equal_bytes_and_requests() {
        let (a, b) = (Sha256::of(b"a"), Sha256::of(b"b"));
        let balanced = Request::default();
        let small = Request::new(Preset::Small.target());
        assert_eq!(request_key(a, &balanced).unwrap(), request_key(a, &balanced).unwrap());
        assert_ne!(request_key(a, &balanced).unwrap(), request_key(b, &balanced).unwrap());
        assert_ne!(request_key(a, &balanced).unwrap(), request_key(a, &small).unwrap());
    }
}
