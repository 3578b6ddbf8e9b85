//! Our results, for its API.

use std::sync::Arc;

use async_trait::async_trait;
use demitasse_core::{ResultMessage, StoreError, Upload};

use super::Bridge;
use crate::metrics::Bridged;
use crate::notify::{Channel, Undelivered};

/// Tells its API of what our workers have made. Its topic has no word for failures: those are in the rows.
pub(crate) struct Told(pub(crate) Arc<Bridge>);

#[async_trait]
impl Channel for Told {
    fn name(&self) -> &'static str {
        "original"
    }

    async fn wants(&self, _: &Upload) -> Result<bool, StoreError> {
        Ok(true)
    }

    async fn tell(&self, upload: &Upload) -> Result<(), Undelivered> {
        // What its own worker has made, that has told.
        if upload.job.variant.is_none() {
            return Ok(());
        }
        let Some(compressed_url) = self.0.shared.addresses(upload).result else { return Ok(()) };
        let result = ResultMessage { image_id: upload.image.id, job_id: upload.job.id, compressed_url };
        let told = self.0.messages.results.tell(&result).await;
        told.map_err(|error| Undelivered {
            retry: error.kind.is_retryable(),
            not_before: None,
            reason: error.to_string(),
        })?;
        self.0.metrics.bridged(Bridged::Told);
        Ok(())
    }
}
