//! One child process: it is started, given images one at a time, and asked what went wrong.

use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use demitasse_core::{BlobBody, ErrorKind, StoreError};
use demitasse_engine::Report;
use futures_util::TryStreamExt;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use super::engine_wire::{Answer, MAX_HEAD, Order, preamble};
use crate::failpoint;
use crate::sandbox::{Layer, UNAVAILABLE};

/// Smaller bytes and their receipt.
pub(crate) struct Finished {
    pub(crate) bytes: Bytes,
    pub(crate) report: Report,
    /// Since it was sent.
    pub(crate) took: Duration,
}

/// What a child makes of an image.
pub(super) enum Given {
    /// All of it.
    Finished(Box<Finished>),
    /// Nothing: so many bytes of memory are needed, and fewer were reserved.
    Short(u64),
}

/// Why a child brought nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EngineFault {
    /// The engine's own verdict on the image or the request.
    #[error("{detail}")]
    Refused { code: String, detail: String },
    /// It took too long.
    #[error("the deadline of {0:?} passed")]
    Deadline(Duration),
    /// It died, or spoke nonsense.
    #[error("{0}")]
    Crashed(String),
    /// It could not be started.
    #[error("the child process could not be started: {0}")]
    Start(io::Error),
    /// The image could not be read.
    #[error(transparent)]
    Input(#[from] StoreError),
}

/// How much of a child's complaints is kept.
const COMPLAINTS: u64 = 4096;

/// What a child may take beyond the engine's own deadline, to read and write.
const MARGIN: Duration = Duration::from_secs(5);

/// How glibc's malloc serves the child (others ignore it). One arena, because each reserves
/// address space, which is limited. What is freed is kept for the next step rather than given back page by page, in
/// pages of 2 MB where the system has them: a third of a photo's time was page faults
/// (`docs/decisions/0006-child-process.md`).
const MALLOC: [(&str, &str); 2] = [
    ("MALLOC_ARENA_MAX", "1"),
    (
        "GLIBC_TUNABLES",
        "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=1073741824:glibc.malloc.trim_threshold=4294967296",
    ),
];

/// A child, ready for an image. Dropped, it is killed.
pub(super) struct EngineProcess {
    child: Child,
    /// Its end tells the child to end.
    input: Option<ChildStdin>,
    output: ChildStdout,
    /// Images that it was given.
    pub(super) images: u32,
    /// The most that was reserved for one of them, in bytes: it keeps no more while it waits.
    pub(super) keeps: u64,
}

/// What a child may take, and what it has to give up.
#[derive(Debug, Clone)]
pub(super) struct Allowance {
    /// Largest input, in bytes.
    pub(super) max_bytes: u64,
    /// Address space, in bytes.
    pub(super) memory: u64,
    /// Time for one image.
    pub(super) deadline: Duration,
    /// What it is held to; it ends if it cannot be.
    pub(super) sandbox: Vec<Layer>,
}

impl EngineProcess {
    /// Starts `program`.
    pub(super) fn start(program: &Path, allowed: &Allowance) -> Result<Self, EngineFault> {
        let mut child = command(program, allowed).spawn().map_err(EngineFault::Start)?;
        if failpoint::hit("engine.spawned").is_some() {
            child.start_kill().ok();
        }
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (input, output) = pipes.ok_or_else(|| EngineFault::Start(io::ErrorKind::BrokenPipe.into()))?;
        Ok(Self { child, input: Some(input), output, images: 0, keeps: 0 })
    }

    /// Compresses `length` bytes of `body` as `order` says. After an error the child is of no use any more.
    pub(super) async fn compress(
        &mut self,
        order: &Order,
        length: u64,
        body: BlobBody,
    ) -> Result<Given, EngineFault> {
        self.images += 1;
        let began = Instant::now();
        let deadline = Duration::from_millis(order.deadline_ms);
        match timeout(deadline + MARGIN, self.talk(order, length, body)).await {
            Err(_) => Err(EngineFault::Deadline(deadline)),
            Ok(Talk::Answered(Answer::Done(report), bytes)) => {
                finish(report, bytes, began.elapsed()).map(|done| Given::Finished(Box::new(done)))
            }
            // What is reserved already would do, or nothing would.
            Ok(Talk::Answered(Answer::Short(needed), _))
                if needed > order.reserved && needed <= order.most =>
            {
                Ok(Given::Short(needed))
            }
            Ok(Talk::Answered(Answer::Short(_), _)) => {
                Err(EngineFault::Crashed("the child asks for memory that it cannot have".into()))
            }
            Ok(Talk::Answered(Answer::Failed { code, .. }, _)) if code == "deadline_exceeded" => {
                Err(EngineFault::Deadline(deadline))
            }
            Ok(Talk::Answered(Answer::Failed { code, detail }, _)) => {
                Err(EngineFault::Refused { code, detail })
            }
            Ok(Talk::NoInput(error)) => Err(EngineFault::Input(error)),
            Ok(Talk::Broken(error)) => Err(EngineFault::Crashed(self.post_mortem(&error).await)),
        }
    }

