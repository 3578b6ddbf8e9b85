//! Flags and environment, and what they mean together.
//!
//! Every flag of `serve` has a variable `DEMITASSE_*`; a flag wins over its variable. The environment is read here
//! (through clap) and nowhere else. [`ServeArgs::resolve`] checks everything and reports all mistakes at once.

mod args;
mod bridge;
mod door;
mod limits;
mod listen;
mod original;
mod push;
mod secret;
mod space;
mod stores;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use demitasse_backends::BackendUrls;
use demitasse_engine::Limits;
use ipnet::IpNet;
use url::Url;

use crate::fetch::FetchPolicy;

pub use crate::memory::MemoryBudget;
pub use crate::sandbox::SandboxMode;
pub use args::{Command, DataArgs, HttpArgs, JobArgs, LogFormat, ServeArgs};
pub use bridge::{BridgeArgs, BridgeWork};
pub use door::{DoorArgs, DoorConfig};
pub use limits::LimitArgs;
pub use original::OriginalArgs;
pub use push::{PushArgs, PushConfig};
pub use secret::Secret;
pub use space::{MinFree, SpaceArgs, SpaceConfig};
pub use stores::Role;

impl DataArgs {
    /// Where the backends are, as [`ServeArgs::resolve`] finds them; nothing of it is checked.
    pub(crate) fn urls(&self, original: &OriginalArgs) -> BackendUrls {
        stores::urls(self, original, None)
    }
}

/// A checked configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// What this process does.
    pub role: Role,
    /// Where to listen; `None`: nowhere, as a worker that nobody asks.
    pub listen: Option<SocketAddr>,
    /// What works, but probably not as meant; for the log.
    pub warnings: Vec<&'static str>,
    /// Directory of everything that is kept.
    pub data: PathBuf,
    /// Where each port finds its backend.
    pub urls: BackendUrls,
    /// What an image may be.
    pub limits: Limits,
    /// What is kept for how long.
    pub space: SpaceConfig,
    /// The HTTP side.
    pub http: HttpConfig,
    /// Which of the addresses that users supply are fetched.
    pub fetch: FetchPolicy,
    /// Web push.
    pub push: PushConfig,
    /// How long a job is left to the original service's worker.
    pub bridge_patience: Duration,
    /// The workers' side.
    pub worker: WorkerConfig,
    /// How long running requests and jobs may go on after the signal to stop.
    pub grace: Duration,
}

/// The HTTP side.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The address that clients see; `None`: as the request says.
    pub public_url: Option<Url>,
    /// The proxies whose `X-Forwarded-*` headers count.
    pub trusted_proxies: Vec<IpNet>,
    /// What a client must show as a bearer token.
    pub api_key: Option<Secret>,
    /// What clients may do at the same time.
    pub door: DoorConfig,
}

/// The workers' side.
#[derive(Debug, Clone)]
pub struct WorkerConfig {
    /// Jobs at the same time; 0: this process does none.
    pub workers: usize,
    /// Attempts before a job is given up.
    pub max_attempts: u32,
    /// How long a claim holds without a heartbeat.
    pub lease: Duration,
    /// How often an idle worker looks without being woken.
    pub poll: Duration,
    /// How often the queue is repaired from the rows.
    pub sweep: Duration,
    /// The wait after the first failed attempt; it doubles.
    pub retry_delay: Duration,
    /// How long one attempt may take.
    pub deadline: Duration,
    /// Address space of the engine's child process, in bytes.
    pub memory: u64,
    /// What all such processes may take together, in bytes; `None`: not known.
    pub memory_budget: Option<u64>,
    /// How much the sandbox of that process matters.
    pub sandbox: SandboxMode,
    /// Images that one such process does, one after another.
    pub images_per_process: u32,
    /// The program to start as the engine's child; `None`: this one.
    pub program: Option<PathBuf>,
}
