//! The application: HTTP API, web UI and workers around the engine, in one process.
//!
//! | module | owns |
//! |---|---|
//! | [`cli`] | the commands |
//! | [`config`] | flags and environment, checked all together |
//! | [`app`] | the composition root: the only place that connects backends |
//! | `accept` | what one upload leaves behind |
//! | `byte_size` | a number of bytes, as typed |
//! | `delete` | what one deletion leaves behind |
//! | `disk` | how much room there is |
//! | `hold` | blobs that a row is about to name |
//! | `memory` | how much memory there is, and which job may have it |
//! | [`fetch`] | the one HTTP client for addresses that users supply |
//! | `http` | routes, shapes, errors, the embedded UI |
//! | `push` | browsers that want to be told |
//! | `sandbox` | what the engine's child process gives up, and the proof of it |
//! | `worker` | claims, leases, attempts, the engine's child process |
//! | `notify` | telling those who asked that a job has ended |
//! | `failpoint` | where tests may kill the process |
//!
//! The data flow is told in `worker/compress_job.rs` and `accept.rs`; neither they nor `http` know which backend is
//! behind a port.

pub mod app;
pub mod cli;
pub mod config;
pub mod fetch;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod http;
pub mod push;

mod accept;
mod bridge;
mod byte_size;
mod delete;
mod disk;
mod failpoint;
mod hold;
mod memory;
mod metrics;
mod notify;
mod reclaim;
mod sandbox;
mod shutdown;
mod spool;
mod telemetry;
mod worker;
