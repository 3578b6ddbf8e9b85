//! Blobs that a row is about to name: held from before they are stored until they are named, so that no sweep removes
//! them in between. Why that is enough: `deletion` of `demitasse-core`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use demitasse_backends::Backends;
use demitasse_core::{BlobKey, BlobSource, Clock, ErrorKind, NAMED_WITHIN, StoreError};
use jiff::Timestamp;

use crate::failpoint;

/// Between two looks at a blob that is being removed, which takes a moment.
const PAUSE: Duration = Duration::from_millis(100);

/// Looks before giving up: a removal was cut off, and is taken up again by a later sweep.
const LOOKS: usize = 50;

/// A blob that stays until it is named, if that is soon.
pub(crate) struct Hold {
    key: BlobKey,
    backends: Backends,
    clock: Arc<dyn Clock>,
    /// By two clocks: the first stands still while the machine sleeps, the second may be set back.
    since: (Instant, Timestamp),
}

impl Hold {
    /// Holds the blob; waits while it is being removed.
    ///
    /// # Errors
    /// `Unavailable` if that takes too long; and what the store says.
    pub(crate) async fn take(
        backends: &Backends,
        clock: &Arc<dyn Clock>,
        key: BlobKey,
    ) -> Result<Self, StoreError> {
        for _ in 0..LOOKS {
            let since = (Instant::now(), clock.now());
            if backends.deletions.hold(key).await? {
                return Ok(Self { key, backends: backends.clone(), clock: clock.clone(), since });
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(unavailable(key, "the bytes are being removed, which was cut off; it is taken up again"))
    }

    /// Stores the bytes.
    pub(crate) async fn put(&self, source: BlobSource) -> Result<(), StoreError> {
        self.backends.blobs.put(self.key, source).await
    }

    /// To be asked right before the row is written that names the blob.
    ///
    /// # Errors
    /// `Unavailable` if it is too late: the blob may be gone.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        let (instant, time) = self.since;
        let slept = self.clock.now().duration_since(time);
        let within = failpoint::time("hold.named_within", NAMED_WITHIN);
        let is_late =
            instant.elapsed() > within || Duration::try_from(slept).is_ok_and(|slept| slept > within);
        if is_late { Err(unavailable(self.key, "storing the bytes took too long")) } else { Ok(()) }
    }

    /// No row names the blob after all: if none does later, it goes.
    pub(crate) async fn abandon(self) {
        if let Err(error) = self.backends.deletions.list_blob(self.key).await {
            tracing::warn!(%error, blob = %self.key, "a blob that nothing names stays");
        }
    }
}

fn unavailable(key: BlobKey, why: &'static str) -> StoreError {
    StoreError::new(ErrorKind::Unavailable, "application", key.to_string()).because(why)
}
