use proptest::collection::vec;
use proptest::prelude::*;

use super::testing::{patch, simply};
use super::*;

const SIDE: u32 = 6;

fn any_patch() -> impl Strategy<Value = Patch> {
    let sample = prop_oneof![Just(0u8), Just(255), any::<u8>()];
    patch(SIDE, [sample.clone(), sample.clone(), sample.clone(), sample])
}

proptest! {
    #[test]
    fn an_animation_is_what_each_pixel_by_itself_comes_to(patches in vec(any_patch(), 1..8)) {
        let mut canvas = Canvas::new(SIDE, SIDE);
        for (index, expected) in simply(SIDE, SIDE, &patches).into_iter().enumerate() {
            canvas.show(&patches[index]);
            let far = canvas.rgba().iter().zip(&expected).map(|(a, b)| a.abs_diff(*b)).max();
            // Halves are rounded either way in binary fractions, and a pixel may be blended in every frame.
            prop_assert!(far <= Some(1), "frame {index}: {:?} {expected:?}", canvas.rgba());
        }
    }

    #[test]
    fn a_bounding_box_holds_all_and_is_tight(at in vec(0..36usize, 0..6)) {
        let found = Rect::bounding(SIDE, SIDE, |index| at.contains(&index));
        let xs = || at.iter().map(|at| *at as u32 % SIDE);
        let ys = || at.iter().map(|at| *at as u32 / SIDE);
        let expected = xs().min().zip(ys().min()).map(|(x, y)| {
            Rect { x, y, width: xs().max().unwrap() - x + 1, height: ys().max().unwrap() - y + 1 }
        });
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn a_place_beyond_the_canvas_does_not_fit() {
    let place = |x, y, width, height| Rect { x, y, width, height }.fits(10, 8);
    assert!(place(0, 0, 10, 8) && place(9, 7, 1, 1));
    for (x, y, width, height) in
        [(1, 0, 10, 8), (0, 1, 10, 8), (10, 0, 1, 1), (0, 0, 0, 1), (u32::MAX, 0, 2, 1), (0, 0, u32::MAX, 1)]
    {
        assert!(!place(x, y, width, height), "{x} {y} {width} {height}");
    }
}

#[test]
fn delays_are_equal_if_they_are_as_long() {
    assert_eq!(Delay::new(10, 100), Delay::new(100, 1000));
    assert_ne!(Delay::new(1, 30), Delay::new(33, 1000));
    assert_eq!(Delay::new(7, 100).whole(1000), Some(70));
    assert_eq!((Delay::new(1, 30).whole(1000), Delay::new(u32::MAX, 1).whole(1000)), (None, None));
    assert_eq!(Delay::new(3, 0), Delay::new(3, 1));
}

#[test]
fn more_frames_or_pixels_than_allowed_are_refused() {
    let timeline = Timeline { width: 100, height: 100, delays: vec![Delay::new(0, 1); 11], plays: 0 };
    let limits =
        |max_frames, max_animation_pixels| Limits { max_frames, max_animation_pixels, ..Limits::default() };
    assert!(timeline.check(&limits(11, 110_000)).is_ok());
    for limits in [limits(10, 110_000), limits(11, 109_999)] {
        assert_eq!(timeline.check(&limits).unwrap_err().code(), "limit_exceeded");
    }
}
