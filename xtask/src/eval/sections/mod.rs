//! The report's sections, one for each figure that the engine is to reach, and two to know it by.

mod again;
mod animation;
mod auto;
mod avif;
mod curves;
mod harms;
mod jpeg;
mod memory;
mod png;
mod target;

use std::fmt::Write as _;

use anyhow::Result;

use super::corpus::{Corpus, Image, smallest};
use super::run::{Outcomes, Run};

/// The size up to which images are taken into most sections, in megapixels.
const USUAL: f64 = 12.0;
/// The targets that searches are tried at.
const GOALS: [f64; 4] = [60.0, 70.0, 80.0, 90.0];

/// A section.
pub(super) struct Section {
    pub(super) letter: char,
    pub(super) title: &'static str,
    select: for<'c> fn(&'c Corpus) -> Vec<Part<'c>>,
    /// Measures, and gives the section's text.
    pub(super) run: fn(&Run, &[Part<'_>]) -> Result<String>,
}

/// Images that are measured alike.
pub(super) struct Part<'c> {
    images: Vec<&'c Image>,
    /// Seconds a megapixel that are expected, scores included.
    seconds: f64,
}

impl<'c> Part<'c> {
    fn new(images: Vec<&'c Image>, seconds: f64) -> Self {
        Self { images, seconds }
    }

    pub(super) fn work(&self) -> f64 {
        self.images.iter().map(|image| image.megapixels()).sum::<f64>() * self.seconds
    }
}

impl Section {
    pub(super) fn parts<'c>(&self, corpus: &'c Corpus, limit: Option<usize>) -> Vec<Part<'c>> {
        let mut parts = (self.select)(corpus);
        if let Some(limit) = limit {
            for part in &mut parts {
                part.images = smallest(std::mem::take(&mut part.images), limit);
            }
        }
        parts
    }
}

/// In the order of the report. What is measured once is not measured again by a later one.
pub(super) const SECTIONS: [Section; 10] = [
    jpeg::SECTION,
    target::SECTION,
    avif::SECTION,
    auto::SECTION,
    png::SECTION,
    memory::SECTION,
    again::SECTION,
    harms::SECTION,
    animation::SECTION,
    curves::SECTION,
];

/// Results that are there, and a line for each that is not.
fn measured<T>(outcomes: Outcomes<'_, T>) -> (Vec<T>, String) {
    let mut failures = String::new();
    let mut results = Vec::new();
    for (image, outcome) in outcomes {
        match outcome {
            Ok(result) => results.push(result),
            Err(error) => {
                let _ = writeln!(failures, "- left out: {}: {error:#}", image.name);
            }
        }
    }
    (results, failures)
}

/// A ratio as a change in per cent; of nothing, a dash.
fn percent(ratio: f64) -> String {
    if ratio.is_finite() { format!("{:+.1} %", (ratio - 1.0) * 100.0) } else { "-".into() }
}

/// The change that the geometric mean of ratios is; of none, a dash.
fn mean_percent(ratios: impl Iterator<Item = f64>) -> String {
    let ratios: Vec<f64> = ratios.collect();
    if ratios.is_empty() { "-".into() } else { percent(crate::geometric_mean(ratios.into_iter())) }
}

/// The geometric mean, to `digits`; of none, a dash.
fn mean_ratio(ratios: impl Iterator<Item = f64>, digits: usize) -> String {
    let ratios: Vec<f64> = ratios.filter(|ratio| *ratio > 0.0).collect();
    if ratios.is_empty() {
        return "-".into();
    }
    format!("{:.digits$}", crate::geometric_mean(ratios.into_iter()))
}

/// Mean, least and most; NaN of none.
fn spread(values: &[f64]) -> (f64, f64, f64) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    (mean, crate::quantile(values, 0.0), crate::quantile(values, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_read_as_changes_and_nothing_is_a_dash() {
        assert_eq!(percent(0.75), "-25.0 %");
        assert_eq!(mean_percent([0.5, 2.0].into_iter()), "+0.0 %");
        assert_eq!(mean_percent([].into_iter()), "-");
        assert_eq!(mean_ratio([2.0, 8.0].into_iter(), 1), "4.0");
        assert_eq!(mean_ratio([].into_iter(), 1), "-");
        assert_eq!(spread(&[1.0, 3.0]), (2.0, 1.0, 3.0));
    }

    #[test]
    fn sections_have_letters_of_their_own() {
        let letters: std::collections::BTreeSet<char> =
            SECTIONS.iter().map(|section| section.letter).collect();
        assert_eq!(letters.len(), SECTIONS.len());
    }
}
