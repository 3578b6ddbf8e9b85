//! Uploads while everything is killed, and a count of what was lost or doubled: neither may ever happen.
//!
//! An API, workers and a Redis without a disk are killed and started again, at random times and (by failpoints) between
//! the steps of the data flow, while clients upload. With `--previous` each start is of this version or of the one
//! before: a rolling upgrade under fire. An upload counts as accepted only if its answer arrived. In the end all is left
//! in peace, and `verdict` compares what was promised with what there is.
//!
//! `scene` says what is started, `service` keeps a process up, `clients` upload what `pictures` makes, `witness` looks on,
//! `rest` waits for peace and fetches everything, `blobs` asks the store, `report` prints.

mod blobs;
mod clients;
pub(crate) mod pictures;
mod random;
mod report;
mod rest;
mod scene;
mod service;
mod tally;
mod verdict;
mod witness;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use clients::Clients;
use random::Random;
use scene::{Scene, VICTIMS, free_port};
use service::{Service, Shared};
use verdict::Verdict;
use witness::Witness;

/// Clients that upload at the same time.
const CLIENTS: u64 = 4;

/// Uploads of a client for each deletion by another.
const DELETIONS: u32 = 3;

/// The time for a kill, at most.
const A_KILL: Duration = Duration::from_secs(4);

