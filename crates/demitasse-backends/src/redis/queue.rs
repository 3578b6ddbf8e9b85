//! The queue on streams.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use demitasse_core::{Claim, ErrorKind, JobQueue, Priority, QueueDepth, StoreError, Ticket};
use redis::{FromRedisValue, Script};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::BACKEND;
use super::listener::{Listener, News};
use super::server::{OLDEST_VERSION, Server};
use crate::lease::new_lease;
use crate::{ConnectError, Port};

/// Dead entries kept, as the port allows.
const DEAD_KEPT: u32 = 10_000;

/// A worker that holds nothing and has not asked for so long is forgotten when another starts.
const WORKER_FORGOTTEN_AFTER: Duration = Duration::from_secs(3600);

/// The longest lease and the longest delay: a year and a thousand. The first is `REFERENCE` of the scripts.
const LONGEST_LEASE: u64 = 365 * 24 * 60 * 60 * 1000;
const LONGEST_DELAY: u64 = 1000 * LONGEST_LEASE;

/// A queue in one consumer group per priority. Leases are counted by Redis' own clock, up to a year.
pub struct RedisQueue {
    server: Server,
    scripts: Scripts,
    keys: Vec<String>,
    /// Passes one waiting worker on to look for an entry; keeps one such call for the next to wait.
    news: Arc<Notify>,
    /// Started by the first worker that waits.
    listener: OnceLock<Listener>,
}

impl RedisQueue {
    /// Connects to the server that the URL of the queue names, and forgets workers that left long ago.
    ///
    /// # Errors
    /// `InvalidUrl`, `Unreachable`, `TooOld`.
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        let server = Server::connect(Port::Queue, url, OLDEST_VERSION).await?;
        let keys = keys(&server);
        let queue =
            Self { server, scripts: Scripts::new(), keys, news: Arc::default(), listener: OnceLock::new() };
        queue.forget_workers(WORKER_FORGOTTEN_AFTER).await.map_err(|error| ConnectError::Unreachable {
            port: Port::Queue,
            server: super::describe(url),
            source: error.into(),
        })?;
        Ok(queue)
    }

    /// Forgets the names of workers that hold nothing and have not asked for `idle`; they may come again.
    ///
    /// # Errors
    /// `Unavailable` and whatever else Redis says.
    pub async fn forget_workers(&self, idle: Duration) -> Result<(), StoreError> {
        self.run(&self.scripts.tidy, &[&milliseconds(idle, LONGEST_LEASE)], "workers").await
    }

    async fn run<T: FromRedisValue>(
        &self,
        script: &Script,
        arguments: &[&str],
        about: &str,
    ) -> Result<T, StoreError> {
        self.server.run(script, &self.keys, arguments, about).await
    }

    /// Runs a script on the entry that `claim` holds; `false` if it does not.
    async fn run_held(&self, script: &Script, claim: Claim, more: &[&str]) -> Result<bool, StoreError> {
        let (job, lease) = (claim.job_id.to_string(), claim.lease.to_string());
        let arguments = [&[job.as_str(), lease.as_str()], more].concat();
        self.run(script, &arguments, &job).await
    }

    fn listener(&self) -> &Listener {
        self.listener.get_or_init(|| {
            let news = self.news.clone();
            let channels = vec![self.server.key("wake")];
            Listener::start(self.server.client.clone(), channels, move |heard| {
                if matches!(heard, News::Connected) {
                    news.notify_waiters();
                }
                news.notify_one();
            })
        })
    }
}

/// KEYS of the scripts, in their order.
fn keys(server: &Server) -> Vec<String> {
    let mut keys: Vec<String> = ["jobs", "delayed", "dead", "handled"].map(|name| server.key(name)).to_vec();
    for kind in ["queue", "back"] {
        keys.extend(Priority::ALL.map(|priority| server.key(&format!("{kind}:{}", priority.as_str()))));
    }
    keys.push(server.key("wake"));
    keys
}

