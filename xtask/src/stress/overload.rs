//! What those are told who come when there is too much to do.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::task::JoinSet;

use super::client::{Client, Told};
use super::{Common, start};
use crate::chaos::pictures::picture;
use crate::{quantile, say, show};

/// Uploads by which the capacity is measured.
const MEASURED: u64 = 200;

/// Seconds of work that may wait.
const BACKLOG: f64 = 3.0;

/// Uploads that are not answered yet; one that the service is not asked to take from one client is no measurement.
const AT_A_TIME: usize = 128;

/// How long an accepted upload's answer may take, of 99 in 100, in milliseconds.
const ALLOWED: f64 = 1_000.0;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    common: Common,

    /// How many times as many uploads come as can be done
    #[arg(long, value_name = "N", default_value_t = 4.0)]
    times: f64,

    /// Seconds for which they come
    #[arg(long, value_name = "N", default_value_t = 20)]
    seconds: u64,
}

/// What became of all uploads.
#[derive(Default)]
struct Tally {
    /// Milliseconds until each that was accepted was.
    accepted: Vec<f64>,
    later: u64,
    errors: Vec<String>,
}

pub(super) async fn run(args: &Args) -> Result<ExitCode> {
    let binary = args.common.binary()?;
    let capacity = capacity(args, &binary).await?;
    let rate = capacity * args.times;
    let uploads = (rate * args.seconds as f64) as u64;
    say(&format!(
        "{capacity:.0} jobs a second can be done; {rate:.0} uploads a second come, {uploads} in all"
    ));
    let pictures = pictures(args, MEASURED, uploads)?;

    let scratch = tempfile::tempdir()?;
    let backlog = ((capacity * BACKLOG) as u64).max(1).to_string();
    let server = start(&binary, scratch.path(), &["--max-queue", &backlog])?;
    let client = Client::new(&server)?;
    let tally = come(&client, pictures, Duration::from_secs_f64(1.0 / rate)).await;
    client.jobs_ended(tally.accepted.len() as u64).await?;
    let tasks = client.tasks().await?;
    let p99 = quantile(&tally.accepted, 0.99);
    show(&format!(
        "{uploads} uploads at {:.1} times what can be done ({capacity:.0} jobs a second), with {backlog} jobs that may wait:\n\
         accepted {}, told to come again {} (503 with Retry-After), anything else {}\n\
         tasks of the accepted: {tasks:?}\nanswers to the accepted: median {:.1} ms, p99 {p99:.1} ms\n",
        args.times,
        tally.accepted.len(),
        tally.later,
        tally.errors.len(),
        quantile(&tally.accepted, 0.5),
    ))?;
    for error in tally.errors.iter().take(5) {
        say(error);
    }
    let all_done = tasks.get("succeeded").copied().unwrap_or(0) == tally.accepted.len() as u64;
    let is_good = all_done && tally.errors.is_empty() && tally.later > 0 && p99 < ALLOWED;
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Jobs a second, when there is always one to do.
async fn capacity(args: &Args, binary: &std::path::Path) -> Result<f64> {
    let pictures = pictures(args, 0, MEASURED)?;
    let scratch = tempfile::tempdir()?;
    let server = start(binary, scratch.path(), &[])?;
    let client = Client::new(&server)?;
    let began = Instant::now();
    come(&client, pictures, Duration::ZERO).await;
    client.jobs_ended(MEASURED).await?;
    Ok(MEASURED as f64 / began.elapsed().as_secs_f64())
}

fn pictures(args: &Args, first: u64, count: u64) -> Result<Vec<Vec<u8>>> {
    (first..first + count).map(|number| picture(args.common.seed, number)).collect()
}

/// Sends one after each pause, whether or not those before are answered.
async fn come(client: &Client, pictures: Vec<Vec<u8>>, pause: Duration) -> Tally {
    let mut tally = Tally::default();
    let mut uploads = JoinSet::new();
    let began = Instant::now();
    for (number, picture) in (0u32..).zip(pictures) {
        tokio::time::sleep_until((began + pause * number).into()).await;
        let client = client.clone();
        uploads.spawn(async move { client.upload(picture).await });
        while let Some(told) = uploads.try_join_next() {
            tally.count(told);
        }
        // No more at a time than the service takes from one client.
        while uploads.len() >= AT_A_TIME {
            let Some(told) = uploads.join_next().await else { break };
            tally.count(told);
        }
    }
    while let Some(told) = uploads.join_next().await {
        tally.count(told);
    }
    tally
}

impl Tally {
    fn count(&mut self, told: Result<Told, tokio::task::JoinError>) {
        match told {
            Ok(Told::Accepted(took)) => self.accepted.push(took.as_secs_f64() * 1e3),
            Ok(Told::Later(_)) => self.later += 1,
            Ok(Told::Error(error)) => self.errors.push(error),
            Err(error) => self.errors.push(error.to_string()),
        }
    }
}
