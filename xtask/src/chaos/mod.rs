//! Uploads while everything is killed, and a count of what was lost or doubled: neither may ever happen.
//!
//! An API, workers and a Redis without a disk are killed and started again, at random times and (by failpoints) between
//! the steps of the data flow, while clients upload. An upload counts as accepted only if its answer arrived. In the
//! end all is left in peace, and `verdict` compares what was promised with what there is.
//!
//! `service` keeps a process up, `clients` upload, `pictures` makes what they upload.

mod clients;
mod pictures;
mod random;
mod service;
mod tally;
mod verdict;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use clients::Clients;
use random::Random;
use service::{Service, Shared, Spec};
use verdict::Verdict;

const API: &str = "api";
const WORKER: &str = "worker";
const REDIS: &str = "redis";

/// Where an upload may be cut off.
const API_POINTS: &[&str] = &["upload.stored", "upload.recorded"];

/// Where a job may be cut off.
const WORKER_POINTS: &[&str] =
    &["job.claimed", "job.started", "job.compressed", "job.stored", "job.finished", "job.published"];

/// All of them, where one process does everything.
const ALL_POINTS: &[&str] = &[
    "job.claimed",
    "upload.stored",
    "job.started",
    "job.compressed",
    "upload.recorded",
    "job.stored",
    "job.finished",
    "job.published",
];

/// Clients that upload at the same time.
const CLIENTS: u64 = 4;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where images and jobs are recorded [default: SQLite, and one process that does everything]
    #[arg(long, value_name = "URL")]
    metadata: Option<String>,

    /// How jobs reach workers [default: a Redis that this program starts, and kills]
    #[arg(long, value_name = "URL")]
    queue: Option<String>,

    /// Where image bytes are kept [default: a directory]
    #[arg(long, value_name = "URL")]
    storage: Option<String>,

    /// The program of Redis
    #[arg(long, env = "TEST_REDIS_SERVER", value_name = "FILE", default_value = "redis-server")]
    redis_server: PathBuf,

    /// Worker processes beside the API, where the stores allow it
    #[arg(long, value_name = "N", default_value_t = 3)]
    workers: u64,

    /// Seconds to spread the uploads over
    #[arg(long, value_name = "N", default_value_t = 120)]
    seconds: u64,

    /// Uploads that must have been accepted before all is left in peace
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    uploads: usize,

    /// Of pictures, pauses and victims [default: another one each time]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// A binary with the feature `failpoints` [default: built first]
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,

    /// Where to build
    #[arg(long, env = "CARGO_TARGET_DIR", default_value = "target", hide = true)]
    target: PathBuf,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let binary = match &args.binary {
        Some(path) => path.clone(),
        None => build(&args.target)?,
    };
    let binary = binary.canonicalize().with_context(|| format!("{} cannot be found", binary.display()))?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        tokio::select! {
            done = chaos(args, &binary) => done,
            _ = tokio::signal::ctrl_c() => bail!("interrupted"),
        }
    })
}

fn build(target: &Path) -> Result<PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--quiet", "--package", "demitasse", "--features", "failpoints"]);
    ensure!(cargo.status()?.success(), "the binary cannot be built");
    Ok(target.join("debug/demitasse"))
}

