use proptest::collection::vec;
use proptest::prelude::*;

use super::super::Webp;
use super::super::container::{Chunk, assemble};
use super::*;
use crate::codec::animation::testing::{distance, patch, played, simply};
use crate::codec::animation::{Animation, Disposal, Patch, Rect, Timeline};
use crate::codec::testing::setting;
use crate::codec::{Animator, Codec, FramesSetting, Header};
use crate::metadata::Embedded;
use crate::{Control, Format, Limits};

const SIDE: u32 = 8;

/// libwebp's own player: a second opinion on what a file shows.
#[expect(unsafe_code, reason = "libwebp is C")]
mod libwebp {
    use libwebp_sys as sys;

    /// Frames, and when each ends, in milliseconds.
    pub(super) fn played(bytes: &[u8]) -> Vec<(Vec<u8>, i32)> {
        let data = sys::WebPData { bytes: bytes.as_ptr(), size: bytes.len() };
        let mut frames = Vec::new();
        // SAFETY: the data outlive the decoder, its frames are copied before the next one is asked for, and each has as many
        // bytes as the canvas that it tells.
        unsafe {
            let version = sys::WEBP_DEMUX_ABI_VERSION as i32;
            let decoder = sys::WebPAnimDecoderNewInternal(&raw const data, std::ptr::null(), version);
            assert!(!decoder.is_null());
            let mut info = std::mem::zeroed::<sys::WebPAnimInfo>();
            sys::WebPAnimDecoderGetInfo(decoder, &raw mut info);
            let size = info.canvas_width as usize * info.canvas_height as usize * 4;
            while sys::WebPAnimDecoderHasMoreFrames(decoder) != 0 {
                let (mut pixels, mut end) = (std::ptr::null_mut(), 0);
                assert_ne!(sys::WebPAnimDecoderGetNext(decoder, &raw mut pixels, &raw mut end), 0);
                frames.push((std::slice::from_raw_parts(pixels, size).to_vec(), end));
            }
            sys::WebPAnimDecoderDelete(decoder);
        }
        frames
    }
}

/// A frame's header, and a lossless image of it.
fn anmf(patch: &Patch, milliseconds: u32) -> Vec<u8> {
    let Rect { x, y, width, height } = patch.place;
    let mut out = Vec::new();
    for number in [x / 2, y / 2, width - 1, height - 1, milliseconds] {
        out.extend(&number.to_le_bytes()[..3]);
    }
    out.push(u8::from(patch.disposal == Disposal::Clear) | if patch.blends { 0 } else { 2 });
    let pixels = super::super::ffi::Pixels { samples: &patch.rgba, width, height, has_alpha: true };
    let encoded =
        super::super::ffi::encode(pixels, &super::super::encode::LOSSLESS, &Control::new()).unwrap();
    let super::super::ffi::Encoded::Done(file) = encoded else { unreachable!() };
    let at = file.windows(4).position(|window| window == b"VP8L").unwrap();
    out.extend(&file[at..]);
    out
}

fn file(patches: &[Patch], delays: &[u32], plays: u16) -> Vec<u8> {
    let frames: Vec<_> = patches.iter().zip(delays).map(|(patch, delay)| anmf(patch, *delay)).collect();
    let start = [vec![0; 4], plays.to_le_bytes().to_vec()].concat();
    let mut chunks = vec![Chunk { kind: *b"ANIM", data: &start }];
    chunks.extend(frames.iter().map(|frame| Chunk { kind: *b"ANMF", data: frame }));
    let header = Header {
        format: Format::Webp,
        width: SIDE,
        height: SIDE,
        bits: 8,
        alpha: true,
        animated: true,
        sequential: false,
    };
    assemble(&header, &chunks, &Embedded::default())
}

/// What WebP can carry: places begin at even coordinates, and nothing is restored.
fn any_patch() -> impl Strategy<Value = Patch> {
    let sample = prop_oneof![Just(0u8), Just(255), Just(255), any::<u8>()];
    let alpha = prop_oneof![Just(0u8), Just(255), Just(255), any::<u8>()];
    patch(SIDE, [sample.clone(), sample.clone(), sample, alpha]).prop_map(|patch| {
        let Rect { x, y, width, height } = patch.place;
        let disposal = if patch.disposal == Disposal::Clear { Disposal::Clear } else { Disposal::Keep };
        Patch { place: Rect { x: x & !1, y: y & !1, width, height }, disposal, ..patch }
    })
}

