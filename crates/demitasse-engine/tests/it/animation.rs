//! Animations through the whole engine, looked at by the crate `gif` and a compositor of these tests' own.

use demitasse_engine::check::Answer;
use demitasse_engine::report::{ReasonCode, Verdict};
use demitasse_engine::{
    Control, Format, Limits, Outcome, OutputFormat, Preset, Quality, Request, Score, Target, compress,
    inspect, verify_receipt,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// A frame of the tests: left, top, width, height; indexes; transparent index; disposal; hundredths.
#[derive(Debug, Clone)]
struct Drawn {
    place: [u16; 4],
    indexes: Vec<u8>,
    transparent: Option<u8>,
    disposal: u8,
    delay: u16,
}

fn palette() -> Vec<u8> {
    (0..=255u8).flat_map(|index| [index, index.wrapping_mul(3), 255 - index]).collect()
}

fn gif(width: u16, height: u16, repeat: Option<gif::Repeat>, frames: &[Drawn]) -> Vec<u8> {
    let mut encoder = gif::Encoder::new(Vec::new(), width, height, &palette()).unwrap();
    if let Some(repeat) = repeat {
        encoder.set_repeat(repeat).unwrap();
    }
    for Drawn { place: [left, top, width, height], indexes, transparent, disposal, delay } in frames {
        let frame = gif::Frame {
            left: *left,
            top: *top,
            width: *width,
            height: *height,
            delay: *delay,
            dispose: gif::DisposalMethod::from_u8(*disposal).unwrap(),
            transparent: *transparent,
            buffer: indexes.clone().into(),
            ..gif::Frame::default()
        };
        encoder.write_frame(&frame).unwrap();
    }
    encoder.into_inner().unwrap()
}

/// What a viewer shows, and when: frames of RGBA, hundredths, how often.
#[derive(Debug, PartialEq)]
struct Shown {
    frames: Vec<Vec<[u8; 4]>>,
    delays: Vec<u16>,
    repeat: gif::Repeat,
}

fn shown(bytes: &[u8]) -> Shown {
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::RGBA);
    let mut decoder = options.read_info(bytes).unwrap();
    let (width, height) = (usize::from(decoder.width()), usize::from(decoder.height()));
    let mut canvas = vec![[0u8; 4]; width * height];
    let mut out = Shown { frames: Vec::new(), delays: Vec::new(), repeat: gif::Repeat::Infinite };
    while let Some(frame) = decoder.read_next_frame().unwrap() {
        let saved = canvas.clone();
        let places: Vec<usize> = (0..usize::from(frame.height))
            .flat_map(|y| {
                let start = (usize::from(frame.top) + y) * width + usize::from(frame.left);
                start..start + usize::from(frame.width)
            })
            .collect();
        for (at, pixel) in places.iter().zip(frame.buffer.as_chunks::<4>().0) {
            if pixel[3] != 0 {
                canvas[*at] = *pixel;
            }
        }
        out.frames.push(canvas.clone());
        out.delays.push(frame.delay);
        match frame.dispose {
            gif::DisposalMethod::Background => places.iter().for_each(|at| canvas[*at] = [0; 4]),
            gif::DisposalMethod::Previous => canvas = saved,
            _ => {}
        }
    }
    out.repeat = decoder.repeat();
    out
}

fn run(bytes: &[u8], request: Request) -> demitasse_engine::Compressed {
    let done = compress(bytes, &request, &Limits::default(), &Control::new()).unwrap();
    assert!(done.bytes.len() <= bytes.len());
    let found =
        verify_receipt(&done.report, bytes, &done.bytes, &Limits::default(), &Control::new()).unwrap();
    assert!(found.holds(), "{found:#?}");
    done
}

fn lossless() -> Request {
    Request::new(Target::Lossless)
}

