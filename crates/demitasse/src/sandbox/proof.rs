//! The parent's side of the proof: children of its own that try what the sandbox stops.

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use super::attempt::{Attempt, STOPPED, THROUGH};
use super::system::NONE_BECAUSE;
use super::{Layer, Sandbox, SandboxMode, State, UNAVAILABLE};
use crate::failpoint;

/// What a trial may take; it takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the children of this process will be in, as `mode` wants it.
///
/// # Errors
/// It is required, and not all of it is in force: what is missing, and what to do.
pub(crate) async fn establish(program: &Path, mode: SandboxMode) -> Result<Sandbox, String> {
    if mode == SandboxMode::Off {
        return Ok(Sandbox::off("--sandbox off"));
    }
    let sandbox = prove(program).await;
    match mode == SandboxMode::Require && sandbox.state() != State::Full {
        true => Err(format!(
            "--sandbox require, and on this system it is {sandbox}. Run it where Landlock and seccomp can be had, or \
             start with --sandbox auto to do with less"
        )),
        false => Ok(sandbox),
    }
}

/// Finds the layers that this system has, each by itself, and tries to get through all of them together. `program` is
/// started for it, with the command `sandbox-proof`.
///
/// Cost: six children, three at a time: 27 ms of processor time (`docs/decisions/0020-sandbox.md`). Where the
/// kernel's audit is on, its log has a line for each of the three that a seccomp filter ends.
async fn prove(program: &Path) -> Sandbox {
    if let Some(why) = NONE_BECAUSE {
        return Sandbox::off(why);
    }
    let mut sandbox = Sandbox::default();
    let (limits, landlock, seccomp) = tokio::join!(
        tried(program, &[Layer::Limits], &[Attempt::Open]),
        tried(program, &[Layer::Landlock], &[Attempt::Open]),
        tried(program, &[Layer::Seccomp], &[Attempt::Socket]),
    );
    for (layer, tried) in Layer::ALL.into_iter().zip([limits, landlock, seccomp]) {
        match tried {
            Ok(note) => {
                sandbox.layers.push(layer);
                sandbox.notes.extend(Some(note).filter(|note| !note.is_empty()));
            }
            Err(why) => sandbox.gaps.push(why),
        }
    }
    if sandbox.layers.is_empty() {
        return sandbox;
    }
    let layers = &sandbox.layers;
    // The first is stopped by errors; each of the others may be the end of who tries it.
    let all = tokio::join!(
        tried(program, layers, &[Attempt::Inherit, Attempt::Open, Attempt::Thread]),
        tried(program, layers, &[Attempt::Exec]),
        tried(program, layers, &[Attempt::Fork]),
        async {
            // A filter was seen to stop it just now.
            if layers.contains(&Layer::Seccomp) {
                Ok(String::new())
            } else {
                tried(program, layers, &[Attempt::Socket]).await
            }
        },
    );
    let not_stopped = [all.0, all.1, all.2, all.3].into_iter().filter_map(Result::err);
    sandbox.gaps.extend(not_stopped);
    sandbox
}

/// What a child in `layers` says that tries `attempts`.
///
/// # Errors
/// It got through, or a layer cannot be had: which, and why.
async fn tried(program: &Path, layers: &[Layer], attempts: &[Attempt]) -> Result<String, String> {
    let mut command = Command::new(program);
    command.arg("sandbox-proof").env_clear();
    for layer in layers {
        command.args(["--layer", layer.name()]);
    }
    for attempt in attempts {
        command.args(["--attempt", attempt.name()]);
    }
    failpoint::pass_on(&mut command, "engine.child");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let names: Vec<_> = layers.iter().map(|layer| layer.name()).collect();
    match timeout(PATIENCE, command.output()).await {
        Ok(Ok(output)) => verdict(&output).map_err(|why| match why {
            Why::Through(attempt) => format!("not stopped by {}: {attempt}", names.join(", ")),
            Why::Unavailable(why) => why,
            Why::Unclear(how) => format!("{}: the child that tried it {how}", names.join(", ")),
        }),
        Ok(Err(error)) => Err(format!("{}: not tried ({error})", names.join(", "))),
        Err(_) => Err(format!("{}: not tried within {} seconds", names.join(", "), PATIENCE.as_secs())),
    }
}

/// Why something is not proven.
enum Why {
    /// This succeeded.
    Through(String),
    /// A layer is missing.
    Unavailable(String),
    /// This is how it ended instead.
    Unclear(String),
}

fn verdict(output: &Output) -> Result<String, Why> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    match output.status.code().map(u8::try_from) {
        Some(Ok(STOPPED)) => Ok(text(&output.stdout)),
        Some(Ok(THROUGH)) => Err(Why::Through(text(&output.stderr))),
        Some(Ok(UNAVAILABLE)) => Err(Why::Unavailable(text(&output.stderr))),
        // It became the other program, whose exit code this is.
        Some(Ok(0)) => Err(Why::Through(Attempt::Exec.name().into())),
        None if is_ended_by_filter(output) => Ok(text(&output.stdout)),
        _ => Err(Why::Unclear(format!("ended otherwise: {}; {}", output.status, text(&output.stderr)))),
    }
}

#[cfg(unix)]
fn is_ended_by_filter(output: &Output) -> bool {
    let signal = std::os::unix::process::ExitStatusExt::signal(&output.status);
    signal == Some(rustix::process::Signal::SYS.as_raw())
}

#[cfg(not(unix))]
fn is_ended_by_filter(_output: &Output) -> bool {
    false
}
