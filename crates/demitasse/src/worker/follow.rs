//! What other processes do, as far as it concerns workers.

use std::time::Duration;

use demitasse_core::JobState;
use futures_util::StreamExt;

use super::Worker;

/// The pause before listening again after the bus failed.
const PAUSE: Duration = Duration::from_secs(1);

/// Follows the events until the server stops: a job that was accepted elsewhere wakes an idle worker, one that was
/// cancelled stops its attempt. Events may be missed: workers look by themselves, and the row decides in the end.
pub(crate) async fn follow_events(worker: &Worker) {
    while !worker.stopping.is_cancelled() {
        tokio::select! {
            () = follow(worker) => {}
            () = worker.stopping.cancelled() => return,
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = worker.stopping.cancelled() => {}
        }
    }
}

async fn follow(worker: &Worker) {
    let mut events = match worker.backends.events.subscribe().await {
        Ok(events) => events,
        Err(error) => return tracing::warn!(%error, "events cannot be followed"),
    };
    while let Some(event) = events.next().await {
        match event.state {
            JobState::Queued => worker.wake.notify_one(),
            JobState::Cancelled => {
                // Nobody listens while no job runs.
                worker.cancelled.send(event.job_id).ok();
            }
            _ => {}
        }
    }
}
