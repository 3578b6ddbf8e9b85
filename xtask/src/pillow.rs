//! Pillow as a second opinion: another decoder than the engine's, and the original service's encoder.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::say;

/// The version that the figures in the documents were measured with.
const VERSION: &str = "13.0.0";
const SCRIPT: &str = include_str!("pillow.py");

/// A running interpreter.
pub(crate) struct Pillow {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Pillow {
    /// Starts it; installs Pillow into a virtual environment under `target` at the first time.
    pub(crate) fn start(target: &Path) -> Result<Self> {
        let python = environment(target)?;
        let mut child = Command::new(python)
            .args(["-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("python cannot be started")?;
        let requests = child.stdin.take().context("python has no standard input")?;
        let answers = BufReader::new(child.stdout.take().context("python has no standard output")?);
        Ok(Self { child, requests, answers })
    }

    /// One request; an answer with an `error` is an error here.
    pub(crate) fn ask(&mut self, command: &str, paths: &[&Path]) -> Result<Value> {
        let mut request = vec![json!(command)];
        for path in paths {
            request.push(json!(path.to_str().with_context(|| format!("{} is not Unicode", path.display()))?));
        }
        writeln!(self.requests, "{}", Value::Array(request))?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        let answer: Value = serde_json::from_str(&answer).context("Pillow gave no answer")?;
        match answer.get("error") {
            Some(error) => bail!("Pillow: {}", error.as_str().unwrap_or_default()),
            None => Ok(answer),
        }
    }
}

impl Drop for Pillow {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn environment(target: &Path) -> Result<PathBuf> {
    let home = target.join("tools/pillow");
    let python = home.join("bin/python");
    let stamp = home.join(VERSION);
    if !stamp.exists() {
        say(&format!("installing Pillow {VERSION}"));
        let made = Command::new("python3").args(["-m", "venv"]).arg(&home).status();
        ensure!(
            made.is_ok_and(|status| status.success()),
            "python3 cannot make a virtual environment: install python3 and python3-venv"
        );
        let package = format!("pillow=={VERSION}");
        let installed = Command::new(&python).args(["-m", "pip", "install", "--quiet", &package]).status()?;
        ensure!(installed.success(), "pip cannot install {package}");
        std::fs::write(&stamp, "")?;
    }
    Ok(python)
}
