//! What a caller is promised, on whole files.

use demitasse_engine::metadata::Kind;
use demitasse_engine::report::{ReasonCode, Verdict};
use demitasse_engine::{
    Compressed, Control, Error, Format, Limits, Outcome, OutputFormat, Preset, Quality, Request, Target,
    compress, inspect, memory_needed, read_metadata,
};
use png::ColorType;

use crate::images::{chart, crc32, decode_png, exif, photo, png, with_chunks, with_segment};

fn run(bytes: &[u8], request: Request) -> Compressed {
    let done = compress(bytes, &request, &Limits::default(), &Control::new()).unwrap();
    let report = &done.report;
    assert!(done.bytes.len() <= bytes.len(), "larger than its input: {report:?}");
    assert_eq!((report.input.bytes, report.output.bytes), (bytes.len() as u64, done.bytes.len() as u64));
    let chosen = report.candidates.iter().filter(|candidate| candidate.verdict == Verdict::Chosen).count();
    assert_eq!(chosen, usize::from(report.outcome == Outcome::Compressed), "{report:?}");
    let admits = report.reason.as_ref().is_some_and(|reason| reason.code == ReasonCode::MaxBytesExceeded);
    assert_eq!(report.outcome == Outcome::KeptOriginal, report.reason.is_some() && !admits);
    done
}

fn balanced() -> Request {
    Request::default()
}

/// A photo as a camera would save it: a JPEG of high quality.
fn camera_jpeg(width: u32, height: u32) -> Vec<u8> {
    let request =
        Request::new(Target::Quality { quality: Quality(96.0) }).with_format(OutputFormat::of(Format::Jpeg));
    let marked = run(&png(width, height, ColorType::Rgb, &photo(width, height)), request).bytes;
    // A camera leaves no mark: cut the comment out.
    let at = marked.windows(2).position(|pair| pair == [0xff, 0xfe]).unwrap();
    let length = usize::from(u16::from_be_bytes([marked[at + 2], marked[at + 3]]));
    [&marked[..at], &marked[at + 2 + length..]].concat()
}

#[test]
fn a_photo_reaches_its_target_with_fewer_bytes() {
    for preset in [Preset::Small, Preset::Balanced, Preset::High] {
        let Target::Score { score: target } = preset.target() else { unreachable!() };
        let done = run(&camera_jpeg(640, 480), Request::new(preset.target()));
        assert_eq!(done.report.outcome, Outcome::Compressed, "{:?}", done.report);
        let score = done.report.score.unwrap().value;
        assert!(score >= target && score.0 < target.0 + 3.0, "{preset}: {score:?}");
    }
}

#[test]
fn a_higher_target_costs_more_bytes() {
    let jpeg = camera_jpeg(400, 300);
    let [small, high] =
        [Preset::Small, Preset::High].map(|preset| run(&jpeg, Request::new(preset.target())).bytes.len());
    assert!(small < high, "{small} {high}");
}

#[test]
fn what_comes_out_goes_through_again_unchanged() {
    let inputs = [
        camera_jpeg(400, 300),
        png(400, 300, ColorType::Rgb, &photo(400, 300)),
        png(200, 160, ColorType::Rgba, &chart(200, 160)),
    ];
    for (index, input) in inputs.iter().enumerate() {
        for format in [OutputFormat::Keep, OutputFormat::of(Format::Webp), OutputFormat::of(Format::Png)] {
            for target in Preset::ALL
                .map(Preset::target)
                .into_iter()
                .chain([Target::Quality { quality: Quality(70.0) }])
            {
                let once = run(input, Request::new(target).with_format(format));
                let again = run(&once.bytes, Request::new(target).with_format(format));
                assert_eq!(
                    again.report.outcome,
                    Outcome::KeptOriginal,
                    "{index} {format:?} {:?}",
                    again.report
                );
                assert!(again.bytes == once.bytes, "{index} {format:?} {target:?}: the bytes changed");
            }
        }
    }
}

#[test]
fn what_a_fixed_quality_became_is_measured_once_on_every_pixel() {
    let request = Request::new(Target::Quality { quality: Quality(60.0) });
    let report = run(&camera_jpeg(900, 700), request).report;
    let score = report.score.unwrap();
    assert_eq!((score.tiles, score.share), (1, 1.0));
    assert!(score.worst_tile.is_some_and(|tile| tile.score <= score.value), "{score:?}");
    let trials: Vec<_> = report.candidates.iter().flat_map(|candidate| &candidate.trials).collect();
    assert_eq!(trials.iter().map(|trial| trial.score).collect::<Vec<_>>(), [Some(score.value)]);
}

#[test]
fn the_same_request_gives_the_same_bytes() {
    let jpeg = camera_jpeg(300, 200);
    assert!(run(&jpeg, balanced()).bytes == run(&jpeg, balanced()).bytes);
}

