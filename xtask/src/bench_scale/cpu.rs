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

/// Seconds of a process and of those of its children that have ended (proc(5): utime, stime, cutime, cstime).
pub(super) fn seconds(pid: u32) -> Result<f64> {
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
    let seconds = seconds(child.id())?;
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
}
