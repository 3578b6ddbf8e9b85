//! `demitasse doctor`: tries everything that `serve` needs, for real, and says what to do about what is missing.

use std::io::{self, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use bytes::Bytes;
use demitasse_backends::connect;
use demitasse_core::{BlobBody, ErrorKind, Sha256, StoredOriginal};
use demitasse_engine::Request;
use futures_util::future::BoxFuture;
use futures_util::stream;

use crate::config::{Command, Config, ServeArgs};
use crate::disk::{Disks, Room};
use crate::memory::Admission;
use crate::sandbox::{self, Layer};
use crate::worker::{EngineAllowance, EngineChild, EngineFault, InputImage};

/// Less free space than this is a failure, in bytes.
const LEAST_FREE: u64 = 200_000_000;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    serve: ServeArgs,
}

/// What came of one check.
struct Finding {
    name: &'static str,
    /// What was found, or what is wrong and what to do.
    outcome: Result<String, String>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    #[cfg(feature = "failpoints")]
    let _armed = crate::failpoint::arm();
    let runtime = tokio::runtime::Runtime::new()?;
    let mut findings = vec![versions()];
    match args.serve.clone().resolve(Command::Serve) {
        Ok(config) => runtime.block_on(examine(&config, &mut findings)),
        Err(problems) => findings.extend(
            problems.into_iter().map(|problem| Finding { name: "configuration", outcome: Err(problem) }),
        ),
    }
    let failed = findings.iter().filter(|finding| finding.outcome.is_err()).count();
    print(&findings)?;
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(super::SETUP) })
}

async fn examine(config: &Config, findings: &mut Vec<Finding>) {
    findings.push(data_directory(&config.data));
    findings.extend(free_space(config));
    findings.push(memory(config));
    findings.extend(stores(config).await);
    let (sandbox, layers) = sandbox(config).await;
    findings.push(sandbox);
    findings.push(engine(config, layers).await);
    findings.push(address(config));
}

fn versions() -> Finding {
    let found = format!("demitasse {}, {}", env!("CARGO_PKG_VERSION"), demitasse_engine::VERSION);
    Finding { name: "version", outcome: Ok(found) }
}

fn data_directory(data: &Path) -> Finding {
    let tried = std::fs::create_dir_all(data).and_then(|()| tempfile::tempfile_in(data));
    let outcome = match tried {
        Ok(_) => Ok(format!("{} can be written", data.display())),
        Err(error) => Err(format!(
            "{} cannot be written ({error}): create it for this user, or name another with --data",
            data.display()
        )),
    };
    Finding { name: "data directory", outcome }
}

/// One finding for each disk, by a directory on it.
fn free_space(config: &Config) -> Vec<Finding> {
    let disks = Disks::new(config.space.disks.clone(), config.space.min_free);
    let rooms = disks.rooms();
    if rooms.is_empty() {
        return vec![Finding { name: "disk space", outcome: Ok("not known on this system".into()) }];
    }
    let outcome = |room: Room| {
        let found = format!("{} MB free for {}", room.free / 1_000_000, room.dir.display());
        if room.is_low() {
            let least = room.least / 1_000_000;
            return Err(format!(
                "{found}, and uploads are refused below {least} MB: make room, lower --min-free-disk, or name a \
                 directory on another disk"
            ));
        }
        if room.free < LEAST_FREE {
            Err(format!("{found}: make room, or name a directory on another disk"))
        } else {
            Ok(found)
        }
    };
    rooms.into_iter().map(|room| Finding { name: "disk space", outcome: outcome(room) }).collect()
}

/// What the jobs have together, beside what one may have.
fn memory(config: &Config) -> Finding {
    let one = config.worker.memory / 1_000_000;
    let found = match config.worker.memory_budget {
        Some(budget) => {
            let all = budget / 1_000_000;
            format!(
                "{all} MB for all jobs together (--memory-budget), and {one} MB for one at most (--memory)"
            )
        }
        None => format!("{one} MB for a job at most; how much there is is not known: see --memory-budget"),
    };
    Finding { name: "memory", outcome: Ok(found) }
}

