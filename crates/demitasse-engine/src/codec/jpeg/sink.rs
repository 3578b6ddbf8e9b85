//! Where the C libraries write to, and how their errors come back. Shared by both, because neither's types are in it.

#![expect(unsafe_code, reason = "hands out memory that C fills")]

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::{Error, Result};

/// First and least room that is offered, in bytes.
const CHUNK: usize = 1 << 16;

/// A growing file.
#[derive(Default)]
pub(super) struct Sink {
    bytes: Vec<u8>,
    offered: usize,
}

impl Sink {
    /// Offers memory behind what was written: where it is, and how many bytes.
    pub(super) fn offer(&mut self) -> (*mut u8, usize) {
        self.bytes.reserve(self.bytes.len().max(CHUNK));
        let spare = self.bytes.spare_capacity_mut();
        self.offered = spare.len();
        (spare.as_mut_ptr().cast(), spare.len())
    }

    /// Takes what was written into the last offer, of which `left` bytes are still free.
    ///
    /// # Safety
    /// All other bytes of the last offer were written.
    pub(super) unsafe fn take(&mut self, left: usize) {
        let written = std::mem::take(&mut self.offered).saturating_sub(left);
        // SAFETY: the offer was spare capacity, and the caller wrote this many of its bytes.
        unsafe { self.bytes.set_len(self.bytes.len() + written) };
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Leaves C code with `error`: unwinds through its frames to [`guard`]. No panic hook runs, nothing is printed.
pub(super) fn leave(error: Error) -> ! {
    resume_unwind(Box::new(error))
}

/// Runs `work`, and makes what [`leave`] threw its result. What `work` owns is dropped on the way; a panic of another
/// kind goes on.
pub(super) fn guard<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|thrown| match thrown.downcast::<Error>() {
        Ok(error) => Err(*error),
        Err(panic) => resume_unwind(panic),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_is_caught_and_owners_are_dropped() {
        struct Owner<'a>(&'a mut bool);
        impl Drop for Owner<'_> {
            fn drop(&mut self) {
                *self.0 = true;
            }
        }
        let mut dropped = false;
        let result: Result<()> = guard(|| {
            let _owner = Owner(&mut dropped);
            leave(Error::Cancelled)
        });
        assert!(matches!(result, Err(Error::Cancelled)) && dropped);
    }
}
