//! A process that is killed and started again.

use std::fs::OpenOptions;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::random::Random;
use super::scene::REMOVAL_POINTS;
use super::tally::Tally;

/// How long what a dead process has started may outlive it.
const AFTERLIFE: Duration = Duration::from_secs(10);

/// What all processes share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) tally: Tally,
    /// Directory of the logs.
    pub(super) logs: PathBuf,
    /// From now on, processes start without a point at which they die.
    pub(super) calm: AtomicBool,
    /// Counts the starts, so that each point has its turn.
    starts: AtomicUsize,
    /// Each process leads a group that its children belong to.
    groups: Mutex<Vec<Pid>>,
}

/// What is started.
#[derive(Debug, Clone)]
pub(super) struct Program {
    pub(super) path: PathBuf,
    /// What its starts are counted as.
    pub(super) counts_as: &'static str,
    /// The file of its log.
    pub(super) log: String,
}

/// How to start a process.
#[derive(Debug, Clone)]
pub(super) struct Spec {
    /// What its kills are counted as.
    pub(super) kind: &'static str,
    /// One of them is picked at each start; in the end it is the first.
    pub(super) programs: Vec<Program>,
    pub(super) args: Vec<String>,
    /// Where it may be told to die, and how many times it passes there first.
    pub(super) points: &'static [&'static str],
    pub(super) passes: u64,
    /// What is armed at every start beside them.
    pub(super) always: &'static str,
    /// Milliseconds that its jobs take at least, where it is not told to die.
    pub(super) slow: u64,
    pub(super) random: Random,
}

/// A running process; it ends with this value.
pub(super) struct Service {
    pub(super) kind: &'static str,
    kills: mpsc::Sender<()>,
    task: JoinHandle<Result<()>>,
}

impl Shared {
    pub(super) fn new(logs: PathBuf) -> Self {
        Self {
            tally: Tally::default(),
            logs,
            calm: AtomicBool::new(false),
            starts: AtomicUsize::new(0),
            groups: Mutex::default(),
        }
    }

