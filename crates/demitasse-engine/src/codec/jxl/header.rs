//! The header of a codestream, as far as it says what there is: read bit by bit, in bounded work and without memory, for the
//! service reads it outside of any sandbox.
//!
//! Source: ISO/IEC 18181-1, annex D.

use super::container::codestream;
use super::malformed;
use crate::codec::Header;
use crate::metadata::Orientation;
use crate::{Format, Result};

const SIGNATURE: &[u8] = b"\xff\x0a";
/// Extra channels that are looked through for alpha: it is the first nearly always.
const MAX_EXTRA: u32 = 256;
const ALPHA: u32 = 0;
const SPOT_COLOR: u32 = 2;
const COLOR_FILTER: u32 = 5;

/// Reads the header: upright size, depth, alpha, and whether it moves.
///
/// # Errors
/// `Malformed`.
pub(super) fn read(bytes: &[u8]) -> Result<Header> {
    let stream = codestream(bytes)?;
    let fields = stream.strip_prefix(SIGNATURE).ok_or_else(|| malformed("it has no codestream"))?;
    let mut bits = Bits { bytes: fields, at: 0 };
    let (width, height) = size(&mut bits)?;
    let mut header = Header {
        format: Format::Jxl,
        width,
        height,
        bits: 8,
        alpha: false,
        animated: false,
        sequential: false,
    };
    if bits.flag()? {
        return Ok(header);
    }
    let mut orientation = Orientation::UPRIGHT;
    if bits.flag()? {
        orientation = Orientation::from_exif(1 + bits.take(3)? as u16);
        if bits.flag()? {
            size(&mut bits)?;
        }
        if bits.flag()? {
            preview(&mut bits)?;
        }
        header.animated = bits.flag()?;
        if header.animated {
            bits.number([(100, 0), (1000, 0), (1, 10), (1, 30)])?;
            bits.number([(1, 0), (1001, 0), (1, 8), (1, 10)])?;
            bits.number([(0, 0), (0, 3), (0, 16), (0, 32)])?;
            bits.flag()?;
        }
    }
    header.bits = if depth(&mut bits)? > 8 { 16 } else { 8 };
    bits.flag()?;
    let extra = bits.number([(0, 0), (1, 0), (2, 4), (1, 12)])?;
    for _ in 0..extra.min(MAX_EXTRA) {
        header.alpha |= is_alpha(&mut bits)?;
        if header.alpha {
            break;
        }
    }
    (header.width, header.height) = orientation.turn(width, height);
    Ok(header)
}

/// Width and height.
fn size(bits: &mut Bits<'_>) -> Result<(u32, u32)> {
    let in_eights = bits.flag()?;
    let side = |bits: &mut Bits<'_>| {
        if in_eights { Ok(8 * (1 + bits.take(5)?)) } else { bits.number([(1, 9), (1, 13), (1, 18), (1, 30)]) }
    };
    let height = side(bits)?;
    let width = match ratio(bits.take(3)?) {
        Some((width, height_part)) => {
            u32::try_from(u64::from(height) * width / height_part).map_err(|_| malformed("it is too wide"))?
        }
        None => side(bits)?,
    };
    if width == 0 { Err(malformed("a side is 0")) } else { Ok((width, height)) }
}

/// Width to height, where it is one of the usual ones.
fn ratio(number: u32) -> Option<(u64, u64)> {
    Some(match number {
        1 => (1, 1),
        2 => (12, 10),
        3 => (4, 3),
        4 => (3, 2),
        5 => (16, 9),
        6 => (5, 4),
        7 => (2, 1),
        _ => return None,
    })
}

/// The size of a preview, which is not used.
fn preview(bits: &mut Bits<'_>) -> Result<()> {
    let in_eights = bits.flag()?;
    let side = |bits: &mut Bits<'_>| {
        if in_eights {
            bits.number([(16, 0), (32, 0), (1, 5), (33, 9)])
        } else {
            bits.number([(1, 6), (65, 8), (321, 10), (1345, 12)])
        }
    };
    side(bits)?;
    if bits.take(3)? == 0 {
        side(bits)?;
    }
    Ok(())
}

/// Bits a sample.
fn depth(bits: &mut Bits<'_>) -> Result<u32> {
    if bits.flag()? {
        let depth = bits.number([(32, 0), (16, 0), (24, 0), (1, 6)])?;
        bits.take(4)?;
        Ok(depth)
    } else {
        bits.number([(8, 0), (10, 0), (12, 0), (1, 6)])
    }
}

/// Reads an extra channel: whether it is alpha.
fn is_alpha(bits: &mut Bits<'_>) -> Result<bool> {
    if bits.flag()? {
        return Ok(true);
    }
    let kind = bits.number([(0, 0), (1, 0), (2, 4), (18, 6)])?;
    depth(bits)?;
    bits.number([(0, 0), (3, 0), (4, 0), (1, 3)])?;
    let name_bytes = bits.number([(0, 0), (0, 4), (16, 5), (48, 10)])?;
    bits.skip(8 * name_bytes as usize);
    match kind {
        ALPHA => return Ok(true),
        SPOT_COLOR => bits.skip(4 * 16),
        COLOR_FILTER => {
            bits.number([(1, 0), (0, 2), (3, 4), (19, 8)])?;
        }
        _ => {}
    }
    Ok(false)
}

/// Bits from the lowest of each byte on.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: u32) -> Result<u32> {
        let mut number = 0;
        for place in 0..count {
            let byte = self.bytes.get(self.at / 8).ok_or_else(|| malformed("its header is cut off"))?;
            number |= u32::from(byte >> (self.at % 8) & 1) << place;
            self.at += 1;
        }
        Ok(number)
    }

    fn flag(&mut self) -> Result<bool> {
        Ok(self.take(1)? == 1)
    }

    fn skip(&mut self, count: usize) {
        self.at = self.at.saturating_add(count);
    }

    /// A number in one of four ways, which two bits choose: what is added, and how many bits follow.
    fn number(&mut self, ways: [(u32, u32); 4]) -> Result<u32> {
        let (add, count) = ways[self.take(2)? as usize];
        Ok(self.take(count)?.saturating_add(add))
    }
}
