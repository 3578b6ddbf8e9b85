//! The ports to the original service's messages: the list from which its worker takes tasks, and the topic on which
//! results are told. What a message stands for is in the metadata store ([`crate::SharedRows`]).

use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::Stream;

use crate::{ImageId, JobId, StoreError};

/// A task for whoever takes it: the original's API writes one at each upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskMessage {
    /// The image.
    pub image_id: ImageId,
    /// The task; the job, as we call it.
    pub job_id: JobId,
    /// Where the image's bytes are; unchecked.
    pub image_url: String,
}

/// A message in hand: taken off the list and kept beside it until [`TaskList::settle`] or [`TaskList::bury`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenMessage {
    /// What it says; `None` if it says nothing that can be understood.
    pub task: Option<TaskMessage>,
    /// As it was on the list.
    pub raw: Vec<u8>,
}

/// A result that somebody's worker has made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultMessage {
    /// The image.
    pub image_id: ImageId,
    /// The task.
    pub job_id: JobId,
    /// Where the result is; unchecked.
    pub compressed_url: String,
}

/// Results from the moment of subscribing; a slow reader may miss some.
pub type ResultStream = Pin<Box<dyn Stream<Item = ResultMessage> + Send>>;

/// The list of tasks that the original's API fills and its worker empties. Its worker takes a message off it and
/// remembers it nowhere; we take one with [`TaskList::take`], which loses nothing.
#[async_trait]
pub trait TaskList: Send + Sync + 'static {
    /// Waits at most `patience` for the message that has been on the list for longest, and moves it, in one step, to
    /// those in hand.
    async fn take(&self, patience: Duration) -> Result<Option<TakenMessage>, StoreError>;

    /// Every message in hand, of whichever process, a dead one's included. Handling a message twice must do no harm.
    async fn in_hand(&self) -> Result<Vec<TakenMessage>, StoreError>;

    /// Forgets a message in hand: what it asked for is safe elsewhere. One that is not in hand any more is left alone.
    async fn settle(&self, taken: &TakenMessage) -> Result<(), StoreError>;

    /// Puts a message in hand aside, to be looked at: nothing can be done for it.
    async fn bury(&self, taken: &TakenMessage) -> Result<(), StoreError>;

    /// Adds a task for the original's worker, behind those that wait.
    async fn give(&self, task: &TaskMessage) -> Result<(), StoreError>;

    /// The tasks on the list, in no order.
    async fn waiting(&self) -> Result<Vec<JobId>, StoreError>;

    /// Takes the job's messages off the list; `false` if there was none, so that a worker may have one.
    async fn withdraw(&self, job: JobId) -> Result<bool, StoreError>;
}

/// The topic on which workers tell the original's API of results. Best effort: nothing may depend on it.
#[async_trait]
pub trait ResultTopic: Send + Sync + 'static {
    /// Tells whoever listens now.
    async fn tell(&self, result: &ResultMessage) -> Result<(), StoreError>;

    /// Listens from now on, to the original's worker and to ours; what says nothing that can be understood is left out.
    async fn results(&self) -> Result<ResultStream, StoreError>;
}
