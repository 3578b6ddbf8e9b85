//! (p) All tools on the same photos: bytes at equal score, spread of the score, processor time.

use std::fmt::Write as _;

use anyhow::Result;
use demitasse_engine::Effort;

use super::super::corpus::{Corpus, Image};
use super::super::curve::{Axis, Curve, ratio};
use super::super::measure::{Ask, Bench, Measured};
use super::super::peers::Peer;
use super::super::run::Run;
use super::{GOALS, Part, Section, USUAL, avif, mean_percent, mean_ratio, measured, spread};

pub(super) const SECTION: Section =
    Section { letter: 'p', title: "Photos: all tools beside each other", select, run };

/// What each peer is asked for: scores from about 55 to 90.
const PEERS: [(Peer, &[u32]); 6] = [
    (Peer::Pillow, &[50, 70, 85, 93]),
    (Peer::VipsJpeg, &[50, 70, 85, 93]),
    (Peer::CaesiumJpeg, &[50, 70, 85, 93]),
    (Peer::SharpJpeg, &[45, 65, 80, 92]),
    (Peer::SharpWebp, &[45, 65, 80, 93]),
    (Peer::SharpAvif, &avif::QUALITIES),
];
const FORMATS: [&str; 3] = ["jpeg", "webp", "avif"];

/// One tool on one photo.
struct Line {
    tool: String,
    results: Vec<Measured>,
}

/// Those of the AVIF section, so that the dearest results are there already.
fn select(corpus: &Corpus) -> Vec<Part<'_>> {
    vec![Part::new(corpus.photos(USUAL, 9.0), 14.0)]
}

fn run(run: &Run, parts: &[Part<'_>]) -> Result<String> {
    let part = &parts[0];
    let measure = |bench: &mut Bench<'_>, image: &Image| measure(run, bench, image);
    let (rows, failures) = measured(run.each(SECTION.letter, &part.images, part.seconds, measure)?);
    let mut text = String::from(
        "Bytes against Pillow over the scores that both reach. *Spread*: scores of the photos at the tool's second setting (for \
         ours, target 70). CPU: peers' encode alone (caesium: with decoding); ours: decoding, search and verification.\n\n\
         | tool | n | at equal SSIMULACRA2 | at equal Butteraugli | score at one setting: mean [min, max] | CPU s/MP |\n\
         |---|---|---|---|---|---|\n",
    );
    let mut names: Vec<&str> = Vec::new();
    for line in rows.iter().flatten() {
        if !names.contains(&line.tool.as_str()) {
            names.push(&line.tool);
        }
    }
    for name in names {
        text.push_str(&summary(name, &rows));
    }
    let _ = write!(text, "\n{failures}");
    Ok(text)
}

fn measure(run: &Run, bench: &mut Bench<'_>, image: &Image) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    for (peer, qualities) in PEERS {
        if run.peers.has(peer) {
            // caesium, for one, writes nothing where it would not be smaller.
            let results =
                qualities.iter().filter_map(|quality| bench.peer(image, peer, *quality).ok()).collect();
            lines.push(Line { tool: peer.name().to_owned(), results });
        }
    }
    for format in
        FORMATS.into_iter().filter(|format| Ask::score(format, Effort::Balanced, 70.0).is_possible())
    {
        for effort in Effort::ALL {
            let mut results = Vec::new();
            for goal in GOALS {
                let result = bench.ours(image, Ask::score(format, effort, goal))?;
                results.extend(result.is_made().then_some(result));
            }
            lines.push(Line { tool: format!("ours {format} {effort}"), results });
        }
    }
    Ok(lines)
}

fn summary(name: &str, rows: &[Vec<Line>]) -> String {
    let find = |row: &Vec<Line>, tool: &str| row.iter().position(|line| line.tool == tool);
    let against = |axis: Axis| -> Vec<f64> {
        let one = |row: &Vec<Line>| {
            let of = |tool| Some(Curve::of(&row[find(row, tool)?].results, axis));
            ratio(&of(name)?, &of(Peer::Pillow.name())?, axis)
        };
        rows.iter().filter_map(one).collect()
    };
    let results: Vec<&Measured> =
        rows.iter().filter_map(|row| Some(&row[find(row, name)?].results)).flatten().collect();
    let second: Vec<f64> =
        rows.iter().filter_map(|row| Axis::Ssimulacra2.of(row[find(row, name)?].results.get(1)?)).collect();
    let (mean, least, most) = spread(&second);
    let equal = against(Axis::Ssimulacra2);
    let cpu = results.iter().map(|result| result.cpu_of_encode.unwrap_or(result.cpu) / result.megapixels);
    format!(
        "| {name} | {} | **{}** | {} | {mean:.1} [{least:.1}, {most:.1}] | {} |\n",
        equal.len(),
        mean_percent(equal.iter().copied()),
        mean_percent(against(Axis::Butteraugli).into_iter()),
        mean_ratio(cpu, 3),
    )
}
