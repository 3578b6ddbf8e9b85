//! `cargo xtask`: every figure that the documents claim, as a command that anyone can run.

#[cfg(target_os = "linux")]
mod bench_accept;
#[cfg(target_os = "linux")]
mod bench_isolation;
#[cfg(target_os = "linux")]
mod bench_scale;
mod bench_upload;
#[cfg(unix)]
mod chaos;
mod check_corpus;
mod eval;
mod fit;
mod helper;
mod photo;
mod pillow;
mod score;
mod server;
#[cfg(target_os = "linux")]
mod stress;

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

/// Measurements of Demitasse
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
enum Command {
    /// Bytes at equal score, hits of targets, processor time, memory and harms, beside other tools
    Eval(eval::Args),
    /// One compression in a process of its own, for `eval`
    #[command(hide = true)]
    EvalOne(eval::one::Args),
    /// Fits an encoder's expected quality on measured photos, and says how far it is off
    Fit(fit::Args),
    /// Sends every file of a folder through `demitasse compress` and checks each result by another decoder
    CheckCorpus(check_corpus::Args),
    /// Time from the start of an upload to `completed`, on an idle server
    BenchUpload(bench_upload::Args),
    /// Small uploads a second that are accepted and synced, on embedded parts
    #[cfg(target_os = "linux")]
    BenchAccept(bench_accept::Args),
    /// Processor time of the engine in children and in the sandbox, beside the engine alone
    #[cfg(target_os = "linux")]
    BenchIsolation(bench_isolation::Args),
    /// Photos a second, answers, order and processor time of API and workers on shared stores
    #[cfg(target_os = "linux")]
    BenchScale(bench_scale::Args),
    /// Uploads while workers, API and Redis are killed; nothing may be lost or doubled
    #[cfg(unix)]
    Chaos(chaos::Args),
    /// Whether the service's memory grows: ten thousand uploads
    #[cfg(target_os = "linux")]
    Soak(stress::SoakArgs),
    /// What those are told who come when there is too much to do: four times as many uploads as can be done
    #[cfg(target_os = "linux")]
    Overload(stress::OverloadArgs),
}

fn main() -> ExitCode {
    let result = match Command::parse() {
        Command::Eval(args) => eval::run(&args),
        Command::EvalOne(args) => eval::one::run(&args),
        Command::Fit(args) => fit::run(&args),
        Command::CheckCorpus(args) => check_corpus::run(&args),
        Command::BenchUpload(args) => bench_upload::run(&args),
        #[cfg(target_os = "linux")]
        Command::BenchAccept(args) => bench_accept::run(&args),
        #[cfg(target_os = "linux")]
        Command::BenchIsolation(args) => bench_isolation::run(&args),
        #[cfg(target_os = "linux")]
        Command::BenchScale(args) => bench_scale::run(&args),
        #[cfg(unix)]
        Command::Chaos(args) => chaos::run(&args),
        #[cfg(target_os = "linux")]
        Command::Soak(args) => stress::soak(&args),
        #[cfg(target_os = "linux")]
        Command::Overload(args) => stress::overload(&args),
    };
    result.unwrap_or_else(|error| {
        say(&format!("error: {error:#}"));
        ExitCode::from(2)
    })
}

/// Writes a line for people, on standard error.
fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Writes a result to standard output.
fn show(text: &str) -> Result<()> {
    Ok(io::stdout().write_all(text.as_bytes())?)
}

/// The geometric mean; of nothing, 1.
fn geometric_mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0_u32), |(sum, count), value| (sum + value.ln(), count + 1));
    (sum / f64::from(count.max(1))).exp()
}

/// The value below which `share` of the values lie; they need not be sorted.
fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * share).round() as usize).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_and_quantiles_are_what_they_should_be() {
        assert!((geometric_mean([0.5, 2.0].into_iter()) - 1.0).abs() < 1e-12);
        assert_eq!(quantile(&[3.0, 1.0, 2.0], 0.5), 2.0);
        assert_eq!(quantile(&[3.0, 1.0, 2.0], 1.0), 3.0);
    }
}
