//! The engine in child processes: a codec that crashes, spins or eats memory costs one attempt and nothing else.
//!
//! A child that has done an image well may be given another: to start a process and to get its memory from the system
//! takes a tenth to a quarter of what a photo takes (`docs/decisions/0006-child-process.md`). It does a limited
//! number of images, none of them large, so that no child holds much memory, and it ends when it fails or has nothing to do.
//! An image that a used child fails on, or refuses, is tried in a new one: what came before it may be the cause.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use demitasse_core::{BlobBody, Sha256, StoredOriginal};
use demitasse_engine::{Format, Header, Limits, Request};
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::engine_main::memory_to_reserve;
use super::engine_process::{Allowance, EngineProcess, Given};
use super::engine_wire::Order;
use crate::memory::Admission;
use crate::sandbox::Layer;

pub(crate) use super::engine_process::{EngineFault, Finished};

/// A larger image has a child of its own: 150 MB of memory (250 with alpha) stay with one that did smaller ones, in pieces
/// that a large image might not fit into.
const MAX_PIXELS: u64 = 6_000_000;

/// Children that may take less, in bytes, do one image each: pieces could make the difference.
const MIN_MEMORY: u64 = 1 << 30;

/// How long a child waits for its next image.
const MAX_IDLE: Duration = Duration::from_secs(2);

/// Gives the bytes of an image, as often as it is asked.
pub(crate) type Body<'b, 'f, E> = dyn Fn() -> BoxFuture<'b, Result<BlobBody, E>> + Send + Sync + 'f;

/// What one child may take, and what it has to give up.
#[derive(Debug, Clone)]
pub(crate) struct EngineAllowance {
    /// Time for one image.
    pub(crate) deadline: Duration,
    /// Address space, in bytes.
    pub(crate) memory: u64,
    /// What it is held to, or it does nothing.
    pub(crate) sandbox: Vec<Layer>,
}

/// What an image is, as it was uploaded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InputImage {
    /// Of its bytes.
    pub(crate) sha256: Sha256,
    /// Length of the file.
    pub(crate) bytes: u64,
    /// What it can be at most, as far as is known without its bytes.
    pub(crate) header: Header,
}

impl InputImage {
    /// What the row tells of it; the rest is taken at its dearest, but for animation: the child says if there is one.
    pub(crate) fn of(original: &StoredOriginal) -> Self {
        let format = Format::ALL.into_iter().find(|format| format.media_type() == original.media_type);
        let format = format.unwrap_or(Format::Png);
        let can = format.capabilities();
        let header = Header {
            format,
            width: original.width,
            height: original.height,
            bits: if can.sixteen_bits { 16 } else { 8 },
            alpha: can.alpha,
            animated: false,
            sequential: false,
        };
        Self { sha256: original.sha256, bytes: original.bytes, header }
    }

    fn pixels(&self) -> u64 {
        u64::from(self.header.width) * u64::from(self.header.height)
    }
}

/// Gives images to children.
pub(crate) struct EngineChild {
    /// What to start; it takes the command `engine-child`.
    program: PathBuf,
    /// What an image may be.
    limits: Limits,
    /// What a child may take.
    allowed: Allowance,
    /// Images that one child does.
    max_images: u32,
    /// What all children may take together.
    admission: Arc<Admission>,
    idle: Arc<IdleChildren>,
}

impl EngineChild {
    /// `deadline` is the time for one image, `memory` the address space of one child, in bytes, and `sandbox` what a child
    /// is held to, or it does nothing. It does `max_images` at most, one after another. What they take together is asked
    /// of `admission`.
    pub(crate) fn new(
        program: PathBuf,
        limits: Limits,
        allowed: EngineAllowance,
        admission: Arc<Admission>,
        max_images: u32,
    ) -> Self {
        let EngineAllowance { deadline, memory, sandbox } = allowed;
        let allowed = Allowance { max_bytes: limits.max_bytes, memory, deadline, sandbox };
        Self { program, limits, allowed, max_images, admission, idle: Arc::default() }
    }

    /// This program, in a way that still works after its file was replaced.
    pub(crate) fn this_program() -> io::Result<PathBuf> {
        if cfg!(target_os = "linux") { Ok("/proc/self/exe".into()) } else { std::env::current_exe() }
    }

