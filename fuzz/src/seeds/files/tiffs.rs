//! TIFF 6.0.

use super::super::blocks::{XMP, matrix_profile, resources};
use super::super::tiff::{ASCII, Field, UNDEFINED, bytes, file, long, short};
use super::packed as deflate;
use super::{HEIGHT, WIDTH, rgb};

/// Where the data stand.
const DATA: u32 = 8;

/// What every picture says: samples a pixel, how they are packed, and what they mean.
fn picture(samples: u16, compression: u16, meaning: u16) -> Vec<Field> {
    vec![
        long(256, WIDTH),
        long(257, HEIGHT),
        short(258, &vec![8; samples as usize]),
        short(259, &[compression]),
        short(262, &[meaning]),
        short(277, &[samples]),
    ]
}

/// Of one strip, in which all rows are.
fn in_strip(mut fields: Vec<Field>, data: &[u8]) -> Vec<Field> {
    fields.extend([long(273, DATA), long(278, HEIGHT), long(279, data.len() as u32)]);
    fields
}

pub(super) fn strips() -> Vec<u8> {
    file(&rgb(0), vec![in_strip(picture(3, 1, 2), &rgb(0))])
}

/// Deflated, each sample less the one before it, 16 bits.
pub(super) fn deflated() -> Vec<u8> {
    let samples: Vec<u8> = rgb(1).iter().flat_map(|sample| [*sample, *sample]).collect();
    let data = deflate(&samples);
    let mut fields = picture(3, 8, 2);
    fields[2] = short(258, &[16, 16, 16]);
    fields.push(short(317, &[2]));
    file(&data, vec![in_strip(fields, &data)])
}

/// Runs (PackBits) of gray.
pub(super) fn packed() -> Vec<u8> {
    let row = [[4, 1, 2, 3, 4, 5].as_slice(), &[(1 - 15_i8) as u8, 9]].concat();
    let data = row.repeat(HEIGHT as usize);
    file(&data, vec![in_strip(picture(1, 32_773, 1), &data)])
}

/// Two tiles of 16 x 16 pixels.
pub(super) fn tiles() -> Vec<u8> {
    let tile: Vec<u8> = (0..16 * 16 * 3).map(|at| (at * 11) as u8).collect();
    let data = [tile.clone(), tile].concat();
    let length = data.len() as u32 / 2;
    let pair =
        |tag, first: u32, second: u32| bytes(tag, 4, &[first.to_le_bytes(), second.to_le_bytes()].concat());
    let mut fields = picture(3, 1, 2);
    fields.extend([short(322, &[16]), short(323, &[16])]);
    fields.extend([pair(324, DATA, DATA + length), pair(325, length, length)]);
    file(&data, vec![fields])
}

/// Four bits a pixel.
pub(super) fn palette() -> Vec<u8> {
    let data: Vec<u8> = (0..WIDTH * HEIGHT / 2).map(|at| (at * 37 % 251) as u8).collect();
    let colors: Vec<u16> = (0..48).map(|color| color * 1_300).collect();
    let mut fields = picture(1, 1, 3);
    fields[2] = short(258, &[4]);
    fields.push(short(320, &colors));
    file(&data, vec![in_strip(fields, &data)])
}

/// Four inks, and every block that can stand beside them.
pub(super) fn inks() -> Vec<u8> {
    let data: Vec<u8> = (0..WIDTH * HEIGHT * 4).map(|at| (at * 13) as u8).collect();
    let mut fields = in_strip(picture(4, 1, 5), &data);
    fields.extend([
        short(274, &[6]),
        bytes(270, ASCII, b"a lake\0"),
        bytes(315, ASCII, b"Ada\0"),
        bytes(33_432, ASCII, b"(c) Ada\0"),
        bytes(700, 1, XMP.as_bytes()),
        bytes(34_377, 1, &resources()),
        bytes(34_675, UNDEFINED, &matrix_profile(b"CMYK")),
    ]);
    file(&data, vec![fields])
}

/// Two pictures.
pub(super) fn pages() -> Vec<u8> {
    let data = rgb(0);
    file(&data, vec![in_strip(picture(3, 1, 2), &data), in_strip(picture(3, 1, 2), &data)])
}
