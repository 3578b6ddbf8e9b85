//! The tasks of its API: off its list, into our queue.
//!
//! | step | leaves behind | if we die here |
//! |---|---|---|
//! | take | the message in hand, off the list | whoever looks at what is in hand goes on |
//! | adopt the rows | a job that is not lent | the same; and the sweep enqueues it |
//! | enqueue | a hint | the same; the job is in the queue once |
//! | settle | nothing | - |

use std::sync::Arc;
use std::time::Duration;

use demitasse_core::{StoreError, TakenMessage, Ticket};
use tokio_util::sync::CancellationToken;

use super::Bridge;
use crate::accept::publish;
use crate::failpoint;
use crate::metrics::Bridged;

/// How long one look at an empty list lasts.
const LOOK: Duration = Duration::from_secs(5);

/// How long to wait after a failure.
const PAUSE: Duration = Duration::from_secs(1);

/// A message whose rows have not come by then never had any.
const LATEST: Duration = Duration::from_secs(60 * 60);

/// Takes tasks until the server stops, and each `again` looks at what is in hand.
pub(crate) async fn take_tasks(bridge: Arc<Bridge>, again: Duration, stopping: CancellationToken) {
    let working = async {
        tokio::join!(
            async {
                loop {
                    bridge.pause_after(bridge.take_one().await).await;
                }
            },
            async {
                loop {
                    bridge.pause_after(bridge.handle_in_hand().await).await;
                    tokio::time::sleep(again).await;
                }
            },
        )
    };
    tokio::select! {
        _ = working => {}
        () = stopping.cancelled() => {}
    }
}

impl Bridge {
    async fn pause_after(&self, done: Result<(), StoreError>) {
        if let Err(error) = done {
            tracing::warn!(%error, source = ?error.source, "the original's tasks cannot be taken; tried again");
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn take_one(&self) -> Result<(), StoreError> {
        match self.messages.tasks.take(LOOK).await? {
            Some(taken) => self.handle(&taken).await,
            None => Ok(()),
        }
    }

    async fn handle_in_hand(&self) -> Result<(), StoreError> {
        for taken in self.messages.tasks.in_hand().await? {
            self.handle(&taken).await?;
        }
        Ok(())
    }

    async fn handle(&self, taken: &TakenMessage) -> Result<(), StoreError> {
        failpoint::hit("bridge.taken");
        let Some(task) = &taken.task else {
            let message = String::from_utf8_lossy(&taken.raw[..taken.raw.len().min(200)]).into_owned();
            tracing::error!(message, "no task; put aside");
            return self.bury(taken).await;
        };
        let Some(upload) = self.shared.adopt_one(task.image_id, task.job_id).await? else {
            let age = self.clock.now().duration_since(task.job_id.time());
            if age.unsigned_abs() < LATEST {
                // Stays in hand: its API may be about to write the rows.
                return Ok(());
            }
            tracing::error!(job = %task.job_id, "no rows of this task have come; put aside");
            return self.bury(taken).await;
        };
        failpoint::hit("bridge.adopted");
        if !upload.job.state.is_terminal() {
            self.backends.queue.enqueue(Ticket::from(&upload.job)).await?;
            self.wake.notify_one();
            tracing::info!(job = %upload.job.id, image = %upload.image.id, "accepted from the original's list");
        }
        failpoint::hit("bridge.enqueued");
        self.messages.tasks.settle(taken).await?;
        self.metrics.bridged(Bridged::Taken);
        publish(&self.backends, &upload).await;
        Ok(())
    }

    async fn bury(&self, taken: &TakenMessage) -> Result<(), StoreError> {
        self.metrics.bridged(Bridged::Buried);
        self.messages.tasks.bury(taken).await
    }
}
