//! (e) PNG and screens: lossless, palette, and any format.

use std::fmt::Write as _;

use anyhow::Result;
use demitasse_engine::{Effort, Target};

use super::super::corpus::{Corpus, Image, Kind};
use super::super::curve::{Axis, Curve};
use super::super::measure::{Ask, Bench, Measured};
use super::super::peers::Peer;
use super::super::run::Run;
use super::{Part, Section, USUAL, mean_percent, mean_ratio, measured, percent, spread};

pub(super) const SECTION: Section =
    Section { letter: 'e', title: "PNG and screens against oxipng and pngquant", select, run };

/// Numbers of colours that pngquant is asked for: its curve.
const COLORS: [u32; 4] = [256, 128, 64, 32];
/// Of these, the ones whose scores are our targets.
const ASKED: usize = 3;
/// Below this a target is not worth a comparison.
const LOWEST: f64 = 20.0;

struct Lossless {
    ours: Measured,
    oxipng: Measured,
}

struct Palette {
    pngquant: Vec<Measured>,
    /// PNG at the score of each of the first of them.
    ours: Vec<Measured>,
    /// Any format, at the score of the first.
    auto: Option<Measured>,
}

fn select(corpus: &Corpus) -> Vec<Part<'_>> {
    let graphics = corpus.of(Kind::Graphic, USUAL);
    let mut png = graphics.clone();
    png.extend(corpus.photos(USUAL, 8.0).into_iter().filter(|image| image.format() == "PNG"));
    vec![Part::new(png, 3.0), Part::new(graphics, 8.0)]
}

