//! What is looked at when somebody asks for the metrics, and not counted before.

use std::path::Path;

use demitasse_backends::{Backends, PoolUse};
use demitasse_core::{QueueDepth, StoreError};

use crate::disk::{Disks, Room};
use crate::memory::{Admission, MemoryUse};
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
    /// What the jobs of this process have reserved; `None` if it does none.
    pub(super) memory: Option<MemoryUse>,
}

impl Now {
    /// Costs one query of the queue and a look at each file in `spool`.
    ///
    /// # Errors
    /// The queue cannot be counted.
    pub(crate) async fn of(
        backends: &Backends,
        spool: &Path,
        disks: &Disks,
        admission: Option<&Admission>,
    ) -> Result<Self, StoreError> {
        // First, for the queue may be in the metadata store and asking for it takes a connection.
        let pools = backends.pools.pools();
        let spool_bytes = spool::bytes_held(spool).await;
        if let Err(error) = &spool_bytes {
            tracing::warn!(%error, "the spool cannot be measured");
        }
        let queue = backends.queue.depth().await?;
        let memory = admission.map(Admission::in_use);
        Ok(Self { queue, pools, disks: disks.rooms(), spool_bytes: spool_bytes.ok(), memory })
    }
}
