//! What is looked at when somebody asks for the metrics, and not counted before.

use std::path::Path;

use demitasse_backends::{Backends, PoolUse};
use demitasse_core::{QueueDepth, StoreError};

use crate::disk::{Disks, Room};
use crate::spool;

/// How things are at this moment.
pub(crate) struct Now {
    /// The queue, whole, from every process alike.
    pub(super) queue: QueueDepth,
    /// The connections of this process.
    pub(super) pools: Vec<PoolUse>,
    /// What the disks have, and what must stay free on them.
    pub(super) disks: Vec<Room>,
    /// What the spool of this process holds; `None` if it cannot be read.
    pub(super) spool_bytes: Option<u64>,
}

impl Now {
    /// Costs one query of the queue and a look at each file in `spool`.
    ///
    /// # Errors
    /// The queue cannot be counted.
    pub(crate) async fn of(backends: &Backends, spool: &Path, disks: &Disks) -> Result<Self, StoreError> {
        // First, for the queue may be in the metadata store and asking for it takes a connection.
        let pools = backends.pools.pools();
        let spool_bytes = spool::bytes_held(spool).await;
        if let Err(error) = &spool_bytes {
            tracing::warn!(%error, "the spool cannot be measured");
        }
        let queue = backends.queue.depth().await?;
        Ok(Self { queue, pools, disks: disks.rooms(), spool_bytes: spool_bytes.ok() })
    }
}
