//! (f) Memory and pace on large photos, which are made and not taken from the corpus.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Result;
use demitasse_engine::Effort;
use serde_json::json;

use super::super::corpus::{Corpus, Image};
use super::super::measure::{Ask, Bench};
use super::super::one::compress_apart;
use super::super::run::Run;
use super::{Part, Section};
use crate::pillow::Pillow;

pub(super) const SECTION: Section =
    Section { letter: 'f', title: "Memory and pace on large JPEGs", select, run };

fn select(_: &Corpus) -> Vec<Part<'_>> {
    Vec::new()
}

struct Row {
    tool: String,
    megapixels: f64,
    bytes: (u64, u64),
    cpu: f64,
    peak: Option<u64>,
    /// Before the work, with the input's bytes.
    before: Option<u64>,
}

fn run(run: &Run, _: &[Part<'_>]) -> Result<String> {
    let mut pictures = Run::pictures(&run.peers)?;
    let files = make(run)?;
    let mut images = Vec::new();
    for path in files {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        images.push(Image::made(&mut pictures, path, &name)?);
    }
    drop(pictures);
    let images: Vec<&Image> = images.iter().collect();
    let rows = run.each(SECTION.letter, &images, 0.0, measure)?;
    let mut text = String::from(
        "Wanted: 24 MP at `balanced` in 250 MB; baseline 100 MP at `fast` in 16 MB and 150 MP/s a core. Made photos. *Of it, its \
         own* is the peak less what the process had before, which is the program and the input's bytes; the output's bytes are in \
         it.\n\n| tool | MP | bytes in | bytes out | peak | of it, its own | MP per CPU s |\n|---|---|---|---|---|---|---|\n",
    );
    for (image, row) in rows {
        match row {
            Ok(rows) => rows.iter().for_each(|row| text.push_str(&line(row))),
            Err(error) => {
                let _ = writeln!(text, "- left out: {}: {error:#}", image.name);
            }
        }
    }
    Ok(text)
}

/// Makes the photos once; the larger one is the smaller one's like, ten times below itself.
fn make(run: &Run) -> Result<[PathBuf; 2]> {
    let folder = run.target.join("eval/made").join(MADE);
    let paths = ["24mp.jpg", "100mp.jpg"].map(|name| folder.join(name));
    if !paths.iter().all(|path| path.exists()) {
        std::fs::create_dir_all(&folder)?;
        let mut pillow = Pillow::start(&run.target)?;
        std::fs::rename(crate::photo::make(&folder, 0, (6000, 4000), &mut pillow)?, &paths[0])?;
        let strip = crate::photo::make(&folder, 3, (10_000, 1000), &mut pillow)?;
        Run::pictures(&run.peers)?.ask(&json!(["repeated", strip, paths[1], 10]))?;
        std::fs::remove_file(strip)?;
    }
    Ok(paths)
}

/// Changes when the made photos do.
const MADE: &str = "1";

fn measure(bench: &mut Bench<'_>, image: &Image) -> Result<Vec<Row>> {
    let scratch = tempfile::tempdir()?;
    let output = scratch.path().join("output.jpg");
    let length = |path: &PathBuf| std::fs::metadata(path).map(|data| data.len());
    let made = bench.pictures.ask(&json!(["encode", image.path, output, 70]))?;
    let seconds = |what: &str| made[what].as_f64().unwrap_or(f64::NAN);
    let mut rows = vec![Row {
        tool: "Pillow q70, with its interpreter".into(),
        megapixels: image.megapixels(),
        bytes: (image.bytes, length(&output)?),
        cpu: seconds("decode") + seconds("encode"),
        peak: made["peak"].as_u64(),
        before: None,
    }];
    for effort in Effort::ALL {
        // What the slow efforts hold of 100 megapixels is no figure of anybody's, and much.
        if effort != Effort::Fast && image.megapixels() > 50.0 {
            continue;
        }
        let done = compress_apart(&Ask::score("jpeg", effort, 70.0).request()?, &image.path, &output)?;
        rows.push(Row {
            tool: format!("ours jpeg {effort}, score 70"),
            megapixels: image.megapixels(),
            bytes: (image.bytes, length(&output)?),
            cpu: done.cpu,
            peak: done.memory.map(|(_, peak)| peak),
            before: done.memory.map(|(before, _)| before),
        });
    }
    Ok(rows)
}

fn line(row: &Row) -> String {
    let megabytes = |bytes: Option<u64>| {
        bytes.map_or_else(|| "-".into(), |bytes| format!("{:.0} MB", bytes as f64 / 1e6))
    };
    format!(
        "| {} | {:.0} | {} | {} | **{}** | {} | {:.1} |\n",
        row.tool,
        row.megapixels,
        row.bytes.0,
        row.bytes.1,
        megabytes(row.peak),
        megabytes(row.peak.zip(row.before).map(|(peak, before)| peak.saturating_sub(before))),
        row.megapixels / row.cpu,
    )
}
