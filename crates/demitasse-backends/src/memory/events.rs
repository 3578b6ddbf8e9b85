//! Events within one process.

use async_trait::async_trait;
use demitasse_core::{Event, EventBus, EventStream, StoreError};
use tokio::sync::broadcast::Sender;

use crate::broadcast::{KEPT, stream};

/// A broadcast channel.
pub struct MemoryEvents(Sender<Event>);

impl Default for MemoryEvents {
    fn default() -> Self {
        Self(Sender::new(KEPT))
    }
}

#[async_trait]
impl EventBus for MemoryEvents {
    async fn publish(&self, event: Event) -> Result<(), StoreError> {
        // The only error is that nobody listens.
        self.0.send(event).ok();
        Ok(())
    }

    async fn subscribe(&self) -> Result<EventStream, StoreError> {
        Ok(stream(self.0.subscribe()))
    }
}

#[cfg(test)]
mod tests {
    use demitasse_core::{ImageId, JobId, JobState, OwnerId};
    use futures_util::StreamExt;
    use jiff::Timestamp;

    use super::*;

    #[tokio::test]
    async fn a_reader_that_lags_skips_the_oldest_and_goes_on() {
        let bus = MemoryEvents::default();
        let mut events = bus.subscribe().await.unwrap();
        let job = |n: usize| JobId::new(Timestamp::UNIX_EPOCH, (n as u64).to_be_bytes());
        for n in 0..KEPT + 10 {
            let image_id = ImageId::new(Timestamp::UNIX_EPOCH, [0; 8]);
            let event = Event { owner: OwnerId::DEFAULT, job_id: job(n), image_id, state: JobState::Queued };
            bus.publish(event).await.unwrap();
        }
        assert_eq!(events.next().await.unwrap().job_id, job(10));
        assert_eq!(events.next().await.unwrap().job_id, job(11));
    }
}
