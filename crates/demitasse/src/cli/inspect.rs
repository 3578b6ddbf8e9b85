//! `demitasse inspect`: what a file says of itself, without decoding a pixel.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use demitasse_engine::metadata::{Mark, Metadata};
use demitasse_engine::{Header, Limits, inspect, read_metadata};
use serde_json::{Value, json};

use super::compress::printable;

/// Show what the headers and the metadata of image files say; nothing is decoded or changed
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Files; `-` is standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

/// Inspects.
pub(super) fn run(args: &Args) -> ExitCode {
    let mut failed = false;
    for path in &args.files {
        let text = match look(path) {
            Ok(found) if args.json => format!("{}\n", found.json(path)),
            Ok(found) => found.text(path),
            Err(error) => {
                failed = true;
                if args.json {
                    format!("{}\n", json!({ "file": path.display().to_string(), "error": error }))
                } else {
                    let _ =
                        writeln!(io::stderr(), "error: {}: {error}", printable(&path.display().to_string()));
                    continue;
                }
            }
        };
        // A reader that went away, `head` say, is no failure of ours.
        let _ = io::stdout().write_all(text.as_bytes());
    }
    ExitCode::from(u8::from(failed))
}

/// What a file says.
struct Found {
    bytes: usize,
    header: Header,
    metadata: Metadata,
}

fn look(path: &Path) -> Result<Found, String> {
    let limits = Limits::default();
    let bytes = read(path, limits.max_bytes.saturating_add(1)).map_err(|error| error.to_string())?;
    let header = inspect(&bytes, &limits).map_err(|error| error.to_string())?;
    let metadata = read_metadata(&bytes, &limits).map_err(|error| error.to_string())?;
    Ok(Found { bytes: bytes.len(), header, metadata })
}

/// The first `most` bytes of a file, or of standard input.
pub(super) fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if path.as_os_str() == "-" {
        io::stdin().lock().take(most).read_to_end(&mut bytes)?;
    } else {
        File::open(path)?.take(most).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

impl Found {
    fn text(&self, path: &Path) -> String {
        let Self { bytes, header, metadata } = self;
        let mut text = format!("{}\n", printable(&path.display().to_string()));
        let mut line = |name: &str, value: String| {
            let _ = writeln!(text, "  {name:<12} {}", printable(&value));
        };
        line("format", header.format.to_string());
        line("bytes", bytes.to_string());
        line(
            "stored as",
            format!("{} x {} pixels, {} bits a sample", header.width, header.height, header.bits),
        );
        line("alpha", yes_no(header.alpha));
        line("animated", yes_no(header.animated));
        line("orientation", metadata.orientation.exif().to_string());
        for (name, value) in [("copyright", &metadata.rights.copyright), ("artist", &metadata.rights.artist)]
        {
            if let Some(value) = value {
                line(name, value.clone());
            }
        }
        if let Some(mark) = metadata.mark {
            line("compressed", format!("by Demitasse, to {}", promise(mark)));
        }
        for item in &metadata.items {
            line("carries", format!("{} ({} bytes)", json_name(&item.kind), item.bytes));
        }
        text
    }

    fn json(&self, path: &Path) -> Value {
        let Self { bytes, header, metadata } = self;
        json!({
            "file": path.display().to_string(),
            "format": header.format,
            "bytes": bytes,
            "width": header.width,
            "height": header.height,
            "bits": header.bits,
            "alpha": header.alpha,
            "animated": header.animated,
            "orientation": metadata.orientation.exif(),
            "copyright": metadata.rights.copyright,
            "artist": metadata.rights.artist,
            "compressed_to": metadata.mark.map(promise),
            "metadata": metadata.items,
        })
    }
}

fn promise(mark: Mark) -> String {
    match mark {
        Mark::Score(score) => format!("score {score}"),
        Mark::Quality(quality) => format!("quality {quality}"),
    }
}

fn yes_no(value: bool) -> String {
    if value { "yes" } else { "no" }.to_owned()
}

/// The name of a kind, as reports write it.
fn json_name(kind: &impl serde::Serialize) -> String {
    serde_json::to_value(kind).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}
