use proptest::prelude::*;

use super::container::{Chunks, write_chunk};
use super::lossless::Lossless;
use super::palette::Palette;
use super::*;
use crate::Error;
use crate::codec::testing::*;
use crate::image::{Image, Layout, Samples};
use crate::metadata::{Kind, Mark};

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

fn lossless(image: &Image) -> Vec<u8> {
    encode(&Lossless, image, 0.0, &Embedded::default())
}

/// `png` with more chunks after its header.
fn with_chunks(png: &[u8], chunks: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut out = png[..33].to_vec();
    for (kind, data) in chunks {
        write_chunk(&mut out, **kind, data);
    }
    out.extend_from_slice(&png[33..]);
    out
}

fn kinds(png: &[u8]) -> Vec<String> {
    Chunks::new(png).unwrap().map(|chunk| chunk.unwrap().kind.escape_ascii().to_string()).collect()
}

fn written_by_library(color: png::ColorType, depth: png::BitDepth, size: u32, data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, size, size);
    encoder.set_color(color);
    encoder.set_depth(depth);
    if color == png::ColorType::Indexed {
        encoder.set_palette(vec![10, 20, 30, 40, 50, 60, 70, 80, 90, 255, 255, 255]);
        encoder.set_trns(vec![0, 128]);
    }
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(data).unwrap();
    writer.finish().unwrap();
    out
}

