//! (g) Our own output through again, for the same request.

use std::fmt::Write as _;

use anyhow::Result;
use demitasse_engine::Effort;

use super::super::corpus::{Corpus, Image, Kind};
use super::super::measure::{Ask, Bench};
use super::super::run::Run;
use super::{Part, Section, USUAL, measured};

pub(super) const SECTION: Section =
    Section { letter: 'g', title: "Our own output through again", select, run };

/// In the order of the parts.
const FORMATS: [&str; 5] = ["jpeg", "webp", "png", "avif", "auto"];
const TARGET: f64 = 75.0;

fn select(corpus: &Corpus) -> Vec<Part<'_>> {
    vec![
        Part::new(corpus.of(Kind::Photo, USUAL), 0.5),
        Part::new(corpus.photos(USUAL, 12.0), 1.2),
        Part::new(corpus.of(Kind::Graphic, USUAL), 1.5),
        Part::new(corpus.photos(USUAL, 4.0), 4.0),
        Part::new(corpus.photos(USUAL, 4.0), 6.0),
    ]
}

fn run(run: &Run, parts: &[Part<'_>]) -> Result<String> {
    let mut text = format!(
        "Wanted: 97 % unchanged. `balanced`, score {TARGET}; the bytes of both are compared.\n\n\
         | format | n | unchanged |\n|---|---|---|\n"
    );
    let mut notes = String::new();
    let (mut same, mut all) = (0, 0);
    for (format, part) in FORMATS.into_iter().zip(parts) {
        let ask = Ask::score(format, Effort::Balanced, TARGET);
        if !ask.is_possible() {
            let _ = writeln!(notes, "- {format}: the engine does not write it yet");
            continue;
        }
        let measure = |bench: &mut Bench<'_>, image: &Image| -> Result<(String, bool)> {
            let (once, twice) = bench.twice(image, ask)?;
            Ok((image.name.clone(), std::fs::read(once)? == std::fs::read(twice)?))
        };
        let (results, failures) = measured(run.each(SECTION.letter, &part.images, part.seconds, measure)?);
        let unchanged = results.iter().filter(|(_, is_same)| *is_same).count();
        let _ = writeln!(text, "| {format} | {} | {} |", results.len(), share(unchanged, results.len()));
        for (name, _) in results.iter().filter(|(_, is_same)| !is_same) {
            let _ = writeln!(notes, "- changed: {name}, {format}");
        }
        notes.push_str(&failures);
        (same, all) = (same + unchanged, all + results.len());
    }
    let _ = write!(text, "| **all** | {all} | **{}** |\n\n{notes}", share(same, all));
    Ok(text)
}

fn share(part: usize, all: usize) -> String {
    if all == 0 { "-".into() } else { format!("{:.0} %", 100.0 * part as f64 / all as f64) }
}
