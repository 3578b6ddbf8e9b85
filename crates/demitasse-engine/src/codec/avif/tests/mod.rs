//! What comes back from what was written; `container` has the files that others write.

mod container;

use proptest::prelude::*;

use super::aom::Settings;
use super::boxes::Boxes;
use super::encode::{IDENTITY, Lossy, Plan, SRGB};
use super::*;
use crate::codec::testing::*;
use crate::codec::{Setting, Source};
use crate::image::{Image, Layout, Samples};
use crate::metadata::Mark;
use crate::{Effort, Error, Format, Quality};

/// As few quanta as can be, so that what comes back is what went in but for rounding.
fn exact(bits: u8, halved: bool) -> Plan {
    Plan { settings: Settings { qindex: 0, speed: 9, options: &[] }, bits, halved }
}

fn planned(image: &Image, plan: &Plan) -> Vec<u8> {
    encode::encode(image, SRGB, plan, &Embedded::default(), &Control::new()).unwrap()
}

fn encode_at(image: &Image, effort: Effort, quality: f32, embedded: &Embedded) -> Vec<u8> {
    let source = Source { image, bytes: b"", format: Format::Tiff };
    assert!(Lossy.accepts(source));
    Lossy.encode(source, Setting { quality: Quality(quality), effort }, embedded, &Control::new()).unwrap()
}

fn quick(image: &Image, embedded: &Embedded) -> Vec<u8> {
    encode_at(image, Effort::Fast, 50.0, embedded)
}

fn full() -> Embedded {
    Embedded {
        icc: Some(vec![7; 301]),
        exif: crate::metadata::exif::write(
            None,
            &crate::metadata::Rights { copyright: Some("Ada".into()), artist: None },
        ),
        mark: Some(Mark::Score(72.5)),
        ..Embedded::default()
    }
}

fn kinds(file: &[u8]) -> Vec<String> {
    Boxes::of_file(file).map(|found| found.unwrap().kind.escape_ascii().to_string()).collect()
}

/// The largest difference of a channel, of 65,535.
fn furthest(before: &Image, after: &Image, channels: std::ops::Range<usize>) -> u16 {
    let pairs = rgba(before).into_iter().zip(rgba(after));
    pairs
        .flat_map(|(before, after)| channels.clone().map(move |at| before[at].abs_diff(after[at])))
        .max()
        .unwrap_or(0)
}

/// Smooth, so that halving its colour changes little.
fn ramp(width: u32, height: u32, layout: Layout) -> Image {
    let pixel = |x: u32, y: u32| {
        let rgb = [x * 2 + 20, 200 - y * 2, 60 + x + y];
        (0..layout.channels()).map(move |channel| match (layout.has_alpha(), channel) {
            (true, channel) if channel + 1 == layout.channels() => (x * 5 + y) as u8,
            (_, channel) => rgb[channel % 3] as u8,
        })
    };
    let samples = (0..height).flat_map(|y| (0..width).flat_map(move |x| pixel(x, y))).collect();
    Image::still(width, height, layout, Samples::U8(samples), None)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn without_quanta_every_sample_comes_back_to_one_of_255(
        width in 1_u32..40,
        height in 1_u32..40,
        layout in 0_usize..4,
        wide in any::<bool>(),
    ) {
        let image = picture(width, height, LAYOUTS[layout], if wide { 16 } else { 8 });
        let out = decode(&Avif, &planned(&image, &exact(10, false)));
        prop_assert_eq!((out.width, out.height, out.layout), (width, height, LAYOUTS[layout]));
        prop_assert!(furthest(&image, &out, 0..4) <= 257);
    }
}

#[test]
fn what_viewers_show_of_ten_bits_lacks_the_last_two_of_colour_differences() {
    let (limits, control) = (Limits::default(), Control::new());
    let image = ramp(64, 48, Layout::Rgb);
    let shown =
        |bits| Avif.decode_shown(&planned(&image, &exact(bits, false)), &limits, &control).unwrap().image;
    let means = |image: &Image| -> [f64; 3] {
        let pixels = rgba(image);
        [0, 1, 2].map(|at| pixels.iter().map(|p| f64::from(p[at]) / 257.0).sum::<f64>() / pixels.len() as f64)
    };
    let (before, after) = (means(&image), means(&shown(10)));
    // On average three quarters of a step of 8 bits are cut, half of which rounding would have taken too: 0.375 times
    // 1.402 for red, 1.772 for blue, and 0.344 + 0.714 back for green.
    for (found, expected) in [0, 1, 2].map(|at| after[at] - before[at]).into_iter().zip([-0.53, 0.40, -0.66])
    {
        assert!((found - expected).abs() < 0.15, "{before:?} {after:?}");
    }
    assert_eq!(shown(10).bits(), 8);
    let eight = planned(&image, &exact(8, false));
    assert_eq!(rgba(&shown(8)), rgba(&decode(&Avif, &eight)));
}

