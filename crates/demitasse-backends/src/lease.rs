//! New lease ids for the backends that make their own.

use demitasse_core::{Clock, ErrorKind, LeaseId, StoreError, SystemClock};

/// A lease id that nobody has had. Its time is only a part of the name: no lease is counted by it.
///
/// # Errors
/// `Internal` if the system's random source failed.
pub(crate) fn new_lease(backend: &'static str) -> Result<LeaseId, StoreError> {
    LeaseId::generate(SystemClock.now())
        .map_err(|error| StoreError::new(ErrorKind::Internal, backend, "lease").because(error.to_string()))
}
