//! Which uploads are taken: as many at the same time as may be, and none while too much waits to be done.
//!
//! Whoever is refused is told when to come again, before anything was kept for them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use tokio::sync::Mutex;

use super::client::Client;
use super::error::{ApiError, Code};
use super::state::Http;
use super::turnstile::{Full, Pass, Turnstile};
use crate::config::DoorConfig;
use crate::metrics::Refused;

/// How long the length of the queue counts as it was found.
const FRESH: Duration = Duration::from_secs(1);

/// The door for uploads.
pub(crate) struct Door {
    uploads: Arc<Turnstile>,
    max_queue: u64,
    queue: Mutex<Option<Queue>>,
}

/// The queue as it was found, and what was let in since.
struct Queue {
    at: Instant,
    jobs: u64,
}

impl Door {
    pub(crate) fn new(config: &DoorConfig) -> Self {
        Self {
            uploads: Turnstile::new(config.max_uploads, config.max_uploads_per_client),
            max_queue: config.max_queue,
            queue: Mutex::default(),
        }
    }

    /// Lets an upload in, until the pass is dropped.
    ///
    /// # Errors
    /// `TooManyUploads` of this client, `Overloaded`.
    pub(crate) async fn enter(&self, http: &Http, parts: &Parts) -> Result<Pass, ApiError> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
        let trusted = &http.config.trusted_proxies;
        let client = peer.and_then(|peer| Client::of_request(peer, &parts.headers, trusted));
        let pass = self.uploads.enter(client).map_err(|full| match full {
            Full::All(most) => {
                http.metrics.refused(Refused::Uploads);
                let detail = format!(
                    "{most} uploads are being received, and no more than {most} may be at a time; nothing was kept."
                );
                ApiError::new(Code::Overloaded, detail)
            }
            Full::OfClient(most) => {
                http.metrics.refused(Refused::ClientUploads);
                let detail = format!(
                    "{most} uploads of yours are being received, and no more than {most} may be at a time; nothing was kept."
                );
                ApiError::new(Code::TooManyUploads, detail)
            }
        })?;
        let jobs = self.take_place(http).await;
        if jobs >= self.max_queue {
            http.metrics.refused(Refused::Queue);
            let most = self.max_queue;
            let detail = format!("{jobs} jobs wait, and no more than {most} may; nothing was kept.");
            return Err(ApiError::new(Code::Overloaded, detail));
        }
        Ok(pass)
    }

    /// Jobs that are not done, before one more. They are counted once in [`FRESH`]; between that, what comes in is. A queue that
    /// cannot be counted keeps nobody out: uploads do without it for a while, and jobs wait in the rows.
    async fn take_place(&self, http: &Http) -> u64 {
        let mut queue = self.queue.lock().await;
        if queue.as_ref().is_none_or(|queue| queue.at.elapsed() >= FRESH) {
            let jobs = match http.backends.queue.depth().await {
                Ok(depth) => depth.ready + depth.delayed + depth.claimed,
                Err(error) => {
                    tracing::warn!(%error, "the queue cannot be counted; uploads are taken");
                    0
                }
            };
            *queue = Some(Queue { at: Instant::now(), jobs });
        }
        let Some(queue) = &mut *queue else { return 0 };
        let before = queue.jobs;
        queue.jobs += u64::from(before < self.max_queue);
        before
    }
}
