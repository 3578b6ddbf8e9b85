//! The child's side: `demitasse engine-child`. One order, one answer, and away.
//!
//! It limits itself before it reads the first byte, so that what a hostile image makes a codec do ends at a limit.

use std::io;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use demitasse_core::Document;
use demitasse_engine::{Control, compress};

use super::engine_wire::{Answer, Order, read, write};
use crate::failpoint;

/// A tenth of the processor time that others get who want it at the same time (`sched(7)`).
#[cfg(unix)]
const NICENESS: i32 = 10;

/// Runs the child; `max_bytes` bounds its input, `memory` its address space in bytes, `cpu_seconds` its processor time.
pub(crate) fn run(max_bytes: u64, memory: u64, cpu_seconds: u64) -> ExitCode {
    match limit_self(memory, cpu_seconds).and_then(|()| serve_one(max_bytes)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(2),
    }
}

fn serve_one(max_bytes: u64) -> io::Result<()> {
    let (order, bytes): (Order, _) = read(io::stdin().lock(), max_bytes)?;
    die_with_parent();
    match failpoint::hit("engine.child").as_deref() {
        Some("abort") => std::process::abort(),
        Some("spin") => thread::sleep(Duration::from_secs(3600)),
        _ => {}
    }
    let deadline = Instant::now() + Duration::from_millis(order.deadline_ms);
    let control = Control::new().with_deadline(deadline);
    match compress(&bytes, &order.request, &order.limits, &control) {
        Ok(done) => {
            write(io::stdout().lock(), &Answer::Done(Document::from_value(&done.report)?), &done.bytes)
        }
        Err(error) => write(io::stdout().lock(), &Answer::failed(&error), &[]),
    }
}

/// The parent holds our input open; when it dies, however it dies, the input ends and so do we.
fn die_with_parent() {
    thread::spawn(|| {
        io::copy(&mut io::stdin().lock(), &mut io::sink()).ok();
        std::process::exit(3);
    });
}

#[cfg(unix)]
fn limit_self(memory: u64, cpu_seconds: u64) -> io::Result<()> {
    use rlimit::{Resource, setrlimit};
    let lower = |resource: Resource, to: u64| {
        let (_, hard) = resource.get()?;
        setrlimit(resource, to.min(hard), to.min(hard))
    };
    lower(Resource::CORE, 0)?;
    lower(Resource::FSIZE, 0)?;
    lower(Resource::CPU, cpu_seconds)?;
    yield_to_answers();
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
    lower(Resource::AS, memory)?;
    let _ = memory;
    Ok(())
}

/// Uploads and lists are answered while images are compressed: they go first. That it could not be asked for changes
/// nothing else.
#[cfg(unix)]
fn yield_to_answers() {
    rustix::process::nice(NICENESS).ok();
}

#[cfg(not(unix))]
fn limit_self(_memory: u64, _cpu_seconds: u64) -> io::Result<()> {
    Ok(())
}
