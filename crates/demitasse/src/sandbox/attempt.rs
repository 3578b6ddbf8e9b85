//! What is tried to see whether it is stopped: the child's side of the proof.

use std::io::Read;
use std::process::Command;
use std::{fs, io, net, thread};

use clap::ValueEnum;

use super::{Layer, UNAVAILABLE, enter};

/// Exit code: everything that was tried was stopped, by an error.
pub(super) const STOPPED: u8 = 42;

/// Exit code: something got through; standard error names it.
pub(super) const THROUGH: u8 = 43;

/// Something that no codec has to do. Without a sandbox each succeeds wherever the program itself could be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Attempt {
    /// To read from a descriptor that was open before, as one that the parent left open would be.
    Inherit,
    /// To open a file, its own program.
    Open,
    /// To start a thread.
    Thread,
    /// To have a socket.
    Socket,
    /// To become another program.
    Exec,
    /// To start another program.
    Fork,
}

impl Attempt {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Inherit => "inherit",
            Self::Open => "open",
            Self::Thread => "thread",
            Self::Socket => "socket",
            Self::Exec => "exec",
            Self::Fork => "fork",
        }
    }

    /// Whether it got through, or how it was stopped. May not return: where the kernel ends us for it, or where it
    /// became another program.
    fn succeeds(self, open_before: Option<&fs::File>) -> io::Result<()> {
        match self {
            Self::Inherit => open_before.ok_or(io::ErrorKind::NotFound)?.read_exact(&mut [0]),
            Self::Open => fs::File::open(THIS_PROGRAM).map(drop),
            Self::Thread => thread::Builder::new()
                .spawn(|| {})
                .and_then(|thread| thread.join().map_err(|_| io::Error::other(""))),
            Self::Socket => net::UdpSocket::bind("127.0.0.1:0").map(drop),
            Self::Exec => Err(become_another()),
            Self::Fork => harmless().spawn().and_then(|mut child| child.wait()).map(drop),
        }
    }
}

/// The one file that is there for certain.
const THIS_PROGRAM: &str = "/proc/self/exe";

/// Enters `layers`, tries `attempts` in their order, and says by the exit code what came of it. What the kernel says of a
/// layer goes to `say`, what went wrong to `complain`.
pub(crate) fn attempt(
    layers: &[Layer],
    attempts: &[Attempt],
    mut say: impl FnMut(&str),
    mut complain: impl FnMut(&str),
) -> u8 {
    let open_before = fs::File::open(THIS_PROGRAM).ok();
    match enter(layers, || {}) {
        Ok(note) => note.iter().for_each(|note| say(note)),
        Err(why) => {
            complain(&why);
            return UNAVAILABLE;
        }
    }
    match attempts.iter().find(|attempt| attempt.succeeds(open_before.as_ref()).is_ok()) {
        None => STOPPED,
        Some(attempt) => {
            complain(attempt.name());
            THROUGH
        }
    }
}

/// A program that does nothing.
fn harmless() -> Command {
    let mut command = Command::new(THIS_PROGRAM);
    // Nothing is opened for it: that would be stopped first.
    command.arg("--version");
    command
}

/// Returns only if it was stopped.
#[cfg(unix)]
fn become_another() -> io::Error {
    // Its exit code is none of ours, so that it counts as having got through.
    std::os::unix::process::CommandExt::exec(Command::new(THIS_PROGRAM).arg("--version"))
}

#[cfg(not(unix))]
fn become_another() -> io::Error {
    io::ErrorKind::Unsupported.into()
}
