//! Pillow as a second opinion: another decoder than the engine's, and the original service's encoder.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::helper::Helper;
use crate::say;

/// The version that the figures in the documents were measured with.
pub(crate) const VERSION: &str = "13.0.0";
const SCRIPT: &str = concat!(include_str!("shown.py"), include_str!("pillow.py"));

/// A running interpreter.
pub(crate) struct Pillow(Helper);

impl Pillow {
    /// Starts it; installs Pillow into a virtual environment under `target` at the first time.
    pub(crate) fn start(target: &Path) -> Result<Self> {
        let python = environment(target)?;
        Helper::start("Pillow", Command::new(python).args(["-c", SCRIPT])).map(Self)
    }

    /// One request; an answer with an `error` is an error here.
    pub(crate) fn ask(&mut self, command: &str, paths: &[&Path]) -> Result<Value> {
        let mut request = vec![json!(command)];
        for path in paths {
            request.push(json!(path.to_str().with_context(|| format!("{} is not Unicode", path.display()))?));
        }
        self.0.ask(&Value::Array(request))
    }
}

pub(crate) fn environment(target: &Path) -> Result<PathBuf> {
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