#[test]
fn every_depth_and_sampling_comes_back() {
    for bits in [8, 10, 12] {
        for layout in LAYOUTS {
            for halved in [false, true] {
                let image = ramp(37, 21, layout);
                let out = decode(&Avif, &planned(&image, &exact(bits, halved)));
                assert_eq!(out.bits(), if bits == 8 { 8 } else { 16 });
                let far = furthest(&image, &out, 0..4);
                // Of 8 bits, rounding luma and colour moves a channel by up to 2 of 255.
                let allowed = 257 * if halved { 6 } else { 2 };
                assert!(far <= allowed, "{bits} bits, {layout:?}, halved {halved}: {far}");
            }
        }
    }
}

#[test]
fn alpha_survives_at_every_quality_and_effort() {
    for effort in [Effort::Fast, Effort::Balanced, Effort::Max] {
        for layout in [Layout::GrayAlpha, Layout::Rgba] {
            let image = picture(61, 47, layout, 8);
            let out = decode(&Avif, &encode_at(&image, effort, 5.0, &Embedded::default()));
            // Of 65,535: rounded to 255 it is the same.
            assert!(furthest(&image, &out, 3..4) < 128, "{effort:?} {layout:?}");
        }
    }
}

#[test]
fn a_picture_of_any_size_looks_like_its_source() {
    for effort in [Effort::Fast, Effort::Balanced, Effort::Max] {
        for (width, height) in [(1, 1), (3, 5), (16, 16), (17, 15), (65, 33)] {
            let image = ramp(width, height, Layout::Rgb);
            let out = decode(&Avif, &encode_at(&image, effort, 98.0, &Embedded::default()));
            let far = furthest(&image, &out, 0..3);
            assert!(far <= 257 * 8, "{effort:?} {width} x {height}: {far}");
        }
    }
}

#[test]
fn more_quality_is_more_bytes() {
    let image = picture(128, 128, Layout::Rgb, 8);
    let bytes = |quality| encode_at(&image, Effort::Fast, quality, &Embedded::default()).len();
    assert!(bytes(20.0) < bytes(50.0) && bytes(50.0) < bytes(90.0));
}

#[test]
fn every_step_of_the_quantizer_can_be_had() {
    let image = picture(300, 200, Layout::Rgb, 8);
    let bytes = |qindex| {
        let settings = Settings { qindex, speed: 9, options: &[] };
        planned(&image, &Plan { settings, bits: 10, halved: true })
    };
    let steps = [120, 121, 122, 123, 124].map(|qindex| bytes(qindex).len());
    assert!(steps.is_sorted_by(|finer, coarser| finer > coarser), "{steps:?}");
}

#[test]
fn equal_requests_make_equal_bytes() {
    let image = picture(150, 90, Layout::Rgba, 8);
    for effort in [Effort::Fast, Effort::Balanced, Effort::Max] {
        let encode = || encode_at(&image, effort, 60.0, &full());
        let first = encode();
        assert_eq!(std::thread::scope(|scope| scope.spawn(encode).join().unwrap()), first);
    }
}

#[test]
fn what_is_embedded_reads_back_around_the_same_pixels() {
    for layout in LAYOUTS {
        let image = picture(15, 9, layout, 8);
        let bare = quick(&image, &Embedded::default());
        let out = quick(&image, &full());
        let metadata = Avif.read_metadata(&out, &Limits::default()).unwrap();
        assert_eq!((metadata.icc, metadata.mark), (full().icc, full().mark));
        assert_eq!(metadata.rights.copyright.as_deref(), Some("Ada"));
        assert_eq!(rgba(&decode(&Avif, &out)), rgba(&decode(&Avif, &bare)));
        assert_eq!(Avif.strip(&out, &Embedded::default()).unwrap(), bare);
        assert_eq!(Avif.strip(&bare, &full()).unwrap(), out);
        assert_eq!(Avif.read_header(&out).unwrap(), Avif.read_header(&bare).unwrap());
    }
}

#[test]
fn damage_is_an_error_and_nothing_worse() {
    let out = quick(&picture(40, 30, Layout::Rgba, 8), &full());
    assert_eq!(kinds(&out), ["ftyp", "meta", "uuid", "mdat"]);
    refuses_every_truncation(&Avif, &out);
    survives_every_damage(&Avif, &out);
}

#[test]
fn an_encode_stops_when_it_is_told_to() {
    let image = picture(30, 30, Layout::Rgb, 8);
    let control = Control::new();
    control.cancel();
    let source = Source { image: &image, bytes: b"", format: Format::Tiff };
    let stopped = Lossy.encode(source, setting(50.0), &Embedded::default(), &control);
    assert!(matches!(stopped, Err(Error::Cancelled)));
}

#[test]
fn the_recipe_names_the_version_that_runs() {
    assert!(aom::version().contains(IDENTITY.1), "{}", aom::version());
    assert_eq!(dav1d::version(), dav1d::VERSION);
}
