//! Bytes of JPEG photos against the original service's, which is Pillow's `convert("RGB").save(quality=70)`.
//!
//! Samples are compared as they are stored, whatever profile they are in: Pillow leaves them and drops the profile.
//!
//! For each photo: Pillow's JPEG and its score; then the engine's JPEG for that score as its target. Scores are of whole
//! images, by another decoder than the engine's. The engine reaches a target within a tolerance and, above 0.7
//! megapixels, by an estimate, so a second figure corrects for it: the engine's bytes at exactly Pillow's score, on the
//! line through its results at the two nearest targets.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use demitasse_engine::{Control, Format, Limits, OutputFormat, Request, Score, Target, compress};

use crate::pillow::Pillow;
use crate::score::{Picture, score};
use crate::{geometric_mean, say, show};

/// Targets beside Pillow's score, for the line: above and below.
const BESIDE: f64 = 1.5;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folder of photos: JPEG files, and PNG files that are made into JPEG
    #[arg(long, value_name = "DIR")]
    corpus: PathBuf,

    /// Where to build; results go to TARGET/eval
    #[arg(long, env = "CARGO_TARGET_DIR", default_value = "target", hide = true)]
    target: PathBuf,
}

/// One photo.
struct Row {
    name: String,
    megapixels: f64,
    /// Bytes and score of Pillow's JPEG.
    pillow: (u64, f64),
    /// Bytes and score of the engine's, asked for Pillow's score.
    ours: (u64, f64),
    /// Bytes of the engine's at exactly Pillow's score.
    at_equal_score: f64,
    seconds: f64,
}

impl Row {
    fn ratio(&self) -> f64 {
        self.ours.0 as f64 / self.pillow.0 as f64
    }

    fn equal_ratio(&self) -> f64 {
        self.at_equal_score / self.pillow.0 as f64
    }
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let photos = photos(&args.corpus)?;
    let scratch = tempfile::tempdir()?;
    let mut pillow = Pillow::start(&args.target)?;
    let mut rows = Vec::new();
    for (index, path) in photos.iter().enumerate() {
        let name = path.strip_prefix(&args.corpus).unwrap_or(path).display().to_string();
        match measure(path, &name, scratch.path(), &mut pillow) {
            Ok(row) => {
                say(&format!("{}/{} {name}: {:+.1} %", index + 1, photos.len(), percent(row.ratio())));
                rows.push(row);
            }
            Err(error) => say(&format!("{}/{} {name}: left out: {error:#}", index + 1, photos.len())),
        }
    }
    ensure!(!rows.is_empty(), "no photo of {} could be measured", args.corpus.display());
    let summary = summary(&rows);
    let folder = args.target.join("eval");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("summary.md"), &summary)?;
    std::fs::write(folder.join("results.csv"), csv(&rows))?;
    show(&summary)?;
    Ok(ExitCode::SUCCESS)
}

fn photos(corpus: &Path) -> Result<Vec<PathBuf>> {
    let mut photos = Vec::new();
    for entry in walkdir::WalkDir::new(corpus).sort_by_file_name() {
        let path = entry?.into_path();
        let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
        if extension == "jpg" || extension == "jpeg" || extension == "png" {
            photos.push(path);
        }
    }
    ensure!(!photos.is_empty(), "{} has no JPEG or PNG files", corpus.display());
    Ok(photos)
}

fn measure(path: &Path, name: &str, scratch: &Path, pillow: &mut Pillow) -> Result<Row> {
    let bytes = std::fs::read(path)?;
    let facts = pillow.ask("facts", &[path])?;
    ensure!(facts["mode"] == "RGB" && facts["frames"] == 1, "not a still RGB photo");
    let reference = decode(path, scratch, pillow)?;

    let theirs = scratch.join("pillow.jpg");
    pillow.ask("jpeg70", &[path, &theirs])?;
    let goal = score(&reference, &decode(&theirs, scratch, pillow)?)?;

    let start = std::time::Instant::now();
    let mut results = Vec::new();
    let mut seconds = 0.0;
    for target in [goal, goal - BESIDE, goal + BESIDE] {
        let request = Request::new(Target::Score { score: Score(target) }).with_format(OutputFormat::of(Format::Jpeg));
        let made = compress(&bytes, &request, &Limits::default(), &Control::new())?;
        if results.is_empty() {
            seconds = start.elapsed().as_secs_f64();
        }
        let ours = scratch.join("ours.jpg");
        std::fs::write(&ours, &made.bytes)?;
        results.push((made.bytes.len() as u64, score(&reference, &decode(&ours, scratch, pillow)?)?));
    }
    let ours = results[0];
    Ok(Row {
        name: name.to_owned(),
        megapixels: reference.pixels() as f64 / 1e6,
        pillow: (std::fs::metadata(&theirs)?.len(), goal),
        ours,
        at_equal_score: bytes_at(&mut results, goal).context("the engine gave one size for three targets")?,
        seconds,
    })
}

