//! The port to the job queue: a hint about what to do next, with leases.

use std::time::Duration;

use async_trait::async_trait;

use crate::{JobId, LeaseId, Sequence, StoreError};

/// What is put into the queue: the job's name and place, nothing else; the row is the truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    /// The job.
    pub job_id: JobId,
    /// Its place: lower is served earlier.
    pub sequence: Sequence,
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
}

/// A queue of job ids: at least once, oldest ready first. Lease times are counted by the backend's own clock, so
/// workers with wrong clocks do no harm.
#[async_trait]
pub trait JobQueue: Send + Sync + 'static {
    /// Makes the job claimable. A job that is in the queue already, claimed or not, is left as it is: the call is
    /// idempotent.
    async fn enqueue(&self, ticket: Ticket) -> Result<(), StoreError>;

    /// Hands out the ready entry with the lowest sequence number, or `None`. An entry whose lease has ended is ready
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

    /// Counts the entries.
    async fn depth(&self) -> Result<QueueDepth, StoreError>;
}
