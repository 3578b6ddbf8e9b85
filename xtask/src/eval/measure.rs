//! One result of one tool on one image: made, scored, and kept, so that no section makes it again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, anyhow, ensure};
use demitasse_engine::report::Verdict;
use demitasse_engine::{Effort, Outcome, OutputFormat, Quality, Request, Score, Target};
use serde_json::{Value, json};

use super::corpus::Image;
use super::one::{Done, compress_apart};
use super::peers::{Peer, Peers, Running};
use crate::helper::Helper;
use crate::score::{Picture, Reference, Scores};

/// Butteraugli and a cached reference take about 400 bytes a pixel: above this only SSIMULACRA2 is measured.
const MOST_MEGAPIXELS_OF_BOTH: f64 = 13.0;

/// A result.
#[derive(Debug, Clone)]
pub(super) struct Measured {
    pub(super) image: String,
    pub(super) megapixels: f64,
    pub(super) tool: String,
    pub(super) setting: String,
    pub(super) bytes: u64,
    pub(super) scores: Option<Scores>,
    /// Processor seconds, with decoding the input.
    pub(super) cpu: f64,
    /// Without it, where the tool lets itself be measured so.
    pub(super) cpu_of_encode: Option<f64>,
    pub(super) peak: Option<u64>,
    /// What the engine said of its own result.
    pub(super) ours: Option<Told>,
}

impl Measured {
    /// Whether there is a new file; `false` where our engine kept the original.
    pub(super) fn is_made(&self) -> bool {
        self.ours.as_ref().is_none_or(|told| told.kept.is_none())
    }
}

/// What the engine said.
#[derive(Debug, Clone)]
pub(super) struct Told {
    /// Encodes of every candidate together.
    pub(super) encodes: f64,
    /// Of the candidate that won.
    pub(super) quality: Option<f32>,
    pub(super) format: String,
    /// Why the original was kept, where it was.
    pub(super) kept: Option<String>,
    /// Whether every pixel is the input's.
    pub(super) lossless: bool,
}

/// What our engine is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ask {
    pub(super) format: &'static str,
    pub(super) effort: Effort,
    pub(super) target: Target,
}

impl Ask {
    pub(super) fn score(format: &'static str, effort: Effort, score: f64) -> Self {
        Self { format, effort, target: Target::Score { score: Score(score) } }
    }

    pub(super) fn quality(format: &'static str, effort: Effort, quality: f32) -> Self {
        Self { format, effort, target: Target::Quality { quality: Quality(quality) } }
    }

    /// Whether the engine writes such a format at all.
    pub(super) fn is_possible(self) -> bool {
        OutputFormat::names().any(|name| name == self.format)
    }

    fn tool(self) -> String {
        format!("ours {} {}", self.format, self.effort)
    }

    fn setting(self) -> String {
        match self.target {
            Target::Score { score } => format!("score {:.2}", score.0),
            Target::Quality { quality } => format!("quality {:.2}", quality.0),
            Target::Lossless => "lossless".into(),
            Target::MaxBytes { max_bytes, .. } => format!("max_bytes {max_bytes}"),
        }
    }

    pub(super) fn request(self) -> Result<Request> {
        let format = self.format.parse::<OutputFormat>()?;
        Ok(Request::new(self.target).with_format(format).with_effort(self.effort))
    }
}

type Key = (String, String, String);

/// Every result so far, or why there is none.
#[derive(Default)]
pub(super) struct Results(Mutex<BTreeMap<Key, Result<Measured, String>>>);

impl Results {
    fn get(&self, key: &Key) -> Option<Result<Measured, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn put(&self, key: Key, result: Result<Measured, String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, result);
    }

    /// In the order of images, tools and settings.
    pub(super) fn all(&self) -> Vec<Measured> {
        let results = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        results.values().filter_map(|result| result.as_ref().ok()).cloned().collect()
    }
}

/// What one thread measures with.
pub(super) struct Bench<'a> {
    pub(super) pictures: Helper,
    peers: Running<'a>,
    results: &'a Results,
    scratch: tempfile::TempDir,
    reference: Option<(PathBuf, Views)>,
}

/// A picture as shown: over white, and over black too where some of it is transparent.
struct Views {
    white: View,
    black: Option<View>,
}

enum View {
    Both(Box<Reference>),
    Large(Picture),
}

impl View {
    fn new(picture: Picture) -> Result<Self> {
        let pixels = f64::from(picture.width) * f64::from(picture.height);
        if pixels > MOST_MEGAPIXELS_OF_BOTH * 1e6 {
            return Ok(Self::Large(picture));
        }
        Ok(Self::Both(Box::new(Reference::new(picture)?)))
    }

    fn scores(&self, distorted: &Picture) -> Result<Scores> {
        match self {
            Self::Both(reference) => reference.scores(distorted),
            Self::Large(picture) => {
                Ok(Scores { ssimulacra2: crate::score::score(picture, distorted)?, butteraugli: f64::NAN })
            }
        }
    }

    fn picture(&self) -> &Picture {
        match self {
            Self::Both(reference) => &reference.picture,
            Self::Large(picture) => picture,
        }
    }
}

