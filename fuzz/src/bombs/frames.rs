//! Small pictures of very many parts.

use super::{Bomb, Ending, bomb};
use crate::png::{SIGNATURE, chunk};
use crate::seeds::files;
use crate::seeds::tiff::{bytes, file, long, short};

pub(super) fn all() -> Vec<Bomb> {
    vec![
        bomb("gif of 20,000 frames", Ending::Harmless, gif_of(20_000, 4)),
        bomb("gif of 5,000 frames of 4,000 x 4,000", Ending::Harmless, gif_of(5_000, 4_000)),
        bomb("apng that says 4,294,967,295 frames", Ending::Refused, apng_of(u32::MAX, 1, 4)),
        bomb("apng of 20,000 frames", Ending::Harmless, apng_of(20_000, 20_000, 4)),
        bomb("apng of 200 frames of 9,000 x 9,000", Ending::Harmless, apng_of(200, 200, 9_000)),
        bomb("webp of 50,000 frames", Ending::Harmless, webp_of(50_000, 16)),
        bomb("webp of 200 frames on 9,000 x 9,000", Ending::Harmless, webp_of(200, 9_000)),
        bomb("avif of a grid of 65,536 tiles", Ending::Refused, avif_grid()),
        bomb("tiff of 4,294,967,295 strips", Ending::Refused, tiff_of_strips()),
        bomb("tiff whose directories go round", Ending::Refused, tiff_in_a_circle()),
        bomb("tiff of a directory of 65,535 fields", Ending::Refused, tiff_of_fields()),
        bomb("ico of 65,535 pictures", Ending::Refused, ico_of_pictures()),
        bomb("jpeg of 65,535 x 65,500 in a thousand scans", Ending::Over("columns"), jpeg_of_scans()),
    ]
}

/// Frames as large as the canvas, each of one code.
fn gif_of(frames: usize, side: u16) -> Vec<u8> {
    let size = [side.to_le_bytes(), side.to_le_bytes()].concat();
    let frame = [b"\x21\xf9\x04\0\x09\0\0\0\x2c\0\0\0\0", &size[..], b"\0\x02\x02\x4c\x01\0"].concat();
    [b"GIF89a", &size[..], b"\x80\0\0\0\0\0\xff\xff\xff", &frame.repeat(frames), b"\x3b"].concat()
}

/// Frames that are said, and those that are there; their data are two bytes.
fn apng_of(said: u32, frames: u32, side: u32) -> Vec<u8> {
    let size = [side.to_be_bytes(), side.to_be_bytes()].concat();
    let header = chunk(b"IHDR", &[&size[..], &[8, 2, 0, 0, 0]].concat());
    let mut file = [SIGNATURE, &header, &chunk(b"acTL", &[said.to_be_bytes(), [0; 4]].concat())].concat();
    let mut number = 0_u32;
    for frame in 0..frames {
        let place = [&number.to_be_bytes()[..], &size, &[0; 8], &[0, 1, 0, 10, 0, 0]].concat();
        file.extend(chunk(b"fcTL", &place));
        number += 1;
        if frame == 0 {
            file.extend(chunk(b"IDAT", &[0x78, 0x9c]));
        } else {
            file.extend(chunk(b"fdAT", &[&number.to_be_bytes()[..], &[0x78, 0x9c]].concat()));
            number += 1;
        }
    }
    file.extend(chunk(b"IEND", &[]));
    file
}

/// Frames of 16 x 16 pixels on a canvas.
fn webp_of(frames: usize, side: u32) -> Vec<u8> {
    let part =
        |kind: &[u8; 4], data: &[u8]| [kind.as_slice(), &(data.len() as u32).to_le_bytes(), data].concat();
    let side = &(side - 1).to_le_bytes()[..3];
    let lossless = [&[0x2f][..], &(15_u32 | 15 << 14).to_le_bytes(), &[0; 9]].concat();
    let place = [0, 0, 0, 0, 0, 0, 15, 0, 0, 15, 0, 0, 10, 0, 0, 0];
    let frame = part(b"ANMF", &[&place[..], &part(b"VP8L", &lossless)].concat());
    let body = [
        b"WEBP".as_slice(),
        &part(b"VP8X", &[&[2, 0, 0, 0][..], side, side].concat()),
        &part(b"ANIM", &[0; 6]),
        &frame.repeat(frames),
    ]
    .concat();
    [b"RIFF".as_slice(), &(body.len() as u32).to_le_bytes(), &body].concat()
}

/// The only picture is said to be a grid of 256 x 256 parts, of which there is none.
fn avif_grid() -> Vec<u8> {
    let mut avif = files::one("avif");
    let at = avif.windows(4).position(|four| four == b"av01").unwrap();
    avif[at..at + 4].copy_from_slice(b"grid");
    let data = avif.windows(4).position(|four| four == b"mdat").unwrap() + 4;
    avif[data..data + 8].copy_from_slice(&[0, 0, 255, 255, 0x20, 0, 0x20, 0]);
    avif
}

fn picture() -> Vec<crate::seeds::tiff::Field> {
    vec![
        long(256, 900),
        long(257, 900),
        short(258, &[8]),
        short(259, &[1]),
        short(262, &[1]),
        short(277, &[1]),
    ]
}

/// Where each lies is said at an offset that is not there.
fn tiff_of_strips() -> Vec<u8> {
    let mut fields = picture();
    fields.extend([long(273, 8), long(278, 1), long(279, 8)]);
    let mut tiff = file(&[0; 64], vec![fields]);
    for tag in [273_u16, 279] {
        let entry = [tag.to_le_bytes(), 4_u16.to_le_bytes()].concat();
        let at = tiff.windows(4).position(|four| four == entry).unwrap();
        tiff[at + 4..at + 8].copy_from_slice(&[0xff; 4]);
    }
    tiff
}

/// The next directory is the first one.
fn tiff_in_a_circle() -> Vec<u8> {
    let mut tiff = files::one("tiff");
    let first = tiff[4..8].to_vec();
    let end = tiff.len() - 4;
    tiff[end..].copy_from_slice(&first);
    tiff
}

/// Texts that all lie in the same place, and are as long as the file.
fn tiff_of_fields() -> Vec<u8> {
    let mut fields = picture();
    fields.extend((1_000..0xffff - 6).map(|tag| bytes(tag, 2, &[b'a'; 4])));
    file(&[0; 64], vec![fields])
}

fn ico_of_pictures() -> Vec<u8> {
    let entry = [0, 0, 0, 0, 1, 0, 32, 0, 0xff, 0xff, 0xff, 0x7f, 22, 0, 0, 0];
    [&[0, 0, 1, 0, 0xff, 0xff][..], &entry.repeat(0xffff)].concat()
}

/// The first scan again and again.
fn jpeg_of_scans() -> Vec<u8> {
    let mut jpeg = files::one("jpeg, fast");
    let frame = jpeg.windows(2).position(|pair| matches!(pair, [0xff, 0xc0..=0xc2])).unwrap();
    jpeg[frame + 1] = 0xc2;
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xff, 0xdc, 0xff, 0xff]);
    let (start, end) = (jpeg.windows(2).position(|pair| pair == [0xff, 0xda]).unwrap(), jpeg.len() - 2);
    [&jpeg[..start], &jpeg[start..end].repeat(1_000), &[0xff, 0xd9]].concat()
}
