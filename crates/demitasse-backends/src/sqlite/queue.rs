//! The queue, in the same database as what it serves.

use std::time::Duration;

use async_trait::async_trait;
use demitasse_core::{Claim, JobId, JobQueue, Priority, QueueDepth, StoreError, Ticket};

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

/// As [`insert`], for the job whose row is the last that was inserted.
pub(super) fn insert_for_last_row(job_id: JobId, priority: Priority) -> Statement {
    Statement::new(ENQUEUE_LAST_ROW).bind(job_id.to_string()).bind(priority.rank())
}

const ENQUEUE_LAST_ROW: &str = "INSERT INTO queue_entries (job_id, sequence, priority, ready_at)
    VALUES ($1, last_insert_rowid(), $2, CAST(unixepoch('subsec') * 1000 AS INTEGER))
    ON CONFLICT (job_id) DO UPDATE SET sequence = excluded.sequence, priority = excluded.priority,
        dead_at = NULL, deliveries = 0, ready_at = excluded.ready_at
    WHERE queue_entries.dead_at IS NOT NULL";

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
