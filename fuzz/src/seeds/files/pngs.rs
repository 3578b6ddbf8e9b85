//! PNG.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use png::{BitDepth, ColorType, Encoder};

use super::super::blocks::{XMP, camera, matrix_profile};
use super::{HEIGHT, WIDTH, rgb};
use crate::png::{SIGNATURE, chunk};

/// A picture of three colours.
pub fn tiny_png() -> Vec<u8> {
    made(ColorType::Rgb, BitDepth::Eight, &rgb(0), |_| {})
}

pub(super) fn gray() -> Vec<u8> {
    let samples: Vec<u8> = rgb(1).chunks(3).map(|pixel| pixel[0]).collect();
    made(ColorType::Grayscale, BitDepth::Eight, &samples, |_| {})
}

/// Four bits a pixel, and colours of which some are transparent.
pub(super) fn palette() -> Vec<u8> {
    let colors: Vec<u8> = (0..16_u8).flat_map(|color| [color * 16, 255 - color * 9, color]).collect();
    let indices: Vec<u8> = (0..WIDTH * HEIGHT / 2).map(|at| (at * 37 % 251) as u8).collect();
    made(ColorType::Indexed, BitDepth::Four, &indices, |encoder| {
        encoder.set_palette(colors);
        encoder.set_trns([0, 90, 255].as_slice());
    })
}

pub(super) fn sixteen() -> Vec<u8> {
    let samples: Vec<u8> = rgb(2).iter().flat_map(|sample| [*sample, sample.wrapping_mul(7)]).collect();
    made(ColorType::Rgb, BitDepth::Sixteen, &samples, |_| {})
}

fn made(
    color: ColorType,
    depth: BitDepth,
    samples: &[u8],
    set: impl FnOnce(&mut Encoder<'_, &mut Vec<u8>>),
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, WIDTH, HEIGHT);
    encoder.set_color(color);
    encoder.set_depth(depth);
    set(&mut encoder);
    encoder.write_header().unwrap().write_image_data(samples).unwrap();
    bytes
}

/// Seven passes over 8 x 8 pixels of gray (PNG, 8.2).
pub(super) fn interlaced() -> Vec<u8> {
    let passes: [(usize, usize); 7] = [(1, 1), (1, 1), (2, 1), (2, 2), (4, 2), (4, 4), (8, 4)];
    let rows: Vec<u8> = passes
        .iter()
        .flat_map(|(width, height)| {
            (0..*height).flat_map(|row| [&[0][..], &vec![row as u8 * 50; *width]].concat())
        })
        .collect();
    let header = [0, 0, 0, 8, 0, 0, 0, 8, 8, 0, 0, 0, 1];
    [SIGNATURE, &chunk(b"IHDR", &header), &chunk(b"IDAT", &packed(&rows)), &chunk(b"IEND", &[])].concat()
}

/// Every chunk that says something beside the picture.
pub(super) fn with_everything() -> Vec<u8> {
    let png = tiny_png();
    let text = |head: &[u8], text: &[u8]| [head, text].concat();
    let chunks = [
        chunk(b"gAMA", &45_455_u32.to_be_bytes()),
        chunk(b"iCCP", &text(b"icc\0\0", &packed(&matrix_profile(b"RGB ")))),
        chunk(b"eXIf", &camera()),
        chunk(b"iTXt", &text(b"XML:com.adobe.xmp\0\0\0\0\0", XMP.as_bytes())),
        chunk(b"iTXt", &text(b"Title\0\x01\0en\0Lake\0", &packed(b"a title"))),
        chunk(b"zTXt", &text(b"Comment\0\0", &packed(b"a comment"))),
        chunk(b"tEXt", b"Copyright\0(c) Ada"),
        chunk(b"tIME", &[7, 234, 11, 2, 10, 0, 0]),
        chunk(b"prVt", b"private"),
    ];
    // After the signature (8) and IHDR (25).
    [&png[..33], &chunks.concat(), &png[33..]].concat()
}

/// As zlib packs it.
pub(crate) fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
