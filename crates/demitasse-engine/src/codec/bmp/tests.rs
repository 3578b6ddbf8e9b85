use super::*;
use crate::codec::testing::*;

/// A file: header of 40 bytes or more, palette, pixels.
fn bmp(dib: &[u8], palette: &[u8], pixels: &[u8]) -> Vec<u8> {
    let start = 14 + dib.len() + palette.len();
    let mut out = b"BM".to_vec();
    out.extend(((start + pixels.len()) as u32).to_le_bytes());
    out.extend([0; 4]);
    out.extend((start as u32).to_le_bytes());
    [out.as_slice(), dib, palette, pixels].concat()
}

fn dib(width: i32, height: i32, bits: u16, compression: u32, size: usize) -> Vec<u8> {
    let mut out = (size as u32).to_le_bytes().to_vec();
    out.extend(width.to_le_bytes());
    out.extend(height.to_le_bytes());
    out.extend(1u16.to_le_bytes());
    out.extend(bits.to_le_bytes());
    out.extend(compression.to_le_bytes());
    out.resize(size, 0);
    out
}

fn pixels(bytes: &[u8]) -> Vec<[u8; 4]> {
    rgba(&decode(&Bmp, bytes)).into_iter().map(|pixel| pixel.map(|sample| (sample >> 8) as u8)).collect()
}

const RED: [u8; 4] = [255, 0, 0, 255];
const GREEN: [u8; 4] = [0, 255, 0, 255];
/// Blue, green, red, unused: red, then green.
const PALETTE: &[u8] = &[0, 0, 255, 0, 0, 255, 0, 0];

fn palette(bits: u32) -> Vec<u8> {
    let mut palette = PALETTE.to_vec();
    palette.resize(4 << bits, 0);
    palette
}

#[test]
fn rows_go_up_or_down() {
    // Two rows of one pixel, padded to four bytes.
    let rows = [0, 0, 255, 0, 0, 255, 0, 0];
    assert_eq!(pixels(&bmp(&dib(1, 2, 24, 0, 40), &[], &rows)), [GREEN, RED]);
    assert_eq!(pixels(&bmp(&dib(1, -2, 24, 0, 40), &[], &rows)), [RED, GREEN]);
    assert_eq!(Bmp.read_header(&bmp(&dib(1, -2, 24, 0, 40), &[], &rows)).unwrap().height, 2);
}

#[test]
fn palettes_of_every_depth_decode() {
    for (bits, row) in [(1u16, [0b0100_0000, 0, 0, 0]), (4, [0x01, 0, 0, 0]), (8, [0, 1, 0, 0])] {
        let file = bmp(&dib(2, 1, bits, 0, 40), &palette(bits.into()), &row);
        assert_eq!(pixels(&file), [RED, GREEN], "{bits}");
        refuses_every_truncation(&Bmp, &file);
    }
}

#[test]
fn run_lengths_decode_and_must_be_whole() {
    // Three red, one green, end of row; two literal pixels and two green; end.
    let runs = [3, 0, 1, 1, 0, 0, 2, 1, 2, 0, 0, 1];
    let file = bmp(&dib(4, 2, 8, 1, 40), &palette(8), &runs);
    assert_eq!(pixels(&file), [GREEN, GREEN, RED, RED, RED, RED, RED, GREEN]);
    survives_every_damage(&Bmp, &file);
}

#[test]
fn alpha_is_read_from_a_v4_header() {
    let mut header = dib(2, 1, 32, 3, 108);
    for (at, mask) in [(40, 0x00ff_0000u32), (44, 0xff00), (48, 0xff), (52, 0xff00_0000)] {
        header[at..at + 4].copy_from_slice(&mask.to_le_bytes());
    }
    let file = bmp(&header, &[], &[0, 0, 255, 128, 0, 255, 0, 255]);
    assert!(Bmp.read_header(&file).unwrap().alpha);
    assert_eq!(pixels(&file), [[255, 0, 0, 128], GREEN]);
    refuses_every_truncation(&Bmp, &file);
}