fn encoded(animator: &dyn Animator, bytes: &[u8], quality: f32, most: u64) -> crate::Result<Option<Vec<u8>>> {
    let (limits, control) = (Limits::default(), Control::new());
    let timeline = Webp.timeline(bytes, &limits)?;
    let animation = Animation::new(bytes, (Format::Webp, &Webp), &timeline, &limits, &control);
    assert_eq!(animator.refusal(&animation), None);
    animator.encode(
        &animation,
        FramesSetting { setting: setting(quality), is_good: None },
        &Embedded::default(),
        most,
        &control,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn frames_are_shown_as_their_headers_say(patches in vec(any_patch(), 1..6), plays in any::<u16>()) {
        let delays: Vec<u32> = (0..patches.len() as u32).map(|index| index * 70_000).collect();
        let bytes = file(&patches, &delays, plays);
        let (timeline, frames) = played(Format::Webp, &Webp, &bytes).unwrap();
        prop_assert!(distance(&frames, &simply(SIDE, SIDE, &patches)) <= Some(1));
        let found: Vec<_> = timeline.delays.iter().map(|delay| delay.whole(1000).unwrap()).collect();
        prop_assert_eq!((found, timeline.plays), (delays, u32::from(plays)));
    }

    #[test]
    fn every_frame_is_as_it_was_and_libwebp_agrees(patches in vec(any_patch(), 1..6)) {
        // One frame twice: it stays two.
        let patches: Vec<_> = patches.iter().chain(patches.last()).cloned().collect();
        let delays: Vec<u32> = (0..patches.len() as u32).map(|index| index * 15).collect();
        let bytes = file(&patches, &delays, 2);
        let (timeline, frames) = played(Format::Webp, &Webp, &bytes).unwrap();
        let made = encoded(&Lossless, &bytes, 100.0, u64::MAX).unwrap().unwrap();
        let (made_timeline, made_frames) = played(Format::Webp, &Webp, &made).unwrap();
        prop_assert_eq!(distance(&made_frames, &frames), Some(0));
        prop_assert_eq!(&made_timeline, &timeline);
        let second = libwebp::played(&made);
        let ends: Vec<i32> = second.iter().map(|frame| frame.1).collect();
        let expected: Vec<i32> = delays.iter().scan(0, |end, delay| { *end += *delay as i32; Some(*end) }).collect();
        prop_assert_eq!(ends, expected);
        let second: Vec<Vec<u8>> = second.into_iter().map(|frame| frame.0).collect();
        prop_assert_eq!(distance(&second, &frames), Some(0));
    }
}

/// A ball over a slope, and a pause.
fn ball() -> Vec<u8> {
    let frame = |index: u32| {
        let mut rgba = Vec::new();
        for at in 0..SIDE * SIDE {
            let (x, y) = (at % SIDE, at / SIDE);
            let inside = x.abs_diff(index) < 2 && y.abs_diff(4) < 2;
            rgba.extend(if inside { [250, 20, 30, 255] } else { [(x * 20) as u8, (y * 20) as u8, 90, 255] });
        }
        let place = Rect { x: 0, y: 0, width: SIDE, height: SIDE };
        Patch { place, rgba, blends: false, disposal: Disposal::Keep }
    };
    let patches: Vec<_> = [0, 1, 2, 2, 5].map(frame).to_vec();
    file(&patches, &[40, 0, 80, 1000, 20], 0)
}

#[test]
fn lossy_frames_keep_time_and_libwebp_shows_the_same() {
    let bytes = ball();
    let made = encoded(&Mixed, &bytes, 60.0, u64::MAX).unwrap().unwrap();
    let (timeline, frames) = played(Format::Webp, &Webp, &made).unwrap();
    assert_eq!(timeline, Webp.timeline(&bytes, &Limits::default()).unwrap());
    let second: Vec<_> = libwebp::played(&made).into_iter().map(|frame| frame.0).collect();
    assert_eq!(distance(&second, &frames), Some(0));
}

#[test]
fn what_would_be_too_large_is_given_up() {
    let bytes = ball();
    let whole = encoded(&Lossless, &bytes, 100.0, u64::MAX).unwrap().unwrap().len() as u64;
    assert_eq!(encoded(&Lossless, &bytes, 100.0, whole).unwrap(), None);
    assert!(encoded(&Lossless, &bytes, 100.0, whole + 1).unwrap().is_some());
    assert_eq!(encoded(&Mixed, &bytes, 60.0, 100).unwrap(), None);
}

#[test]
fn times_that_webp_does_not_count_are_refused() {
    let bytes = ball();
    let (limits, control) = (Limits::default(), Control::new());
    let timeline = Webp.timeline(&bytes, &limits).unwrap();
    let refusal = |timeline: &Timeline| {
        Lossless.refusal(&Animation::new(&bytes, (Format::Webp, &Webp), timeline, &limits, &control))
    };
    let third = crate::codec::animation::Delay::new(1, 30);
    assert_eq!(refusal(&timeline), None);
    assert!(refusal(&Timeline { delays: vec![third], ..timeline.clone() }).is_some());
    assert!(refusal(&Timeline { plays: 65_536, ..timeline }).is_some());
}

#[test]
fn hostile_files_are_refused() {
    let whole = ball();
    let limits = Limits { max_frames: 4, ..Limits::default() };
    assert_eq!(Webp.timeline(&whole, &limits).unwrap_err().code(), "limit_exceeded");
    let limits = Limits { max_animation_pixels: 5 * 64 - 1, ..Limits::default() };
    assert_eq!(Webp.timeline(&whole, &limits).unwrap_err().code(), "limit_exceeded");
    assert_eq!(Webp.timeline(&file(&[], &[], 0), &Limits::default()).unwrap_err().code(), "malformed");
    for end in 0..whole.len() {
        assert!(played(Format::Webp, &Webp, &whole[..end]).is_err(), "{end}");
    }
    let at = whole.windows(4).position(|window| window == b"ANMF").unwrap() + 8;
    for (offset, name) in [(0, "left"), (3, "top"), (6, "width"), (9, "height")] {
        let mut beyond = whole.clone();
        beyond[at + offset] = 200;
        assert!(played(Format::Webp, &Webp, &beyond).is_err(), "{name}");
    }
    let mut noise = crate::codec::testing::Noise(7);
    for _ in 0..3_000 {
        let mut damaged = whole.clone();
        let at = noise.next() as usize % damaged.len();
        damaged[at] = noise.next() as u8;
        let _ = played(Format::Webp, &Webp, &damaged);
    }
}
