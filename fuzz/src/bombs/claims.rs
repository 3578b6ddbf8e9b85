//! Sizes that are claimed with next to nothing behind them.

use super::{Bomb, Ending, bomb};
use crate::png;
use crate::seeds::files;
use crate::seeds::tiff::{file, long, short};

/// Width and height, and what they are over. The last are within every limit: what is missing must be noticed before room is made for it.
const CLAIMS: [(u32, u32, Ending); 3] = [
    (0x7fff_ffff, 0x7fff_ffff, Ending::Over("columns")),
    (60_000, 60_000, Ending::Over("pixels")),
    (9_900, 9_900, Ending::Refused),
];

pub(super) fn all() -> Vec<Bomb> {
    CLAIMS.into_iter().flat_map(|(width, height, ending)| of_size(width, height, ending)).collect()
}

/// A file of each format; those whose fields are narrower claim as much as they can.
fn of_size(width: u32, height: u32, ending: Ending) -> Vec<Bomb> {
    // 65,535 columns, or 16,384, are not over the limit of columns by themselves.
    let (narrow, small) = match ending {
        Ending::Over(_) => (Ending::Over("columns"), Ending::Over("pixels")),
        _ => (ending, ending),
    };
    let narrow = if width == 60_000 { Ending::Over("pixels") } else { narrow };
    let files = [
        ("png", ending, png_of(width, height)),
        ("ico of png", ending, ico_of(&png_of(width, height))),
        (
            "ico of bmp",
            Ending::Refused,
            ico_of(&bitmap_header(width, height.saturating_mul(2).min(i32::MAX as u32))),
        ),
        ("jpeg", narrow, jpeg_of(width, height, false)),
        ("jpeg, progressive", narrow, jpeg_of(width, height, true)),
        ("gif", narrow, gif_of(width, height)),
        ("webp, lossy", small, webp_lossy_of(width, height)),
        ("webp, lossless", small, webp_lossless_of(width, height)),
        ("webp, extended", Ending::Refused, webp_extended_of(width, height)),
        ("avif", ending, avif_of(width, height)),
        (
            "bmp",
            ending,
            [&b"BM\0\0\0\0\0\0\0\0\x36\0\0\0"[..], &bitmap_header(width, height), &[0; 64]].concat(),
        ),
        ("bmp, packed", ending, packed_bmp_of(width, height)),
        ("tiff", ending, tiff_of(width, height, false)),
        ("tiff, tiles", ending, tiff_of(width, height, true)),
        (
            "qoi",
            ending,
            [b"qoif".as_slice(), &width.to_be_bytes(), &height.to_be_bytes(), &[3, 0, 0xfd, 0xfd]].concat(),
        ),
        ("jxl", ending, jxl_of(width, height)),
    ];
    let bombs = files
        .into_iter()
        .map(|(name, ending, bytes)| bomb(format!("{name} of {width} x {height}"), ending, bytes));
    bombs.collect()
}

fn low(value: u32) -> u16 {
    value.min(0xffff) as u16
}

fn png_of(width: u32, height: u32) -> Vec<u8> {
    png::file(width, height, 2, &[], &files::packed(&[0; 4_000]))
}

fn ico_of(picture: &[u8]) -> Vec<u8> {
    let entry =
        [&[0, 0, 0, 0, 1, 0, 32, 0][..], &(picture.len() as u32).to_le_bytes(), &22_u32.to_le_bytes()];
    [&[0, 0, 1, 0, 1, 0][..], &entry.concat(), picture].concat()
}

fn bitmap_header(width: u32, height: u32) -> Vec<u8> {
    let mut header =
        [40_u32.to_le_bytes(), width.to_le_bytes(), height.to_le_bytes(), [1, 0, 24, 0]].concat();
    header.resize(40, 0);
    header
}

/// Runs of eight bits, of which there is one.
fn packed_bmp_of(width: u32, height: u32) -> Vec<u8> {
    let mut header = bitmap_header(width, height);
    header[14..18].copy_from_slice(&[8, 0, 1, 0]);
    [&b"BM\0\0\0\0\0\0\0\0\x36\x04\0\0"[..], &header, &[7; 1_024], &[200, 1, 0, 1]].concat()
}

