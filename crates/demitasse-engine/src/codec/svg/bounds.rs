//! How much a drawing may be: of text, of elements, and of elements that stand for others.
//!
//! A few lines can name each other so often that a million shapes come of them, or nest so deep that no stack holds them. All of that is
//! counted before anything is drawn.

use std::collections::HashMap;

use super::tree::{Element, Node};
use crate::{Error, Result};

/// Bytes of a file. The largest drawings that people publish have some ten million.
pub(crate) const MAX_BYTES: u64 = 16_000_000;
/// Nodes of a file: about 800 bytes of memory each, until both files were drawn.
pub(crate) const MAX_NODES: u32 = 250_000;
/// Elements inside of each other; drawing programs stay below 30.
pub(crate) const MAX_DEPTH: u32 = 128;
/// Drawings inside of drawings.
pub(crate) const MAX_LEVEL: u32 = 3;
/// Elements that are drawn, each as often as others stand for it.
const MAX_DRAWN: u64 = 250_000;
/// Elements inside of each other when what they stand for is in their place.
const MAX_DRAWN_DEPTH: u32 = 256;
/// Bytes of text that a file's own entities may stand for.
const MAX_ENTITY_BYTES: u64 = 1_000_000;
/// Octaves of noise: above 16 they are finer than any pixel.
const MAX_OCTAVES: f64 = 16.0;

/// Checks the length, and what entities may grow to.
///
/// # Errors
/// `LimitExceeded`, `Unsupported`.
pub(crate) fn check_text(text: &str) -> Result<()> {
    within("bytes", text.len() as u64, MAX_BYTES)?;
    let Some(first) = text.find("<!ENTITY") else { return Ok(()) };
    // All declarations together are longer than any of them, and none may stand for another.
    let last = text.rfind("<!ENTITY").unwrap_or(first);
    let end = text[last..].find(']').map_or(text.len(), |end| last + end);
    let declared = &text[first..end];
    if declared.contains(['&', '%']) {
        return Err(Error::Unsupported(
            "an SVG drawing whose entities stand for others is not supported".into(),
        ));
    }
    let uses = text[end..].matches('&').count() + text[..first].matches('&').count();
    within("bytes of entities", (declared.len() as u64).saturating_mul(uses as u64), MAX_ENTITY_BYTES)
}

/// Whether a file's own entities are to be fetched: `SYSTEM` or `PUBLIC` behind the name of one.
pub(crate) fn has_entities_outside(text: &str) -> bool {
    let mut declarations = text.match_indices("<!ENTITY").map(|(at, word)| &text[at + word.len()..]);
    declarations.any(|rest| {
        let mut words = rest.split_ascii_whitespace().skip_while(|word| *word == "%").skip(1);
        words.next().is_some_and(|word| word.starts_with("SYSTEM") || word.starts_with("PUBLIC"))
    })
}

/// Checks how much is drawn.
///
/// # Errors
/// `LimitExceeded`.
///
/// Cost: linear in the elements.
pub(crate) fn check(root: &Element) -> Result<()> {
    let mut counter = Counter { named: HashMap::new(), counted: HashMap::new(), in_sheets: 0 };
    counter.collect(root);
    let mut sheets = Vec::new();
    collect_sheets(root, &mut sheets);
    for sheet in sheets {
        counter.in_sheets += counter.referenced(sheet, 0)?.drawn;
    }
    let all = counter.count(root, 0)?;
    within("drawn elements", all.drawn, MAX_DRAWN)
}

fn collect_sheets<'t>(element: &'t Element, sheets: &mut Vec<&'t str>) {
    for child in &element.children {
        match child {
            Node::Text(text) if element.name == "style" => sheets.push(text),
            Node::Text(_) => {}
            Node::Element(child) => collect_sheets(child, sheets),
        }
    }
}

fn within(limit: &'static str, actual: u64, allowed: u64) -> Result<()> {
    if actual > allowed { Err(Error::LimitExceeded { limit, actual, allowed }) } else { Ok(()) }
}

#[derive(Debug, Clone, Copy, Default)]
struct Count {
    drawn: u64,
    depth: u32,
}

impl Count {
    fn add(&mut self, other: Self) {
        self.drawn = self.drawn.saturating_add(other.drawn);
        self.depth = self.depth.max(other.depth);
    }
}

struct Counter<'t> {
    named: HashMap<&'t str, &'t Element>,
    /// By address; none while it is being counted, so that what stands for itself ends.
    counted: HashMap<*const Element, Option<Count>>,
    /// What style sheets may put on any element.
    in_sheets: u64,
}

impl<'t> Counter<'t> {
    fn collect(&mut self, element: &'t Element) {
        if let Some(id) = element.get("id") {
            self.named.entry(id).or_insert(element);
        }
        element.elements().for_each(|child| self.collect(child));
    }

    fn count(&mut self, element: &'t Element, depth: u32) -> Result<Count> {
        within("levels of drawn elements", depth.into(), MAX_DRAWN_DEPTH.into())?;
        let key = std::ptr::from_ref(element);
        if let Some(known) = self.counted.get(&key) {
            let known = known.unwrap_or_default();
            within("levels of drawn elements", (depth + known.depth).into(), MAX_DRAWN_DEPTH.into())?;
            return Ok(known);
        }
        self.counted.insert(key, None);
        check_octaves(element)?;
        let mut all = Count { drawn: 1 + self.in_sheets, depth: 0 };
        for child in element.elements() {
            all.add(self.count(child, depth + 1)?);
        }
        for attribute in &element.attributes {
            if attribute.is_link() {
                if let Some(target) = self.target(attribute.value.trim().strip_prefix('#')) {
                    all.add(self.count(target, depth + 1)?);
                }
            } else if attribute.value.contains("url(") {
                let mut inside = self.referenced(&attribute.value, depth + 1)?;
                if attribute.name.starts_with("marker") || attribute.name == "style" {
                    inside.drawn = inside.drawn.saturating_mul(corners(element));
                }
                all.add(inside);
            }
        }
        all.depth += 1;
        within("drawn elements", all.drawn, MAX_DRAWN)?;
        self.counted.insert(key, Some(all));
        Ok(all)
    }

    /// What the addresses in a value, or a sheet, stand for.
    fn referenced(&mut self, value: &'t str, depth: u32) -> Result<Count> {
        let mut all = Count::default();
        for (at, word) in value.match_indices("url(") {
            let rest = value[at + word.len()..].trim_start().trim_start_matches(['"', '\'']);
            let name = rest.strip_prefix('#').and_then(|rest| rest.split(['"', '\'', ')']).next());
            if let Some(target) = self.target(name) {
                all.add(self.count(target, depth)?);
            }
        }
        Ok(all)
    }

    fn target(&self, name: Option<&str>) -> Option<&'t Element> {
        self.named.get(name?.trim()).copied()
    }
}

/// No fewer than a shape has: at each may be a marker.
fn corners(element: &Element) -> u64 {
    let length = ["d", "points"].iter().filter_map(|name| element.get(name)).map(str::len).max();
    1 + length.unwrap_or(0) as u64 / 2
}

fn check_octaves(element: &Element) -> Result<()> {
    let octaves = element.get("numOctaves").and_then(|octaves| octaves.trim().parse::<f64>().ok());
    match octaves {
        Some(octaves) if element.name == "feTurbulence" && octaves > MAX_OCTAVES => {
            Err(Error::LimitExceeded {
                limit: "octaves",
                actual: octaves as u64,
                allowed: MAX_OCTAVES as u64,
            })
        }
        _ => Ok(()),
    }
}
