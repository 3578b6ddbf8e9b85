//! An API and workers on shared stores: photos a second, answers, order, the way from upload to claim, processor time.
//!
//! The processes are those of a small installation: `serve --workers 0` and two `worker` processes with one job at a time
//! each, or one `serve` with two workers inside where the images are in a directory. Clients and stores run on the same
//! machine and take their part of it. `service` starts and reads, `load` uploads, `cost` compares with the engine alone.

mod cost;
pub(crate) mod cpu;
mod load;
mod order;
mod service;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::check_corpus::release_binary;
use crate::photo::{make, variation};
use crate::pillow::Pillow;
use crate::{quantile, say, show};
use cpu::Cpu;
use load::{Client, Sent, Setting};
use service::{Job, Processes, Service, Stores};

/// Worker processes.
const WORKERS: usize = 2;
/// Sizes of the made photos: 1.6 to 3 megapixels.
const SIZES: [(u32, u32); 6] =
    [(1536, 1024), (1600, 1200), (1440, 1440), (1920, 1280), (1600, 1800), (2048, 1448)];
/// Given photos must be of the same sizes, about.
const PIXELS: std::ops::RangeInclusive<u64> = 1_550_000..=3_100_000;
/// Every job must be done within this time after the last upload.
const PATIENCE: Duration = Duration::from_secs(300);
/// Uploads before anything counts.
const WARM_UP: usize = 6;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// JPEG or PNG photos; those of 1.6 to 3 megapixels are used, PNG as JPEG of quality 90 [default: six are made]
    #[arg(long, value_name = "DIR")]
    photos: Option<PathBuf>,

    /// Uploads at a fixed quality; of `balanced`, which takes longer, a quarter
    #[arg(long, value_name = "N", default_value_t = 240)]
    uploads: usize,

    /// Clients that upload at once
    #[arg(long, value_name = "N", default_value_t = 4)]
    clients: usize,

    /// Times that the cost is compared; 0 leaves it out
    #[arg(long, value_name = "N", default_value_t = 5)]
    rounds: u32,

    /// An empty Redis
    #[arg(long, env = "TEST_REDIS_URL", value_name = "URL")]
    redis: String,

    /// A MongoDB, or what speaks its protocol
    #[arg(long, env = "TEST_MONGODB_URI", value_name = "URL")]
    mongodb: String,

    /// An empty PostgreSQL
    #[arg(long, env = "TEST_POSTGRES_URL", value_name = "URL")]
    postgres: String,

    /// An S3 bucket
    #[arg(long, env = "TEST_S3_FS_URL", value_name = "URL")]
    storage: String,

    /// Only these stores: mongodb, postgres, embedded
    #[arg(long, value_name = "NAME")]
    only: Option<String>,

    /// The binary [default: the release build, built first]
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,

    /// Where to build
    #[arg(long, env = "CARGO_TARGET_DIR", default_value = "target", hide = true)]
    target: PathBuf,
}

/// What the measurements share.
struct Scene<'a> {
    binary: &'a Path,
    folder: PathBuf,
    originals: Vec<Vec<u8>>,
    stores: Stores,
    /// No two uploads have the same bytes.
    copies: u32,
    services: u32,
}

