//! The port to the job queue: a hint about what to do next, with leases.

use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{Job, JobId, LeaseId, Sequence, StoreError};

/// Which jobs go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Someone waits for it.
    High,
    /// Whatever says nothing.
    #[default]
    Normal,
    /// Bulk work that may wait.
    Low,
}

impl Priority {
    /// Every priority, the first served first.
    pub const ALL: [Self; 3] = [Self::High, Self::Normal, Self::Low];

    /// The name that is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }

    /// Its place in [`Priority::ALL`], which databases order by.
    pub fn rank(self) -> u8 {
        self as u8
    }

    /// Reads [`Priority::rank`] back.
    pub fn from_rank(rank: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| priority.rank() == rank)
    }
}

impl FromStr for Priority {
    type Err = ParsePriorityError;

    fn from_str(text: &str) -> Result<Self, ParsePriorityError> {
        Self::ALL.into_iter().find(|priority| priority.as_str() == text).ok_or(ParsePriorityError)
    }
}

/// Says why a text is no priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a priority is `high`, `normal` or `low`")]
pub struct ParsePriorityError;

/// What is put into the queue: the job's name and place, nothing else; the row is the truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    /// The job.
    pub job_id: JobId,
    /// Its place among equals: lower is served earlier.
    pub sequence: Sequence,
    /// Whether it goes before others.
    pub priority: Priority,
}

impl From<&Job> for Ticket {
    fn from(job: &Job) -> Self {
        Self { job_id: job.id, sequence: job.sequence, priority: job.priority }
    }
}

/// A job that this worker, and no other, may work on until the lease ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The job.
    pub job_id: JobId,
    /// The lease: fencing token for [`crate::JobStore::transition`].
    pub lease: LeaseId,
    /// How often the job was handed out, this time included.
    pub deliveries: u32,
}

/// How much waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueueDepth {
    /// Entries that could be claimed now.
    pub ready: u64,
    /// Entries that wait for their time.
    pub delayed: u64,
    /// Entries under a lease that has not ended.
    pub claimed: u64,
    /// Entries that were buried: kept to be looked at, never handed out.
    pub dead: u64,
    /// How long the entry that has been claimable for longest has waited; `None` if none is.
    pub oldest_ready: Option<Duration>,
}

/// A queue of job ids: at least once; by priority, and oldest ready first among equals. Lease times are counted by the
/// backend's own clock, so workers with wrong clocks do no harm.
///
/// Among entries of one priority those that come back (an ended lease, a returned entry) go before those that were never
/// handed out, or at their own place among them, and those follow in the order of their sequence numbers as far as they
/// were enqueued in that order.
///
/// A queue may lose entries (a Redis that restarts empty): every claim of a lost entry is lost, `enqueue` starts anew,
/// and whoever has the rows enqueues again.
#[async_trait]
pub trait JobQueue: Send + Sync + 'static {
    /// Makes the job claimable. A job that is in the queue already, claimed or not, is left as it is: the call is
    /// idempotent.
    async fn enqueue(&self, ticket: Ticket) -> Result<(), StoreError>;

    /// Hands out the first ready entry, or `None`. An entry whose lease has ended is ready
    /// again: a crashed worker loses nothing. Never waits.
    ///
    /// `worker` names the caller, for people.
    async fn claim(&self, worker: &str, lease: Duration) -> Result<Option<Claim>, StoreError>;

    /// Extends the lease to `lease` from now. `false` if it was lost (another worker has the entry, or it is gone):
    /// stop working. A lease that ended but was not taken over is held still.
    async fn heartbeat(&self, claim: Claim, lease: Duration) -> Result<bool, StoreError>;

    /// Removes the entry. `false` if the lease was lost.
    async fn ack(&self, claim: Claim) -> Result<bool, StoreError>;

    /// Gives the entry back, to be ready after `delay`. `false` if the lease was lost.
    async fn nack(&self, claim: Claim, delay: Duration) -> Result<bool, StoreError>;

    /// Takes the entry out of service and keeps it to be looked at: a job that failed for good. The queue may forget the
    /// oldest of more than 10,000. A buried job may be enqueued again, which takes it out of the dead. `false` if the
    /// lease was lost.
    async fn bury(&self, claim: Claim) -> Result<bool, StoreError>;

    /// Waits until an entry may have become ready, at most `timeout`. A queue without news of its own sleeps.
    async fn wait(&self, timeout: Duration) {
        tokio::time::sleep(timeout).await;
    }

    /// Counts the entries.
    async fn depth(&self) -> Result<QueueDepth, StoreError>;
}
