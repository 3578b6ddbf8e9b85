//! From the start of an upload to `completed`, over HTTP, on an idle server with a fresh data directory.
//!
//! Each upload is another picture, because bytes that are known are not compressed again. Beside it, in the same run:
//! what Pillow needs to decode and encode the same picture as the original service did.

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::check_corpus::release_binary;
use crate::photo::{make, variation};
use crate::pillow::Pillow;
use crate::server::Server;
use crate::{quantile, say, show};

/// How often the task is asked for.
const POLL: Duration = Duration::from_millis(5);
/// No upload may take longer.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A JPEG photo of about 1.6 megapixels [default: one is made]
    #[arg(long, value_name = "FILE")]
    photo: Option<PathBuf>,

    /// How many uploads, after one that does not count
    #[arg(long, value_name = "N", default_value_t = 20)]
    uploads: u32,

    /// The binary [default: the release build, built first]
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,

    /// Where to build
    #[arg(long, env = "CARGO_TARGET_DIR", default_value = "target", hide = true)]
    target: PathBuf,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let binary = match &args.binary {
        Some(path) => path.clone(),
        None => release_binary(&args.target)?,
    };
    let scratch = tempfile::tempdir()?;
    let mut pillow = Pillow::start(&args.target)?;
    let photo = match &args.photo {
        Some(path) => path.clone(),
        None => {
            say(
                "no --photo: measuring a made picture, which compresses a little differently from a real one",
            );
            make(scratch.path(), 0, (1536, 1024), &mut pillow)?
        }
    };
    let bytes = std::fs::read(&photo)?;
    let mut command = Command::new(&binary);
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--log", "warn", "--data"])
        .arg(scratch.path().join("data"));
    let server = Server::start(&mut command)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let seconds = runtime.block_on(uploads(&server.url, &bytes, args.uploads))?;
    let mut theirs = Vec::new();
    for _ in 0..args.uploads.min(10) {
        let answer = pillow.ask("jpeg70", &[&photo, &scratch.path().join("pillow.jpg")])?;
        theirs.push(answer["seconds"].as_f64().unwrap_or(f64::NAN));
    }
    let facts = pillow.ask("facts", &[&photo])?;
    let (median, peer) = (quantile(&seconds, 0.5), quantile(&theirs, 0.5));
    show(&format!(
        "upload to completed: {} x {} JPEG of {} bytes, {} uploads, one at a time\n  median {median:.3} s, \
         95 % within {:.3} s, slowest {:.3} s\n  Pillow's decode and encode of the same picture: {peer:.3} s \
         (ratio {:.1})\n",
        facts["width"],
        facts["height"],
        bytes.len(),
        seconds.len(),
        quantile(&seconds, 0.95),
        quantile(&seconds, 1.0),
        median / peer,
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// The seconds of each upload.
#[expect(clippy::disallowed_methods, reason = "the server is one that this program started")]
async fn uploads(url: &str, photo: &[u8], count: u32) -> Result<Vec<f64>> {
    let client = reqwest::Client::new();
    let mut seconds = Vec::new();
    for number in 0..=count {
        let picture = variation(photo, &format!("upload {number}"))?;
        let start = Instant::now();
        let part = reqwest::multipart::Part::bytes(picture).file_name("photo.jpg").mime_str("image/jpeg")?;
        let form = reqwest::multipart::Form::new().part("image", part);
        let answer = client.post(format!("{url}/images/upload")).multipart(form).send().await?;
        let answer: Value = answer.error_for_status()?.json().await?;
        let task = answer["taskId"].as_str().context("no taskId in the answer")?.to_owned();
        wait(&client, &format!("{url}/tasks/{task}/status"), start).await?;
        if number > 0 {
            seconds.push(start.elapsed().as_secs_f64());
        }
    }
    Ok(seconds)
}

async fn wait(client: &reqwest::Client, url: &str, start: Instant) -> Result<()> {
    loop {
        let answer: Value = client.get(url).send().await?.error_for_status()?.json().await?;
        match answer["status"].as_str() {
            Some("completed") => return Ok(()),
            Some("pending") => ensure!(start.elapsed() < PATIENCE, "an upload took longer than {PATIENCE:?}"),
            other => bail!("an upload ended as {other:?}"),
        }
        tokio::time::sleep(POLL).await;
    }
}
