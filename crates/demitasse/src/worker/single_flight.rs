//! Equal work waits for the one who does it and then finds the result.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use demitasse_core::RequestKey;
use tokio::sync::OwnedMutexGuard;

type Flight = tokio::sync::Mutex<()>;

/// The work that runs in this process.
#[derive(Default)]
pub(crate) struct SingleFlight(Mutex<HashMap<RequestKey, Weak<Flight>>>);

impl SingleFlight {
    /// Waits until nobody else in this process does the work of `key`, and keeps others waiting while the guard lives.
    pub(super) async fn enter(&self, key: RequestKey) -> OwnedMutexGuard<()> {
        let flight = {
            let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            flights.retain(|_, flight| flight.strong_count() > 0);
            flights.get(&key).and_then(Weak::upgrade).unwrap_or_else(|| {
                let flight = Arc::default();
                flights.insert(key, Arc::downgrade(&flight));
                flight
            })
        };
        flight.lock_owned().await
    }
}