#[test]
fn a_lower_target_may_compress_again() {
    let once = run(&camera_jpeg(400, 300), Request::new(Preset::High.target()));
    let again = run(&once.bytes, Request::new(Preset::Small.target()));
    assert_eq!(again.report.outcome, Outcome::Compressed);
}

#[test]
fn a_photo_on_its_side_comes_out_upright() {
    let jpeg = with_segment(&camera_jpeg(480, 320), 0xe1, &exif(6, "Ada Lovelace", false));
    let done = run(&jpeg, balanced());
    assert_eq!((done.report.output.width, done.report.output.height), (320, 480));
    assert_eq!(done.report.metadata.orientation_applied, Some(6));
    let header = inspect(&done.bytes, &Limits::default()).unwrap();
    assert_eq!((header.width, header.height), (320, 480));
    assert!(read_metadata(&done.bytes, &Limits::default()).unwrap().orientation.is_upright());
}

#[test]
fn a_position_is_dropped_and_the_rights_are_kept() {
    let jpeg = with_segment(&camera_jpeg(320, 240), 0xe1, &exif(1, "Ada Lovelace", true));
    for preset in [Preset::Balanced, Preset::Lossless] {
        let done = run(&jpeg, Request::new(preset.target()));
        let found = read_metadata(&done.bytes, &Limits::default()).unwrap();
        assert_eq!(found.rights.copyright.as_deref(), Some("Ada Lovelace"), "{preset}");
        assert!(found.items.iter().all(|item| item.kind != Kind::Gps), "{preset}: {:?}", found.items);
        assert!(done.report.metadata.dropped.iter().any(|item| item.kind == Kind::Gps), "{preset}");
        assert!(!done.bytes.windows(2).any(|pair| pair == b"N\0"), "{preset}: GPS bytes are left");
    }
}

#[test]
fn a_kept_jpeg_on_its_side_keeps_its_orientation_and_loses_its_position() {
    let small = run(&camera_jpeg(320, 240), Request::new(Preset::Small.target())).bytes;
    let jpeg = with_segment(&small, 0xe1, &exif(8, "Ada Lovelace", true));
    let done = run(&jpeg, balanced());
    assert_eq!(done.report.outcome, Outcome::KeptOriginal);
    assert_eq!(done.report.reason.unwrap().code, ReasonCode::AlreadyCompressed);
    let found = read_metadata(&done.bytes, &Limits::default()).unwrap();
    assert_eq!(found.orientation.exif(), 8);
    assert!(found.items.iter().all(|item| item.kind != Kind::Gps));
    assert!(done.bytes.len() < jpeg.len());
}

#[test]
fn private_metadata_goes_even_where_the_rights_would_take_more_room_than_before() {
    // A long copyright notice, packed to a few bytes, beside a position.
    let picture = run(&png(64, 64, ColorType::Rgb, &photo(64, 64)), Request::new(Target::Lossless)).bytes;
    let notice = "All rights reserved. ".repeat(190);
    let file = with_chunks(
        &picture,
        &[(b"eXIf", &exif(1, "Ada Lovelace", true)[6..]), (b"zTXt", &packed("Copyright", &notice))],
    );
    let done = run(&file, Request::new(Target::Lossless));
    assert_eq!(done.report.outcome, Outcome::KeptOriginal, "{:?}", done.report);
    let found = read_metadata(&done.bytes, &Limits::default()).unwrap();
    assert!(found.items.iter().all(|item| item.kind != Kind::Gps), "{:?}", found.items);
    assert!(done.report.metadata.dropped.iter().any(|item| item.kind == Kind::Gps));
}

#[test]
fn what_no_encoder_can_carry_is_said_to_be_so() {
    let request = Request::new(Target::Lossless).with_format(OutputFormat::of(Format::Jpeg));
    let done = run(&png(64, 64, ColorType::Rgb, &photo(64, 64)), request);
    assert_eq!(done.report.reason.unwrap().code, ReasonCode::NoEncoder);
}

/// A `zTXt` chunk's data.
fn packed(keyword: &str, text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut encoder, text.as_bytes()).unwrap();
    [keyword.as_bytes(), &[0, 0], &encoder.finish().unwrap()].concat()
}

#[test]
fn transparency_survives_every_target() {
    let file = png(200, 160, ColorType::Rgba, &chart(200, 160));
    for format in [OutputFormat::Keep, OutputFormat::of(Format::Webp)] {
        for preset in Preset::ALL {
            let done = run(&file, Request::new(preset.target()).with_format(format));
            assert!(done.report.output.alpha, "{format:?} {preset}");
            if format == OutputFormat::Keep {
                let (width, _, color, samples) = decode_png(&done.bytes);
                assert_eq!(color, ColorType::Rgba, "{preset}");
                assert_eq!(samples[3], 0, "{preset}: the corner is opaque");
                assert_eq!(
                    samples[(20 * width as usize + 20) * 4 + 3],
                    255,
                    "{preset}: the middle is not opaque"
                );
            }
        }
    }
}

