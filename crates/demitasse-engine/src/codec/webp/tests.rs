use proptest::prelude::*;

use super::container::{Riff, write_chunk};
use super::encode::{IDENTITY, Lossless, Lossy, NearLossless};
use super::*;
use crate::codec::testing::*;
use crate::codec::{Setting, Source};
use crate::metadata::{Kind, Mark};
use crate::{Effort, Error, Format, Quality};

fn lossless(image: &Image) -> Vec<u8> {
    encode(&Lossless, image, 0.0, &Embedded::default())
}

fn full() -> Embedded {
    Embedded {
        icc: Some(vec![7; 301]),
        exif: Some(b"II*\0\x08\0\0\0\0\0\0\0\0\0".to_vec()),
        mark: Some(Mark::Score(72.5)),
        ..Embedded::default()
    }
}

fn kinds(webp: &[u8]) -> Vec<String> {
    Riff::open(webp, false).unwrap().map(|chunk| chunk.unwrap().kind.escape_ascii().to_string()).collect()
}

/// `webp` with more chunks at its end.
fn with_chunks(webp: &[u8], chunks: &[([u8; 4], &[u8])]) -> Vec<u8> {
    let mut out = webp.to_vec();
    for (kind, data) in chunks {
        write_chunk(&mut out, *kind, data);
    }
    let size = (out.len() - 8) as u32;
    out[4..8].copy_from_slice(&size.to_le_bytes());
    out
}

fn animated() -> Vec<u8> {
    let mut out = b"RIFF\0\0\0\0WEBP".to_vec();
    write_chunk(&mut out, *b"VP8X", &[2, 0, 0, 0, 9, 0, 0, 19, 0, 0]);
    write_chunk(&mut out, *b"ANIM", &[0; 6]);
    write_chunk(&mut out, *b"ANMF", &[0; 16]);
    with_chunks(&out, &[])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_pixel_of_a_lossless_webp_comes_back(width in 1u32..40, height in 1u32..40, layout in 0usize..4) {
        let image = picture(width, height, LAYOUTS[layout], 8);
        let out = decode(&Webp, &lossless(&image));
        prop_assert!(rgba(&out) == rgba(&image));
        prop_assert_eq!((out.width, out.height), (width, height));
    }
}

#[test]
fn alpha_survives_a_lossy_webp_whole() {
    for layout in [Layout::GrayAlpha, Layout::Rgba] {
        let image = picture(61, 47, layout, 8);
        let out = decode(&Webp, &encode(&Lossy, &image, 30.0, &Embedded::default()));
        assert!(rgba(&image).iter().zip(rgba(&out)).all(|(before, after)| before[3] == after[3]));
    }
}

#[test]
fn a_lossy_webp_looks_like_its_source() {
    for layout in [Layout::Gray, Layout::Rgb] {
        for (width, height) in [(1, 1), (17, 33), (64, 64)] {
            let image = picture(width, height, layout, 8);
            let out = rgba(&decode(&Webp, &encode(&Lossy, &image, 95.0, &Embedded::default())));
            let far = rgba(&image).iter().zip(&out).map(|(a, b)| u64::from(a[1].abs_diff(b[1]))).sum::<u64>();
            assert!(far / (out.len() as u64) < 10 * 257, "{layout:?} {width} x {height}: {far}");
        }
    }
}

#[test]
fn a_prepared_source_gives_the_bytes_of_an_unprepared_one_each_time() {
    for layout in LAYOUTS {
        let image = picture(75, 43, layout, 8);
        let source = Source { image: &image, bytes: b"", format: Format::Png };
        let prepared = Lossy.prepare(source, &Control::new()).unwrap().unwrap();
        for (quality, effort) in [(60.0, Effort::Balanced), (20.0, Effort::Fast), (60.0, Effort::Balanced)] {
            let setting = Setting { quality: Quality(quality), effort };
            let apart = Lossy.encode(source, setting, &full(), &Control::new()).unwrap();
            assert_eq!(prepared.encode(setting, &full(), &Control::new()).unwrap(), apart);
        }
    }
}

/// Smooth with some grain, which is what near-lossless takes away; every third pixel clear.
fn grainy(width: u32, height: u32, layout: Layout) -> Image {
    let mut noise = Noise(7);
    let mut samples = Vec::new();
    for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
        samples.extend([x, 2 * y, 40].map(|sample| (sample + (noise.next() % 24) as u32) as u8));
        samples.extend(layout.has_alpha().then_some(if (x + y) % 3 == 0 { 0 } else { 255 }));
    }
    Image::still(width, height, layout, Samples::U8(samples), None)
}

