//! Telling those who asked that a job has ended.
//!
//! News is kept in the job's row ([`demitasse_core::Announcement`]) from the moment the job ends until everyone was told,
//! or until telling is given up: a crash in between loses nothing, at worst somebody is told twice. Whoever ends a job
//! tells it at once; what failed, or was cut off, is taken up again by [`announce_regularly`], with growing pauses. Live
//! pages are not served from here: events are best effort, and pages read the rows.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use demitasse_backends::Backends;
use demitasse_core::{Clock, StoreError, Transition, Upload};
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

/// How often telling is tried.
const MAX_ATTEMPTS: u32 = 6;

/// How long the first attempt has before somebody else takes over; the pause doubles with each.
const FIRST_PAUSE: SignedDuration = SignedDuration::from_secs(30);

/// How often due news is looked for.
const INTERVAL: Duration = Duration::from_secs(5);

/// News taken up in one look.
const BATCH: usize = 20;

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
    /// For the log.
    pub(crate) reason: String,
}

/// Every channel, and the rows that say what is still to be told.
pub(crate) struct Announcer {
    pub(crate) backends: Backends,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) channels: Vec<Arc<dyn Channel>>,
}

impl Announcer {
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

    /// Tells the end of the job of `upload`, whose pending announcement the caller has begun.
    pub(crate) async fn announce(&self, upload: &Upload) -> Result<(), StoreError> {
        let Some(news) = upload.job.announcement else { return Ok(()) };
        let (mut failed, mut retry) = (false, false);
        for channel in &self.channels {
            if let Err(error) = channel.tell(upload).await {
                let job = upload.job.id;
                tracing::warn!(%error, %job, channel = channel.name(), attempt = news.attempts, "not told");
                failed = true;
                retry |= error.retry;
            }
        }
        if retry && news.attempts < MAX_ATTEMPTS {
            return Ok(());
        }
        let end = Transition::EndAnnouncement { delivered: !failed };
        self.backends.jobs.transition(upload.job.id, end, self.clock.now()).await.map(drop)
    }

    /// Takes up what is due; gives how many.
    pub(crate) async fn announce_due(&self) -> Result<usize, StoreError> {
        let due = self.backends.jobs.unannounced(self.clock.now(), BATCH).await?;
        for job in &due {
            let attempts = job.announcement.map_or(0, |news| news.attempts);
            let until = self.clock.now() + pause(attempts);
            let begin = Transition::BeginAnnouncement { until };
            // Another process may have been faster.
            let Some(begun) = self.backends.jobs.transition(job.id, begin, self.clock.now()).await? else {
                continue;
            };
            let Some(upload) = self.backends.jobs.job(job.id).await? else { continue };
            self.announce(&Upload { job: begun, ..upload }).await?;
        }
        Ok(due.len())
    }
}

/// The pause after this many attempts: 30 s, 1 min, 2 min, 4 min, ...
fn pause(attempts: u32) -> SignedDuration {
    FIRST_PAUSE * 2_i32.pow(attempts.min(10))
}

/// Takes up due news until the server stops.
pub(crate) async fn announce_regularly(announcer: Arc<Announcer>, stopping: CancellationToken) {
    while !stopping.is_cancelled() {
        match announcer.announce_due().await {
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
