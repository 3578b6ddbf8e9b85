//! The layers, where they are known: Linux on x86-64 and arm64.

mod calls;
mod paths;

use std::io;

use rlimit::{Resource, setrlimit};
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use rustix::thread::set_no_new_privs;

use super::Layer;
use crate::failpoint;

/// Why there is none at all, if there is none at all.
pub(super) const NONE_BECAUSE: Option<&str> = None;

/// Standard input, output and error.
const DESCRIPTORS: u64 = 3;

/// Puts this process into `layers`, for good. `start_threads` starts the threads that it has beside the calling one, and
/// waits until they run: later there are none. Gives what the kernel says of Landlock.
///
/// # Errors
/// A layer cannot be had: which one, and why. What is in force then is not said; the process should end.
///
/// Cost: `docs/decisions/0020-sandbox.md`.
pub(crate) fn enter(layers: &[Layer], start_threads: impl FnOnce()) -> Result<Option<String>, String> {
    let mut note = None;
    if !layers.is_empty() {
        harden().map_err(|error| format!("no new privileges: {error}"))?;
    }
    // It holds the calling thread and what that starts, so it comes before the threads; it needs a descriptor.
    if layers.contains(&Layer::Landlock) {
        note = Some(unless_missing("engine.child.landlock", paths::close).map_err(named(Layer::Landlock))?);
    }
    start_threads();
    if layers.contains(&Layer::Limits) {
        let close = || close_doors().map_err(|error| error.to_string());
        unless_missing("engine.child.limits", close).map_err(named(Layer::Limits))?;
    }
    // It holds all threads, and it is the last because the layers before need calls that it stops.
    if layers.contains(&Layer::Seccomp) {
        unless_missing("engine.child.seccomp", calls::filter).map_err(named(Layer::Seccomp))?;
    }
    Ok(note)
}

/// No program that is started gains rights by its file, and no process of this user looks into ours.
fn harden() -> io::Result<()> {
    set_no_new_privs(true)?;
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

/// No descriptor beyond the three: whatever would give one (a file, a socket, a memory file) fails. No thread and no
/// process beyond those that there are; root is not held to that.
fn close_doors() -> io::Result<()> {
    setrlimit(Resource::NOFILE, DESCRIPTORS, DESCRIPTORS)?;
    setrlimit(Resource::NPROC, 0, 0)
}

fn named(layer: Layer) -> impl Fn(String) -> String {
    move |why| format!("{}: {why}", layer.name())
}

/// A test may make a layer one that this system has not.
fn unless_missing<T>(point: &str, layer: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    match failpoint::hit(point) {
        Some(_) => Err("missing, says a test".into()),
        None => layer(),
    }
}
