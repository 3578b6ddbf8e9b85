//! The queue as an ordered map.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use async_trait::async_trait;
use demitasse_core::{Claim, JobId, JobQueue, LeaseId, Priority, QueueDepth, Sequence, StoreError, Ticket};
use jiff::{SignedDuration, Timestamp};

use super::{BACKEND, MemoryStore};
use crate::lease::new_lease;

/// The entries, first served first, and where each job stands.
#[derive(Default)]
pub(super) struct Entries {
    by_place: BTreeMap<Place, Entry>,
    places: HashMap<JobId, Place>,
    /// Buried jobs.
    dead: HashSet<JobId>,
}

type Place = (Priority, Sequence, JobId);

struct Entry {
    ready_at: Timestamp,
    lease: Option<Lease>,
    deliveries: u32,
}

struct Lease {
    id: LeaseId,
    until: Timestamp,
}

impl Entry {
    fn is_claimed(&self, now: Timestamp) -> bool {
        self.lease.as_ref().is_some_and(|lease| lease.until > now)
    }
}

impl Entries {
    pub(super) fn enqueue(&mut self, ticket: Ticket, now: Timestamp) {
        if self.places.contains_key(&ticket.job_id) {
            return;
        }
        let place = (ticket.priority, ticket.sequence, ticket.job_id);
        self.dead.remove(&ticket.job_id);
        self.places.insert(ticket.job_id, place);
        let entry = Entry { ready_at: now, lease: None, deliveries: 0 };
        self.by_place.insert(place, entry);
    }

    fn claim(&mut self, id: LeaseId, lease: Duration, now: Timestamp) -> Option<Claim> {
        let ready = |entry: &Entry| entry.ready_at <= now && !entry.is_claimed(now);
        let ((.., job_id), entry) = self.by_place.iter_mut().find(|(_, entry)| ready(entry))?;
        entry.lease = Some(Lease { id, until: later(now, lease) });
        entry.deliveries += 1;
        Some(Claim { job_id: *job_id, lease: id, deliveries: entry.deliveries })
    }

    /// The entry, if `claim` holds it still.
    fn held(&mut self, claim: Claim) -> Option<&mut Entry> {
        let place = self.places.get(&claim.job_id)?;
        let entry = self.by_place.get_mut(place)?;
        entry.lease.as_ref().is_some_and(|lease| lease.id == claim.lease).then_some(entry)
    }

    fn remove(&mut self, job_id: JobId) {
        if let Some(place) = self.places.remove(&job_id) {
            self.by_place.remove(&place);
        }
    }

    fn depth(&self, now: Timestamp) -> QueueDepth {
        let mut depth = QueueDepth { dead: self.dead.len() as u64, ..QueueDepth::default() };
        for entry in self.by_place.values() {
            if entry.is_claimed(now) {
                depth.claimed += 1;
            } else if entry.ready_at > now {
                depth.delayed += 1;
            } else {
                depth.ready += 1;
                let since = entry.lease.as_ref().map_or(entry.ready_at, |lease| lease.until);
                let age = Duration::try_from(now.duration_since(since)).unwrap_or_default();
                depth.oldest_ready = depth.oldest_ready.max(Some(age));
            }
        }
        depth
    }
}

/// `by` after `now`, or the end of time.
fn later(now: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by).ok().and_then(|by| now.checked_add(by).ok()).unwrap_or(Timestamp::MAX)
}

#[async_trait]
impl JobQueue for MemoryStore {
    async fn enqueue(&self, ticket: Ticket) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.state().queue.enqueue(ticket, now);
        Ok(())
    }

    async fn claim(&self, _worker: &str, lease: Duration) -> Result<Option<Claim>, StoreError> {
        let now = self.clock.now();
        let id = new_lease(BACKEND)?;
        Ok(self.state().queue.claim(id, lease, now))
    }

    async fn heartbeat(&self, claim: Claim, lease: Duration) -> Result<bool, StoreError> {
        let until = later(self.clock.now(), lease);
        let mut state = self.state();
        let Some(entry) = state.queue.held(claim) else { return Ok(false) };
        entry.lease = Some(Lease { id: claim.lease, until });
        Ok(true)
    }

    async fn ack(&self, claim: Claim) -> Result<bool, StoreError> {
        let mut state = self.state();
        let held = state.queue.held(claim).is_some();
        if held {
            state.queue.remove(claim.job_id);
        }
        Ok(held)
    }

    async fn nack(&self, claim: Claim, delay: Duration) -> Result<bool, StoreError> {
        let ready_at = later(self.clock.now(), delay);
        let mut state = self.state();
        let Some(entry) = state.queue.held(claim) else { return Ok(false) };
        entry.lease = None;
        entry.ready_at = ready_at;
        Ok(true)
    }

    async fn bury(&self, claim: Claim) -> Result<bool, StoreError> {
        let mut state = self.state();
        let held = state.queue.held(claim).is_some();
        if held {
            state.queue.remove(claim.job_id);
            state.queue.dead.insert(claim.job_id);
        }
        Ok(held)
    }

    async fn depth(&self) -> Result<QueueDepth, StoreError> {
        let now = self.clock.now();
        Ok(self.state().queue.depth(now))
    }
}
