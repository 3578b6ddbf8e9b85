//! Every file of a folder through `demitasse compress`, and every result through another decoder.
//!
//! Asserted of each output: not larger than the input; same width, height, frames and transparency as a viewer shows
//! them; an ICC profile is still there; no GPS position; the picture is the same at a glance (32 x 32); and compressing
//! it again gives the same bytes. Each input without an output has a reason. Nothing panics.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::pillow::Pillow;
use crate::{say, show};

/// How far samples of the two pictures at 32 x 32 may be apart: more than a codec's noise, less than a lost profile.
const MOST_DISTANT: u64 = 16;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folder of files of any kind
    #[arg(long, value_name = "DIR")]
    corpus: PathBuf,

    /// The binary [default: the release build, built first]
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,

    /// Passed on to `demitasse compress`: --preset, --format and so on
    #[arg(last = true)]
    options: Vec<String>,

    /// Where to build; results go to TARGET/check-corpus
    #[arg(long, env = "CARGO_TARGET_DIR", default_value = "target", hide = true)]
    target: PathBuf,
}

/// What became of one file.
struct Row {
    name: String,
    outcome: Outcome,
    time: Duration,
}

enum Outcome {
    /// An output, and what is wrong with it.
    Written { before: u64, after: u64, kept: bool, faults: Vec<String> },
    /// No output, with a code and a reason.
    Refused(String),
    /// What must not happen.
    Broken(String),
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let binary = match &args.binary {
        Some(path) => path.clone(),
        None => release_binary(&args.target)?,
    };
    let files = files(&args.corpus)?;
    let mut checker = Checker { binary, options: &args.options, pillow: Pillow::start(&args.target)? };
    let mut rows = Vec::new();
    for (index, path) in files.iter().enumerate() {
        let name = path.strip_prefix(&args.corpus).unwrap_or(path).display().to_string();
        let start = Instant::now();
        let outcome = checker.check(path).unwrap_or_else(|error| Outcome::Broken(format!("{error:#}")));
        let row = Row { name, outcome, time: start.elapsed() };
        say(&format!("{}/{} {}: {}", index + 1, files.len(), row.name, row.outcome.text()));
        rows.push(row);
    }
    let folder = args.target.join("check-corpus");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("results.csv"), csv(&rows))?;
    let (summary, is_good) = summary(&rows);
    std::fs::write(folder.join("summary.md"), &summary)?;
    show(&summary)?;
    Ok(ExitCode::from(u8::from(!is_good)))
}

/// Builds the release binary and says where it is.
pub(crate) fn release_binary(target: &Path) -> Result<PathBuf> {
    let arguments = ["build", "--quiet", "--release", "--package", "demitasse"];
    ensure!(Command::new("cargo").args(arguments).status()?.success(), "the release binary cannot be built");
    Ok(target.join("release/demitasse"))
}

fn files(corpus: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(corpus).sort_by_file_name() {
        let entry = entry?;
        if entry.file_type().is_file() {
            files.push(entry.into_path());
        }
    }
    ensure!(!files.is_empty(), "{} has no files", corpus.display());
    Ok(files)
}

struct Checker<'a> {
    binary: PathBuf,
    options: &'a [String],
    pillow: Pillow,
}

