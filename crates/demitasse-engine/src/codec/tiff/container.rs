//! The directories of a TIFF (TIFF 6.0, section 2).

use std::collections::HashSet;
use std::ops::Range;

use super::super::Header;
use crate::{Error, Format, Result};

pub(super) mod tag {
    pub(crate) const SUBFILE_TYPE: u16 = 254;
    pub(crate) const OLD_SUBFILE_TYPE: u16 = 255;
    pub(crate) const WIDTH: u16 = 256;
    pub(crate) const HEIGHT: u16 = 257;
    pub(crate) const BITS: u16 = 258;
    pub(crate) const COMPRESSION: u16 = 259;
    pub(crate) const PHOTOMETRIC: u16 = 262;
    pub(crate) const STRIP_OFFSETS: u16 = 273;
    pub(crate) const ORIENTATION: u16 = 274;
    pub(crate) const SAMPLES: u16 = 277;
    pub(crate) const ROWS_A_STRIP: u16 = 278;
    pub(crate) const STRIP_LENGTHS: u16 = 279;
    pub(crate) const PLANAR: u16 = 284;
    pub(crate) const ARTIST: u16 = 315;
    pub(crate) const COLOR_MAP: u16 = 320;
    pub(crate) const TILE_WIDTH: u16 = 322;
    pub(crate) const TILE_HEIGHT: u16 = 323;
    pub(crate) const TILE_OFFSETS: u16 = 324;
    pub(crate) const TILE_LENGTHS: u16 = 325;
    pub(crate) const SUB_IFDS: u16 = 330;
    pub(crate) const EXTRA_SAMPLES: u16 = 338;
    pub(crate) const JPEG_OFFSET: u16 = 513;
    pub(crate) const JPEG_LENGTH: u16 = 514;
    pub(crate) const XMP: u16 = 700;
    pub(crate) const COPYRIGHT: u16 = 33_432;
    pub(crate) const IPTC: u16 = 33_723;
    pub(crate) const PHOTOSHOP: u16 = 34_377;
    pub(crate) const EXIF: u16 = 34_665;
    pub(crate) const ICC: u16 = 34_675;
    pub(crate) const GPS: u16 = 34_853;
    pub(crate) const INTEROP: u16 = 40_965;
}

/// Fields of a directory that are read; the richest have some hundreds. Each look at a field goes through all of them.
const MAX_FIELDS: usize = 4_096;

/// Bytes of an entry.
pub(super) const ENTRY: usize = 12;

/// A field of a directory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub tag: u16,
    kind: u16,
    count: u32,
    /// Where its twelve bytes lie.
    pub at: usize,
    /// Where its value lies and how long it is, if the file has that much.
    value: Option<(usize, usize)>,
}

impl Entry {
    /// The bytes of the value.
    pub(super) fn range(&self) -> Option<Range<usize>> {
        self.value.map(|(start, length)| start..start + length)
    }

    /// Whether the value lies outside the directory.
    pub(super) fn is_apart(&self) -> bool {
        self.value.is_none_or(|(_, length)| length > 4)
    }
}

/// A directory.
#[derive(Debug, Clone)]
pub(super) struct Directory {
    pub at: usize,
    pub entries: Vec<Entry>,
}

impl Directory {
    pub(super) fn find(&self, tag: u16) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.tag == tag)
    }

    /// Its bytes: count, entries, and the offset of the next.
    pub(super) fn range(&self) -> Range<usize> {
        self.at..self.at + 2 + self.entries.len() * ENTRY + 4
    }
}

/// A file and its byte order.
#[derive(Clone, Copy)]
pub(super) struct File<'a> {
    pub bytes: &'a [u8],
    is_little: bool,
}

