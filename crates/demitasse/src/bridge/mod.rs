//! Side by side with the original service: its API or its worker may go on while ours does the other's part.
//!
//! | we are | what happens | where |
//! |---|---|---|
//! | its worker | its API's tasks come off its list into our queue, our results are told on its topic | `take`, `told` |
//! | its API | our uploads go onto its list, its worker's results are heard on its topic | [`Bridge::give`], `hear` |
//! | either | rows that it wrote become ours | `adopt` |
//!
//! The metadata store is shared and is the truth; a message only says that a row is worth looking at. So every message may
//! be handled twice, and a lost one is made up for by the sweep. Its worker tells nobody what it works on: a job that it
//! may have is *lent* to it for a time, in which nobody of ours begins it, for its worker dies of a task that has ended.

mod adopt;
mod hear;
mod take;
mod told;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use demitasse_backends::{Backends, OriginalMessages};
use demitasse_core::{Clock, Job, JobId, JobState, SharedRows, StoreError, TaskMessage};
use jiff::Timestamp;
use tokio::sync::Notify;

use crate::accept::publish;
use crate::failpoint;
use crate::metrics::{Bridged, Metrics};

pub(crate) use adopt::adopt_regularly;
pub(crate) use hear::hear_results;
pub(crate) use take::take_tasks;
pub(crate) use told::Told;

/// Our side of the original's messages.
pub(crate) struct Bridge {
    backends: Backends,
    shared: Arc<dyn SharedRows>,
    messages: OriginalMessages,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    /// Wakes an idle worker.
    wake: Arc<Notify>,
    /// How long a job is lent.
    patience: Duration,
}

impl Bridge {
    /// The bridge that `backends` have the messages and the rows for.
    pub(crate) fn new(
        backends: &Backends,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
        wake: Arc<Notify>,
        patience: Duration,
    ) -> Option<Self> {
        let (shared, messages) = (backends.shared.clone()?, backends.original.clone()?);
        Some(Self { backends: backends.clone(), shared, messages, clock, metrics, wake, patience })
    }

    /// Whether its worker does the work of what is uploaded here.
    pub(crate) fn works(&self) -> bool {
        self.messages.works
    }

    /// Gives the job to its worker; one that has ended, or that a worker of ours has begun, stays as it is.
    pub(crate) async fn give(&self, job: JobId) -> Result<(), StoreError> {
        let Some(upload) = self.shared.lend(job, self.lent_until(), true).await? else { return Ok(()) };
        failpoint::hit("bridge.lent");
        let task = TaskMessage {
            image_id: upload.image.id,
            job_id: job,
            image_url: self.shared.addresses(&upload).original,
        };
        if let Err(error) = self.messages.tasks.give(&task).await {
            // Not to wait for a worker that was not told.
            self.shared.lend(job, self.clock.now(), false).await.ok();
            return Err(error);
        }
        self.metrics.bridged(Bridged::Given);
        Ok(())
    }

    /// Takes a job that was cancelled off the list. One that its worker has already is done in vain.
    pub(crate) async fn withdraw(&self, job: JobId) {
        if let Err(error) = self.messages.tasks.withdraw(job).await {
            tracing::warn!(%error, %job, "a cancelled task may still be on the original's list");
        }
    }

    /// Of jobs that nobody has had for a while, those that are for our queue; sees to the others. What is on the list is
    /// for whoever takes it off.
    pub(crate) async fn keep_ours(&self, jobs: Vec<Job>) -> Result<Vec<Job>, StoreError> {
        let idle = |job: &Job| matches!(job.state, JobState::Queued | JobState::Retrying);
        if !jobs.iter().any(idle) {
            return Ok(jobs);
        }
        let waiting: HashSet<_> = match self.messages.tasks.waiting().await {
            Ok(waiting) => waiting.into_iter().collect(),
            Err(error) => {
                tracing::warn!(%error, "the original's list cannot be read; what may be on it is left alone");
                return Ok(jobs.into_iter().filter(|job| !idle(job)).collect());
            }
        };
        let mut ours = Vec::new();
        for job in jobs {
            if idle(&job) && waiting.contains(&job.id) {
                self.shared.lend(job.id, self.lent_until(), false).await?;
            } else if idle(&job) && self.works() {
                self.give_again(&job).await?;
            } else {
                ours.push(job);
            }
        }
        Ok(ours)
    }

    /// Its worker was given this job and never spoke again, or was never given it.
    async fn give_again(&self, job: &Job) -> Result<(), StoreError> {
        if job.has_attempts_left() {
            if job.attempt > 0 {
                tracing::warn!(job = %job.id, "the original's worker has lost a task; it is given again");
            }
            return self.give(job.id).await;
        }
        tracing::warn!(job = %job.id, attempts = job.attempt, "the original's worker has lost a task each time");
        self.end(job.id, None).await
    }

    /// Ends a job as its worker did, with the address of a result or without.
    async fn end(&self, job: JobId, url: Option<String>) -> Result<(), StoreError> {
        let is_result = url.is_some();
        if let Some(job) = self.shared.end_elsewhere(job, url, self.clock.now()).await? {
            if is_result {
                self.metrics.bridged(Bridged::Heard);
            }
            tracing::info!(job = %job.id, state = job.state.as_str(), "ended by the original's worker");
            self.tell_pages(job.id).await?;
        }
        Ok(())
    }

    async fn tell_pages(&self, job: JobId) -> Result<(), StoreError> {
        if let Some(upload) = self.backends.jobs.job(job).await? {
            publish(&self.backends, &upload).await;
        }
        Ok(())
    }

    fn lent_until(&self) -> Timestamp {
        self.clock.now() + self.patience
    }
}
