//! Processor time of a job in the whole service, beside that of the engine alone on the same photos.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::cpu::{self, Cpu};
use super::load::Setting;
use super::{Scene, quantile};

/// Workers, and images that the engine alone has in work at a time.
const WORKERS: [usize; 2] = [1, 4];
/// The fixed setting is over soon: more photos make up for the coarse clock.
const TIMES_IF_FIXED: usize = 5;

/// As the service sets malloc for the engine in a child: what is compared is the service, not malloc.
const MALLOC: [(&str, &str); 2] = [
    ("MALLOC_ARENA_MAX", "1"),
    (
        "GLIBC_TUNABLES",
        "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=1073741824:glibc.malloc.trim_threshold=4294967296",
    ),
];

/// Milliseconds of one photo in one round.
struct Round {
    alone: f64,
    service: Cpu,
}

/// The table's rows. Each round measures both in turn, so that what else the machine does falls on both.
pub(super) async fn compare(scene: &mut Scene<'_>, rounds: u32) -> Result<String> {
    let mut table = String::new();
    for setting in Setting::ALL {
        for workers in WORKERS {
            let (service, client) = scene.start(workers).await?;
            let mut measured = Vec::new();
            for round in 0..rounds {
                let times = if setting == Setting::Fixed { TIMES_IF_FIXED } else { 1 };
                let photos = scene.photos(scene.originals.len() * times)?;
                let count = photos.len() as f64;
                let files = write(&scene.folder.join("alone"), &photos)?;
                let first = if round.is_multiple_of(2) {
                    Some(alone(scene, &files, setting, workers)?)
                } else {
                    None
                };
                let (before, done) = (service.cpu()?, service.done()? + photos.len());
                client.burst(setting, photos, 2).await?;
                super::wait(&service, done).await?;
                let spent = service.cpu()?.since(before);
                let alone = first.map_or_else(|| alone(scene, &files, setting, workers), Ok)?;
                let per_photo = |seconds: f64| seconds / count * 1e3;
                let service = Cpu { api: per_photo(spent.api), workers: per_photo(spent.workers) };
                measured.push(Round { alone: per_photo(alone), service });
                crate::say(&format!(
                    "cost: {}, {workers} workers, round {round}: alone {:.1} ms, service {:.1} ms",
                    setting.name(),
                    per_photo(alone),
                    service.total()
                ));
            }
            table.push_str(&row(setting, workers, &measured));
        }
    }
    Ok(table)
}

fn row(setting: Setting, workers: usize, rounds: &[Round]) -> String {
    let median = |value: fn(&Round) -> f64| quantile(&rounds.iter().map(value).collect::<Vec<_>>(), 0.5);
    format!(
        "| {} | {workers} | {:.1} ms | {:.1} ms | {:.1} ms | {:.1} ms | {:+.1} % |\n",
        setting.name(),
        median(|round| round.alone),
        median(|round| round.service.total()),
        median(|round| round.service.api),
        median(|round| round.service.workers),
        (median(|round| round.service.total() / round.alone) - 1.0) * 100.0,
    )
}

fn write(folder: &Path, photos: &[Vec<u8>]) -> Result<Vec<PathBuf>> {
    std::fs::create_dir_all(folder)?;
    let mut files = Vec::new();
    for (number, photo) in photos.iter().enumerate() {
        let file = folder.join(format!("{number}.jpg"));
        std::fs::write(&file, photo)?;
        files.push(file);
    }
    Ok(files)
}

/// Seconds of one `demitasse compress` over all files.
fn alone(scene: &Scene<'_>, files: &[PathBuf], setting: Setting, jobs: usize) -> Result<f64> {
    let mut command = Command::new(scene.binary);
    command.arg("compress").args(setting.options()).args([
        "--jobs",
        &jobs.to_string(),
        "--force",
        "--out-dir",
    ]);
    command.envs(MALLOC);
    command.arg(scene.folder.join("alone-out")).args(files).stdout(Stdio::null()).stderr(Stdio::null());
    let (seconds, status) = cpu::seconds_at_end(command.spawn().context("the engine cannot be started")?)?;
    ensure!(status.success(), "the engine alone ended with {status}");
    Ok(seconds)
}
