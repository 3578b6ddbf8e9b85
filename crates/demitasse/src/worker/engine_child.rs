//! The engine in child processes: a codec that crashes, spins or eats memory costs one attempt and nothing else.
//!
//! A child that has done an image well may be given another: to start a process and to get its memory from the system
//! takes a sixth of what a photo takes (`docs/decisions/0006-child-process.md`). It does a limited number of images, none
//! of them large, so that no child holds much memory, and it ends when it fails or has nothing to do. An image that a used
//! child fails on, or refuses, is tried in a new one: what came before it may be the cause.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use demitasse_core::{BlobBody, Sha256};
use demitasse_engine::{Limits, Request};
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::engine_process::{Allowance, EngineProcess};
use super::engine_wire::Order;
use crate::sandbox::Layer;

pub(crate) use super::engine_process::{EngineFault, Finished};

/// A larger image has a child of its own: 150 MB of memory (250 with alpha) stay with one that did smaller ones, in pieces
/// that a large image might not fit into.
const MAX_PIXELS: u64 = 6_000_000;

/// Children that may take less, in bytes, do one image each: pieces could make the difference.
const MIN_MEMORY: u64 = 1 << 30;

/// How long a child waits for its next image.
const MAX_IDLE: Duration = Duration::from_secs(2);

/// What an image is, as it was uploaded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InputImage {
    /// Of its bytes.
    pub(crate) sha256: Sha256,
    /// Length of the file.
    pub(crate) bytes: u64,
    /// Width times height, by its header.
    pub(crate) pixels: u64,
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
    idle: Arc<IdleChildren>,
}

impl EngineChild {
    /// `deadline` is the time for one image, `memory` the address space of one child, in bytes, and `sandbox` what a child
    /// is held to, or it does nothing. It does `max_images` at most, one after another.
    pub(crate) fn new(
        program: PathBuf,
        limits: Limits,
        deadline: Duration,
        memory: u64,
        sandbox: Vec<Layer>,
        max_images: u32,
    ) -> Self {
        let allowed = Allowance { max_bytes: limits.max_bytes, memory, deadline, sandbox };
        Self { program, limits, allowed, max_images, idle: Arc::default() }
    }

    /// This program, in a way that still works after its file was replaced.
    pub(crate) fn this_program() -> io::Result<PathBuf> {
        if cfg!(target_os = "linux") { Ok("/proc/self/exe".into()) } else { std::env::current_exe() }
    }

    /// Compresses `original`, whose bytes `body` gives; it is asked again for a second try, and both share the deadline.
    /// Dropping the future kills the child.
    pub(crate) async fn compress<'b, E: From<EngineFault>>(
        &self,
        request: Request,
        original: InputImage,
        body: &(dyn Fn() -> BoxFuture<'b, Result<BlobBody, E>> + Send + Sync),
    ) -> Result<Finished, E> {
        let began = Instant::now();
        let mut order = Order { request, limits: self.limits, deadline_ms: millis(self.allowed.deadline) };
        let mut input = body().await?;
        if self.may_share(original)
            && let Some(child) = self.idle.take()
        {
            match self.give(child, &order, original, input).await {
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
        Ok(self.give(child, &order, original, input).await?)
    }

    async fn give(
        &self,
        mut child: EngineProcess,
        order: &Order,
        original: InputImage,
        body: BlobBody,
    ) -> Result<Finished, EngineFault> {
        let finished = child.compress(order, original.bytes, body).await?;
        if finished.report.input.sha256 != original.sha256.to_string() {
            return Err(EngineFault::Crashed("the answer is of another image".into()));
        }
        if self.may_share(original) && child.images < self.max_images {
            IdleChildren::put(&self.idle, child);
        }
        Ok(finished)
    }

    /// Whether this image may be done by a child that did others, or will.
    fn may_share(&self, original: InputImage) -> bool {
        original.pixels <= MAX_PIXELS && self.allowed.memory >= MIN_MEMORY && may_be_used_again()
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

/// Children without work, and since when.
#[derive(Default)]
struct IdleChildren(Mutex<Vec<(Instant, EngineProcess)>>);

impl IdleChildren {
    /// The one that had work last: its memory is the warmest, and the others come to their end.
    fn take(&self) -> Option<EngineProcess> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().map(|(_, child)| child)
    }

    fn put(idle: &Arc<Self>, child: EngineProcess) {
        idle.0.lock().unwrap_or_else(PoisonError::into_inner).push((Instant::now(), child));
        let idle = Arc::downgrade(idle);
        tokio::spawn(async move {
            tokio::time::sleep(MAX_IDLE).await;
            if let Some(idle) = idle.upgrade() {
                let is_fresh = |since: &Instant| since.elapsed() < MAX_IDLE;
                idle.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|(since, _)| is_fresh(since));
            }
        });
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
