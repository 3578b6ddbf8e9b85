//! The child's side: `demitasse engine-child`. An order, its answer, and the next, until there is none.
//!
//! It limits itself and enters its sandbox before it reads the first byte, so that what a hostile image makes a codec do
//! ends at a limit, and what it makes it try is stopped.

use std::io::{self, Write};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use demitasse_core::Document;
use demitasse_engine::{Control, Header, Limits, Request, compress, inspect, memory_needed};

use super::engine_wire::{Answer, Order, read, write};
use crate::failpoint;
use crate::sandbox::{Layer, UNAVAILABLE, enter};

/// A tenth of the processor time that others get who want it at the same time (`sched(7)`).
#[cfg(unix)]
const NICENESS: i32 = 10;

/// Runs the child; `max_bytes` bounds an input, `memory` its address space in bytes, `cpu_seconds` its processor time for
/// an image, `sandbox` what it has to be held to.
pub(crate) fn run(max_bytes: u64, memory: u64, cpu_seconds: u64, sandbox: &[Layer]) -> ExitCode {
    // Before anything was decoded: what an image leaves behind is free for the next.
    let room = memory.saturating_sub(mapped().unwrap_or(0));
    go_first();
    let limited = limit_self(memory).map_err(|error| error.to_string());
    if let Err(why) = limited.and_then(|()| enter(sandbox, end_with_parent)) {
        // The parent puts it into its log.
        writeln!(io::stderr(), "demitasse: {why}").ok();
        return ExitCode::from(UNAVAILABLE);
    }
    match serve(max_bytes, room, cpu_seconds) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(2),
    }
}

/// `room` is the memory that the engine may take, in bytes, with the input's own.
fn serve(max_bytes: u64, room: u64, cpu_seconds: u64) -> io::Result<()> {
    loop {
        limit_processor_time(cpu_seconds)?;
        let Some((order, bytes)) = read::<Order>(io::stdin().lock(), max_bytes)? else { return Ok(()) };
        do_one(&order, &bytes, room)?;
    }
}

fn do_one(order: &Order, bytes: &[u8], room: u64) -> io::Result<()> {
    match failpoint::hit("engine.child").as_deref() {
        Some("abort") => std::process::abort(),
        Some("socket") => drop(std::net::UdpSocket::bind("127.0.0.1:0")),
        Some("spin") => thread::sleep(Duration::from_secs(3600)),
        _ => {}
    }
    let deadline = Instant::now() + Duration::from_millis(order.deadline_ms);
    let control = Control::new().with_deadline(deadline);
    let most = order.most.min(room.saturating_sub(bytes.len() as u64));
    if let Ok(header) = inspect(bytes, &order.limits) {
        let needed = memory_to_reserve(&header, &order.request).min(most);
        if needed > order.reserved {
            return write(io::stdout().lock(), &Answer::Short(needed), &[]);
        }
    }
    let limits =
        Limits { max_memory: Some(most), max_cpu_seconds: Some(order.processor_seconds()), ..order.limits };
    match compress(bytes, &order.request, &limits, &control) {
        Ok(done) => {
            write(io::stdout().lock(), &Answer::Done(Document::from_value(&done.report)?), &done.bytes)
        }
        Err(error) => write(io::stdout().lock(), &Answer::failed(&error), &[]),
    }
}

/// What [`compress`] may take, whichever way it goes: a file that could be recoded in a stream may need the picture after all.
pub(super) fn memory_to_reserve(header: &Header, request: &Request) -> u64 {
    memory_needed(&Header { sequential: false, ..*header }, request)
}

/// Where memory runs out for the whole system, Linux ends us rather than the service. That it could not be asked for changes
/// nothing else.
fn go_first() {
    if cfg!(target_os = "linux") {
        std::fs::write("/proc/self/oom_score_adj", "1000").ok();
    }
}

/// The program itself, in bytes of address space; `None` where the system does not tell.
fn mapped() -> Option<u64> {
    let sizes = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = sizes.split_whitespace().next()?.parse().ok()?;
    Some(pages * page_size())
}

#[cfg(unix)]
fn page_size() -> u64 {
    rustix::param::page_size() as u64
}

#[cfg(not(unix))]
fn page_size() -> u64 {
    4096
}

/// The parent holds our input open. When it dies, however it dies, or drops us, the input hangs up and so do we, whatever
/// is being done; what is left in the pipe is not waited for.
#[cfg(unix)]
fn end_with_parent() {
    use rustix::event::{PollFd, PollFlags, poll};
    let (up, is_up) = std::sync::mpsc::channel();
    thread::spawn(move || {
        up.send(()).ok();
        let input = io::stdin();
        // Nothing is asked for: what is reported are hang-ups and errors alone.
        let mut wanted = [PollFd::new(&input, PollFlags::empty())];
        while poll(&mut wanted, None) == Err(rustix::io::Errno::INTR) {}
        std::process::exit(0);
    });
    // What a C library does at a thread's start is over: the sandbox comes next, and stops some of it.
    is_up.recv().ok();
}

#[cfg(not(unix))]
fn end_with_parent() {}

#[cfg(unix)]
fn limit_self(memory: u64) -> io::Result<()> {
    use rlimit::{Resource, setrlimit};
    let lower = |resource: Resource, to: u64| {
        let (_, hard) = resource.get()?;
        setrlimit(resource, to.min(hard), to.min(hard))
    };
    lower(Resource::CORE, 0)?;
    lower(Resource::FSIZE, 0)?;
    yield_to_answers();
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
    lower(Resource::AS, memory)?;
    let _ = memory;
    Ok(())
}

/// So much more from now on; the system ends us if we take it.
#[cfg(unix)]
fn limit_processor_time(seconds: u64) -> io::Result<()> {
    use rlimit::{Resource, setrlimit};
    use rustix::time::{ClockId, clock_gettime};
    let spent = u64::try_from(clock_gettime(ClockId::ProcessCPUTime).tv_sec).unwrap_or(0);
    let (_, hard) = Resource::CPU.get()?;
    setrlimit(Resource::CPU, (spent + seconds).min(hard), hard)
}

#[cfg(not(unix))]
fn limit_processor_time(_seconds: u64) -> io::Result<()> {
    Ok(())
}

/// Uploads and lists are answered while images are compressed: they go first. That it could not be asked for changes
/// nothing else.
#[cfg(unix)]
fn yield_to_answers() {
    rustix::process::nice(NICENESS).ok();
}

#[cfg(not(unix))]
fn limit_self(_memory: u64) -> io::Result<()> {
    Ok(())
}