// What is given twice counts as it was given last: `make chaos` gives its own lengths first.
#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
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

    /// What the report calls the stores [default: the schemes of their URLs]
    #[arg(long, value_name = "TEXT")]
    stores: Option<String>,

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

    /// Kills at random times that there must have been before all is left in peace
    #[arg(long, value_name = "N", default_value_t = 0)]
    kills: u64,

    /// Let them die between the steps of deletions and removals as well; blobs go within seconds then, rather than
    /// minutes, and those that nothing names are looked for
    #[arg(long, conflicts_with = "previous")]
    removals: bool,

    /// Where the bytes are in the end, if `--storage` is no bucket of S3: a directory of files
    #[arg(long, value_name = "DIR")]
    blobs: Option<PathBuf>,

    /// Of pictures, pauses, versions and victims [default: another one each time]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// A binary with the feature `failpoints` [default: built first]
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,

    /// The version before, with the feature `failpoints`: an API and workers of their own start as either, at random
    #[arg(long, value_name = "FILE")]
    previous: Option<PathBuf>,

    /// Who is killed; only they die between steps
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = VICTIMS, default_values = VICTIMS)]
    victims: Vec<String>,

    /// Seconds between two looks for jobs that the queue lost; with many of them, and Redis as the only victim, jobs must
    /// be reported as lost
    #[arg(long, value_name = "N", default_value_t = 2)]
    sweep: u64,

    /// Milliseconds that a job takes at least, where no death is planned, so that jobs wait
    #[arg(long, value_name = "N", default_value_t = 0)]
    slow: u64,

    /// Seconds after the last kill in which every task must end
    #[arg(long, value_name = "N", default_value_t = 120)]
    patience: u64,

    /// Where to build
    #[arg(long, env = "CARGO_TARGET_DIR", default_value = "target", hide = true)]
    target: PathBuf,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let binary = match &args.binary {
        Some(path) => path.clone(),
        None => build(&args.target)?,
    };
    let found =
        |path: &Path| path.canonicalize().with_context(|| format!("{} cannot be found", path.display()));
    let binary = found(&binary)?;
    let previous = args.previous.as_deref().map(found).transpose()?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        tokio::select! {
            done = chaos(args, &binary, previous.as_deref()) => done,
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

async fn chaos(args: &Args, binary: &Path, previous: Option<&Path>) -> Result<ExitCode> {
    let start = Instant::now();
    let seed = args.seed.unwrap_or_else(|| u64::from(std::process::id()));
    let folder = tempfile::Builder::new().prefix("demitasse-chaos-").tempdir()?;
    let shared = Arc::new(Shared::new(folder.path().to_path_buf()));
    // Not from the seed: two runs with the same one may go on at a time.
    let mut random = Random::new(u64::from(std::process::id()), 0);
    let (port, redis_port) = (free_port(&mut random)?, free_port(&mut random)?);
    let scene = Scene { args, binary, previous, folder: folder.path(), seed, port, redis_port };
    crate::say(&format!("chaos: seed {seed}, logs in {}", folder.path().display()));
    let services: Vec<_> =
        scene.specs().into_iter().map(|spec| Service::start(spec, shared.clone())).collect();
    let (clients, witness) =
        (Clients::new(format!("http://127.0.0.1:{}", scene.port), seed)?, Witness::default());
    clients.wait_until_ready().await?;

    let told = upload_and_kill(&scene, &clients, &witness, &services, &shared).await;
    // Peace: nothing dies of itself any more.
    shared.calm.store(true, Ordering::Relaxed);
    scene.victims(&services).for_each(Service::kill);
    let told = match told {
        Ok(()) => {
            let patience = Duration::from_secs(args.patience);
            rest::judge(&clients, &witness, patience, scene.blobs()?).await
        }
        Err(error) => Err(error),
    };
    for service in services {
        service.stop().await?;
    }
    let orphans = shared.orphans().await;
    let keep = |folder: tempfile::TempDir| format!("the logs stay in {}", folder.keep().display());
    let verdict: Verdict = match told {
        Ok(verdict) => verdict,
        Err(error) => return Err(error.context(keep(folder))),
    };
    crate::show(&scene.report(&verdict, &clients, &shared, orphans, start.elapsed()))?;
    if verdict.is_good() && orphans == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    crate::say(&keep(folder));
    Ok(ExitCode::FAILURE)
}

/// Uploads and kills until there was enough of everything.
async fn upload_and_kill(
    scene: &Scene<'_>,
    clients: &Clients,
    witness: &Witness,
    services: &[Service],
    shared: &Shared,
) -> Result<()> {
    let uploads = scene.args.uploads;
    let seconds = Duration::from_secs(scene.args.seconds);
    let most = (seconds * 8).max(A_KILL * u32::try_from(scene.args.kills)?);
    let start = Instant::now();
    let events = scene.events(services);
    let enough = || {
        let had_all = shared.tally.missing(&events).is_none();
        let had_kills = shared.tally.sum(&VICTIMS) >= scene.args.kills;
        let is_over =
            start.elapsed() > seconds && clients.accepted().len() >= uploads && had_all && had_kills;
        is_over || start.elapsed() > most
    };
    let pause = seconds.mul_f64(CLIENTS as f64 / uploads.max(1) as f64);
    let upload = async {
        let (a, b, c, d) = tokio::join!(
            clients.upload_on(1, pause, enough),
            clients.upload_on(2, pause, enough),
            clients.upload_on(3, pause, enough),
            clients.upload_on(4, pause, enough),
        );
        a.and(b).and(c).and(d)
    };
    let victims: Vec<_> = scene.victims(services).collect();
    tokio::select! {
        done = upload => done?,
        () = kill(&victims, Random::new(clients.seed, 2)) => {}
        () = witness.watch(clients) => {}
        () = clients.delete_on(pause * DELETIONS) => {}
    }
    let accepted = clients.accepted().len();
    ensure!(accepted >= uploads, "only {accepted} uploads were accepted in {:?}", start.elapsed());
    let missing = shared.tally.missing(&events);
    let kills = shared.tally.sum(&VICTIMS);
    ensure!(kills >= scene.args.kills, "there were only {kills} kills: give it more --seconds");
    missing.map_or(Ok(()), |event| bail!("{event:?} never happened: give it more --seconds"))
}

/// Kills a service at a time, each in its turn, in an order that changes; never ends.
async fn kill(services: &[&Service], mut random: Random) {
    loop {
        let mut victims = services.to_vec();
        random.shuffle(&mut victims);
        for victim in victims {
            tokio::time::sleep(random.millis(300, 2_500)).await;
            victim.kill();
        }
    }
}
