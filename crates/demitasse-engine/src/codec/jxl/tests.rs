use zune_core::bit_depth::BitDepth as Depth;
use zune_core::colorspace::ColorSpace;
use zune_core::options::EncoderOptions;
use zune_jpegxl::JxlSimpleEncoder;

use super::*;
use crate::codec::testing::*;
use crate::metadata::{Kind, Rights, exif};

/// A bare codestream without loss, made by another library.
fn jxl(image: &Image) -> Vec<u8> {
    let space = match image.layout {
        Layout::Gray => ColorSpace::Luma,
        Layout::GrayAlpha => ColorSpace::LumaA,
        Layout::Rgb => ColorSpace::RGB,
        Layout::Rgba => ColorSpace::RGBA,
    };
    let (depth, samples) = match image.samples() {
        Samples::U8(samples) => (Depth::Eight, samples.clone()),
        Samples::U16(samples) => {
            (Depth::Sixteen, samples.iter().flat_map(|sample| sample.to_ne_bytes()).collect())
        }
    };
    let options = EncoderOptions::new(image.width as usize, image.height as usize, space, depth);
    let mut out = Vec::new();
    JxlSimpleEncoder::new(&samples, options).encode(&mut out).unwrap();
    out
}

/// The same in boxes.
fn boxed(codestream: &[u8], more: &[([u8; 4], &[u8])]) -> Vec<u8> {
    let mut out = b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl \0\0\0\0jxl ".to_vec();
    for (kind, data) in more.iter().copied().chain([(*b"jxlc", codestream)]) {
        out.extend((data.len() as u32 + 8).to_be_bytes());
        out.extend(kind);
        out.extend(data);
    }
    out
}

#[test]
fn every_layout_and_depth_decodes() {
    // With alpha in 8 bits only: of 16 the encoder claims 8 for alpha, which libjxl refuses.
    let deep = [Layout::Gray, Layout::Rgb].map(|layout| (layout, 16));
    for (layout, bits) in LAYOUTS.map(|layout| (layout, 8)).into_iter().chain(deep) {
        let image = picture(37, 21, layout, bits);
        let file = jxl(&image);
        let header = Jxl.read_header(&file).unwrap();
        assert_eq!((header.width, header.height, header.bits), (37, 21, bits));
        assert_eq!(header.alpha, layout.has_alpha());
        assert_eq!(rgba(&decode(&Jxl, &file)), rgba(&image), "{layout:?} {bits}");
    }
}

#[test]
fn a_cut_file_is_refused_and_a_damaged_one_survived() {
    let file = jxl(&picture(64, 48, Layout::Rgb, 8));
    refuses_every_truncation(&Jxl, &file);
    survives_every_damage(&Jxl, &file);
    refuses_every_truncation(&Jxl, &boxed(&file, &[]));
}

#[test]
fn boxes_beside_the_picture_are_weighed_and_go() {
    let rights = Rights { copyright: Some("Ada".into()), artist: None };
    let exif = [&[0; 4], exif::write(None, &rights).unwrap().as_slice()].concat();
    let image = picture(20, 10, Layout::Rgb, 8);
    let packet = b"<x:xmpmeta><dc:title>Lake</dc:title></x:xmpmeta>";
    let file = boxed(&jxl(&image), &[(*b"Exif", &exif), (*b"xml ", packet), (*b"jumb", b"who knows")]);
    let found = Jxl.read_metadata(&file, &Limits::default()).unwrap();
    assert_eq!(found.rights, rights);
    let kinds: Vec<_> = found.items.iter().map(|item| item.kind).collect();
    assert_eq!(kinds, [Kind::Copyright, Kind::Xmp, Kind::Other]);

    let keep = Embedded { exif: exif::write(None, &rights), ..Embedded::default() };
    let stripped = Jxl.strip(&file, &keep).unwrap();
    let left = Jxl.read_metadata(&stripped, &Limits::default()).unwrap();
    assert_eq!((left.rights, left.items.len()), (rights, 1));
    assert_eq!(rgba(&decode(&Jxl, &stripped)), rgba(&image));
    let bare = Jxl.strip(&file, &Embedded::default()).unwrap();
    assert!(Jxl.read_metadata(&bare, &Limits::default()).unwrap().items.is_empty());
}

#[test]
fn what_the_header_claims_is_refused_before_any_of_it_is_held() {
    let limits = Limits { max_pixels: 1000, ..Limits::default() };
    let file = jxl(&picture(64, 48, Layout::Rgb, 8));
    let error = Jxl.decode(&file, &limits, &Control::new()).unwrap_err();
    assert!(matches!(error, Error::LimitExceeded { .. }), "{error}");
}

#[test]
fn the_header_says_what_the_library_finds() {
    for (width, height) in [(2, 2), (8, 8), (256, 64), (300, 200), (513, 7), (640, 480), (1920, 1080)] {
        for layout in LAYOUTS {
            let file = jxl(&picture(width, height, layout, 8));
            let header = Jxl.read_header(&file).unwrap();
            let (image, _) = open(&file, HEADER_MEMORY).unwrap();
            assert_eq!((header.width, header.height), (image.width(), image.height()));
            assert_eq!((header.width, header.height), (width, height));
            assert_eq!(header.alpha, image.pixel_format().has_alpha());
        }
    }
}

#[test]
fn a_header_of_many_fields_is_read_to_its_end() {
    // Every field there is, lowest bit first: (value, bits).
    let fields = [
        (0, 1), // not in eights
        (0, 2),
        (199, 9), // height 200
        (0, 3),
        (0, 2),
        (299, 9), // width 300
        (0, 1),
        (1, 1), // not all default, more fields
        (5, 3), // orientation 6
        (1, 1),
        (1, 1),
        (3, 5),
        (1, 3), // another size to show it at: 32 x 32
        (1, 1),
        (1, 1),
        (0, 2),
        (1, 3), // a preview of 128 x 128
        (1, 1),
        (1, 2),
        (0, 2),
        (1, 2),
        (3, 3),
        (0, 1), // 1000 / 1 ticks a second, 3 loops
        (0, 1),
        (2, 2), // 12 bits
        (1, 1), // 16 bits are enough
        (2, 2),
        (0, 4), // two extra channels
        (0, 1),
        (2, 2),
        (0, 4),
        (0, 1),
        (0, 2),
        (0, 2),
        (1, 2),
        (1, 4),
        (65, 8),
        (0, 16),
        (0, 16),
        (0, 16),
        (0, 16), // a spot colour, A
        (1, 1),  // alpha
    ];
    let file = packed(&fields);
    let header = Jxl.read_header(&file).unwrap();
    assert_eq!((header.width, header.height, header.bits), (200, 300, 16), "turned");
    assert!(header.animated && header.alpha);
    for length in 0..file.len() {
        assert!(Jxl.read_header(&file[..length]).is_err());
    }
}

/// A codestream of these fields.
fn packed(fields: &[(u32, u32)]) -> Vec<u8> {
    let mut file = b"\xff\x0a".to_vec();
    let mut at = 0;
    for (value, count) in fields {
        for place in 0..*count {
            if at % 8 == 0 {
                file.push(0);
            }
            *file.last_mut().unwrap() |= ((value >> place & 1) as u8) << (at % 8);
            at += 1;
        }
    }
    file
}