impl<'a> File<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self> {
        match bytes {
            [b'I', b'I', 42, 0, ..] => Ok(Self { bytes, is_little: true }),
            [b'M', b'M', 0, 42, ..] => Ok(Self { bytes, is_little: false }),
            _ => Err(malformed("it has no signature")),
        }
    }

    fn array<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.bytes.get(at..)?.first_chunk().copied()
    }

    pub(super) fn u16(&self, at: usize) -> Option<u16> {
        self.array(at)
            .map(|bytes| if self.is_little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    }

    pub(super) fn u32(&self, at: usize) -> Option<u32> {
        self.array(at)
            .map(|bytes| if self.is_little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    }

    /// A number in the file's byte order.
    pub(super) fn encode_u16(&self, value: u16) -> [u8; 2] {
        if self.is_little { value.to_le_bytes() } else { value.to_be_bytes() }
    }

    /// The same, of four bytes.
    pub(super) fn encode_u32(&self, value: u32) -> [u8; 4] {
        if self.is_little { value.to_le_bytes() } else { value.to_be_bytes() }
    }

    /// The directory at an offset, and the offset of the next, 0 if there is none.
    pub(super) fn directory(&self, at: usize) -> Result<(Directory, u32)> {
        let cut_off = || malformed("a directory is cut off");
        let count = usize::from(self.u16(at).ok_or_else(cut_off)?);
        let next = self.u32(at + 2 + count * ENTRY).ok_or_else(cut_off)?;
        if count > MAX_FIELDS {
            return Err(malformed(format!("a directory has {count} fields, more than {MAX_FIELDS}")));
        }
        let entries = (0..count).filter_map(|index| self.entry(at + 2 + index * ENTRY)).collect();
        Ok((Directory { at, entries }, next))
    }

    fn entry(&self, at: usize) -> Option<Entry> {
        let (tag, kind, count) = (self.u16(at)?, self.u16(at + 2)?, self.u32(at + 4)?);
        let length = usize::try_from(count).ok()?.saturating_mul(type_bytes(kind));
        let start = if length <= 4 { at + 8 } else { self.u32(at + 8)? as usize };
        let fits = start.checked_add(length).is_some_and(|end| end <= self.bytes.len());
        Some(Entry { tag, kind, count, at, value: fits.then_some((start, length)) })
    }

    /// The pages, in order. The work is linear in the file: a chain that comes back to itself, or directories that
    /// overlap, are damage.
    pub(super) fn pages(&self) -> Result<Vec<Directory>> {
        let mut pages = Vec::new();
        let mut seen = HashSet::new();
        let mut budget = self.bytes.len();
        let mut offset = self.u32(4).ok_or_else(|| malformed("it is cut off"))?;
        while offset != 0 {
            let (page, next) = self.directory(offset as usize)?;
            let is_new = seen.insert(offset);
            budget = budget
                .checked_sub(page.range().len())
                .filter(|_| is_new)
                .ok_or_else(|| malformed("its directories run in circles"))?;
            pages.push(page);
            offset = next;
        }
        if pages.is_empty() { Err(malformed("there is no image in it")) } else { Ok(pages) }
    }

    /// The value of a field of bytes.
    pub(super) fn data(&self, directory: &Directory, tag: u16) -> Option<&'a [u8]> {
        self.bytes.get(directory.find(tag)?.range()?)
    }

    /// The numbers of a field of SHORT or LONG; none of one that is something else.
    pub(super) fn numbers(&self, directory: &Directory, tag: u16) -> Vec<u32> {
        let Some((entry, range)) = directory.find(tag).and_then(|entry| Some((entry, entry.range()?))) else {
            return Vec::new();
        };
        let positions = range.step_by(type_bytes(entry.kind)).take(entry.count as usize);
        match entry.kind {
            1 => positions.filter_map(|at| self.bytes.get(at).copied().map(u32::from)).collect(),
            3 => positions.filter_map(|at| self.u16(at).map(u32::from)).collect(),
            4 | 13 => positions.filter_map(|at| self.u32(at)).collect(),
            _ => Vec::new(),
        }
    }

    /// The first of [`File::numbers`].
    pub(super) fn number(&self, directory: &Directory, tag: u16) -> Option<u32> {
        let entry = directory.find(tag)?;
        let at = entry.range()?.start;
        match entry.kind {
            _ if entry.count == 0 => None,
            1 => self.bytes.get(at).copied().map(u32::from),
            3 => self.u16(at).map(u32::from),
            4 | 13 => self.u32(at),
            _ => None,
        }
    }

    /// Where the coded pixels of a page lie, as far as the file says: it may reach beyond the file.
    pub(super) fn pixel_ranges(&self, page: &Directory) -> Vec<Range<usize>> {
        let of = |offsets, lengths| {
            let (offsets, lengths) = (self.numbers(page, offsets), self.numbers(page, lengths));
            let range = |(start, length): (u32, u32)| {
                start as usize..(start as usize).saturating_add(length as usize)
            };
            offsets.into_iter().zip(lengths).map(range).collect::<Vec<_>>()
        };
        let mut ranges = of(tag::STRIP_OFFSETS, tag::STRIP_LENGTHS);
        ranges.extend(of(tag::TILE_OFFSETS, tag::TILE_LENGTHS));
        ranges
    }

    /// The same, and the JPEG that old files and thumbnails have in place of strips; within the file.
    pub(super) fn coded_ranges(&self, page: &Directory) -> Vec<Range<usize>> {
        let mut ranges = self.pixel_ranges(page);
        let jpeg = self.number(page, tag::JPEG_OFFSET).zip(self.number(page, tag::JPEG_LENGTH));
        ranges.extend(jpeg.map(|(start, length)| {
            let start = start as usize;
            start..start.saturating_add(length as usize)
        }));
        let length = self.bytes.len();
        ranges.into_iter().map(|range| range.start.min(length)..range.end.min(length)).collect()
    }
}

/// Bytes of a value of this type (section 2; 13 is IFD, of the PageMaker 6.0 notes). Unknown types have bytes.
fn type_bytes(kind: u16) -> usize {
    match kind {
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 => 8,
        _ => 1,
    }
}

/// Reads the first directory.
pub(super) fn read_header(bytes: &[u8]) -> Result<Header> {
    let file = File::open(bytes)?;
    let offset = file.u32(4).ok_or_else(|| malformed("it is cut off"))?;
    let (page, _) = file.directory(offset as usize)?;
    let side = |tag| file.number(&page, tag).filter(|&side| side > 0);
    let (Some(width), Some(height)) = (side(tag::WIDTH), side(tag::HEIGHT)) else {
        return Err(malformed("its first page has no size"));
    };
    let bits = if file.number(&page, tag::BITS).unwrap_or(1) > 8 { 16 } else { 8 };
    Ok(Header {
        format: Format::Tiff,
        width,
        height,
        bits,
        alpha: alpha(&file, &page) != Alpha::None,
        animated: false,
        sequential: false,
    })
}

/// What the fourth sample of RGB, or the second of gray, is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alpha {
    None,
    /// The colours are multiplied with it.
    Associated,
    Straight,
}

/// Extra samples of an unknown meaning are not alpha (section 18). Several writers leave the tag out and mean alpha.
pub(super) fn alpha(file: &File<'_>, page: &Directory) -> Alpha {
    match file.number(page, tag::EXTRA_SAMPLES) {
        Some(1) => Alpha::Associated,
        Some(2) => Alpha::Straight,
        None if file.number(page, tag::PHOTOMETRIC) == Some(2)
            && file.number(page, tag::SAMPLES) == Some(4) =>
        {
            Alpha::Straight
        }
        _ => Alpha::None,
    }
}

pub(super) fn malformed(detail: impl ToString) -> Error {
    Error::malformed(Format::Tiff, detail)
}
