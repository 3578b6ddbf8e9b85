//! The workers: they claim jobs, run the engine in a child process, and write down what came of it.
//!
//! `run` is the loop, `compress_job` the data flow of one job, `originals` fetches what another program keeps, `endings` say how
//! an attempt ends and `fault` what it can end by, `lease` keeps a claim alive, `follow` listens to what other processes do,
//! `retry` says how long to wait, `sweep` repairs the queue after a crash, `retention` deletes what is old, `removal` removes
//! blobs that nothing names, `engine_*` are the child processes, one of them, the
//! protocol and the child's own side.

mod compress_job;
mod endings;
mod engine_child;
mod engine_main;
mod engine_process;
mod engine_wire;
mod fault;
mod follow;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod lease;
mod originals;
mod removal;
mod retention;
mod retry;
mod run;
mod single_flight;
mod sweep;

use std::sync::Arc;

use demitasse_backends::Backends;
use demitasse_core::{Clock, JobId};
use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;

pub(crate) use engine_child::{EngineAllowance, EngineChild, EngineFault, InputImage};
pub(crate) use engine_main::run as run_engine_child;
pub(crate) use follow::follow_events;
pub(crate) use originals::Originals;
pub(crate) use removal::{remove_blobs, tidy_regularly};
pub(crate) use retention::delete_expired;
pub(crate) use run::{run, run_pending};
pub(crate) use single_flight::SingleFlight;
pub(crate) use sweep::{release_orphans, sweep, sweep_regularly};

use crate::bridge::Bridge;
use crate::config::{SpaceConfig, WorkerConfig};
use crate::metrics::Metrics;
use crate::notify::Announcer;

/// What every worker of this process shares.
pub(crate) struct Worker {
    pub(crate) backends: Backends,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) config: WorkerConfig,
    pub(crate) space: SpaceConfig,
    pub(crate) engine: EngineChild,
    /// Equal work runs once at a time.
    pub(crate) single_flight: SingleFlight,
    /// Names jobs that their owners took back.
    pub(crate) cancelled: broadcast::Sender<JobId>,
    /// To the original service, if it runs beside us.
    pub(crate) bridge: Option<Arc<Bridge>>,
    /// Fetches images that another program keeps.
    pub(crate) originals: Originals,
    /// Tells those who asked.
    pub(crate) announcer: Arc<Announcer>,
    /// Rung at every enqueue.
    pub(crate) wake: Arc<Notify>,
    /// No new claims after this.
    pub(crate) stopping: CancellationToken,
    /// Running jobs are given back after this.
    pub(crate) giving_up: CancellationToken,
}
