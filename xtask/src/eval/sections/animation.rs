//! (i) Animations against gifsicle and gif2webp.

use std::fmt::Write as _;

use anyhow::Result;
use demitasse_engine::{Effort, Target};
use serde_json::json;

use super::super::corpus::{Corpus, Image, Kind};
use super::super::measure::{Ask, Bench, Measured};
use super::super::peers::Peer;
use super::super::run::Run;
use super::{Part, Section, mean_percent, measured, percent};

pub(super) const SECTION: Section =
    Section { letter: 'i', title: "Animations against gifsicle and gif2webp", select, run };

/// What gifsicle is asked for beside none: `--lossy`.
const LOSSY: [u32; 2] = [20, 80];
/// What gif2webp is asked for: `-q`.
const QUALITIES: [u32; 2] = [30, 70];
/// How the made ones move; each of a picture of its own.
const KINDS: [&str; 4] = ["pan", "zoom", "fade", "light"];
/// The lowest score that can be asked for.
const LOWEST: f64 = 1.0;
/// A score above this is as good as the original: none is asked for.
const HIGHEST: f64 = 95.0;
/// Seconds a megapixel of a frame.
const SECONDS: f64 = 60.0;

fn select(corpus: &Corpus) -> Vec<Part<'_>> {
    let has_frames = |image: &&Image| {
        image.format() == "GIF" && image.facts.as_ref().is_some_and(|facts| facts.frames > 1)
    };
    let found = corpus.all().into_iter().filter(has_frames).collect();
    let mut sources = corpus.photos(4.0, 8.0);
    sources.extend(corpus.of(Kind::Graphic, 4.0));
    sources.truncate(2 * KINDS.len());
    vec![Part::new(found, SECONDS), Part::new(sources, 0.0)]
}

/// One setting of a peer, and ours at its score.
struct Row {
    peer: Measured,
    peer_lowest: f64,
    ours: Measured,
    ours_lowest: f64,
}

fn run(run: &Run, parts: &[Part<'_>]) -> Result<String> {
    let folder = run.target.join("eval/moving");
    let made = make(run, &folder, &parts[1].images)?;
    let mut images = parts[0].images.clone();
    images.extend(&made);
    let mut text = String::from(
        "Wanted: GIF smaller than gifsicle -O3 --lossy, and WebP smaller than gif2webp -mixed, at equal score: the mean over all frames \
         (Pillow's, over white), and no frame more than 5 below it. Ours is asked for the peer's own score. The corpus's GIFs, and 16 frames \
         each of its pictures that pan, zoom, fade, or have a light move over them.\n\n\
         | against | n | bytes | mean score, ours less theirs | lowest frame below the mean, ours / theirs |\n|---|---|---|---|---|\n",
    );
    let mut notes = String::new();
    for (peer, settings, format) in [(Peer::Gifsicle, LOSSY, "keep"), (Peer::Gif2webp, QUALITIES, "webp")] {
        if !run.peers.has(peer) {
            let _ = writeln!(notes, "{} is missing.", peer.name());
            continue;
        }
        for setting in settings {
            let measure =
                |bench: &mut Bench<'_>, image: &Image| against(bench, image, (peer, setting), format);
            let (rows, failures) = measured(run.each(SECTION.letter, &images, SECONDS, measure)?);
            text.push_str(&line(&format!("{}, {}", peer.name(), peer.setting(setting)), &rows));
            rows.iter().for_each(|row| note(&mut notes, row));
            notes.push_str(&failures);
        }
    }
    if run.peers.has(Peer::Gifsicle) {
        let (rows, failures) = measured(run.each(SECTION.letter, &images, SECONDS, lossless)?);
        text.push_str(&line("gifsicle, without loss", &rows));
        notes.push_str(&failures);
    }
    Ok(format!("{text}\n{notes}"))
}

/// Animations of the corpus's pictures.
fn make(run: &Run, folder: &std::path::Path, sources: &[&Image]) -> Result<Vec<Image>> {
    std::fs::create_dir_all(folder)?;
    let mut pictures = Run::pictures(&run.peers)?;
    let mut made = Vec::new();
    for (source, kind) in sources.iter().zip(KINDS.iter().cycle()) {
        let name = source.path.file_stem().unwrap_or_default().to_string_lossy();
        let name = format!("{kind} of {name}");
        let path = folder.join(&name).with_extension("gif");
        pictures.ask(&json!(["moving", source.path, path, kind]))?;
        made.push(Image::made(&mut pictures, path, &name)?);
    }
    Ok(made)
}

fn against(
    bench: &mut Bench<'_>,
    image: &Image,
    (peer, setting): (Peer, u32),
    format: &'static str,
) -> Result<Row> {
    let (theirs, peer_lowest) = bench.peer_moving(image, peer, setting)?;
    let score = score(&theirs).clamp(LOWEST, HIGHEST);
    let (ours, ours_lowest) = bench.ours_moving(image, Ask::score(format, Effort::Balanced, score))?;
    Ok(Row { peer: theirs, peer_lowest, ours, ours_lowest })
}

fn lossless(bench: &mut Bench<'_>, image: &Image) -> Result<Row> {
    let (peer, peer_lowest) = bench.peer_moving(image, Peer::Gifsicle, 0)?;
    let ask = Ask { format: "keep", effort: Effort::Balanced, target: Target::Lossless };
    let (ours, ours_lowest) = bench.ours_moving(image, ask)?;
    Ok(Row { peer, peer_lowest, ours, ours_lowest })
}

fn score(result: &Measured) -> f64 {
    result.scores.as_ref().map_or(f64::NAN, |scores| scores.ssimulacra2)
}

fn ratio(row: &Row) -> f64 {
    row.ours.bytes as f64 / row.peer.bytes as f64
}

fn line(name: &str, rows: &[Row]) -> String {
    let mean = |value: &dyn Fn(&Row) -> f64| rows.iter().map(value).sum::<f64>() / rows.len() as f64;
    let most = |value: &dyn Fn(&Row) -> f64| rows.iter().map(value).fold(f64::NEG_INFINITY, f64::max);
    format!(
        "| {name} | {} | **{}** | {:+.2} | {:.1} / {:.1} |\n",
        rows.len(),
        mean_percent(rows.iter().map(ratio)),
        mean(&|row| score(&row.ours) - score(&row.peer)),
        most(&|row| score(&row.ours) - row.ours_lowest),
        most(&|row| score(&row.peer) - row.peer_lowest),
    )
}

fn note(notes: &mut String, row: &Row) {
    let (peer, ours) = (&row.peer, &row.ours);
    let kept = ours.ours.as_ref().and_then(|told| told.kept.as_deref()).map_or("", |_| ", kept");
    let _ = writeln!(
        notes,
        "- {}, {} {}: {} ({:.1}) against {} ({:.1}): {}{kept}",
        ours.image,
        peer.tool,
        peer.setting,
        ours.bytes,
        score(ours),
        peer.bytes,
        score(peer),
        percent(ratio(row)),
    );
}
