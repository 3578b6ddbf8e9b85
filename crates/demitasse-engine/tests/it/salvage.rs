//! Damaged files: refused with what and where, or salvaged where that is asked for.

use demitasse_engine::{
    Compressed, Control, Error, Format, Limits, Outcome, OutputFormat, Quality, Request, Resize,
    ResizeMethod, Result, Target, compress, verify_receipt,
};
use png::ColorType;

use crate::images::{exif, photo, png, with_segment};

const WIDTH: u32 = 320;
const HEIGHT: u32 = 240;

fn run(bytes: &[u8], request: Request) -> Result<Compressed> {
    compress(bytes, &request, &Limits::default(), &Control::new())
}

/// A sequential or a progressive JPEG, as it comes from this engine for small and for large pictures.
fn jpeg() -> Vec<u8> {
    let request =
        Request::new(Target::Quality { quality: Quality(90.0) }).with_format(OutputFormat::of(Format::Jpeg));
    run(&png(WIDTH, HEIGHT, ColorType::Rgb, &photo(WIDTH, HEIGHT)), request).unwrap().bytes
}

fn cut(file: &[u8]) -> &[u8] {
    &file[..file.len() / 2]
}

#[test]
fn what_is_cut_off_is_refused_with_what_and_where() {
    let error = run(cut(&jpeg()), Request::default()).unwrap_err();
    assert!(matches!(error, Error::Malformed { format: Format::Jpeg, .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("missing") && text.contains("at byte") || text.contains("of 240"), "{text}");
}

#[test]
fn what_is_left_of_it_becomes_a_whole_file_and_the_report_says_what_is_missing() {
    let file = jpeg();
    let file = cut(&file);
    let done = run(file, Request::default().with_salvage(true)).unwrap();
    let report = &done.report;
    assert_eq!(report.outcome, Outcome::Compressed);
    assert_eq!((report.output.width, report.output.height), (WIDTH, HEIGHT));
    let warning = report.warnings.iter().find(|warning| warning.code == "salvaged").unwrap();
    assert!(warning.detail.contains("missing"), "{}", warning.detail);
    // What comes out is whole: it goes through again without being salvaged.
    assert!(run(&done.bytes, Request::default()).is_ok());
    let verification =
        verify_receipt(report, file, &done.bytes, &Limits::default(), &Control::new()).unwrap();
    assert!(verification.holds(), "{verification:?}");
}

#[test]
fn metadata_and_size_are_treated_as_ever() {
    let file = with_segment(&jpeg(), 0xe1, &exif(6, "Ada Lovelace", true));
    let resize = Resize { method: ResizeMethod::Scale, width: Some(60), height: None, enlarge: false };
    let done = run(cut(&file), Request::default().with_salvage(true).with_resize(resize)).unwrap();
    assert_eq!((done.report.output.width, done.report.output.height), (60, 80));
    assert!(done.report.warnings.iter().any(|warning| warning.code == "salvaged"));
}

#[test]
fn a_whole_file_is_not_called_salvaged() {
    let file = jpeg();
    let asked = run(&file, Request::default().with_salvage(true)).unwrap();
    assert!(asked.report.warnings.is_empty());
    assert!(asked.bytes == run(&file, Request::default()).unwrap().bytes);
}

#[test]
fn where_nothing_is_left_or_the_format_cannot_tell_it_stays_an_error() {
    let file = jpeg();
    let scan = file.windows(2).position(|pair| pair == [0xFF, 0xDA]).unwrap();
    let picture = png(WIDTH, HEIGHT, ColorType::Rgb, &photo(WIDTH, HEIGHT));
    for damaged in [&file[..scan], &file[..scan + 20], &picture[..picture.len() / 2]] {
        let error = run(damaged, Request::default().with_salvage(true)).unwrap_err();
        assert_eq!(error.code(), "malformed", "{error}");
    }
}

#[test]
fn any_cut_ends_in_a_picture_or_in_a_reason() {
    let file = jpeg();
    let request = Request::new(Target::Quality { quality: Quality(30.0) }).with_salvage(true);
    for length in (0..file.len()).step_by(97) {
        match run(&file[..length], request) {
            Ok(done) => assert_eq!(done.report.output.height, HEIGHT),
            Err(error) => assert!(matches!(error.code(), "malformed" | "unsupported"), "{error}"),
        }
    }
}