async fn chaos(args: &Args, binary: &Path) -> Result<ExitCode> {
    let start = Instant::now();
    let seed = args.seed.unwrap_or_else(|| u64::from(std::process::id()));
    let folder = tempfile::Builder::new().prefix("demitasse-chaos-").tempdir()?;
    let shared = Arc::new(Shared::new(folder.path().to_path_buf()));
    // Not from the seed: two runs with the same one may go on at a time.
    let mut random = Random::new(u64::from(std::process::id()), 0);
    let (port, redis_port) = (free_port(&mut random)?, free_port(&mut random)?);
    let scene = Scene { args, binary, folder: folder.path(), seed, port, redis_port };
    crate::say(&format!("chaos: seed {seed}, logs in {}", folder.path().display()));
    let services: Vec<_> =
        scene.specs().into_iter().map(|spec| Service::start(spec, shared.clone())).collect();
    let clients = Clients::new(format!("http://127.0.0.1:{}", scene.port), seed)?;
    clients.wait_until_ready().await?;

    let told = upload_and_kill(args, &clients, &services, &shared).await;
    // Peace: nothing dies of itself any more.
    shared.calm.store(true, Ordering::Relaxed);
    services.iter().for_each(Service::kill);
    let told = match told {
        Ok(()) => verdict::judge(&clients).await,
        Err(error) => Err(error),
    };
    for service in services {
        service.stop().await?;
    }
    let orphans = shared.orphans().await;
    let report = told.map(|verdict| {
        let is_good =
            verdict.lost.is_empty() && verdict.doubled.is_empty() && verdict.queued == 0 && orphans == 0;
        (scene.report(&verdict, &clients, &shared, orphans, start.elapsed()), is_good)
    });
    match report {
        Ok((report, true)) => {
            crate::show(&report)?;
            Ok(ExitCode::SUCCESS)
        }
        Ok((report, false)) => {
            crate::show(&report)?;
            crate::say(&format!("the logs stay in {}", folder.keep().display()));
            Ok(ExitCode::FAILURE)
        }
        Err(error) => Err(error.context(format!("the logs stay in {}", folder.keep().display()))),
    }
}

/// Uploads and kills until there was enough of everything.
async fn upload_and_kill(
    args: &Args,
    clients: &Clients,
    services: &[Service],
    shared: &Shared,
) -> Result<()> {
    let seconds = Duration::from_secs(args.seconds);
    let start = Instant::now();
    let kinds: Vec<_> = services.iter().map(|service| service.kind).collect();
    let enough = || {
        let had_all = shared.tally.missing(&kinds).is_none() && shared.tally.missing(ALL_POINTS).is_none();
        let is_over = start.elapsed() > seconds && clients.accepted().len() >= args.uploads && had_all;
        is_over || start.elapsed() > seconds * 4
    };
    let pause = seconds.mul_f64(CLIENTS as f64 / args.uploads.max(1) as f64);
    let upload = async {
        let (a, b, c, d) = tokio::join!(
            clients.upload_on(1, pause, enough),
            clients.upload_on(2, pause, enough),
            clients.upload_on(3, pause, enough),
            clients.upload_on(4, pause, enough),
        );
        a.and(b).and(c).and(d)
    };
    tokio::select! {
        done = upload => done?,
        () = kill(services, Random::new(clients.seed, 2)) => {}
    }
    let accepted = clients.accepted().len();
    ensure!(accepted >= args.uploads, "only {accepted} uploads were accepted in {:?}", start.elapsed());
    let missing = shared.tally.missing(&kinds).or(shared.tally.missing(ALL_POINTS));
    missing.map_or(Ok(()), |kind| bail!("nothing was killed by {kind}: give it more --seconds"))
}

/// Kills a service at a time, each kind in its turn, in an order that changes; never ends.
async fn kill(services: &[Service], mut random: Random) {
    loop {
        let mut victims: Vec<_> = (0..services.len()).collect();
        random.shuffle(&mut victims);
        for victim in victims {
            tokio::time::sleep(random.millis(300, 2_500)).await;
            if let Some(service) = services.get(victim) {
                service.kill();
            }
        }
    }
}

/// What is started, and where.
struct Scene<'a> {
    args: &'a Args,
    binary: &'a Path,
    folder: &'a Path,
    seed: u64,
    port: u16,
    redis_port: u16,
}

