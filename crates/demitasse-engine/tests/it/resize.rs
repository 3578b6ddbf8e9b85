//! Another size on the way: whole files in, whole files out.

use demitasse_engine::report::ReasonCode;
use demitasse_engine::{
    Compressed, Control, Format, FormatSet, Limits, Outcome, OutputFormat, Preset, Quality, Request, Resize,
    ResizeMethod, Target, compress, inspect, read_metadata,
};
use png::ColorType;

use crate::images::{chart, decode_png, exif, photo, png, with_segment};

fn resize(method: ResizeMethod, width: u32, height: u32) -> Resize {
    let side = |side| (side > 0).then_some(side);
    Resize { method, width: side(width), height: side(height), enlarge: false }
}

fn run(bytes: &[u8], request: Request) -> Compressed {
    compress(bytes, &request, &Limits::default(), &Control::new()).unwrap()
}

/// The size that the bytes have; what the report says is looked at on the way.
fn size(done: &Compressed) -> (u32, u32) {
    let header = inspect(&done.bytes, &Limits::default()).unwrap();
    let output = &done.report.output;
    assert_eq!((output.width, output.height, output.format), (header.width, header.height, header.format));
    assert_eq!(output.bytes, done.bytes.len() as u64);
    (header.width, header.height)
}

fn photo_jpeg(width: u32, height: u32) -> Vec<u8> {
    let request =
        Request::new(Target::Quality { quality: Quality(90.0) }).with_format(OutputFormat::of(Format::Jpeg));
    run(&png(width, height, ColorType::Rgb, &photo(width, height)), request).bytes
}

#[test]
fn a_photo_on_its_side_gets_the_width_that_a_viewer_sees() {
    let jpeg = with_segment(&photo_jpeg(1200, 800), 0xe1, &exif(6, "Ada Lovelace", true));
    let request = Request::default().with_resize(resize(ResizeMethod::Scale, 200, 0));
    let done = run(&jpeg, request);
    assert_eq!(size(&done), (200, 300));
    let report = &done.report;
    assert_eq!((report.input.width, report.input.height), (800, 1200));
    assert_eq!((report.outcome, report.metadata.orientation_applied), (Outcome::Compressed, Some(6)));
    let found = read_metadata(&done.bytes, &Limits::default()).unwrap();
    assert!(found.orientation.is_upright());
    assert_eq!(found.rights.copyright.as_deref(), Some("Ada Lovelace"));
    assert!(report.score.as_ref().unwrap().value.0 >= 75.0, "{report:?}");
    assert!(run(&jpeg, request).bytes == done.bytes, "other bytes at the second time");
}

#[test]
fn every_method_gives_the_size_that_it_names_in_every_format() {
    let rgb = photo(640, 480);
    let files = [photo_jpeg(640, 480), png(640, 480, ColorType::Rgb, &rgb)];
    for file in &files {
        for (wanted, expected) in [
            (resize(ResizeMethod::Scale, 0, 120), (160, 120)),
            (resize(ResizeMethod::Fit, 100, 100), (100, 75)),
            (resize(ResizeMethod::Cover, 100, 100), (100, 100)),
            (resize(ResizeMethod::Thumb, 300, 50), (300, 50)),
            (resize(ResizeMethod::Thumb, 640, 100), (640, 100)),
        ] {
            for format in [Format::Jpeg, Format::Png, Format::Webp] {
                let request = Request::default().with_format(OutputFormat::of(format)).with_resize(wanted);
                let done = run(file, request);
                assert_eq!((size(&done), done.report.output.format), (expected, format), "{wanted:?}");
            }
        }
    }
}

#[test]
fn nothing_grows_unless_it_is_asked_to() {
    let file = png(60, 40, ColorType::Rgb, &photo(60, 40));
    let wanted = resize(ResizeMethod::Scale, 90, 0);
    let as_before = run(&file, Request::default());
    let kept = run(&file, Request::default().with_resize(wanted));
    assert_eq!(size(&kept), (60, 40));
    assert!(kept.bytes == as_before.bytes, "a resize that changes nothing is none");
    let cover = run(&file, Request::default().with_resize(resize(ResizeMethod::Cover, 100, 100)));
    assert_eq!(size(&cover), (40, 40));
    let enlarged = run(&file, Request::default().with_resize(Resize { enlarge: true, ..wanted }));
    assert_eq!(size(&enlarged), (90, 60));
}

