//! The flags, as clap reads them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::thread::available_parallelism;
use std::time::Duration;

use clap::{Args, ValueEnum};
use demitasse_backends::AdoptDefaults;
use demitasse_core::Document;
use demitasse_engine::Request;
use ipnet::IpNet;
use url::Url;

use super::original::OriginalArgs;
use super::stores::{self, Role};
use super::{
    BridgeArgs, Config, DoorArgs, HttpConfig, LimitArgs, MemoryBudget, PushArgs, SandboxMode, Secret,
    SpaceArgs, WorkerConfig, listen,
};

/// Everything that `serve` can be told.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// The HTTP side.
    #[command(flatten)]
    pub http: HttpArgs,
    /// What clients may do at the same time.
    #[command(flatten)]
    pub door: DoorArgs,
    /// Where things are kept.
    #[command(flatten)]
    pub data: DataArgs,
    /// How jobs are run.
    #[command(flatten)]
    pub job: JobArgs,
    /// What an image may be.
    #[command(flatten)]
    pub limit: LimitArgs,
    /// What is kept for how long.
    #[command(flatten)]
    pub space: SpaceArgs,
    /// The original service's variables.
    #[command(flatten)]
    pub original: OriginalArgs,
    /// The original service beside this.
    #[command(flatten)]
    pub bridge: BridgeArgs,
    /// Who is told, and which addresses are fetched.
    #[command(flatten)]
    pub push: PushArgs,
}

/// The HTTP side.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "HTTP")]
pub struct HttpArgs {
    /// Address and port to listen on [default: 127.0.0.1:8080]
    ///
    /// Port 0 takes any free port; the line on standard output says which. Beyond loopback an --api-key is needed.
    #[arg(long, env = "DEMITASSE_LISTEN", value_name = "ADDR")]
    pub listen: Option<SocketAddr>,

    /// Port on 127.0.0.1 if --listen is not given (the original service's variable)
    #[arg(long, env = "PORT", hide = true)]
    pub port: Option<u16>,

    /// The address that clients see, such as `https://images.example.com`
    ///
    /// All links are built on it. Without it they follow the request's Host header, or a trusted proxy's
    /// X-Forwarded-Host and X-Forwarded-Proto.
    #[arg(long, env = "DEMITASSE_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<Url>,

    /// Network of a reverse proxy whose X-Forwarded-* headers are believed; may be repeated
    #[arg(
        long = "trusted-proxy",
        env = "DEMITASSE_TRUSTED_PROXY",
        value_name = "CIDR",
        value_delimiter = ','
    )]
    pub trusted_proxies: Vec<IpNet>,

    /// Secret that clients send as `Authorization: Bearer KEY`
    ///
    /// Better given as the variable: a flag shows in the list of processes. `openssl rand -hex 32` makes a good one.
    #[arg(long, env = "DEMITASSE_API_KEY", value_name = "KEY", hide_env_values = true)]
    pub api_key: Option<Secret>,

    /// Listen beyond loopback without a key: everyone who reaches the port can upload and read
    #[arg(long, env = "DEMITASSE_INSECURE_OPEN")]
    pub insecure_open: bool,
}

/// Where things are kept.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Data")]
pub struct DataArgs {
    /// Directory for the database, the images and uploads in flight; created if missing
    #[arg(long, env = "DEMITASSE_DATA", value_name = "DIR", default_value = "./demitasse-data")]
    pub data: PathBuf,

    /// Where images and jobs are recorded: sqlite:PATH, postgres://.., mongodb://.. [default: sqlite:DATA/demitasse.db]
    #[arg(
        long,
        alias = "metadata-url",
        env = "DEMITASSE_METADATA_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub metadata: Option<String>,

    /// How jobs reach workers: `metadata` (a table there) or redis://.. [default: metadata]
    #[arg(
        long,
        alias = "queue-url",
        env = "DEMITASSE_QUEUE_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub queue: Option<String>,

    /// How news reach open pages: `memory:` (of this process) or redis://.. [default: where the queue is]
    #[arg(
        long,
        alias = "events-url",
        env = "DEMITASSE_EVENTS_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub events: Option<String>,

    /// Where image bytes are kept: file:DIR, s3://.., gs://.., az://.., cloudinary://.. [default: file:DATA/blobs]
    #[arg(
        long,
        alias = "storage-url",
        env = "DEMITASSE_STORAGE_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub storage: Option<String>,

