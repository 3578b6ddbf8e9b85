//! ICO and CUR, Windows' icons: read only. A file holds one picture in several sizes; the largest is taken, and a warning says so.
//! A picture is a PNG, which our own codec reads, or half a BMP, which the crate `image` reads.
//!
//! Source: Microsoft, "The format of icon resources" (ICONDIR, ICONDIRENTRY).

mod capabilities;
#[cfg(test)]
mod tests;

use std::io::Cursor;

use image::ImageDecoder;
use image::codecs::ico::IcoDecoder;

use super::png::Png;
use super::{Codec, Decoded, Encoder, Header, Memory};
use crate::image::{Image, Layout, Samples};
use crate::metadata::{Embedded, Metadata};
use crate::report::Warning;
use crate::{Control, Error, Format, Limits, Result};

pub(crate) use self::capabilities::CAPABILITIES;

const DIRECTORY_BYTES: usize = 6;
const ENTRY_BYTES: usize = 16;
const PNG_SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// The only header of a BMP that icons have: BITMAPINFOHEADER.
const DIB_BYTES: u32 = 40;
/// Longest side of a picture that is no PNG: the directory has a byte for it, and 0 is this.
const MAX_DIB_SIDE: u32 = 256;

pub(crate) struct Ico;

/// One of the pictures.
#[derive(Debug, Clone, Copy)]
struct Picture<'a> {
    data: &'a [u8],
    width: u32,
    height: u32,
    /// Bits a pixel.
    depth: u16,
    /// Bits a sample.
    bits: u8,
    is_png: bool,
}

impl Codec for Ico {
    fn read_header(&self, bytes: &[u8]) -> Result<Header> {
        let (Picture { width, height, bits, .. }, _) = largest(bytes)?;
        Ok(Header {
            format: Format::Ico,
            width,
            height,
            bits,
            alpha: true,
            animated: false,
            sequential: false,
        })
    }

    fn read_metadata(&self, bytes: &[u8], _limits: &Limits) -> Result<Metadata> {
        largest(bytes).map(|_| Metadata::default())
    }

    /// Cost: that of the picture.
    fn decode(&self, bytes: &[u8], limits: &Limits, control: &Control) -> Result<Decoded> {
        let (picture, count) = largest(bytes)?;
        limits.check_header(&self.read_header(bytes)?)?;
        control.check()?;
        let image = if picture.is_png {
            Png.decode(picture.data, limits, control).map_err(of_icon)?.image
        } else {
            decode_dib(&picture)?
        };
        let mut warnings = Vec::new();
        if count > 1 {
            let Picture { width, height, .. } = picture;
            let detail = format!("the icon has {count} pictures; this is the largest, {width} x {height}");
            warnings.push(Warning { code: "largest_size_only".into(), detail });
        }
        Ok(Decoded { image, metadata: Metadata::default(), warnings })
    }

    /// Nothing is known to be in an icon beside its pictures.
    fn strip(&self, bytes: &[u8], _keep: &Embedded) -> Result<Vec<u8>> {
        largest(bytes)?;
        Ok(bytes.to_vec())
    }

    fn memory(&self) -> Memory {
        Memory { decode: 8, encode: 0 }
    }

    fn encoders(&self) -> &'static [&'static dyn Encoder] {
        &[]
    }
}