fn deflated(data: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn everything() -> Vec<(&'static [u8; 4], Vec<u8>)> {
    vec![
        (b"gAMA", 100_000u32.to_be_bytes().to_vec()),
        (b"tEXt", b"Copyright\0(c) 2026 Ada".to_vec()),
        (b"tEXt", b"Comment\0hello".to_vec()),
        (b"zTXt", [b"Author\0\0".as_slice(), &deflated(b"Ada")].concat()),
        (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x/>".to_vec()),
        (b"tIME", vec![0; 7]),
        (b"eXIf", b"II*\0\x08\0\0\0\0\0\0\0\0\0".to_vec()),
        (b"prVt", vec![1, 2, 3]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_pixel_of_a_lossless_png_comes_back(
        width in 1u32..40, height in 1u32..40, layout in 0usize..4, wide in any::<bool>(),
    ) {
        let image = picture(width, height, LAYOUTS[layout], if wide { 16 } else { 8 });
        let out = decode(&Png, &lossless(&image));
        // Colour types may be reduced; the pixels may not.
        prop_assert!(rgba(&out) == rgba(&image));
        prop_assert_eq!((out.width, out.height), (width, height));
    }
}

#[test]
fn a_single_pixel_survives_in_every_layout() {
    for layout in LAYOUTS {
        for bits in [8, 16] {
            let image = picture(1, 1, layout, bits);
            assert_eq!(rgba(&decode(&Png, &lossless(&image))), rgba(&image), "{layout:?} {bits}");
        }
    }
}

#[test]
fn few_bits_palettes_and_transparent_entries_are_expanded() {
    let indexed = written_by_library(png::ColorType::Indexed, png::BitDepth::Two, 4, &[0b00_01_10_11; 4]);
    let header = Png.read_header(&indexed).unwrap();
    assert_eq!((header.width, header.height, header.bits, header.alpha), (4, 4, 8, true));
    let image = decode(&Png, &indexed);
    assert_eq!(image.layout, Layout::Rgba);
    let first_row = [10, 20, 30, 0, 40, 50, 60, 128, 70, 80, 90, 255, 255, 255, 255, 255];
    assert_eq!(image.samples_u8().unwrap()[..16], first_row);
    let gray = written_by_library(png::ColorType::Grayscale, png::BitDepth::One, 8, &[0b1010_0000; 8]);
    assert_eq!(decode(&Png, &gray).samples_u8().unwrap()[..4], [255, 0, 255, 0]);
}

#[test]
fn an_interlaced_png_decodes_like_a_plain_one() {
    let image = picture(13, 11, Layout::Rgb, 8);
    let raw = oxipng::RawImage::new(
        13,
        11,
        oxipng::ColorType::RGB { transparent_color: None },
        oxipng::BitDepth::Eight,
        image.samples_u8().unwrap().to_vec(),
    );
    let options = oxipng::Options { interlace: Some(true), ..oxipng::Options::from_preset(0) };
    let interlaced = raw.unwrap().create_optimized_png(&options).unwrap();
    assert_eq!(interlaced[28], 1);
    assert_eq!(rgba(&decode(&Png, &interlaced)), rgba(&image));
    refuses_every_truncation(&Png, &interlaced);
}

#[test]
fn what_is_embedded_reads_back() {
    let icc = [b"\0\0\0\x14appl\x04\0\0\0mntrRGB ".as_slice(), &[7; 300]].concat();
    let mark = Some(Mark::Score(72.5));
    let embedded = Embedded {
        icc: Some(icc.clone()),
        exif: Some(b"II*\0\x08\0\0\0\0\0\0\0\0\0".to_vec()),
        mark,
        ..Embedded::default()
    };
    for encoder in Png.encoders() {
        // One that is gray, in RGB: its profile is one for RGB, and may not stand in a gray PNG.
        let gray = Image::still(
            9,
            9,
            Layout::Rgb,
            Samples::U8((0..81).flat_map(|value| [value; 3]).collect()),
            None,
        );
        let out = encode(*encoder, &gray, 50.0, &embedded);
        let metadata = Png.read_metadata(&out, &Limits::default()).unwrap();
        assert_eq!((metadata.icc, metadata.mark), (Some(icc.clone()), mark));
        assert_ne!(out[25], 0);
        refuses_every_truncation(&Png, &out);
    }
}

#[test]
fn metadata_is_listed_by_kind() {
    let png = with_chunks(&lossless(&picture(8, 8, Layout::Rgb, 8)), &everything());
    let png = [png, b"more".to_vec()].concat();
    let metadata = Png.read_metadata(&png, &Limits::default()).unwrap();
    assert_eq!(metadata.rights.copyright.as_deref(), Some("(c) 2026 Ada"));
    assert_eq!(metadata.rights.artist.as_deref(), Some("Ada"));
    assert!(metadata.own_color);
    let found: Vec<_> = metadata.items.iter().map(|item| item.kind).collect();
    let expected =
        [Kind::Copyright, Kind::Comment, Kind::Xmp, Kind::Time, Kind::Exif, Kind::Other, Kind::Trailer];
    assert_eq!(found, expected);
}

#[test]
fn stripping_drops_metadata_and_keeps_pixels_and_colour() {
    let plain = lossless(&picture(20, 20, Layout::Rgba, 8));
    let full = [with_chunks(&plain, &everything()), b"more".to_vec()].concat();
    let stripped = Png.strip(&full, &Embedded::default()).unwrap();
    assert_eq!(stripped, with_chunks(&plain, &everything()[..1]));
    let marked = Embedded { mark: Some(Mark::Score(60.0)), ..Embedded::default() };
    assert_eq!(kinds(&Png.strip(&full, &marked).unwrap())[..3], ["IHDR", "tEXt", "gAMA"]);
}

#[test]
fn gamma_survives_a_new_encoding_unless_there_is_a_profile() {
    let image = picture(20, 20, Layout::Rgb, 8);
    let bytes = with_chunks(&lossless(&image), &everything());
    let source = crate::codec::Source { image: &image, bytes: &bytes, format: crate::Format::Png };
    for encoder in Png.encoders() {
        let out = encoder.encode(source, setting(50.0), &Embedded::default(), &Control::new()).unwrap();
        assert!(kinds(&out).contains(&"gAMA".to_owned()));
        let embedded = Embedded { icc: Some(vec![1; 200]), ..Embedded::default() };
        let out = encoder.encode(source, setting(50.0), &embedded, &Control::new()).unwrap();
        assert!(!kinds(&out).contains(&"gAMA".to_owned()));
    }
}

#[test]
fn usual_gamma_is_not_a_colour_of_its_own() {
    let png = with_chunks(
        &lossless(&picture(8, 8, Layout::Rgb, 8)),
        &[(b"gAMA", 45_455u32.to_be_bytes().to_vec())],
    );
    assert!(!Png.read_metadata(&png, &Limits::default()).unwrap().own_color);
    assert!(!kinds(&Png.strip(&png, &Embedded::default()).unwrap()).contains(&"gAMA".to_owned()));
}

#[test]
fn usual_gamma_stays_beside_primaries_that_are_not_usual() {
    let display_p3 = [31_270_u32, 32_900, 68_000, 32_000, 26_500, 69_000, 15_000, 6_000];
    let png = with_chunks(
        &lossless(&picture(8, 8, Layout::Rgb, 8)),
        &[
            (b"gAMA", 45_455u32.to_be_bytes().to_vec()),
            (b"cHRM", display_p3.iter().flat_map(|number| number.to_be_bytes()).collect()),
        ],
    );
    assert_eq!(Png.strip(&png, &Embedded::default()).unwrap(), png);
}

#[test]
fn an_animation_is_seen_and_kept_by_strip() {
    let still = lossless(&picture(8, 8, Layout::Rgb, 8));
    let animated = with_chunks(&still, &[(b"acTL", vec![0, 0, 0, 1, 0, 0, 0, 0])]);
    assert!(!Png.read_header(&still).unwrap().animated);
    assert!(Png.read_header(&animated).unwrap().animated);
    assert_eq!(Png.strip(&animated, &Embedded::default()).unwrap(), animated);
}

#[test]
fn damage_is_reported() {
    let png = lossless(&picture(30, 30, Layout::Rgba, 8));
    refuses_every_truncation(&Png, &png);
    survives_every_damage(&Png, &with_chunks(&png, &everything()));
    let mut wrong_sum = png.clone();
    let at = wrong_sum.len() - 14;
    wrong_sum[at] ^= 1;
    assert!(matches!(
        Png.decode(&wrong_sum, &Limits::default(), &Control::new()),
        Err(Error::Malformed { .. })
    ));
}

#[test]
fn a_header_can_claim_anything_and_costs_nothing() {
    let mut png = SIGNATURE.to_vec();
    let header = [[0, 1, 0, 0], [0, 1, 0, 0], [1, 3, 0, 0]].concat();
    write_chunk(&mut png, *b"IHDR", &[header, vec![0]].concat());
    write_chunk(&mut png, *b"IDAT", b"");
    let header = Png.read_header(&png).unwrap();
    assert_eq!((header.width, header.height), (65_536, 65_536));
    assert!(matches!(
        Png.decode(&png, &Limits::default(), &Control::new()),
        Err(Error::LimitExceeded { .. } | Error::Malformed { .. })
    ));
}

#[test]
fn a_small_chunk_cannot_become_a_large_one() {
    let bomb = deflated(&vec![0; 20_000_000]);
    let png = lossless(&picture(8, 8, Layout::Rgb, 8));
    for (kind, keyword) in [(b"iCCP", b"icc\0\0".as_slice()), (b"zTXt", b"Copyright\0\0")] {
        let png = with_chunks(&png, &[(kind, [keyword, &bomb].concat())]);
        let error = Png.read_metadata(&png, &Limits::default()).unwrap_err();
        assert!(matches!(error, Error::LimitExceeded { limit: "metadata bytes", .. }), "{error}");
    }
}

#[test]
fn a_broken_profile_is_an_item_and_no_error() {
    let png = with_chunks(&lossless(&picture(8, 8, Layout::Rgb, 8)), &[(b"iCCP", b"icc\0\0junk".to_vec())]);
    let metadata = Png.read_metadata(&png, &Limits::default()).unwrap();
    assert_eq!((metadata.icc, metadata.items[0].kind), (None, Kind::Icc));
}

#[test]
fn a_palette_moves_no_alpha_by_more_than_one_level_and_no_end_at_all() {
    for quality in [1.0, 10.0, 50.0, 90.0, 100.0] {
        for layout in LAYOUTS {
            let image = picture(64, 48, layout, 8);
            let out = decode(&Png, &encode(&Palette, &image, quality, &Embedded::default()));
            for (before, after) in rgba(&image).into_iter().zip(rgba(&out)) {
                let [before, after] = [before[3] / 257, after[3] / 257];
                assert!(before.abs_diff(after) <= 1, "{layout:?} at {quality}: {before} became {after}");
                assert_eq!(
                    (before == 0, before == 255),
                    (after == 0, after == 255),
                    "{layout:?} at {quality}"
                );
            }
        }
    }
}

#[test]
fn a_picture_of_256_colours_comes_back_as_it_was() {
    // 16 levels of alpha, each with 16 colours; of what is transparent there is one.
    let pixel = |at: u32| {
        let (alpha, color) = (at % 16 * 17, at / 16 % 16);
        if alpha == 0 {
            [0; 4]
        } else {
            [color * 16, 255 - color * 3, color * color, alpha].map(|part| part as u8)
        }
    };
    let samples = (0..64 * 32).flat_map(pixel).collect();
    let image = Image::still(64, 32, Layout::Rgba, Samples::U8(samples), None);
    let out = decode(&Png, &encode(&Palette, &image, 100.0, &Embedded::default()));
    assert!(rgba(&out) == rgba(&image));
}

#[test]
fn packing_again_touches_no_pixel_and_takes_no_more_bytes() {
    let image = picture(64, 48, Layout::Rgba, 8);
    let source = crate::codec::Source { image: &image, bytes: b"", format: crate::Format::Png };
    let tried = encode(&Palette, &image, 60.0, &Embedded::default());
    let packed =
        Palette.repack(source, setting(60.0), tried.clone(), &Embedded::default(), &Control::new()).unwrap();
    assert!(packed.len() <= tried.len());
    assert!(rgba(&decode(&Png, &packed)) == rgba(&decode(&Png, &tried)));
}

#[test]
fn more_quality_is_more_colours() {
    let image = picture(64, 64, Layout::Rgb, 8);
    let colors = |quality: f32| {
        let out = decode(&Png, &encode(&Palette, &image, quality, &Embedded::default()));
        rgba(&out).into_iter().collect::<std::collections::HashSet<_>>().len()
    };
    assert!(colors(1.0) <= 2);
    assert!((200..=256).contains(&colors(100.0)));
    assert!(colors(30.0) < colors(60.0));
}

#[test]
fn equal_requests_make_equal_bytes() {
    let image = picture(50, 50, Layout::Rgba, 8);
    for encoder in Png.encoders() {
        let first = encode(*encoder, &image, 40.0, &Embedded::default());
        assert_eq!(encode(*encoder, &image, 40.0, &Embedded::default()), first);
    }
}

#[test]
fn an_image_of_sixteen_bits_is_not_for_the_palette() {
    let image = Image::still(1, 1, Layout::Gray, Samples::U16(vec![9]), None);
    let source = crate::codec::Source { image: &image, bytes: b"", format: crate::Format::Tiff };
    assert!(!Palette.accepts(source));
    assert!(Lossless.accepts(source));
}

mod animations {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::codec::Animator;
    use crate::codec::animation::testing::{distance, patch, played, simply};
    use crate::codec::animation::{Animation, Disposal, Patch, Rect};
    use crate::codec::testing::{Noise, setting};
    use crate::metadata::Embedded;
    use crate::{Control, Format, Limits};

    const SIDE: u32 = 6;

    /// The first frame covers the canvas, as the format asks. With `poster`, a picture before it is no part of the animation.
    fn file(patches: &[Patch], delays: &[(u16, u16)], plays: u32, poster: bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = ::png::Encoder::new(&mut bytes, SIDE, SIDE);
        encoder.set_color(::png::ColorType::Rgba);
        encoder.set_animated(patches.len() as u32, plays).unwrap();
        if poster {
            encoder.set_sep_def_img(true).unwrap();
        }
        let mut writer = encoder.write_header().unwrap();
        if poster {
            writer.write_image_data(&[77; (SIDE * SIDE * 4) as usize]).unwrap();
        }
        for (patch, (numerator, denominator)) in patches.iter().zip(delays) {
            writer.set_frame_position(0, 0).unwrap();
            writer.set_frame_dimension(patch.place.width, patch.place.height).unwrap();
            writer.set_frame_position(patch.place.x, patch.place.y).unwrap();
            writer.set_frame_delay(*numerator, *denominator).unwrap();
            let blend = if patch.blends { ::png::BlendOp::Over } else { ::png::BlendOp::Source };
            writer.set_blend_op(blend).unwrap();
            let dispose = match patch.disposal {
                Disposal::Keep => ::png::DisposeOp::None,
                Disposal::Clear => ::png::DisposeOp::Background,
                Disposal::Restore => ::png::DisposeOp::Previous,
            };
            writer.set_dispose_op(dispose).unwrap();
            writer.write_image_data(&patch.rgba).unwrap();
        }
        writer.finish().unwrap();
        bytes
    }

    fn patches() -> impl Strategy<Value = Vec<Patch>> {
        let sample = || prop_oneof![Just(0u8), Just(255), any::<u8>()];
        let other = move || patch(SIDE, [sample(), sample(), sample(), sample()]);
        let first = vec(any::<u8>(), (SIDE * SIDE * 4) as usize).prop_map(|rgba| Patch {
            place: Rect { x: 0, y: 0, width: SIDE, height: SIDE },
            rgba,
            blends: false,
            disposal: Disposal::Keep,
        });
        (first, vec(other(), 0..6)).prop_map(|(first, rest)| [vec![first], rest].concat())
    }

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let (limits, control) = (Limits::default(), Control::new());
        let timeline = Png.timeline(bytes, &limits).unwrap();
        let animation = Animation::new(bytes, (Format::Png, &Png), &timeline, &limits, &control);
        let embedded = Embedded::default();
        let done = animator::Lossless.encode(
            &animation,
            crate::codec::FramesSetting { setting: setting(100.0), is_good: None },
            &embedded,
            u64::MAX,
            &control,
        );
        done.unwrap().unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn frames_are_shown_as_their_control_chunks_say(
            patches in patches(), numerator in any::<u16>(), denominator in any::<u16>(), poster in any::<bool>(),
        ) {
            let delays = vec![(numerator, denominator); patches.len()];
            let bytes = file(&patches, &delays, 5, poster);
            let (timeline, frames) = played(Format::Png, &Png, &bytes).unwrap();
            prop_assert!(distance(&frames, &simply(SIDE, SIDE, &patches)) <= Some(1));
            let parts = if denominator == 0 { 100 } else { denominator };
            let seconds = f64::from(numerator) / f64::from(parts);
            prop_assert!(timeline.delays.iter().all(|delay| delay.seconds() == seconds));
            prop_assert_eq!(timeline.plays, 5);
        }

        #[test]
        fn packing_changes_no_frame(patches in patches(), poster in any::<bool>()) {
            let bytes = file(&patches, &vec![(1, 30); patches.len()], 0, poster);
            let (before, after) = (played(Format::Png, &Png, &bytes).unwrap(), played(Format::Png, &Png, &packed(&bytes)).unwrap());
            prop_assert_eq!(distance(&after.1, &before.1), Some(0));
            prop_assert_eq!(after.0, before.0);
        }
    }

    fn two() -> Vec<u8> {
        let place = Rect { x: 0, y: 0, width: SIDE, height: SIDE };
        let patch = Patch { place, rgba: vec![200; 144], blends: true, disposal: Disposal::Keep };
        let small = Rect { x: 1, y: 2, width: 3, height: 4 };
        let second = Patch { place: small, rgba: vec![9; 48], ..patch.clone() };
        file(&[patch, second], &[(1, 10), (0, 0)], 0, false)
    }

    /// `bytes` with a byte of a chunk changed, and its checksum made right again.
    fn changed(bytes: &[u8], kind: &[u8; 4], nth: usize, at: usize, value: u8) -> Vec<u8> {
        let mut out = container::SIGNATURE.to_vec();
        let mut seen = 0;
        for chunk in Chunks::new(bytes).unwrap() {
            let chunk = chunk.unwrap();
            let mut data = chunk.data.to_vec();
            if &chunk.kind == kind {
                if seen == nth {
                    data[at] = value;
                }
                seen += 1;
            }
            write_chunk(&mut out, chunk.kind, &data);
        }
        out
    }

    #[test]
    fn hostile_files_are_refused() {
        let whole = two();
        assert!(played(Format::Png, &Png, &whole).is_ok());
        let limits = Limits { max_frames: 1, ..Limits::default() };
        assert_eq!(Png.timeline(&whole, &limits).unwrap_err().code(), "limit_exceeded");
        for end in 0..whole.len() {
            assert!(played(Format::Png, &Png, &whole[..end]).is_err(), "{end}");
        }
        for (name, kind, nth, at, value) in [
            ("more frames are promised", b"acTL", 0, 3, 9),
            ("no frames are promised", b"acTL", 0, 3, 0),
            ("a frame is out of order", b"fcTL", 1, 3, 9),
            ("pixels are out of order", b"fdAT", 0, 3, 9),
            ("a frame reaches beyond the canvas", b"fcTL", 1, 15, 4),
            ("a frame is empty", b"fcTL", 1, 7, 0),
            ("a frame goes away in an unknown way", b"fcTL", 1, 24, 3),
            ("a frame is laid over in an unknown way", b"fcTL", 1, 25, 2),
        ] {
            let error = played(Format::Png, &Png, &changed(&whole, kind, nth, at, value)).unwrap_err();
            assert_eq!(error.code(), "malformed", "{name}: {error}");
        }
        let mut noise = Noise(11);
        for _ in 0..3_000 {
            let mut damaged = whole.clone();
            let at = noise.next() as usize % damaged.len();
            damaged[at] = noise.next() as u8;
            let _ = played(Format::Png, &Png, &damaged);
        }
    }
}