impl Scene<'_> {
    fn specs(&self) -> Vec<Spec> {
        let listen = format!("127.0.0.1:{}", self.port);
        let mut specs = Vec::new();
        if self.args.queue.is_none() {
            specs.push(self.redis());
        }
        if self.is_one_process() {
            specs.push(self.demitasse(API, &["serve", "--workers", "2", "--listen", &listen], ALL_POINTS, 1));
            return specs;
        }
        specs.push(self.demitasse(API, &["serve", "--workers", "0", "--listen", &listen], API_POINTS, 1));
        for number in 1..=self.args.workers {
            specs.push(self.demitasse(WORKER, &["worker", "--workers", "1"], WORKER_POINTS, number + 1));
        }
        specs
    }

    /// Stores that only one process can use leave no choice.
    fn is_one_process(&self) -> bool {
        self.args.metadata.as_ref().is_none_or(|url| url.starts_with("sqlite:"))
    }

    fn redis(&self) -> Spec {
        let port = self.redis_port.to_string();
        let args = ["--bind", "127.0.0.1", "--port", &port, "--save", "", "--appendonly", "no"];
        let directory = ["--dir".to_owned(), self.folder.display().to_string()];
        Spec {
            kind: REDIS,
            name: "redis.log".into(),
            program: self.args.redis_server.clone(),
            args: args.map(str::to_owned).into_iter().chain(directory).collect(),
            points: &[],
            passes: 1,
            random: Random::new(self.seed, 100),
        }
    }

    fn demitasse(
        &self,
        kind: &'static str,
        command: &[&str],
        points: &'static [&'static str],
        n: u64,
    ) -> Spec {
        let queue =
            self.args.queue.clone().unwrap_or_else(|| format!("redis://127.0.0.1:{}", self.redis_port));
        let data = self.folder.join(format!("data-{n}")).display().to_string();
        let mut args: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
        // A kill is an attempt: many must be allowed.
        let quick = "--lease 2 --sweep 2 --retry-delay 100 --max-attempts 100 --log info";
        args.extend(quick.split(' ').map(str::to_owned));
        let stores = [("--data", Some(data)), ("--queue", Some(queue))];
        let given = [("--metadata", self.args.metadata.clone()), ("--storage", self.args.storage.clone())];
        for (flag, value) in stores.into_iter().chain(given) {
            args.extend(value.into_iter().flat_map(|value| [flag.to_owned(), value]));
        }
        Spec {
            kind,
            name: format!("{kind}-{n}.log"),
            program: self.binary.to_path_buf(),
            args,
            points,
            passes: 5,
            random: Random::new(self.seed, 100 + n),
        }
    }

    fn report(
        &self,
        verdict: &Verdict,
        clients: &Clients,
        shared: &Shared,
        orphans: usize,
        took: Duration,
    ) -> String {
        let Verdict { lost, doubled, failed, .. } = verdict;
        let scheme = |url: &Option<String>, other: &str| {
            url.as_ref().and_then(|url| url.split(':').next()).unwrap_or(other).to_owned()
        };
        let named = lost.iter().chain(doubled).chain(failed).map(|text| format!("  {text}\n"));
        format!(
            "chaos on {} + {} + {}, seed {}: lost {}, doubled {}\n  uploads: accepted {}, refused {}, unanswered {} \
             (of which kept {})\n  tasks: succeeded {}, failed {}, most attempts {}\n  kills: {}\n  between steps: {}\n  \
             ended otherwise: {}\n  at rest {:.1} s after the last kill, with {} in the queue and {orphans} processes \
             left over; {:.0} s in all\n{}",
            scheme(&self.args.metadata, "sqlite"),
            scheme(&self.args.queue, REDIS),
            scheme(&self.args.storage, "file"),
            self.seed,
            lost.len(),
            doubled.len(),
            clients.accepted().len(),
            clients.refused.load(Ordering::Relaxed),
            clients.unanswered.load(Ordering::Relaxed),
            verdict.unasked,
            verdict.succeeded,
            failed.len(),
            verdict.most_attempts,
            shared.tally.show(&[API, WORKER, REDIS]),
            shared.tally.show(ALL_POINTS),
            shared.tally.show(&["crashed", "gave up"]),
            verdict.settled_after.as_secs_f64(),
            verdict.queued,
            took.as_secs_f64(),
            named.collect::<String>(),
        )
    }
}

/// A port that stays the same while its process comes and goes: below those that the system gives to clients, who could
/// take it meanwhile.
fn free_port(random: &mut Random) -> Result<u16> {
    (0..100)
        .filter_map(|_| u16::try_from(random.within(20_000, 32_000)).ok())
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .context("no port is free")
}
