//! One compression in a process of its own, so that its processor time and its memory are its own.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use cpu_time::ProcessTime;
use demitasse_engine::{Control, Limits, Report, Request, compress};
use serde_json::{Value, json};

use crate::show;

/// What takes less than this is done again, and the quickest counts.
const QUICK: Duration = Duration::from_millis(200);
const RUNS: usize = 3;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The request, as JSON
    request: String,
    input: PathBuf,
    output: PathBuf,
}

/// What a compression gave and took.
#[derive(Debug, Clone)]
pub(super) struct Done {
    pub(super) report: Report,
    /// Processor seconds, of all threads, user and system.
    pub(super) cpu: f64,
    /// Memory of the process before, with the input's bytes; and at most, the first time. Bytes.
    pub(super) memory: Option<(u64, u64)>,
}

/// The child's side.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let answer = work(args).unwrap_or_else(|error| json!({"error": format!("{error:#}")}));
    show(&format!("{answer}\n"))?;
    Ok(ExitCode::SUCCESS)
}

fn work(args: &Args) -> Result<Value> {
    let request: Request = serde_json::from_str(&args.request)?;
    let bytes = std::fs::read(&args.input)?;
    let before = memory("VmRSS:");
    let mut quickest = Duration::MAX;
    let mut first = None;
    for _ in 0..RUNS {
        let start = ProcessTime::now();
        let made = compress(&bytes, &request, &Limits::default(), &Control::new())?;
        quickest = quickest.min(start.elapsed());
        first.get_or_insert_with(|| (made, memory("VmHWM:")));
        if quickest > QUICK {
            break;
        }
    }
    let (made, peak) = first.context("nothing was run")?;
    std::fs::write(&args.output, &made.bytes)?;
    Ok(json!({
        "report": made.report, "cpu": quickest.as_secs_f64(), "memory": before.zip(peak),
    }))
}

/// A line of /proc/self/status, in bytes; none on other systems than Linux.
fn memory(name: &str) -> Option<u64> {
    kilobytes(&std::fs::read_to_string("/proc/self/status").ok()?, name).map(|kilobytes| kilobytes * 1024)
}

fn kilobytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// The parent's side: starts the child and waits for it.
pub(super) fn compress_apart(request: &Request, input: &Path, output: &Path) -> Result<Done> {
    let child = Command::new(std::env::current_exe()?)
        .arg("eval-one")
        .arg(serde_json::to_string(request)?)
        .args([input, output])
        .output()?;
    let complaint = String::from_utf8_lossy(&child.stderr);
    let Ok(mut answer) = serde_json::from_slice::<Value>(&child.stdout) else {
        bail!("the engine's process ended with {}: {}", child.status, complaint.trim());
    };
    if let Some(error) = answer.get("error") {
        bail!("{}", error.as_str().unwrap_or_default());
    }
    Ok(Done {
        report: serde_json::from_value(answer["report"].take())?,
        cpu: answer["cpu"].as_f64().context("no processor time")?,
        memory: serde_json::from_value(answer["memory"].take())?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_status_is_read_in_kilobytes() {
        let status = "Name:\txtask\nVmHWM:\t   12345 kB\nVmRSS:\t 99 kB\n";
        assert_eq!(kilobytes(status, "VmHWM:"), Some(12345));
        assert_eq!(kilobytes(status, "VmRSS:"), Some(99));
        assert_eq!(kilobytes(status, "VmSwap:"), None);
    }
}
