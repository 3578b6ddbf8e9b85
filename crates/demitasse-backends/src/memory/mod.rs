//! Every port in this process's memory: for tests, and the event bus of a single process. Nothing survives a restart.

mod blobs;
mod deletion;
mod events;
mod metadata;
mod notices;
mod queue;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use demitasse_core::{Clock, StoreError, Subscription};

use crate::{Check, Pooled};
use deletion::Listed;
use metadata::Rows;
use queue::Entries;

pub use blobs::MemoryBlobs;
pub use events::MemoryEvents;

/// The name in errors.
const BACKEND: &str = "memory";

/// Metadata and queue under one lock, so that an upload and its queue entry appear together.
pub struct MemoryStore {
    /// Counts the leases; a test moves it by hand.
    clock: Arc<dyn Clock>,
    /// Whether an upload goes into this store's own queue.
    upload_enqueues: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    rows: Rows,
    queue: Entries,
    /// By endpoint.
    subscriptions: HashMap<String, Subscription>,
    settings: HashMap<String, String>,
    /// Blobs that may have to go.
    listed: Listed,
}

impl MemoryStore {
    /// An empty store. `upload_enqueues` says whether `create_upload` also fills this store's queue.
    pub fn new(clock: Arc<dyn Clock>, upload_enqueues: bool) -> Self {
        Self { clock, upload_enqueues, state: Mutex::default() }
    }

    /// No call panics while it holds the lock, so a poisoned one is whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Check for MemoryStore {
    async fn check(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

impl Pooled for MemoryStore {}
