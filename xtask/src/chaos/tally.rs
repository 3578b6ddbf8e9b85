//! What happened, counted.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Counts by name.
#[derive(Debug, Default)]
pub(super) struct Tally(Mutex<BTreeMap<&'static str, u64>>);

impl Tally {
    pub(super) fn count(&self, name: &'static str) {
        *self.counts().entry(name).or_default() += 1;
    }

    pub(super) fn of(&self, name: &str) -> u64 {
        self.counts().get(name).copied().unwrap_or_default()
    }

    /// The first of `names` that has not happened yet.
    pub(super) fn missing<'a>(&self, names: &[&'a str]) -> Option<&'a str> {
        names.iter().copied().find(|name| self.of(name) == 0)
    }

    pub(super) fn sum(&self, names: &[&str]) -> u64 {
        names.iter().map(|name| self.of(name)).sum()
    }

    /// `name 3, other 0`.
    pub(super) fn show(&self, names: &[&str]) -> String {
        names.iter().map(|name| format!("{name} {}", self.of(name))).collect::<Vec<_>>().join(", ")
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<&'static str, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_happened_is_named() {
        let tally = Tally::default();
        tally.count("a");
        tally.count("a");
        assert_eq!(tally.show(&["a", "b"]), "a 2, b 0");
        assert_eq!(tally.sum(&["a", "b"]), 2);
        assert_eq!(tally.missing(&["a", "b"]), Some("b"));
        assert_eq!(tally.missing(&["a"]), None);
    }
}
