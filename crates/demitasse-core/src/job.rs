//! Jobs, their states, and which state may follow which.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::clock::to_milliseconds;
use crate::{Document, ImageId, JobId, LeaseId, OwnerId, Priority, Sequence, Sha256, Variant};

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
    /// Taken back by its owner.
    Cancelled,
}

impl JobState {
    const ALL: [Self; 6] =
        [Self::Queued, Self::Running, Self::Retrying, Self::Succeeded, Self::Failed, Self::Cancelled];

    /// Whether nothing can follow.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }

    /// The name that is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Retrying => "retrying",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads [`JobState::as_str`] back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
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

/// How far the news of a finished job has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnnouncementState {
    /// To be told, or being told.
    Pending,
    /// Everyone who asked was told.
    Delivered,
    /// Somebody could not be told.
    GivenUp,
}

impl AnnouncementState {
    /// The name that is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::GivenUp => "given_up",
        }
    }

    /// Reads [`AnnouncementState::as_str`] back.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Pending, Self::Delivered, Self::GivenUp].into_iter().find(|state| state.as_str() == text)
    }
}

/// The news of a finished job for those who asked to be told (push). Kept in the job's row, so
/// that a crash between result and news loses neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// How far it has come.
    pub state: AnnouncementState,
    /// How often it was begun.
    pub attempts: u32,
    /// Nobody but the one who began last may tell it before this.
    pub due_at: Timestamp,
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
    /// Whether it goes before others.
    pub priority: Priority,
    /// The trace that its upload belongs to, as a W3C `traceparent`.
    pub trace: Option<String>,
    /// The lease of the attempt that runs.
    pub lease: Option<LeaseId>,
    /// The last failure, kept through the next attempt and dropped by success; final if the state is
    /// [`JobState::Failed`].
    pub failure: Option<Failure>,
    /// The result; a job that is [`JobState::Succeeded`], and no other, has this or `external_variant`.
    pub variant: Option<Variant>,
    /// The address of a result that another program made, which shares the metadata store; unchecked.
    pub external_variant: Option<String>,
    /// The news of its end, if anyone is to be told.
    pub announcement: Option<Announcement>,
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

    /// Whether it failed as often as it was allowed to: a dead letter, to be looked at. What failed for good at an earlier
    /// attempt is none: its owner knows why.
    pub fn is_dead_letter(&self) -> bool {
        self.state == JobState::Failed && !self.has_attempts_left()
    }
}

/// A change of a job's state. Each is a compare-and-set: it happens whole, or not at all.
#[derive(Debug, Clone, PartialEq)]
pub enum Transition {
    /// queued, retrying or running → running; the attempt is counted.
    ///
    /// Whoever starts a job says which lease it read in the row, and it starts only if the row still has that one: of
    /// two who hold claims, the later claim wins, as long as each makes sure after reading the row that its claim is
    /// still held ([`crate::JobQueue::heartbeat`]).
    Start {
        /// The lease under which the attempt runs from now on.
        lease: LeaseId,
        /// The lease that the row has: `None` unless it is running.
        over: Option<LeaseId>,
    },
    /// running under `lease` → succeeded, with the variant: bytes and receipt become visible together.
    Succeed {
        /// The lease that must still hold.
        lease: LeaseId,
        /// The result.
        variant: Box<Variant>,
        /// Until when the caller alone announces it; `None`: nobody is to be told.
        announce_until: Option<Timestamp>,
    },
    /// running under `lease` → failed.
    Fail {
        /// The lease that must still hold.
        lease: LeaseId,
        /// The reason.
        failure: Failure,
        /// As in [`Transition::Succeed`].
        announce_until: Option<Timestamp>,
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
    /// queued, retrying or running → cancelled: the owner no longer wants it. Its queue entry stays until it is claimed.
    Cancel,
    /// failed → queued, and attempts are counted anew: somebody wants it tried again, who may have removed the cause. News of
    /// the failure that nobody was told yet is dropped.
    Revive,
    /// Takes up an announcement that is due: the attempt is counted, and nobody else takes it up before `until`.
    BeginAnnouncement {
        /// Until when the caller alone announces it.
        until: Timestamp,
    },
    /// Puts a pending announcement off: nobody takes it up before `until`, which is later than it was due.
    PostponeAnnouncement {
        /// When it is due.
        until: Timestamp,
    },
    /// Ends a pending announcement.
    EndAnnouncement {
        /// Whether everyone was told.
        delivered: bool,
    },
}

impl Transition {
    /// The state that follows, or `None` if `job` is not where this transition starts.
    ///
    /// The one definition that every store applies (in its own language) and the contract suite checks against. An
    /// announcement changes no state: it is told of a state that stays.
    pub fn next(&self, job: &Job, now: Timestamp) -> Option<JobState> {
        let holds = |lease: &LeaseId| job.state == JobState::Running && job.lease == Some(*lease);
        let pending = job.announcement.filter(|news| news.state == AnnouncementState::Pending);
        match self {
            Self::Start { lease, over }
                if !job.state.is_terminal() && job.lease == *over && job.lease != Some(*lease) =>
            {
                Some(JobState::Running)
            }
            Self::Succeed { lease, .. } if holds(lease) => Some(JobState::Succeeded),
            Self::Fail { lease, .. } if holds(lease) => Some(JobState::Failed),
            Self::Retry { lease, .. } if holds(lease) => Some(JobState::Retrying),
            Self::Release { lease } if holds(lease) => Some(JobState::Queued),
            Self::Cancel if !job.state.is_terminal() => Some(JobState::Cancelled),
            Self::Revive if job.state == JobState::Failed => Some(JobState::Queued),
            Self::BeginAnnouncement { .. }
                if pending.is_some_and(|news| news.due_at <= to_milliseconds(now)) =>
            {
                Some(job.state)
            }
            Self::PostponeAnnouncement { until }
                if pending.is_some_and(|news| news.due_at < to_milliseconds(*until)) =>
            {
                Some(job.state)
            }
            Self::EndAnnouncement { .. } if pending.is_some() => Some(job.state),
            _ => None,
        }
    }