/// What one service did at one setting.
struct Measured {
    per_second: f64,
    burst: Vec<Sent>,
    paced: Vec<Sent>,
    /// Seconds from the row of a paced upload to its claim.
    claims: Vec<f64>,
    claimed_late: f64,
    ended_late: f64,
    lost: usize,
    /// Of each photo of the burst.
    cpu: Cpu,
    /// The part of the machine's work in the burst that the service did.
    share: f64,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let binary = match &args.binary {
        Some(path) => path.clone(),
        None => release_binary(&args.target)?,
    };
    let scratch = tempfile::tempdir()?;
    let mut pillow = Pillow::start(&args.target)?;
    let files = photos(args, scratch.path(), &mut pillow)?;
    let originals = files.iter().map(|file| Ok(std::fs::read(file)?)).collect::<Result<Vec<_>>>()?;
    show(&describe(&files, &originals, &mut pillow)?)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut table = String::from(THROUGHPUT);
    let mut is_good = true;
    for (number, stores) in all_stores(args, scratch.path()).into_iter().enumerate() {
        let mut scene = Scene {
            binary: &binary,
            folder: scratch.path().join(format!("stores-{number}")),
            originals: originals.clone(),
            stores,
            copies: 0,
            services: 0,
        };
        for setting in Setting::ALL {
            let measured = runtime.block_on(measure(&mut scene, setting, args))?;
            is_good &= measured.lost == 0;
            table.push_str(&measured.row(scene.stores.name, setting));
        }
    }
    show(&table)?;
    if let Some(stores) = all_stores(args, scratch.path()).into_iter().next().filter(|_| args.rounds > 0) {
        let folder = scratch.path().join("cost");
        let mut scene = Scene { binary: &binary, folder, originals, stores, copies: 100_000, services: 100 };
        let rows = runtime.block_on(cost::compare(&mut scene, args.rounds))?;
        show(&format!("{COST}{rows}"))?;
    }
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

const THROUGHPUT: &str = "\n| stores | setting | photos/s | CPU a photo (API + workers) | share of the machine | answers p50, p99 | \
    paced: answers p50, p99 | paced: upload to claim p50, p99 | claimed, ended after a later one | lost |\n\
    |---|---|---|---|---|---|---|---|---|---|\n";

const COST: &str = "\n| setting | workers | engine alone | service | its API | its workers | service to engine |\n\
    |---|---|---|---|---|---|---|\n";

/// What is uploaded.
fn photos(args: &Args, folder: &Path, pillow: &mut Pillow) -> Result<Vec<PathBuf>> {
    let Some(given) = &args.photos else {
        say("no --photos: measuring made pictures, which compress a little differently from real ones");
        return (0..).zip(SIZES).map(|(number, size)| make(folder, number, size, pillow)).collect();
    };
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(given).sort_by_file_name() {
        let path = entry?.into_path();
        let Ok(facts) = pillow.ask("facts", &[&path]) else { continue };
        let pixels =
            facts["width"].as_u64().zip(facts["height"].as_u64()).map_or(0, |(width, height)| width * height);
        match facts["format"].as_str() {
            Some("JPEG") if PIXELS.contains(&pixels) => files.push(path),
            Some("PNG") if PIXELS.contains(&pixels) => {
                let jpeg = folder.join(format!("{}.jpg", files.len()));
                pillow.ask("jpeg90", &[&path, &jpeg])?;
                files.push(jpeg);
            }
            _ => {}
        }
    }
    ensure!(!files.is_empty(), "{} has no photo of 1.6 to 3 megapixels", given.display());
    Ok(files)
}

/// What the photos are, and what Pillow alone takes for them.
fn describe(files: &[PathBuf], photos: &[Vec<u8>], pillow: &mut Pillow) -> Result<String> {
    let target = files.first().context("no photos")?.with_extension("pillow");
    let (mut pixels, mut seconds) = (0.0, Vec::new());
    for file in files {
        let facts = pillow.ask("facts", &[file])?;
        pixels += facts["width"].as_f64().unwrap_or_default() * facts["height"].as_f64().unwrap_or_default();
        let times = (0..5).map(|_| pillow.ask("jpeg70", &[file, &target]));
        let times = times.map(|answer| Ok(answer?["seconds"].as_f64().unwrap_or(f64::NAN)));
        seconds.push(quantile(&times.collect::<Result<Vec<_>>>()?, 0.5));
    }
    std::fs::remove_file(target)?;
    let mean = |sum: f64| sum / photos.len() as f64;
    let cores = std::thread::available_parallelism()?;
    let bytes: usize = photos.iter().map(Vec::len).sum();
    Ok(format!(
        "{cores} cores; {} photos, on average {:.1} megapixels and {:.0} kB; Pillow alone makes one of quality 70 in {:.0} ms\n",
        photos.len(),
        mean(pixels) / 1e6,
        mean(bytes as f64) / 1e3,
        mean(seconds.iter().sum()) * 1e3,
    ))
}

/// Databases, keys and folders of their own for each run. Beside MongoDB the images are in a directory, which only one
/// process can use, beside PostgreSQL in S3: the original keeps them in Cloudinary, whose work is not done on its machine.
fn all_stores(args: &Args, folder: &Path) -> Vec<Stores> {
    let run = std::process::id();
    let flags = |metadata: String, storage: String| {
        let redis =
            format!("{}?prefix=bench-{run}-{}", args.redis, metadata.split(':').next().unwrap_or_default());
        let flags = ["--metadata", &metadata, "--queue", &redis, "--storage", &storage];
        flags.map(str::to_owned).to_vec()
    };
    let mongodb = format!("{}/bench_{run}", args.mongodb.trim_end_matches('/'));
    let directory = format!("file:{}", folder.join("images").display());
    let stores = |name, flags, processes| Stores { name, flags, processes };
    let all = [
        (
            "mongodb",
            stores("Redis + MongoDB's wire protocol + directory", flags(mongodb, directory), Processes::One),
        ),
        (
            "postgres",
            stores(
                "Redis + PostgreSQL + S3",
                flags(args.postgres.clone(), args.storage.clone()),
                Processes::ApiAndWorkers,
            ),
        ),
        ("embedded", stores("embedded", Vec::new(), Processes::One)),
    ];
    let wanted = |name: &str| args.only.as_ref().is_none_or(|only| only.split(',').any(|word| word == name));
    all.into_iter().filter(|(name, _)| wanted(name)).map(|(_, stores)| stores).collect()
}

impl Scene<'_> {
    /// A service that has warmed up.
    async fn start(&mut self, workers: usize) -> Result<(Service, Client)> {
        self.services += 1;
        let folder = self.folder.join(format!("service-{}", self.services));
        let service = Service::start(self.binary, &self.stores, workers, &folder)?;
        let client = Client::new(service.url())?;
        client.burst(Setting::Fixed, self.photos(WARM_UP)?, 1).await?;
        wait(&service, WARM_UP).await?;
        Ok((service, client))
    }