fn run(run: &Run, parts: &[Part<'_>]) -> Result<String> {
    let mut text = String::from(
        "Wanted: lossless never behind oxipng -o2; palette ahead of pngquant at equal score; `auto` 30 % ahead of pngquant.\n\n",
    );
    if run.peers.has(Peer::Oxipng) {
        let (rows, failures) =
            measured(run.each(SECTION.letter, &parts[0].images, parts[0].seconds, lossless)?);
        text.push_str(&lossless_lines(&rows));
        text.push_str(&failures);
    } else {
        text.push_str("oxipng is missing.\n");
    }
    if run.peers.has(Peer::Pngquant) {
        let (rows, failures) =
            measured(run.each(SECTION.letter, &parts[1].images, parts[1].seconds, palette)?);
        text.push_str(&palette_lines(&rows));
        text.push_str(&failures);
    } else {
        text.push_str("pngquant is missing.\n");
    }
    Ok(text)
}

fn lossless(bench: &mut Bench<'_>, image: &Image) -> Result<Lossless> {
    let oxipng = bench.peer(image, Peer::Oxipng, 2)?;
    let ask = Ask { format: "png", effort: Effort::Balanced, target: Target::Lossless };
    Ok(Lossless { ours: bench.ours(image, ask)?, oxipng })
}

fn lossless_lines(rows: &[Lossless]) -> String {
    let ratios: Vec<f64> = rows.iter().map(|row| row.ours.bytes as f64 / row.oxipng.bytes as f64).collect();
    let (_, least, most) = spread(&ratios);
    let cpu = |result: &Measured| result.cpu / result.megapixels;
    let mut text = format!(
        "| lossless | n | bytes against oxipng -o2 | [min, max] | behind it | CPU s/MP | oxipng's |\n|---|---|---|---|---|---|---|\n\
         | PNG, balanced | {} | **{}** | {}, {} | {} | {} | {} |\n",
        rows.len(),
        mean_percent(ratios.iter().copied()),
        percent(least),
        percent(most),
        rows.iter().filter(|row| row.ours.bytes > row.oxipng.bytes).count(),
        mean_ratio(rows.iter().map(|row| cpu(&row.ours)), 3),
        mean_ratio(rows.iter().map(|row| cpu(&row.oxipng)), 3),
    );
    for row in rows.iter().filter(|row| row.ours.bytes > row.oxipng.bytes) {
        let _ = writeln!(
            text,
            "- behind: {}: {} against {} bytes",
            row.ours.image, row.ours.bytes, row.oxipng.bytes
        );
    }
    for row in rows.iter().filter(|row| Axis::Ssimulacra2.of(&row.ours).is_none_or(|score| score < 99.99)) {
        let _ = writeln!(text, "- **not lossless**: {}", row.ours.image);
    }
    text
}

fn palette(bench: &mut Bench<'_>, image: &Image) -> Result<Palette> {
    let pngquant: Vec<Measured> =
        COLORS.iter().map(|colors| bench.peer(image, Peer::Pngquant, *colors)).collect::<Result<_>>()?;
    let goal = |result: &Measured| {
        Axis::Ssimulacra2.of(result).filter(|score| *score >= LOWEST).map(|score| score.min(99.0))
    };
    let mut ours = Vec::new();
    for goal in pngquant.iter().take(ASKED).filter_map(goal) {
        ours.push(bench.ours(image, Ask::score("png", Effort::Balanced, goal))?);
    }
    let first = pngquant.first().and_then(goal);
    let auto = first.map(|goal| bench.ours(image, Ask::score("auto", Effort::Balanced, goal))).transpose()?;
    Ok(Palette { pngquant, ours, auto })
}

/// Our bytes over pngquant's at our own score; where that is above all of its results, over its best one's.
fn against(ours: &Measured, pngquant: &[Measured], axis: Axis) -> Option<f64> {
    let likeness = axis.of(ours)?;
    let best = pngquant
        .iter()
        .filter(|result| axis.of(result).is_some())
        .max_by(|a, b| axis.of(a).unwrap_or(f64::NAN).total_cmp(&axis.of(b).unwrap_or(f64::NAN)))?;
    let theirs = if likeness >= axis.of(best)? {
        best.bytes as f64
    } else {
        Curve::of(pngquant, axis).bytes_at(likeness, 0.0)?
    };
    Some(ours.bytes as f64 / theirs)
}

fn palette_lines(rows: &[Palette]) -> String {
    let all = |axis: Axis| -> Vec<f64> {
        rows.iter()
            .flat_map(|row| row.ours.iter().filter_map(move |ours| against(ours, &row.pngquant, axis)))
            .collect()
    };
    let autos = |axis: Axis| -> Vec<f64> {
        rows.iter().filter_map(|row| against(row.auto.as_ref()?, &row.pngquant, axis)).collect()
    };
    let cpu =
        |results: Vec<&Measured>| mean_ratio(results.iter().map(|result| result.cpu / result.megapixels), 3);
    let theirs = cpu(rows.iter().flat_map(|row| &row.pngquant).collect());
    let mut text = String::from(
        "\n| against pngquant | n | at equal SSIMULACRA2 | [min, max] | at equal Butteraugli | CPU s/MP | pngquant's |\n\
         |---|---|---|---|---|---|---|\n",
    );
    let ours = cpu(rows.iter().flat_map(|row| &row.ours).collect());
    let auto = cpu(rows.iter().filter_map(|row| row.auto.as_ref()).collect());
    for (name, find, cpu) in [
        ("PNG at its scores with 256, 128, 64 colours", &all as &dyn Fn(Axis) -> Vec<f64>, ours),
        ("`auto` at its score with 256 colours", &autos as &dyn Fn(Axis) -> Vec<f64>, auto),
    ] {
        let equal = find(Axis::Ssimulacra2);
        let (_, least, most) = spread(&equal);
        let _ = writeln!(
            text,
            "| {name} | {} | **{}** | {}, {} | {} | {cpu} | {theirs} |",
            equal.len(),
            mean_percent(equal.iter().copied()),
            percent(least),
            percent(most),
            mean_percent(find(Axis::Butteraugli).into_iter()),
        );
    }
    for row in rows {
        for ours in row
            .ours
            .iter()
            .filter(|ours| against(ours, &row.pngquant, Axis::Ssimulacra2).is_some_and(|ratio| ratio > 1.0))
        {
            let ratio = against(ours, &row.pngquant, Axis::Ssimulacra2).unwrap_or(f64::NAN);
            let _ = writeln!(text, "- behind: {}, {}: {}", ours.image, ours.setting, percent(ratio));
        }
    }
    text
}
