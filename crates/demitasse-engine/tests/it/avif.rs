//! AVIF through the whole pipeline: to a target, again, and from other formats.

use demitasse_engine::{
    Control, Effort, Format, Limits, Outcome, OutputFormat, Request, Score, Target, compress, inspect,
    read_metadata,
};
use png::ColorType;

use crate::images::{photo, png};

fn avif(score: f64) -> Request {
    Request::new(Target::Score { score: Score(score) }).with_format(OutputFormat::of(Format::Avif))
}

fn run(bytes: &[u8], request: Request) -> demitasse_engine::Compressed {
    compress(bytes, &request, &Limits::default(), &Control::new()).unwrap()
}

#[test]
fn a_photo_reaches_its_target_and_goes_through_again_unchanged() {
    let source = png(240, 160, ColorType::Rgb, &photo(240, 160));
    for effort in [Effort::Balanced, Effort::Max] {
        let request = avif(70.0).with_effort(effort);
        let done = run(&source, request);
        assert_eq!(done.report.outcome, Outcome::Compressed, "{:?}", done.report);
        assert_eq!(inspect(&done.bytes, &Limits::default()).unwrap().format, Format::Avif);
        let score = done.report.score.unwrap().value.0;
        assert!((70.0..73.0).contains(&score), "{score}");
        let again = run(&done.bytes, request);
        assert_eq!(again.bytes, done.bytes);
        assert_eq!(again.report.outcome, Outcome::KeptOriginal);
    }
}

#[test]
fn transparency_survives_in_avif() {
    let rgba: Vec<u8> = photo(96, 64)
        .chunks_exact(3)
        .enumerate()
        .flat_map(|(index, rgb)| [rgb[0], rgb[1], rgb[2], (index % 96 * 2) as u8])
        .collect();
    let done = run(&png(96, 64, ColorType::Rgba, &rgba), avif(60.0));
    assert_eq!(done.report.outcome, Outcome::Compressed, "{:?}", done.report);
    assert!(done.report.output.alpha);
}

#[test]
fn an_avif_becomes_another_format() {
    let source = run(&png(120, 80, ColorType::Rgb, &photo(120, 80)), avif(90.0)).bytes;
    let request =
        Request::new(Target::Score { score: Score(50.0) }).with_format(OutputFormat::of(Format::Jpeg));
    let done = run(&source, request);
    let made = inspect(&done.bytes, &Limits::default()).unwrap().format;
    // Made again or, where the AVIF is smaller, kept: never larger.
    assert!(done.bytes.len() <= source.len() && matches!(made, Format::Jpeg | Format::Avif));
    assert!(read_metadata(&done.bytes, &Limits::default()).is_ok());
}