fn decode(path: &Path, scratch: &Path, pillow: &mut Pillow) -> Result<Picture> {
    let decoded = scratch.join("decoded.ppm");
    pillow.ask("ppm", &[path, &decoded])?;
    Picture::read(&decoded)
}

/// Bytes at a score, on the line of log bytes over score through the two results that are nearest around it.
fn bytes_at(results: &mut [(u64, f64)], goal: f64) -> Option<f64> {
    results.sort_by(|a, b| a.1.total_cmp(&b.1));
    let above = results.iter().position(|result| result.1 >= goal).unwrap_or(results.len());
    let upper = above.clamp(1, results.len() - 1);
    let ((low_bytes, low), (high_bytes, high)) = (results[upper - 1], results[upper]);
    if high - low < 1e-6 {
        return (low_bytes == high_bytes).then_some(low_bytes as f64);
    }
    let (from, to) = ((low_bytes as f64).ln(), (high_bytes as f64).ln());
    Some((from + (to - from) * (goal - low) / (high - low)).exp())
}

fn percent(ratio: f64) -> f64 {
    (ratio - 1.0) * 100.0
}

fn summary(rows: &[Row]) -> String {
    let jpegs: Vec<&Row> = rows.iter().filter(|row| !is_png(row)).collect();
    let pngs: Vec<&Row> = rows.iter().filter(|row| is_png(row)).collect();
    let mut text = String::from(
        "| photos | n | bytes against Pillow q70 | min | max | at equal score | score difference, mean [min, max] |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for (name, group) in [("JPEG", jpegs), ("PNG, made into JPEG", pngs), ("all", rows.iter().collect())] {
        if !group.is_empty() {
            text.push_str(&line(name, &group));
        }
    }
    let speed = geometric_mean(rows.iter().map(|row| row.seconds / row.megapixels));
    let _ = writeln!(text, "\n{}; {speed:.2} s a megapixel (geometric mean)", demitasse_engine::VERSION);
    text
}

fn is_png(row: &Row) -> bool {
    row.name.to_ascii_lowercase().ends_with(".png")
}

fn line(name: &str, rows: &[&Row]) -> String {
    let ratios = || rows.iter().map(|row| row.ratio());
    let difference: Vec<f64> = rows.iter().map(|row| row.ours.1 - row.pillow.1).collect();
    let (least, most) = (
        |values: &[f64]| values.iter().copied().fold(f64::INFINITY, f64::min),
        |values: &[f64]| values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
    );
    let ratios_seen: Vec<f64> = ratios().collect();
    format!(
        "| {name} | {} | **{:+.1} %** | {:+.1} % | {:+.1} % | **{:+.1} %** | {:+.2} [{:+.2}, {:+.2}] |\n",
        rows.len(),
        percent(geometric_mean(ratios())),
        percent(least(&ratios_seen)),
        percent(most(&ratios_seen)),
        percent(geometric_mean(rows.iter().map(|row| row.equal_ratio()))),
        difference.iter().sum::<f64>() / difference.len() as f64,
        least(&difference),
        most(&difference),
    )
}

fn csv(rows: &[Row]) -> String {
    let mut text =
        String::from("file,megapixels,pillow_bytes,pillow_score,bytes,score,bytes_at_equal_score,seconds\n");
    for row in rows {
        let _ = writeln!(
            text,
            "{:?},{:.2},{},{:.3},{},{:.3},{:.0},{:.3}",
            row.name,
            row.megapixels,
            row.pillow.0,
            row.pillow.1,
            row.ours.0,
            row.ours.1,
            row.at_equal_score,
            row.seconds
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_at_a_score_lie_on_the_line_through_the_neighbours() {
        let mut results = [(400, 72.0), (100, 70.0), (1600, 74.0)];
        let at = |results: &mut [(u64, f64)], goal| bytes_at(results, goal).unwrap().round();
        assert_eq!(at(&mut results, 71.0), 200.0);
        assert_eq!(at(&mut results, 73.0), 800.0);
        // Beyond the ends the nearest line goes on.
        assert_eq!(at(&mut results, 69.0), 50.0);
    }
}
