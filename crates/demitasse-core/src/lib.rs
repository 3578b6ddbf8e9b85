//! The domain of Demitasse and the ports it needs from the outside world.
//!
//! This crate owns what an image, a job and a blob *are*, which state may follow which, and what a store, a queue and
//! an event bus must guarantee. It knows no database, no queue, no codec: those live in `demitasse-backends` and
//! `demitasse-engine`, and requests and reports cross this crate as versioned JSON ([`Document`]).
//!
//! | port | guarantees | implemented by |
//! |---|---|---|
//! | [`ImageStore`], [`JobStore`] | the row is the truth; every change of state is a compare-and-set | memory, sqlite, postgres, mongodb |
//! | [`DeletionStore`] | an image goes whole; a blob goes only when nothing names it | memory, sqlite, postgres, mongodb |
//! | [`SubscriptionStore`], [`SettingStore`] | who wants to be told; what all processes agree on | memory, sqlite, postgres, mongodb |
//! | [`SharedRows`] | rows of the original service become ours, each once | mongodb |
//! | [`JobQueue`] | a hint with leases: at least once, by priority, then oldest first | memory, sqlite, postgres, mongodb, redis |
//! | [`TaskList`], [`ResultTopic`] | the original service's messages: none is lost between it and us | redis |
//! | [`BlobStore`] | immutable bytes by content address | memory, disk, s3, cloudinary |
//! | [`EventBus`] | best effort | memory, redis |
//!
//! With the feature `contract`, [`contract`] holds one suite per port; every implementation runs it.

mod blob;
mod clock;
mod deletion;
mod document;
mod error;
mod events;
mod hash;
mod id;
mod image;
mod job;
mod metadata;
mod original;
mod queue;

#[cfg(feature = "contract")]
pub mod contract;

pub use blob::{BlobBody, BlobKey, BlobKind, BlobMeta, BlobSource, BlobStore, ByteRange, Delivery};
pub use clock::{Clock, ManualClock, SystemClock};
pub use deletion::{DeletionStore, NAMED_WITHIN, Removal, SHORTEST_GRACE};
pub use document::Document;
pub use error::{ErrorKind, StoreError};
pub use events::{Event, EventBus, EventStream};
pub use hash::{Sha256, Sha256Hasher};
pub use id::{ImageId, JobId, LeaseId, OwnerId, ParseIdError, Sequence};
pub use image::{ImageRecord, NewUpload, Original, StoredOriginal, Upload, Variant, VariantOutcome};
pub use job::{Announcement, AnnouncementState, Failure, Job, JobState, RequestKey, Transition};
pub use metadata::{
    ImageStore, JobStore, SettingStore, SharedAddresses, SharedRows, Subscription, SubscriptionStore,
};
pub use original::{ResultMessage, ResultStream, ResultTopic, TakenMessage, TaskList, TaskMessage};
pub use queue::{Claim, JobQueue, ParsePriorityError, Priority, QueueDepth, Ticket};
