//! Runs a target and tells what became of it.
//!
//! The engine takes a panic in a codec's library for an error of that image, so one is no finding here. One in our own code, or in
//! a target, is, also where the engine would have caught it.

use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;

use cpu_time::ThreadTime;

use crate::targets::Target;

/// Processor time that one input may take. `make fuzz` looks; a test that measures would fail on a busy machine.
pub const MAX_TIME: Duration = Duration::from_secs(2);

/// What panicked since the last look.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Panics {
    ours: Option<String>,
    in_libraries: Option<String>,
}

static PANICS: Mutex<Panics> = Mutex::new(Panics { ours: None, in_libraries: None });

/// One target at a time in a process, because its panics may come from any thread.
static RUNNING: Mutex<()> = Mutex::new(());

/// Runs a target on one input; the processor time that it took.
///
/// # Errors
/// A finding, for people: what panicked in our code, or was not caught.
pub fn run(target: &Target, input: &[u8]) -> Result<Duration, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| set_hook(Box::new(note)));
    let _running = lock(&RUNNING);
    *lock(&PANICS) = Panics::default();
    let began = ThreadTime::now();
    let done = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    let took = began.elapsed();
    let panics = lock(&PANICS).clone();
    if let Some(ours) = panics.ours {
        return Err(ours);
    }
    if done.is_err() {
        return Err(format!("not caught: {}", panics.in_libraries.unwrap_or_default()));
    }
    Ok(took)
}

/// Whether a library panicked since the target began: what is said then of a codec that failed is no finding.
pub fn a_library_panicked() -> bool {
    lock(&PANICS).in_libraries.is_some()
}

fn note(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let text = format!("{place}: {}", panic.payload_as_str().unwrap_or("no message"));
    let mut panics = lock(&PANICS);
    let noted = if is_library(&place) { &mut panics.in_libraries } else { &mut panics.ours };
    noted.get_or_insert(text);
}

/// Whether a source file belongs to a crate that was downloaded, not to this workspace or the standard library.
fn is_library(place: &str) -> bool {
    place.contains("/registry/src/") || place.contains("\\registry\\src\\")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(run: fn(&[u8])) -> Target {
        Target { name: "a target", run, seeds: Vec::new, runs: 0 }
    }

    #[test]
    fn a_panic_of_ours_is_a_finding_even_where_it_is_caught() {
        assert!(run(&target(|_| {}), b"").is_ok());
        let found = run(&target(|bytes| assert!(bytes.is_empty(), "not empty")), b"a").unwrap_err();
        assert!(found.ends_with("not empty"), "{found}");
        let caught = target(|bytes| drop(catch_unwind(|| bytes[usize::MAX])));
        assert!(run(&caught, b"a").unwrap_err().contains("index out of bounds"));
        assert!(run(&target(|_| {}), b"").is_ok(), "the next one begins anew");
    }

    #[test]
    fn a_panic_in_a_library_is_a_finding_only_where_nobody_catches_it() {
        assert!(is_library("/home/ada/.cargo/registry/src/index-0123/tiff-0.11.3/src/lib.rs:7:9"));
        assert!(!is_library("crates/demitasse-engine/src/lib.rs:7:9"));
    }
}
