//! Plays both animations and compares them frame by frame.

use super::pictures::{is_near, target};
use super::{Answer, CheckName, Checks, File, unless_ours};
use crate::animation::{Likeness, MAX_BELOW_MEAN, differs, likeness, survey};
use crate::codec::animation::{Animation, Timeline};
use crate::metadata::Embedded;
use crate::report::{self, Report};
use crate::{Control, Error, Layout, Limits, Result, Score, Target, color};

/// Adds what the frames tell. Where the receipt says that they were not compared, both files must be coded the same.
pub(super) fn look(
    checks: &mut Checks,
    report: &Report,
    before: &File<'_>,
    after: &File<'_>,
    limits: &Limits,
    control: &Control,
) -> Result<()> {
    let Some(claimed) = &report.animation else { return coding(checks, report, before, after) };
    let read = |file: &File<'_>| file.codec.timeline(file.bytes, limits);
    let timelines = match (read(before), read(after)) {
        (Ok(before), Ok(after)) => (before, after),
        (Err(error @ Error::LimitExceeded { .. }), _) => return Err(error),
        (Err(error), _) => return not_read(checks, "the input", error),
        (_, Err(error)) => return not_read(checks, "the output", error),
    };
    let wrong = wrong_timing(claimed, &timelines.0, &timelines.1);
    let held = format!(
        "{} frames in {} ms, each shown as long; played {} times (0: for ever)",
        claimed.frames, claimed.duration_ms, claimed.plays
    );
    let are_as_long = wrong.is_empty();
    checks.add_unless(CheckName::Frames, wrong, held);
    if claimed.compared_frames == 0 {
        return coding(checks, report, before, after);
    }
    if !are_as_long {
        return Ok(());
    }
    let of = |file: &File<'_>| (file.header.format, file.codec);
    let before_frames = Animation::new(before.bytes, of(before), &timelines.0, limits, control);
    let after_frames = Animation::new(after.bytes, of(after), &timelines.1, limits, control);
    let played = play(report, before, &before_frames, &after_frames, control);
    let Played { alpha, differs, likeness } = match played {
        Ok(played) => played,
        Err(error) => return not_read(checks, "a frame", error),
    };
    let wrong = (alpha != (report.input.alpha, report.output.alpha))
        .then(|| format!("of input and output it is {} and {}", alpha.0, alpha.1));
    let held = if alpha.1 { "some pixels are not opaque" } else { "every pixel is opaque" };
    checks.add_unless(CheckName::Transparency, wrong.into_iter().collect(), held);
    pixels(checks, report, differs.as_deref());
    let found = likeness.as_ref().map_or(Score(100.0), Likeness::held);
    score(checks, report, claimed, likeness.as_ref());
    target(checks, report, differs.is_none(), found, after.bytes.len() as u64);
    Ok(())
}

struct Played {
    alpha: (bool, bool),
    differs: Option<String>,
    likeness: Option<Likeness>,
}

fn play(
    report: &Report,
    file: &File<'_>,
    before: &Animation<'_>,
    after: &Animation<'_>,
    control: &Control,
) -> Result<Played> {
    let differs = differs(before, after)?;
    let profile = color::usable_profile(Layout::Rgba, file.metadata.icc.as_deref(), &mut Vec::new());
    let measured = differs.is_some() || report.score.is_some();
    let likeness = if measured { Some(likeness(before, after, profile.as_ref(), control)?) } else { None };
    Ok(Played { alpha: (survey(before)?.alpha, survey(after)?.alpha), differs, likeness })
}

fn not_read(checks: &mut Checks, what: &str, error: Error) -> Result<()> {
    checks.add(CheckName::Frames, Answer::No, format!("{what}: {}", unless_ours(error)?));
    Ok(())
}

fn wrong_timing(claimed: &report::Animation, before: &Timeline, after: &Timeline) -> Vec<String> {
    let mut wrong = Vec::new();
    if before.delays != after.delays || before.plays != after.plays {
        wrong.push("the output is not shown as the input is".to_owned());
    }
    let found = (before.delays.len() as u64, before.duration_ms(), before.plays);
    if found != (claimed.frames.into(), claimed.duration_ms, claimed.plays) {
        wrong.push(format!("the input has {} frames in {} ms, played {} times", found.0, found.1, found.2));
    }
    if claimed.compared_frames != 0 && claimed.compared_frames != claimed.frames {
        wrong.push("it does not say that every frame was compared".into());
    }
    wrong
}

fn pixels(checks: &mut Checks, report: &Report, differs: Option<&str>) {
    if report.lossless {
        let held = "every pixel of every frame is as it was";
        checks.add_unless(CheckName::Pixels, differs.map(str::to_owned).into_iter().collect(), held);
    } else {
        let detail = "the receipt does not claim that every pixel is as it was";
        checks.add(CheckName::Pixels, Answer::Open, detail);
    }
}

fn score(checks: &mut Checks, report: &Report, claimed: &report::Animation, found: Option<&Likeness>) {
    let Some(found) = found else { return };
    let Some(measured) = &report.score else {
        let detail = format!("none is claimed; the mean of all frames is {:.2}", found.mean.0);
        checks.add(CheckName::Score, if report.lossless { Answer::No } else { Answer::Open }, detail);
        return;
    };
    let mut wrong: Vec<String> = found.damage.clone().into_iter().collect();
    if *measured != (report::Measurement { value: measured.value, ..found.measurement() }) {
        wrong.push("it was not measured on these pixels by this metric".into());
    }
    if !is_near(measured.value, found.mean) {
        wrong.push(format!("the mean of all frames is {:.2}, not {:.2}", found.mean.0, measured.value.0));
    }
    let lowest = claimed.lowest.filter(|lowest| is_near(lowest.score, found.lowest));
    if lowest.is_none() {
        wrong.push(format!("the lowest is {:.2}, of frame {}", found.lowest.0, found.lowest_frame));
    }
    let is_promised = matches!(report.request.target, Target::Score { .. } | Target::MaxBytes { .. });
    if is_promised && !found.is_even() {
        wrong.push(format!("the lowest frame is more than {MAX_BELOW_MEAN} below that"));
    }
    let held = format!(
        "{:.2}, measured again on every frame; the lowest is {:.2}, of frame {}",
        found.mean.0, found.lowest.0, found.lowest_frame
    );
    checks.add_unless(CheckName::Score, wrong, held);
}

/// Frames that were not decoded: without their metadata both files must be the same.
fn coding(checks: &mut Checks, report: &Report, before: &File<'_>, after: &File<'_>) -> Result<()> {
    let bare = |file: &File<'_>| file.codec.strip(file.bytes, &Embedded::default());
    let same = match (bare(before), bare(after)) {
        (Ok(before), Ok(after)) => before == after,
        (Err(error), _) | (_, Err(error)) => {
            checks.add(CheckName::Pixels, Answer::No, unless_ours(error)?);
            return Ok(());
        }
    };
    let wrong = (!same || !report.lossless).then(|| "the frames are not the input's".to_owned());
    checks.add_unless(CheckName::Pixels, wrong.into_iter().collect(), "every frame is coded as it was");
    Ok(())
}
