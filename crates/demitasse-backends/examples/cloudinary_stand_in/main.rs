//! A stand-in for Cloudinary, for tests and for chaos runs: the calls that Demitasse makes, on loopback, with the bytes
//! on disk. It is not Cloudinary: it transforms nothing, has no delivery network, takes empty files, and knows an image
//! by its first bytes only.
//!
//! ```text
//! cargo run -p demitasse-backends --example cloudinary_stand_in -- --listen 127.0.0.1:0 --dir DIR \
//!     [--cloud demo] [--key key] [--secret secret] [--signature sha256] [--refuse-first 3]
//! ```
//! The first line that it prints is the storage URL to give to Demitasse. `DIR` may be used again.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command")]

mod server;

use std::process::ExitCode;

use server::StandIn;

#[tokio::main]
async fn main() -> ExitCode {
    match run(std::env::args().skip(1).collect()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("error: {reason}");
            ExitCode::from(2)
        }
    }
}

async fn run(arguments: Vec<String>) -> Result<(), Box<dyn std::error::Error>> {
    let mut listen = "127.0.0.1:0".to_owned();
    let mut dir = None;
    let mut stand_in = StandIn::default();
    let mut arguments = arguments.into_iter();
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} takes a value"))?;
        match name.as_str() {
            "--listen" => listen = value,
            "--dir" => dir = Some(value),
            "--cloud" => stand_in.cloud = value,
            "--key" => stand_in.key = value,
            "--secret" => stand_in.secret = value,
            "--signature" => stand_in.sha256 = value == "sha256",
            "--refuse-first" => stand_in.refuse_first(value.parse()?),
            _ => return Err(format!("{name} is no option").into()),
        }
    }
    stand_in.dir = dir.ok_or("--dir is missing")?.into();
    let listener = tokio::net::TcpListener::bind(&listen).await?;
    println!("{}", stand_in.storage_url(listener.local_addr()?));
    let (_, router) = stand_in.router().await?;
    axum::serve(listener, router).await?;
    Ok(())
}