    /// Waits until nothing is left of the processes that have ended, and kills and counts what stays.
    pub(super) async fn orphans(&self) -> usize {
        let start = Instant::now();
        let mut groups = std::mem::take(&mut *self.groups.lock().unwrap_or_else(PoisonError::into_inner));
        loop {
            groups.retain(|group| test_kill_process_group(*group).is_ok());
            if groups.is_empty() || start.elapsed() > AFTERLIFE {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        for group in &groups {
            kill_process_group(*group, Signal::KILL).ok();
        }
        groups.len()
    }
}

impl Service {
    pub(super) fn start(spec: Spec, shared: Arc<Shared>) -> Self {
        // Room for one: a process that is down already is not killed again.
        let (kills, orders) = mpsc::channel(1);
        Self { kind: spec.kind, kills, task: tokio::spawn(supervise(spec, shared, orders)) }
    }

    /// Kills it soon, as `kill -9` does; it starts again after a pause.
    pub(super) fn kill(&self) {
        self.kills.try_send(()).ok();
    }

    /// Ends it for good.
    pub(super) async fn stop(self) -> Result<()> {
        drop(self.kills);
        self.task.await?
    }
}

async fn supervise(mut spec: Spec, shared: Arc<Shared>, mut orders: mpsc::Receiver<()>) -> Result<()> {
    loop {
        let point = spec.point(&shared);
        let (mut child, log) = spec.spawn(&shared, point)?;
        tokio::select! {
            ended = child.wait() => {
                let ended = ended?;
                if ended.signal().is_none() {
                    crate::say(&format!("{} ended by itself with {ended}: {}", spec.kind, last_lines(&log)));
                }
                shared.tally.count(cause(ended, point));
            }
            order = orders.recv() => {
                child.kill().await?;
                if order.is_none() {
                    return Ok(());
                }
                shared.tally.count(spec.kind);
            }
        }
        tokio::select! {
            () = tokio::time::sleep(spec.random.millis(50, 1_000)) => {}
            // Down already.
            order = orders.recv() => if order.is_none() { return Ok(()) },
        }
    }
}

/// What it said last.
fn last_lines(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().rev().take(4).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join(" / ")
}

/// Why a process ended that nobody killed.
fn cause(status: ExitStatus, point: Option<&'static str>) -> &'static str {
    match (status.signal(), point) {
        (Some(9), Some(point)) => point,
        (Some(_), _) => "crashed",
        (None, _) => "gave up",
    }
}

impl Spec {
    fn point(&self, shared: &Shared) -> Option<&'static str> {
        if self.points.is_empty() || shared.calm.load(Ordering::Relaxed) {
            return None;
        }
        let start = shared.starts.fetch_add(1, Ordering::Relaxed);
        self.points.get(start % self.points.len()).copied()
    }

    /// The process, and its log.
    fn spawn(&mut self, shared: &Shared, point: Option<&str>) -> Result<(Child, PathBuf)> {
        let program = self.program(shared.calm.load(Ordering::Relaxed))?;
        let path = shared.logs.join(&program.log);
        let log = OpenOptions::new().create(true).append(true).open(&path)?;
        let mut command = Command::new(&program.path);
        command.args(&self.args).env_remove("FAILPOINTS");
        let armed = match point {
            // They come with the sweeps, which are few.
            Some(point) if REMOVAL_POINTS.contains(&point) => format!("{point}=1*return(kill)"),
            Some(point) => {
                let passes = self.random.within(1, self.passes);
                format!("{point}={passes}*off->1*return(kill)")
            }
            None if self.slow > 0 => format!("engine.child=sleep({})", self.slow),
            None => String::new(),
        };
        command.env("FAILPOINTS", [&*armed, self.always].join(";").trim_matches(';'));
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = command.kill_on_drop(true).process_group(0).spawn();
        let child = child.with_context(|| format!("{} cannot be started", program.path.display()))?;
        shared.tally.count(program.counts_as);
        let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        shared.groups.lock().unwrap_or_else(PoisonError::into_inner).extend(group);
        Ok((child, path))
    }

    fn program(&mut self, calm: bool) -> Result<Program> {
        let count = self.programs.len() as u64;
        let number = if calm || count < 2 { 0 } else { self.random.within(0, count) as usize };
        self.programs.get(number).cloned().context("there is nothing to start")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper(log: &str) -> Program {
        Program { path: "/bin/sh".into(), counts_as: "started", log: log.into() }
    }

    #[test]
    fn each_version_has_its_turn_and_the_first_is_left_in_the_end() {
        let mut spec = Spec {
            kind: "sleeper",
            programs: vec![sleeper("this"), sleeper("before")],
            args: Vec::new(),
            points: &[],
            passes: 1,
            always: "",
            slow: 0,
            random: Random::new(1, 1),
        };
        let mut logs = |calm| (0..20).map(|_| spec.program(calm).unwrap().log).collect::<Vec<_>>();
        let picked = logs(false);
        assert!(picked.contains(&"this".into()) && picked.contains(&"before".into()), "{picked:?}");
        assert_eq!(logs(true), ["this"; 20]);
    }

    #[tokio::test]
    async fn what_is_killed_comes_back_and_nothing_is_left_of_it_in_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let shared = Arc::new(Shared::new(folder.path().to_path_buf()));
        let spec = Spec {
            kind: "sleeper",
            programs: vec![sleeper("sleeper.log")],
            args: vec!["-c".into(), "echo started; sleep 600 & wait".into()],
            points: &[],
            passes: 1,
            always: "",
            slow: 0,
            random: Random::new(1, 1),
        };
        let service = Service::start(spec, shared.clone());
        let starts = || {
            let log = std::fs::read_to_string(folder.path().join("sleeper.log")).unwrap_or_default();
            log.lines().count()
        };
        while starts() < 1 {
            tokio::task::yield_now().await;
        }
        service.kill();
        while starts() < 2 {
            tokio::task::yield_now().await;
        }
        assert_eq!(shared.tally.of("sleeper"), 1);
        assert_eq!(shared.tally.of("started"), 2);
        service.stop().await.unwrap();
        let groups = shared.groups.lock().unwrap().clone();
        assert_eq!(groups.len(), 2);
        for group in groups {
            kill_process_group(group, Signal::KILL).ok();
        }
        assert_eq!(shared.orphans().await, 0);
    }
}