impl<'a> Bench<'a> {
    pub(super) fn new(pictures: Helper, peers: &'a Peers, results: &'a Results) -> Result<Self> {
        let scratch = tempfile::tempdir()?;
        Ok(Self { pictures, peers: Running::new(peers), results, scratch, reference: None })
    }

    /// Our engine's result.
    pub(super) fn ours(&mut self, image: &Image, ask: Ask) -> Result<Measured> {
        let key = (image.name.clone(), ask.tool(), ask.setting());
        self.remembered(key, |bench, (name, tool, setting)| {
            let output = bench.scratch.path().join("ours");
            let done = compress_apart(&ask.request()?, &image.path, &output)?;
            let told = told(&done);
            let (bytes, scores) = bench.look(image, &output)?;
            Ok(Measured {
                image: name,
                megapixels: image.megapixels(),
                tool,
                setting,
                bytes,
                scores: Some(scores),
                cpu: done.cpu,
                cpu_of_encode: None,
                peak: done.memory.map(|(_, peak)| peak),
                ours: Some(told),
            })
        })
    }

    /// A peer's result at one of its settings.
    pub(super) fn peer(&mut self, image: &Image, peer: Peer, quality: u32) -> Result<Measured> {
        let key = (image.name.clone(), peer.name().to_owned(), peer.setting(quality));
        self.remembered(key, |bench, (name, tool, setting)| {
            let output = bench.scratch.path().join(format!("peer.{}", peer.extension()));
            let made = match peer {
                Peer::Pillow => bench.pillow(image, &output, quality)?,
                _ => bench.peers.encode(peer, &image.path, &output, quality)?,
            };
            let (bytes, scores) = bench.look(image, &output)?;
            let decode = made["decode"].as_f64();
            let encode = made["encode"].as_f64();
            let cpu = made["cpu"].as_f64().or(decode.zip(encode).map(|(decode, encode)| decode + encode));
            Ok(Measured {
                image: name,
                megapixels: image.megapixels(),
                tool,
                setting,
                bytes,
                scores: Some(scores),
                cpu: cpu.context("no processor time")?,
                cpu_of_encode: encode,
                peak: made["peak"].as_u64(),
                ours: None,
            })
        })
    }

    /// The quickest of three, as our own quick ones are.
    fn pillow(&mut self, image: &Image, output: &Path, quality: u32) -> Result<Value> {
        let request = json!(["encode", image.path, output, quality]);
        let seconds = |made: &Value| made["decode"].as_f64().zip(made["encode"].as_f64()).map(|(a, b)| a + b);
        let mut best = self.pictures.ask(&request)?;
        for _ in 0..2 {
            if seconds(&best).is_none_or(|seconds| seconds > 0.2) {
                break;
            }
            let again = self.pictures.ask(&request)?;
            if seconds(&again) < seconds(&best) {
                best = again;
            }
        }
        Ok(best)
    }

    fn remembered(
        &mut self,
        key: Key,
        make: impl FnOnce(&mut Self, Key) -> Result<Measured>,
    ) -> Result<Measured> {
        if let Some(known) = self.results.get(&key) {
            return known.map_err(|error| anyhow!(error));
        }
        let result = make(self, key.clone()).map_err(|error| format!("{}: {error:#}", key.1));
        self.results.put(key, result.clone());
        result.map_err(|error| anyhow!(error))
    }

    /// Length and scores of a result.
    fn look(&mut self, image: &Image, output: &Path) -> Result<(u64, Scores)> {
        self.prepare(image)?;
        let (white, black) = self.views(output)?;
        let (_, reference) = self.reference.as_ref().context("no reference")?;
        let mut scores = reference.white.scores(&white)?;
        if let Some(view) = &reference.black {
            scores = scores.worse(view.scores(black.as_ref().unwrap_or(&white))?);
        }
        Ok((std::fs::metadata(output)?.len(), scores))
    }

    fn prepare(&mut self, image: &Image) -> Result<()> {
        if self.reference.as_ref().is_none_or(|(path, _)| *path != image.path) {
            self.reference = None;
            let (white, black) = self.views(&image.path)?;
            let views = Views { white: View::new(white)?, black: black.map(View::new).transpose()? };
            self.reference = Some((image.path.clone(), views));
        }
        Ok(())
    }

    /// Decoded by Pillow, over white, and over black where it is not opaque.
    fn views(&mut self, path: &Path) -> Result<(Picture, Option<Picture>)> {
        let (white, black) = (self.scratch.path().join("white.ppm"), self.scratch.path().join("black.ppm"));
        let answer = self.pictures.ask(&json!(["views", path, white, black]))?;
        let over_black = (answer["alpha"] == true).then(|| Picture::read(&black)).transpose()?;
        Ok((Picture::read(&white)?, over_black))
    }

