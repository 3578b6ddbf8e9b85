//! What stands behind Demitasse's ports: one folder and one feature per vendor.
//!
//! [`connect`] turns four URLs into [`Backends`]; the scheme of each picks the vendor. Nothing outside this crate names
//! one: the application sees the ports of `demitasse-core` only.
//!
//! | URL | schemes |
//! |---|---|
//! | metadata | `sqlite:PATH`, `postgres://HOST/DATABASE`, `mongodb://HOST/DATABASE`, `mongodb+srv://HOST/DATABASE`, `memory:` |
//! | queue | `metadata` (a table of the metadata store, filled in the upload's own transaction), `redis:`, `memory:` |
//! | events | `redis:`, `memory:` |
//! | the original's messages | `redis:` |
//! | storage | `file:DIR` (`file:DIR?accel=PREFIX` behind a reverse proxy), `s3://BUCKET/PREFIX`, `gs://BUCKET/PREFIX`, `az://CONTAINER/PREFIX`, `cloudinary://KEY:SECRET@CLOUD`, `memory:` |
//!
//! ```
//! # use demitasse_backends::{BackendUrls, connect};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # #[cfg(feature = "memory")] {
//! let backends = connect(&BackendUrls::memory()).await?;
//! assert!(backends.check().await.iter().all(|port| port.error.is_none()));
//! # }
//! # Ok(())
//! # }
//! ```

mod adopt;
#[cfg(any(feature = "memory", feature = "redis"))]
mod broadcast;
mod check;
mod connect;
#[cfg(any(
    feature = "memory",
    feature = "sqlite",
    feature = "postgres",
    feature = "mongodb",
    feature = "redis"
))]
mod lease;
#[cfg(any(feature = "sqlite", feature = "disk"))]
mod lock;
mod pool;
#[cfg(any(feature = "s3", feature = "cloudinary"))]
mod sniff;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod sql;
#[cfg(any(feature = "s3", feature = "cloudinary"))]
mod storage_url;
mod url;

#[cfg(all(feature = "sqlite", feature = "disk"))]
pub mod backup;
#[cfg(feature = "cloudinary")]
pub mod cloudinary;
#[cfg(feature = "disk")]
pub mod disk;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(feature = "memory")]
pub mod memory;
#[cfg(feature = "mongodb")]
pub mod mongodb;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(feature = "s3")]
pub mod s3;
#[cfg(feature = "sqlite")]
pub mod sqlite;

use std::sync::Arc;

use demitasse_core::{
    BlobStore, DeletionStore, EventBus, ImageStore, JobQueue, JobStore, ResultTopic, SettingStore,
    SharedRows, SubscriptionStore, TaskList,
};

pub use adopt::AdoptDefaults;
pub use check::{Check, PortCheck};
pub use connect::connect;
pub use pool::{PoolUse, Pooled};
pub use url::{BackendUrls, ConnectError, OriginalUrl, Port};

/// One implementation of every port, ready for use. Cheap to clone.
#[derive(Clone)]
pub struct Backends {
    /// Images and their creation.
    pub images: Arc<dyn ImageStore>,
    /// Jobs; the same store as `images`.
    pub jobs: Arc<dyn JobStore>,
    /// Deletes what is in `images` and `jobs`; the same store.
    pub deletions: Arc<dyn DeletionStore>,
    /// Push subscriptions; the same store as `images`.
    pub subscriptions: Arc<dyn SubscriptionStore>,
    /// What all processes agree on; the same store as `images`.
    pub settings: Arc<dyn SettingStore>,
    /// The rows of another program in the same store; `None` if the store has none.
    pub shared: Option<Arc<dyn SharedRows>>,
    /// The original service's messages, if it runs beside us.
    pub original: Option<OriginalMessages>,
    /// The connections of the metadata store. No other store has a bounded pool: Redis' are shared by all calls, S3's and
    /// Cloudinary's are as many as are asked for.
    pub pools: Arc<dyn Pooled>,
    /// The queue.
    pub queue: Arc<dyn JobQueue>,
    /// The event bus.
    pub events: Arc<dyn EventBus>,
    /// The blobs.
    pub blobs: Arc<dyn BlobStore>,
    /// Whether [`ImageStore::create_upload`] has put the job into `queue` already; if not, the caller enqueues it, or gives
    /// it to the original's worker.
    pub upload_enqueues: bool,
    /// Whether no other process can use the metadata store while this one has it.
    pub exclusive: bool,
    /// What was picked, in one line for the log and for `doctor`. No secrets.
    pub description: String,
    metadata_check: Arc<dyn Check>,
}

/// The original service's messages.
#[derive(Clone)]
pub struct OriginalMessages {
    /// The tasks for its worker.
    pub tasks: Arc<dyn TaskList>,
    /// The results for its API.
    pub results: Arc<dyn ResultTopic>,
    /// Whether its worker does the work of what is uploaded here.
    pub works: bool,
}
