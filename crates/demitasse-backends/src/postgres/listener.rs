//! One connection of a process that hears of new entries, and comes back after a loss.

use std::sync::Arc;
use std::time::Duration;

use sqlx::Executor;
use sqlx::postgres::{PgConnectOptions, PgListener};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::PATIENCE;
use super::open::single;

/// The channel of every Demitasse in the database; a notification names the schema that it is about.
pub(super) const CHANNEL: &str = "demitasse_queue";

/// How often a silent connection is asked whether it is alive.
const PULSE: Duration = Duration::from_secs(15);

/// How long to wait before connecting again.
const PAUSE: Duration = Duration::from_secs(1);

/// Listens until it is dropped.
pub(super) struct Listener {
    task: JoinHandle<()>,
}

impl Listener {
    /// Listens for entries of the schema in a task of its own.
    pub(super) fn start(options: PgConnectOptions, schema: String, news: Arc<Notify>) -> Self {
        let listen = async move {
            loop {
                // An error is not worth a word here: calls on other connections meet the same and report it.
                serve(&options, &schema, &news).await.ok();
                sleep(PAUSE).await;
            }
        };
        Self { task: tokio::spawn(listen) }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Listens until the connection is lost.
async fn serve(options: &PgConnectOptions, schema: &str, news: &Notify) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(&single(options)).await?;
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    // Whatever was said before may have been missed.
    news.notify_waiters();
    news.notify_one();
    loop {
        match timeout(PULSE, listener.try_recv()).await {
            Ok(heard) => match heard? {
                Some(heard) if heard.payload() == schema => news.notify_one(),
                Some(_) => {}
                None => return Ok(()),
            },
            Err(_) => {
                let alive = timeout(PATIENCE, (&mut listener).execute("SELECT 1")).await;
                alive.map_err(|_| sqlx::Error::PoolTimedOut)??;
            }
        }
    }
}