#[test]
fn thirty_two_bits_without_a_mask_are_opaque() {
    let file = bmp(&dib(1, 1, 32, 0, 40), &[], &[0, 0, 255, 0]);
    assert!(!Bmp.read_header(&file).unwrap().alpha);
    assert_eq!(pixels(&file), [RED]);
}

#[test]
fn what_follows_the_pixels_is_cut_off() {
    let clean = bmp(&dib(1, 1, 24, 0, 40), &[], &[0, 0, 255, 0]);
    let dirty = [clean.clone(), b"GPS position".to_vec()].concat();
    assert_eq!(Bmp.read_metadata(&dirty, &Limits::default()).unwrap().items[0].bytes, 12);
    assert_eq!(Bmp.strip(&dirty, &Embedded::default()).unwrap(), clean);
    assert_eq!(Bmp.strip(&clean, &Embedded::default()).unwrap(), clean);
}

#[test]
fn pixels_inside_the_headers_are_damage() {
    let clean = bmp(&dib(1, 1, 24, 0, 40), &[], &[0, 0, 255, 0]);
    for offset in (0u8..54).step_by(2) {
        let mut file = clean.clone();
        file[10] = offset;
        assert!(matches!(Bmp.strip(&file, &Embedded::default()), Err(Error::Malformed { .. })), "{offset}");
        assert!(matches!(Bmp.read_header(&file), Err(Error::Malformed { .. })), "{offset}");
    }
    // The masks follow a header of 40 bytes.
    let mut masked = bmp(&dib(1, 1, 16, 3, 40), &[], &[0; 16]);
    assert!(Bmp.read_header(&masked).is_err());
    masked[10] += 12;
    assert!(Bmp.read_header(&masked).is_ok());
}

#[test]
fn a_palette_is_not_cut_off_with_the_trailer() {
    let mut file = bmp(&dib(1, 1, 8, 0, 40), &palette(8), &[0; 4]);
    file[10..14].copy_from_slice(&54u32.to_le_bytes());
    let stripped = Bmp.strip(&file, &Embedded::default()).unwrap();
    assert_eq!(stripped.len(), 14 + 40 + 1024);
    assert_eq!(pixels(&stripped), pixels(&file));
}

#[test]
fn a_header_can_claim_anything_and_costs_nothing() {
    let file = bmp(&dib(i32::MAX, i32::MAX, 32, 0, 40), &[], &[0; 16]);
    assert_eq!(Bmp.read_header(&file).unwrap().width, i32::MAX as u32);
    let limits = Limits { max_dimension: u32::MAX, max_pixels: u64::MAX, ..Limits::default() };
    assert!(matches!(Bmp.decode(&file, &limits, &Control::new()), Err(Error::Malformed { .. })));
}

#[test]
fn a_png_inside_is_refused_with_advice() {
    let error = Bmp.read_header(&bmp(&dib(1, 1, 0, 5, 40), &[], &[0; 4])).unwrap_err();
    assert!(error.to_string().contains("send it by itself"), "{error}");
}

#[test]
fn damage_is_survived() {
    survives_every_damage(&Bmp, &bmp(&dib(16, 16, 24, 0, 40), &[], &[90; 16 * 48]));
    survives_every_damage(&Bmp, &bmp(&dib(16, 16, 8, 0, 40), &palette(8), &[90; 256]));
}

#[test]
fn a_few_codes_are_no_large_picture() {
    // An end of row, and the end.
    let file = |side| bmp(&dib(side, side, 8, 1, 40), &palette(8), &[0, 0, 0, 1]);
    assert_eq!(pixels(&file(16)).len(), 256);
    let error = Bmp.decode(&file(9_000), &Limits::default(), &Control::new()).unwrap_err();
    assert_eq!(error.code(), "malformed");
}