#[test]
fn near_lossless_moves_no_sample_further_than_its_quality_says_and_no_clear_edge() {
    for layout in [Layout::Rgb, Layout::Rgba] {
        let image = grainy(96, 80, layout);
        let mut sizes = vec![lossless(&image).len()];
        for (quality, furthest) in [(80.0, 1), (60.0, 2), (40.0, 4), (20.0, 8), (0.0, 16)] {
            let webp = encode(&NearLossless, &image, quality, &Embedded::default());
            let out = decode(&Webp, &webp);
            for (before, after) in rgba(&image).iter().zip(rgba(&out)) {
                assert_eq!(before[3], after[3]);
                let is_near = |at: usize| before[at].abs_diff(after[at]) <= furthest * 257;
                assert!(before[3] == 0 || (0..3).all(is_near), "{before:?} {after:?}");
            }
            sizes.push(webp.len());
        }
        assert!(sizes[1] < sizes[0] && sizes[3] < sizes[1], "{sizes:?}");
    }
}

#[test]
fn near_lossless_leaves_alone_what_it_would_harm_or_not_change() {
    let accepts = |image: &Image| NearLossless.accepts(Source { image, bytes: b"", format: Format::Png });
    assert!(accepts(&grainy(64, 64, Layout::Rgba)));
    assert!(!accepts(&grainy(63, 64, Layout::Rgba)));
    // Every alpha there is.
    assert!(!accepts(&picture(64, 64, Layout::Rgba, 8)));
    assert!(!NearLossless.takes_requested_quality());
}

#[test]
fn quality_is_continuous() {
    let image = picture(128, 128, Layout::Rgb, 8);
    let sizes: Vec<_> = [40.0, 40.5, 80.0]
        .into_iter()
        .map(|quality| encode(&Lossy, &image, quality, &Embedded::default()).len())
        .collect();
    assert!(sizes[0] <= sizes[1] && sizes[1] < sizes[2], "{sizes:?}");
}

#[test]
fn what_is_embedded_reads_back_around_the_same_pixels() {
    let encoders: [&dyn Encoder; 2] = [&Lossy, &Lossless];
    for encoder in encoders {
        for layout in [Layout::Rgb, Layout::Rgba] {
            let image = picture(15, 9, layout, 8);
            let bare = encode(encoder, &image, 50.0, &Embedded::default());
            let out = encode(encoder, &image, 50.0, &full());
            let metadata = Webp.read_metadata(&out, &Limits::default()).unwrap();
            assert_eq!((metadata.icc, metadata.mark), (full().icc, full().mark));
            assert_eq!(rgba(&decode(&Webp, &out)), rgba(&decode(&Webp, &bare)));
            assert_eq!(Webp.strip(&out, &Embedded::default()).unwrap(), bare);
            assert_eq!(Webp.strip(&bare, &full()).unwrap(), out);
            refuses_every_truncation(&Webp, &out);
            survives_every_damage(&Webp, &out);
        }
    }
}

#[test]
fn nothing_to_embed_makes_a_simple_file() {
    assert_eq!(kinds(&encode(&Lossy, &picture(8, 8, Layout::Rgb, 8), 50.0, &Embedded::default())), ["VP8 "]);
    assert_eq!(kinds(&lossless(&picture(8, 8, Layout::Rgba, 8))), ["VP8L"]);
    let order = ["VP8X", "ICCP", "ALPH", "VP8 ", "EXIF", "DMTS"];
    assert_eq!(kinds(&encode(&Lossy, &picture(8, 8, Layout::Rgba, 8), 50.0, &full())), order);
}

#[test]
fn stripping_drops_what_is_private() {
    let image = picture(20, 20, Layout::Rgb, 8);
    let bare = lossless(&image);
    let extended = Webp.strip(&bare, &full()).unwrap();
    let dirty = with_chunks(&extended, &[(*b"XMP ", b"<x/>"), (*b"PRVT", b"abc")]);
    let dirty = [dirty, b"trailer".to_vec()].concat();
    let metadata = Webp.read_metadata(&dirty, &Limits::default()).unwrap();
    for kind in [Kind::Icc, Kind::Xmp, Kind::Other, Kind::Trailer] {
        assert!(metadata.items.iter().any(|item| item.kind == kind), "{kind:?}");
    }
    assert_eq!(Webp.strip(&dirty, &Embedded::default()).unwrap(), bare);
}

