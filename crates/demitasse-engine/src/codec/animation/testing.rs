//! Animations that the tests make themselves, and what they must come to.

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Animation, Disposal, Patch, Rect, Timeline};
use crate::codec::Codec;
use crate::{Control, Format, Limits};

/// Every pixel by itself, with its history, in real numbers: what [`super::Canvas`] does by rows and in integers.
pub(crate) fn simply(width: u32, height: u32, patches: &[Patch]) -> Vec<Vec<u8>> {
    let mut shown = vec![[0u8; 4]; (width * height) as usize];
    let mut before = shown.clone();
    let mut frames = Vec::new();
    for (index, patch) in patches.iter().enumerate() {
        let Rect { x: left, y: top, width: across, .. } = patch.place;
        let in_place = |place: Rect, at: usize| {
            let (x, y) = (at as u32 % width, at as u32 / width);
            (place.x..place.x + place.width).contains(&x) && (place.y..place.y + place.height).contains(&y)
        };
        if let Some(last) = index.checked_sub(1).map(|last| &patches[last]) {
            for at in (0..shown.len()).filter(|at| in_place(last.place, *at)) {
                match last.disposal {
                    Disposal::Keep => {}
                    Disposal::Clear => shown[at] = [0; 4],
                    Disposal::Restore => shown[at] = before[at],
                }
            }
        }
        before.clone_from(&shown);
        for at in (0..shown.len()).filter(|at| in_place(patch.place, *at)) {
            let (x, y) = (at as u32 % width - left, at as u32 / width - top);
            let start = ((y * across + x) * 4) as usize;
            let new: [u8; 4] = patch.rgba[start..start + 4].try_into().unwrap();
            shown[at] = laid_over(shown[at], new, patch.blends);
        }
        frames.push(shown.iter().flatten().copied().collect());
    }
    frames
}

fn laid_over(old: [u8; 4], new: [u8; 4], blends: bool) -> [u8; 4] {
    let (above, below) = (f64::from(new[3]) / 255.0, f64::from(old[3]) / 255.0);
    let alpha = above + below * (1.0 - above);
    match (blends, new[3]) {
        (false, 0) => [0; 4],
        (false, _) => new,
        (true, 0) => old,
        _ => std::array::from_fn(|channel| {
            if channel == 3 {
                return (alpha * 255.0).round() as u8;
            }
            let (new, old) = (f64::from(new[channel]), f64::from(old[channel]));
            ((new * above + old * below * (1.0 - above)) / alpha).round() as u8
        }),
    }
}

/// A patch on a canvas of `side` x `side` pixels, whose samples are `sample`s.
pub(crate) fn patch(
    side: u32,
    sample: impl Strategy<Value = [u8; 4]> + Clone,
) -> impl Strategy<Value = Patch> {
    let sides = move || (0..side).prop_flat_map(move |start| (Just(start), 1..=side - start));
    (sides(), sides(), any::<bool>(), 0..3usize).prop_flat_map(
        move |((x, width), (y, height), blends, disposal)| {
            vec(sample.clone(), (width * height) as usize).prop_map(move |pixels| Patch {
                place: Rect { x, y, width, height },
                rgba: pixels.concat(),
                blends,
                disposal: [Disposal::Keep, Disposal::Clear, Disposal::Restore][disposal],
            })
        },
    )
}

/// Everything that a file shows.
pub(crate) fn played(
    format: Format,
    codec: &'static dyn Codec,
    bytes: &[u8],
) -> crate::Result<(Timeline, Vec<Vec<u8>>)> {
    let (limits, control) = (Limits::default(), Control::new());
    let timeline = codec.timeline(bytes, &limits)?;
    let mut player = Animation::new(bytes, (format, codec), &timeline, &limits, &control).play()?;
    let mut frames = Vec::new();
    while let Some(frame) = player.next()? {
        frames.push(frame.to_vec());
    }
    drop(player);
    Ok((timeline, frames))
}

/// The largest difference of two lists of frames, in levels of 255; `None` if they are not as many, or as large.
pub(crate) fn distance(found: &[Vec<u8>], expected: &[Vec<u8>]) -> Option<u8> {
    let same = found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| a.len() == b.len());
    same.then(|| {
        let samples = found.iter().flatten().zip(expected.iter().flatten());
        samples.map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0)
    })
}