    /// The image over white and our result over white, for a look at their parts.
    pub(super) fn pair(&mut self, image: &Image, ask: Ask) -> Result<(&Picture, Picture)> {
        let output = self.scratch.path().join("ours");
        compress_apart(&ask.request()?, &image.path, &output)?;
        self.prepare(image)?;
        let (after, _) = self.views(&output)?;
        let before = self.reference.as_ref().context("no reference")?.1.white.picture();
        ensure!((before.width, before.height) == (after.width, after.height), "the size changed");
        Ok((before, after))
    }

    /// As [`Bench::ours`], of an animation: scores are means over all frames, and the lowest frame's stands beside.
    pub(super) fn ours_moving(&mut self, image: &Image, ask: Ask) -> Result<(Measured, f64)> {
        let output = self.scratch.path().join("ours");
        let done = compress_apart(&ask.request()?, &image.path, &output)?;
        let tool = (ask.tool(), ask.setting());
        let peak = done.memory.map(|(_, peak)| peak);
        self.moving(image, &output, tool, done.cpu, peak, Some(told(&done)))
    }

    /// As [`Bench::peer`], of an animation.
    pub(super) fn peer_moving(&mut self, image: &Image, peer: Peer, quality: u32) -> Result<(Measured, f64)> {
        let output = self.scratch.path().join(format!("peer.{}", peer.extension()));
        let made = self.peers.encode(peer, &image.path, &output, quality)?;
        let tool = (peer.name().to_owned(), peer.setting(quality));
        let cpu = made["cpu"].as_f64().context("no processor time")?;
        self.moving(image, &output, tool, cpu, made["peak"].as_u64(), None)
    }

    fn moving(
        &mut self,
        image: &Image,
        output: &Path,
        (tool, setting): (String, String),
        cpu: f64,
        peak: Option<u64>,
        ours: Option<Told>,
    ) -> Result<(Measured, f64)> {
        let before = self.frames(&image.path)?;
        let after = self.frames(output)?;
        ensure!(before.1 == after.1, "{tool}: other frames, or shown for another time");
        let mut scores = Vec::new();
        for (before, after) in before.0.iter().zip(&after.0) {
            scores.push(if before == after { 100.0 } else { crate::score::score(before, after)? });
        }
        let mean = scores.iter().sum::<f64>() / scores.len() as f64;
        let lowest = scores.iter().copied().fold(f64::INFINITY, f64::min);
        let measured = Measured {
            image: image.name.clone(),
            megapixels: image.megapixels() * scores.len() as f64,
            tool,
            setting,
            bytes: std::fs::metadata(output)?.len(),
            scores: Some(Scores { ssimulacra2: mean, butteraugli: f64::NAN }),
            cpu,
            cpu_of_encode: None,
            peak,
            ours,
        };
        let key = (measured.image.clone(), measured.tool.clone(), measured.setting.clone());
        self.results.put(key, Ok(measured.clone()));
        Ok((measured, lowest))
    }

    /// Every frame over white, and for how many milliseconds each is shown; decoded by Pillow.
    fn frames(&mut self, path: &Path) -> Result<(Vec<Picture>, Vec<f64>)> {
        let folder = tempfile::tempdir_in(self.scratch.path())?;
        let answer = self.pictures.ask(&json!(["frames", path, folder.path()]))?;
        let durations: Vec<f64> = serde_json::from_value(answer["durations"].clone())?;
        let read = |index| Picture::read(&folder.path().join(format!("{index}.ppm")));
        Ok(((0..durations.len()).map(read).collect::<Result<_>>()?, durations))
    }

    /// A file of any tool, not scored; for harms.
    pub(super) fn peer_file(&mut self, image: &Image, peer: Peer, quality: u32) -> Result<PathBuf> {
        let output = self.scratch.path().join(format!("peer.{}", peer.extension()));
        match peer {
            Peer::Pillow => self.pillow(image, &output, quality)?,
            _ => self.peers.encode(peer, &image.path, &output, quality)?,
        };
        Ok(output)
    }

    /// Our result as a file, and again as a file of that file.
    pub(super) fn twice(&mut self, image: &Image, ask: Ask) -> Result<(PathBuf, PathBuf)> {
        let (once, twice) = (self.scratch.path().join("once"), self.scratch.path().join("twice"));
        compress_apart(&ask.request()?, &image.path, &once)?;
        compress_apart(&ask.request()?, &once, &twice)?;
        Ok((once, twice))
    }
}

fn told(done: &Done) -> Told {
    let report = &done.report;
    let chosen = report.candidates.iter().find(|candidate| candidate.verdict == Verdict::Chosen);
    let trial =
        chosen.and_then(|chosen| chosen.trials.iter().find(|trial| Some(trial.bytes) == chosen.bytes));
    let kept = (report.outcome == Outcome::KeptOriginal).then(|| {
        report.reason.as_ref().map_or_else(|| "no reason".to_owned(), |reason| reason.detail.clone())
    });
    Told {
        encodes: report
            .candidates
            .iter()
            .flat_map(|candidate| &candidate.trials)
            .map(|trial| trial.share)
            .sum(),
        quality: trial.map(|trial| trial.quality.0),
        format: report.output.format.to_string(),
        kept,
        lossless: report.lossless,
    }
}
