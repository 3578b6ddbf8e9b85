//! The driver's connections, by what it tells of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mongodb::event::EventHandler;
use mongodb::event::cmap::CmapEvent;
use mongodb::options::{ClientOptions, ServerAddress};

use super::MongoStore;
use crate::{PoolUse, Pooled};

/// The driver's own limit, where its options name none.
const DRIVERS_MAX: u32 = 10;

/// The connections of a client.
///
/// Each is known by its server and number, and counted when somebody asks. Two counters would drift: a call that is dropped
/// while its connection is handed over takes none and gives one back.
pub(super) struct Connections {
    known: Mutex<HashMap<(ServerAddress, u32), State>>,
    max: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    InUse,
    Idle,
}

impl Connections {
    /// Follows the clients that are made with these options from now on.
    pub(super) fn follow(options: &mut ClientOptions) -> Arc<Self> {
        let max = options.max_pool_size.unwrap_or(DRIVERS_MAX);
        let connections = Arc::new(Self { known: Mutex::default(), max });
        let told = connections.clone();
        options.cmap_event_handler = Some(EventHandler::callback(move |event| told.note(event)));
        connections
    }

    /// Called by the driver in the midst of its work, three times a call.
    fn note(&self, event: CmapEvent) {
        let (address, number, state) = match event {
            // For a call that waits for it.
            CmapEvent::ConnectionCreated(event) => (event.address, event.connection_id, Some(State::InUse)),
            CmapEvent::ConnectionReady(event) => (event.address, event.connection_id, Some(State::Idle)),
            CmapEvent::ConnectionCheckedOut(event) => {
                (event.address, event.connection_id, Some(State::InUse))
            }
            CmapEvent::ConnectionCheckedIn(event) => (event.address, event.connection_id, Some(State::Idle)),
            CmapEvent::ConnectionClosed(event) => (event.address, event.connection_id, None),
            _ => return,
        };
        let mut known = self.known();
        match state {
            Some(state) => known.insert((address, number), state),
            None => known.remove(&(address, number)),
        };
    }

    fn now(&self) -> PoolUse {
        let known = self.known();
        let count = |state| {
            let alike = known.values().filter(|known| **known == state).count();
            u32::try_from(alike).unwrap_or(u32::MAX)
        };
        PoolUse { pool: "metadata", in_use: count(State::InUse), idle: count(State::Idle), max: self.max }
    }

    /// No holder of the lock panics, so a poisoned one is whole.
    fn known(&self) -> MutexGuard<'_, HashMap<(ServerAddress, u32), State>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pooled for MongoStore {
    fn pools(&self) -> Vec<PoolUse> {
        vec![self.connections.now()]
    }
}

#[cfg(test)]
mod tests {
    use mongodb::event::cmap::{
        ConnectionCheckedInEvent, ConnectionCheckedOutEvent, ConnectionClosedEvent, ConnectionCreatedEvent,
        ConnectionReadyEvent,
    };
    use serde::de::DeserializeOwned;
    use serde_json::json;

    use super::*;

    /// The driver's events cannot be made in another way.
    fn event<E: DeserializeOwned>(number: u32) -> E {
        serde_json::from_value(json!({ "connectionId": number, "reason": "error" })).unwrap()
    }

    fn created(number: u32) -> CmapEvent {
        event::<ConnectionCreatedEvent>(number).into()
    }

    fn ready(number: u32) -> CmapEvent {
        event::<ConnectionReadyEvent>(number).into()
    }

    fn taken(number: u32) -> CmapEvent {
        event::<ConnectionCheckedOutEvent>(number).into()
    }

    fn given_back(number: u32) -> CmapEvent {
        event::<ConnectionCheckedInEvent>(number).into()
    }

    fn closed(number: u32) -> CmapEvent {
        event::<ConnectionClosedEvent>(number).into()
    }

    /// In use and idle after these events.
    fn after(events: impl IntoIterator<Item = CmapEvent>) -> (u32, u32) {
        let connections = Connections::follow(&mut ClientOptions::default());
        events.into_iter().for_each(|event| connections.note(event));
        let now = connections.now();
        (now.in_use, now.idle)
    }

    #[test]
    fn a_connection_is_in_use_from_its_opening_to_its_return_and_then_idle_until_it_closes() {
        let life = [created(1), ready(1), taken(1), given_back(1), taken(1), given_back(1), closed(1)];
        let seen: Vec<_> = (1..=life.len()).map(|end| after(life[..end].iter().cloned())).collect();
        assert_eq!(seen, [(1, 0), (0, 1), (1, 0), (0, 1), (1, 0), (0, 1), (0, 0)]);
        assert_eq!(after([created(1), ready(1), taken(1), created(2), ready(2)]), (1, 1));
    }

    #[test]
    fn calls_that_are_dropped_while_they_get_a_connection_leave_the_count_right() {
        // Given back without having been taken, as the driver says it then; and one that could not be opened.
        let dropped = (0..9).flat_map(|_| [given_back(1)]);
        let events = [created(1), ready(1)].into_iter().chain(dropped).chain([created(2), closed(2)]);
        assert_eq!(after(events), (0, 1));
    }

    #[test]
    fn the_limit_is_what_the_options_say() {
        let mut options = ClientOptions::default();
        assert_eq!(Connections::follow(&mut options).now().max, DRIVERS_MAX);
        options.max_pool_size = Some(3);
        assert_eq!(Connections::follow(&mut options).now().max, 3);
    }
}