#[test]
fn transparency_is_never_flattened_silently() {
    let file = png(64, 64, ColorType::Rgba, &chart(64, 64));
    let request = balanced().with_format(OutputFormat::of(Format::Jpeg));
    let error = compress(&file, &request, &Limits::default(), &Control::new()).unwrap_err();
    assert_eq!(error.code(), "invalid_request");
}

#[test]
fn lossless_keeps_every_pixel() {
    let rgb = photo(150, 100);
    let done = run(&png(150, 100, ColorType::Rgb, &rgb), Request::new(Target::Lossless));
    assert!(done.report.lossless);
    assert_eq!(decode_png(&done.bytes).3, rgb);
}

#[test]
fn an_image_too_small_for_the_metric_stays_lossless() {
    let rgb: Vec<u8> = (0..7 * 40 * 3).map(|sample| (sample % 251) as u8).collect();
    let done = run(&png(7, 40, ColorType::Rgb, &rgb), Request::new(Preset::Small.target()));
    assert!(done.report.lossless, "{:?}", done.report);
}

#[test]
fn a_converted_image_says_its_format() {
    let done = run(
        &png(300, 200, ColorType::Rgb, &photo(300, 200)),
        balanced().with_format(OutputFormat::of(Format::Webp)),
    );
    assert_eq!(done.report.output.format, Format::Webp);
    assert_eq!(inspect(&done.bytes, &Limits::default()).unwrap().format, Format::Webp);
}

#[test]
fn what_is_no_image_is_refused_by_name() {
    let refused = |bytes: &[u8]| inspect(bytes, &Limits::default()).unwrap_err();
    assert!(matches!(refused(b""), Error::Unsupported(_)));
    assert!(matches!(refused(b"hello, world"), Error::Unsupported(_)));
    assert!(refused(b"\0\0\0\x20ftypavif\0\0\0\0").to_string().contains("AVIF"));
}