    /// Let nginx send the images of a local directory, which it has under this path, such as `/_blobs`
    ///
    /// By X-Accel-Redirect; nothing but such a proxy may reach the port then. New images are readable by the group.
    #[arg(long, env = "DEMITASSE_ACCEL_PREFIX", value_name = "PATH")]
    pub accel_prefix: Option<String>,
}

/// How jobs are run.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Jobs")]
pub struct JobArgs {
    /// Images compressed at the same time [default: one per core]
    ///
    /// 0 accepts uploads and leaves the work to `demitasse worker` processes on the same stores.
    #[arg(long, env = "DEMITASSE_WORKERS", value_name = "N")]
    pub workers: Option<usize>,

    /// Attempts before a job is given up; only faults that may pass are tried again
    #[arg(long, env = "DEMITASSE_MAX_ATTEMPTS", value_name = "N", default_value_t = 5)]
    pub max_attempts: u32,

    /// Seconds that a worker's claim holds without a heartbeat (one is sent each third)
    #[arg(long, env = "DEMITASSE_LEASE", value_name = "SECONDS", default_value_t = 30)]
    pub lease: u64,

    /// Seconds between two looks for unfinished jobs that are not in the queue, which are put back into it
    ///
    /// After a Redis that restarted empty, work goes on within this time.
    #[arg(long, env = "DEMITASSE_SWEEP", value_name = "SECONDS", default_value_t = 15)]
    pub sweep: u64,

    /// Milliseconds to wait after the first failed attempt; the wait doubles, up to a minute
    #[arg(long, env = "DEMITASSE_RETRY_DELAY", value_name = "MS", default_value_t = 1_000)]
    pub retry_delay: u64,

    /// Seconds that one attempt may take
    ///
    /// Of several formats that may come out, those are not tried that are predicted to take more than half of it.
    #[arg(long, env = "DEMITASSE_DEADLINE", value_name = "SECONDS", default_value_t = 120)]
    pub deadline: u64,

    /// Address space of the process that decodes and encodes, in MiB: what is predicted to need more is refused
    #[arg(long, env = "DEMITASSE_MEMORY", value_name = "MIB", default_value_t = 6_144)]
    pub memory: u64,

    /// Memory that all such processes together may take: bytes, such as `4GB`, or a share of what this process may have
    /// [default: 60%]
    ///
    /// By its control group, or of the machine. Each job reserves what its header says it takes at most, and waits its
    /// turn until that is free; what is over the whole is refused. Give all workers on a queue the same.
    #[arg(long, env = "DEMITASSE_MEMORY_BUDGET", value_name = "SIZE|PERCENT")]
    pub memory_budget: Option<MemoryBudget>,

    /// The sandbox of that process: `require` it whole or refuse to start, `auto`: what this system has, or `off`
    ///
    /// On Linux: Landlock, seccomp and resource limits. `demitasse doctor`, /readyz and the log say what is in force.
    #[arg(
        long,
        env = "DEMITASSE_SANDBOX",
        value_name = "MODE",
        default_value = "auto",
        hide_possible_values = true
    )]
    pub sandbox: SandboxMode,

    /// Images that such a process does, one after another, before another is started; large ones have one of their own
    ///
    /// With 1 no image can read or spoil another's, whatever a codec lets happen; a photo then takes a tenth to a quarter more
    /// time.
    #[arg(long, env = "DEMITASSE_IMAGES_PER_PROCESS", value_name = "N", default_value_t = 64)]
    pub images_per_process: u32,

    /// Seconds that running requests and jobs may go on after the signal to stop
    #[arg(long, env = "DEMITASSE_GRACE", value_name = "SECONDS", default_value_t = 30)]
    pub grace: u64,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// The command whose flags these are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// `serve`.
    Serve,
    /// `worker`.
    Worker,
}

