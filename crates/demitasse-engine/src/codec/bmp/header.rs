//! The headers of a BMP.
//!
//! Source: Microsoft, "Bitmap Header Types" (BITMAPCOREHEADER to BITMAPV5HEADER).

use super::super::Header;
use crate::{Error, Format, Result};

const RGB: u32 = 0;
const RLE8: u32 = 1;
const RLE4: u32 = 2;
const BITFIELDS: u32 = 3;
const ALPHA_BITFIELDS: u32 = 6;

/// Pixels for each byte of codes of a picture in runs. A run of two bytes has up to 255; eight times as many leave room for rows
/// and places that are passed over.
const MAX_PIXELS_A_CODE: u64 = 8 * 255 / 2;

/// From this size on a header has a mask for alpha, at offset 52 of it.
const WITH_ALPHA_MASK: usize = 56;
const V5: usize = 124;

/// What the headers say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bmp {
    pub header: Header,
    /// Where the pixels begin, and how many bytes they have; `None` if they are compressed.
    pixels: (usize, Option<usize>),
    /// Bytes of codes that pixels in runs take at least.
    least_codes: u64,
    /// Where the palette ends, if there is one. It may reach into the pixels: some writers claim all colours and store few.
    palette_end: usize,
    /// Whether something that belongs to it may follow the pixels: the profile of a V5 header.
    has_more: bool,
}

impl Bmp {
    /// Where the image ends.
    pub(super) fn end(&self, bytes: &[u8]) -> usize {
        match self.pixels {
            (start, Some(length)) if !self.has_more => {
                start.saturating_add(length).max(self.palette_end).min(bytes.len())
            }
            _ => bytes.len(),
        }
    }

    /// # Errors
    /// `Malformed` if there are fewer bytes than the pixels need.
    pub(super) fn check_length(&self, bytes: &[u8]) -> Result<()> {
        let (start, length) = self.pixels;
        if start.saturating_add(length.unwrap_or(1)) > bytes.len() {
            return Err(malformed("it is cut off"));
        }
        if length.is_none() && ((bytes.len() - start) as u64) < self.least_codes {
            return Err(malformed("its runs cover too little of it"));
        }
        Ok(())
    }
}

/// Reads the headers.
///
/// # Errors
/// `Malformed`; `Unsupported` for a JPEG or PNG in a BMP.
pub(super) fn read(bytes: &[u8]) -> Result<Bmp> {
    let (file, dib) = (Reader(bytes), Reader(bytes.get(14..).unwrap_or_default()));
    if !bytes.starts_with(b"BM") {
        return Err(malformed("it has no signature"));
    }
    let size = dib.u32(0)? as usize;
    let (width, height, bits, compression) = match size {
        12 => (i32::from(dib.u16(4)?), i32::from(dib.u16(6)?), dib.u16(10)?, RGB),
        16 | 40 | 52 | 56 | 64 | 108 | 124 => {
            let compression = if size >= 20 { dib.u32(16)? } else { RGB };
            (dib.i32(4)?, dib.i32(8)?, dib.u16(14)?, compression)
        }
        _ => return Err(malformed(format!("a header of {size} bytes is not known"))),
    };
    if width <= 0 || height == 0 || height == i32::MIN {
        return Err(malformed(format!("{width} x {height} cannot be")));
    }
    check_coding(bits, compression)?;
    let masks = matches!(compression, BITFIELDS | ALPHA_BITFIELDS);
    let alpha_mask = if size >= WITH_ALPHA_MASK || compression == ALPHA_BITFIELDS { dib.u32(52)? } else { 0 };
    let (width, height) = (width.unsigned_abs(), height.unsigned_abs());
    let is_plain = compression == RGB || masks;
    let row_bytes = (u64::from(width) * u64::from(bits)).div_ceil(32) * 4;
    let length = usize::try_from(row_bytes * u64::from(height)).unwrap_or(usize::MAX);
    let start = file.u32(10)? as usize;
    let headers_end = 14 + size + mask_bytes(size, compression);
    if start < headers_end {
        return Err(malformed("its pixels begin inside its headers"));
    }
    let colors_used = if size >= 40 { dib.u32(32)? } else { 0 };
    Ok(Bmp {
        header: Header {
            format: Format::Bmp,
            width,
            height,
            bits: 8,
            alpha: matches!(bits, 16 | 32) && alpha_mask != 0,
            animated: false,
            sequential: false,
        },
        pixels: (start, is_plain.then_some(length)),
        least_codes: u64::from(width) * u64::from(height) / MAX_PIXELS_A_CODE,
        palette_end: headers_end + palette_bytes(size, bits, colors_used),
        has_more: size >= V5 && dib.u32(112)? > 0,
    })
}

/// Bytes of the masks that follow a header too short to hold them.
fn mask_bytes(size: usize, compression: u32) -> usize {
    match compression {
        BITFIELDS if size == 40 => 12,
        ALPHA_BITFIELDS if size == 40 => 16,
        _ => 0,
    }
}

/// Bytes of the palette. Of 0 colours the header means all.
fn palette_bytes(size: usize, bits: u16, colors_used: u32) -> usize {
    if bits > 8 {
        return 0;
    }
    let all = 1 << bits;
    let colors = if colors_used == 0 { all } else { (colors_used as usize).min(all) };
    colors * if size == 12 { 3 } else { 4 }
}

fn check_coding(bits: u16, compression: u32) -> Result<()> {
    match (compression, bits) {
        (RGB, 1 | 2 | 4 | 8 | 16 | 24 | 32) | (RLE8, 8) | (RLE4, 4) => Ok(()),
        (BITFIELDS | ALPHA_BITFIELDS, 16 | 32) => Ok(()),
        (4 | 5, _) => {
            Err(Error::Unsupported("a JPEG or PNG inside a BMP is not supported: send it by itself".into()))
        }
        _ => Err(malformed(format!("{bits} bits with compression {compression} cannot be"))),
    }
}

/// Little-endian numbers at offsets.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn array<const N: usize>(&self, at: usize) -> Result<[u8; N]> {
        let found = self.0.get(at..).and_then(|rest| rest.first_chunk::<N>());
        found.copied().ok_or_else(|| malformed("its header is cut off"))
    }

    fn u16(&self, at: usize) -> Result<u16> {
        self.array(at).map(u16::from_le_bytes)
    }

    fn u32(&self, at: usize) -> Result<u32> {
        self.array(at).map(u32::from_le_bytes)
    }

    fn i32(&self, at: usize) -> Result<i32> {
        self.array(at).map(i32::from_le_bytes)
    }
}

pub(super) fn malformed(detail: impl ToString) -> Error {
    Error::malformed(Format::Bmp, detail)
}
