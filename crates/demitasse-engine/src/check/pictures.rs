//! Decodes both files, compares them and measures the score again.

use super::{Answer, CheckName, Checks, File, drawings, frames, pixels, unless_ours};
use crate::candidate::decode_result;
use crate::color;
use crate::image::Image;
use crate::metric::Evaluator;
use crate::reduce::{reduce, uses_alpha};
use crate::reference::{self, Reference};
use crate::report::{Measurement, Outcome, Report};
use crate::{ColorSpace, Control, Limits, Result, Score, Target};

/// A score that is measured again may differ by this much: it is written with all its digits.
const TOLERANCE: f64 = 0.01;

/// Adds what only the pixels tell; less of it where the sizes do not fit, because then there is nothing to compare.
pub(super) fn look(
    checks: &mut Checks,
    report: &Report,
    before: &File<'_>,
    after: &File<'_>,
    limits: &Limits,
    control: &Control,
) -> Result<()> {
    let resize = report.request.resize;
    let new_size = reference::new_size(&before.header, before.metadata.orientation, resize);
    let expected = new_size.map_or(before.size(), |(_, size)| size);
    let (found, is_resized) = (after.size(), new_size.is_some());
    let is_drawing = before.header.format.capabilities().vector;
    let is_new =
        is_drawing || is_resized || report.request.salvage || report.request.color_space != ColorSpace::Keep;
    let wrong = (found != expected).then(|| format!("it is {}, not {}", pixels(found), pixels(expected)));
    // From here on nothing is larger than what the output really is, whatever size the receipt names.
    let fits = wrong.is_none();
    checks.add_unless(CheckName::Size, wrong.into_iter().collect(), pixels(found));
    not_larger(checks, before.bytes.len(), after.bytes.len(), is_new);
    if !fits {
        return Ok(());
    }
    if before.header.animated || after.header.animated {
        return frames::look(checks, report, before, after, limits, control);
    }
    if is_drawing && before.header.format == after.header.format {
        return drawings::look(checks, report, before, after, control);
    }
    let (header, orientation) = (&before.header, before.metadata.orientation);
    let decoded = reference::decode(before.bytes, header, orientation, &report.request, limits, control);
    let reference = match decoded {
        Ok(reference) => reference,
        Err(error) => {
            checks.add(CheckName::Pixels, Answer::No, format!("the input: {}", unless_ours(error)?));
            return Ok(());
        }
    };
    match decode_result(after.header.format, after.bytes, &reference.image, limits, control) {
        Ok(result) => compare(checks, report, &reference, result, after.bytes.len(), control),
        Err(error) => {
            checks.add(CheckName::Pixels, Answer::No, format!("the output: {}", unless_ours(error)?));
            Ok(())
        }
    }
}

fn not_larger(checks: &mut Checks, before: usize, after: usize, may_be: bool) {
    let (answer, detail) = match after.checked_sub(before) {
        None | Some(0) => (Answer::Yes, format!("{} bytes less", before - after)),
        Some(more) if may_be => {
            (Answer::Open, format!("{more} bytes more: resized, salvaged, converted or made safe"))
        }
        Some(more) => (Answer::No, format!("{more} bytes more")),
    };
    checks.add(CheckName::NotLarger, answer, detail);
}

fn compare(
    checks: &mut Checks,
    report: &Report,
    reference: &Reference,
    result: Image,
    bytes: usize,
    control: &Control,
) -> Result<()> {
    let result = reduce(result);
    let alpha = (reference.input_alpha, uses_alpha(&result));
    let wrong = (alpha != (report.input.alpha, report.output.alpha))
        .then(|| format!("of input and output it is {} and {}", alpha.0, alpha.1));
    let held = if alpha.1 { "some pixels are not opaque" } else { "every pixel is opaque" };
    checks.add_unless(CheckName::Transparency, wrong.into_iter().collect(), held);
    let is_same = is_same(&reference.image, &result);
    if report.lossless || report.outcome == Outcome::KeptOriginal {
        let wrong = (!is_same).then(|| "a pixel, or the profile, is another".to_owned());
        checks.add_unless(CheckName::Pixels, wrong.into_iter().collect(), "every pixel is as it was");
    } else {
        checks.add(
            CheckName::Pixels,
            Answer::Open,
            "the receipt does not claim that every pixel is as it was",
        );
    }
    let score =
        if is_same { Score(100.0) } else { score(checks, report, &reference.image, &result, control)? };
    if is_same && report.score.as_ref().is_some_and(|claimed| !is_near(claimed.value, score)) {
        checks.add(CheckName::Score, Answer::No, "every pixel is as it was: that is a score of 100");
    }
    target(checks, report, is_same, score, bytes as u64);
    Ok(())
}

