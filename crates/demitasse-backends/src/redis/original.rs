//! The original service's list and topic, as its own processes use them.
//!
//! | key | what it is |
//! |---|---|
//! | `image-queue` (or another name) | its list: its API pushes at the left, its worker pops at the left |
//! | `image-queue:processing` | what we have in hand |
//! | `image-queue:dead` | what nothing can be done for, newest first, at most [`DEAD_KEPT`] |
//! | `tasks-results` (or another name) | its topic |
//!
//! We take at the right, so the oldest of its API's uploads first. What we give goes to the right: its worker comes to it
//! after all that waits, so it starts our uploads in their order.

use std::sync::OnceLock;
use std::time::Duration;

use async_trait::async_trait;
use demitasse_core::{
    ErrorKind, ImageId, JobId, ResultMessage, ResultStream, ResultTopic, StoreError, TakenMessage, TaskList,
    TaskMessage,
};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Script};
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, broadcast};
use tokio::time::timeout;

use super::BACKEND;
use super::error::store_error;
use super::listener::{Listener, News};
use super::server::{PATIENCE, Server};
use crate::{ConnectError, OriginalUrl, Port, broadcast as local};

/// Dead messages kept; the oldest beyond are forgotten.
const DEAD_KEPT: usize = 10_000;

/// BLMOVE came with Redis 6.2.
const OLDEST_VERSION: (u32, u32) = (6, 2);

/// Moves a message from one list to another, unless it is gone from the first.
const BURY: &str = "if redis.call('LREM', KEYS[1], 1, ARGV[1]) > 0 then
    redis.call('LPUSH', KEYS[2], ARGV[1])
    redis.call('LTRIM', KEYS[2], 0, ARGV[2] - 1)
end";

/// Adds a message at the right, unless it is on the list. (A call that was executed but not answered is made again.)
const GIVE: &str = "if not redis.call('LPOS', KEYS[1], ARGV[1]) then
    redis.call('RPUSH', KEYS[1], ARGV[1])
end";

/// A task as the original writes it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireTask {
    image_id: ImageId,
    task_id: JobId,
    image_url: String,
}

/// A result as the original writes it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireResult {
    compressed_url: String,
    image_id: ImageId,
    task_id: JobId,
}

/// The original's Redis.
pub struct RedisOriginal {
    server: Server,
    list: String,
    processing: String,
    dead: String,
    topic: String,
    give: Script,
    bury: Script,
    /// For the one call that blocks, which would hold up all others on a shared connection.
    blocking: Mutex<Option<MultiplexedConnection>>,
    results: broadcast::Sender<ResultMessage>,
    /// Connects when someone first listens.
    listener: OnceLock<Listener>,
}

impl RedisOriginal {
    /// Connects to the original's Redis.
    ///
    /// # Errors
    /// `InvalidUrl`, `Unreachable`, or `TooOld` before Redis 6.2.
    pub async fn connect(at: &OriginalUrl) -> Result<Self, ConnectError> {
        Ok(Self {
            server: Server::connect(Port::Original, &at.redis, OLDEST_VERSION).await?,
            list: at.list.clone(),
            processing: format!("{}:processing", at.list),
            dead: format!("{}:dead", at.list),
            topic: at.topic.clone(),
            give: Script::new(GIVE),
            bury: Script::new(BURY),
            blocking: Mutex::default(),
            results: broadcast::Sender::new(local::KEPT),
            listener: OnceLock::new(),
        })
    }

    async fn connection(&self, patience: Duration) -> Result<MultiplexedConnection, StoreError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(patience + PATIENCE));
        let connected = self.server.client.get_multiplexed_async_connection_with_config(&config).await;
        connected.map_err(|error| store_error(&self.list, error))
    }

    async fn all(&self, list: &str) -> Result<Vec<Vec<u8>>, StoreError> {
        self.server.query(redis::cmd("LRANGE").arg(list).arg(0).arg(-1), list).await
    }

    async fn remove(&self, list: &str, raw: &[u8]) -> Result<u64, StoreError> {
        self.server.query(redis::cmd("LREM").arg(list).arg(1).arg(raw), list).await
    }
}

#[async_trait]
impl TaskList for RedisOriginal {
    async fn take(&self, patience: Duration) -> Result<Option<TakenMessage>, StoreError> {
        let mut blocking = self.blocking.lock().await;
        let mut connection = match blocking.take() {
            Some(connection) => connection,
            None => self.connection(patience).await?,
        };
        let mut command = redis::cmd("BLMOVE");
        command.arg(&self.list).arg(&self.processing).arg("RIGHT").arg("LEFT").arg(patience.as_secs_f64());
        let taken: Option<Vec<u8>> =
            command.query_async(&mut connection).await.map_err(|error| store_error(&self.list, error))?;
        // One that failed, or was given up in the middle, is not used again.
        *blocking = Some(connection);
        Ok(taken.map(read))
    }

