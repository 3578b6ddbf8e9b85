//! Processor time, as Linux counts it.

use std::process::{Child, ExitStatus};

use anyhow::{Context, Result};
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

/// Parts of a second in which /proc counts: `USER_HZ`, 100 on every architecture that is left.
const TICKS: f64 = 100.0;

/// Seconds of a service.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cpu {
    pub(super) api: f64,
    /// With the engine's processes.
    pub(super) workers: f64,
}

impl Cpu {
    pub(super) fn since(self, before: Self) -> Self {
        Self { api: self.api - before.api, workers: self.workers - before.workers }
    }

    pub(super) fn total(self) -> f64 {
        self.api + self.workers
    }
}

/// Seconds of a process and of its children, those that have ended and those that live.
pub(crate) fn seconds(pid: u32) -> Result<f64> {
    let mut sum = own_seconds(pid)?;
    for thread in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread that has ended meanwhile has no children any more.
        let children = std::fs::read_to_string(thread?.path().join("children")).unwrap_or_default();
        let children = children.split_whitespace().filter_map(|child| child.parse().ok());
        // Nor has a child that has ended anything to add: its parent counts it from its next look on.
        sum += children.filter_map(|child| own_seconds(child).ok()).sum::<f64>();
    }
    Ok(sum)
}

/// Seconds of a process and of those of its children that have ended (proc(5): utime, stime, cutime, cstime).
fn own_seconds(pid: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in brackets may hold anything.
    let fields = stat.rsplit_once(')').context("no name in /proc/PID/stat")?.1.split_whitespace();
    let ticks: Vec<f64> = fields.skip(11).take(4).filter_map(|field| field.parse().ok()).collect();
    Ok(ticks.iter().sum::<f64>() / TICKS)
}

/// Waits for the end of a process, and gives its seconds with its status.
pub(super) fn seconds_at_end(mut child: Child) -> Result<(f64, ExitStatus)> {
    let pid = Pid::from_child(&child);
    waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)?;
    let seconds = own_seconds(child.id())?;
    Ok((seconds, child.wait()?))
}

/// Seconds of everything on this machine but idling, since it started.
pub(super) fn seconds_of_machine() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/stat")?;
    let fields: Vec<f64> = stat
        .lines()
        .next()
        .context("/proc/stat is empty")?
        .split_whitespace()
        .filter_map(|field| field.parse().ok())
        .collect();
    // user, nice, system, idle, iowait, irq, softirq, steal
    let busy = [0, 1, 2, 5, 6, 7].iter().filter_map(|field| fields.get(*field)).sum::<f64>();
    Ok(busy / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_and_its_children_worked_is_counted_to_its_end() {
        let spin = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
        let script = format!("({spin}); {spin}");
        let child = std::process::Command::new("/bin/sh").args(["-c", &script]).spawn().unwrap();
        let before = seconds_of_machine().unwrap();
        let (seconds, status) = seconds_at_end(child).unwrap();
        assert!(status.success() && seconds > 0.0, "{seconds}");
        assert!(seconds_of_machine().unwrap() > before);
    }

    #[test]
    fn a_child_that_still_lives_is_counted() {
        // The inner shell works, says so, and waits for its input to end.
        let inner = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; echo done; read -r _";
        let mut parent = std::process::Command::new("/bin/sh")
            .args(["-c", &format!("/bin/sh -c '{inner}'; :")])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = [0; 5];
        std::io::Read::read_exact(parent.stdout.as_mut().unwrap(), &mut said).unwrap();
        let (own, all) = (own_seconds(parent.id()).unwrap(), seconds(parent.id()).unwrap());
        drop(parent.stdin.take());
        assert!(parent.wait().unwrap().success());
        assert!(all > own, "{all} {own}");
    }
}