/// Both are reduced.
fn is_same(reference: &Image, result: &Image) -> bool {
    reference.layout == result.layout
        && reference.frames == result.frames
        && color::is_same_profile(reference.layout, reference.profile.as_deref(), result.profile.as_deref())
}

pub(super) fn is_near(claimed: Score, found: Score) -> bool {
    (claimed.0 - found.0).abs() <= TOLERANCE
}

/// Measures again, and says whether what comes out is what the receipt claims.
fn score(
    checks: &mut Checks,
    report: &Report,
    reference: &Image,
    result: &Image,
    control: &Control,
) -> Result<Score> {
    let found = Evaluator::new(reference).score(result, control)?.measurement();
    let Some(claimed) = &report.score else {
        let claim = match report.predicted_score {
            Some(predicted) => format!("{:.2} was predicted, and nothing measured", predicted.0),
            None => "none is claimed".into(),
        };
        let detail = format!("{claim}; it is {:.2}", found.value.0);
        let answer = if report.lossless { Answer::No } else { Answer::Open };
        checks.add(CheckName::Score, answer, detail);
        return Ok(found.value);
    };
    let mut wrong = Vec::new();
    if !is_of_same_pixels(claimed, &found) {
        wrong.push("it was not measured on these pixels by this metric".to_owned());
    }
    if !is_near(claimed.value, found.value) {
        wrong.push(format!("it is {:.2}, not {:.2}", found.value.0, claimed.value.0));
    }
    if let (Some(claimed), Some(found)) = (claimed.worst_tile, found.worst_tile) {
        let place = |tile: crate::report::Tile| (tile.x, tile.y, tile.width, tile.height);
        if place(claimed) != place(found) || !is_near(claimed.score, found.score) {
            let Score(score) = found.score;
            wrong.push(format!("the worst region is at {}, {} and scores {score:.2}", found.x, found.y));
        }
    }
    let held =
        format!("{:.2}, measured again on {} of {}", found.value.0, share(&found), pixels_of(reference));
    checks.add_unless(CheckName::Score, wrong, held);
    Ok(found.value)
}

pub(super) fn is_of_same_pixels(claimed: &Measurement, found: &Measurement) -> bool {
    claimed.metric == found.metric
        && claimed.scope == found.scope
        && claimed.tiles == found.tiles
        && (claimed.share - found.share).abs() < 1e-6
}

fn share(found: &Measurement) -> String {
    format!("{:.0} %", found.share * 100.0)
}

fn pixels_of(image: &Image) -> String {
    pixels((image.width, image.height))
}

pub(super) fn target(checks: &mut Checks, report: &Report, is_same: bool, score: Score, bytes: u64) {
    let admits = report.outcome == Outcome::KeptOriginal
        || !report.warnings.is_empty()
        || report.reason.is_some()
        || report.predicted_score.is_some();
    // What is missed is no lie where the receipt admits it.
    let missed = if admits { Answer::Open } else { Answer::No };
    let (answer, detail) = match report.request.target {
        Target::Lossless if is_same => (Answer::Yes, "every pixel is as it was".into()),
        Target::Lossless => (Answer::No, "not every pixel is as it was".into()),
        Target::Quality { .. } => (Answer::Open, "a fixed setting promises no score".into()),
        Target::Score { score: wanted } if score.0 + TOLERANCE >= wanted.0 => {
            (Answer::Yes, format!("{:.2} is no less than {}", score.0, wanted.0))
        }
        Target::Score { score: wanted } => (missed, format!("{:.2} is less than {}", score.0, wanted.0)),
        Target::MaxBytes { max_bytes, .. } if bytes <= max_bytes => {
            (Answer::Yes, format!("{bytes} bytes are no more than {max_bytes}"))
        }
        Target::MaxBytes { max_bytes, .. } => (missed, format!("{bytes} bytes are more than {max_bytes}")),
    };
    checks.add(CheckName::Target, answer, detail);
}
