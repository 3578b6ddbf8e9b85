//! How many may be in at the same time: all together, and of each client.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::client::Client;

/// Lets in as many as may be.
#[derive(Debug)]
pub(crate) struct Turnstile {
    most: usize,
    most_of_client: usize,
    inside: Mutex<Inside>,
}

#[derive(Debug, Default)]
struct Inside {
    all: usize,
    /// Those who are in; nobody else is remembered.
    of: HashMap<Client, usize>,
}

/// Who is in, until it is dropped.
#[derive(Debug)]
#[must_use]
pub(crate) struct Pass {
    turnstile: Arc<Turnstile>,
    client: Option<Client>,
}

/// Why nobody else comes in; so many are in already, and no more may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// All together.
    All(usize),
    /// Of this client.
    OfClient(usize),
}

impl Turnstile {
    pub(crate) fn new(most: usize, most_of_client: usize) -> Arc<Self> {
        Arc::new(Self { most, most_of_client, inside: Mutex::default() })
    }

    /// Lets one in; `None` as client is not counted as one.
    ///
    /// # Errors
    /// Which limit is reached.
    pub(crate) fn enter(self: &Arc<Self>, client: Option<Client>) -> Result<Pass, Full> {
        let mut inside = self.inside();
        if inside.all >= self.most {
            return Err(Full::All(self.most));
        }
        if let Some(client) = client {
            let of_client = inside.of.entry(client).or_default();
            if *of_client >= self.most_of_client {
                return Err(Full::OfClient(self.most_of_client));
            }
            *of_client += 1;
        }
        inside.all += 1;
        Ok(Pass { turnstile: self.clone(), client })
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut inside = self.turnstile.inside();
        inside.all -= 1;
        let Some(client) = self.client else { return };
        if let Some(of_client) = inside.of.get_mut(&client) {
            *of_client -= 1;
            if *of_client == 0 {
                inside.of.remove(&client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(last: u8) -> Option<Client> {
        Client::of_peer([192, 0, 2, last].into(), &[])
    }

    #[test]
    fn one_client_fills_its_part_and_all_fill_the_whole() {
        let turnstile = Turnstile::new(3, 2);
        let passes = [(); 2].map(|()| turnstile.enter(client(1)).unwrap());
        assert_eq!(turnstile.enter(client(1)).unwrap_err(), Full::OfClient(2));
        let other = turnstile.enter(client(2)).unwrap();
        assert_eq!(turnstile.enter(client(2)).unwrap_err(), Full::All(3));
        drop(passes);
        let _again = turnstile.enter(client(1)).unwrap();
        drop(other);
        assert_eq!(turnstile.inside().of.len(), 1, "who left is not remembered");
    }

    #[test]
    fn who_is_no_client_is_held_to_the_whole_alone() {
        let turnstile = Turnstile::new(3, 1);
        let _passes = [(); 3].map(|()| turnstile.enter(None).unwrap());
        assert_eq!(turnstile.enter(None).unwrap_err(), Full::All(3));
    }
}
