//! (b) Is the target hit, and what does the search cost?

use std::fmt::Write as _;

use anyhow::Result;
use demitasse_engine::Effort;

use super::super::corpus::{Corpus, Image, Kind};
use super::super::curve::Axis;
use super::super::measure::{Ask, Bench, Measured};
use super::super::peers::Peer;
use super::super::run::Run;
use super::{GOALS, Part, Section, USUAL, mean_ratio, measured, spread};

pub(super) const SECTION: Section =
    Section { letter: 'b', title: "Target search: 60, 70, 80, 90 in JPEG, WebP, AVIF", select, run };

/// In the order of the parts.
const FORMATS: [&str; 3] = ["jpeg", "webp", "avif"];
/// How far from the target is a hit.
const TOLERANCE: f64 = 1.0;
/// The target whose results are looked at tile by tile.
const LOOKED_AT: f64 = 70.0;

/// One search.
struct Cell {
    goal: f64,
    effort: Effort,
    result: Measured,
    /// Why the target could not be hit, whoever had tried.
    excluded: Option<String>,
}

impl Cell {
    fn difference(&self) -> f64 {
        Axis::Ssimulacra2.of(&self.result).unwrap_or(f64::NAN) - self.goal
    }

    fn cpu(&self) -> f64 {
        self.result.cpu / self.result.megapixels
    }
}

/// One photo in one format.
struct Row {
    cells: Vec<Cell>,
    worst_tile: Option<f64>,
}

/// The dearer a format is, the fewer photos it has; a large one is in the first only, for its tiles.
fn select(corpus: &Corpus) -> Vec<Part<'_>> {
    vec![
        Part::new(corpus.of(Kind::Photo, 30.0), 7.0),
        Part::new(corpus.photos(USUAL, 26.0), 12.0),
        Part::new(corpus.photos(USUAL, 9.0), 30.0),
    ]
}

