//! Files of our own making, there and back.

mod damage;
mod markers;

use std::time::Instant;

use super::encode::{Jpegli, Transcode};
use super::jpegli::{Raster, Settings};
use super::*;
use crate::Format;
use crate::codec::testing::setting;
use crate::codec::{Mode, Source};

const FRAME_END: [u8; 2] = [0xFF, 0xD9];

/// Something like a photo: slopes, waves, an edge, a little noise.
fn photo(width: u32, height: u32, layout: Layout) -> Image {
    let mut noise = 1_u32;
    let mut samples = Vec::new();
    for y in 0..height {
        for x in 0..width {
            for channel in 0..layout.channels() as u32 {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let wave = ((x + 7 * channel) as f32 / 9.0).sin() * ((y as f32) / 13.0).cos() * 50.0;
                let edge = if (x + y) % 97 < 40 { 30.0 } else { 0.0 };
                let slope = (x * (channel + 1) + y) as f32 * 60.0 / (width + height) as f32;
                samples.push((60.0 + wave + edge + slope + (noise >> 28) as f32).clamp(0.0, 255.0) as u8);
            }
        }
    }
    Image::still(width, height, layout, Samples::U8(samples), None)
}

fn source<'a>(image: &'a Image, bytes: &'a [u8]) -> Source<'a> {
    Source { image, bytes, format: if bytes.is_empty() { Format::Png } else { Format::Jpeg } }
}

fn compress(image: &Image, quality: f32) -> Vec<u8> {
    Jpegli.encode(source(image, &[]), setting(quality), &Embedded::default(), &Control::new()).unwrap()
}

fn raw(image: &Image, subsampled: bool, progressive_level: u8) -> Vec<u8> {
    let raster = Raster {
        width: image.width,
        height: image.height,
        channels: image.layout.channels() as u8,
        samples: image.samples_u8().unwrap(),
    };
    let settings = Settings { distance: 1.5, subsampled, progressive_level };
    jpegli::encode(raster, settings, &Control::new()).unwrap()
}

fn decode(bytes: &[u8]) -> Result<Decoded> {
    Jpeg.decode(bytes, &Limits::default(), &Control::new())
}

fn pixels(bytes: &[u8]) -> Image {
    decode(bytes).unwrap().image
}

fn mean_difference(a: &Image, b: &Image) -> f64 {
    let (a, b) = (a.samples_u8().unwrap(), b.samples_u8().unwrap());
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / a.len() as f64
}

#[test]
fn what_is_encoded_decodes_to_nearly_the_same() {
    for layout in [Layout::Gray, Layout::Rgb] {
        for (width, height) in [(1, 1), (7, 9), (16, 16), (65_500, 1), (1, 65_500), (131, 77)] {
            let image = photo(width, height, layout);
            let decoded = decode(&compress(&image, 90.0)).unwrap();
            assert_eq!((decoded.image.width, decoded.image.height), (width, height));
            assert_eq!(decoded.image.layout, layout, "gray stays gray");
            assert_eq!(decoded.warnings, []);
            let difference = mean_difference(&image, &decoded.image);
            assert!(difference < 5.0, "{width} x {height} {layout:?}: {difference}");
        }
    }
}

#[test]
fn more_quality_is_more_bytes_and_less_difference() {
    let image = photo(256, 192, Layout::Rgb);
    let Mode::Lossy { min, max, step } = Jpegli.mode() else { panic!("it is lossy") };
    assert!(min < max && step > 0.0);
    let mut last = (0, f64::INFINITY);
    for quality in [min.0, 20.0, 40.0, 60.0, 75.0, 85.0, 92.0, max.0] {
        let bytes = compress(&image, quality);
        let now = (bytes.len(), mean_difference(&image, &pixels(&bytes)));
        assert!(now.0 > last.0 && now.1 < last.1, "at {quality}: {last:?} {now:?}");
        last = now;
    }
}

#[test]
fn a_quarter_of_a_quality_step_makes_another_file() {
    let image = photo(256, 192, Layout::Rgb);
    assert_ne!(compress(&image, 60.0), compress(&image, 60.25));
    assert_eq!(compress(&image, 60.25), compress(&image, 60.25));
}

#[test]
fn a_transcode_finds_nothing_to_save_in_a_small_output() {
    for side in [8, 40, 96, 300] {
        let file = compress(&photo(side, side, Layout::Rgb), 75.0);
        let again = mozjpeg::transcode(&file, false, &Control::new()).unwrap();
        assert!(again.len() >= file.len(), "{side}: {} of {}", again.len(), file.len());
    }
}

#[test]
fn what_jpeg_cannot_carry_is_not_accepted() {
    let sixteen = Image::still(1, 1, Layout::Gray, Samples::U16(vec![1]), None);
    for image in
        [photo(2, 2, Layout::Rgba), photo(2, 2, Layout::GrayAlpha), photo(65_501, 1, Layout::Gray), sixteen]
    {
        assert!(!Jpegli.accepts(source(&image, &[])));
        let result = Jpegli.encode(source(&image, &[]), setting(75.0), &Embedded::default(), &Control::new());
        assert_eq!(result.unwrap_err().code(), "codec_failed");
    }
}

