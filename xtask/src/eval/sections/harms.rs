//! (h) What tools do to images that are not plain: every file of the corpus, as each is used by default.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;
use demitasse_engine::{Effort, Preset};
use serde_json::json;

use super::super::corpus::{Corpus, Facts, Image};
use super::super::measure::{Ask, Bench};
use super::super::one::compress_apart;
use super::super::peers::Peer;
use super::super::run::Run;
use super::{Part, Section};

pub(super) const SECTION: Section = Section { letter: 'h', title: "Harms", select, run };

/// The original makes a JPEG of everything; so are the others asked, where they cannot keep the format.
const PEERS: [Peer; 4] = [Peer::Pillow, Peer::SharpJpeg, Peer::VipsJpeg, Peer::CaesiumJpeg];
const QUALITY: u32 = 75;
/// Peers are not sent what is larger, in megapixels: they would take all memory.
const MOST: f64 = 100.0;
/// Of 255, at 32 x 32: more than a codec's noise; and enough to say that a profile that is gone was not converted.
const DISTANT: u64 = 16;
const SHIFTED: u64 = 4;

fn select(corpus: &Corpus) -> Vec<Part<'_>> {
    vec![Part::new(corpus.all().into_iter().filter(|image| image.megapixels() <= 300.0).collect(), 1.0)]
}

/// By tool: what it did.
type Harms = Vec<(String, Vec<&'static str>)>;

fn run(run: &Run, parts: &[Part<'_>]) -> Result<String> {
    let part = &parts[0];
    let measure = |bench: &mut Bench<'_>, image: &Image| measure(run, bench, image);
    let outcomes = run.each(SECTION.letter, &part.images, part.seconds, measure)?;
    let mut counts: BTreeMap<String, BTreeMap<&'static str, usize>> = BTreeMap::new();
    let mut details = String::new();
    for (image, outcome) in &outcomes {
        let Ok(tools) = outcome else { continue };
        for (tool, harms) in tools {
            let of_tool = counts.entry(tool.clone()).or_default();
            for harm in harms {
                *of_tool.entry(*harm).or_default() += 1;
            }
            *of_tool.entry("files").or_default() += 1;
            if tool.starts_with("ours") && !harms.is_empty() {
                let _ = writeln!(details, "- {tool}: {}: {}", image.name, harms.join(", "));
            }
        }
    }
    const NAMES: [&str; 9] = [
        "files",
        "refused or failed",
        "alpha lost",
        "orientation lost",
        "size changed",
        "animation lost",
        "profile lost",
        "looks different",
        "larger",
    ];
    let mut text = format!(
        "Each tool as it comes; peers make JPEG of quality {QUALITY} of everything, the original 70. Ours refuses what is \
         damaged, and says so.\n\n| tool | {} |\n|---|{}\n",
        NAMES.join(" | "),
        "---|".repeat(NAMES.len())
    );
    for (tool, counts) in &counts {
        let cells: Vec<_> =
            NAMES.iter().map(|name| counts.get(name).copied().unwrap_or(0).to_string()).collect();
        let _ = writeln!(text, "| {tool} | {} |", cells.join(" | "));
    }
    let _ = write!(text, "\n{details}");
    Ok(text)
}

fn measure(run: &Run, bench: &mut Bench<'_>, image: &Image) -> Result<Harms> {
    let mut tools = Harms::new();
    let scratch = tempfile::tempdir()?;
    for format in ["keep", "auto"] {
        let ask = Ask { format, effort: Effort::Balanced, target: Preset::Balanced.target() };
        let output = scratch.path().join("ours");
        let harms = match compress_apart(&ask.request()?, &image.path, &output) {
            Ok(_) => harms(bench, image, &output),
            Err(_) => vec!["refused or failed"],
        };
        tools.push((format!("ours {format}"), harms));
    }
    for peer in PEERS {
        if !run.peers.has(peer) || image.megapixels() > MOST || image.facts.is_none() {
            continue;
        }
        let quality = if peer == Peer::Pillow { 70 } else { QUALITY };
        let harms = match bench.peer_file(image, peer, quality) {
            Ok(output) => harms(bench, image, &output),
            Err(_) => vec!["refused or failed"],
        };
        tools.push((peer.name().to_owned(), harms));
    }
    Ok(tools)
}

/// What another decoder finds.
fn harms(bench: &mut Bench<'_>, image: &Image, output: &Path) -> Vec<&'static str> {
    let mut found = Vec::new();
    if std::fs::metadata(output).is_ok_and(|data| data.len() > image.bytes) {
        found.push("larger");
    }
    let Some(before) = &image.facts else { return found };
    let Ok(after) = Facts::ask(&mut bench.pictures, output) else {
        found.push("refused or failed");
        return found;
    };
    if before.shown() != after.shown() {
        let is_turned = before.shown() == (after.shown().1, after.shown().0);
        found.push(if is_turned && before.orientation >= 5 { "orientation lost" } else { "size changed" });
    }
    if before.alpha && !after.alpha {
        found.push("alpha lost");
    }
    if before.frames > 1 && before.frames != after.frames {
        found.push("animation lost");
    }
    if image.megapixels() <= MOST && before.shown() == after.shown() && !found.contains(&"alpha lost") {
        let answer = bench.pictures.ask(&json!(["distance", image.path, output])).ok();
        let distance = answer.and_then(|answer| answer["distance"].as_u64()).unwrap_or(0);
        if before.has_own_colors() && after.profile.is_none() && distance > SHIFTED {
            found.push("profile lost");
        } else if distance > DISTANT {
            found.push("looks different");
        }
    }
    found
}