#[test]
fn stripping_does_not_change_what_the_header_says() {
    let frame = |webp: &[u8], wanted: &[u8; 4]| {
        let chunks = Riff::open(webp, false).unwrap().map(|chunk| chunk.unwrap());
        chunks.filter(|chunk| &chunk.kind == wanted).map(|chunk| chunk.data.to_vec()).next().unwrap()
    };
    let lossy = |layout| encode(&Lossy, &picture(8, 8, layout, 8), 50.0, &Embedded::default());
    let alph = (*b"ALPH", frame(&lossy(Layout::Rgba), b"ALPH"));
    let vp8 = (*b"VP8 ", frame(&lossy(Layout::Rgb), b"VP8 "));
    let opaque = (*b"VP8L", frame(&lossless(&picture(8, 8, Layout::Rgb, 8)), b"VP8L"));
    let clear = (*b"VP8L", frame(&lossless(&picture(8, 8, Layout::Rgba, 8)), b"VP8L"));
    let (anim, anmf) = ((*b"ANIM", vec![0; 6]), (*b"ANMF", vec![0; 16]));
    let xmp = (*b"XMP ", b"<x/>".to_vec());
    let bodies: [&[_]; 9] = [
        &[&vp8],
        &[&alph, &vp8],
        &[&vp8, &alph],
        &[&opaque],
        &[&clear],
        &[&alph, &opaque],
        &[&anim, &anmf],
        &[&alph, &anim, &anmf],
        &[&vp8, &anim],
    ];
    let extended = (0..=0xff).map(|flags| Some([flags, 0, 0, 0, 7, 0, 0, 7, 0, 0]));
    for vp8x in extended.chain([None]) {
        for body in bodies {
            let head = vp8x.as_ref().map(|vp8x| (*b"VP8X", vp8x.as_slice()));
            let body = body.iter().copied().chain([&xmp]).map(|(kind, data)| (*kind, data.as_slice()));
            let chunks: Vec<_> = head.into_iter().chain(body).collect();
            let webp = with_chunks(b"RIFF\0\0\0\0WEBP", &chunks);
            let Ok(header) = Webp.read_header(&webp) else { continue };
            for keep in [Embedded::default(), full()] {
                let stripped = Webp.strip(&webp, &keep).unwrap();
                assert_eq!(Webp.read_header(&stripped).unwrap(), header, "{vp8x:?} {:?}", kinds(&webp));
            }
        }
    }
}

#[test]
fn an_animation_is_seen_and_kept_by_strip() {
    let header = Webp.read_header(&animated()).unwrap();
    assert_eq!((header.width, header.height, header.animated), (10, 20, true));
    let dirty = with_chunks(&animated(), &[(*b"EXIF", b"private")]);
    assert_eq!(Webp.strip(&dirty, &Embedded::default()).unwrap(), animated());
}

#[test]
fn a_canvas_of_another_size_than_the_image_is_damage() {
    let mut webp = encode(&Lossy, &picture(8, 8, Layout::Rgb, 8), 50.0, &full());
    webp[24] = 200;
    assert!(matches!(Webp.read_header(&webp), Err(Error::Malformed { .. })));
}

#[test]
fn sixteen_bits_and_long_sides_are_not_for_webp() {
    let accepts = |image: &Image| Lossy.accepts(Source { image, bytes: b"", format: Format::Tiff });
    assert!(!accepts(&picture(4, 4, Layout::Rgb, 16)));
    assert!(!accepts(&picture(16_384, 1, Layout::Gray, 8)));
    assert!(accepts(&picture(16_383, 1, Layout::Gray, 8)));
}

#[test]
fn an_encode_stops_when_it_is_told_to() {
    let image = picture(300, 300, Layout::Rgb, 8);
    let control = Control::new();
    control.cancel();
    let source = Source { image: &image, bytes: b"", format: Format::Tiff };
    for encoder in Webp.encoders() {
        let stopped = encoder.encode(source, setting(50.0), &Embedded::default(), &control);
        assert!(matches!(stopped, Err(Error::Cancelled)));
    }
}

#[test]
fn the_recipe_names_the_version_that_runs() {
    let [_, major, minor, patch] = ffi::encoder_version().to_be_bytes();
    assert_eq!(IDENTITY.1, format!("{major}.{minor}.{patch}"));
}

#[test]
fn an_image_that_goes_on_in_another_chunk_is_cut_off() {
    let whole = encode(&Lossy, &picture(40, 40, Layout::Rgb, 8), 90.0, &Embedded::default());
    let image = &whole[20..];
    let (first, rest) = image.split_at(image.len() / 2);
    let mut split = b"RIFF\0\0\0\0WEBP".to_vec();
    write_chunk(&mut split, *b"VP8X", &[0, 0, 0, 0, 39, 0, 0, 39, 0, 0]);
    write_chunk(&mut split, *b"VP8 ", first);
    let split = with_chunks(&split, &[(*b"PRVT", rest)]);
    let error = Webp.decode(&split, &Limits::default(), &Control::new()).unwrap_err();
    assert_eq!(error.code(), "malformed");
}
