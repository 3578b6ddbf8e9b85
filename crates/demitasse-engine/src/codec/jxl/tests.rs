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
