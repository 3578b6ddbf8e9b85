//! The queue, in the same database as what it serves.

use std::time::Duration;

use async_trait::async_trait;
use demitasse_core::{Claim, JobQueue, QueueDepth, StoreError, Ticket};

use super::{BACKEND, SqliteStore};
use crate::lease::new_lease;
use crate::sql::{Statement, queue};

queue::statements! {
    now: "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
    // There is one writer.
    skip_locked: "",
    enqueue: ("", ""),
    claimed: "",
    changed: ""
}

/// Inserts the entry unless the job has a living one.
pub(super) fn insert(ticket: Ticket) -> Statement {
    queue::enqueue(ENQUEUE, ticket)
}

#[async_trait]
impl JobQueue for SqliteStore {
    async fn enqueue(&self, ticket: Ticket) -> Result<(), StoreError> {
        self.write(insert(ticket), &ticket.job_id.to_string()).await.map(drop)
    }

    async fn claim(&self, worker: &str, lease: Duration) -> Result<Option<Claim>, StoreError> {
        let id = new_lease(BACKEND)?;
        let row = self.write_one(queue::claim(CLAIM, id, worker, lease), "queue").await?;
        row.map(|row| queue::claimed(&row, id)).transpose()
    }

    async fn heartbeat(&self, claim: Claim, lease: Duration) -> Result<bool, StoreError> {
        self.write_held(HEARTBEAT, claim, Some(lease)).await
    }

    async fn ack(&self, claim: Claim) -> Result<bool, StoreError> {
        self.write_held(ACK, claim, None).await
    }

    async fn nack(&self, claim: Claim, delay: Duration) -> Result<bool, StoreError> {
        self.write_held(NACK, claim, Some(delay)).await
    }

    async fn bury(&self, claim: Claim) -> Result<bool, StoreError> {
        let buried = self.write_held(BURY, claim, None).await?;
        if buried {
            self.write(queue::forget_dead(), "queue").await?;
        }
        Ok(buried)
    }

    async fn depth(&self) -> Result<QueueDepth, StoreError> {
        queue::depth(self.read(Statement::new(DEPTH), "queue").await?.first())
    }
}

impl SqliteStore {
    async fn write_held(
        &self,
        sql: &'static str,
        claim: Claim,
        duration: Option<Duration>,
    ) -> Result<bool, StoreError> {
        self.write(queue::held(sql, claim, duration), &claim.job_id.to_string()).await
    }
}
