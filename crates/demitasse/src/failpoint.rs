//! Named points between the steps, where a test may kill the process or make the step fail. Without the feature
//! `failpoints` they are nothing.
//!
//! The environment variable `FAILPOINTS` arms them: `upload.stored=return(kill);blob.put=1*return(full)`.

use std::time::Duration;

/// Passes the point `name`.
///
/// `return(kill)` ends the process as `kill -9` does: no destructor, no flush. `pause` and the other actions of the
/// crate `fail` work as they are. Any other `return(word)` is given to the caller, who makes its step fail.
#[cfg(feature = "failpoints")]
pub(crate) fn hit(name: &str) -> Option<String> {
    let word = fail::eval(name, |word| word.unwrap_or_default())?;
    if word == "kill" {
        kill_this_process();
    }
    Some(word)
}

#[cfg(not(feature = "failpoints"))]
pub(crate) fn hit(_name: &str) -> Option<String> {
    None
}

/// A time that matters for safety; a test may name milliseconds instead, which nobody else may.
pub(crate) fn time(name: &str, as_it_is: Duration) -> Duration {
    hit(name).and_then(|word| word.parse().ok()).map_or(as_it_is, Duration::from_millis)
}

/// Arms in a child what is armed here under names that begin with `prefix`.
#[cfg(feature = "failpoints")]
pub(crate) fn pass_on(command: &mut tokio::process::Command, prefix: &str) {
    let armed = fail::list().into_iter().filter(|(name, _)| name.starts_with(prefix));
    let armed: Vec<_> = armed.map(|(name, actions)| format!("{name}={actions}")).collect();
    if !armed.is_empty() {
        command.env("FAILPOINTS", armed.join(";"));
    }
}

#[cfg(not(feature = "failpoints"))]
pub(crate) fn pass_on(_command: &mut tokio::process::Command, _prefix: &str) {}

/// Reads `FAILPOINTS`; what it arms stays armed while the guard lives.
#[cfg(feature = "failpoints")]
pub(crate) fn arm() -> fail::FailScenario<'static> {
    fail::FailScenario::setup()
}

#[cfg(all(feature = "failpoints", unix))]
fn kill_this_process() -> ! {
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).ok();
    std::process::abort()
}

#[cfg(all(feature = "failpoints", not(unix)))]
fn kill_this_process() -> ! {
    std::process::abort()
}
