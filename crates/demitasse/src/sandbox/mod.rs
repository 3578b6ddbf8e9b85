//! What the engine's child gives up before it reads its first byte, and the proof that the kernel holds it to that.
//!
//! Half of the codecs are C and C++, and images are hostile. A codec that is taken over should find nothing: no files, no
//! network, no other program, no process to talk to but its parent, and that by two pipes.
//!
//! | layer | takes away |
//! |---|---|
//! | `limits` | new descriptors, threads and processes; core files (`setrlimit`) |
//! | `landlock` | every path (Linux 5.13), and as newer kernels know them TCP, UDP, signals and sockets out of the process |
//! | `seccomp` | every system call that no codec makes (x86-64 and arm64) |
//!
//! Each is enough for most of what the others stop, so that a defect in one is not yet a way out. [`enter`] is the child's
//! side. [`establish`] is the parent's: children try what is forbidden, and what came of it is what `/readyz`, `doctor` and the
//! log say. A child that cannot have each layer that was proven does no image. Limits on memory, processor time and
//! written files are not part of this: children have those anywhere, always (`worker/engine_main.rs`).
//!
//! Why it is as it is, and what it costs: `docs/decisions/0020-sandbox.md`.

mod attempt;
mod proof;
mod status;

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
mod elsewhere;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod linux;

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
use elsewhere as system;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
use linux as system;

use clap::ValueEnum;

pub(crate) use attempt::{Attempt, attempt};
pub(crate) use proof::establish;
pub(crate) use status::{Sandbox, State};
pub(crate) use system::enter;

/// How much the sandbox matters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum SandboxMode {
    /// Without all of it, nothing starts.
    Require,
    /// As much as the system has, with a warning about what it has not.
    #[default]
    Auto,
    /// None of it; what there is to do then is a question for who looks for a defect.
    Off,
}

/// One of the things that are taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Layer {
    /// New descriptors, threads and processes, by resource limits.
    Limits,
    /// Paths and sockets, by rights.
    Landlock,
    /// System calls.
    Seccomp,
}

impl Layer {
    /// In the order in which they are told.
    pub(crate) const ALL: [Self; 3] = [Self::Limits, Self::Landlock, Self::Seccomp];

    /// Its name on command lines and in answers.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Limits => "limits",
            Self::Landlock => "landlock",
            Self::Seccomp => "seccomp",
        }
    }
}

/// Exit code of a child that cannot have a layer.
pub(crate) const UNAVAILABLE: u8 = 3;
