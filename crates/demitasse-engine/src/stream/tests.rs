//! Whole compressions in a stream: what comes out, what it takes, and what is refused.

use std::time::Instant;

use crate::check::{Answer, verify_receipt};
use crate::codec::codec;
use crate::codec::jpeg::testing::sequential;
use crate::codec::testing::Noise;
use crate::image::{Image, Layout, Samples};
use crate::metadata::exif;
use crate::metadata::{Embedded, Orientation, Rights};
use crate::metric::Evaluator;
use crate::pipeline::Compressed;
use crate::report::ReasonCode;
use crate::{
    Control, Effort, Format, Limits, Outcome, OutputFormat, Quality, Request, Resize, ResizeMethod, Result,
    Score, Target, compress, inspect, memory_needed,
};

const SIDES: (u32, u32) = (1205, 803);

/// Something like a photo: shapes of several sizes, an edge, grain that differs from place to place.
fn photo(layout: Layout) -> Image {
    let (width, height) = SIDES;
    let mut noise = Noise(88_172_645_463_325_252);
    let mut samples = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let (fx, fy) = (x as f32, y as f32);
            let shape = (fx / 37.0).sin() * (fy / 23.0).cos() + ((fx + 2.0 * fy) / 9.0).sin() * 0.3;
            let edge = if (fx - 600.0).hypot(fy - 400.0) < 260.0 { 45.0 } else { 0.0 };
            let grain = ((noise.next() >> 56) as f32 / 255.0 - 0.5) * (4.0 + fx / 80.0);
            for channel in 0..layout.channels() {
                let tint = (fy / 61.0 + channel as f32).sin() * 20.0;
                samples.push((110.0 + shape * 50.0 + edge + grain + tint).clamp(0.0, 255.0) as u8);
            }
        }
    }
    Image::still(width, height, layout, Samples::U8(samples), None)
}

fn file(layout: Layout) -> Vec<u8> {
    sequential(&photo(layout), 0.5)
}

fn fast(score: f64) -> Request {
    Request::new(Target::Score { score: Score(score) }).with_effort(Effort::Fast)
}

/// So little that no picture of this size can be held.
fn tight(bytes: &[u8], request: &Request) -> Limits {
    let header = inspect(bytes, &Limits::default()).unwrap();
    Limits { max_memory: Some(memory_needed(&header, request)), ..Limits::default() }
}

fn run(bytes: &[u8], request: &Request) -> Result<Compressed> {
    compress(bytes, request, &tight(bytes, request), &Control::new())
}

fn score(before: &[u8], after: &[u8]) -> f64 {
    let decode =
        |bytes| codec(Format::Jpeg).decode(bytes, &Limits::default(), &Control::new()).unwrap().image;
    Evaluator::new(&decode(before)).score(&decode(after), &Control::new()).unwrap().whole.0
}

#[test]
fn a_photo_comes_out_smaller_near_its_target_and_its_receipt_is_true() {
    for layout in [Layout::Rgb, Layout::Gray] {
        let input = file(layout);
        for target in [60.0, 80.0] {
            let request = fast(target);
            let done = run(&input, &request).unwrap();
            let report = &done.report;
            assert_eq!((report.outcome, report.recipe.encoder.as_str()), (Outcome::Compressed, "requantize"));
            assert!(done.bytes.len() < input.len());
            assert_eq!((&report.score, report.predicted_score), (&None, Some(Score(target))));
            let found = score(&input, &done.bytes);
            // A made picture is unlike the photos that predictions were fitted on.
            let trials = &report.candidates[0].trials;
            assert!(found > target - 5.0, "{layout:?} {target}: {found} {trials:?}");
            let limits = Limits::default();
            let verified = verify_receipt(report, &input, &done.bytes, &limits, &Control::new()).unwrap();
            let wrong: Vec<_> = verified.checks.iter().filter(|check| check.answer == Answer::No).collect();
            assert!(wrong.is_empty(), "{wrong:?}");
        }
    }
}

#[test]
fn equal_inputs_give_equal_bytes() {
    let input = file(Layout::Rgb);
    let [one, other] = [(); 2].map(|()| run(&input, &fast(70.0)).unwrap().bytes);
    assert_eq!(one, other);
}