/// A square that runs over a drawn background; every frame is drawn whole, as simple writers do.
fn runner(side: u16, frames: u16) -> Vec<Drawn> {
    let frame = |index: u16| {
        let indexes = (0..side * side).map(|at| {
            let (x, y) = (at % side, at / side);
            let inside = x.abs_diff(index * 3 % side) < 5 && y.abs_diff(side / 2) < 5;
            if inside { 250 } else { ((x / 4) * (y / 5) % 90 + x % 3) as u8 }
        });
        let place = [0, 0, side, side];
        Drawn { place, indexes: indexes.collect(), transparent: None, disposal: 1, delay: 4 + index % 3 }
    };
    (0..frames).map(frame).collect()
}

/// The same with grain, which no lossless encoder likes.
fn grainy(side: u16, frames: u16) -> Vec<Drawn> {
    let mut noise = 0x2545_f491_u32;
    let mut drawn = runner(side, frames);
    for index in drawn.iter_mut().flat_map(|frame| &mut frame.indexes) {
        noise ^= noise << 13;
        noise ^= noise >> 17;
        noise ^= noise << 5;
        *index = index.saturating_add((noise % 30) as u8);
    }
    drawn
}

#[test]
fn a_gif_gets_smaller_and_shows_the_same() {
    let bytes = gif(60, 60, Some(gif::Repeat::Infinite), &runner(60, 12));
    let done = run(&bytes, lossless());
    assert!(done.bytes.len() * 3 < bytes.len(), "{} of {}", done.bytes.len(), bytes.len());
    assert_eq!(shown(&done.bytes), shown(&bytes));
    let report = &done.report;
    assert!(report.lossless && report.outcome == Outcome::Compressed && report.output.animated);
    let animation = report.animation.as_ref().unwrap();
    assert_eq!((animation.frames, animation.compared_frames, animation.plays), (12, 12, 0));
    assert_eq!(
        animation.duration_ms,
        shown(&bytes).delays.iter().map(|delay| u64::from(*delay) * 10).sum::<u64>()
    );
}

#[test]
fn what_was_made_is_not_made_again() {
    let bytes = gif(60, 60, None, &runner(60, 6));
    let once = run(&bytes, Request::default());
    let twice = run(&once.bytes, Request::default());
    assert_eq!(twice.report.reason.unwrap().code, ReasonCode::AlreadyCompressed);
    assert_eq!(twice.bytes, once.bytes);
}

#[test]
fn frames_that_are_the_same_stay_frames() {
    let mut frames = runner(40, 2);
    let again = Drawn { delay: 0, ..frames[1].clone() };
    frames.extend([again.clone(), again]);
    let bytes = gif(40, 40, Some(gif::Repeat::Finite(9)), &frames);
    for request in [lossless(), Request::default()] {
        let found = shown(&run(&bytes, request).bytes);
        assert_eq!(
            (found.frames.len(), &found.delays[2..], found.repeat),
            (4, &[0, 0][..], gif::Repeat::Finite(9))
        );
    }
}

#[test]
fn an_animation_becomes_webp_on_request_and_under_auto() {
    let bytes = gif(60, 60, Some(gif::Repeat::Finite(2)), &runner(60, 8));
    for (format, target) in [
        (OutputFormat::of(Format::Webp), Target::Lossless),
        (OutputFormat::of(Format::Webp), Preset::Balanced.target()),
        (OutputFormat::Auto, Preset::Balanced.target()),
        (OutputFormat::of(Format::Webp), Target::Quality { quality: Quality(60.0) }),
    ] {
        let done = run(&bytes, Request::new(target).with_format(format));
        assert_eq!(done.report.outcome, Outcome::Compressed, "{:?}", done.report);
        let animation = done.report.animation.unwrap();
        assert_eq!((animation.frames, animation.plays), (8, 3));
        assert!(inspect(&done.bytes, &Limits::default()).unwrap().animated);
        // What has become WebP goes through again.
        let again = run(&done.bytes, Request::new(Target::Lossless));
        assert_eq!(again.report.animation.unwrap().frames, 8);
    }
}

