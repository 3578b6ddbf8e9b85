//! Memory: how much there is, and who may have it.
//!
//! `machine` asks the system, `budget` says what share of that the jobs of this process have together, and `admission` gives
//! it out: a job waits for its part before a process is started or fed. `allocator` keeps the service itself small.

mod admission;
mod allocator;
mod budget;
mod machine;

pub use budget::MemoryBudget;

pub(crate) use admission::{Admission, MemoryUse};
pub(crate) use allocator::keep_little;
