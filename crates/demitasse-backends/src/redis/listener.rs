//! One pub/sub connection that comes back after a loss.

use std::time::Duration;

use futures_util::StreamExt;
use redis::aio::PubSubSink;
use redis::{Client, RedisResult};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::server::PATIENCE;

/// How often a silent connection is asked whether it is alive.
const PULSE: Duration = Duration::from_secs(15);

/// How long to wait before connecting again, doubled at each failure up to the second.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// What a listener is told.
pub(super) enum News<'a> {
    /// The channels are listened to from now on; whatever was said before may have been missed.
    Connected,
    /// A message.
    Message {
        /// Its channel.
        channel: &'a str,
        /// Its bytes.
        payload: &'a [u8],
    },
}

/// Listens until it is dropped.
pub(super) struct Listener {
    task: JoinHandle<()>,
    connected: watch::Receiver<bool>,
}

impl Listener {
    /// Listens to the channels in a task of its own; `tell` must not block.
    pub(super) fn start(
        client: Client,
        channels: Vec<String>,
        tell: impl FnMut(News<'_>) + Send + 'static,
    ) -> Self {
        let (state, connected) = watch::channel(false);
        Self { task: tokio::spawn(listen(client, channels, state, tell)), connected }
    }

    /// Waits until the channels are listened to.
    pub(super) async fn connected(&self) {
        // It fails only when the task has ended, and that ends with this.
        self.connected.clone().wait_for(|connected| *connected).await.ok();
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen(
    client: Client,
    channels: Vec<String>,
    state: watch::Sender<bool>,
    mut tell: impl FnMut(News<'_>) + Send + 'static,
) {
    let mut pause = PAUSE.0;
    loop {
        // An error is not worth a word here: calls on the other connection meet the same and report it.
        if serve(&client, &channels, &state, &mut tell).await {
            pause = PAUSE.0;
        }
        state.send_replace(false);
        sleep(pause).await;
        pause = (pause * 2).min(PAUSE.1);
    }
}

/// Listens until the connection is lost; `false` if there was none.
async fn serve(
    client: &Client,
    channels: &[String],
    state: &watch::Sender<bool>,
    tell: &mut (impl FnMut(News<'_>) + Send),
) -> bool {
    let connect = async {
        let mut connection = client.get_async_pubsub().await?;
        connection.subscribe(channels).await?;
        RedisResult::Ok(connection)
    };
    let Ok(Ok(connection)) = timeout(PATIENCE, connect).await else { return false };
    let (mut sink, mut messages) = connection.split();
    tell(News::Connected);
    state.send_replace(true);
    let mut pulse = interval(PULSE);
    pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            message = messages.next() => {
                let Some(message) = message else { return true };
                tell(News::Message { channel: message.get_channel_name(), payload: message.get_payload_bytes() });
            }
            _ = pulse.tick() => if !is_alive(&mut sink).await { return true },
        }
    }
}

async fn is_alive(sink: &mut PubSubSink) -> bool {
    matches!(timeout(PATIENCE, sink.ping::<redis::Value>()).await, Ok(Ok(_)))
}
