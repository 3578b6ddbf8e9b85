//! Events between processes, on pub/sub.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use async_trait::async_trait;
use demitasse_core::{
    ErrorKind, Event, EventBus, EventStream, ImageId, JobId, JobState, OwnerId, StoreError,
};
use serde::{Deserialize, Serialize};
use tokio::sync::{broadcast, oneshot};
use tokio::time::timeout;

use super::BACKEND;
use super::listener::{Listener, News};
use super::server::{OLDEST_VERSION, PATIENCE, Server};
use crate::{ConnectError, Port, broadcast as local};

/// The meaning of [`Message`]. It changes only if a reader that ignores new fields would be misled; such a reader skips
/// what it does not know.
const VERSION: u32 = 1;

/// An event on the wire. Processes of two versions listen to each other: fields may be added, never taken away.
#[derive(Serialize, Deserialize)]
struct Message {
    v: u32,
    owner: OwnerId,
    job: JobId,
    image: ImageId,
    state: JobState,
}

/// Who waits to be told that the listener has caught up, by the token that it will hear.
type Waiting = Arc<Mutex<HashMap<String, oneshot::Sender<broadcast::Receiver<Event>>>>>;

/// A pub/sub channel, listened to once per process and only if someone subscribes.
pub struct RedisEvents {
    server: Server,
    /// Where all processes hear events.
    channel: String,
    /// Where this one hears itself.
    own_channel: String,
    sender: broadcast::Sender<Event>,
    waiting: Waiting,
    listener: OnceLock<Listener>,
}

impl RedisEvents {
    /// Connects to the server that the URL of the events names.
    ///
    /// # Errors
    /// `InvalidUrl`, `Unreachable`, `TooOld`.
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        let server = Server::connect(Port::Events, url, OLDEST_VERSION).await?;
        let channel = server.key("events");
        let name = token().map_err(|error| ConnectError::Unreachable {
            port: Port::Events,
            server: BACKEND.into(),
            source: error.into(),
        })?;
        Ok(Self {
            own_channel: format!("{channel}:{name}"),
            channel,
            server,
            sender: broadcast::Sender::new(local::KEPT),
            waiting: Arc::default(),
            listener: OnceLock::new(),
        })
    }

    fn listener(&self) -> &Listener {
        self.listener.get_or_init(|| {
            let (channel, sender, waiting) =
                (self.channel.clone(), self.sender.clone(), self.waiting.clone());
            let channels = vec![self.channel.clone(), self.own_channel.clone()];
            Listener::start(self.server.client.clone(), channels, move |news| match news {
                // Tokens sent to the connection before are lost; who waits for them asks again.
                News::Connected => lock(&waiting).clear(),
                News::Message { channel: from, payload } if from == channel => {
                    if let Some(event) = decode(payload) {
                        // The only error is that nobody listens.
                        sender.send(event).ok();
                    }
                }
                News::Message { payload, .. } => {
                    let caller = lock(&waiting).remove(String::from_utf8_lossy(payload).as_ref());
                    if let Some(caller) = caller {
                        caller.send(sender.subscribe()).ok();
                    }
                }
            })
        })
    }

    /// A receiver of all that is published from now on, and nothing that was published before: our token comes through
    /// the same connection, after whatever is still on its way.
    async fn attach(&self) -> Result<broadcast::Receiver<Event>, StoreError> {
        let listener = self.listener();
        loop {
            listener.connected().await;
            let token = token()?;
            let (caller, receiver) = oneshot::channel();
            {
                let mut waiting = lock(&self.waiting);
                waiting.retain(|_, caller| !caller.is_closed());
                waiting.insert(token.clone(), caller);
            }
            self.server.publish(&self.own_channel, token.as_bytes()).await?;
            if let Ok(receiver) = receiver.await {
                return Ok(receiver);
            }
        }
    }
}

/// No call panics while it holds the lock, so a poisoned one is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn token() -> Result<String, StoreError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes)
        .map_err(|error| StoreError::new(ErrorKind::Internal, BACKEND, "token").because(error.to_string()))?;
    Ok(hex::encode(bytes))
}

fn encode(event: &Event) -> Result<Vec<u8>, StoreError> {
    let Event { owner, job_id: job, image_id: image, state } = *event;
    serde_json::to_vec(&Message { v: VERSION, owner, job, image, state })
        .map_err(|error| StoreError::new(ErrorKind::Internal, BACKEND, "event").because(error))
}

/// The event, or nothing if the message is not of a kind that this version knows.
pub(crate) fn decode(payload: &[u8]) -> Option<Event> {
    let Message { v, owner, job, image, state } = serde_json::from_slice(payload).ok()?;
    (v == VERSION).then_some(Event { owner, job_id: job, image_id: image, state })
}

#[async_trait]
impl EventBus for RedisEvents {
    async fn publish(&self, event: Event) -> Result<(), StoreError> {
        self.server.publish(&self.channel, &encode(&event)?).await
    }

    async fn subscribe(&self) -> Result<EventStream, StoreError> {
        let receiver = timeout(PATIENCE, self.attach()).await.map_err(|elapsed| {
            StoreError::new(ErrorKind::Unavailable, BACKEND, self.channel.as_str()).because(elapsed)
        })??;
        Ok(local::stream(receiver))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_a_newer_version_is_read_if_it_only_says_more() {
        let id = "6553f1000707070707070707";
        let message = |v: u32, state: &str| {
            format!(
                r#"{{"v":{v},"owner":"{id}","job":"{id}","image":"{id}","state":"{state}","progress":0.5}}"#
            )
        };
        assert_eq!(
            decode(message(1, "running").as_bytes()).map(|event| event.state),
            Some(JobState::Running)
        );
        assert_eq!(decode(message(2, "running").as_bytes()), None);
        assert_eq!(decode(message(1, "paused").as_bytes()), None);
        assert_eq!(decode(b"\xff not json"), None);
    }

    #[test]
    fn the_message_on_the_wire_stays_as_it_is() {
        let event = Event {
            owner: OwnerId::DEFAULT,
            job_id: JobId::new(jiff::Timestamp::UNIX_EPOCH, [7; 8]),
            image_id: ImageId::new(jiff::Timestamp::UNIX_EPOCH, [8; 8]),
            state: JobState::Succeeded,
        };
        let expected = r#"{"v":1,"owner":"000000000000000000000000","job":"000000000707070707070707","image":"000000000808080808080808","state":"succeeded"}"#;
        let encoded = encode(&event).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(String::from_utf8_lossy(&encoded), expected);
        assert_eq!(decode(&encoded), Some(event));
    }
}
