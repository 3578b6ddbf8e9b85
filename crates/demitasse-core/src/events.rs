//! The port to the event bus: news for whoever listens, best effort.

use std::pin::Pin;

use async_trait::async_trait;
use futures_util::Stream;

use crate::{ImageId, JobId, JobState, OwnerId, StoreError};

/// A job changed. The row says how; the event only says that it is worth reading. If there is no row, the image was
/// deleted, and [`JobState::Cancelled`] is said of its job: whoever works on it stops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Whose job.
    pub owner: OwnerId,
    /// The job.
    pub job_id: JobId,
    /// Its image.
    pub image_id: ImageId,
    /// The state that it reached.
    pub state: JobState,
}

/// Events from the moment of subscribing; a slow reader may miss some.
pub type EventStream = Pin<Box<dyn Stream<Item = Event> + Send>>;

/// Carries events to everyone who listens. Delivery is best effort: nothing may depend on it.
#[async_trait]
pub trait EventBus: Send + Sync + 'static {
    /// Tells all present subscribers. No subscriber is no error.
    async fn publish(&self, event: Event) -> Result<(), StoreError>;

    /// Listens from now on.
    async fn subscribe(&self) -> Result<EventStream, StoreError>;
}
