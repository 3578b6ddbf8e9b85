//! What of a frame is new, and how it makes room for the next.

use super::colors::Near;
use super::{Pixel, TRANSPARENT};
use crate::codec::animation::{Disposal, Rect};

/// A frame's place, and what becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub place: Rect,
    pub disposal: Disposal,
}

/// What a pixel more of a place costs beside one that is painted: it repeats what is around it.
const PLACE_COSTS: u64 = 8;

/// The smallest place that makes `target` of what is `shown`, and the disposal after which `next` has the fewest pixels to
/// paint. A frame in which nothing is new has one pixel.
///
/// What is transparent in `target` is transparent in what is shown: an earlier step has seen to that.
pub(super) fn next_step(
    shown: &[Pixel],
    target: &[Pixel],
    next: Option<&[Pixel]>,
    (width, height): (u32, u32),
    near: &Near,
) -> Step {
    let place = Rect::bounding(width, height, |at| !near.is_near(shown[at], target[at]));
    let place = place.unwrap_or(Rect { x: 0, y: 0, width: 1, height: 1 });
    let keep = Step { place, disposal: Disposal::Keep };
    let Some(next) = next else { return keep };
    let vanishes = |before: &[Pixel], at: usize| next[at] == TRANSPARENT && before[at] != TRANSPARENT;
    let cost = |before: &dyn Fn(usize) -> Pixel| {
        let bounds = Rect::bounding(width, height, |at| before(at) != next[at]);
        let painted = (0..next.len()).filter(|at| before(*at) != next[*at]).count() as u64;
        painted + bounds.map_or(0, |bounds| bounds.pixels()) / PLACE_COSTS
    };
    let can_follow = |before: &[Pixel]| !(0..next.len()).any(|at| vanishes(before, at));
    let kept = can_follow(target).then(|| cost(&|at| target[at]));
    if kept == Some(0) {
        return keep;
    }
    let restored = can_follow(shown).then(|| cost(&|at| shown[at]));
    let hole = Rect::bounding(width, height, |at| vanishes(target, at));
    let cleared_place = hole.map_or(place, |hole| place.around(&hole));
    let in_place = |at: usize| {
        let (x, y) = (at as u32 % width, at as u32 / width);
        x.wrapping_sub(cleared_place.x) < cleared_place.width
            && y.wrapping_sub(cleared_place.y) < cleared_place.height
    };
    let cleared = cost(&|at| if in_place(at) { TRANSPARENT } else { target[at] })
        + (cleared_place.pixels() - place.pixels()) / PLACE_COSTS;
    // What stays is known to the encoder of the next frame: it must be clearly more.
    let options = [
        kept.map(|cost| (cost * 3 / 4, keep)),
        Some((cleared, Step { place: cleared_place, disposal: Disposal::Clear })),
        restored.map(|cost| (cost, Step { place, disposal: Disposal::Restore })),
    ];
    // The first of equals: more viewers know how to clear than how to restore.
    options.into_iter().flatten().min_by_key(|(cost, _)| *cost).map_or(keep, |(_, step)| step)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: (u32, u32) = (6, 1);
    const A: Pixel = 0xff00_0001;
    const B: Pixel = 0xff00_0002;

    fn step(shown: [Pixel; 6], target: [Pixel; 6], next: [Pixel; 6]) -> (u32, u32, Disposal) {
        let Step { place, disposal } = next_step(&shown, &target, Some(&next), SIZE, &Near::same());
        (place.x, place.width, disposal)
    }

    #[test]
    fn only_what_is_new_has_a_place() {
        assert_eq!(step([A; 6], [A, B, B, A, A, A], [A, B, B, A, A, A]), (1, 2, Disposal::Keep));
        assert_eq!(step([A; 6], [A; 6], [A; 6]), (0, 1, Disposal::Keep));
    }

    #[test]
    fn what_goes_away_again_is_restored() {
        assert_eq!(step([A; 6], [A, B, B, B, A, A], [A, A, A, A, A, B]), (1, 3, Disposal::Restore));
    }

    #[test]
    fn what_becomes_transparent_is_cleared_though_it_is_not_new() {
        assert_eq!(step([A, A, 0, 0, 0, 0], [A, A, 0, B, 0, 0], [0, A, 0, B, 0, 0]), (0, 4, Disposal::Clear));
    }
}