#[test]
fn a_score_is_held_by_the_mean_and_nearly_by_every_frame() {
    let bytes = gif(64, 64, None, &grainy(64, 6));
    for format in [OutputFormat::Keep, OutputFormat::of(Format::Webp)] {
        for score in [60.0, 85.0] {
            let request = Request::new(Target::Score { score: Score(score) }).with_format(format);
            let report = run(&bytes, request).report;
            let Some(measured) = &report.score else {
                assert!(report.lossless);
                continue;
            };
            let lowest = report.animation.as_ref().unwrap().lowest.unwrap();
            assert!(measured.value.0 >= score && lowest.score.0 >= score - 5.0, "{report:?}");
        }
    }
}

/// Most frames are easy; in one there is grain all over.
fn uneven(side: u16) -> Vec<u8> {
    let mut frames = runner(side, 8);
    frames[3] = grainy(side, 8).swap_remove(3);
    gif(side, side, None, &frames)
}

#[test]
fn no_frame_is_far_below_the_mean() {
    let bytes = uneven(96);
    for format in [OutputFormat::Keep, OutputFormat::of(Format::Webp)] {
        let score = |score| Target::Score { score: Score(score) };
        let most = run(&bytes, lossless().with_format(format)).bytes.len() as u64 * 3 / 4;
        let fits = Target::MaxBytes { max_bytes: most, floor: Score(10.0) };
        for target in [score(30.0), score(60.0), score(80.0), fits] {
            let report = run(&bytes, Request::new(target).with_format(format)).report;
            let Some(measured) = &report.score else {
                assert!(report.lossless);
                continue;
            };
            let lowest = report.animation.as_ref().unwrap().lowest.unwrap();
            assert!(lowest.score.0 >= measured.value.0 - 5.0, "{report:?}");
        }
    }
}

#[test]
fn a_receipt_of_frames_far_below_the_mean_is_found_out() {
    let bytes = uneven(96);
    let mut found_one = false;
    let webp = OutputFormat::of(Format::Webp);
    for quality in [5.0, 70.0] {
        let request = Request::new(Target::Quality { quality: Quality(quality) }).with_format(webp);
        let mut done = run(&bytes, request);
        let mean = done.report.score.as_ref().map_or(100.0, |score| score.value.0);
        let lowest = done.report.animation.as_ref().unwrap().lowest.map_or(100.0, |lowest| lowest.score.0);
        // A fixed setting promises nothing; a score does.
        done.report.request.target = Target::Score { score: Score(lowest.clamp(1.0, 100.0)) };
        let answer =
            verify_receipt(&done.report, &bytes, &done.bytes, &Limits::default(), &Control::new()).unwrap();
        assert_eq!(answer.holds(), lowest >= mean - 5.0, "{quality}: {mean} {lowest} {answer:?}");
        found_one |= lowest < mean - 5.0;
    }
    assert!(found_one);
}

#[test]
fn bytes_that_are_allowed_are_kept_to() {
    let bytes = gif(64, 64, None, &grainy(64, 8));
    for format in [OutputFormat::Keep, OutputFormat::of(Format::Webp)] {
        let least = run(&bytes, lossless().with_format(format)).bytes.len() as u64;
        let target = Target::MaxBytes { max_bytes: least * 7 / 10, floor: Score(10.0) };
        let report = run(&bytes, Request::new(target).with_format(format)).report;
        assert!(report.output.bytes <= least * 7 / 10 || report.reason.is_some(), "{report:?}");
        // As it is it fits; only what loses nothing may take its place.
        let target = Target::MaxBytes { max_bytes: bytes.len() as u64, floor: Score(10.0) };
        assert!(run(&bytes, Request::new(target)).report.lossless);
    }
}