    async fn in_hand(&self) -> Result<Vec<TakenMessage>, StoreError> {
        // The oldest are at the right.
        Ok(self.all(&self.processing).await?.into_iter().rev().map(read).collect())
    }

    async fn settle(&self, taken: &TakenMessage) -> Result<(), StoreError> {
        self.remove(&self.processing, &taken.raw).await.map(drop)
    }

    async fn bury(&self, taken: &TakenMessage) -> Result<(), StoreError> {
        let mut invocation = self.bury.prepare_invoke();
        invocation.key(&self.processing).key(&self.dead).arg(&taken.raw).arg(DEAD_KEPT);
        self.server.invoke(&invocation, &self.dead).await
    }

    async fn give(&self, task: &TaskMessage) -> Result<(), StoreError> {
        let TaskMessage { image_id, job_id: task_id, image_url } = task.clone();
        let message = encode(&WireTask { image_id, task_id, image_url })?;
        let mut invocation = self.give.prepare_invoke();
        invocation.key(&self.list).arg(message);
        self.server.invoke(&invocation, &self.list).await
    }

    async fn waiting(&self) -> Result<Vec<JobId>, StoreError> {
        let messages = self.all(&self.list).await?.into_iter().map(read);
        Ok(messages.filter_map(|message| Some(message.task?.job_id)).collect())
    }

    async fn withdraw(&self, job: JobId) -> Result<bool, StoreError> {
        let mut removed = 0;
        for message in self.all(&self.list).await?.into_iter().map(read) {
            if message.task.is_some_and(|task| task.job_id == job) {
                removed += self.remove(&self.list, &message.raw).await?;
            }
        }
        Ok(removed > 0)
    }
}

#[async_trait]
impl ResultTopic for RedisOriginal {
    async fn tell(&self, result: &ResultMessage) -> Result<(), StoreError> {
        let ResultMessage { image_id, job_id: task_id, compressed_url } = result.clone();
        self.server.publish(&self.topic, &encode(&WireResult { compressed_url, image_id, task_id })?).await
    }

    async fn results(&self) -> Result<ResultStream, StoreError> {
        let receiver = self.results.subscribe();
        let listener = self.listener.get_or_init(|| {
            let results = self.results.clone();
            Listener::start(self.server.client.clone(), vec![self.topic.clone()], move |news| {
                if let News::Message { payload, .. } = news
                    && let Some(result) = read_result(payload)
                {
                    // The only error is that nobody listens.
                    results.send(result).ok();
                }
            })
        });
        timeout(PATIENCE, listener.connected()).await.map_err(|elapsed| {
            StoreError::new(ErrorKind::Unavailable, BACKEND, self.topic.as_str()).because(elapsed)
        })?;
        Ok(local::stream(receiver))
    }
}

/// The result, or nothing if the message says nothing that can be understood.
pub(crate) fn read_result(payload: &[u8]) -> Option<ResultMessage> {
    let WireResult { compressed_url, image_id, task_id } = serde_json::from_slice(payload).ok()?;
    Some(ResultMessage { image_id, job_id: task_id, compressed_url })
}

pub(crate) fn read(raw: Vec<u8>) -> TakenMessage {
    let task = serde_json::from_slice(&raw).ok();
    let task = task.map(|WireTask { image_id, task_id: job_id, image_url }| TaskMessage {
        image_id,
        job_id,
        image_url,
    });
    TakenMessage { task, raw }
}

fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(message)
        .map_err(|error| StoreError::new(ErrorKind::Internal, BACKEND, "message").because(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_the_originals_fields_in_its_order() {
        let image_id: ImageId = "6553f1000707070707070707".parse().unwrap_or_else(|e| panic!("{e}"));
        let task_id: JobId = "6553f1000808080808080808".parse().unwrap_or_else(|e| panic!("{e}"));
        let task = WireTask { image_id, task_id, image_url: "https://a.example/b.png".into() };
        assert_eq!(
            String::from_utf8(encode(&task).unwrap_or_default()).as_deref(),
            Ok(
                r#"{"imageId":"6553f1000707070707070707","taskId":"6553f1000808080808080808","imageUrl":"https://a.example/b.png"}"#
            )
        );
        let result = WireResult { compressed_url: "https://a.example/c.jpg".into(), image_id, task_id };
        assert_eq!(
            String::from_utf8(encode(&result).unwrap_or_default()).as_deref(),
            Ok(
                r#"{"compressedUrl":"https://a.example/c.jpg","imageId":"6553f1000707070707070707","taskId":"6553f1000808080808080808"}"#
            )
        );
    }

    #[test]
    fn what_is_no_task_is_kept_as_it_is() {
        for raw in [&b"{"[..], b"\xff", b"null", br#"{"imageId":"x","taskId":"y","imageUrl":"z"}"#] {
            assert_eq!(read(raw.to_vec()), TakenMessage { task: None, raw: raw.to_vec() });
        }
    }
}
