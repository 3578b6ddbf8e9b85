//! Deletion, and the listed blobs as a map.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use demitasse_core::{BlobKey, DeletionStore, ImageId, LeaseId, OwnerId, Removal, StoreError, Upload};
use jiff::{SignedDuration, Timestamp};

use super::{BACKEND, MemoryStore};
use crate::lease::new_lease;

/// The listed blobs.
#[derive(Default)]
pub(super) struct Listed(HashMap<BlobKey, Entry>);

struct Entry {
    since: Timestamp,
    /// Whose it is to remove, and since when.
    removal: Option<(LeaseId, Timestamp)>,
}

impl Listed {
    fn list(&mut self, key: BlobKey, now: Timestamp) {
        let entry = self.0.entry(key).or_insert(Entry { since: now, removal: None });
        if entry.removal.is_none() {
            entry.since = now;
        }
    }

    /// The due blobs, those that are listed for longest first.
    fn due(&self, now: Timestamp, grace: Duration, abandoned: Duration) -> Vec<BlobKey> {
        let is_past = |since: Timestamp, wait: Duration| {
            SignedDuration::try_from(wait).is_ok_and(|wait| now.duration_since(since) >= wait)
        };
        let is_due = |entry: &Entry| match entry.removal {
            None => is_past(entry.since, grace),
            Some((_, since)) => is_past(since, abandoned),
        };
        let mut due: Vec<_> = self.0.iter().filter(|(_, entry)| is_due(entry)).collect();
        due.sort_by_key(|(key, entry)| (entry.since, key.to_string()));
        due.into_iter().map(|(key, _)| *key).collect()
    }
}

#[async_trait]
impl DeletionStore for MemoryStore {
    async fn delete_image(&self, owner: OwnerId, id: ImageId) -> Result<Option<Upload>, StoreError> {
        let now = self.clock.now();
        let state = &mut *self.state();
        let Some(deleted) = state.rows.remove(owner, id) else { return Ok(None) };
        for key in deleted.blobs() {
            state.listed.list(key, now);
        }
        Ok(Some(deleted))
    }

    async fn accepted_before(
        &self,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<(OwnerId, ImageId)>, StoreError> {
        Ok(self.state().rows.accepted_before(before, limit))
    }

    async fn is_named(&self, key: BlobKey) -> Result<bool, StoreError> {
        Ok(self.state().rows.names(key))
    }

    async fn list_blob(&self, key: BlobKey) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.state().listed.list(key, now);
        Ok(())
    }

    async fn hold(&self, key: BlobKey) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let mut state = self.state();
        let Some(entry) = state.listed.0.get_mut(&key) else { return Ok(true) };
        entry.since = now;
        Ok(entry.removal.is_none())
    }

    async fn begin_removals(
        &self,
        grace: Duration,
        abandoned: Duration,
        limit: usize,
    ) -> Result<Vec<Removal>, StoreError> {
        let now = self.clock.now();
        let lease = new_lease(BACKEND)?;
        let state = &mut *self.state();
        let (named, unnamed): (Vec<_>, Vec<_>) =
            state.listed.due(now, grace, abandoned).into_iter().partition(|key| state.rows.names(*key));
        for key in named {
            state.listed.0.remove(&key);
        }
        let begun = unnamed.into_iter().take(limit);
        Ok(begun
            .map(|key| {
                state.listed.0.insert(key, Entry { since: now, removal: Some((lease, now)) });
                Removal { key, lease }
            })
            .collect())
    }

    async fn end_removal(&self, removal: Removal, removed: bool) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut state = self.state();
        let held = state.listed.0.get(&removal.key).and_then(|entry| entry.removal);
        if held.is_none_or(|(lease, _)| lease != removal.lease) {
            return Ok(());
        }
        if removed {
            state.listed.0.remove(&removal.key);
        } else {
            state.listed.0.insert(removal.key, Entry { since: now, removal: None });
        }
        Ok(())
    }
}
