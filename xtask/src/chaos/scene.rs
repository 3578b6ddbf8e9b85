//! What is started, and where.

use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use super::Args;
use super::blobs::Blobs;
use super::random::Random;
use super::service::{Program, Service, Spec};

pub(super) const API: &str = "api";
pub(super) const WORKER: &str = "worker";
pub(super) const REDIS: &str = "redis";

/// Who may be killed.
pub(super) const VICTIMS: [&str; 3] = [API, WORKER, REDIS];

/// What the starts of each version are counted as.
pub(super) const API_STARTS: [&str; 2] = ["api of this version", "api of the one before"];
pub(super) const WORKER_STARTS: [&str; 2] = ["worker of this version", "worker of the one before"];

/// Where an upload may be cut off.
const API_POINTS: &[&str] = &["upload.stored", "upload.recorded"];

/// The same with those of `--removals`.
const ALL_API_POINTS: &[&str] = &["upload.stored", "delete.begun", "upload.recorded", "delete.deleted"];

/// Where a job may be cut off.
const WORKER_POINTS: &[&str] =
    &["job.claimed", "job.started", "job.compressed", "job.stored", "job.finished", "job.published"];

/// The same with those of `--removals`.
const ALL_WORKER_POINTS: &[&str] = &[
    "job.claimed",
    "removal.begun",
    "job.started",
    "job.compressed",
    "removal.deleted",
    "job.stored",
    "job.finished",
    "job.published",
];

/// Where a deletion, and a removal of blobs, may be cut off.
pub(super) const REMOVAL_POINTS: [&str; 4] =
    ["removal.begun", "removal.deleted", "delete.begun", "delete.deleted"];

/// Milliseconds, instead of the times that protect who is slow: where one process does everything, who is slow is dead.
const REMOVE_SOON: &str = "removal.grace=return(5000);removal.abandoned=return(3000)";

/// The same where several processes do: who is slow may be alive, so each time is as much shorter than the next as it is in
/// `deletion` of `demitasse-core`.
const REMOVE_SOON_BESIDE_OTHERS: &str = "hold.named_within=return(5000);removal.grace=return(15000);\
     removal.recently=return(5000);removal.abandoned=return(20000)";

/// From the last kill until the sweeps have removed what nothing names: the times above, twice over.
const UNTIL_REMOVED: Duration = Duration::from_secs(90);

/// The others, where one process does everything.
const BASIC_POINTS: &[&str] = &[
    "job.claimed",
    "upload.stored",
    "job.started",
    "job.compressed",
    "upload.recorded",
    "job.stored",
    "job.finished",
    "job.published",
];

/// The same with those of `--removals`.
pub(super) const ALL_POINTS: &[&str] = &[
    "job.claimed",
    "upload.stored",
    "removal.begun",
    "job.started",
    "delete.begun",
    "job.compressed",
    "upload.recorded",
    "removal.deleted",
    "job.stored",
    "delete.deleted",
    "job.finished",
    "job.published",
];

/// One run.
pub(super) struct Scene<'a> {
    pub(super) args: &'a Args,
    pub(super) binary: &'a Path,
    /// The version before; takes part where several processes do.
    pub(super) previous: Option<&'a Path>,
    pub(super) folder: &'a Path,
    pub(super) seed: u64,
    pub(super) port: u16,
    pub(super) redis_port: u16,
}

