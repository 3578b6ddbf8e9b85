//! Small pictures that carry, or unpack to, very much beside them.

use super::{Bomb, Ending, bomb};
use crate::png::chunk;
use crate::seeds::{blocks, files};

/// Bytes that each unpacks to.
const UNPACKED: usize = 64_000_000;

/// Bytes within the limit of one piece, of which there are many.
const WITHIN: usize = 15_000_000;

const METADATA: Ending = Ending::Over("metadata bytes");

pub(super) fn all() -> Vec<Bomb> {
    let profile =
        |length: usize| chunk(b"iCCP", &[b"icc\0\0", &files::packed(&vec![0; length])[..]].concat());
    let text = |keyword: &str, length: usize| {
        chunk(b"zTXt", &[keyword.as_bytes(), b"\0\0", &files::packed(&vec![b' '; length])].concat())
    };
    let packet = [b"XML:com.adobe.xmp\0\x01\0\0\0", &files::packed(&vec![b' '; UNPACKED])[..]].concat();
    vec![
        bomb("png, profile of 64 MB", METADATA, png_with(&profile(UNPACKED))),
        bomb("png, 100 profiles of 15 MB", METADATA, png_with(&profile(WITHIN).repeat(100))),
        bomb("png, rights of 64 MB", METADATA, png_with(&text("Copyright", UNPACKED))),
        bomb("png, 100 rights of 15 MB", METADATA, png_with(&text("Author", WITHIN).repeat(100))),
        bomb("png, XMP of 64 MB", METADATA, png_with(&chunk(b"iTXt", &packet))),
        bomb(
            "png, 1,000 comments of 64 kB",
            Ending::Harmless,
            png_with(&text("Comment", 64_000).repeat(1_000)),
        ),
        bomb(
            "png, 10,000 comments of a byte",
            Ending::Harmless,
            png_with(&chunk(b"tEXt", b"a\0b").repeat(10_000)),
        ),
        bomb("jpeg, profile of 17 MB", METADATA, jpeg_with(&profile_segments())),
        bomb(
            "jpeg, EXIF that goes round",
            Ending::Harmless,
            jpeg_with(&segment(0xe1, b"Exif\0\0", &exif_in_a_circle())),
        ),
        bomb(
            "jpeg, 10,000 EXIF blocks",
            Ending::Harmless,
            jpeg_with(&segment(0xe1, b"Exif\0\0", &blocks::camera()).repeat(10_000)),
        ),
        bomb("jpeg, XMP that means a billion", Ending::Harmless, jpeg_with(&xmp_segment(LAUGHS.as_bytes()))),
        bomb("jpeg, XMP 15,000 deep", Ending::Harmless, jpeg_with(&xmp_segment(&b"<a>".repeat(15_000)))),
        bomb(
            "jpeg, a million empty comments",
            Ending::Over("segments"),
            jpeg_with(&[0xff, 0xfe, 0, 2].repeat(1_000_000)),
        ),
        bomb("gif, 2 MB of comments", Ending::Harmless, gif_with_comments()),
        bomb("webp, EXIF of 17 MB", METADATA, webp_with_exif()),
    ]
}

fn png_with(chunks: &[u8]) -> Vec<u8> {
    let png = files::tiny_png();
    // After the signature (8) and IHDR (25).
    [&png[..33], chunks, &png[33..]].concat()
}

fn jpeg_with(segments: &[u8]) -> Vec<u8> {
    let jpeg = files::one("jpeg, fast");
    [&jpeg[..2], segments, &jpeg[2..]].concat()
}

fn segment(marker: u8, name: &[u8], data: &[u8]) -> Vec<u8> {
    let length = ((2 + name.len() + data.len()) as u16).to_be_bytes();
    [&[0xff, marker], &length[..], name, data].concat()
}

fn xmp_segment(packet: &[u8]) -> Vec<u8> {
    segment(0xe1, b"http://ns.adobe.com/xap/1.0/\0", packet)
}

/// As many pieces as can be numbered, as long as they can be: 16.7 MB.
fn profile_segments() -> Vec<u8> {
    let piece = |number: u8| segment(0xe2, &[b"ICC_PROFILE\0", &[number, 255][..]].concat(), &[0; 65_519]);
    (1..=255).flat_map(piece).collect()
}

/// Its directory is its own child, its position and the next one.
fn exif_in_a_circle() -> Vec<u8> {
    let mut block = b"II*\0\x08\0\0\0\x02\0".to_vec();
    for tag in [0x8769_u16, 0x8825] {
        block.extend([&tag.to_le_bytes()[..], &[4, 0, 1, 0, 0, 0, 8, 0, 0, 0]].concat());
    }
    block.extend([8, 0, 0, 0]);
    block
}

/// Names that stand for ten others each.
const LAUGHS: &str = concat!(
    r#"<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">"#,
    r#"<!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;"><!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;">]>"#,
    r"<x:xmpmeta><rdf:RDF><rdf:Description><dc:rights>&e;</dc:rights></rdf:Description></rdf:RDF></x:xmpmeta>"
);

fn gif_with_comments() -> Vec<u8> {
    let gif = files::one("gif");
    let at = gif.windows(3).position(|three| three == b"\x21\xfe\x09").unwrap();
    let comment = [&[0x21, 0xfe][..], &[&[255][..], &[b'a'; 255]].concat().repeat(8_000), &[0]].concat();
    [&gif[..at], &comment, &gif[at..]].concat()
}

fn webp_with_exif() -> Vec<u8> {
    let block = [b"EXIF".as_slice(), &17_000_000_u32.to_le_bytes(), &vec![0; 17_000_000]].concat();
    let body = [&files::one("webp")[8..], &block].concat();
    [b"RIFF".as_slice(), &(body.len() as u32).to_le_bytes(), &body].concat()
}
