//! How a caller stops the engine.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
#[cfg(feature = "png")]
use std::time::Duration;
use std::time::Instant;

use crate::{Error, Result};

/// A deadline and a cancel flag, looked at between steps.
#[derive(Debug, Clone, Default)]
pub struct Control {
    deadline: Option<Instant>,
    cancelled: Arc<AtomicBool>,
}

impl Control {
    /// Never stops by itself.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops at `deadline`.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Stops every engine call that holds a clone of this control, at its next step.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Time until the deadline, nothing once it is over; none without one. For libraries that watch the clock themselves: one that
    /// starts to count after this was asked is never earlier than [`Control::check`].
    #[cfg(feature = "png")]
    pub(crate) fn remaining(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// Looks whether to go on.
    ///
    /// # Errors
    /// [`Error::Cancelled`] or [`Error::DeadlineExceeded`].
    pub fn check(&self) -> Result<()> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(Error::Cancelled);
        }
        match self.deadline {
            Some(deadline) if Instant::now() >= deadline => Err(Error::DeadlineExceeded),
            _ => Ok(()),
        }
    }
}

#[cfg(all(test, feature = "png"))]
mod tests {
    use super::*;

    #[test]
    fn nothing_remains_of_a_deadline_that_is_over() {
        assert_eq!(Control::new().remaining(), None);
        let control = Control::new().with_deadline(Instant::now());
        assert_eq!(control.remaining(), Some(Duration::ZERO));
        assert!(matches!(control.check(), Err(Error::DeadlineExceeded)));
    }
}