impl ServeArgs {
    /// Checks everything together.
    ///
    /// # Errors
    /// One sentence for each mistake.
    pub fn resolve(self, command: Command) -> Result<Config, Vec<String>> {
        let role = match (command, self.job.workers) {
            (Command::Worker, _) => Role::Worker,
            (Command::Serve, Some(0)) => Role::Api,
            (Command::Serve, _) => Role::AllInOne,
        };
        let address = listen::address(self.http.listen, self.http.port);
        let public_url = self.http.public_url.as_ref().map(|url| url.as_str().trim_end_matches('/').into());
        let mut urls = stores::urls(&self.data, &self.original, public_url);
        urls.original = self.bridge.resolve(role);
        let mut problems = self.problems(address, role);
        problems.extend(stores::problems(&urls, role));
        let beside = urls.original.as_ref();
        problems.extend(self.bridge.problems(
            beside,
            &urls.metadata,
            &urls.storage,
            self.http.public_url.as_ref(),
        ));
        match Document::from_value(&Request::default()) {
            Ok(request) => {
                let (max_attempts, patience) = (self.job.max_attempts, self.bridge.patience());
                urls.adopt = AdoptDefaults { request, max_attempts, patience };
            }
            Err(error) => problems.push(format!("the default request cannot be written down: {error}")),
        }
        let push = self.push.resolve(&mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        let disks = stores::disks(&urls, &self.data.data);
        Ok(Config {
            role,
            // A worker answers nobody unless it is told where.
            listen: (role != Role::Worker || self.http.listen.is_some()).then_some(address),
            warnings: stores::warnings(&urls, role),
            urls,
            data: self.data.data,
            limits: self.limit.resolve(),
            space: self.space.resolve(disks),
            http: HttpConfig {
                listen: address,
                public_url: self.http.public_url,
                trusted_proxies: self.http.trusted_proxies,
                api_key: self.http.api_key,
                door: self.door.resolve(),
            },
            fetch: self.push.policy(),
            push,
            bridge_patience: self.bridge.patience(),
            grace: Duration::from_secs(self.job.grace),
            worker: self.job.resolve(),
        })
    }

    fn problems(&self, address: SocketAddr, role: Role) -> Vec<String> {
        let mut problems = self.original.problems();
        problems.extend(self.space.problems());
        if role == Role::Worker && self.job.workers == Some(0) {
            problems.push("--workers is 0, and a worker is there to work; give it at least 1".into());
        }
        problems.extend(listen::guard(address, self.http.api_key.is_some(), self.http.insecure_open).err());
        if let Some(key) = self.http.api_key.as_ref().filter(|key| key.len() < 8) {
            problems.push(format!("--api-key has {} characters; give it at least 8", key.len()));
        }
        if let Some(url) = &self.http.public_url
            && (!matches!(url.scheme(), "http" | "https") || !url.has_host() || url.query().is_some())
        {
            problems.push(format!("--public-url {url} is not of the form https://host or https://host/path"));
        }
        let elsewhere = self.data.storage.as_ref().filter(|url| !url.starts_with("file:"));
        if self.data.accel_prefix.is_some() && elsewhere.is_some() {
            problems.push(
                "--accel-prefix is for images in a local directory; --storage names another place".into(),
            );
        }
        let positive = [
            ("--max-attempts", u64::from(self.job.max_attempts)),
            ("--lease", self.job.lease),
            ("--sweep", self.job.sweep),
            ("--bridge-patience", self.bridge.bridge_patience),
            ("--deadline", self.job.deadline),
            ("--images-per-process", self.job.images_per_process.into()),
        ];
        let positive = positive.into_iter().chain(self.limit.positive()).chain(self.door.positive());
        for (flag, _) in positive.filter(|(_, value)| *value == 0) {
            problems.push(format!("{flag} is 0; give it at least 1"));
        }
        if self.job.memory < 256 {
            problems.push(format!(
                "--memory {} is too little to decode anything; give it at least 256",
                self.job.memory
            ));
        }
        problems
    }
}

impl JobArgs {
    fn resolve(&self) -> WorkerConfig {
        WorkerConfig {
            workers: self.workers.unwrap_or_else(|| available_parallelism().map_or(1, usize::from)),
            max_attempts: self.max_attempts,
            lease: Duration::from_secs(self.lease),
            poll: Duration::from_secs(1),
            sweep: Duration::from_secs(self.sweep),
            retry_delay: Duration::from_millis(self.retry_delay),
            deadline: Duration::from_secs(self.deadline),
            memory: self.memory.saturating_mul(1024 * 1024),
            memory_budget: self.memory_budget.unwrap_or_default().resolve(),
            sandbox: self.sandbox,
            images_per_process: self.images_per_process,
            program: None,
        }
    }
}
