//! More than comes on a good day: many uploads, and more than can be done. `client` uploads and looks, `soak` is about memory,
//! `overload` about what those are told who come too many.

mod client;
mod overload;
mod soak;

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result};

use crate::check_corpus::release_binary;
use crate::server::Server;

pub(crate) use overload::Args as OverloadArgs;
pub(crate) use soak::Args as SoakArgs;

/// Which program is tried, and with which pictures.
#[derive(Debug, Clone, clap::Args)]
struct Common {
    /// The binary [default: the release build, built first]
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,

    /// Which pictures: the same number makes the same ones
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Where to build
    #[arg(long, env = "CARGO_TARGET_DIR", default_value = "target", hide = true)]
    target: PathBuf,
}

impl Common {
    fn binary(&self) -> Result<PathBuf> {
        self.binary.clone().map_or_else(|| release_binary(&self.target), Ok)
    }
}

pub(crate) fn soak(args: &SoakArgs) -> Result<ExitCode> {
    tokio::runtime::Runtime::new()?.block_on(soak::run(args))
}

pub(crate) fn overload(args: &OverloadArgs) -> Result<ExitCode> {
    tokio::runtime::Runtime::new()?.block_on(overload::run(args))
}

/// A service of its own, on embedded parts, with a log that says what goes wrong.
fn start(binary: &Path, data: &Path, flags: &[&str]) -> Result<Server> {
    let mut command = Command::new(binary);
    command.args(["serve", "--listen", "127.0.0.1:0", "--log", "warn", "--data"]).arg(data).args(flags);
    Server::start(command.stderr(Stdio::inherit()))
}

/// What a process has in memory (`proc_pid_status(5)`).
struct Resident {
    /// All of it (`VmRSS`), in bytes.
    all: f64,
    /// Without pages of files, such as the program's own code (`RssAnon`), in bytes.
    anonymous: f64,
}

impl Resident {
    fn of(pid: u32) -> Result<Self> {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let bytes = |name: &str| -> Result<f64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).context("no such line")?;
            let kibibytes: f64 = line.trim_matches([':', '\t', ' ']).trim_end_matches(" kB").parse()?;
            Ok(kibibytes * 1024.0)
        };
        Ok(Self { all: bytes("VmRSS")?, anonymous: bytes("RssAnon")? })
    }
}

impl fmt::Display for Resident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} MB, {:.1} of it anonymous", self.all / 1e6, self.anonymous / 1e6)
    }
}
