//! The queue, in the same database as what it serves. Whoever makes an entry ready says so, and idle workers of every
//! process wake within milliseconds.

use std::time::Duration;

use async_trait::async_trait;
use demitasse_core::{Claim, JobQueue, QueueDepth, StoreError, Ticket};
use tokio::time::timeout;

use super::listener::Listener;
use super::{BACKEND, PostgresStore};
use crate::lease::new_lease;
use crate::sql::{Statement, queue};

/// The database's own time in Unix milliseconds.
macro_rules! now {
    () => {
        "floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
    };
}
pub(super) use now;

/// Makes this transaction's commit not wait for the disk. What a crash of the server takes back is what happened last, and
/// only in the queue: leases fence, the rows of the jobs say what is to do, and the sweep enqueues what is missing. A
/// commit that does wait, as every change of a job does, makes all before it durable as well.
macro_rules! without_waiting {
    () => {
        "set_config('synchronous_commit', 'off', true)"
    };
}

queue::statements! {
    now: now!(),
    // Claimers that come at the same time take different rows instead of waiting for each other.
    skip_locked: " FOR UPDATE SKIP LOCKED",
    // Listeners hear of the entry when it is there.
    enqueue: (
        "WITH entry AS (",
        concat!(
            " RETURNING job_id) SELECT pg_notify('demitasse_queue', current_schema()), ",
            without_waiting!(),
            " FROM entry"
        )
    ),
    claimed: concat!(", ", without_waiting!()),
    changed: concat!(" RETURNING ", without_waiting!())
}

const NOTIFY: &str = "SELECT pg_notify('demitasse_queue', current_schema())";

#[async_trait]
impl JobQueue for PostgresStore {
    async fn enqueue(&self, ticket: Ticket) -> Result<(), StoreError> {
        self.run(queue::enqueue(ENQUEUE, ticket), &ticket.job_id.to_string()).await.map(drop)
    }

    async fn claim(&self, worker: &str, lease: Duration) -> Result<Option<Claim>, StoreError> {
        let id = new_lease(BACKEND)?;
        let rows = self.rows(queue::claim(CLAIM, id, worker, lease), "queue").await?;
        let Some(row) = rows.first() else { return Ok(None) };
        // One notification may stand for several entries, and wakes one worker: this one wakes the next.
        self.news.notify_one();
        queue::claimed(row, id).map(Some)
    }

    async fn heartbeat(&self, claim: Claim, lease: Duration) -> Result<bool, StoreError> {
        self.write_held(HEARTBEAT, claim, Some(lease)).await
    }

    async fn ack(&self, claim: Claim) -> Result<bool, StoreError> {
        self.write_held(ACK, claim, None).await
    }

    async fn nack(&self, claim: Claim, delay: Duration) -> Result<bool, StoreError> {
        let returned = self.write_held(NACK, claim, Some(delay)).await?;
        if returned && delay.is_zero() {
            // Should it fail, workers find the entry when their patience ends.
            self.run(Statement::new(NOTIFY), "queue").await.ok();
        }
        Ok(returned)
    }

    async fn bury(&self, claim: Claim) -> Result<bool, StoreError> {
        let buried = self.write_held(BURY, claim, None).await?;
        if buried {
            self.write(queue::forget_dead(), "queue").await?;
        }
        Ok(buried)
    }

    /// Ends within milliseconds of an enqueue in any process. Ended leases and delays say nothing when they end: they
    /// are found by the next claim, so `patience` bounds how late.
    async fn wait(&self, patience: Duration) {
        self.listener
            .get_or_init(|| Listener::start(self.options.clone(), self.schema.clone(), self.news.clone()));
        // Either way the caller claims next.
        timeout(patience, self.news.notified()).await.ok();
    }

    async fn depth(&self) -> Result<QueueDepth, StoreError> {
        queue::depth(self.rows(Statement::new(DEPTH), "queue").await?.first())
    }
}

impl PostgresStore {
    async fn write_held(
        &self,
        sql: &'static str,
        claim: Claim,
        duration: Option<Duration>,
    ) -> Result<bool, StoreError> {
        self.write(queue::held(sql, claim, duration), &claim.job_id.to_string()).await
    }
}
