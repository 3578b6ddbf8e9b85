//! How many small uploads a second a service on embedded parts accepts, when nothing is compressed beside it: each is on the
//! disk, with its rows, before it is answered.
//!
//! The client shares the machine with the service, so it does little: requests are made before, connections are kept, and an
//! answer is read to its end and judged by its status.

use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::bench_scale::cpu;
use crate::check_corpus::release_binary;
use crate::server::Server;
use crate::{quantile, say, show};

/// What may be accepted at least, in uploads a second.
const WANTED: f64 = 1_000.0;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Uploads that count, each of another picture
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    uploads: usize,

    /// Uploads before them
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    warm: usize,

    /// Connections, each with one upload at a time
    #[arg(long, value_name = "N", default_value_t = 64)]
    connections: usize,

    /// Directory of the service's data, on the disk that is to be measured, which is left as it is then: after many files were
    /// deleted, ext4 is slow to make new ones for minutes [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

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
    let data = args.data.as_deref().unwrap_or(scratch.path());
    let mut command = Command::new(binary);
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--workers", "0", "--log", "warn"])
        .args(["--max-queue", "100000000", "--data"])
        .arg(data)
        .stderr(Stdio::inherit());
    let server = Server::start(&mut command)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(measure(args, &server))
}

async fn measure(args: &Args, server: &Server) -> Result<ExitCode> {
    let address = server.url.trim_start_matches("http://").to_owned();
    let requests = |numbers: std::ops::Range<usize>| -> Result<Arc<Vec<Vec<u8>>>> {
        Ok(Arc::new(numbers.map(|number| request(&address, number)).collect::<Result<_>>()?))
    };
    let (warm, counted) = (requests(0..args.warm)?, requests(args.warm..args.warm + args.uploads)?);
    let bytes = counted.iter().map(Vec::len).sum::<usize>() / args.uploads.max(1);
    say(&format!("{} uploads of {bytes} bytes, {} connections", args.uploads, args.connections));
    send(&address, warm, args.connections).await?;

    let (began, cpu) = (Instant::now(), cpu::seconds(server.pid())?);
    let answers = send(&address, counted, args.connections).await?;
    let seconds = began.elapsed().as_secs_f64();
    let cpu = cpu::seconds(server.pid())? - cpu;
    let rate = args.uploads as f64 / seconds;
    show(&format!(
        "accepted and synced: {rate:.0} uploads a second ({} of {bytes} bytes in {seconds:.1} s, {} connections)\n  \
         answers: median {:.1} ms, p99 {:.1} ms, slowest {:.1} ms\n  processor time of the service: {:.2} ms an upload\n",
        args.uploads,
        args.connections,
        quantile(&answers, 0.5),
        quantile(&answers, 0.99),
        quantile(&answers, 1.0),
        cpu * 1e3 / args.uploads as f64,
    ))?;
    Ok(if rate >= WANTED { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Sends all requests, and gives the milliseconds until each was answered.
async fn send(address: &str, requests: Arc<Vec<Vec<u8>>>, connections: usize) -> Result<Vec<f64>> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut clients = JoinSet::new();
    for _ in 0..connections {
        let (requests, next) = (requests.clone(), next.clone());
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        clients.spawn(async move {
            let (mut answers, mut buffer) = (Vec::new(), Vec::new());
            while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                let sent = Instant::now();
                stream.write_all(request).await?;
                accepted(&mut stream, &mut buffer).await?;
                answers.push(sent.elapsed().as_secs_f64() * 1e3);
            }
            Ok(answers)
        });
    }
    let answers: Result<Vec<Vec<f64>>> = clients.join_all().await.into_iter().collect();
    Ok(answers?.concat())
}

/// Reads an answer to its end; it must be 202.
async fn accepted(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<()> {
    buffer.clear();
    loop {
        ensure!(stream.read_buf(buffer).await? > 0, "the service closed the connection");
        let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let header = std::str::from_utf8(&buffer[..end])?;
        if !header.starts_with("HTTP/1.1 202 ") {
            bail!("an upload was not accepted: {}", String::from_utf8_lossy(buffer));
        }
        let length = header.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.context("an answer without its length")?.parse()?;
        if buffer.len() >= end + 4 + length {
            return Ok(());
        }
    }
}

/// A whole request with a picture of its own.
fn request(address: &str, number: usize) -> Result<Vec<u8>> {
    const CUT: &str = "------------------------cut";
    let mut body = format!(
        "--{CUT}\r\nContent-Disposition: form-data; name=\"image\"; filename=\"{number}.png\"\r\n\
         Content-Type: image/png\r\n\r\n"
    )
    .into_bytes();
    body.extend(picture(number)?);
    body.extend(format!("\r\n--{CUT}--\r\n").bytes());
    let mut request = format!(
        "POST /v1/images HTTP/1.1\r\nHost: {address}\r\nContent-Type: multipart/form-data; boundary={CUT}\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend(body);
    Ok(request)
}

/// A PNG of about 1.5 kB: 24 x 20 pixels of noise.
fn picture(number: usize) -> Result<Vec<u8>> {
    let mut state = number as u64 ^ 0x9E37_79B9_7F4A_7C15;
    let pixels: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    })
    .take(24 * 20 * 3)
    .collect();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 24, 20);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::Fastest);
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_small_and_each_is_another() {
        let (one, other) = (picture(1).unwrap(), picture(2).unwrap());
        assert_ne!(one, other);
        assert!((1_000..2_000).contains(&one.len()), "{}", one.len());
    }
}
