//! What the engine's calls cost, on a made picture of 1.6 megapixels.

use std::hint::black_box;
use std::time::Duration;

use criterion::Criterion;
use demitasse_engine::{
    Control, Format, Limits, OutputFormat, Quality, Request, Score, Target, compress, inspect, read_metadata,
};

const WIDTH: u32 = 1536;
const HEIGHT: u32 = 1024;

fn main() {
    let png = picture();
    let quality = |quality| Target::Quality { quality: Quality(quality) };
    let score = |score| Target::Score { score: Score(score) };
    let jpeg = make(&png, quality(92.0), OutputFormat::of(Format::Jpeg));

    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(5))
        .configure_from_args();
    criterion.bench_function("inspect a JPEG", |bencher| {
        bencher.iter(|| inspect(black_box(&jpeg), &Limits::default()));
    });
    criterion.bench_function("read the metadata of a JPEG", |bencher| {
        bencher.iter(|| read_metadata(black_box(&jpeg), &Limits::default()));
    });
    for (name, bytes, target, format) in [
        ("JPEG to score 75", &jpeg, score(75.0), OutputFormat::of(Format::Jpeg)),
        ("JPEG to score 90", &jpeg, score(90.0), OutputFormat::of(Format::Jpeg)),
        ("JPEG at quality 75", &jpeg, quality(75.0), OutputFormat::of(Format::Jpeg)),
        ("JPEG lossless", &jpeg, Target::Lossless, OutputFormat::of(Format::Jpeg)),
        ("JPEG to WebP, score 75", &jpeg, score(75.0), OutputFormat::of(Format::Webp)),
        ("PNG to score 75", &png, score(75.0), OutputFormat::of(Format::Png)),
    ] {
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| make(black_box(bytes), target, format));
        });
    }
    criterion.final_summary();
}

fn make(bytes: &[u8], target: Target, format: OutputFormat) -> Vec<u8> {
    let request = Request::new(target).with_format(format);
    compress(bytes, &request, &Limits::default(), &Control::new()).expect("a good picture").bytes
}

/// Soft shapes, an edge and grain: a photo's mixture, as PNG.
fn picture() -> Vec<u8> {
    let mut samples = Vec::new();
    let mut noise = 0x2545_f491_u32;
    for index in 0..WIDTH * HEIGHT {
        let (x, y) = ((index % WIDTH) as f32, (index / WIDTH) as f32);
        noise ^= noise << 13;
        noise ^= noise >> 17;
        noise ^= noise << 5;
        let grain = (noise >> 24) as f32 / 255.0 * 14.0 - 7.0;
        let hill = if y > 600.0 + 120.0 * (x / 170.0).sin() { 70.0 } else { 0.0 };
        let soft = 40.0 * (x / 260.0).sin() * (y / 190.0).cos() + 14.0 * (x / 9.0).sin() * (y / 11.0).sin();
        for base in [150.0, 140.0, 170.0] {
            samples.push((base + soft - hill + grain - y / 20.0).clamp(0.0, 255.0) as u8);
        }
    }
    let mut png = Vec::new();
    let mut encoder = png::Encoder::new(&mut png, WIDTH, HEIGHT);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header().and_then(|mut writer| writer.write_image_data(&samples)).expect("PNG into memory");
    png
}
