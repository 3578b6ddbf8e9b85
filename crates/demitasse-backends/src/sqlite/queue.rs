//! The queue as a table that holds open work only.

use std::time::Duration;

use async_trait::async_trait;
use demitasse_core::{Claim, ErrorKind, JobQueue, QueueDepth, StoreError, Ticket};

use super::rows::Fields;
use super::{Arguments, BACKEND, SqliteStore, now};
use crate::lease::new_lease;

/// Walks `queue_order` from the oldest entry to the first that is ready: past the claimed (as many as workers) and the
/// delayed.
pub(super) const CLAIM: &str = concat!(
    "UPDATE queue_entries SET lease = $1, worker = $2, deliveries = deliveries + 1, lease_until = $3 + ",
    now!(),
    " WHERE job_id = (SELECT job_id FROM queue_entries WHERE dead_at IS NULL AND ready_at <= ",
    now!(),
    " AND (lease_until IS NULL OR lease_until <= ",
    now!(),
    ") ORDER BY priority, sequence, job_id LIMIT 1) RETURNING job_id, deliveries"
);

const HEARTBEAT: &str =
    concat!("UPDATE queue_entries SET lease_until = $3 + ", now!(), " WHERE job_id = $1 AND lease = $2");

const ACK: &str = "DELETE FROM queue_entries WHERE job_id = $1 AND lease = $2";

const NACK: &str = concat!(
    "UPDATE queue_entries SET lease = NULL, lease_until = NULL, worker = NULL, ready_at = $3 + ",
    now!(),
    " WHERE job_id = $1 AND lease = $2"
);

const BURY: &str = concat!(
    "UPDATE queue_entries SET lease = NULL, lease_until = NULL, worker = NULL, dead_at = ",
    now!(),
    " WHERE job_id = $1 AND lease = $2"
);

const FORGET_DEAD: &str = "DELETE FROM queue_entries WHERE job_id IN (SELECT job_id FROM queue_entries
    WHERE dead_at IS NOT NULL ORDER BY dead_at DESC LIMIT -1 OFFSET $1)";

/// Dead entries that are kept.
const DEAD_KEPT: i64 = 10_000;

/// One pass: an entry is dead, claimed, ready (since it became so or its lease ended) or delayed.
const DEPTH: &str = concat!(
    "SELECT COUNT(*) FILTER (WHERE dead_at IS NOT NULL) AS dead,
        COUNT(*) FILTER (WHERE dead_at IS NULL AND lease_until > now) AS claimed,
        COUNT(*) FILTER (WHERE dead_at IS NULL AND ready_at > now AND lease IS NULL) AS delayed,
        COUNT(*) FILTER (WHERE dead_at IS NULL AND ready_at <= now AND (lease_until IS NULL OR lease_until <= now))
            AS ready,
        MAX(now - COALESCE(lease_until, ready_at)) FILTER (WHERE dead_at IS NULL AND ready_at <= now
            AND (lease_until IS NULL OR lease_until <= now)) AS oldest
    FROM queue_entries, (SELECT ",
    now!(),
    " AS now)"
);

/// Inserts the entry unless the job has a living one.
pub(super) fn insert(ticket: Ticket) -> Arguments<'static> {
    sqlx::query(concat!(
        "INSERT INTO queue_entries (job_id, sequence, priority, ready_at) VALUES ($1, $2, $3, ",
        now!(),
        ") ON CONFLICT (job_id) DO UPDATE SET sequence = excluded.sequence, priority = excluded.priority, \
         dead_at = NULL, deliveries = 0, ready_at = excluded.ready_at WHERE dead_at IS NOT NULL"
    ))
    .bind(ticket.job_id.to_string())
    .bind(ticket.sequence.0)
    .bind(ticket.priority.rank())
}

#[async_trait]
impl JobQueue for SqliteStore {
    async fn enqueue(&self, ticket: Ticket) -> Result<(), StoreError> {
        self.write(insert(ticket), &ticket.job_id.to_string()).await.map(drop)
    }

    async fn claim(&self, worker: &str, lease: Duration) -> Result<Option<Claim>, StoreError> {
        let id = new_lease(BACKEND)?;
        let query = sqlx::query(CLAIM).bind(id.to_string()).bind(worker).bind(milliseconds(lease));
        let Some(row) = self.write_one(query, "queue").await? else { return Ok(None) };
        let fields = Fields(&row);
        let claim =
            Claim { job_id: fields.parsed("job_id")?, lease: id, deliveries: fields.number("deliveries")? };
        Ok(Some(claim))
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
            self.write(sqlx::query(FORGET_DEAD).bind(DEAD_KEPT), "queue").await?;
        }
        Ok(buried)
    }

    async fn depth(&self) -> Result<QueueDepth, StoreError> {
        let rows = self.read(sqlx::query(DEPTH), "queue").await?;
        let row = rows.first().ok_or_else(|| StoreError::new(ErrorKind::Internal, BACKEND, "queue"))?;
        let count = |column| Fields(row).number::<u64>(column);
        let oldest: Option<i64> = Fields(row).get("oldest")?;
        Ok(QueueDepth {
            ready: count("ready")?,
            delayed: count("delayed")?,
            claimed: count("claimed")?,
            dead: count("dead")?,
            oldest_ready: oldest.map(|age| Duration::from_millis(u64::try_from(age).unwrap_or(0))),
        })
    }
}

impl SqliteStore {
    /// Changes the entry that `claim` holds: $1 is its job, $2 its lease, $3 a duration from now.
    async fn write_held(
        &self,
        sql: &'static str,
        claim: Claim,
        duration: Option<Duration>,
    ) -> Result<bool, StoreError> {
        let key = claim.job_id.to_string();
        let mut query = sqlx::query(sql).bind(&key).bind(claim.lease.to_string());
        if let Some(duration) = duration {
            query = query.bind(milliseconds(duration));
        }
        self.write(query, &key).await
    }
}

/// Whole milliseconds, at most a thousand years, so that no sum in the database overflows.
fn milliseconds(duration: Duration) -> i64 {
    const LONGEST: i64 = 1000 * 365 * 24 * 60 * 60 * 1000;
    i64::try_from(duration.as_millis()).unwrap_or(LONGEST).min(LONGEST)
}