impl Checker<'_> {
    fn check(&mut self, input: &Path) -> Result<Outcome> {
        let scratch = tempfile::tempdir()?;
        let line = self.compress(input, &scratch.path().join("once"))?;
        if let Some(error) = line.get("error") {
            let (code, message) =
                (error["code"].as_str().unwrap_or("?"), error["message"].as_str().unwrap_or(""));
            return Ok(match code {
                "unsupported" | "malformed" | "limit_exceeded" | "invalid_request" => {
                    Outcome::Refused(format!("{code}: {message}"))
                }
                _ => Outcome::Broken(format!("{code}: {message}")),
            });
        }
        let output = PathBuf::from(line["output"].as_str().context("no output is named")?);
        let mut faults = self.compare(input, &output)?;
        let again = self.compress(&output, &scratch.path().join("twice"))?;
        match again["output"].as_str() {
            Some(path) if std::fs::read(path)? == std::fs::read(&output)? => {}
            Some(_) => faults.push("compressing the output again changes it".to_owned()),
            None => faults.push(format!("the output cannot be compressed again: {}", again["error"])),
        }
        let length = |path: &Path| std::fs::metadata(path).map(|data| data.len());
        let (before, after) = (length(input)?, length(&output)?);
        if after > before {
            faults.push(format!("larger: {before} bytes became {after}"));
        }
        Ok(Outcome::Written { before, after, kept: line["report"]["outcome"] == "kept_original", faults })
    }

    /// Runs the command on one file, and gives its line of JSON.
    fn compress(&self, input: &Path, out_dir: &Path) -> Result<Value> {
        let output = Command::new(&self.binary)
            .args(["compress", "--json", "--out-dir"])
            .arg(out_dir)
            .args(self.options)
            .arg("--")
            .arg(input)
            .output()?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        let is_orderly = matches!(output.status.code(), Some(0 | 1)) && !complaint.contains("panicked");
        if !is_orderly {
            bail!("{}: {}", output.status, complaint.trim());
        }
        serde_json::from_slice(&output.stdout).context("no JSON on standard output")
    }

    /// What another decoder finds wrong.
    fn compare(&mut self, input: &Path, output: &Path) -> Result<Vec<String>> {
        let mut faults = Vec::new();
        let after = match self.pillow.ask("facts", &[output]) {
            Ok(facts) => facts,
            Err(error) => return Ok(vec![format!("the output cannot be read: {error}")]),
        };
        let before = match self.pillow.ask("facts", &[input]) {
            Ok(facts) => facts,
            Err(error) => {
                say(&format!("  not compared: {error}"));
                return Ok(faults);
            }
        };
        for what in ["width", "height", "frames", "alpha"] {
            if before[what] != after[what] {
                faults.push(format!("{what} was {} and is {}", before[what], after[what]));
            }
        }
        let becomes_rgb = before["mode"] == "CMYK" || before["mode"] == "LAB";
        if before["icc"] == true && after["icc"] == false && !becomes_rgb {
            faults.push("the ICC profile is gone".to_owned());
        }
        if after["gps"] == true {
            faults.push("the GPS position is still there".to_owned());
        }
        let distance = self.pillow.ask("distance", &[input, output])?["distance"].as_u64();
        if distance.is_none_or(|distance| distance > MOST_DISTANT) {
            faults.push(format!("the picture looks different: {distance:?} of 255"));
        }
        Ok(faults)
    }
}

impl Outcome {
    fn text(&self) -> String {
        match self {
            Self::Written { before, after, kept, faults } => {
                let verb = if *kept { "kept" } else { "compressed" };
                let mut text = format!("{verb}, {before} to {after} bytes");
                for fault in faults {
                    let _ = write!(text, "; WRONG: {fault}");
                }
                text
            }
            Self::Refused(reason) => format!("refused: {reason}"),
            Self::Broken(what) => format!("BROKEN: {what}"),
        }
    }

    fn is_good(&self) -> bool {
        match self {
            Self::Written { faults, .. } => faults.is_empty(),
            Self::Refused(reason) => !reason.is_empty(),
            Self::Broken(_) => false,
        }
    }
}

fn summary(rows: &[Row]) -> (String, bool) {
    let (mut compressed, mut kept, mut refused) = (0, 0, 0);
    for row in rows {
        match &row.outcome {
            Outcome::Written { kept: true, .. } => kept += 1,
            Outcome::Written { .. } => compressed += 1,
            Outcome::Refused(_) => refused += 1,
            Outcome::Broken(_) => {}
        }
    }
    let bad: Vec<&Row> = rows.iter().filter(|row| !row.outcome.is_good()).collect();
    let slowest = rows.iter().map(|row| row.time).max().unwrap_or_default();
    let mut text = format!(
        "{} files: {compressed} compressed, {kept} kept, {refused} refused with a reason, {} wrong; slowest {:.1} s\n",
        rows.len(),
        bad.len(),
        slowest.as_secs_f64(),
    );
    for row in &bad {
        let _ = writeln!(text, "- {}: {}", row.name, row.outcome.text());
    }
    (text, bad.is_empty())
}

fn csv(rows: &[Row]) -> String {
    let mut text = String::from("file,seconds,outcome\n");
    for row in rows {
        let _ = writeln!(text, "{:?},{:.2},{:?}", row.name, row.time.as_secs_f64(), row.outcome.text());
    }
    text
}
