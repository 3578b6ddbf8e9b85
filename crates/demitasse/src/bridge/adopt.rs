//! Rows that the original wrote.

use std::time::Duration;

use demitasse_backends::Backends;
use tokio_util::sync::CancellationToken;

use crate::accept::publish;

/// Rows taken in at a time.
const BATCH: usize = 100;

/// Takes in what the original has written, at once and then regularly, until the server stops. A store that nobody else
/// writes to has nothing to take in.
pub(crate) async fn adopt_regularly(backends: Backends, pause: Duration, stopping: CancellationToken) {
    let Some(shared) = backends.shared.clone() else { return };
    while !stopping.is_cancelled() {
        match shared.adopt(BATCH).await {
            Ok(taken) if !taken.is_empty() => {
                tracing::info!(count = taken.len(), "took in what the original service wrote");
                for upload in &taken {
                    publish(&backends, upload).await;
                }
                continue;
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "the original's rows could not be taken in; tried again later")
            }
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stopping.cancelled() => {}
        }
    }
}