async fn stores(config: &Config) -> Vec<Finding> {
    let backends = match connect(&config.urls).await {
        Ok(backends) => backends,
        Err(error) => return vec![Finding { name: "stores", outcome: Err(error.to_string()) }],
    };
    let none = String::new();
    let bridge = config.urls.original.as_ref().map_or(&none, |original| &original.redis);
    let tried = backends.examine().await.into_iter();
    tried
        .map(|check| {
            let (name, url) = match check.port {
                demitasse_backends::Port::Metadata => ("metadata", &config.urls.metadata),
                demitasse_backends::Port::Queue => ("queue", &config.urls.queue),
                demitasse_backends::Port::Events => ("events", &config.urls.events),
                demitasse_backends::Port::Storage => ("blobs", &config.urls.storage),
                demitasse_backends::Port::Original => ("bridge", bridge),
            };
            let outcome = match check.error {
                None => Ok(format!("{} works", without_password(url))),
                Some(error) => {
                    let cause =
                        error.source.as_ref().map(|source| format!(" ({source})")).unwrap_or_default();
                    let remedy = match error.kind {
                        ErrorKind::Damaged => {
                            "pages of it are broken: stop, look at the disk, and restore a backup"
                        }
                        _ => "check that it runs and may be used, and its disk",
                    };
                    Err(format!("{}: {error}{cause}; {remedy}", without_password(url)))
                }
            };
            Finding { name, outcome }
        })
        .collect()
}

/// `scheme://user:password@host` without what stands before the `@`.
fn without_password(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://{host}"),
        _ => url.into(),
    }
}

/// What is in force; a failure only where it is required.
async fn sandbox(config: &Config) -> (Finding, Vec<Layer>) {
    let (outcome, layers) = match EngineChild::this_program() {
        Ok(program) => match sandbox::establish(&program, config.worker.sandbox).await {
            Ok(sandbox) => (Ok(sandbox.to_string()), sandbox.layers),
            Err(refusal) => (Err(refusal), Vec::new()),
        },
        Err(error) => (Err(format!("this program's own file cannot be found ({error})")), Vec::new()),
    };
    (Finding { name: "sandbox", outcome }, layers)
}

async fn engine(config: &Config, sandbox: Vec<Layer>) -> Finding {
    let outcome = match EngineChild::this_program() {
        Ok(program) => compress_a_dot(config, program, sandbox).await,
        Err(error) => Err(format!("this program's own file cannot be found ({error})")),
    };
    Finding { name: "engine", outcome }
}

async fn compress_a_dot(
    config: &Config,
    program: std::path::PathBuf,
    sandbox: Vec<Layer>,
) -> Result<String, String> {
    let (deadline, memory) = (config.worker.deadline, config.worker.memory);
    let allowed = EngineAllowance { deadline, memory, sandbox };
    let admission = Arc::new(Admission::new(config.worker.memory_budget));
    let child = EngineChild::new(program, config.limits, allowed, admission, 1);
    let image = Bytes::from(gradient());
    let length = image.len() as u64;
    let original = InputImage::of(&StoredOriginal {
        sha256: Sha256::of(&image),
        bytes: length,
        media_type: "image/bmp".into(),
        width: 16,
        height: 16,
    });
    let body = || -> BoxFuture<'_, Result<BlobBody, EngineFault>> {
        let body: BlobBody = Box::pin(stream::iter([Ok(image.clone())]));
        Box::pin(async { Ok(body) })
    };
    match child.compress(Request::default(), 1, original, &body, || ()).await {
        Ok(done) => Ok(format!("a child process made {} bytes of {length}", done.bytes.len())),
        Err(error) => {
            Err(format!("a test image could not be compressed: {error}; see --memory and --deadline"))
        }
    }
}

/// A BMP of 16 x 16 pixels: the one format that needs no encoder.
fn gradient() -> Vec<u8> {
    let mut bytes = b"BM\x36\x03\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x10\0\0\0\x10\0\0\0\x01\0\x18\0".to_vec();
    bytes.resize(54, 0);
    for y in 0..16u8 {
        bytes.extend((0..16u8).flat_map(|x| [x * 16, y * 16, 128]));
    }
    bytes
}

fn address(config: &Config) -> Finding {
    let listen = config.http.listen;
    let outcome = match TcpListener::bind(listen) {
        Ok(_) => Ok(format!("{listen} is free")),
        Err(error) => Err(format!(
            "{listen} cannot be listened on ({error}): stop the program that has it, or choose another with --listen"
        )),
    };
    Finding { name: "address", outcome }
}

fn print(findings: &[Finding]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for Finding { name, outcome } in findings {
        match outcome {
            Ok(found) => writeln!(out, "ok    {name:<15} {found}")?,
            Err(advice) => writeln!(out, "FAIL  {name:<15} {advice}")?,
        }
    }
    Ok(())
}