    async fn talk(&mut self, order: &Order, length: u64, body: BlobBody) -> Talk {
        let Some(input) = &mut self.input else { return Talk::Broken(io::ErrorKind::BrokenPipe.into()) };
        // That it could not be sent is no answer yet: the child may have answered before it read everything.
        if let Ok(Some(error)) = send(input, order, length, body).await {
            return Talk::NoInput(error);
        }
        // The engine's output is never larger than its input.
        match receive(&mut self.output, length).await {
            Ok((answer, bytes)) => Talk::Answered(answer, bytes),
            Err(error) => Talk::Broken(error),
        }
    }

    /// How the child ended, for the log and in words for people; it gets a moment to end by itself.
    async fn post_mortem(&mut self, error: &io::Error) -> String {
        drop(self.input.take());
        let status = timeout(MARGIN, self.child.wait()).await;
        let mut complaints = Vec::new();
        if let Some(stderr) = self.child.stderr.take() {
            timeout(MARGIN, stderr.take(COMPLAINTS).read_to_end(&mut complaints)).await.ok();
        }
        let complaints = String::from_utf8_lossy(&complaints);
        let ended = match status {
            Ok(Ok(status)) => describe(status),
            _ => "did not end".into(),
        };
        tracing::warn!(ended, %error, stderr = complaints.trim(), "an engine child failed");
        if complaints.contains("memory allocation") {
            return "it needed more memory than one job may have".into();
        }
        format!("the process that compresses images {ended}")
    }
}

fn command(program: &Path, allowed: &Allowance) -> Command {
    let cpu_seconds = (allowed.deadline + MARGIN).as_secs() * 2;
    let mut command = Command::new(program);
    command
        .arg("engine-child")
        .args(["--max-bytes", &allowed.max_bytes.to_string()])
        .args(["--memory", &allowed.memory.to_string()])
        .args(["--cpu-seconds", &cpu_seconds.to_string()])
        // Nothing of ours is its business, the API key least of all.
        .env_clear()
        .envs(MALLOC)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    for layer in &allowed.sandbox {
        command.args(["--layer", layer.name()]);
    }
    failpoint::pass_on(&mut command, "engine.child");
    command
}

enum Talk {
    Answered(Answer, Vec<u8>),
    NoInput(StoreError),
    Broken(io::Error),
}

async fn send(
    input: &mut ChildStdin,
    order: &Order,
    length: u64,
    mut body: BlobBody,
) -> io::Result<Option<StoreError>> {
    input.write_all(&preamble(order, length)?).await?;
    let mut left = length;
    loop {
        match body.try_next().await {
            Ok(Some(piece)) => {
                // More than was announced would be read as the next order.
                let Some(rest) = left.checked_sub(piece.len() as u64) else {
                    return Ok(Some(other_length()));
                };
                left = rest;
                input.write_all(&piece).await?;
            }
            Ok(None) if left > 0 => return Ok(Some(other_length())),
            Ok(None) => break,
            Err(error) => return Ok(Some(error)),
        }
    }
    input.flush().await?;
    Ok(None)
}

fn other_length() -> StoreError {
    let error = StoreError::new(ErrorKind::Internal, "application", "original");
    error.because("the store gives another number of bytes than was uploaded")
}

pub(super) async fn receive(
    mut output: impl AsyncRead + Unpin,
    max_bytes: u64,
) -> io::Result<(Answer, Vec<u8>)> {
    let head = output.read_u32_le().await?;
    if head > MAX_HEAD {
        return Err(io::Error::other("the child's report is too long"));
    }
    let mut json = vec![0; head as usize];
    output.read_exact(&mut json).await?;
    let length = output.read_u64_le().await?;
    if length > max_bytes {
        return Err(io::Error::other("the child's output is larger than its input"));
    }
    let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    output.read_exact(&mut bytes).await?;
    Ok((serde_json::from_slice(&json)?, bytes))
}

/// The report must be the receipt of exactly these bytes.
pub(super) fn finish(
    report: demitasse_core::Document,
    bytes: Vec<u8>,
    took: Duration,
) -> Result<Finished, EngineFault> {
    let report: Report =
        report.read().map_err(|error| EngineFault::Crashed(format!("unreadable report: {error}")))?;
    if report.output.sha256 != demitasse_core::Sha256::of(&bytes).to_string() {
        return Err(EngineFault::Crashed("the report is of other bytes".into()));
    }
    Ok(Finished { bytes: bytes.into(), report, took })
}

fn describe(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return match signal == rustix::process::Signal::SYS.as_raw() {
            true => "was ended by its sandbox, for it tried what no codec has to do".into(),
            false => format!("was ended by signal {signal}"),
        };
    }
    match status.code() {
        Some(code) if code == i32::from(UNAVAILABLE) => "could not be put into its sandbox".into(),
        Some(code) => format!("ended with code {code}"),
        None => "ended".into(),
    }
}