fn run(run: &Run, parts: &[Part<'_>]) -> Result<String> {
    let mut text = String::from(
        "Wanted: 97 % within 1 of the target by the whole-image score, none more than 1.5 below, 5 % excluded at most, 2.5 \
         encodes or fewer; JPEG at `balanced` 0.12 CPU s/MP on 1.5 to 3 MP photos, `fast` 0.025.\n\n\
         | format | effort | target | n | within 1 | worst below | difference, mean [min, max] | excluded | encodes | CPU s/MP | on \
         1.5-3 MP |\n|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    let mut notes = String::new();
    for (format, part) in FORMATS.into_iter().zip(parts) {
        if !Ask::score(format, Effort::Balanced, 70.0).is_possible() {
            let _ = writeln!(notes, "- {format}: the engine does not write it yet");
            continue;
        }
        let measure = |bench: &mut Bench<'_>, image: &Image| measure(run, bench, image, format);
        let (rows, failures) = measured(run.each(SECTION.letter, &part.images, part.seconds, measure)?);
        let cells: Vec<&Cell> = rows.iter().flat_map(|row| &row.cells).collect();
        for effort in Effort::ALL {
            let of_effort: Vec<&Cell> = cells.iter().copied().filter(|cell| cell.effort == effort).collect();
            for goal in GOALS {
                let of_goal: Vec<&Cell> =
                    of_effort.iter().copied().filter(|cell| cell.goal == goal).collect();
                text.push_str(&line(format, effort, &format!("{goal:.0}"), &of_goal));
            }
            text.push_str(&line(format, effort, "**all**", &of_effort));
        }
        let tiles: Vec<f64> = rows.iter().filter_map(|row| row.worst_tile).collect();
        let (mean, least, _) = spread(&tiles);
        let _ = writeln!(
            notes,
            "- {format}: worst 256 px tile of a photo at target {LOOKED_AT}, `balanced`: mean {mean:.1}, lowest {least:.1}"
        );
        notes.push_str(&excluded(&cells));
        notes.push_str(&failures);
    }
    let _ = write!(text, "\n{}{notes}", beside(run, &parts[0])?);
    Ok(text)
}

fn measure(run: &Run, bench: &mut Bench<'_>, image: &Image, format: &'static str) -> Result<Row> {
    let mut cells = Vec::new();
    for effort in Effort::ALL {
        for goal in GOALS {
            let result = bench.ours(image, Ask::score(format, effort, goal))?;
            let mut cell = Cell { goal, effort, result, excluded: None };
            cell.excluded = why_excluded(bench, image, format, &cell)?;
            cells.push(cell);
        }
    }
    let shown = Ask::score(format, Effort::Balanced, LOOKED_AT);
    let is_made = bench.ours(image, shown)?.is_made();
    let worst_tile = is_made
        .then(|| {
            let label = format!("{} {format} at {LOOKED_AT}", image.name);
            let (before, after) = bench.pair(image, shown)?;
            run.worst.look(&label, before, &after)
        })
        .transpose()?;
    Ok(Row { cells, worst_tile })
}

/// A miss is the codec's where even its best, or its worst, quality lies on the other side of the target.
fn why_excluded(
    bench: &mut Bench<'_>,
    image: &Image,
    format: &'static str,
    cell: &Cell,
) -> Result<Option<String>> {
    let Some(told) = &cell.result.ours else { return Ok(None) };
    if let Some(reason) = &told.kept {
        return Ok(Some(format!("kept: {reason}")));
    }
    if told.lossless && cell.difference() > TOLERANCE {
        return Ok(Some("lossless is smaller".into()));
    }
    if cell.difference().abs() <= TOLERANCE {
        return Ok(None);
    }
    let quality = if cell.difference() < 0.0 { 100.0 } else { 1.0 };
    let end = bench.ours(image, Ask::quality(format, cell.effort, quality))?;
    let score = Axis::Ssimulacra2.of(&end).unwrap_or(f64::NAN);
    let is_out_of_reach = if quality > 50.0 { score < cell.goal } else { score > cell.goal };
    Ok((is_out_of_reach && end.is_made()).then(|| format!("quality {quality} has {score:.1}")))
}

fn line(format: &str, effort: Effort, goal: &str, cells: &[&Cell]) -> String {
    let counted: Vec<&&Cell> = cells.iter().filter(|cell| cell.excluded.is_none()).collect();
    if counted.is_empty() {
        return String::new();
    }
    let differences: Vec<f64> = counted.iter().map(|cell| cell.difference()).collect();
    let within = differences.iter().filter(|difference| difference.abs() <= TOLERANCE).count();
    let (mean, least, most) = spread(&differences);
    let encodes: Vec<f64> = counted
        .iter()
        .filter_map(|cell| cell.result.ours.as_ref())
        .map(|told| told.encodes.max(1.0))
        .collect();
    let middle = counted.iter().filter(|cell| (1.5..=3.0).contains(&cell.result.megapixels));
    format!(
        "| {format} | {effort} | {goal} | {} | {:.0} % | {:.2} | {mean:+.2} [{least:+.2}, {most:+.2}] | {} | {:.2} | {} | {} |\n",
        counted.len(),
        100.0 * within as f64 / counted.len() as f64,
        (-least).max(0.0),
        cells.len() - counted.len(),
        spread(&encodes).0,
        mean_ratio(counted.iter().map(|cell| cell.cpu()), 3),
        mean_ratio(middle.map(|cell| cell.cpu()), 3),
    )
}

fn excluded(cells: &[&Cell]) -> String {
    let mut text = String::new();
    for cell in cells {
        if let Some(reason) = &cell.excluded {
            let result = &cell.result;
            let _ =
                writeln!(text, "- excluded: {}, {}, {}: {reason}", result.image, result.tool, result.setting);
        }
    }
    text
}

/// What one encode of sharp's costs on the same machine at the same time.
fn beside(run: &Run, part: &Part<'_>) -> Result<String> {
    if !run.peers.has(Peer::SharpJpeg) {
        return Ok(String::new());
    }
    let middle: Vec<&Image> =
        part.images.iter().copied().filter(|image| (1.5..=3.0).contains(&image.megapixels())).collect();
    let measure = |bench: &mut Bench<'_>, image: &Image| bench.peer(image, Peer::SharpJpeg, 75);
    let (results, _) = measured(run.each(SECTION.letter, &middle, 0.0, measure)?);
    let encode = results.iter().filter_map(|result| Some(result.cpu_of_encode? / result.megapixels));
    Ok(format!(
        "One sharp mozjpeg encode at q75 on the 1.5-3 MP photos: {} CPU s/MP, decoding apart; {} with it.\n",
        mean_ratio(encode, 3),
        mean_ratio(results.iter().map(|result| result.cpu / result.megapixels), 3),
    ))
}
