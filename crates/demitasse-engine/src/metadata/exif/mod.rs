//! EXIF: a TIFF structure of four directories. Only the orientation and the rights are understood; the rest is weighed.
//!
//! Read by a walker of its own, because a general reader parses every value: here no value is touched that is not asked
//! for, each directory is visited once whatever the offsets say, and the work is linear in the length of the block.
//!
//! Source: CIPA DC-008 (Exif 2.32), TIFF 6.0 section 2.

use super::{Kind, Orientation, Rights, text};
use crate::report::Item;

const ORIENTATION: u16 = 0x0112;
const ARTIST: u16 = 0x013B;
const COPYRIGHT: u16 = 0x8298;
const GPS_DIRECTORY: u16 = 0x8825;
const THUMBNAIL_LENGTH: u16 = 0x0202;

const SHORT: u16 = 3;
const ASCII: u16 = 2;
const ENTRY_BYTES: usize = 12;

/// What an EXIF block says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ExifFacts {
    /// How to turn the pixels; upright if the block does not say, or is broken.
    pub orientation: Orientation,
    /// Its Copyright and Artist.
    pub rights: Rights,
    /// Its pieces by kind, with sizes that are right to a few bytes and never above the block's length.
    pub items: Vec<Item>,
}

/// Reads a block: the TIFF structure, without a leading `Exif\0\0`.
///
/// A block that is broken at its root is one item of [`Kind::Exif`] and upright; what lies behind a broken offset is not
/// there. Cost: linear in the block, little memory.
pub(crate) fn read(block: &[u8]) -> ExifFacts {
    let broken = ExifFacts { items: vec![item(Kind::Exif, block.len())], ..ExifFacts::default() };
    let Some(tiff) = Tiff::open(block) else { return broken };
    let Some(main) = tiff.root().and_then(|offset| tiff.directory(offset)) else { return broken };

    let rights = Rights {
        copyright: main.find(COPYRIGHT).and_then(|entry| entry.text()),
        artist: main.find(ARTIST).and_then(|entry| entry.text()),
    };
    let items = weigh(main, &rights);
    let number = main.find(ORIENTATION).and_then(|entry| entry.number());
    ExifFacts {
        orientation: number.map_or(Orientation::UPRIGHT, |number| {
            Orientation::from_exif(u16::try_from(number).unwrap_or_default())
        }),
        rights,
        items,
    }
}

/// The pieces of a block by kind.
fn weigh(main: Directory<'_>, rights: &Rights) -> Vec<Item> {
    // A pointer to nowhere is still one that a viewer may make something of.
    let gps = main.find(GPS_DIRECTORY).map_or(0, |pointer| {
        main.child(GPS_DIRECTORY).map_or(pointer.bytes(), |directory| directory.bytes())
    });
    let thumbnail = main.next().map_or(0, |directory| {
        let pixels = directory.find(THUMBNAIL_LENGTH).and_then(|entry| entry.number()).unwrap_or(0);
        directory.bytes().saturating_add(pixels as usize)
    });
    let said = weigh_rights(main, ARTIST, rights.artist.as_deref())
        + weigh_rights(main, COPYRIGHT, rights.copyright.as_deref());

    let mut left = main.tiff.block.len();
    let mut take = |bytes: usize| {
        let taken = bytes.min(left);
        left -= taken;
        taken
    };
    let mut items = vec![
        item(Kind::Gps, take(gps)),
        item(Kind::Thumbnail, take(thumbnail)),
        item(Kind::Copyright, take(said)),
    ];
    let known = [ORIENTATION, ARTIST, COPYRIGHT, GPS_DIRECTORY];
    let has_more = main.entries().any(|entry| !known.contains(&entry.tag));
    // What an editor cut the pointer to is still in the block: its position, its maker note, its thumbnail.
    if has_more || left > frame_bytes(main) {
        items.push(item(Kind::Exif, left));
    }
    items.retain(|item| item.bytes > 0);
    items
}

/// Bytes of a field of the rights, as far as they are what it says: not those that a length lies about, nor what is
/// between the lines.
fn weigh_rights(main: Directory<'_>, tag: u16, text: Option<&str>) -> usize {
    let Some((entry, text)) = main.find(tag).zip(text) else { return 0 };
    entry.bytes().min(ENTRY_BYTES + text.len() + 1)
}

/// The most that a block has around rights and position: the header, the directory's count and end, the entries of
/// orientation and position, and a byte after each text that makes its length even.
fn frame_bytes(main: Directory<'_>) -> usize {
    let has = |tag| usize::from(main.find(tag).is_some());
    8 + 6 + ENTRY_BYTES * (has(ORIENTATION) + has(GPS_DIRECTORY)) + has(ARTIST) + has(COPYRIGHT)
}

