//! What files carry beside pixels.

use super::*;
use crate::codec::testing::setting;
use crate::metadata::{Kind, Mark, Orientation, Rights, exif};

fn segment(code: u8, parts: &[&[u8]]) -> Vec<u8> {
    let payload = parts.concat();
    [&[0xFF, code][..], &(payload.len() as u16 + 2).to_be_bytes(), &payload].concat()
}

/// Puts segments behind the SOI.
fn with(file: &[u8], segments: &[Vec<u8>]) -> Vec<u8> {
    [&file[..2], &segments.concat(), &file[2..]].concat()
}

fn metadata(file: &[u8]) -> Metadata {
    Jpeg.read_metadata(file, &Limits::default()).unwrap()
}

fn bytes_of(metadata: &Metadata, kind: Kind) -> u64 {
    metadata.items.iter().find(|item| item.kind == kind).map_or(0, |item| item.bytes)
}

fn plain() -> Vec<u8> {
    raw(&photo(33, 21, Layout::Rgb), true, 2)
}

fn mark() -> Mark {
    Mark::parse(b"demitasse:75").unwrap()
}

fn keep() -> Embedded {
    let rights = Rights { copyright: Some("© Ana".into()), artist: None };
    Embedded {
        icc: Some((0..200_000_u32).map(|byte| (byte % 251) as u8).collect()),
        exif: exif::write(Some(Orientation::from_exif(6)), &rights),
        mark: Some(mark()),
        ..Embedded::default()
    }
}

/// A file with a piece of every kind.
fn laden() -> Vec<u8> {
    let xmp = br#"<rdf:Description dc:rights="mine" hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/"/>"#;
    let segments = [
        segment(0xE0, &[b"JFIF\0\x01\x02\0\0\x01\0\x01\x01\x01", b"RGB"]),
        segment(0xE1, &[b"Exif\0\0", b"garbage"]),
        segment(0xE1, &[b"http://ns.adobe.com/xap/1.0/\0", xmp]),
        segment(0xE2, &[b"MPF\0", b"index"]),
        segment(0xE7, &[b"other"]),
        segment(0xED, &[b"Photoshop 3.0\0", b"8BIM"]),
        segment(0xFE, &[b"a comment"]),
        segment(0xFE, &[b"demitasse:75"]),
    ];
    [&with(&plain(), &segments)[..], b"another image"].concat()
}

#[test]
fn every_piece_is_listed_with_its_kind() {
    let metadata = metadata(&laden());
    let bytes = |kind| bytes_of(&metadata, kind);
    assert_eq!((bytes(Kind::Exif), bytes(Kind::Comment), bytes(Kind::Thumbnail)), (7, 13, 3));
    assert_eq!((bytes(Kind::Other), bytes(Kind::Iptc)), (9, 22));
    assert_eq!(bytes(Kind::GainMap), 13 + 13, "the index, and what is behind the image");
    assert_eq!((bytes(Kind::Trailer), bytes(Kind::Copyright)), (0, 4));
    assert_eq!(metadata.mark, Some(mark()));
    assert_eq!(metadata.rights.copyright.as_deref(), Some("mine"));
    assert!(metadata.orientation.is_upright());
}

#[test]
fn what_is_kept_reads_back_and_the_rest_is_gone() {
    let stripped = Jpeg.strip(&laden(), &keep()).unwrap();
    let found = metadata(&stripped);
    assert_eq!((found.icc, found.mark), (keep().icc, keep().mark));
    assert_eq!((found.orientation.exif(), found.rights.copyright.as_deref()), (6, Some("© Ana")));
    let kinds: Vec<_> = found.items.iter().map(|item| item.kind).collect();
    assert_eq!(kinds, [Kind::Copyright, Kind::Icc]);
    assert!(stripped.ends_with(&FRAME_END));
    assert_eq!(pixels(&stripped), pixels(&plain()), "the profile is unusable, the pixels are the same");
}

#[test]
fn stripping_everything_leaves_what_decoding_needs() {
    let stripped = Jpeg.strip(&laden(), &Embedded::default()).unwrap();
    assert_eq!(metadata(&stripped), Metadata::default());
    assert!(
        stripped[2..].starts_with(b"\xFF\xE0\0\x10JFIF\0\x01\x02\0\0\x01\0\x01\0\0"),
        "density, no thumbnail"
    );
    assert_eq!(Jpeg.strip(&stripped, &Embedded::default()).unwrap(), stripped);
    let adobe = Jpeg.strip(&cmyk(true), &Embedded::default()).unwrap();
    assert_eq!(pixels(&adobe), pixels(&cmyk(true)), "the Adobe marker stays");
}

#[test]
fn encoders_write_what_is_embedded() {
    let image = photo(33, 21, Layout::Rgb);
    let file = plain();
    for encoder in Jpeg.encoders() {
        let made = encoder.encode(source(&image, &file), setting(75.0), &keep(), &Control::new()).unwrap();
        let found = metadata(&made);
        assert_eq!((found.icc, found.mark, found.orientation.exif()), (keep().icc, keep().mark, 6));
    }
}

#[test]
fn a_profile_is_put_together_from_pieces_in_any_order() {
    let piece = |number, count, data: &[u8]| segment(0xE2, &[b"ICC_PROFILE\0", &[number, count], data]);
    let icc = |pieces: &[Vec<u8>]| metadata(&with(&plain(), pieces)).icc;
    assert_eq!(icc(&[piece(2, 2, b"cd"), piece(1, 2, b"ab")]).as_deref(), Some(&b"abcd"[..]));
    for broken in [
        vec![piece(1, 2, b"ab")],
        vec![piece(1, 2, b"ab"), piece(1, 2, b"cd")],
        vec![piece(0, 1, b"ab")],
        vec![piece(2, 1, b"ab")],
        vec![piece(1, 2, b"ab"), piece(2, 3, b"cd")],
        vec![segment(0xE2, &[b"ICC_PROFILE\0"])],
    ] {
        let found = metadata(&with(&plain(), &broken));
        assert_eq!(found.icc, None);
        assert!(bytes_of(&found, Kind::Icc) > 0, "it is listed all the same");
    }
}

#[test]
fn a_profile_above_the_limit_is_refused() {
    let file = Jpeg.strip(&plain(), &keep()).unwrap();
    let limits = Limits { max_metadata_bytes: 199_999, ..Limits::default() };
    assert_eq!(Jpeg.read_metadata(&file, &limits).unwrap_err().code(), "limit_exceeded");
}

#[test]
fn a_profile_of_another_space_is_ignored_with_a_warning() {
    let icc = moxcms::ColorProfile::new_gray_with_gamma(2.2).encode().unwrap();
    let file = Jpeg.strip(&plain(), &Embedded { icc: Some(icc), ..Embedded::default() }).unwrap();
    let decoded = decode(&file).unwrap();
    assert_eq!((decoded.image.profile, decoded.warnings[0].code.as_str()), (None, "profile_ignored"));
}

#[test]
fn many_small_segments_are_one_item() {
    let comments = vec![segment(0xFE, &[]); 16_000];
    let found = metadata(&with(&plain(), &comments));
    assert_eq!((found.items.len(), bytes_of(&found, Kind::Comment)), (1, 64_000));
}

#[test]
fn what_does_not_fit_is_an_error() {
    let exif = Embedded { exif: Some(vec![0; 65_528]), ..Embedded::default() };
    let icc = Embedded { icc: Some(vec![0; 65_519 * 255 + 1]), ..Embedded::default() };
    for keep in [exif, icc] {
        assert_eq!(Jpeg.strip(&plain(), &keep).unwrap_err().code(), "codec_failed");
    }
}
