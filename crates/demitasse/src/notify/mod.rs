//! Telling those who asked that a job has ended.
//!
//! News is kept in the job's row ([`demitasse_core::Announcement`]) from the moment the job ends until everyone was told,
//! or until telling is given up: a crash in between loses nothing, at worst somebody is told twice. Whoever ends a job
//! has it told at once, and goes on: no worker waits for those who are told. What failed, or was cut off, is taken up again
//! by [`announce_regularly`], with growing pauses. Live pages are not served from here: events are best effort, and pages
//! read the rows.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use demitasse_backends::Backends;
use demitasse_core::{Clock, JobId, StoreError, Transition, Upload};
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

/// How often telling is tried.
const MAX_ATTEMPTS: u32 = 6;

/// How long the first attempt has before somebody else takes over; the pause doubles with each.
const FIRST_PAUSE: SignedDuration = SignedDuration::from_secs(30);

/// How long those who are told can put it off by each answer.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(1);

/// How often due news is looked for.
const INTERVAL: Duration = Duration::from_secs(5);

/// News taken up in one look, and told at the same time.
const BATCH: usize = 20;

/// First attempts at the same time.
const ROOM: usize = 32;

/// A way of telling, such as push.
#[async_trait]
pub(crate) trait Channel: Send + Sync + 'static {
    /// For the log.
    fn name(&self) -> &'static str;

    /// Whether anyone asked to be told of this job's end.
    async fn wants(&self, upload: &Upload) -> Result<bool, StoreError>;

    /// Tells them. An upload may come again if another channel failed, or after a crash.
    async fn tell(&self, upload: &Upload) -> Result<(), Undelivered>;
}

/// Why somebody was not told.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub(crate) struct Undelivered {
    /// Whether another try may help.
    pub(crate) retry: bool,
    /// When whoever refused it wants to be asked again, if they said so.
    pub(crate) not_before: Option<Timestamp>,
    /// For the log.
    pub(crate) reason: String,
}

/// Every channel, and the rows that say what is still to be told.
pub(crate) struct Announcer {
    backends: Backends,
    clock: Arc<dyn Clock>,
    channels: Vec<Arc<dyn Channel>>,
    /// What is being told.
    under_way: TaskTracker,
    /// For the first attempts.
    room: Arc<Semaphore>,
}

impl Announcer {
    pub(crate) fn new(
        backends: Backends,
        clock: Arc<dyn Clock>,
        channels: Vec<Arc<dyn Channel>>,
    ) -> Arc<Self> {
        let (under_way, room) = (TaskTracker::new(), Arc::new(Semaphore::new(ROOM)));
        under_way.close();
        Arc::new(Self { backends, clock, channels, under_way, room })
    }

    /// Until when the caller, who is about to end the job of `upload`, tells it alone; `None` if nobody wants to know.
    pub(crate) async fn deadline(&self, upload: &Upload) -> Option<Timestamp> {
        for channel in &self.channels {
            match channel.wants(upload).await {
                Ok(false) => {}
                Ok(true) => return Some(self.clock.now() + FIRST_PAUSE),
                Err(error) => {
                    tracing::warn!(%error, channel = channel.name(), "who wants to be told is not known now");
                    return Some(self.clock.now() + FIRST_PAUSE);
                }
            }
        }
        None
    }

    /// Begins to tell the end of the job of `upload`, whose pending announcement the caller has just written, and does not
    /// wait for those who are told. Where many are slow and there is no room, the row keeps it for the next attempt: to
    /// wait here could last beyond the time in which nobody else tells it.
    pub(crate) fn announce(self: &Arc<Self>, upload: &Upload) {
        if upload.job.announcement.is_none() {
            return;
        }
        match self.room.clone().try_acquire_owned() {
            Ok(room) => drop(self.spawn(upload.clone(), Some(room))),
            Err(_) => tracing::debug!(job = %upload.job.id, "too much is being told; this is told later"),
        }
    }

    /// Takes up what is due, and waits until it is told or put off; gives how many.
    pub(crate) async fn announce_due(self: &Arc<Self>) -> Result<usize, StoreError> {
        let due = self.backends.jobs.unannounced(self.clock.now(), BATCH).await?;
        let mut begun = Vec::new();
        for job in &due {
            let attempts = job.announcement.map_or(0, |news| news.attempts);
            let until = self.clock.now() + pause(attempts);
            let begin = Transition::BeginAnnouncement { until };
            // Another process may have been faster.
            let Some(changed) = self.backends.jobs.transition(job.id, begin, self.clock.now()).await? else {
                continue;
            };
            let Some(upload) = self.backends.jobs.job(job.id).await? else { continue };
            begun.push(self.spawn(Upload { job: changed, ..upload }, None));
        }
        join_all(begun).await;
        Ok(due.len())
    }

    /// Waits until nothing is being told.
    pub(crate) async fn told(&self) {
        self.under_way.wait().await;
    }

    fn spawn(self: &Arc<Self>, upload: Upload, room: Option<OwnedSemaphorePermit>) -> JoinHandle<()> {
        let (announcer, job) = (self.clone(), upload.job.id);
        let telling = async move {
            if let Err(error) = announcer.tell(&upload).await {
                tracing::warn!(%error, %job, "what came of telling was not written down; it may be told again");
            }
            drop(room);
        };
        self.under_way.spawn(telling.in_current_span())
    }

    /// Sees to it that nobody tries again before the time that was asked for, if it is later than they would.
    async fn put_off(&self, job: JobId, asked: Option<Timestamp>) -> Result<(), StoreError> {
        let Some(asked) = asked else { return Ok(()) };
        let until = asked.min(self.clock.now() + LONGEST_PAUSE);
        let postpone = Transition::PostponeAnnouncement { until };
        self.backends.jobs.transition(job, postpone, self.clock.now()).await.map(drop)
    }

    async fn tell(&self, upload: &Upload) -> Result<(), StoreError> {
        let Some(news) = upload.job.announcement else { return Ok(()) };
        let tellings = self.channels.iter().map(|channel| async {
            let told = channel.tell(upload).await;
            if let Err(error) = &told {
                let job = upload.job.id;
                tracing::warn!(%error, %job, channel = channel.name(), attempt = news.attempts, "not told");
            }
            told
        });
        let failures: Vec<Undelivered> =
            join_all(tellings).await.into_iter().filter_map(Result::err).collect();
        if failures.iter().any(|failure| failure.retry) && news.attempts < MAX_ATTEMPTS {
            let asked = failures.iter().filter_map(|failure| failure.not_before).max();
            return self.put_off(upload.job.id, asked).await;
        }
        let end = Transition::EndAnnouncement { delivered: failures.is_empty() };
        self.backends.jobs.transition(upload.job.id, end, self.clock.now()).await.map(drop)
    }
}

/// The pause after this many attempts: 30 s, 1 min, 2 min, 4 min, ...
fn pause(attempts: u32) -> SignedDuration {
    FIRST_PAUSE * 2_i32.pow(attempts.min(10))
}

/// Takes up due news until the server stops.
pub(crate) async fn announce_regularly(announcer: Arc<Announcer>, stopping: CancellationToken) {
    while !stopping.is_cancelled() {
        let due = tokio::select! {
            due = announcer.announce_due() => due,
            // What was begun goes on for as long as somebody waits for it: `Announcer::told`.
            () = stopping.cancelled() => return,
        };
        match due {
            Ok(BATCH) => continue,
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "news could not be looked for"),
        }
        tokio::select! {
            () = tokio::time::sleep(INTERVAL) => {}
            () = stopping.cancelled() => {}
        }
    }
}