#[test]
fn what_cannot_carry_an_animation_keeps_it_and_says_why() {
    let bytes = gif(40, 40, None, &runner(40, 3));
    for format in [Format::Jpeg, Format::Avif, Format::Png] {
        let report = run(&bytes, lossless().with_format(OutputFormat::of(format))).report;
        let reason = report.reason.unwrap();
        assert_eq!((report.outcome, reason.code), (Outcome::KeptOriginal, ReasonCode::Animated));
        assert!(reason.detail.contains("kept as it is"), "{}", reason.detail);
    }
    // WebP counts 65,535 plays; this is one more.
    let often = gif(40, 40, Some(gif::Repeat::Finite(u16::MAX)), &runner(40, 3));
    let report = run(&often, lossless().with_format(OutputFormat::of(Format::Webp))).report;
    assert_eq!(report.reason.unwrap().code, ReasonCode::Animated);
    assert_eq!(run(&often, lossless()).report.animation.unwrap().plays, 65_536);
}

#[test]
fn the_first_frame_covers_the_canvas_so_that_no_viewer_shows_a_background() {
    let mut frames = runner(20, 3);
    frames.iter_mut().for_each(|frame| (frame.place, frame.disposal) = ([10, 5, 20, 20], 2));
    let done = run(&gif(40, 40, None, &frames), lossless());
    assert_eq!(done.report.outcome, Outcome::Compressed);
    let mut decoder = gif::DecodeOptions::new().read_info(done.bytes.as_slice()).unwrap();
    let first = decoder.read_next_frame().unwrap().unwrap();
    assert_eq!((first.left, first.top, first.width, first.height), (0, 0, 40, 40));
    assert!(first.transparent.is_some());
}

#[test]
fn the_longest_delays_are_kept() {
    let mut frames = runner(40, 3);
    frames.iter_mut().for_each(|frame| frame.delay = u16::MAX);
    let bytes = gif(40, 40, None, &frames);
    for format in [OutputFormat::Keep, OutputFormat::of(Format::Webp)] {
        let report = run(&bytes, lossless().with_format(format)).report;
        assert_eq!(
            (report.outcome, report.animation.unwrap().duration_ms),
            (Outcome::Compressed, 3 * 655_350)
        );
    }
}

#[test]
fn what_is_too_much_or_shown_differently_is_kept() {
    let bytes = gif(40, 40, None, &runner(40, 5));
    let defaults = Limits::default;
    for limits in [
        Limits { max_frames: 4, ..defaults() },
        Limits { max_animation_pixels: 5 * 1600 - 1, ..defaults() },
        Limits { max_memory: Some(1_000), ..defaults() },
    ] {
        let done = compress(&bytes, &lossless(), &limits, &Control::new()).unwrap();
        assert_eq!((&done.bytes, done.report.reason.unwrap().code), (&bytes, ReasonCode::Animated));
    }
    let mut beyond = runner(40, 2);
    beyond[1].place = [1, 0, 40, 40];
    let bytes = gif(40, 40, None, &beyond);
    assert_eq!(run(&bytes, lossless()).report.reason.unwrap().code, ReasonCode::Animated);
}

#[test]
fn lossy_encoders_are_left_out_where_time_is_short() {
    let bytes = gif(40, 40, None, &runner(40, 5));
    let limits = Limits { max_cpu_seconds: Some(0), ..Limits::default() };
    let report = compress(&bytes, &Request::default(), &limits, &Control::new()).unwrap().report;
    assert!(report.lossless && report.outcome == Outcome::Compressed);
    assert!(report.warnings.iter().any(|warning| warning.code == "left_out_for_time"), "{report:?}");
}

#[test]
fn a_deadline_is_looked_at_between_frames() {
    let bytes = gif(40, 40, None, &runner(40, 5));
    let control = Control::new().with_deadline(std::time::Instant::now());
    let error = compress(&bytes, &lossless(), &Limits::default(), &control).unwrap_err();
    assert_eq!(error.code(), "deadline_exceeded");
}

#[test]
fn a_damaged_frame_is_an_error() {
    let bytes = gif(40, 40, None, &runner(40, 3));
    for end in [bytes.len() / 2, bytes.len() - 1] {
        let error = compress(&bytes[..end], &lossless(), &Limits::default(), &Control::new()).unwrap_err();
        assert_eq!(error.code(), "malformed");
    }
}

