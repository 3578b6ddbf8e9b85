//! An API and its workers on given stores: their logs say when each job began and ended, the system what they cost.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use serde_json::Value;

use super::cpu::Cpu;
use crate::server::Server;

/// What a worker logs at the end of a job.
const DONE: &str = "job done";

/// Where things are kept.
#[derive(Debug, Clone)]
pub(super) struct Stores {
    /// For people.
    pub(super) name: &'static str,
    /// None: what is embedded.
    pub(super) flags: Vec<String>,
    pub(super) processes: Processes,
}

/// Who does the work.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Processes {
    /// One process does everything.
    One,
    /// An API, and workers beside it.
    ApiAndWorkers,
}

/// Running processes; they end with this value.
pub(super) struct Service {
    api: Server,
    workers: Vec<Server>,
    logs: Vec<PathBuf>,
}

/// A job that is done; in seconds since 1970.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Job {
    pub(super) claimed: f64,
    pub(super) ended: f64,
    pub(super) outcome: String,
}

impl Service {
    /// `workers` processes with one job at a time each beside the API, or as many jobs in its process.
    pub(super) fn start(binary: &Path, stores: &Stores, workers: usize, folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let mut logs = Vec::new();
        let mut start = |name: String, args: &[&str]| {
            let log = folder.join(format!("{name}.log"));
            let mut command = Command::new(binary);
            command.args(args).args(&stores.flags).arg("--data").arg(folder.join(name));
            command.args(["--log-format", "json"]).stderr(File::create(&log)?);
            logs.push(log);
            Server::start(&mut command)
        };
        let inside = if stores.processes == Processes::One { workers } else { 0 };
        let api =
            start("api".into(), &["serve", "--listen", "127.0.0.1:0", "--workers", &inside.to_string()])?;
        let outside =
            (0..workers - inside).map(|n| start(format!("worker-{n}"), &["worker", "--workers", "1"]));
        let workers = outside.collect::<Result<_>>()?;
        Ok(Self { api, workers, logs })
    }

    pub(super) fn url(&self) -> &str {
        &self.api.url
    }

    /// Of all processes until now, the engine's included.
    pub(super) fn cpu(&self) -> Result<Cpu> {
        let seconds = |server: &Server| super::cpu::seconds(server.pid());
        let workers = self.workers.iter().map(seconds).sum::<Result<f64>>()?;
        Ok(Cpu { api: seconds(&self.api)?, workers })
    }

    /// How many jobs are done.
    pub(super) fn done(&self) -> Result<usize> {
        let count = |log: &PathBuf| Ok(std::fs::read_to_string(log)?.matches(DONE).count());
        self.logs.iter().map(count).sum()
    }

    /// All jobs that are done, by their ids.
    pub(super) fn jobs(&self) -> Result<HashMap<String, Job>> {
        let mut jobs = HashMap::new();
        for log in &self.logs {
            for line in std::fs::read_to_string(log)?.lines().filter(|line| line.contains(DONE)) {
                let (id, job) =
                    read(line).with_context(|| format!("a log line is not understood: {line}"))?;
                ensure!(jobs.insert(id, job).is_none(), "a job was done twice: {line}");
            }
        }
        Ok(jobs)
    }
}

fn read(line: &str) -> Result<(String, Job)> {
    let line: Value = serde_json::from_str(line)?;
    let text = |name: &str| line[name].as_str().with_context(|| format!("no {name}"));
    let ended = seconds_since_1970(text("timestamp")?)?;
    let claimed = ended - duration(text("took")?).context("no duration")?;
    Ok((text("job")?.to_owned(), Job { claimed, ended, outcome: text("outcome")?.to_owned() }))
}

pub(super) fn seconds_since_1970(text: &str) -> Result<f64> {
    Ok(text.parse::<Timestamp>()?.as_microsecond() as f64 / 1e6)
}

/// As `std::time::Duration` shows itself, in seconds.
fn duration(text: &str) -> Option<f64> {
    let units = [("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9), ("s", 1.0)];
    let (number, unit) = units.iter().find_map(|(name, unit)| Some((text.strip_suffix(name)?, unit)))?;
    Some(number.parse::<f64>().ok()? * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_began_as_long_before_its_line_as_it_took() {
        let line = r#"{"timestamp":"1970-01-01T00:00:10.500000Z","message":"job done","job":"7","outcome":"Compressed",
            "took":"250.5ms"}"#;
        let (id, job) = read(line).unwrap();
        assert_eq!(id, "7");
        assert!((job.ended - 10.5).abs() < 1e-9 && (job.claimed - 10.2495).abs() < 1e-9, "{job:?}");
    }

    #[test]
    fn durations_are_read_in_every_unit_that_they_are_shown_in() {
        use std::time::Duration;
        for nanoseconds in [1, 1_500, 2_500_000, 61_000_000_000] {
            let shown = format!("{:?}", Duration::from_nanos(nanoseconds));
            let read = duration(&shown).unwrap();
            assert!((read - nanoseconds as f64 / 1e9).abs() < 1e-9, "{shown}");
        }
        assert_eq!(duration("soon"), None);
    }
}