/// One script per operation.
struct Scripts {
    enqueue: Script,
    claim: Script,
    heartbeat: Script,
    ack: Script,
    nack: Script,
    bury: Script,
    depth: Script,
    tidy: Script,
}

impl Scripts {
    fn new() -> Self {
        let script = |body: &str| Script::new(&format!("{}\n{body}", include_str!("scripts/prelude.lua")));
        Self {
            enqueue: script(include_str!("scripts/enqueue.lua")),
            claim: script(include_str!("scripts/claim.lua")),
            heartbeat: script(include_str!("scripts/heartbeat.lua")),
            ack: script(include_str!("scripts/ack.lua")),
            nack: script(include_str!("scripts/nack.lua")),
            bury: script(include_str!("scripts/bury.lua")),
            depth: script(include_str!("scripts/depth.lua")),
            tidy: script(include_str!("scripts/tidy.lua")),
        }
    }
}

#[async_trait]
impl JobQueue for RedisQueue {
    async fn enqueue(&self, ticket: Ticket) -> Result<(), StoreError> {
        let job = ticket.job_id.to_string();
        let stream = (ticket.priority.rank() + 1).to_string();
        self.run(&self.scripts.enqueue, &[&job, &stream], &job).await
    }

    async fn claim(&self, worker: &str, lease: Duration) -> Result<Option<Claim>, StoreError> {
        let id = new_lease(BACKEND)?;
        let length = milliseconds(lease, LONGEST_LEASE);
        let arguments = [worker, &id.to_string(), &length];
        let Some((job, deliveries)) =
            self.run::<Option<(String, u32)>>(&self.scripts.claim, &arguments, "queue").await?
        else {
            return Ok(None);
        };
        // One message may stand for several entries, and wakes one worker: this one wakes the next.
        self.news.notify_one();
        let job_id = job
            .parse()
            .map_err(|error| StoreError::new(ErrorKind::Invalid, BACKEND, "job").because(error))?;
        Ok(Some(Claim { job_id, lease: id, deliveries }))
    }

    async fn heartbeat(&self, claim: Claim, lease: Duration) -> Result<bool, StoreError> {
        self.run_held(&self.scripts.heartbeat, claim, &[&milliseconds(lease, LONGEST_LEASE)]).await
    }

    async fn ack(&self, claim: Claim) -> Result<bool, StoreError> {
        self.run_held(&self.scripts.ack, claim, &[]).await
    }

    async fn nack(&self, claim: Claim, delay: Duration) -> Result<bool, StoreError> {
        self.run_held(&self.scripts.nack, claim, &[&milliseconds(delay, LONGEST_DELAY)]).await
    }

    async fn bury(&self, claim: Claim) -> Result<bool, StoreError> {
        self.run_held(&self.scripts.bury, claim, &[&DEAD_KEPT.to_string()]).await
    }

    /// Ends within milliseconds of an enqueue in any process. Ended leases and delays say nothing when they end: they
    /// are found by the next claim, so `timeout` bounds how late.
    async fn wait(&self, patience: Duration) {
        self.listener();
        // Either way the caller claims next.
        timeout(patience, self.news.notified()).await.ok();
    }

    async fn depth(&self) -> Result<QueueDepth, StoreError> {
        let (ready, delayed, claimed, dead, oldest): (u64, u64, u64, u64, i64) =
            self.run(&self.scripts.depth, &[], "queue").await?;
        let oldest_ready = u64::try_from(oldest).ok().map(Duration::from_millis);
        Ok(QueueDepth { ready, delayed, claimed, dead, oldest_ready })
    }
}

/// Whole milliseconds, at most `longest`, for a script.
fn milliseconds(duration: Duration, longest: u64) -> String {
    u64::try_from(duration.as_millis()).unwrap_or(longest).min(longest).to_string()
}