#[test]
fn a_bomb_is_refused_from_its_header() {
    let mut file = png(1, 1, ColorType::Rgb, &[1, 2, 3]);
    file[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
    let checksum = crc32(&file[12..29]).to_be_bytes();
    file[29..33].copy_from_slice(&checksum);
    let error = inspect(&file, &Limits::default()).unwrap_err();
    assert!(matches!(error, Error::LimitExceeded { limit: "columns", actual: 65_536, .. }), "{error:?}");
}

#[test]
fn a_truncated_file_is_an_error_and_never_a_picture() {
    let rgb = photo(120, 90);
    let files = [png(120, 90, ColorType::Rgb, &rgb), camera_jpeg(120, 90)];
    for file in files {
        for part in [10, 30, 60, 90] {
            let cut = &file[..file.len() * part / 100];
            let error = compress(cut, &balanced(), &Limits::default(), &Control::new()).unwrap_err();
            assert_eq!(error.code(), "malformed", "{part} %: {error}");
        }
    }
}

#[test]
fn a_deadline_and_a_cancel_end_the_work() {
    let file = camera_jpeg(200, 200);
    let cancelled = Control::new();
    cancelled.cancel();
    let late = Control::new().with_deadline(std::time::Instant::now());
    for (control, code) in [(cancelled, "cancelled"), (late, "deadline_exceeded")] {
        let error = compress(&file, &balanced(), &Limits::default(), &control).unwrap_err();
        assert_eq!(error.code(), code);
    }
}

#[test]
fn a_file_within_the_bytes_allowed_is_not_touched_by_a_lossy_encoder() {
    let jpeg = camera_jpeg(300, 200);
    let target =
        Target::MaxBytes { max_bytes: jpeg.len() as u64 + 10, floor: demitasse_engine::DEFAULT_FLOOR };
    let report = run(&jpeg, Request::new(target)).report;
    assert!(report.lossless, "{report:?}");
}

#[test]
fn few_bytes_are_filled_and_too_few_are_said_to_be_so() {
    let jpeg = camera_jpeg(640, 480);
    let max_bytes = jpeg.len() as u64 / 4;
    let target = |max_bytes| Target::MaxBytes { max_bytes, floor: demitasse_engine::DEFAULT_FLOOR };
    for format in [Format::Jpeg, Format::Webp] {
        let done = run(&jpeg, Request::new(target(max_bytes)).with_format(OutputFormat::of(format)));
        let bytes = done.bytes.len() as u64;
        assert!(bytes <= max_bytes && bytes * 10 > max_bytes * 8, "{format}: {bytes} of {max_bytes}");
        assert_eq!(done.report.reason, None);
    }
    let report = run(&jpeg, Request::new(target(10))).report;
    assert_eq!(report.reason.unwrap().code, ReasonCode::MaxBytesExceeded);
    assert!(report.score.is_some_and(|score| score.value >= demitasse_engine::DEFAULT_FLOOR));
}

#[test]
fn what_auto_chose_goes_through_auto_again_unchanged() {
    let png = png(300, 200, ColorType::Rgb, &photo(300, 200));
    let once = run(&png, balanced().with_format(OutputFormat::Auto));
    assert_eq!(once.report.outcome, Outcome::Compressed);
    let again = run(&once.bytes, balanced().with_format(OutputFormat::Auto));
    assert!(again.bytes == once.bytes, "{:?}", again.report);
}

#[test]
fn a_photo_without_loss_finds_the_format_that_can() {
    let png = png(300, 200, ColorType::Rgb, &photo(300, 200));
    let request = Request::new(Target::Lossless).with_format(OutputFormat::Auto);
    let report = run(&png, request).report;
    assert!(report.lossless && report.outcome == Outcome::Compressed, "{report:?}");
}

#[test]
fn what_does_not_fit_the_memory_is_left_out_with_a_warning_or_refused() {
    let png = png(600, 400, ColorType::Rgb, &photo(600, 400));
    let header = inspect(&png, &Limits::default()).unwrap();
    let jpeg = balanced().with_format(OutputFormat::of(Format::Jpeg));
    let both = OutputFormat::Among([Format::Jpeg, Format::Avif].into_iter().collect());
    let limits = Limits { max_memory: Some(memory_needed(&header, &jpeg)), ..Limits::default() };
    let done = compress(&png, &balanced().with_format(both), &limits, &Control::new()).unwrap();
    assert_eq!(done.report.output.format, Format::Jpeg);
    assert!(done.report.warnings.iter().any(|warning| warning.code == "left_out_for_memory"));
    let avif = balanced().with_format(OutputFormat::of(Format::Avif));
    let refusal = compress(&png, &avif, &limits, &Control::new()).unwrap_err();
    assert!(matches!(refusal, Error::MemoryBudget { .. }), "{refusal}");
    assert!(compress(&png, &jpeg, &limits, &Control::new()).is_ok());
}

#[test]
fn what_would_take_too_long_is_left_out_with_a_warning() {
    let png = png(600, 400, ColorType::Rgb, &photo(600, 400));
    let both = OutputFormat::Among([Format::Jpeg, Format::Avif].into_iter().collect());
    let request = balanced().with_format(both);
    let left_out = |seconds| {
        let limits = Limits { max_cpu_seconds: Some(seconds), ..Limits::default() };
        let report = compress(&png, &request, &limits, &Control::new()).unwrap().report;
        let tried = report.candidates.iter().any(|candidate| candidate.format == Format::Avif);
        (tried, report.warnings.iter().any(|warning| warning.code == "left_out_for_time"))
    };
    assert_eq!([left_out(0), left_out(60)], [(false, true), (true, false)]);
}

#[test]
fn an_animation_is_kept_whatever_its_frames_would_need() {
    // A header that promises two frames; the second one is never looked at.
    let mut file = b"GIF89a\x10\x27\x10\x27\x80\0\0\0\0\0\xff\xff\xff".to_vec();
    for _ in 0..2 {
        file.extend(b"\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0");
    }
    file.push(0x3b);
    let limits = Limits { max_memory: Some(1), ..Limits::default() };
    let done = compress(&file, &balanced(), &limits, &Control::new()).unwrap();
    assert_eq!(done.report.outcome, Outcome::KeptOriginal);
}

#[test]
fn fast_claims_no_measurement_where_it_predicts_and_measures_where_it_cannot() {
    let jpeg = camera_jpeg(640, 480);
    let fast =
        |format| balanced().with_effort(demitasse_engine::Effort::Fast).with_format(OutputFormat::of(format));
    let predicted = run(&jpeg, fast(Format::Jpeg)).report;
    assert_eq!((predicted.score, predicted.predicted_score.is_some()), (None, true));
    let mut candidates = predicted.candidates.iter();
    let chosen = candidates.find(|candidate| candidate.verdict == Verdict::Chosen).unwrap();
    assert_eq!(chosen.trials.iter().map(|trial| trial.score).collect::<Vec<_>>(), [None]);
    let measured = run(&png(200, 150, ColorType::Rgb, &photo(200, 150)), fast(Format::Png)).report;
    assert_eq!(measured.predicted_score, None);
    assert!(measured.lossless || measured.score.is_some(), "{measured:?}");
}
