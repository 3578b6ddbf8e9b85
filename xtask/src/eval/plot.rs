//! Rate-distortion curves as SVG: score over bits a pixel, the rate on a logarithmic scale.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;

use super::measure::Measured;
use crate::geometric_mean;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 480.0;
const MARGIN: f64 = 48.0;
/// Room for the names, on the right.
const LEGEND: f64 = 190.0;
/// Told apart in grey and by most who confuse colours (Okabe and Ito 2008), then again with dashes.
const COLORS: [&str; 7] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"];

/// Bits a pixel and score, by the name of the tool.
type Series<'a> = BTreeMap<&'a str, Vec<(f64, f64)>>;

/// Writes `mean.svg` of all images that every point has in common, and one file for each image.
pub(super) fn write(results: &[Measured], folder: &Path) -> Result<()> {
    let points: Vec<&Measured> = results.iter().filter(|result| is_of_a_curve(result)).collect();
    if points.is_empty() {
        return Ok(());
    }
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("mean.svg"), svg("mean of the images", &mean(&points)))?;
    let names: BTreeSet<&str> = points.iter().map(|point| point.image.as_str()).collect();
    for name in names {
        let mut series = Series::new();
        for point in points.iter().filter(|point| point.image == name) {
            series.entry(&point.tool).or_default().push(place(point));
        }
        series.retain(|_, points| points.len() > 1);
        std::fs::write(folder.join(format!("{}.svg", name.replace(['/', '\\'], "-"))), svg(name, &series))?;
    }
    Ok(())
}

fn is_of_a_curve(result: &Measured) -> bool {
    // Targets with a fraction are another tool's score: they lie beside each other.
    let setting = &result.setting;
    let is_round = match result.ours {
        Some(_) => setting.starts_with("score") && setting.ends_with(".00"),
        None => setting.starts_with('q'),
    };
    is_round && result.is_made() && result.scores.is_some()
}

fn place(result: &Measured) -> (f64, f64) {
    let score = result.scores.map_or(f64::NAN, |scores| scores.ssimulacra2);
    (result.bytes as f64 * 8.0 / (result.megapixels * 1e6), score)
}

/// The mean of each setting that at least half as many images have as the most common one has.
fn mean<'a>(points: &[&'a Measured]) -> Series<'a> {
    let mut settings: BTreeMap<(&str, &str), Vec<(f64, f64)>> = BTreeMap::new();
    for point in points {
        settings.entry((&point.tool, &point.setting)).or_default().push(place(point));
    }
    let most = settings.values().map(Vec::len).max().unwrap_or(0);
    let mut series = Series::new();
    for ((tool, _), places) in settings.iter().filter(|(_, places)| places.len() * 2 >= most) {
        let rate = geometric_mean(places.iter().map(|place| place.0));
        let score = places.iter().map(|place| place.1).sum::<f64>() / places.len() as f64;
        series.entry(tool).or_default().push((rate, score));
    }
    series.retain(|_, points| points.len() > 1);
    series
}

fn svg(title: &str, series: &Series<'_>) -> String {
    let all = || series.values().flatten();
    let (left, right) = range(all().map(|point| point.0.log2()));
    let (low, high) = range(all().map(|point| point.1));
    let x = |rate: f64| MARGIN + (rate.log2() - left) / (right - left) * (WIDTH - 2.0 * MARGIN - LEGEND);
    let y = |score: f64| HEIGHT - MARGIN - (score - low) / (high - low) * (HEIGHT - 2.0 * MARGIN);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"11\">\n<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n\
         <text x=\"{MARGIN}\" y=\"24\" font-size=\"14\">{}: SSIMULACRA2 over bits a pixel</text>\n",
        escaped(title)
    );
    let (bottom, end) = (HEIGHT - MARGIN, WIDTH - MARGIN - LEGEND);
    for score in lines(low, high, 5.0) {
        let at = y(score);
        let _ = writeln!(
            text,
            "<path d=\"M{MARGIN} {at:.1}H{end}\" stroke=\"#ddd\"/><text x=\"14\" y=\"{:.1}\">{score}</text>",
            at + 4.0
        );
    }
    for power in lines(left, right, 0.5) {
        let (at, rate) = (x(power.exp2()), power.exp2());
        let _ = writeln!(
            text,
            "<path d=\"M{at:.1} {MARGIN}V{bottom}\" stroke=\"#ddd\"/><text x=\"{at:.1}\" y=\"{}\" \
             text-anchor=\"middle\">{rate:.2}</text>",
            bottom + 16.0
        );
    }
    for (index, (name, points)) in series.iter().enumerate() {
        text.push_str(&line(index, name, points, &|(rate, score)| (x(rate), y(score))));
    }
    text.push_str("</svg>\n");
    text
}

fn line(index: usize, name: &str, points: &[(f64, f64)], place: &dyn Fn((f64, f64)) -> (f64, f64)) -> String {
    let mut sorted = points.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let color = COLORS[index % COLORS.len()];
    let dashes = index / COLORS.len() * 4;
    let places: Vec<_> = sorted.into_iter().map(place).collect();
    let path: Vec<_> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let dots: String = places
        .iter()
        .map(|(x, y)| format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\" fill=\"{color}\"/>"))
        .collect();
    let (legend, top) = (WIDTH - LEGEND - MARGIN + 12.0, MARGIN + 18.0 * index as f64);
    format!(
        "<polyline points=\"{}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"1.5\" stroke-dasharray=\"{dashes}\"/>{dots}\
         <path d=\"M{legend} {top}h20\" stroke=\"{color}\" stroke-width=\"2\" stroke-dasharray=\"{dashes}\"/>\
         <text x=\"{}\" y=\"{}\">{}</text>\n",
        path.join(" "),
        legend + 26.0,
        top + 4.0,
        escaped(name)
    )
}

/// The least and the most, with a little room; never empty.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if low > high {
        return (0.0, 1.0);
    }
    let room = ((high - low) * 0.04).max(0.05);
    (low - room, high + room)
}

/// Multiples of `step` inside.
fn lines(low: f64, high: f64, step: f64) -> impl Iterator<Item = f64> {
    let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
    (first..=last).map(move |index| index as f64 * step)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_has_a_line_and_a_name() {
        let series = Series::from([
            ("a < b", vec![(1.0, 70.0), (0.5, 60.0)]),
            ("other", vec![(0.7, 65.0), (2.0, 90.0)]),
        ]);
        let text = svg("A & B", &series);
        assert_eq!(text.matches("<polyline").count(), 2);
        assert!(text.contains("A &amp; B") && text.contains("a &lt; b"));
        assert!(!text.contains("NaN") && !text.contains("inf"));
    }

    #[test]
    fn an_empty_plot_and_a_single_value_have_a_range() {
        assert_eq!(range([].into_iter()), (0.0, 1.0));
        let (low, high) = range([3.0, f64::NAN].into_iter());
        assert!(low < 3.0 && high > 3.0);
        assert_eq!(lines(58.0, 71.0, 5.0).collect::<Vec<_>>(), [60.0, 65.0, 70.0]);
    }
}