/// The sizes of a whole file's frame header overwritten.
fn jpeg_of(width: u32, height: u32, is_progressive: bool) -> Vec<u8> {
    let mut jpeg = files::one("jpeg, fast");
    let at = jpeg.windows(2).position(|pair| matches!(pair, [0xff, 0xc0..=0xc2])).unwrap();
    jpeg[at + 1] = if is_progressive { 0xc2 } else { 0xc0 };
    jpeg[at + 5..at + 7].copy_from_slice(&low(height).to_be_bytes());
    jpeg[at + 7..at + 9].copy_from_slice(&low(width).to_be_bytes());
    jpeg
}

/// Canvas and frame.
fn gif_of(width: u32, height: u32) -> Vec<u8> {
    let size = [low(width).to_le_bytes(), low(height).to_le_bytes()].concat();
    [b"GIF89a", &size[..], b"\x80\0\0\0\0\0\xff\xff\xff\x2c\0\0\0\0", &size, b"\0\x02\x02\x4c\x01\0\x3b"]
        .concat()
}

fn riff(chunks: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut body = b"WEBP".to_vec();
    for (kind, data) in chunks {
        body.extend([kind.as_slice(), &(data.len() as u32).to_le_bytes(), data].concat());
        body.resize(body.len().next_multiple_of(2), 0);
    }
    [b"RIFF".as_slice(), &(body.len() as u32).to_le_bytes(), &body].concat()
}

/// 14 bits a side (RFC 6386, 9.1).
fn webp_lossy_of(width: u32, height: u32) -> Vec<u8> {
    let side = |side: u32| (side.min(0x3fff) as u16).to_le_bytes();
    let data = [&[0x10, 2, 0, 0x9d, 1, 0x2a][..], &side(width), &side(height), &[0; 40]].concat();
    riff(&[(b"VP8 ", data)])
}

/// 14 bits a side, less one.
fn webp_lossless_of(width: u32, height: u32) -> Vec<u8> {
    let side = |side: u32| side.min(0x4000) - 1;
    let data = [&[0x2f][..], &(side(width) | side(height) << 14).to_le_bytes(), &[0; 40]].concat();
    riff(&[(b"VP8L", data)])
}

/// 24 bits a side, less one, of a canvas on which a picture of 16 x 16 pixels lies.
fn webp_extended_of(width: u32, height: u32) -> Vec<u8> {
    let side = |side: u32| side.min(0x0100_0000).saturating_sub(1).to_le_bytes();
    let canvas = [&[0; 4][..], &side(width)[..3], &side(height)[..3]].concat();
    let lossless = [&[0x2f][..], &(15_u32 | 15 << 14).to_le_bytes(), &[0; 40]].concat();
    riff(&[(b"VP8X", canvas), (b"VP8L", lossless)])
}

/// The size in a whole file's property.
fn avif_of(width: u32, height: u32) -> Vec<u8> {
    let mut avif = files::one("avif");
    let at = avif.windows(4).position(|four| four == b"ispe").unwrap() + 8;
    avif[at..at + 8].copy_from_slice(&[width.to_be_bytes(), height.to_be_bytes()].concat());
    avif
}

/// Strips of a row each, or tiles of half the picture.
fn tiff_of(width: u32, height: u32, is_tiled: bool) -> Vec<u8> {
    let mut fields = vec![
        long(256, width),
        long(257, height),
        short(258, &[8, 8, 8]),
        short(259, &[1]),
        short(262, &[2]),
        short(277, &[3]),
    ];
    if is_tiled {
        fields.extend([long(322, width / 32 * 16), long(323, height / 32 * 16), long(324, 8), long(325, 64)]);
    } else {
        fields.extend([long(273, 8), long(278, height), long(279, 64)]);
    }
    file(&[0; 64], vec![fields])
}

/// A codestream of nothing but its size (ISO/IEC 18181-1, D.2): not in eights, each side in 30 bits, no usual ratio; then all
/// fields are as they mostly are, and zeros follow.
fn jxl_of(width: u32, height: u32) -> Vec<u8> {
    let side = |side: u32| (u64::from((side - 1).min(0x3fff_ffff)) << 2) | 3;
    let bits = u128::from(side(height)) << 1 | u128::from(side(width)) << 36 | 1 << 68;
    [b"\xff\x0a".as_slice(), &bits.to_le_bytes(), &[0; 400]].concat()
}