#[test]
fn a_transcode_keeps_every_pixel_and_is_not_larger() {
    for (layout, subsampled) in [(Layout::Gray, false), (Layout::Rgb, false), (Layout::Rgb, true)] {
        let image = photo(203, 150, layout);
        let original = raw(&image, subsampled, 0);
        let source = source(&image, &original);
        assert!(Transcode.accepts(source) && Transcode.keeps_coefficients());
        let result = Transcode.encode(source, setting(0.0), &Embedded::default(), &Control::new()).unwrap();
        assert_eq!(pixels(&result), pixels(&original));
        // The original has tables of its own already, and few pixels do not repay more scans: but for JFIF's marker
        // and the order of tables, the file is the same.
        assert!(result.len() <= original.len() + 64, "{} of {}", result.len(), original.len());
    }
}

#[test]
fn a_transcode_of_a_larger_file_is_smaller() {
    let original = raw(&photo(640, 480, Layout::Rgb), true, 0);
    let result = mozjpeg::transcode(&original, false, &Control::new()).unwrap();
    assert_eq!(pixels(&result), pixels(&original));
    assert!(result.len() < original.len(), "{} of {}", result.len(), original.len());
}

#[test]
fn only_a_jpeg_is_transcoded() {
    let image = photo(8, 8, Layout::Rgb);
    assert!(!Transcode.accepts(source(&image, &[])));
    let file = raw(&image, true, 0);
    assert!(!Transcode.accepts(Source { format: Format::Png, ..source(&image, &file) }));
    assert!(!Transcode.accepts(source(&image, &cmyk(true))));
}

#[test]
fn a_cancelled_or_late_call_stops() {
    let image = photo(64, 64, Layout::Rgb);
    let file = raw(&image, true, 2);
    let cancelled = Control::new();
    cancelled.cancel();
    let late = Control::new().with_deadline(Instant::now());
    for (control, code) in [(&cancelled, "cancelled"), (&late, "deadline_exceeded")] {
        let keep = Embedded::default();
        let limits = Limits::default();
        assert_eq!(Jpeg.decode(&file, &limits, control).unwrap_err().code(), code);
        for encoder in Jpeg.encoders() {
            let result = encoder.encode(source(&image, &file), setting(75.0), &keep, control);
            assert_eq!(result.unwrap_err().code(), code);
        }
    }
}

/// One gray-ish block in four components: C, M, Y stored as 128, K as 1.
fn cmyk(adobe: bool) -> Vec<u8> {
    let mut file = vec![0xFF, 0xD8];
    let mut push = |code: u8, payload: &[u8]| {
        file.extend([0xFF, code]);
        file.extend((payload.len() as u16 + 2).to_be_bytes());
        file.extend(payload);
    };
    if adobe {
        push(0xEE, b"Adobe\0\x64\0\0\0\0\0");
    }
    push(0xDB, &[&[0][..], &[8; 64]].concat());
    push(0xC0, &[8, 0, 8, 0, 8, 4, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0, 4, 0x11, 0]);
    // DC: 0 is category 0, 10 is category 7. AC: 0 is the end of the block.
    push(0xC4, &[&[0x00, 1, 1][..], &[0; 14], &[0, 7]].concat());
    push(0xC4, &[&[0x10, 1][..], &[0; 15], &[0]].concat());
    push(0xDA, &[4, 1, 0, 2, 0, 3, 0, 4, 0, 0, 63, 0]);
    file.extend([0x02, 0x00]);
    file.extend(FRAME_END);
    file
}

#[test]
fn cmyk_becomes_srgb_and_says_so() {
    for (adobe, expected) in [(true, 1), (false, 126)] {
        let decoded = decode(&cmyk(adobe)).unwrap();
        assert_eq!((decoded.image.layout, decoded.image.profile), (Layout::Rgb, None));
        assert_eq!(decoded.warnings[0].code, "cmyk_converted");
        let Samples::U8(samples) = &decoded.image.frames[0].samples else { panic!("8 bits") };
        assert!(samples.iter().all(|sample| sample.abs_diff(expected) <= 1), "{samples:?}");
    }
}

#[test]
fn tables_of_sixteen_bits_decode_the_same() {
    let file = raw(&photo(40, 30, Layout::Rgb), true, 0);
    let mut wide = vec![0xFF, 0xD8];
    for segment in marker::Walk::new(&file).unwrap() {
        let segment = segment.unwrap();
        if segment.code != 0xDB {
            wide.extend(segment.whole);
            continue;
        }
        for table in segment.payload.chunks_exact(65) {
            wide.extend([0xFF, 0xDB, 0, 2 + 129, 0x10 | table[0]]);
            wide.extend(table[1..].iter().flat_map(|value| [0, *value]));
        }
    }
    wide.extend(FRAME_END);
    assert!(wide.len() > file.len() + 128);
    assert_eq!(pixels(&wide), pixels(&file));
}
