//! The queue as a table that holds open work only.

use std::time::Duration;

use demitasse_core::{Claim, ErrorKind, LeaseId, QueueDepth, StoreError, Ticket};

use super::Statement;
use super::rows::{Columns, Fields};

/// Dead entries that are kept.
const DEAD_KEPT: i64 = 10_000;

const FORGET_DEAD: &str = "DELETE FROM queue_entries WHERE job_id IN (SELECT job_id FROM queue_entries
    WHERE dead_at IS NOT NULL ORDER BY dead_at DESC LIMIT 9223372036854775807 OFFSET $1)";

/// The statements that differ between databases: `$now` gives the database's own time in Unix milliseconds,
/// `$skip_locked` makes concurrent claimers take different rows, `$before` and `$after` stand around the statement that
/// makes an entry, `$claimed` is given with a claimed row and `$changed` with a row that its claim's holder changes.
macro_rules! statements {
    (
        now: $now:expr,
        skip_locked: $skip_locked:literal,
        enqueue: ($before:expr, $after:expr),
        claimed: $claimed:expr,
        changed: $changed:expr
    ) => {
        /// Walks `queue_order` from the oldest entry to the first that is ready: past the claimed (as many as workers)
        /// and the delayed.
        pub(super) const CLAIM: &str = concat!(
            "UPDATE queue_entries SET lease = $1, worker = $2, deliveries = deliveries + 1, lease_until = $3 + ",
            $now,
            " WHERE job_id = (SELECT job_id FROM queue_entries WHERE dead_at IS NULL AND ready_at <= ",
            $now,
            " AND (lease_until IS NULL OR lease_until <= ",
            $now,
            ") ORDER BY priority, sequence, job_id LIMIT 1",
            $skip_locked,
            ") RETURNING job_id, deliveries",
            $claimed
        );

        pub(super) const HEARTBEAT: &str = concat!(
            "UPDATE queue_entries SET lease_until = $3 + ",
            $now,
            " WHERE job_id = $1 AND lease = $2",
            $changed
        );

        pub(super) const ACK: &str = concat!("DELETE FROM queue_entries WHERE job_id = $1 AND lease = $2", $changed);

        const NACK: &str = concat!(
            "UPDATE queue_entries SET lease = NULL, lease_until = NULL, worker = NULL, ready_at = $3 + ",
            $now,
            " WHERE job_id = $1 AND lease = $2",
            $changed
        );

        const BURY: &str = concat!(
            "UPDATE queue_entries SET lease = NULL, lease_until = NULL, worker = NULL, dead_at = ",
            $now,
            " WHERE job_id = $1 AND lease = $2",
            $changed
        );

        /// One pass: an entry is dead, claimed, ready (since it became so or its lease ended) or delayed.
        const DEPTH: &str = concat!(
            "SELECT COUNT(*) FILTER (WHERE dead_at IS NOT NULL) AS dead,
                COUNT(*) FILTER (WHERE dead_at IS NULL AND lease_until > now) AS claimed,
                COUNT(*) FILTER (WHERE dead_at IS NULL AND ready_at > now AND lease IS NULL) AS delayed,
                COUNT(*) FILTER (WHERE dead_at IS NULL AND ready_at <= now
                    AND (lease_until IS NULL OR lease_until <= now)) AS ready,
                MAX(now - COALESCE(lease_until, ready_at)) FILTER (WHERE dead_at IS NULL AND ready_at <= now
                    AND (lease_until IS NULL OR lease_until <= now)) AS oldest
            FROM queue_entries, (SELECT ",
            $now,
            " AS now) AS clock"
        );

        const HEALTH: &str = concat!(
            "INSERT INTO health (id, checked_at) VALUES (1, ",
            $now,
            ") ON CONFLICT (id) DO UPDATE SET checked_at = excluded.checked_at"
        );

        /// Inserts the entry unless the job has a living one.
        pub(super) const ENQUEUE: &str = concat!(
            $before,
            "INSERT INTO queue_entries (job_id, sequence, priority, ready_at) VALUES ($1, $2, $3, ",
            $now,
            ") ON CONFLICT (job_id) DO UPDATE SET sequence = excluded.sequence, priority = excluded.priority,
                dead_at = NULL, deliveries = 0, ready_at = excluded.ready_at
            WHERE queue_entries.dead_at IS NOT NULL",
            $after
        );

        /// Writes the row that readiness checks write.
        pub(super) fn health() -> $crate::sql::Statement {
            $crate::sql::Statement::new(HEALTH)
        }
    };
}
pub(crate) use statements;

/// Binds a ticket: job_id, sequence, priority.
pub(crate) fn enqueue(sql: &'static str, ticket: Ticket) -> Statement {
    Statement::new(sql).bind(ticket.job_id.to_string()).bind(ticket.sequence.0).bind(ticket.priority.rank())
}

/// Binds a claim under the new lease `id`.
pub(crate) fn claim(sql: &'static str, id: LeaseId, worker: &str, lease: Duration) -> Statement {
    Statement::new(sql).bind(id.to_string()).bind(worker).bind(milliseconds(lease))
}

/// Reads the row of a claim.
pub(crate) fn claimed(row: &impl Columns, lease: LeaseId) -> Result<Claim, StoreError> {
    let fields = Fields(row);
    Ok(Claim { job_id: fields.parsed("job_id")?, lease, deliveries: fields.number("deliveries")? })
}

/// Changes the entry that `claim` holds: $1 is its job, $2 its lease, $3 a duration from now.
pub(crate) fn held(sql: &'static str, claim: Claim, duration: Option<Duration>) -> Statement {
    let statement = Statement::new(sql).bind(claim.job_id.to_string()).bind(claim.lease.to_string());
    match duration {
        Some(duration) => statement.bind(milliseconds(duration)),
        None => statement,
    }
}

pub(crate) fn forget_dead() -> Statement {
    Statement::new(FORGET_DEAD).bind(DEAD_KEPT)
}

/// Reads the row of the depth.
pub(crate) fn depth<R: Columns>(row: Option<&R>) -> Result<QueueDepth, StoreError> {
    let row = row.ok_or_else(|| StoreError::new(ErrorKind::Internal, R::BACKEND, "queue"))?;
    let count = |column| Fields(row).number::<u64>(column);
    let oldest = row.integer("oldest")?;
    Ok(QueueDepth {
        ready: count("ready")?,
        delayed: count("delayed")?,
        claimed: count("claimed")?,
        dead: count("dead")?,
        oldest_ready: oldest.map(|age| Duration::from_millis(u64::try_from(age).unwrap_or(0))),
    })
}

/// Whole milliseconds, at most a thousand years, so that no sum in the database overflows.
pub(super) fn milliseconds(duration: Duration) -> i64 {
    const LONGEST: i64 = 1000 * 365 * 24 * 60 * 60 * 1000;
    i64::try_from(duration.as_millis()).unwrap_or(LONGEST).min(LONGEST)
}