#[test]
fn an_enlarged_image_may_have_more_bytes_and_says_so() {
    let file = run(&png(60, 40, ColorType::Rgb, &photo(60, 40)), Request::new(Target::Lossless)).bytes;
    let wanted = Resize { enlarge: true, ..resize(ResizeMethod::Scale, 600, 0) };
    let done = run(&file, Request::new(Target::Lossless).with_resize(wanted));
    assert_eq!((size(&done), done.report.outcome), ((600, 400), Outcome::Compressed));
    assert!(done.bytes.len() > file.len());
    assert_eq!(
        done.report.warnings.iter().map(|w| w.code.as_str()).collect::<Vec<_>>(),
        ["larger_than_input"]
    );
}

#[test]
fn an_output_above_the_limits_is_refused() {
    let file = png(60, 40, ColorType::Rgb, &photo(60, 40));
    let wanted = Resize { enlarge: true, ..resize(ResizeMethod::Cover, 60_000, 60_000) };
    let request = Request::default().with_resize(wanted);
    let error = compress(&file, &request, &Limits::default(), &Control::new()).unwrap_err();
    assert_eq!(error.code(), "limit_exceeded");
}

#[test]
fn transparency_is_resized_with_its_colours() {
    let file = png(200, 160, ColorType::Rgba, &chart(200, 160));
    for target in [Target::Lossless, Preset::Balanced.target()] {
        let done = run(&file, Request::new(target).with_resize(resize(ResizeMethod::Fit, 50, 50)));
        assert_eq!(size(&done), (50, 40));
        assert!(done.report.output.alpha && done.report.input.alpha);
        let (_, _, color, samples) = decode_png(&done.bytes);
        assert_eq!(color, ColorType::Rgba);
        assert_eq!((samples[3], samples[(20 * 50 + 25) * 4 + 3]), (0, 255));
    }
}

#[test]
fn what_a_crop_leaves_opaque_may_become_a_jpeg() {
    // The transparent corner is outside of the middle.
    let file = png(200, 100, ColorType::Rgba, &chart(200, 100));
    let request = Request::default().with_format(OutputFormat::of(Format::Jpeg)).with_resize(resize(
        ResizeMethod::Cover,
        50,
        50,
    ));
    let report = run(&file, request).report;
    assert_eq!((report.input.alpha, report.output.alpha), (true, false));
}

#[test]
fn sixteen_bits_stay_sixteen() {
    let samples: Vec<u8> = (0..64_u32 * 48)
        .flat_map(|index| (index % 64 * 1000 + index / 64 * 7 + 3).to_be_bytes()[2..].to_vec())
        .collect();
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 64, 48);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Sixteen);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&samples).unwrap();
    writer.finish().unwrap();
    let request = Request::new(Target::Lossless).with_resize(resize(ResizeMethod::Scale, 32, 0));
    let done = run(&file, request);
    assert_eq!((size(&done), done.report.output.bits, done.report.lossless), ((32, 24), 16, true));
}

#[test]
fn a_lossless_jpeg_of_another_size_is_refused_with_a_way_out() {
    let jpeg = photo_jpeg(300, 200);
    let wanted = resize(ResizeMethod::Scale, 100, 0);
    let request = Request::new(Target::Lossless).with_resize(wanted);
    let error = compress(&jpeg, &request, &Limits::default(), &Control::new()).unwrap_err();
    assert_eq!(error.code(), "invalid_request");
    assert!(error.to_string().contains("png and webp"), "{error}");
    let formats: FormatSet = [Format::Jpeg, Format::Webp].into_iter().collect();
    let done = run(&jpeg, request.with_format(OutputFormat::Among(formats)));
    assert_eq!((size(&done), done.report.output.format), ((100, 67), Format::Webp));
    assert!(done.report.lossless);
}