/// The picture with most pixels, of those the one with most colours; and how many there are.
fn largest(bytes: &[u8]) -> Result<(Picture<'_>, usize)> {
    let (head, rest) =
        bytes.split_first_chunk::<DIRECTORY_BYTES>().ok_or_else(|| malformed("its header is cut off"))?;
    let [0, 0, 1 | 2, 0, low, high] = *head else { return Err(malformed("it has no signature")) };
    let count = usize::from(u16::from_le_bytes([low, high]));
    let entries = rest.get(..count * ENTRY_BYTES).ok_or_else(|| malformed("its directory is cut off"))?;
    let mut best: Option<Picture<'_>> = None;
    for entry in entries.as_chunks::<ENTRY_BYTES>().0 {
        let picture = read_picture(bytes, entry)?;
        let rank =
            |picture: &Picture<'_>| (u64::from(picture.width) * u64::from(picture.height), picture.depth);
        if best.is_none_or(|best| rank(&picture) > rank(&best)) {
            best = Some(picture);
        }
    }
    let mut best = best.ok_or_else(|| malformed("there is no picture in it"))?;
    if best.is_png {
        // Once: thousands of entries may name the same long file, and this is read outside of the sandbox.
        best.bits = Png.read_header(best.data).map_err(of_icon)?.bits;
    }
    Ok((best, count))
}

fn read_picture<'a>(bytes: &'a [u8], entry: &[u8; ENTRY_BYTES]) -> Result<Picture<'a>> {
    let number = |at: usize| u32::from_le_bytes([entry[at], entry[at + 1], entry[at + 2], entry[at + 3]]);
    let (length, start) = (number(8) as usize, number(12) as usize);
    let data =
        bytes.get(start..).and_then(|rest| rest.get(..length)).ok_or_else(|| malformed("it is cut off"))?;
    if data.starts_with(PNG_SIGNATURE) {
        // Behind the signature, the header's length and its name (PNG, section 11.2.1).
        let size = data.get(16..).and_then(|sides| sides.first_chunk::<8>());
        let [w0, w1, w2, w3, h0, h1, h2, h3] =
            *size.ok_or_else(|| malformed("a picture's header is cut off"))?;
        let (width, height) = (u32::from_be_bytes([w0, w1, w2, w3]), u32::from_be_bytes([h0, h1, h2, h3]));
        return Ok(Picture { data, width, height, depth: 32, bits: 8, is_png: true });
    }
    let head = data.first_chunk::<16>().ok_or_else(|| malformed("a picture's header is cut off"))?;
    let number = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    // The height counts the mask below the picture too.
    let (width, height, depth) = (number(4), number(8) / 2, u16::from_le_bytes([head[14], head[15]]));
    if number(0) != DIB_BYTES {
        return Err(malformed("a picture of it is neither a PNG nor a bitmap"));
    }
    if !(1..=MAX_DIB_SIDE).contains(&width) || !(1..=MAX_DIB_SIDE).contains(&height) {
        return Err(malformed(format!("a bitmap of {width} x {height} cannot be in it")));
    }
    Ok(Picture { data, width, height, depth, bits: 8, is_png: false })
}

/// Decodes a bitmap, in an icon of its own.
fn decode_dib(picture: &Picture<'_>) -> Result<Image> {
    let side = |side: u32| (side % MAX_DIB_SIDE) as u8;
    let mut icon = vec![0, 0, 1, 0, 1, 0, side(picture.width), side(picture.height), 0, 0, 1, 0];
    icon.extend(picture.depth.to_le_bytes());
    icon.extend((picture.data.len() as u32).to_le_bytes());
    icon.extend(((DIRECTORY_BYTES + ENTRY_BYTES) as u32).to_le_bytes());
    icon.extend(picture.data);
    let decoder = IcoDecoder::new(Cursor::new(icon)).map_err(malformed)?;
    let (width, height) = decoder.dimensions();
    if (width, height) != (picture.width, picture.height) || decoder.color_type() != image::ColorType::Rgba8 {
        return Err(malformed("its parts disagree about its size"));
    }
    let mut samples = vec![0; width as usize * height as usize * 4];
    decoder.read_image(&mut samples).map_err(malformed)?;
    Ok(Image::still(width, height, Layout::Rgba, Samples::U8(samples), None))
}

/// What is wrong with the PNG in it is wrong with the icon.
fn of_icon(error: Error) -> Error {
    match error {
        Error::Malformed { .. } => malformed(error),
        error => error,
    }
}

fn malformed(detail: impl ToString) -> Error {
    Error::malformed(Format::Ico, detail)
}
