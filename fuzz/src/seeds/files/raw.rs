//! Formats that are read and never written: BMP, ICO, QOI, JPEG XL.

use zune_core::bit_depth::BitDepth;
use zune_core::colorspace::ColorSpace;
use zune_core::options::EncoderOptions;
use zune_jpegxl::JxlSimpleEncoder;

use super::super::blocks::{XMP, camera};
use super::{HEIGHT, WIDTH, rgb};

/// 24 bits a pixel, rows from the bottom.
pub(super) fn bmp() -> Vec<u8> {
    bitmap(24, 0, &[], &rgb(0))
}

/// 8 bits a pixel in runs: four rows of one run each, an end of line, a piece of plain indices, an end.
pub(super) fn packed_bmp() -> Vec<u8> {
    let colors: Vec<u8> = (0..=255).flat_map(|color: u8| [color, 255 - color, 7, 0]).collect();
    let mut codes = Vec::new();
    for row in 0..HEIGHT as u8 {
        codes.extend([10, row, 0, 4, 1, 2, 3, 4, 6, 200, 0, 0]);
    }
    codes.extend([0, 2, 1, 1, 0, 1]);
    bitmap(8, 1, &colors, &codes)
}

/// 16 bits a pixel, of which masks say which colour they are.
pub(super) fn masked_bmp() -> Vec<u8> {
    let masks: Vec<u8> = [0xf800_u32, 0x07e0, 0x001f].iter().flat_map(|mask| mask.to_le_bytes()).collect();
    let pixels: Vec<u8> = rgb(1).chunks(3).flat_map(|pixel| [pixel[0], pixel[1]]).collect();
    bitmap(16, 3, &masks, &pixels)
}

/// A header of 40 bytes, what stands between it and the pixels, and those.
fn bitmap(bits: u16, compression: u32, between: &[u8], pixels: &[u8]) -> Vec<u8> {
    let start = 54 + between.len() as u32;
    let mut bytes = b"BM".to_vec();
    bytes.extend((start + pixels.len() as u32).to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend(start.to_le_bytes());
    bytes.extend(header(HEIGHT, bits, compression));
    [&bytes, between, pixels].concat()
}

fn header(height: u32, bits: u16, compression: u32) -> Vec<u8> {
    let mut bytes = 40_u32.to_le_bytes().to_vec();
    bytes.extend(WIDTH.to_le_bytes());
    bytes.extend(height.to_le_bytes());
    bytes.extend(1_u16.to_le_bytes());
    bytes.extend(bits.to_le_bytes());
    bytes.extend(compression.to_le_bytes());
    bytes.resize(40, 0);
    bytes
}

/// A bitmap as icons have it: twice as high, with a mask of a bit a pixel behind the colours.
pub(super) fn icon_bitmap() -> Vec<u8> {
    let pixels: Vec<u8> = rgb(0).chunks(3).flat_map(|pixel| [pixel, &[255]].concat()).collect();
    [header(2 * HEIGHT, 32, 0), pixels, vec![0; 4 * HEIGHT as usize]].concat()
}

/// One picture.
pub(super) fn ico(picture: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 1, 0, 1, 0, WIDTH as u8, HEIGHT as u8, 0, 0, 1, 0, 32, 0];
    bytes.extend((picture.len() as u32).to_le_bytes());
    bytes.extend(22_u32.to_le_bytes());
    bytes.extend(picture);
    bytes
}

/// Every pixel as it is: QOI_OP_RGB (QOI specification, version 1.0).
pub(super) fn qoi() -> Vec<u8> {
    let pixels: Vec<u8> = rgb(0).chunks(3).flat_map(|pixel| [&[0xfe][..], pixel].concat()).collect();
    qoi_of(3, &pixels)
}

/// Runs, differences and pixels that were there before.
pub(super) fn packed_qoi() -> Vec<u8> {
    let codes = [0xff, 9, 8, 7, 200, 0xc5, 0x6a, 0xa3, 0x57, 0x11, 0xfe, 1, 2, 3].repeat(16);
    // 144 pixels, which are missing to the last.
    let runs = [0xfd, 0xfd, 0xd3];
    qoi_of(4, &[&codes[..], &runs].concat())
}

fn qoi_of(channels: u8, codes: &[u8]) -> Vec<u8> {
    let header = [b"qoif".as_slice(), &WIDTH.to_be_bytes(), &HEIGHT.to_be_bytes(), &[channels, 0]].concat();
    [&header, codes, &[0, 0, 0, 0, 0, 0, 0, 1]].concat()
}

/// A bare codestream without loss.
pub(super) fn jxl() -> Vec<u8> {
    let options = EncoderOptions::new(WIDTH as usize, HEIGHT as usize, ColorSpace::RGB, BitDepth::Eight);
    let mut bytes = Vec::new();
    JxlSimpleEncoder::new(&rgb(0), options).encode(&mut bytes).unwrap();
    bytes
}

/// In a container, with EXIF and XMP (ISO/IEC 18181-2).
pub(super) fn boxed_jxl() -> Vec<u8> {
    let boxed = |kind: &[u8; 4], data: &[u8]| {
        [&(8 + data.len() as u32).to_be_bytes(), kind.as_slice(), data].concat()
    };
    [
        boxed(b"JXL ", b"\r\n\x87\n"),
        boxed(b"ftyp", b"jxl \0\0\0\0jxl "),
        boxed(b"Exif", &[&[0; 4][..], &camera()].concat()),
        boxed(b"xml ", XMP.as_bytes()),
        boxed(b"jxlc", &jxl()),
    ]
    .concat()
}
