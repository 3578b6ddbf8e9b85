//! A process of Demitasse that a measurement starts; it ends with its value.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

/// Its line on standard output once it is ready, before its address if it has one.
const READY: &str = "Demitasse is ready";

/// A running process.
pub(crate) struct Server {
    child: Child,
    /// Where it listens; empty for a worker.
    pub(crate) url: String,
}

impl Server {
    /// Starts it and waits until it is ready.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let program = command.get_program().to_owned();
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} cannot be started", program.display()))?;
        let stdout = child.stdout.take().context("the server has no standard output")?;
        let mut server = Self { child, url: String::new() };
        for line in BufReader::new(stdout).lines() {
            let line = line?;
            if line.contains(READY) {
                if let Some(start) = line.find("http://") {
                    server.url = line[start..].trim().trim_end_matches('/').to_owned();
                }
                return Ok(server);
            }
        }
        bail!("the server ended before it was ready")
    }

    /// Its process.
    #[cfg(target_os = "linux")]
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