#[test]
fn what_went_through_before_is_kept() {
    let once = run(&file(Layout::Rgb), &fast(70.0)).unwrap().bytes;
    let again = run(&once, &fast(70.0)).unwrap();
    assert_eq!(again.report.reason.unwrap().code, ReasonCode::AlreadyCompressed);
    assert_eq!(again.bytes, once);
}

#[test]
fn a_target_above_what_the_file_has_to_lose_keeps_it() {
    let coarse = sequential(&photo(Layout::Rgb), 6.0);
    let done = run(&coarse, &fast(99.0)).unwrap();
    assert_eq!(done.report.outcome, Outcome::KeptOriginal);
    assert_eq!(done.report.reason.unwrap().code, ReasonCode::NoSmallerCandidate);
    assert_eq!(done.bytes, coarse);
}

#[test]
fn orientation_and_rights_stay_beside_the_coefficients() {
    let rights = Rights { copyright: Some("(c) somebody".into()), artist: None };
    let exif = exif::write(Some(Orientation::from_exif(6)), &rights);
    let input =
        codec(Format::Jpeg).strip(&file(Layout::Rgb), &Embedded { exif, ..Embedded::default() }).unwrap();
    let done = run(&input, &fast(70.0)).unwrap();
    let metadata = codec(Format::Jpeg).read_metadata(&done.bytes, &Limits::default()).unwrap();
    assert_eq!((metadata.orientation.exif(), metadata.rights), (6, rights));
    assert_eq!((done.report.output.width, done.report.output.height), (SIDES.1, SIDES.0));
    assert_eq!(done.report.metadata.orientation_applied, None);
    let verified = verify_receipt(&done.report, &input, &done.bytes, &Limits::default(), &Control::new());
    assert!(verified.unwrap().holds());
}

#[test]
fn a_stream_needs_little_memory_and_what_cannot_be_one_is_refused() {
    let input = file(Layout::Rgb);
    let header = inspect(&input, &Limits::default()).unwrap();
    let large = crate::codec::Header { width: 10_000, height: 10_000, ..header };
    assert!(memory_needed(&large, &fast(70.0)) < 70_000_000);
    let resize = Resize { method: ResizeMethod::Fit, width: Some(9000), height: None, enlarge: false };
    for dear in [
        fast(70.0).with_effort(Effort::Balanced),
        fast(70.0).with_format(OutputFormat::Auto),
        fast(70.0).with_resize(resize),
        Request { target: Target::Quality { quality: Quality(70.0) }, ..fast(70.0) },
        Request { salvage: true, ..fast(70.0) },
    ] {
        assert!(memory_needed(&large, &dear) > 500_000_000, "{dear:?}");
    }
    // Said to be sequential, but there are two scans.
    let limits = tight(&input, &fast(70.0));
    let start = input.windows(2).position(|bytes| bytes == [0xFF, 0xDA]).unwrap();
    let twice = [&input[..input.len() - 2], &input[start..]].concat();
    let error = compress(&twice, &fast(70.0), &limits, &Control::new()).unwrap_err();
    assert_eq!(error.code(), "limit_exceeded", "{error}");
}

#[test]
fn damage_is_told_as_ever_whatever_the_memory() {
    let input = file(Layout::Rgb);
    let cut = &input[..input.len() / 2];
    let told = |limits: &Limits| compress(cut, &fast(70.0), limits, &Control::new()).unwrap_err().to_string();
    let whole = codec(Format::Jpeg).decode(cut, &Limits::default(), &Control::new()).unwrap_err().to_string();
    assert!(whole.contains("ends too early") || whole.contains("missing"), "{whole}");
    assert_eq!(told(&Limits::default()), told(&tight(cut, &fast(70.0))));
}

#[test]
fn a_deadline_that_passed_stops_it() {
    let input = file(Layout::Rgb);
    let control = Control::new().with_deadline(Instant::now());
    let stopped = compress(&input, &fast(70.0), &Limits::default(), &control);
    assert_eq!(stopped.unwrap_err().code(), "deadline_exceeded");
}
