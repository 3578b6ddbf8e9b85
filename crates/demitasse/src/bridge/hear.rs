//! The results of its worker.

use std::sync::Arc;
use std::time::Duration;

use demitasse_core::{ResultMessage, StoreError};
use futures_util::StreamExt;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::Bridge;

/// How long to wait after the topic failed.
const PAUSE: Duration = Duration::from_secs(1);

/// Ends jobs as its worker tells, until the server stops. What was told while nobody listened is found in the rows, since
/// its worker writes the status itself, and made anew where the address was lost ([`demitasse_core::SharedRows::adopt`]).
pub(crate) async fn hear_results(bridge: Arc<Bridge>, stopping: CancellationToken) {
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            heard = bridge.hear() => if let Err(error) = heard {
                tracing::warn!(%error, "the original's results cannot be heard; tried again");
            },
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = stopping.cancelled() => return,
        }
    }
}

impl Bridge {
    async fn hear(&self) -> Result<(), StoreError> {
        let mut results = self.messages.results.results().await?;
        while let Some(ResultMessage { job_id, compressed_url, .. }) = results.next().await {
            if !is_address(&compressed_url) {
                tracing::warn!(job = %job_id, "a result of the original's worker has no address; left alone");
                continue;
            }
            // Our own are heard too: their jobs have ended.
            if let Err(error) = self.end(job_id, Some(compressed_url)).await {
                tracing::warn!(%error, job = %job_id, "a result was not taken note of; its row says it later");
            }
        }
        Ok(())
    }
}

/// Whether a page may link to it.
fn is_address(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_page_may_link_to_is_an_address() {
        assert!(is_address("https://res.cloudinary.com/demo/image/upload/v1/compressed_images/a.jpg"));
        assert!(is_address("http://images.example/a.jpg"));
        for text in ["javascript:alert(1)", "data:text/html,x", "/i/a.jpg", "a.jpg", ""] {
            assert!(!is_address(text), "{text}");
        }
    }
}
