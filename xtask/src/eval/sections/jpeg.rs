//! (a) JPEG to JPEG, at each photo's own score under the original.

use std::fmt::Write as _;

use anyhow::{Result, ensure};
use demitasse_engine::Effort;

use super::super::corpus::{Corpus, Image, Kind};
use super::super::curve::{Axis, Curve, ratio_at};
use super::super::measure::{Ask, Bench, Measured};
use super::super::peers::Peer;
use super::super::run::Run;
use super::{Part, Section, USUAL, mean_percent, mean_ratio, measured, percent, spread};

pub(super) const SECTION: Section =
    Section { letter: 'a', title: "JPEG at each photo's own score under Pillow q70", select, run };

/// Targets beside Pillow's score, for a curve: above and below.
const BESIDE: f64 = 1.5;

struct Row {
    is_jpeg: bool,
    pillow: Measured,
    efforts: Vec<Tried>,
}

/// One effort on one photo.
struct Tried {
    effort: Effort,
    /// Asked for Pillow's score.
    at: Measured,
    /// With the two beside it; the original, where it was kept, is on no curve.
    around: Vec<Measured>,
    /// Asked for the quality that was found: decode, one encode, and what looks at it.
    last: Option<Measured>,
}

fn select(corpus: &Corpus) -> Vec<Part<'_>> {
    vec![Part::new(corpus.of(Kind::Photo, USUAL), 7.0)]
}

fn run(run: &Run, parts: &[Part<'_>]) -> Result<String> {
    let part = &parts[0];
    let (rows, failures) = measured(run.each(SECTION.letter, &part.images, part.seconds, measure)?);
    let mut text = String::from(
        "Wanted: `fast` 23 % fewer bytes for at most 2 times Pillow's decode + encode CPU; `balanced` 25 %, its last encode at \
         most 5 times. CPU includes decoding on both sides; *last encode* is a request for the quality that was found, with what \
         looks at the result.\n\n\
         | photos | effort | n | bytes as they came | at equal SSIMULACRA2 | [min, max] | at equal Butteraugli | score difference, \
         mean [min, max] | CPU / Pillow's | last encode / Pillow's |\n|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for (name, wanted) in [("JPEG", Some(true)), ("PNG, made into JPEG", Some(false)), ("all", None)] {
        let group: Vec<&Row> =
            rows.iter().filter(|row| wanted.is_none_or(|wanted| row.is_jpeg == wanted)).collect();
        for effort in Effort::ALL {
            text.push_str(&line(name, effort, &group));
        }
    }
    text.push_str(&kept(&rows));
    text.push_str(&failures);
    Ok(text)
}

fn measure(bench: &mut Bench<'_>, image: &Image) -> Result<Row> {
    let pillow = bench.peer(image, Peer::Pillow, 70)?;
    let goal = Axis::Ssimulacra2.of(&pillow).unwrap_or(f64::NAN);
    ensure!((5.0..=97.0).contains(&goal), "Pillow's score is {goal:.1}");
    let mut efforts = Vec::new();
    for effort in Effort::ALL {
        let at = bench.ours(image, Ask::score("jpeg", effort, goal))?;
        let mut around = Vec::new();
        if at.is_made() {
            around.push(at.clone());
            for target in [goal - BESIDE, goal + BESIDE] {
                let beside = bench.ours(image, Ask::score("jpeg", effort, target))?;
                around.extend(beside.is_made().then_some(beside));
            }
        }
        let quality = at.ours.as_ref().and_then(|told| told.quality);
        let last =
            quality.map(|quality| bench.ours(image, Ask::quality("jpeg", effort, quality))).transpose()?;
        efforts.push(Tried { effort, at, around, last });
    }
    Ok(Row { is_jpeg: image.format() == "JPEG", pillow, efforts })
}

fn line(name: &str, effort: Effort, rows: &[&Row]) -> String {
    let tried: Vec<(&Measured, &Tried)> = rows
        .iter()
        .filter_map(|row| Some((&row.pillow, row.efforts.iter().find(|tried| tried.effort == effort)?)))
        .filter(|(_, tried)| tried.at.is_made())
        .collect();
    if tried.is_empty() {
        return String::new();
    }
    let at_equal = |axis| -> Vec<f64> {
        tried
            .iter()
            .filter_map(|(pillow, tried)| ratio_at(&Curve::of(&tried.around, axis), pillow, axis))
            .collect()
    };
    let score = |result: &Measured| Axis::Ssimulacra2.of(result).unwrap_or(f64::NAN);
    let differences: Vec<f64> =
        tried.iter().map(|(pillow, tried)| score(&tried.at) - score(pillow)).collect();
    let (mean, least, most) = spread(&differences);
    let equal = at_equal(Axis::Ssimulacra2);
    let (_, smallest, largest) = spread(&equal);
    format!(
        "| {name} | {effort} | {} | {} | **{}** | {}, {} | {} | {mean:+.2} [{least:+.2}, {most:+.2}] | {} | {} |\n",
        tried.len(),
        mean_percent(tried.iter().map(|(pillow, tried)| tried.at.bytes as f64 / pillow.bytes as f64)),
        mean_percent(equal.iter().copied()),
        percent(smallest),
        percent(largest),
        mean_percent(at_equal(Axis::Butteraugli).into_iter()),
        mean_ratio(tried.iter().map(|(pillow, tried)| tried.at.cpu / pillow.cpu), 2),
        mean_ratio(tried.iter().filter_map(|(pillow, tried)| Some(tried.last.as_ref()?.cpu / pillow.cpu)), 2),
    )
}

/// Where nothing smaller was found.
fn kept(rows: &[Row]) -> String {
    let mut text = String::new();
    for row in rows {
        for tried in row.efforts.iter().filter(|tried| !tried.at.is_made()) {
            let reason = tried.at.ours.as_ref().and_then(|told| told.kept.clone()).unwrap_or_default();
            let _ = writeln!(text, "- not counted: {} at {}: kept: {reason}", row.pillow.image, tried.effort);
        }
    }
    text
}