#[test]
fn a_receipt_that_lies_about_frames_is_found_out() {
    let bytes = gif(60, 60, None, &grainy(60, 6));
    let request = Request::new(Target::Quality { quality: Quality(50.0) });
    let done = run(&bytes, request.with_format(OutputFormat::of(Format::Webp)));
    let animation = || done.report.animation.clone().unwrap();
    let with = |animation: demitasse_engine::report::Animation| demitasse_engine::Report {
        animation: Some(animation),
        ..done.report.clone()
    };
    let mut lower = animation().lowest.unwrap();
    lower.score.0 += 1.0;
    let lies = [
        with(demitasse_engine::report::Animation { frames: 5, ..animation() }),
        with(demitasse_engine::report::Animation { plays: 7, ..animation() }),
        with(demitasse_engine::report::Animation { duration_ms: 1, ..animation() }),
        with(demitasse_engine::report::Animation { compared_frames: 2, ..animation() }),
        with(demitasse_engine::report::Animation { lowest: Some(lower), ..animation() }),
        with(demitasse_engine::report::Animation { lowest: None, ..animation() }),
        demitasse_engine::Report { lossless: true, ..done.report.clone() },
    ];
    for lie in lies {
        let found = verify_receipt(&lie, &bytes, &done.bytes, &Limits::default(), &Control::new()).unwrap();
        assert!(found.checks.iter().any(|check| check.answer == Answer::No), "{:?}", lie.animation);
    }
}

#[test]
fn every_candidate_says_what_became_of_it() {
    let bytes = gif(60, 60, None, &runner(60, 6));
    let report = run(&bytes, Request::default().with_format(OutputFormat::Auto)).report;
    let chosen = report.candidates.iter().filter(|candidate| candidate.verdict == Verdict::Chosen).count();
    assert_eq!((chosen, report.candidates.len()), (1, 5), "{:?}", report.candidates);
}

const SIDE: u16 = 12;

fn drawn() -> impl Strategy<Value = Drawn> {
    let sides = || (0..SIDE).prop_flat_map(|start| (Just(start), 1..=SIDE - start));
    (sides(), sides(), proptest::option::of(0..5u8), 0..4u8, 0..9u16, any::<bool>()).prop_flat_map(
        |((left, width), (top, height), transparent, disposal, delay, flat)| {
            let place = [left, top, width, height];
            let colors = if flat { 2u8 } else { 5 };
            vec(0..colors, usize::from(width * height)).prop_map(move |indexes| Drawn {
                place,
                indexes,
                transparent,
                disposal,
                delay,
            })
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whatever_comes_and_goes_is_shown_the_same(frames in vec(drawn(), 2..9)) {
        let bytes = gif(SIDE, SIDE, Some(gif::Repeat::Infinite), &frames);
        let done = run(&bytes, lossless());
        prop_assert_eq!(shown(&done.bytes), shown(&bytes));
        let failed = done.report.candidates.iter().any(|candidate| candidate.verdict == Verdict::Failed);
        prop_assert!(!failed, "{:?}", done.report.candidates);
    }

    #[test]
    fn transparency_and_time_are_kept_where_colours_are_not(frames in vec(drawn(), 2..6)) {
        let bytes = gif(SIDE, SIDE, None, &frames);
        let done = run(&bytes, Request::new(Target::Quality { quality: Quality(20.0) }));
        let (before, after) = (shown(&bytes), shown(&done.bytes));
        prop_assert_eq!((&after.delays, after.repeat), (&before.delays, before.repeat));
        for (before, after) in before.frames.iter().zip(&after.frames) {
            prop_assert!(before.iter().zip(after).all(|(before, after)| before[3] == after[3]));
        }
        let failed = done.report.candidates.iter().any(|candidate| candidate.detail.as_ref().is_some_and(|detail| detail.contains("alpha")));
        prop_assert!(!failed, "{:?}", done.report.candidates);
    }
}
