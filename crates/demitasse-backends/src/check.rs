//! Trying every port for real, for `/readyz` and `doctor`.

use async_trait::async_trait;
use demitasse_core::StoreError;

use crate::{Backends, Port};

/// Something that can be tried for real.
#[async_trait]
pub trait Check: Send + Sync + 'static {
    /// Writes and reads something of no consequence.
    ///
    /// # Errors
    /// Whatever a real call would meet: `Full`, `Denied`, `Unavailable`, ...
    async fn check(&self) -> Result<(), StoreError>;

    /// The same, and reads all that is stored where that tells whether it is whole; takes as long as that takes.
    ///
    /// # Errors
    /// As [`Check::check`], and `Damaged`.
    async fn examine(&self) -> Result<(), StoreError> {
        self.check().await
    }
}

/// What came of trying one port.
#[derive(Debug)]
pub struct PortCheck {
    /// The port.
    pub port: Port,
    /// What went wrong; `None` if it works.
    pub error: Option<StoreError>,
}

impl Backends {
    /// Tries every port: the metadata store reads and writes a row, the queue is counted, the event bus is subscribed
    /// to, a probe blob is put, read and deleted, and the original's list is read, if there is one. Costs a durable write
    /// or two; not for every request.
    pub async fn check(&self) -> Vec<PortCheck> {
        self.with(self.metadata_check.check().await).await
    }

    /// As [`Backends::check`], and the metadata store is [examined](Check::examine). For a person who asks.
    pub async fn examine(&self) -> Vec<PortCheck> {
        self.with(self.metadata_check.examine().await).await
    }

    async fn with(&self, metadata: Result<(), StoreError>) -> Vec<PortCheck> {
        let subscribed = self.events.subscribe().await.map(drop);
        let counted = self.queue.depth().await.map(drop);
        let mut tried = vec![
            (Port::Metadata, metadata),
            (Port::Queue, counted),
            (Port::Events, subscribed),
            (Port::Storage, self.blobs.check().await),
        ];
        if let Some(original) = &self.original {
            tried.push((Port::Original, original.tasks.waiting().await.map(drop)));
        }
        tried.into_iter().map(|(port, result)| PortCheck { port, error: result.err() }).collect()
    }
}
