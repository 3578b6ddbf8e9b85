//! Fits what the engine expects of an encoder's quality: `search::Curve`, on measured photos.
//!
//! Each photo, and its like at a half and a third of the size, is encoded at a ladder of qualities and scored whole by the
//! engine. `x = offset + slope y + bend y^2 + sum (weights + y tilts) features`, with `y = ln(100.5 - score)` and `x` on the
//! encoder's axis, is fitted by least squares with a ridge on weights and tilts; how far it is off is told of each photo by a
//! fit without it and its likes. Prints the constants as they stand in the codec's folder.

mod least_squares;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use demitasse_engine::{
    Content, Control, Effort, FEATURES, Features, Format, Limits, OutputFormat, Quality, Request, Resize,
    ResizeMethod, Target, analyze, compress, inspect,
};

use self::least_squares::solve;
use crate::{say, show};

/// Between these the curve is used; outside they bend.
const SCORES: std::ops::RangeInclusive<f64> = 45.0..=95.0;
/// On weights and tilts.
const RIDGE: f64 = 1.0;
/// At which it is told how far the fit is off.
const GOALS: [f64; 5] = [60.0, 70.0, 75.0, 80.0, 85.0];
/// Photos and likes with fewer pixels say little of photos.
const MIN_PIXELS: u64 = 100_000;
/// Those with more take long and say no more.
const MAX_PIXELS: u64 = 3_300_000;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folder of images; what is no photo is passed over
    #[arg(long, value_name = "DIR")]
    corpus: PathBuf,

    /// Whose curve: jpeg, webp, avif
    #[arg(long, value_name = "FORMAT", default_value = "jpeg")]
    format: String,

    /// The effort that it is for: fast, balanced, max
    #[arg(long, value_name = "EFFORT", default_value = "balanced")]
    effort: String,

    /// Qualities tried
    #[arg(long, value_delimiter = ',', value_name = "Q",
        default_values_t = [25.0, 35.0, 45.0, 55.0, 63.0, 71.0, 78.0, 84.0, 89.0, 93.0])]
    qualities: Vec<f32>,
}

