//! Measures what bombs cost: `bombs` runs the engine on each in a process of its own, and prints a table.
//!
//! The time is the processor time of `inspect` and `compress`, the memory how far resident memory rises above what the process has
//! before them, its own copy of the file included. Linux tells the highest since it was told to forget the last (`VmHWM`,
//! `clear_refs`).

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;

use cpu_time::ThreadTime;
use demitasse_engine::{Control, Error, Limits, Outcome, Request, compress, inspect};
use demitasse_fuzz::bombs;

/// What a bomb may cost: milliseconds and megabytes (10^6).
const MOST: (f64, f64) = (10.0, 32.0);

fn main() -> io::Result<()> {
    match std::env::args().nth(1) {
        Some(file) => measure(Path::new(&file)),
        None => measure_all(),
    }
}

fn measure_all() -> io::Result<()> {
    let program = std::env::current_exe()?;
    let folder = tempfile::tempdir()?;
    let mut out = io::stdout().lock();
    writeln!(out, "| bomb | bytes | inspect, ms | both, ms | MB | ends |\n|---|---|---|---|---|---|")?;
    let (mut all, mut over) = (0, 0);
    for bomb in bombs::all() {
        let file = folder.path().join("bomb");
        fs::write(&file, &bomb.bytes)?;
        let output = Command::new(&program).arg(&file).output()?;
        let line = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        writeln!(out, "| {} | {} | {line} |", bomb.name, bomb.bytes.len())?;
        let numbers: Vec<f64> = line.split('|').filter_map(|cell| cell.trim().parse().ok()).collect();
        all += 1;
        over += usize::from(!matches!(numbers[..], [_, time, memory] if time <= MOST.0 && memory <= MOST.1));
    }
    writeln!(out, "\n{over} of {all} take more than {} ms or {} MB", MOST.0, MOST.1)
}

/// The cells of one row.
fn measure(file: &Path) -> io::Result<()> {
    let bytes = fs::read(file)?;
    let (limits, request, control) = (Limits::default(), Request::default(), Control::new());
    fs::write("/proc/self/clear_refs", "5")?;
    let before = resident("VmRSS")?;
    let began = ThreadTime::now();
    let header = inspect(&bytes, &limits);
    let inspected = began.elapsed();
    let done = header.and_then(|_| compress(&bytes, &request, &limits, &control));
    let took = began.elapsed();
    let memory = resident("VmHWM")?.saturating_sub(before);
    let ends = match done {
        Ok(done) if done.report.outcome == Outcome::KeptOriginal => "kept".into(),
        Ok(_) => "compressed".into(),
        Err(error @ Error::LimitExceeded { .. }) => error.to_string(),
        Err(error) => format!("{}: {error}", error.code()),
    };
    let millis = |time: std::time::Duration| time.as_secs_f64() * 1_000.0;
    writeln!(
        io::stdout(),
        "{:.2} | {:.2} | {:.1} | {}",
        millis(inspected),
        millis(took),
        memory as f64 / 1e6,
        ends.replace('|', "/")
    )
}

/// In bytes.
fn resident(name: &str) -> io::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.map(|kilobytes| kilobytes * 1_024).ok_or_else(|| io::Error::other("the system does not tell"))
}