/// Writes the smallest block that says this, without a leading `Exif\0\0`; `None` if there is nothing to say (upright,
/// no rights). Little-endian; text that is not ASCII is UTF-8, as most writers do it.
pub(crate) fn write(orientation: Option<Orientation>, rights: &Rights) -> Option<Vec<u8>> {
    let mut fields: Vec<(u16, u16, Vec<u8>)> = Vec::new();
    if let Some(orientation) = orientation.filter(|orientation| !orientation.is_upright()) {
        fields.push((ORIENTATION, SHORT, vec![orientation.exif(), 0]));
    }
    for (tag, value) in [(ARTIST, &rights.artist), (COPYRIGHT, &rights.copyright)] {
        if let Some(value) = value.as_deref().and_then(|value| text::clean(value.as_bytes())) {
            let mut bytes = value.into_bytes();
            bytes.push(0);
            fields.push((tag, ASCII, bytes));
        }
    }
    if fields.is_empty() {
        return None;
    }

    let mut block = b"II*\0\x08\0\0\0".to_vec();
    block.extend((fields.len() as u16).to_le_bytes());
    let values_at = block.len() + fields.len() * ENTRY_BYTES + 4;
    let mut values = Vec::new();
    for (tag, kind, mut bytes) in fields {
        let count = if kind == SHORT { 1 } else { bytes.len() as u32 };
        block.extend(tag.to_le_bytes());
        block.extend(kind.to_le_bytes());
        block.extend(count.to_le_bytes());
        if bytes.len() <= 4 {
            bytes.resize(4, 0);
            block.extend(bytes);
        } else {
            block.extend(((values_at + values.len()) as u32).to_le_bytes());
            values.extend(bytes);
            values.resize(values.len().next_multiple_of(2), 0);
        }
    }
    block.extend([0; 4]);
    block.extend(values);
    Some(block)
}

fn item(kind: Kind, bytes: usize) -> Item {
    Item { kind, bytes: bytes as u64 }
}

/// A block whose byte order is known.
#[derive(Clone, Copy)]
struct Tiff<'a> {
    block: &'a [u8],
    big_endian: bool,
}

impl<'a> Tiff<'a> {
    fn open(block: &'a [u8]) -> Option<Self> {
        let big_endian = match block.get(..4)? {
            b"II*\0" => false,
            b"MM\0*" => true,
            _ => return None,
        };
        Some(Self { block, big_endian })
    }

    fn root(self) -> Option<usize> {
        self.u32_at(4).map(|offset| offset as usize)
    }

    fn u16_at(self, at: usize) -> Option<u16> {
        let bytes = self.block.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    fn u32_at(self, at: usize) -> Option<u32> {
        let bytes = self.block.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    /// The directory at `offset`: as many of its entries as the block holds, at least one.
    fn directory(self, offset: usize) -> Option<Directory<'a>> {
        let claimed = usize::from(self.u16_at(offset)?);
        let at = offset + 2;
        let held = self.block.len().saturating_sub(at) / ENTRY_BYTES;
        let count = claimed.min(held);
        (offset >= 8 && count > 0).then_some(Directory { tiff: self, at, count })
    }
}

/// A list of entries.
#[derive(Clone, Copy)]
struct Directory<'a> {
    tiff: Tiff<'a>,
    at: usize,
    count: usize,
}

impl<'a> Directory<'a> {
    fn entries(self) -> impl Iterator<Item = Entry<'a>> {
        (0..self.count).filter_map(move |index| {
            let at = self.at + index * ENTRY_BYTES;
            let (tiff, tag, kind) = (self.tiff, self.tiff.u16_at(at)?, self.tiff.u16_at(at + 2)?);
            Some(Entry { tiff, tag, kind, count: tiff.u32_at(at + 4)?, value_at: at + 8 })
        })
    }

    fn find(self, tag: u16) -> Option<Entry<'a>> {
        self.entries().find(|entry| entry.tag == tag)
    }

    fn child(self, tag: u16) -> Option<Directory<'a>> {
        self.tiff.directory(self.find(tag)?.number()? as usize)
    }

    fn next(self) -> Option<Directory<'a>> {
        let offset = self.tiff.u32_at(self.at + self.count * ENTRY_BYTES)?;
        self.tiff.directory(offset as usize)
    }

    /// Its entries and their values.
    fn bytes(self) -> usize {
        let values = self.entries().map(|entry| entry.bytes()).fold(0, usize::saturating_add);
        values.saturating_add(6)
    }
}

/// One field.
#[derive(Clone, Copy)]
struct Entry<'a> {
    tiff: Tiff<'a>,
    tag: u16,
    kind: u16,
    count: u32,
    value_at: usize,
}

impl<'a> Entry<'a> {
    /// Length of its value, whether or not the block holds it all.
    fn value_bytes(self) -> usize {
        let unit = match self.kind {
            3 | 8 => 2,
            4 | 9 | 11 | 13 => 4,
            5 | 10 | 12 => 8,
            _ => 1,
        };
        (self.count as usize).saturating_mul(unit)
    }

    /// The value, and the entry itself.
    fn bytes(self) -> usize {
        let value = self.value_bytes();
        if value > 4 { value.saturating_add(ENTRY_BYTES) } else { ENTRY_BYTES }
    }

    fn value(self) -> Option<&'a [u8]> {
        let length = self.value_bytes();
        let at = if length > 4 { self.tiff.u32_at(self.value_at)? as usize } else { self.value_at };
        self.tiff.block.get(at..at.checked_add(length)?)
    }

    fn number(self) -> Option<u32> {
        match (self.kind, self.count) {
            (SHORT, 1..) => self.tiff.u16_at(self.value_at).map(u32::from),
            (4 | 13, 1..) => self.tiff.u32_at(self.value_at),
            _ => None,
        }
    }

    fn text(self) -> Option<String> {
        // 129 is the UTF-8 of Exif 3.0; some writers declare bytes.
        matches!(self.kind, 1 | ASCII | 7 | 129).then(|| text::clean(self.value()?)).flatten()
    }
}

#[cfg(test)]
mod tests;