impl Scene<'_> {
    pub(super) fn specs(&self) -> Vec<Spec> {
        let listen = format!("127.0.0.1:{}", self.port);
        let mut specs = Vec::new();
        if self.args.queue.is_none() {
            specs.push(self.redis());
        }
        if self.is_one_process() {
            let serve = ["serve", "--workers", "2", "--listen", &listen];
            specs.push(Spec { always: REMOVE_SOON, ..self.demitasse(API, &serve, self.all_points(), 1) });
            return specs;
        }
        let always = if self.args.removals { REMOVE_SOON_BESIDE_OTHERS } else { "" };
        let serve = ["serve", "--workers", "0", "--listen", &listen];
        specs.push(Spec { always, ..self.demitasse(API, &serve, self.api_points(), 1) });
        for number in 1..=self.args.workers {
            let worker =
                self.demitasse(WORKER, &["worker", "--workers", "1"], self.worker_points(), number + 1);
            specs.push(Spec { always, ..worker });
        }
        specs
    }

    /// Those of `services` that are killed.
    pub(super) fn victims<'s>(&self, services: &'s [Service]) -> impl Iterator<Item = &'s Service> {
        services.iter().filter(|service| self.is_victim(service.kind))
    }

    /// What must happen before there was enough.
    pub(super) fn events(&self, services: &[Service]) -> Vec<&'static str> {
        let mut events: Vec<_> = self.victims(services).map(|service| service.kind).collect();
        let points = |(victim, points): (&str, &[&'static str])| {
            if self.is_victim(victim) { points.to_vec() } else { Vec::new() }
        };
        if self.is_one_process() {
            events.extend(points((API, self.all_points())));
        } else {
            events.extend(
                [(API, self.api_points()), (WORKER, self.worker_points())].into_iter().flat_map(points),
            );
        }
        if self.previous().is_some() {
            events.extend([API_STARTS, WORKER_STARTS].concat());
        }
        events
    }

    pub(super) fn previous(&self) -> Option<&Path> {
        self.previous.filter(|_| !self.is_one_process())
    }

    /// Where blobs are, and how long the last may take to go; `None` if what nothing names stays for longer than that.
    ///
    /// # Errors
    /// The URL of the storage is none that can be asked.
    pub(super) fn blobs(&self) -> Result<Option<(Blobs, Duration)>> {
        if !self.looks_for_blobs() {
            return Ok(None);
        }
        let blobs = match (&self.args.blobs, &self.args.storage) {
            (Some(directory), _) => Blobs::Directory(directory.clone()),
            (None, Some(storage)) => Blobs::in_bucket(storage)?,
            (None, None) => Blobs::Directory(self.folder.join("data-1/blobs")),
        };
        Ok(Some((blobs, UNTIL_REMOVED)))
    }

    /// Whether what nothing names goes soon, so that what stays is an orphan.
    pub(super) fn looks_for_blobs(&self) -> bool {
        self.is_one_process() || self.args.removals
    }

    fn api_points(&self) -> &'static [&'static str] {
        if self.args.removals { ALL_API_POINTS } else { API_POINTS }
    }

    fn worker_points(&self) -> &'static [&'static str] {
        if self.args.removals { ALL_WORKER_POINTS } else { WORKER_POINTS }
    }

    fn all_points(&self) -> &'static [&'static str] {
        if self.args.removals { ALL_POINTS } else { BASIC_POINTS }
    }

    fn is_victim(&self, kind: &str) -> bool {
        self.args.victims.iter().any(|victim| victim == kind)
    }

    /// Stores that only one process can use leave no choice.
    fn is_one_process(&self) -> bool {
        self.args.metadata.as_ref().is_none_or(|url| url.starts_with("sqlite:"))
    }

    fn redis(&self) -> Spec {
        let port = self.redis_port.to_string();
        let args = ["--bind", "127.0.0.1", "--port", &port, "--save", "", "--appendonly", "no"];
        let directory = ["--dir".to_owned(), self.folder.display().to_string()];
        let program = Program {
            path: self.args.redis_server.clone(),
            counts_as: "redis started",
            log: "redis.log".into(),
        };
        Spec {
            kind: REDIS,
            programs: vec![program],
            args: args.map(str::to_owned).into_iter().chain(directory).collect(),
            points: &[],
            passes: 1,
            always: "",
            slow: 0,
            random: Random::new(self.seed, 100),
        }
    }

    fn demitasse(
        &self,
        kind: &'static str,
        command: &[&str],
        points: &'static [&'static str],
        n: u64,
    ) -> Spec {
        let queue =
            self.args.queue.clone().unwrap_or_else(|| format!("redis://127.0.0.1:{}", self.redis_port));
        let data = self.folder.join(format!("data-{n}")).display().to_string();
        let mut args: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
        // A kill is an attempt: many must be allowed.
        let quick = "--lease 2 --retry-delay 100 --max-attempts 100 --log info";
        args.extend(quick.split(' ').map(str::to_owned));
        args.extend(["--sweep".to_owned(), self.args.sweep.to_string()]);
        let stores = [("--data", Some(data)), ("--queue", Some(queue))];
        let given = [("--metadata", self.args.metadata.clone()), ("--storage", self.args.storage.clone())];
        for (flag, value) in stores.into_iter().chain(given) {
            args.extend(value.into_iter().flat_map(|value| [flag.to_owned(), value]));
        }
        Spec {
            kind,
            programs: self.versions(kind, n),
            args,
            points: if self.is_victim(kind) { points } else { &[] },
            // An API that dies at every third upload accepts next to nothing.
            passes: if kind == API && !self.is_one_process() { 30 } else { 6 },
            always: "",
            slow: self.args.slow,
            random: Random::new(self.seed, 100 + n),
        }
    }

    /// This version first.
    fn versions(&self, kind: &str, n: u64) -> Vec<Program> {
        let starts = if kind == API { API_STARTS } else { WORKER_STARTS };
        let versions = [Some((self.binary, "this")), self.previous().map(|path| (path, "before"))];
        let program = |((path, version), counts_as): ((&Path, &str), &'static str)| Program {
            path: path.to_path_buf(),
            counts_as,
            log: format!("{kind}-{n}-{version}.log"),
        };
        versions.into_iter().flatten().zip(starts).map(program).collect()
    }
}

/// A port that stays the same while its process comes and goes: below those that the system gives to clients, who could
/// take it meanwhile.
pub(super) fn free_port(random: &mut Random) -> Result<u16> {
    (0..100)
        .filter_map(|_| u16::try_from(random.within(20_000, 32_000)).ok())
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .context("no port is free")
}