#[test]
fn a_mark_of_an_earlier_compression_does_not_stop_a_resize() {
    let once = run(&photo_jpeg(400, 300), Request::default());
    let request = Request::default().with_resize(resize(ResizeMethod::Scale, 200, 0));
    let resized = run(&once.bytes, request);
    assert_eq!((size(&resized), resized.report.outcome), ((200, 150), Outcome::Compressed));
    let again = run(&resized.bytes, request);
    assert_eq!(again.report.reason.unwrap().code, ReasonCode::AlreadyCompressed);
    assert!(again.bytes == resized.bytes);
}

#[test]
fn something_of_the_size_comes_out_where_no_encoder_reaches_the_target() {
    let jpeg = photo_jpeg(400, 300);
    let target = Target::Score { score: demitasse_engine::Score(100.0) };
    let done = run(&jpeg, Request::new(target).with_resize(resize(ResizeMethod::Scale, 200, 0)));
    assert_eq!(size(&done), (200, 150));
    assert!(
        done.report.warnings.iter().any(|warning| warning.code == "target_not_reached"),
        "{:?}",
        done.report
    );
    assert!(done.report.score.unwrap().value.0 > 85.0);
}

#[test]
fn a_banner_may_become_a_line_of_pixels() {
    let done = run(&photo_jpeg(600, 30), Request::default().with_resize(resize(ResizeMethod::Fit, 40, 40)));
    assert_eq!((size(&done), done.report.output.format), ((40, 2), Format::Jpeg));
}

#[test]
fn an_animation_is_not_resized_and_says_so() {
    let mut file = Vec::new();
    let mut encoder = gif::Encoder::new(&mut file, 8, 8, &[0, 0, 0, 255, 255, 255]).unwrap();
    for index in 0..2 {
        let frame =
            gif::Frame { width: 8, height: 8, buffer: vec![index; 64].into(), ..gif::Frame::default() };
        encoder.write_frame(&frame).unwrap();
    }
    drop(encoder);
    let request = Request::default().with_resize(resize(ResizeMethod::Fit, 4, 4));
    let error = compress(&file, &request, &Limits::default(), &Control::new()).unwrap_err();
    assert_eq!(error.code(), "invalid_request");
    let larger = Request::default().with_resize(resize(ResizeMethod::Fit, 40, 40));
    assert_eq!(run(&file, larger).report.animation.unwrap().frames, 2);
}

#[test]
fn a_photo_that_is_decoded_at_a_part_of_its_size_looks_as_if_it_were_not() {
    // PNG has no such way: the same pixels, decoded whole.
    let jpeg = photo_jpeg(1600, 1200);
    let whole = run(&jpeg, Request::new(Target::Lossless).with_format(OutputFormat::of(Format::Png))).bytes;
    let request = Request::new(Target::Lossless)
        .with_format(OutputFormat::of(Format::Png))
        .with_resize(resize(ResizeMethod::Scale, 170, 0));
    let [shrunk, whole] = [run(&jpeg, request), run(&whole, request)].map(|done| decode_png(&done.bytes).3);
    let difference: u64 = shrunk.iter().zip(&whole).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    assert!(difference < shrunk.len() as u64 * 2, "{} on average", difference / shrunk.len() as u64);
}

#[test]
fn few_bytes_are_kept_to_or_the_report_says_that_they_are_not() {
    let jpeg = photo_jpeg(400, 300);
    for max_bytes in [10, 4_000] {
        let target = Target::MaxBytes { max_bytes, floor: demitasse_engine::DEFAULT_FLOOR };
        let done = run(&jpeg, Request::new(target).with_resize(resize(ResizeMethod::Scale, 200, 0)));
        assert_eq!(size(&done), (200, 150));
        let fits = done.bytes.len() as u64 <= max_bytes;
        assert!(fits || done.report.reason.is_some(), "{:?}", done.report);
    }
}
