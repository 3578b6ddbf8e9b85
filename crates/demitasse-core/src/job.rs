//! Jobs, their states, and which state may follow which.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::clock::to_milliseconds;
use crate::{Document, ImageId, JobId, LeaseId, OwnerId, Sequence, Sha256, Variant};

/// Equal for equal work, so that the same work is done once: the SHA-256 over the original's hash, the request's JSON
/// and the engine's version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestKey(pub Sha256);

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Accepted, never tried.
    Queued,
    /// A worker holds a lease on it.
    Running,
    /// An attempt failed for a reason that may pass; it waits for the next.
    Retrying,
    /// Done: a variant exists, made or kept.
    Succeeded,
    /// Given up, with a [`Failure`].
    Failed,
}

impl JobState {
    /// Whether nothing can follow.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }

    /// The name that is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Retrying => "retrying",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }

    /// Reads [`JobState::as_str`] back.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Queued, Self::Running, Self::Retrying, Self::Succeeded, Self::Failed]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}

/// Why an attempt, or the job, failed. Shown to the owner: no internals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// A stable word for programs: `malformed`, `limit_exceeded`, `crashed`, ...
    pub code: String,
    /// What, why and what to do, for people.
    pub detail: String,
}

/// A stored job.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// The image it compresses.
    pub image_id: ImageId,
    /// Its place in the order of acceptance; jobs are served in this order.
    pub sequence: Sequence,
    /// Who owns it.
    pub owner: OwnerId,
    /// Where it stands.
    pub state: JobState,
    /// What was asked for.
    pub request: Document,
    /// Equal for equal work.
    pub request_key: RequestKey,
    /// Attempts begun so far, crashed ones included.
    pub attempt: u32,
    /// Attempts allowed.
    pub max_attempts: u32,
    /// The lease of the attempt that runs.
    pub lease: Option<LeaseId>,
    /// The last failure, kept through the next attempt and dropped by success; final if the state is
    /// [`JobState::Failed`].
    pub failure: Option<Failure>,
    /// The result; present exactly if the state is [`JobState::Succeeded`].
    pub variant: Option<Variant>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When its row last changed.
    pub updated_at: Timestamp,
}

impl Job {
    /// Whether another attempt is allowed after the present one.
    pub fn has_attempts_left(&self) -> bool {
        self.attempt < self.max_attempts
    }
}

/// A change of a job's state. Each is a compare-and-set: it happens whole, or not at all.
#[derive(Debug, Clone, PartialEq)]
pub enum Transition {
    /// queued, retrying or running under an older lease → running; the attempt is counted.
    Start {
        /// The lease under which the attempt runs from now on.
        lease: LeaseId,
    },
    /// running under `lease` → succeeded, with the variant: bytes and receipt become visible together.
    Succeed {
        /// The lease that must still hold.
        lease: LeaseId,
        /// The result.
        variant: Box<Variant>,
    },
    /// running under `lease` → failed.
    Fail {
        /// The lease that must still hold.
        lease: LeaseId,
        /// The reason.
        failure: Failure,
    },
    /// running under `lease` → retrying.
    Retry {
        /// The lease that must still hold.
        lease: LeaseId,
        /// What went wrong this time.
        failure: Failure,
    },
    /// running under `lease` → queued, and the attempt is not counted: the worker gives it back, on shutdown.
    Release {
        /// The lease that must still hold.
        lease: LeaseId,
    },
}

impl Transition {
    /// The state that follows, or `None` if `job` is not where this transition starts.
    ///
    /// The one definition that every store applies (in its own language) and the contract suite checks against.
    pub fn next(&self, job: &Job) -> Option<JobState> {
        let holds = |lease: &LeaseId| job.state == JobState::Running && job.lease == Some(*lease);
        match self {
            Self::Start { lease } if job.state.is_terminal() || holds(lease) => None,
            Self::Start { .. } => Some(JobState::Running),
            Self::Succeed { lease, .. } if holds(lease) => Some(JobState::Succeeded),
            Self::Fail { lease, .. } if holds(lease) => Some(JobState::Failed),
            Self::Retry { lease, .. } if holds(lease) => Some(JobState::Retrying),
            Self::Release { lease } if holds(lease) => Some(JobState::Queued),
            _ => None,
        }
    }

    /// The row that follows, or `None` if [`Transition::next`] forbids it from `job`.
    ///
    /// Like `next`, the one definition that every store applies (in its own language): a start counts the attempt, a
    /// release takes it back, whatever ends an attempt drops its lease, and `now`, in whole milliseconds, becomes
    /// `updated_at`.
    pub fn apply(self, job: &Job, now: Timestamp) -> Option<Job> {
        let state = self.next(job)?;
        let mut changed = Job { state, lease: None, updated_at: to_milliseconds(now), ..job.clone() };
        match self {
            Self::Start { lease } => {
                changed.lease = Some(lease);
                changed.attempt = job.attempt.saturating_add(1);
            }
            Self::Succeed { variant, .. } => {
                changed.failure = None;
                changed.variant = Some(*variant);
            }
            Self::Fail { failure, .. } | Self::Retry { failure, .. } => changed.failure = Some(failure),
            Self::Release { .. } => changed.attempt = job.attempt.saturating_sub(1),
        }
        Some(changed)
    }
}
