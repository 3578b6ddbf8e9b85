//! Peers from their ordinary package managers, into a folder under the build's own. They are run and never linked.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::say;

const SHARP: &str = "sharp@0.35.5";
const VIPS: [&str; 2] = ["pyvips==3.2.0", "pyvips-binary==8.18.7"];
const PNGQUANT: &str = "pngquant-cli==3.0.3";
const OXIPNG: &str = "oxipng@10.2.1";
/// Of Debian or Ubuntu, in the version that the system's archive has.
const GIFSICLE: [&str; 1] = ["gifsicle"];
const GIF2WEBP: [&str; 5] = ["webp", "libwebp7", "libwebpmux3", "libwebpdemux2", "libgif7"];
const CAESIUM: &str = "caesiumclt@1.5.0";

/// The folder of all of them.
pub(super) struct Home(PathBuf);

impl Home {
    pub(super) fn new(target: &Path) -> Result<Self> {
        let folder = target.join("eval/peers");
        std::fs::create_dir_all(&folder)?;
        // Helpers are started from other folders than the one that a relative path starts at.
        Ok(Self(folder.canonicalize()?))
    }

    /// Where node finds sharp.
    pub(super) fn sharp(&self) -> Result<PathBuf> {
        let folder = self.0.join("node");
        std::fs::create_dir_all(&folder)?;
        self.once(SHARP, || {
            let quietly = ["--no-audit", "--no-fund", "--no-save", "--silent", "--prefix"];
            run(Command::new("npm").arg("install").args(quietly).arg(&folder).arg(SHARP))
        })?;
        Ok(folder)
    }

    /// The interpreter that has pyvips.
    pub(super) fn vips(&self) -> Result<PathBuf> {
        self.python(&VIPS)?;
        Ok(self.0.join("python/bin/python"))
    }

    pub(super) fn pngquant(&self) -> Result<PathBuf> {
        self.python(&[PNGQUANT])?;
        Ok(self.0.join("python/bin/pngquant"))
    }

    pub(super) fn oxipng(&self) -> Result<PathBuf> {
        self.cargo(OXIPNG, "oxipng")
    }

    pub(super) fn caesium(&self) -> Result<PathBuf> {
        self.cargo(CAESIUM, "caesiumclt")
    }

    pub(super) fn gifsicle(&self) -> Result<PathBuf> {
        Ok(self.debian(&GIFSICLE)?.join("usr/bin/gifsicle"))
    }

    /// The folder that has `usr/bin/gif2webp` and its libraries.
    pub(super) fn gif2webp(&self) -> Result<PathBuf> {
        self.debian(&GIF2WEBP)
    }

    /// Unpacks packages of Debian into a folder: nothing is installed in the system.
    fn debian(&self, packages: &[&str]) -> Result<PathBuf> {
        let root = self.0.join("debian");
        self.once(&packages.join("+"), || {
            let downloads = tempfile::tempdir()?;
            run(Command::new("apt-get").args(["download", "-q"]).args(packages).current_dir(&downloads))?;
            for entry in std::fs::read_dir(&downloads)? {
                run(Command::new("dpkg-deb").arg("-x").arg(entry?.path()).arg(&root))?;
            }
            Ok(())
        })?;
        Ok(root)
    }

    fn python(&self, packages: &[&str]) -> Result<()> {
        let home = self.0.join("python");
        let python = home.join("bin/python");
        self.once(&packages.join("+"), || {
            if !python.exists() {
                run(Command::new("python3").args(["-m", "venv"]).arg(&home))?;
            }
            run(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(packages))
        })
    }

    fn cargo(&self, package: &str, program: &str) -> Result<PathBuf> {
        let root = self.0.join("cargo");
        let build = self.0.join("build");
        self.once(package, || {
            run(Command::new("cargo")
                .args(["install", "--quiet", "--locked", "--root"])
                .arg(&root)
                .arg(package)
                .env("CARGO_TARGET_DIR", &build))
        })?;
        // Hundreds of megabytes that nothing needs any more.
        let _ = std::fs::remove_dir_all(build);
        Ok(root.join("bin").join(program))
    }

    /// Installs what no earlier run has installed.
    fn once(&self, what: &str, install: impl FnOnce() -> Result<()>) -> Result<()> {
        let stamp = self.0.join(format!("{what}.installed"));
        if !stamp.exists() {
            say(&format!("installing {what}"));
            install().with_context(|| format!("{what} cannot be installed"))?;
            std::fs::write(stamp, "")?;
        }
        Ok(())
    }
}

fn run(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("{program} cannot be run"))?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    let last = complaint.trim().lines().last().unwrap_or_default();
    ensure!(output.status.success(), "{program}: {}: {last}", output.status);
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_is_tried_again_and_what_worked_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path()).unwrap();
        let error = home.once("tool@1", || run(Command::new("/bin/sh").args(["-c", "echo no >&2; exit 3"])));
        assert!(format!("{:#}", error.unwrap_err()).ends_with(": no"));
        let mut times = 0;
        for _ in 0..2 {
            home.once("tool@1", || {
                times += 1;
                Ok(())
            })
            .unwrap();
        }
        assert_eq!(times, 1);
    }
}
