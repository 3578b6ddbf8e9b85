//! Draws both files and compares them, as `vector` does.

use super::pictures::{is_near, is_of_same_pixels, target};
use super::{Answer, CheckName, Checks, File, unless_ours};
use crate::report::Report;
use crate::vector::{Likeness, Views};
use crate::{Control, Result};

/// Adds what the drawings tell. Neither file is drawn before it was read and found within bounds.
pub(super) fn look(
    checks: &mut Checks,
    report: &Report,
    before: &File<'_>,
    after: &File<'_>,
    control: &Control,
) -> Result<()> {
    let drawn = match draw(before, after, control) {
        Ok(drawn) => drawn,
        Err(error) => {
            checks.add(CheckName::Pixels, Answer::No, unless_ours(error)?);
            return Ok(());
        }
    };
    let wrong = (drawn.alpha != report.output.alpha).then(|| "it is not as the receipt says".to_owned());
    let held = if drawn.alpha { "some pixels are not opaque" } else { "every pixel is opaque" };
    checks.add_unless(CheckName::Transparency, wrong.into_iter().collect(), held);
    pixels(checks, report, &drawn);
    score(checks, report, &drawn.likeness);
    let score = drawn.likeness.score();
    target(checks, report, drawn.likeness.is_same(), score, after.bytes.len() as u64);
    Ok(())
}

struct Drawn {
    alpha: bool,
    likeness: Likeness,
    /// What is in the output that could do harm.
    harm: Option<String>,
}

fn draw(before: &File<'_>, after: &File<'_>, control: &Control) -> Result<Drawn> {
    let safe = |file: &File<'_>| file.codec.drawing(file.bytes);
    let (input, output) = (safe(before)?, safe(after)?);
    let views = Views::of(&input.plain(false), &before.header, before.codec)?;
    let likeness = views.likeness(&output.plain(false), &before.header, before.codec, control)?;
    Ok(Drawn { alpha: views.use_alpha(), likeness, harm: output.removed() })
}

fn pixels(checks: &mut Checks, report: &Report, drawn: &Drawn) {
    let mut wrong = Vec::new();
    if let Some(harm) = &drawn.harm {
        wrong.push(format!("the output holds what could do harm: {harm}"));
    }
    let is_same = drawn.likeness.is_same();
    wrong.extend(drawn.likeness.damage.clone());
    if report.lossless && !is_same {
        wrong.push("both are not drawn the same".to_owned());
    }
    let held = if is_same { "every pixel is drawn as it was" } else { "nobody tells both drawings apart" };
    checks.add_unless(CheckName::Pixels, wrong, held);
}

fn score(checks: &mut Checks, report: &Report, likeness: &Likeness) {
    let Some(found) = likeness.lowest.map(|lowest| lowest.measurement()) else { return };
    let wrong = match &report.score {
        Some(claimed) if is_of_same_pixels(claimed, &found) && is_near(claimed.value, found.value) => None,
        Some(claimed) => Some(format!("it is {:.2}, not {:.2}", found.value.0, claimed.value.0)),
        None => Some(format!("none is claimed; it is {:.2}", found.value.0)),
    };
    let held = format!("{:.2}, the lower of two sizes, drawn and measured again", found.value.0);
    checks.add_unless(CheckName::Score, wrong.into_iter().collect(), held);
}