    /// Compresses `original`, whose bytes `body` gives; it is asked again for a second try. `attempt` is the number of the job's
    /// attempt, from 1: later ones plan with less time. Waits for memory first, and calls `begin` once when it has it; the
    /// deadline is for the time after that. Dropping the future kills the child.
    pub(crate) async fn compress<'b, E: From<EngineFault>>(
        &self,
        request: Request,
        attempt: u32,
        original: InputImage,
        body: &Body<'b, '_, E>,
        begin: impl FnOnce(),
    ) -> Result<Finished, E> {
        let most = self.admission.most_for_engine(original.bytes);
        let mut needed = memory_to_reserve(&original.header, &request).min(most);
        let mut begin = Some(begin);
        let mut asked = false;
        loop {
            let reserved = self.admission.reserve(needed, original.bytes).await;
            // Those that wait for an image keep memory, too.
            self.idle.fit_into(self.admission.free());
            if let Some(begin) = begin.take() {
                begin();
            }
            let deadline_ms = millis(self.allowed.deadline);
            let order = Order { request, limits: self.limits, deadline_ms, attempt, reserved: needed, most };
            match self.run(order, original, body, reserved.bytes()).await? {
                Given::Finished(finished) => return Ok(*finished),
                // The header says it all at once: who asks again has other reasons.
                Given::Short(_) if asked => {
                    return Err(EngineFault::Crashed("the child asks for more and more memory".into()).into());
                }
                Given::Short(more) => (needed, asked) = (more, true),
            }
        }
    }

    /// Gives the image to a child that has done others, or to a new one; both tries share the deadline.
    async fn run<'b, E: From<EngineFault>>(
        &self,
        mut order: Order,
        original: InputImage,
        body: &Body<'b, '_, E>,
        reserved: u64,
    ) -> Result<Given, E> {
        let began = Instant::now();
        let mut input = body().await?;
        if self.may_share(original)
            && let Some(child) = self.idle.take()
        {
            match self.give(child, &order, original, input, reserved).await {
                // What came before may be the cause, of a verdict too: a codec that finds no room often says something else.
                Err(fault @ (EngineFault::Crashed(_) | EngineFault::Refused { .. })) => {
                    tracing::info!(%fault, "a used engine child failed; its image is tried in a new one");
                    order.deadline_ms = millis(self.allowed.deadline.saturating_sub(began.elapsed()));
                    input = body().await?;
                }
                done => return Ok(done?),
            }
        }
        let child = EngineProcess::start(&self.program, &self.allowed)?;
        Ok(self.give(child, &order, original, input, reserved).await?)
    }

    async fn give(
        &self,
        mut child: EngineProcess,
        order: &Order,
        original: InputImage,
        body: BlobBody,
        reserved: u64,
    ) -> Result<Given, EngineFault> {
        child.keeps = child.keeps.max(reserved);
        let given = child.compress(order, original.bytes, body).await?;
        if let Given::Finished(finished) = &given
            && finished.report.input.sha256 != original.sha256.to_string()
        {
            return Err(EngineFault::Crashed("the answer is of another image".into()));
        }
        if self.may_share(original) && child.images < self.max_images {
            IdleChildren::put(&self.idle, child);
        }
        Ok(given)
    }

    /// Whether this image may be done by a child that did others, or will.
    fn may_share(&self, original: InputImage) -> bool {
        original.pixels() <= MAX_PIXELS && self.allowed.memory >= MIN_MEMORY && may_be_used_again()
    }
}

/// What a test arms in children is armed when they start.
fn may_be_used_again() -> bool {
    #[cfg(feature = "failpoints")]
    if fail::list().iter().any(|(name, _)| name.starts_with("engine.child")) {
        return false;
    }
    cfg!(unix)
}

/// Children without work.
#[derive(Default)]
struct IdleChildren(Mutex<Vec<IdleChild>>);

struct IdleChild {
    since: Instant,
    process: EngineProcess,
}

impl IdleChildren {
    /// The one that had work last: its memory is the warmest, and the others come to their end.
    fn take(&self) -> Option<EngineProcess> {
        self.all().pop().map(|child| child.process)
    }

    /// Ends those that keep more than `free` bytes together, the coldest first.
    fn fit_into(&self, free: u64) {
        let mut children = self.all();
        let mut kept: u64 = children.iter().map(|child| child.process.keeps).sum();
        children.retain(|child| {
            let ends = kept > free;
            if ends {
                kept -= child.process.keeps;
            }
            !ends
        });
    }

    fn put(idle: &Arc<Self>, process: EngineProcess) {
        idle.all().push(IdleChild { since: Instant::now(), process });
        let idle = Arc::downgrade(idle);
        tokio::spawn(async move {
            tokio::time::sleep(MAX_IDLE).await;
            if let Some(idle) = idle.upgrade() {
                idle.all().retain(|child| child.since.elapsed() < MAX_IDLE);
            }
        });
    }

    fn all(&self) -> MutexGuard<'_, Vec<IdleChild>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
