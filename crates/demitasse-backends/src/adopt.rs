//! What the rows of another program in the metadata store do not say.

use std::time::Duration;

use demitasse_core::Document;

/// The part of a job that the original service does not write, for the jobs that are taken in from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdoptDefaults {
    /// What is asked for, in the engine's JSON.
    pub request: Document,
    /// How often each may be tried, at least 1.
    pub max_attempts: u32,
    /// How long after its upload a job is left to the original's own worker, whose work cannot be seen.
    pub patience: Duration,
}

impl Default for AdoptDefaults {
    /// An empty request, which no engine takes: for stores that nobody else writes to.
    fn default() -> Self {
        Self { request: Document(serde_json::Value::Null), max_attempts: 3, patience: Duration::ZERO }
    }
}
