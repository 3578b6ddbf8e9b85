//! Whether the service's memory grows with what it has done.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Result, bail, ensure};

use super::client::{Client, Told};
use super::{Common, Resident, start};
use crate::chaos::pictures::picture;
use crate::{quantile, say, show};

/// By how much the memory may have grown.
const ALLOWED: f64 = 0.1;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    common: Common,

    /// Uploads, each of another picture
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    uploads: u64,

    /// Uploads after which the memory is looked at for the first time
    #[arg(long, value_name = "N", default_value_t = 500)]
    warm: u64,

    /// Uploads at a time
    #[arg(long, value_name = "N", default_value_t = 8)]
    clients: u64,
}

pub(super) async fn run(args: &Args) -> Result<ExitCode> {
    ensure!(args.warm < args.uploads, "--warm must be less than --uploads");
    let scratch = tempfile::tempdir()?;
    let server = start(&args.common.binary()?, scratch.path(), &[])?;
    let client = Client::new(&server)?;
    let began = Instant::now();
    let mut answers = upload(args, &client, server.pid(), 0..args.warm).await?;
    client.jobs_ended(args.warm).await?;
    let first = Resident::of(server.pid())?;
    answers.extend(upload(args, &client, server.pid(), args.warm..args.uploads).await?);
    client.jobs_ended(args.uploads).await?;
    let last = Resident::of(server.pid())?;
    let tasks = client.tasks().await?;
    let growth = last.all / first.all - 1.0;
    let seconds = began.elapsed().as_secs_f64();
    show(&format!(
        "{} uploads in {seconds:.0} s, {} at a time; tasks: {tasks:?}\nanswers: median {:.1} ms, p99 {:.1} ms\n\
         resident memory of the service: {first} after {}; {last} at the end: {:+.1} %\n",
        args.uploads,
        args.clients,
        quantile(&answers, 0.5),
        quantile(&answers, 0.99),
        args.warm,
        growth * 100.0,
    ))?;
    let done = tasks.get("succeeded") == Some(&args.uploads);
    Ok(if done && growth <= ALLOWED { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Uploads these pictures; gives the milliseconds until each was answered. Says meanwhile how large the service is.
async fn upload(args: &Args, client: &Client, pid: u32, numbers: std::ops::Range<u64>) -> Result<Vec<f64>> {
    let next = AtomicU64::new(numbers.start);
    let one = async || {
        let mut answers = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= numbers.end {
                return Ok(answers);
            }
            if number.is_multiple_of((args.uploads / 20).max(1)) {
                say(&format!("{number} uploads: {}", Resident::of(pid)?));
            }
            let picture = picture(args.common.seed, number)?;
            loop {
                match client.upload(picture.clone()).await {
                    Told::Accepted(took) => break answers.push(took.as_secs_f64() * 1e3),
                    Told::Later(pause) => tokio::time::sleep(pause).await,
                    Told::Error(error) => bail!("upload {number}: {error}"),
                }
            }
        }
    };
    let mut all = Vec::new();
    for answers in futures_util::future::join_all((0..args.clients).map(|_| one())).await {
        all.extend(answers?);
    }
    Ok(all)
}