/// A photo at one size.
struct Picture {
    /// Of the photo that it is, or is a like of.
    photo: usize,
    features: Features,
    /// Quality and score, rising.
    curve: Vec<(f64, f64)>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let format: OutputFormat = args.format.parse()?;
    let format = format.format().context("one format at a time")?;
    let effort: Effort = args.effort.parse()?;
    let mut pictures = Vec::new();
    for (photo, path) in files(&args.corpus)?.iter().enumerate() {
        let Ok(likes) = likes(path) else { continue };
        for bytes in likes {
            let features = analyze(&bytes, &Limits::default(), &Control::new())?.features;
            let curve = args.qualities.iter().map(|quality| encode(&bytes, format, effort, *quality));
            pictures.push(Picture { photo, features, curve: curve.collect::<Result<_>>()? });
        }
        say(&format!("{}: {} pictures", path.display(), pictures.len()));
    }
    ensure!(!pictures.is_empty(), "there is no photo in {}", args.corpus.display());
    let axis = axis(format);
    let fitted = fit(&pictures, axis, None);
    let mut text = constants(&fitted);
    text.push_str(&misses(&pictures, axis));
    show(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(folder).follow_links(true).sort_by_file_name() {
        let entry = entry?;
        if entry.file_type().is_file() {
            files.push(entry.into_path());
        }
    }
    Ok(files)
}

/// A photo and its likes at a half and a third of the size, as files.
fn likes(path: &Path) -> Result<Vec<Vec<u8>>> {
    let bytes = std::fs::read(path)?;
    let (limits, control) = (Limits::default(), Control::new());
    let header = inspect(&bytes, &limits)?;
    ensure!(!header.animated && !header.alpha && header.bits == 8, "no photo");
    ensure!(analyze(&bytes, &limits, &control)?.content == Content::Photo, "no photo");
    let pixels = |parts: u32| u64::from(header.width / parts) * u64::from(header.height / parts);
    let mut likes = Vec::new();
    for parts in [1, 2, 3].into_iter().filter(|parts| (MIN_PIXELS..=MAX_PIXELS).contains(&pixels(*parts))) {
        if parts == 1 {
            likes.push(bytes.clone());
            continue;
        }
        let resize = Resize {
            method: ResizeMethod::Scale,
            width: Some(header.width / parts),
            height: None,
            enlarge: false,
        };
        let request = Request { resize: Some(resize), ..Request::new(Target::Lossless) };
        let request = Request { format: OutputFormat::of(Format::Png), ..request };
        likes.push(compress(&bytes, &request, &limits, &control)?.bytes);
    }
    Ok(likes)
}

/// Quality and the whole picture's score at it, even where the file is larger than what it is made from.
fn encode(bytes: &[u8], format: Format, effort: Effort, quality: f32) -> Result<(f64, f64)> {
    let request = Request {
        format: OutputFormat::of(format),
        ..Request::new(Target::Quality { quality: Quality(quality) })
    };
    let done = compress(bytes, &request.with_effort(effort), &Limits::default(), &Control::new())?;
    let trials = done.report.candidates.iter().flat_map(|candidate| &candidate.trials);
    let score = trials.filter_map(|trial| trial.score).next_back().context("nothing was encoded")?;
    Ok((quality.into(), score.0))
}

/// What the engine's axes are: the logarithm of jpegli's distance (jpegli_quality_to_distance), and of what is missing to a
/// quality of 101.
fn axis(format: Format) -> fn(f64) -> f64 {
    match format {
        Format::Jpeg => |quality| match quality {
            30.0.. => (0.1 + (100.0 - quality) * 0.09).ln(),
            _ => (53.0 / 3000.0 * quality * quality - 23.0 / 20.0 * quality + 25.0).ln(),
        },
        _ => |quality| (101.0 - quality).ln(),
    }
}

fn loss(score: f64) -> f64 {
    (100.5 - score).max(0.25).ln()
}

/// The unknowns of a row: offset, slope, bend, weights, tilts.
fn row(features: &Features, y: f64) -> Vec<f64> {
    let tilts = features.iter().map(|feature| y * feature);
    [1.0, y, y * y].into_iter().chain(features.iter().copied()).chain(tilts).collect()
}

/// On all photos but one.
fn fit(pictures: &[Picture], axis: fn(f64) -> f64, without: Option<usize>) -> Vec<f64> {
    let used = pictures.iter().filter(|picture| Some(picture.photo) != without);
    let rows: Vec<_> = used
        .flat_map(|picture| {
            let points = picture.curve.iter().filter(|(_, score)| SCORES.contains(score));
            points.map(|(quality, score)| (row(&picture.features, loss(*score)), axis(*quality)))
        })
        .collect();
    let mut ridge = vec![RIDGE; 3 + 2 * FEATURES];
    ridge[..3].fill(0.0);
    solve(&rows, &ridge)
}

fn constants(fitted: &[f64]) -> String {
    let list = |part: &[f64]| {
        let numbers: Vec<String> = part.iter().map(|number| format!("{number:.4}")).collect();
        numbers.join(", ")
    };
    let (weights, tilts) = fitted[3..].split_at(FEATURES);
    format!(
        "offset: {:.4},\nslope: {:.4},\nbend: {:.4},\nweights: [{}],\ntilts: [{}],\n",
        fitted[0],
        fitted[1],
        fitted[2],
        list(weights),
        list(tilts)
    )
}

/// How far the score at the predicted quality is from the goal, by a fit without the photo; and how far at the best fixed one.
fn misses(pictures: &[Picture], axis: fn(f64) -> f64) -> String {
    let mut text = String::from(
        "\n| score | n | off by, root mean square | at one fixed quality |\n|---|---|---|---|\n",
    );
    let photos = pictures.last().map_or(0, |picture| picture.photo + 1);
    let fits: Vec<_> = (0..photos).map(|photo| fit(pictures, axis, Some(photo))).collect();
    for goal in GOALS {
        let predicted: Vec<f64> = pictures
            .iter()
            .filter_map(|picture| {
                let weights = &fits[picture.photo];
                let x: f64 = row(&picture.features, loss(goal)).iter().zip(weights).map(|(a, b)| a * b).sum();
                Some(score_at(&picture.curve, axis, x)? - goal)
            })
            .collect();
        let fixed = pictures.iter().flat_map(|picture| &picture.curve).map(|(quality, _)| *quality);
        let fixed = fixed.map(|quality| {
            let scores = pictures.iter().filter_map(|picture| score_at(&picture.curve, axis, axis(quality)));
            root_mean_square(&scores.map(|score| score - goal).collect::<Vec<_>>())
        });
        let _ = writeln!(
            text,
            "| {goal} | {} | {:.1} | {:.1} |",
            predicted.len(),
            root_mean_square(&predicted),
            fixed.fold(f64::INFINITY, f64::min)
        );
    }
    text
}

/// On straight lines between what was measured; none outside.
fn score_at(curve: &[(f64, f64)], axis: fn(f64) -> f64, x: f64) -> Option<f64> {
    curve.windows(2).find_map(|pair| {
        let [(low, low_score), (high, high_score)] = [pair[0], pair[1]];
        let (from, to) = (axis(low), axis(high));
        let part = (x - from) / (to - from);
        (0.0..=1.0)
            .contains(&part)
            .then(|| 100.5 - (loss(low_score) + part * (loss(high_score) - loss(low_score))).exp())
    })
}

fn root_mean_square(values: &[f64]) -> f64 {
    (values.iter().map(|value| value * value).sum::<f64>() / values.len() as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pictures() -> Vec<Picture> {
        (0..12)
            .map(|photo| {
                let features: Features = std::array::from_fn(|at| ((photo * 7 + at * 3) % 11) as f64 / 11.0);
                let curve = [30.0, 50.0, 70.0, 85.0, 92.0].map(|quality| {
                    let y = (axis(Format::Jpeg)(quality) - 0.2 * features[1] + 4.0) / 1.6;
                    (quality, 100.5 - y.exp())
                });
                Picture { photo, features, curve: curve.into() }
            })
            .collect()
    }

    #[test]
    fn a_curve_of_the_fitted_form_is_found() {
        let pictures = pictures();
        let fitted = fit(&pictures, axis(Format::Jpeg), None);
        let predicted: f64 =
            row(&pictures[3].features, loss(75.0)).iter().zip(&fitted).map(|(a, b)| a * b).sum();
        let score = score_at(&pictures[3].curve, axis(Format::Jpeg), predicted).unwrap();
        assert!((score - 75.0).abs() < 1.5, "{score}");
    }

    #[test]
    fn scores_between_what_was_measured_lie_on_the_line_and_outside_is_nothing() {
        let curve = [(40.0, 60.0), (80.0, 80.0)];
        let plain = axis(Format::Webp);
        assert!((score_at(&curve, plain, plain(80.0)).unwrap() - 80.0).abs() < 1e-9);
        assert!((60.0..80.0).contains(&score_at(&curve, plain, plain(60.0)).unwrap()));
        assert_eq!(score_at(&curve, plain, plain(90.0)), None);
    }
}
