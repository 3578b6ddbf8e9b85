//! What every handler can reach.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use demitasse_backends::Backends;
use demitasse_core::StoreError;
use demitasse_engine::Limits;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::accept::Intake;
use crate::config::HttpConfig;
use crate::disk::Disks;
use crate::http::{Door, Probes};
use crate::memory::Admission;
use crate::metrics::{Metrics, Now};
use crate::push::WebPush;
use crate::sandbox::Sandbox;

/// Shared by all handlers.
pub(crate) type HttpState = Arc<Http>;

/// The HTTP side's parts.
pub(crate) struct Http {
    /// As configured.
    pub(crate) config: HttpConfig,
    /// What an image may be.
    pub(crate) limits: Limits,
    /// The stores.
    pub(crate) backends: Backends,
    /// Where accepted uploads go.
    pub(crate) intake: Intake,
    /// Browsers that want to be told.
    pub(crate) push: Arc<WebPush>,
    /// How many uploads are taken at a time.
    pub(crate) door: Door,
    /// Whether there is room for uploads.
    pub(crate) disks: Disks,
    /// Counters.
    pub(crate) metrics: Arc<Metrics>,
    /// Fires when the server begins to stop: long answers end.
    pub(crate) stopping: CancellationToken,
    /// Bounds the uploads whose header is read at the same time, because each is in memory while it is.
    pub(crate) inspections: Semaphore,
    /// Whether the stores worked when they were last tried.
    pub(crate) probes: Probes,
    /// What the jobs of this process may take of its memory; `None` where nothing is compressed.
    pub(crate) admission: Option<Arc<Admission>>,
    /// What the engine's children are held to; `None` where nothing is compressed.
    pub(crate) sandbox: Option<Sandbox>,
    /// Numbers the events of all streams.
    pub(crate) last_event: AtomicU64,
}

impl Http {
    /// The counters and how things are now, as Prometheus reads them.
    ///
    /// # Errors
    /// The queue cannot be counted.
    pub(crate) async fn metrics_text(&self) -> Result<String, StoreError> {
        let now = Now::of(&self.backends, &self.intake.spool, &self.disks, self.admission.as_deref()).await?;
        Ok(self.metrics.render(&now))
    }
}
