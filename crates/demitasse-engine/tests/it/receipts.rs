//! Receipts that are true, and every way in which one is not.

use demitasse_engine::check::{Answer, CheckName, Verification};
use demitasse_engine::report::Report;
use demitasse_engine::{
    Compressed, Control, Format, Limits, MetadataPolicy, OutputFormat, PolicyName, Preset, Quality, Request,
    Resize, ResizeMethod, Score, Target, compress, verify_receipt,
};
use png::ColorType;

use crate::images::{chart, exif, photo, png, with_segment};

fn look(report: &Report, input: &[u8], output: &[u8]) -> Verification {
    verify_receipt(report, input, output, &Limits::default(), &Control::new()).unwrap()
}

fn run(input: &[u8], request: Request) -> Compressed {
    compress(input, &request, &Limits::default(), &Control::new()).unwrap()
}

/// The checks that say no.
fn wrong(report: &Report, input: &[u8], output: &[u8]) -> Vec<CheckName> {
    let found = look(report, input, output);
    let wrong: Vec<_> = found.checks.iter().filter(|check| check.answer == Answer::No).collect();
    assert_eq!(found.holds(), wrong.is_empty());
    wrong.iter().map(|check| check.name).collect()
}

fn photo_png() -> Vec<u8> {
    png(320, 240, ColorType::Rgb, &photo(320, 240))
}

fn jpeg() -> Request {
    Request::default().with_format(OutputFormat::of(Format::Jpeg))
}

#[test]
fn every_true_receipt_holds() {
    let small = run(&photo_png(), jpeg()).bytes;
    let with_private = with_segment(
        &run(&photo_png(), Request { target: Target::Quality { quality: Quality(95.0) }, ..jpeg() }).bytes,
        0xe1,
        &exif(6, "Ada Lovelace", true),
    );
    let resize = Resize { method: ResizeMethod::Thumb, width: Some(90), height: Some(50), enlarge: false };
    let large = png(1100, 900, ColorType::Rgb, &photo(1100, 900));
    for (index, (input, request)) in [
        (photo_png(), Request::new(Target::Lossless)),
        (photo_png(), jpeg()),
        (photo_png(), Request::default().with_format(OutputFormat::of(Format::Avif))),
        (with_private.clone(), Request::default().with_metadata(MetadataPolicy::new(PolicyName::Archive))),
        (large.clone(), jpeg()),
        (large, Request { target: Target::Quality { quality: Quality(60.0) }, ..jpeg() }),
        (small, jpeg()),
        (with_private.clone(), Request::default()),
        (with_private.clone(), Request::new(Target::Lossless)),
        (with_private, Request::new(Preset::Small.target()).with_resize(resize)),
        (png(200, 160, ColorType::Rgba, &chart(200, 160)), Request::default().with_resize(resize)),
    ]
    .into_iter()
    .enumerate()
    {
        let done = run(&input, request);
        // As it comes out of a file.
        let report = serde_json::from_str(&serde_json::to_string(&done.report).unwrap()).unwrap();
        let found = look(&report, &input, &done.bytes);
        assert!(found.holds(), "{index}: {found:?}");
        let answer = |name| found.checks.iter().find(|check| check.name == name).map(|check| check.answer);
        let is_fixed = matches!(request.target, Target::Quality { .. });
        let expected = if is_fixed { Answer::Open } else { Answer::Yes };
        assert_eq!(answer(CheckName::Target), Some(expected), "{index}: {found:?}");
        assert_eq!(answer(CheckName::Score), (!report.lossless).then_some(Answer::Yes), "{index}: {found:?}");
    }
}

#[test]
fn a_byte_that_flipped_is_found() {
    let input = photo_png();
    let done = run(&input, Request::new(Target::Lossless));
    for at in [20, done.bytes.len() / 2, done.bytes.len() - 3] {
        let mut output = done.bytes.clone();
        output[at] ^= 1;
        let wrong = wrong(&done.report, &input, &output);
        assert!(wrong.contains(&CheckName::OutputFile) && wrong.len() > 1, "{at}: {wrong:?}");
    }
}

#[test]
fn files_that_are_others_or_none_are_found() {
    let done = run(&photo_png(), jpeg());
    let mut rgb = photo(320, 240);
    rgb.iter_mut().for_each(|sample| *sample = 255 - *sample);
    let negative = png(320, 240, ColorType::Rgb, &rgb);
    let wrong_of_negative = wrong(&done.report, &negative, &done.bytes);
    assert_eq!(wrong_of_negative, [CheckName::InputFile, CheckName::Score, CheckName::Target]);
    let smaller = png(300, 240, ColorType::Rgb, &photo(300, 240));
    let wrong_of_smaller = wrong(&done.report, &smaller, &done.bytes);
    assert_eq!(wrong_of_smaller, [CheckName::InputFile, CheckName::InputPicture, CheckName::Size]);
    let wrong_of_none = wrong(&done.report, b"no image", b"");
    assert_eq!(wrong_of_none.len(), 4, "{wrong_of_none:?}");
}

