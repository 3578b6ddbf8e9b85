//! From the start of an upload to `completed`, over HTTP, on an idle server with a fresh data directory.
//!
//! Each upload is another picture, because bytes that are known are not compressed again. Beside it, in the same run:
//! what Pillow needs to decode and encode the same picture as the original service did.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::check_corpus::release_binary;
use crate::pillow::Pillow;
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
        None => make_photo(scratch.path(), &mut pillow)?,
    };
    let bytes = std::fs::read(&photo)?;
    let server = Server::start(&binary, &scratch.path().join("data"))?;
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

/// A server of its own, on a free port; it ends with this value.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(binary: &Path, data: &Path) -> Result<Self> {
        let mut child = Command::new(binary)
            .args(["serve", "--listen", "127.0.0.1:0", "--log", "warn", "--data"])
            .arg(data)
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} cannot be started", binary.display()))?;
        let stdout = child.stdout.take().context("the server has no standard output")?;
        let mut server = Self { child, url: String::new() };
        for line in BufReader::new(stdout).lines() {
            if let Some(start) = line.as_deref().unwrap_or_default().find("http://") {
                server.url = line?[start..].trim().trim_end_matches('/').to_owned();
                return Ok(server);
            }
        }
        bail!("the server ended without a URL")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The seconds of each upload.
#[expect(clippy::disallowed_methods, reason = "the server is one that this program started")]
async fn uploads(url: &str, photo: &[u8], count: u32) -> Result<Vec<f64>> {
    let client = reqwest::Client::new();
    let mut seconds = Vec::new();
    for number in 0..=count {
        let picture = variation(photo, number)?;
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

/// The same JPEG with another comment, so that its bytes are not known yet and its pixels cost the same.
fn variation(photo: &[u8], number: u32) -> Result<Vec<u8>> {
    let Some(rest) = photo.strip_prefix(&[0xff, 0xd8]) else { bail!("the photo is no JPEG") };
    let text = format!("upload {number}");
    let length = u16::try_from(text.len() + 2)?.to_be_bytes();
    Ok([&[0xff, 0xd8, 0xff, 0xfe], length.as_slice(), text.as_bytes(), rest].concat())
}

/// Makes a picture with a photo's mixture: soft gradients, edges and fine noise, 1536 x 1024, JPEG of quality 90.
fn make_photo(folder: &Path, pillow: &mut Pillow) -> Result<PathBuf> {
    say("no --photo: measuring a made picture, which compresses a little differently from a real one");
    let (width, height) = (1536_u32, 1024_u32);
    let mut samples = format!("P6\n{width} {height}\n255\n").into_bytes();
    let mut noise = 0x2545_f491_u32;
    for index in 0..width * height {
        let (x, y) = ((index % width) as f32, (index / width) as f32);
        noise ^= noise << 13;
        noise ^= noise >> 17;
        noise ^= noise << 5;
        let grain = (noise >> 24) as f32 / 255.0 * 14.0 - 7.0;
        let hill = if y > 600.0 + 120.0 * (x / 170.0).sin() + 40.0 * (x / 31.0).sin() { 70.0 } else { 0.0 };
        let soft = 40.0 * (x / 260.0).sin() * (y / 190.0).cos() + 14.0 * (x / 9.0).sin() * (y / 11.0).sin();
        for base in [150.0, 140.0, 170.0] {
            samples.push((base + soft - hill + grain - y / 20.0).clamp(0.0, 255.0) as u8);
        }
    }
    let (raw, photo) = (folder.join("photo.ppm"), folder.join("photo.jpg"));
    std::fs::write(&raw, samples)?;
    pillow.ask("jpeg90", &[&raw, &photo])?;
    Ok(photo)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_upload_has_other_bytes_and_the_same_pixels() {
        let jpeg = b"\xff\xd8\xff\xd9";
        assert_eq!(variation(jpeg, 7).unwrap(), b"\xff\xd8\xff\xfe\x00\x0aupload 7\xff\xd9");
        assert_ne!(variation(jpeg, 7).unwrap(), variation(jpeg, 8).unwrap());
        assert!(variation(b"GIF", 1).is_err());
    }
}
