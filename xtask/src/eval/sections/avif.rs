//! (c) AVIF against sharp's default.

use std::fmt::Write as _;

use anyhow::Result;
use demitasse_engine::Effort;

use super::super::corpus::{Corpus, Image};
use super::super::curve::{Axis, Curve, ratio};
use super::super::measure::{Ask, Bench, Measured};
use super::super::peers::Peer;
use super::super::run::Run;
use super::{GOALS, Part, Section, USUAL, mean_percent, mean_ratio, measured, spread};

pub(super) const SECTION: Section =
    Section { letter: 'c', title: "AVIF against sharp's default", select, run };

const EFFORTS: [Effort; 2] = [Effort::Balanced, Effort::Max];
/// sharp's qualities whose scores lie around the targets.
pub(super) const QUALITIES: [u32; 4] = [35, 50, 65, 82];
/// Our target whose quality is asked for alone, for what one encode takes.
const ALONE: f64 = 70.0;
/// How far beyond sharp's ends, in points, a target may lie.
const SLACK: f64 = 4.0;

struct Row {
    sharp: Vec<Measured>,
    efforts: Vec<(Effort, Vec<Measured>, Option<Measured>)>,
}

/// The photos of the target search, so that our side is known already.
fn select(corpus: &Corpus) -> Vec<Part<'_>> {
    vec![Part::new(corpus.photos(USUAL, 9.0), 26.0)]
}

fn run(run: &Run, parts: &[Part<'_>]) -> Result<String> {
    if !Ask::score("avif", Effort::Balanced, ALONE).is_possible() {
        return Ok("The engine does not write AVIF yet.\n".into());
    }
    let part = &parts[0];
    let (rows, failures) = measured(run.each(SECTION.letter, &part.images, part.seconds, measure)?);
    let mut text = format!(
        "Wanted: mean over 60-90 at most 1.06 times sharp's bytes at `balanced` in a fifth of its CPU per encode; fewer at `max` \
         for no more CPU. *One encode* is a request for the quality found at {ALONE}, with decoding and what looks at the \
         result; sharp's is its encode alone.\n\n\
         | effort | n | bytes at 60 | 70 | 80 | 90 | **mean** | at equal Butteraugli | one encode, CPU s/MP | of sharp's | whole \
         search, CPU s/MP |\n|---|---|---|---|---|---|---|---|---|---|---|\n"
    );
    for effort in EFFORTS {
        text.push_str(&line(effort, &rows));
    }
    let encode = rows.iter().flat_map(|row| &row.sharp).filter_map(cpu_of_encode);
    let _ = writeln!(text, "\nsharp's encode: {} CPU s/MP\n{failures}", mean_ratio(encode, 2));
    Ok(text)
}

fn cpu_of_encode(result: &Measured) -> Option<f64> {
    Some(result.cpu_of_encode? / result.megapixels)
}

fn measure(bench: &mut Bench<'_>, image: &Image) -> Result<Row> {
    let sharp = QUALITIES
        .iter()
        .map(|quality| bench.peer(image, Peer::SharpAvif, *quality))
        .collect::<Result<_>>()?;
    let mut efforts = Vec::new();
    for effort in EFFORTS {
        let mut results = Vec::new();
        let mut alone = None;
        for goal in GOALS {
            let result = bench.ours(image, Ask::score("avif", effort, goal))?;
            let quality = result.ours.as_ref().and_then(|told| told.quality);
            if let Some(quality) = quality.filter(|_| goal == ALONE) {
                alone = Some(bench.ours(image, Ask::quality("avif", effort, quality))?);
            }
            results.extend(result.is_made().then_some(result));
        }
        efforts.push((effort, results, alone));
    }
    Ok(Row { sharp, efforts })
}

fn line(effort: Effort, rows: &[Row]) -> String {
    let tried: Vec<(&Row, &Vec<Measured>, &Option<Measured>)> = rows
        .iter()
        .filter_map(|row| {
            let (_, results, alone) = row.efforts.iter().find(|(tried, ..)| *tried == effort)?;
            Some((row, results, alone))
        })
        .collect();
    let at = |goal: f64| -> Vec<f64> {
        let ratio = |(row, results, _): &(&Row, &Vec<Measured>, &Option<Measured>)| {
            let ours = Curve::of(*results, Axis::Ssimulacra2).bytes_at(goal, SLACK)?;
            Some(ours / Curve::of(&row.sharp, Axis::Ssimulacra2).bytes_at(goal, SLACK)?)
        };
        tried.iter().filter_map(ratio).collect()
    };
    let goals = GOALS.map(at);
    // Each target counts as much as the others, however many photos have it.
    let means = goals.iter().filter(|ratios| !ratios.is_empty());
    let mean = mean_percent(means.map(|ratios| crate::geometric_mean(ratios.iter().copied())));
    let butteraugli = tried.iter().filter_map(|(row, results, _)| {
        let of = |results: &[Measured]| Curve::of(results, Axis::Butteraugli);
        ratio(&of(results), &of(&row.sharp), Axis::Butteraugli)
    });
    let alone = || tried.iter().filter_map(|(row, _, alone)| Some((row, alone.as_ref()?)));
    let against = alone().map(|(row, alone)| {
        let sharp: Vec<f64> = row.sharp.iter().filter_map(cpu_of_encode).collect();
        alone.cpu / alone.megapixels / spread(&sharp).0
    });
    let search =
        tried.iter().flat_map(|(_, results, _)| results.iter()).map(|result| result.cpu / result.megapixels);
    let [at_60, at_70, at_80, at_90] = goals.map(|ratios| mean_percent(ratios.into_iter()));
    format!(
        "| {effort} | {} | {at_60} | {at_70} | {at_80} | {at_90} | **{mean}** | {} | {} | {} | {} |\n",
        tried.len(),
        mean_percent(butteraugli),
        mean_ratio(alone().map(|(_, alone)| alone.cpu / alone.megapixels), 2),
        mean_ratio(against, 2),
        mean_ratio(search, 2),
    )
}