#[test]
fn a_score_that_was_changed_is_found() {
    let input = photo_png();
    let done = run(&input, jpeg());
    for change in [-0.02, 0.02, 10.0] {
        let mut report = done.report.clone();
        report.score.as_mut().unwrap().value.0 += change;
        assert_eq!(wrong(&report, &input, &done.bytes), [CheckName::Score]);
    }
    let mut report = done.report.clone();
    report.score.as_mut().unwrap().tiles = u32::MAX;
    assert_eq!(wrong(&report, &input, &done.bytes), [CheckName::Score]);
    let mut report = done.report.clone();
    report.request.target = Target::Score { score: Score(97.0) };
    assert_eq!(wrong(&report, &input, &done.bytes), [CheckName::Target]);
}

#[test]
fn a_result_that_is_not_lossless_and_claims_it_is_found() {
    let input = photo_png();
    let done = run(&input, jpeg());
    let mut report = done.report.clone();
    report.lossless = true;
    assert_eq!(wrong(&report, &input, &done.bytes), [CheckName::Pixels]);
    report.score = None;
    assert_eq!(wrong(&report, &input, &done.bytes), [CheckName::Pixels, CheckName::Score]);
}

#[test]
fn a_position_that_was_not_dropped_is_found() {
    let jpeg = with_segment(&run(&photo_png(), jpeg()).bytes, 0xe1, &exif(1, "Ada Lovelace", true));
    let done = run(&jpeg, Request::new(Preset::Small.target()));
    assert_eq!(wrong(&done.report, &jpeg, &done.bytes), []);
    let leaking = with_segment(&done.bytes, 0xe1, &exif(1, "Ada Lovelace", true));
    assert!(wrong(&done.report, &jpeg, &leaking).contains(&CheckName::Metadata));
    let mut report = done.report.clone();
    report.metadata.dropped.clear();
    assert_eq!(wrong(&report, &jpeg, &done.bytes), [CheckName::Metadata]);
}

#[test]
fn a_picture_of_another_size_than_the_resize_makes_is_found() {
    let input = photo_png();
    let resize = Resize { method: ResizeMethod::Scale, width: Some(160), height: None, enlarge: false };
    let done = run(&input, jpeg().with_resize(resize));
    let mut report = done.report.clone();
    report.request.resize = Some(Resize { width: Some(161), ..resize });
    assert_eq!(wrong(&report, &input, &done.bytes), [CheckName::Size]);
    report.request.resize = Some(Resize { width: Some(u32::MAX), enlarge: true, ..resize });
    assert_eq!(wrong(&report, &input, &done.bytes), [CheckName::Size]);
    report.request.resize = Some(Resize { width: None, ..resize });
    assert_eq!(wrong(&report, &input, &done.bytes), [CheckName::Receipt]);
}

#[test]
fn another_engine_is_said_and_is_no_lie() {
    let input = photo_png();
    let done = run(&input, Request::new(Target::Lossless));
    let mut report = done.report.clone();
    report.engine = "another\u{1b}[2J".repeat(1000);
    let found = look(&report, &input, &done.bytes);
    let engine = found.checks.iter().find(|check| check.name == CheckName::Engine).unwrap();
    assert!(found.holds() && engine.answer == Answer::Open);
    assert!(engine.detail.len() < 300 && !engine.detail.contains('\u{1b}'), "{}", engine.detail);
}

#[test]
fn every_number_of_a_receipt_may_be_absurd() {
    let input = photo_png();
    let done = run(&input, jpeg());
    let receipt = serde_json::to_value(&done.report).unwrap();
    let mut tried = 0;
    let mut paths = Vec::new();
    number_paths(&receipt, "", &mut paths);
    for path in &paths {
        for absurd in [serde_json::json!(0), serde_json::json!(u32::MAX), serde_json::json!(-1e308)] {
            let mut receipt = receipt.clone();
            *receipt.pointer_mut(path).unwrap() = absurd;
            let Ok(report) = serde_json::from_value::<Report>(receipt) else { continue };
            let _ = look(&report, &input, &done.bytes).holds();
            tried += 1;
        }
    }
    assert!(tried > paths.len(), "{tried}");
}

fn number_paths(value: &serde_json::Value, at: &str, paths: &mut Vec<String>) {
    match value {
        serde_json::Value::Number(_) => paths.push(at.to_owned()),
        serde_json::Value::Object(map) => {
            map.iter().for_each(|(key, value)| number_paths(value, &format!("{at}/{key}"), paths));
        }
        serde_json::Value::Array(list) => {
            list.iter()
                .enumerate()
                .for_each(|(index, value)| number_paths(value, &format!("{at}/{index}"), paths));
        }
        _ => {}
    }
}
