//! Memory: how much there is, and who may have it.
//!
//! `machine` asks the system, `budget` says what share of that the jobs of this process have together, and `admission` gives
//! it out: a job waits for its part before a process is started or fed.

mod admission;
mod budget;
mod machine;

pub use budget::MemoryBudget;

pub(crate) use admission::{Admission, MemoryUse};
