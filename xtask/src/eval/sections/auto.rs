//! (d) `auto` over all photos against the original, at the same minimum score.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Result, ensure};
use demitasse_engine::Effort;

use super::super::corpus::{Corpus, Image, Kind};
use super::super::curve::Axis;
use super::super::measure::{Ask, Bench, Measured};
use super::super::peers::Peer;
use super::super::run::Run;
use super::{Part, Section, USUAL, mean_percent, mean_ratio, measured, percent, spread};

pub(super) const SECTION: Section =
    Section { letter: 'd', title: "`auto` against the original at the same minimum score", select, run };

/// What the original scores less in is no minimum that anybody wants to keep to.
const RUINED: f64 = 30.0;

fn select(corpus: &Corpus) -> Vec<Part<'_>> {
    vec![Part::new(corpus.of(Kind::Photo, USUAL), 5.0)]
}

fn run(run: &Run, parts: &[Part<'_>]) -> Result<String> {
    let part = &parts[0];
    let original = |bench: &mut Bench<'_>, image: &Image| bench.peer(image, Peer::Pillow, 70);
    let (mut originals, mut failures) = measured(run.each(SECTION.letter, &part.images, 0.2, original)?);
    originals.retain(|original| {
        let is_a_picture = Axis::Ssimulacra2.of(original).is_some_and(|score| score >= RUINED);
        if !is_a_picture {
            let _ = writeln!(failures, "- left out: {}: the original ruins it", original.image);
        }
        is_a_picture
    });
    let of_original: BTreeMap<&str, u64> =
        originals.iter().map(|original| (original.image.as_str(), original.bytes)).collect();
    let images: Vec<&Image> =
        part.images.iter().copied().filter(|image| of_original.contains_key(image.name.as_str())).collect();
    let scores = |results: &[Measured]| -> Vec<f64> {
        results.iter().filter_map(|result| Axis::Ssimulacra2.of(result)).collect()
    };
    let (mean, lowest, highest) = spread(&scores(&originals));
    ensure!((1.0..=100.0).contains(&lowest), "the original's lowest score is {lowest:.1}");

    let ask = Ask::score("auto", Effort::Balanced, lowest);
    let ours = |bench: &mut Bench<'_>, image: &Image| bench.ours(image, ask);
    let (results, more_failures) = measured(run.each(SECTION.letter, &images, part.seconds, ours)?);
    failures.push_str(&more_failures);
    let pairs: Vec<(u64, u64)> = results
        .iter()
        .filter_map(|result| Some((result.bytes, *of_original.get(result.image.as_str())?)))
        .collect();
    let total = |side: fn(&(u64, u64)) -> u64| pairs.iter().map(side).sum::<u64>() as f64;
    let (our_mean, our_lowest, our_highest) = spread(&scores(&results));
    let mut formats: BTreeMap<&str, usize> = BTreeMap::new();
    for told in results.iter().filter_map(|result| result.ours.as_ref()) {
        *formats.entry(told.format.as_str()).or_default() += 1;
    }
    let mut text = format!(
        "Wanted: 50 % fewer bytes. The target is the original's lowest score.\n\n\
         | | n | score, mean [min, max] | bytes, all together | geometric mean | CPU s/MP |\n|---|---|---|---|---|---|\n\
         | original | {} | {mean:.1} [{lowest:.1}, {highest:.1}] | | | {} |\n\
         | `auto`, balanced, target {lowest:.1} | {} | {our_mean:.1} [{our_lowest:.1}, {our_highest:.1}] | **{}** | {} | {} |\n\n",
        originals.len(),
        mean_ratio(originals.iter().map(|original| original.cpu / original.megapixels), 3),
        results.len(),
        percent(total(|pair| pair.0) / total(|pair| pair.1)),
        mean_percent(pairs.iter().map(|(ours, theirs)| *ours as f64 / *theirs as f64)),
        mean_ratio(results.iter().map(|result| result.cpu / result.megapixels), 2),
    );
    let formats: Vec<_> = formats.into_iter().map(|(format, count)| format!("{format} {count}")).collect();
    let _ = writeln!(text, "Chosen: {}\n{failures}", formats.join(", "));
    Ok(text)
}