    /// The row that follows, or `None` if [`Transition::next`] forbids it from `job`.
    ///
    /// Like `next`, the one definition that every store applies (in its own language): a start counts the attempt, a
    /// release takes it back, a revival forgets them, whatever ends an attempt drops its lease, and `now`, in whole milliseconds, becomes
    /// `updated_at`. Announcements leave `updated_at` as it is.
    pub fn apply(self, job: &Job, now: Timestamp) -> Option<Job> {
        let state = self.next(job, now)?;
        let mut changed = Job { state, lease: None, updated_at: to_milliseconds(now), ..job.clone() };
        match self {
            Self::Start { lease, .. } => {
                changed.lease = Some(lease);
                changed.attempt = job.attempt.saturating_add(1);
            }
            Self::Succeed { variant, announce_until, .. } => {
                changed.failure = None;
                changed.variant = Some(*variant);
                changed.announcement = announce_until.map(Announcement::begun);
            }
            Self::Fail { failure, announce_until, .. } => {
                changed.failure = Some(failure);
                changed.announcement = announce_until.map(Announcement::begun);
            }
            Self::Retry { failure, .. } => changed.failure = Some(failure),
            Self::Release { .. } => changed.attempt = job.attempt.saturating_sub(1),
            Self::Cancel => {}
            Self::Revive => {
                changed.attempt = 0;
                changed.announcement = None;
            }
            Self::BeginAnnouncement { until } => {
                changed.updated_at = job.updated_at;
                let attempts = job.announcement.map_or(0, |news| news.attempts).saturating_add(1);
                changed.announcement = Some(Announcement { attempts, ..Announcement::begun(until) });
            }
            Self::PostponeAnnouncement { until } => {
                changed.updated_at = job.updated_at;
                let due_at = to_milliseconds(until);
                changed.announcement = job.announcement.map(|news| Announcement { due_at, ..news });
            }
            Self::EndAnnouncement { delivered } => {
                let state = if delivered { AnnouncementState::Delivered } else { AnnouncementState::GivenUp };
                changed.updated_at = job.updated_at;
                changed.announcement = job.announcement.map(|news| Announcement { state, ..news });
            }
        }
        Some(changed)
    }
}

impl Announcement {
    /// One that was begun for the first time, by someone who has until `until`.
    fn begun(until: Timestamp) -> Self {
        Self { state: AnnouncementState::Pending, attempts: 1, due_at: to_milliseconds(until) }
    }
}
