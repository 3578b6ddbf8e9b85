//! Two animations, frame by frame, while both play.

use std::sync::Arc;

use crate::codec::animation::Animation;
use crate::image::{Image, Layout, Samples};
use crate::metric::Evaluator;
use crate::report::{Measurement, Scope};
use crate::verify;
use crate::{Control, Result, Score};

/// No frame may score lower than the mean of all by more than this, nor than the target of it.
pub(crate) const MAX_BELOW_MEAN: f64 = 5.0;

/// What a result looks like beside its original.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Likeness {
    /// Mean of the frames' scores.
    pub mean: Score,
    /// The lowest frame's.
    pub lowest: Score,
    /// Which that is, from 0.
    pub lowest_frame: u32,
    /// The lowest frame's, or less where one of its tiles is ruined.
    worst: f64,
    /// Why it is another picture, for people.
    pub damage: Option<String>,
}

impl Likeness {
    /// The score that a target is compared with: the mean, or less where one of the frames is far below it.
    pub(crate) fn held(&self) -> Score {
        Score(self.mean.0.min(self.worst + MAX_BELOW_MEAN))
    }

    /// Whether no frame is far below the mean.
    pub(crate) fn is_even(&self) -> bool {
        self.lowest.0 >= self.mean.0 - MAX_BELOW_MEAN
    }

    /// What goes into the receipt.
    pub(crate) fn measurement(&self) -> Measurement {
        Measurement {
            metric: "ssimulacra2".into(),
            value: self.mean,
            scope: Scope::Whole,
            tiles: 1,
            share: 1.0,
            worst_tile: None,
        }
    }
}

/// Why two animations do not show the same in every pixel of every frame, at the same time, for people; `None` if they do.
///
/// # Errors
/// Of the players.
///
/// Cost: of decoding both.
pub(crate) fn differs(original: &Animation<'_>, result: &Animation<'_>) -> Result<Option<String>> {
    if let Some(broken) = timing(original, result) {
        return Ok(Some(broken));
    }
    let (mut before, mut after) = (original.play()?, result.play()?);
    for frame in 0.. {
        match (before.next()?, after.next()?) {
            (None, None) => return Ok(None),
            (before, after) if before == after => {}
            _ => return Ok(Some(format!("frame {frame} is not the original's"))),
        }
    }
    Ok(None)
}

/// Why two animations do not show as many frames, each as long and of the same size.
fn timing(original: &Animation<'_>, result: &Animation<'_>) -> Option<String> {
    let (before, after) = (original.timeline, result.timeline);
    if (before.width, before.height) != (after.width, after.height) {
        Some("the canvas has another size".into())
    } else if before.delays.len() != after.delays.len() {
        Some(format!("it has {} frames, not {}", after.delays.len(), before.delays.len()))
    } else if before.delays != after.delays {
        Some("a frame is shown longer or shorter".into())
    } else if before.plays != after.plays {
        Some(format!("it is played {} times, not {} (0: for ever)", after.plays, before.plays))
    } else {
        None
    }
}

/// Scores every frame of `result`, whose pixels are in `profile` as the original's are.
///
/// # Errors
/// Of the players; `DeadlineExceeded`, `Cancelled`.
///
/// Cost: of decoding both, and of a score for each frame that is new and not the same in both; memory: some canvases.
pub(crate) fn likeness(
    original: &Animation<'_>,
    result: &Animation<'_>,
    profile: Option<&Arc<[u8]>>,
    control: &Control,
) -> Result<Likeness> {
    let size = (original.timeline.width, original.timeline.height);
    let mut found = Found { damage: timing(original, result), ..Found::default() };
    if found.damage.is_some() {
        return Ok(found.finish());
    }
    let (mut before, mut after) = (original.play()?, result.play()?);
    // The frames last looked at, and what was found.
    let mut last: Option<(Vec<u8>, Vec<u8>, FrameLook)> = None;
    while let (Some(before), Some(after)) = (before.next()?, after.next()?) {
        let look = match last.take() {
            _ if before == after => FrameLook { score: 100.0, held: 100.0, damage: None },
            Some((old_before, old_after, look)) if old_before == before && old_after == after => {
                found.add(&look);
                last = Some((old_before, old_after, look));
                continue;
            }
            _ => look_at(before, after, size, profile, control)?,
        };
        found.add(&look);
        last = Some((before.to_vec(), after.to_vec(), look));
    }
    Ok(found.finish())
}

/// What a frame looks like beside its original.
#[derive(Clone)]
pub(super) struct FrameLook {
    /// Of all of it.
    pub score: f64,
    /// The same, or less where one of its tiles is ruined.
    pub held: f64,
    /// Why it is another picture, for people.
    pub damage: Option<String>,
}

/// Scores a frame: red, green, blue and straight alpha of both.
///
/// # Errors
/// `DeadlineExceeded`, `Cancelled`.
pub(super) fn look_at(
    before: &[u8],
    after: &[u8],
    size: (u32, u32),
    profile: Option<&Arc<[u8]>>,
    control: &Control,
) -> Result<FrameLook> {
    let is_opaque = |rgba: &[u8]| rgba.as_chunks::<4>().0.iter().all(|pixel| pixel[3] == 255);
    let opaque = is_opaque(before) && is_opaque(after);
    let [before, after] = [before, after].map(|rgba| picture(rgba, opaque, size, profile));
    let look = verify::look(&before, &after, &Evaluator::new(&before), control)?;
    Ok(FrameLook { score: look.scored.whole.0, held: look.held().0, damage: look.damage() })
}

fn picture(rgba: &[u8], opaque: bool, (width, height): (u32, u32), profile: Option<&Arc<[u8]>>) -> Image {
    let (layout, samples) = if opaque {
        (Layout::Rgb, rgba.as_chunks::<4>().0.iter().flat_map(|[r, g, b, _]| [*r, *g, *b]).collect())
    } else {
        (Layout::Rgba, rgba.to_vec())
    };
    Image::still(width, height, layout, Samples::U8(samples), profile.cloned())
}

#[derive(Default)]
struct Found {
    sum: f64,
    frames: usize,
    lowest: Option<(f64, usize)>,
    worst: Option<f64>,
    damage: Option<String>,
}

impl Found {
    fn add(&mut self, look: &FrameLook) {
        if self.damage.is_none() {
            self.damage = look.damage.as_ref().map(|damage| format!("frame {}: {damage}", self.frames));
        }
        if self.lowest.is_none_or(|(lowest, _)| look.score < lowest) {
            self.lowest = Some((look.score, self.frames));
        }
        self.worst = Some(self.worst.map_or(look.held, |worst| worst.min(look.held)));
        self.sum += look.score;
        self.frames += 1;
    }

    fn finish(self) -> Likeness {
        let (lowest, frame) = self.lowest.unwrap_or((0.0, 0));
        Likeness {
            mean: Score(if self.frames == 0 { 0.0 } else { self.sum / self.frames as f64 }),
            lowest: Score(lowest),
            lowest_frame: frame as u32,
            worst: self.worst.unwrap_or(0.0),
            damage: self.damage,
        }
    }
}