    /// So many photos, none with bytes that were sent before.
    fn photos(&mut self, count: usize) -> Result<Vec<Vec<u8>>> {
        let mut photos = Vec::new();
        for original in self.originals.iter().cycle().take(count) {
            self.copies += 1;
            photos.push(variation(
                original,
                &format!("{} {} {}", std::process::id(), self.stores.name, self.copies),
            )?);
        }
        Ok(photos)
    }
}

async fn measure(scene: &mut Scene<'_>, setting: Setting, args: &Args) -> Result<Measured> {
    let (service, client) = scene.start(WORKERS).await?;
    let count = if setting == Setting::Fixed { args.uploads } else { args.uploads.div_ceil(4) };
    let photos = scene.photos(count)?;
    let (machine, before, start) = (cpu::seconds_of_machine()?, service.cpu()?, Instant::now());
    let burst = client.burst(setting, photos, args.clients).await?;
    wait(&service, WARM_UP + count).await?;
    let seconds = start.elapsed().as_secs_f64();
    let spent = service.cpu()?.since(before);
    let share = spent.total() / (cpu::seconds_of_machine()? - machine);
    let per_second = count as f64 / seconds;
    say(&format!("{}, {}: {per_second:.1} photos/s", scene.stores.name, setting.name()));

    // At half of what it can do.
    let every = Duration::from_secs_f64(2.0 / per_second);
    let photos = scene.photos(count.div_ceil(2))?;
    let paced = client.paced(setting, photos, every).await?;
    wait(&service, WARM_UP + count + paced.len()).await?;

    let (rows, jobs) = (client.rows().await?, service.jobs()?);
    let job =
        |sent: &Sent| jobs.get(&sent.task).with_context(|| format!("task {} was never done", sent.task));
    let of_burst = burst.iter().map(|sent| Ok((sent, job(sent)?))).collect::<Result<Vec<_>>>()?;
    if let Some((_, other)) = of_burst.iter().find(|(_, job)| job.outcome != "Compressed") {
        bail!("a photo ended as {}: it says nothing of the engine's speed", other.outcome);
    }
    let late = |time: fn(&Job) -> f64| {
        order::overtaken(&of_burst.iter().map(|(sent, job)| (*sent, time(job))).collect::<Vec<_>>())
    };
    let row = |sent: &Sent| rows.get(&sent.task).with_context(|| format!("task {} is not listed", sent.task));
    let has_result = |sent: &&Sent| row(sent).is_ok_and(|row| row.status == "succeeded");
    let per_photo = |seconds: f64| seconds / count as f64;
    Ok(Measured {
        per_second,
        claims: paced
            .iter()
            .map(|sent| Ok(job(sent)?.claimed - row(sent)?.created))
            .collect::<Result<_>>()?,
        claimed_late: late(|job| job.claimed),
        ended_late: late(|job| job.ended),
        lost: burst.iter().chain(&paced).filter(|sent| !has_result(sent)).count(),
        cpu: Cpu { api: per_photo(spent.api), workers: per_photo(spent.workers) },
        share,
        burst,
        paced,
    })
}

/// Waits until the service has done so many jobs in all.
async fn wait(service: &Service, jobs: usize) -> Result<()> {
    let start = Instant::now();
    while service.done()? < jobs {
        ensure!(start.elapsed() < PATIENCE, "{} of {jobs} jobs are done after {PATIENCE:?}", service.done()?);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

impl Measured {
    fn row(&self, stores: &str, setting: Setting) -> String {
        let both = |seconds: &[f64]| {
            format!("{:.1} ms, {:.1} ms", quantile(seconds, 0.5) * 1e3, quantile(seconds, 0.99) * 1e3)
        };
        let answers = |sent: &[Sent]| both(&sent.iter().map(Sent::seconds).collect::<Vec<_>>());
        format!(
            "| {stores} | {} | {:.1} | {:.1} + {:.1} ms | {:.0} % | {} | {} | {} | {:.0} %, {:.0} % | {} of {} |\n",
            setting.name(),
            self.per_second,
            self.cpu.api * 1e3,
            self.cpu.workers * 1e3,
            self.share * 100.0,
            answers(&self.burst),
            answers(&self.paced),
            both(&self.claims),
            self.claimed_late * 100.0,
            self.ended_late * 100.0,
            self.lost,
            self.burst.len() + self.paced.len(),
        )
    }
}
