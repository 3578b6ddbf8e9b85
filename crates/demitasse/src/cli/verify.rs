//! `demitasse verify`: is a receipt true of two files?

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use demitasse_engine::check::{Answer, Verification};
use demitasse_engine::report::Report;
use demitasse_engine::{Control, Limits, verify_receipt};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::compress::printable;
use super::inspect::read;

/// Longest text of receipts that is read, in bytes: some thousand receipts.
const MAX_RECEIPT_BYTES: u64 = 16_000_000;

/// Look whether a receipt is true of two files
///
/// Hashes, sizes, metadata, pixels and score are found out again from the files. Exit status 0: it is true; 1: it is not;
/// 2: it could not be looked at.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What `compress --json` printed, or a report by itself; of several receipts the one for these files. `-` is
    /// standard input
    receipt: PathBuf,

    /// The file that was compressed
    #[arg(value_name = "IN")]
    input: PathBuf,

    /// The file that came out
    #[arg(value_name = "OUT")]
    output: PathBuf,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Verifies.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let paths = [&args.receipt, &args.input, &args.output];
    ensure!(
        paths.iter().filter(|path| path.as_os_str() == "-").count() < 2,
        "standard input can be one file only"
    );
    let limits = Limits::default();
    let receipts = load(&args.receipt, MAX_RECEIPT_BYTES)?;
    let input = load(&args.input, limits.max_bytes)?;
    let output = load(&args.output, limits.max_bytes)?;
    let reports = reports(&receipts).with_context(|| format!("{} is no receipt", shown(&args.receipt)))?;
    let found = look(&reports, &input, &output, &limits)?;
    let text = if args.json { json_line(&found) } else { table(&found) };
    // A reader that went away, `head` say, is no failure of ours.
    let _ = io::stdout().write_all(text.as_bytes());
    Ok(ExitCode::from(u8::from(!found.holds())))
}

fn load(path: &Path, most: u64) -> anyhow::Result<Vec<u8>> {
    let bytes = read(path, most.saturating_add(1)).with_context(|| shown(path))?;
    ensure!(bytes.len() as u64 <= most, "{} has more than {most} bytes", shown(path));
    Ok(bytes)
}

fn shown(path: &Path) -> String {
    printable(&path.display().to_string())
}

/// The reports in a JSON text: one or several objects, each a report or with one inside. Others, such as those of inputs
/// that failed, are passed over.
fn reports(text: &[u8]) -> anyhow::Result<Vec<Report>> {
    let mut reports = Vec::new();
    for value in serde_json::Deserializer::from_slice(text).into_iter::<Value>() {
        let mut value = value?;
        let inner = value.get_mut("report").map(Value::take);
        if inner.is_some() || value.get("error").is_none() {
            reports.push(serde_json::from_value(inner.unwrap_or(value))?);
        }
    }
    if reports.is_empty() {
        bail!("it holds no report");
    }
    Ok(reports)
}

/// Looks at the receipt; of several at the one for these files, by the hash of either.
fn look(reports: &[Report], input: &[u8], output: &[u8], limits: &Limits) -> anyhow::Result<Verification> {
    let report = match reports {
        [report] => report,
        several => {
            let [input, output] = [input, output].map(|bytes| hex::encode(Sha256::digest(bytes)));
            let same = |report: &&Report| {
                u8::from(report.input.sha256 == input) + u8::from(report.output.sha256 == output)
            };
            let likely = several.iter().max_by_key(same).filter(|report| same(report) > 0);
            likely.with_context(|| format!("none of {} receipts is for these files", several.len()))?
        }
    };
    Ok(verify_receipt(report, input, output, limits, &Control::new())?)
}

fn table(found: &Verification) -> String {
    let mut text = String::new();
    for check in &found.checks {
        let answer = match check.answer {
            Answer::Yes => "yes",
            Answer::No => "NO",
            Answer::Open => "-",
        };
        let _ = writeln!(text, "{answer:<4} {:<15} {}", words(&check.name), printable(&check.detail));
    }
    let verdict = if found.holds() { "is true" } else { "is not true" };
    let _ = writeln!(text, "The receipt {verdict} of these files.");
    text
}

fn json_line(found: &Verification) -> String {
    let Verification { version, engine, checks } = found;
    let line = json!({ "version": version, "engine": engine, "holds": found.holds(), "checks": checks });
    format!("{line}\n")
}

/// The name of a check, as JSON writes it, in words.
fn words(name: &impl Serialize) -> String {
    let name = serde_json::to_value(name).ok();
    name.and_then(|name| name.as_str().map(|name| name.replace('_', " "))).unwrap_or_default()
}
