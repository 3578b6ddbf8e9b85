//! EXIF: a TIFF structure of four directories. The orientation and the rights are understood; of the rest it is known which kind it
//! is of.
//!
//! Read by a walker of its own, because a general reader parses every value: here no value is touched that is not asked
//! for, each directory is visited once whatever the offsets say, and the work is linear in the length of the block.
//!
//! Source: CIPA DC-008 (Exif 2.32), TIFF 6.0 section 2.

mod select;

pub(crate) use self::select::{Keep, fixed_in_tiff, of_tiff, select, upright};
use super::{Kind, Orientation, Rights, text};
use crate::report::Item;

const ORIENTATION: u16 = 0x0112;
const ARTIST: u16 = 0x013B;
const COPYRIGHT: u16 = 0x8298;
const GPS_DIRECTORY: u16 = 0x8825;
const EXIF_DIRECTORY: u16 = 0x8769;
const THUMBNAIL_LENGTH: u16 = 0x0202;

const SHORT: u16 = 3;
const ASCII: u16 = 2;
const LONG: u16 = 4;
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

    let of_dates = |directory: Directory<'_>| -> usize {
        let dates = directory.entries().filter(|entry| select::is_date(entry.tag));
        dates.map(Entry::bytes).fold(0, usize::saturating_add)
    };
    let dates = of_dates(main).saturating_add(main.child(EXIF_DIRECTORY).map_or(0, of_dates));

    let mut left = main.tiff.block.len();
    let mut take = |bytes: usize| {
        let taken = bytes.min(left);
        left -= taken;
        taken
    };
    // First, for these are read and written anew: a thumbnail that lies about its length would leave no room to list them.
    let said = take(said);
    let mut items = vec![
        item(Kind::Gps, take(gps)),
        item(Kind::Thumbnail, take(thumbnail)),
        item(Kind::Copyright, said),
        item(Kind::Time, take(dates)),
    ];
    let known = [ORIENTATION, ARTIST, COPYRIGHT, GPS_DIRECTORY, EXIF_DIRECTORY];
    let of_no_kind = |entry: Entry<'_>| !known.contains(&entry.tag) && !select::is_date(entry.tag);
    let has_more = main.entries().any(of_no_kind)
        || main.child(EXIF_DIRECTORY).is_some_and(|child| child.entries().any(of_no_kind));
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

/// The most that a block has around rights, dates and position: the header, the counts and ends of directories, the entries of
/// orientation and of directories, and a byte after each value that makes its length even.
fn frame_bytes(main: Directory<'_>) -> usize {
    let has = |tag| usize::from(main.find(tag).is_some());
    let dates =
        |directory: Directory<'_>| directory.entries().filter(|entry| select::is_date(entry.tag)).count();
    let child = main.child(EXIF_DIRECTORY).map_or(0, |child| 6 + dates(child));
    let position = main.child(GPS_DIRECTORY).map_or(0, |position| {
        position.entries().filter(|entry| entry.value_bytes() > 4 && entry.value_bytes() % 2 == 1).count()
    });
    8 + 6
        + ENTRY_BYTES * (has(ORIENTATION) + has(GPS_DIRECTORY) + has(EXIF_DIRECTORY))
        + has(ARTIST)
        + has(COPYRIGHT)
        + dates(main)
        + child
        + position
}

/// Writes the smallest block that says this, without a leading `Exif\0\0`; `None` if there is nothing to say (upright,
/// no rights). Little-endian; text that is not ASCII is UTF-8, as most writers do it.
pub(crate) fn write(orientation: Option<Orientation>, rights: &Rights) -> Option<Vec<u8>> {
    write_block(false, orientation, rights, Vec::new(), [Vec::new(), Vec::new()])
}

/// A field: tag, kind, count and value in the byte order of its block.
type Field = (u16, u16, u32, Vec<u8>);

/// Writes a block of orientation, rights, more fields of the main directory, and the fields of the Exif and the GPS directory.
fn write_block(
    big_endian: bool,
    orientation: Option<Orientation>,
    rights: &Rights,
    mut main: Vec<Field>,
    children: [Vec<Field>; 2],
) -> Option<Vec<u8>> {
    let order = Order { big_endian };
    if let Some(orientation) = orientation.filter(|orientation| !orientation.is_upright()) {
        main.push((ORIENTATION, SHORT, 1, order.u16(orientation.exif().into()).to_vec()));
    }
    for (tag, value) in [(ARTIST, &rights.artist), (COPYRIGHT, &rights.copyright)] {
        if let Some(value) = value.as_deref().and_then(|value| text::clean(value.as_bytes())) {
            let mut bytes = value.into_bytes();
            bytes.push(0);
            main.push((tag, ASCII, bytes.len() as u32, bytes));
        }
    }
    for (tag, child) in [EXIF_DIRECTORY, GPS_DIRECTORY].into_iter().zip(&children) {
        if !child.is_empty() {
            main.push((tag, LONG, 1, vec![0; 4]));
        }
    }
    if main.is_empty() {
        return None;
    }
    main.sort_by_key(|field| field.0);
    let mut child_at = 8 + directory_bytes(&main);
    for (tag, child) in [EXIF_DIRECTORY, GPS_DIRECTORY].into_iter().zip(&children) {
        if let Some(pointer) = main.iter_mut().find(|field| field.0 == tag) {
            pointer.3 = order.u32(child_at as u32).to_vec();
            child_at += directory_bytes(child);
        }
    }
    let mut block = if big_endian { b"MM\0*".to_vec() } else { b"II*\0".to_vec() };
    block.extend(order.u32(8));
    for directory in [main].into_iter().chain(children).filter(|fields| !fields.is_empty()) {
        order.push_directory(&mut block, directory);
    }
    Some(block)
}

/// A directory with its values, each of an even length.
fn directory_bytes(fields: &[Field]) -> usize {
    let values = fields.iter().map(|(_, _, _, value)| value.len()).filter(|length| *length > 4);
    6 + fields.len() * ENTRY_BYTES + values.map(|length| length.next_multiple_of(2)).sum::<usize>()
}

/// The byte order of a block.
#[derive(Clone, Copy)]
struct Order {
    big_endian: bool,
}

impl Order {
    fn u16(self, number: u16) -> [u8; 2] {
        if self.big_endian { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    fn u32(self, number: u32) -> [u8; 4] {
        if self.big_endian { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    fn push_directory(self, block: &mut Vec<u8>, fields: Vec<Field>) {
        block.extend(self.u16(fields.len() as u16));
        let values_at = block.len() + fields.len() * ENTRY_BYTES + 4;
        let mut values = Vec::new();
        for (tag, kind, count, mut value) in fields {
            block.extend(self.u16(tag));
            block.extend(self.u16(kind));
            block.extend(self.u32(count));
            if value.len() <= 4 {
                value.resize(4, 0);
                block.extend(value);
            } else {
                block.extend(self.u32((values_at + values.len()) as u32));
                values.extend(value);
                values.resize(values.len().next_multiple_of(2), 0);
            }
        }
        block.extend([0; 4]);
        block.extend(values);
    }
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

    /// The offset of the next one; 0 if there is none.
    fn next_pointer(self) -> u32 {
        self.tiff.u32_at(self.at + self.count * ENTRY_BYTES).unwrap_or(0)
    }

    fn next(self) -> Option<Directory<'a>> {
        self.tiff.directory(self.next_pointer() as usize)
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

    /// All twelve bytes.
    fn raw(self) -> Option<[u8; ENTRY_BYTES]> {
        self.tiff.block.get(self.value_at - 8..)?.first_chunk().copied()
    }

    fn value(self) -> Option<&'a [u8]> {
        let length = self.value_bytes();
        let at = if length > 4 { self.tiff.u32_at(self.value_at)? as usize } else { self.value_at };
        self.tiff.block.get(at..at.checked_add(length)?)
    }

    /// Where its value lies, if not in the entry.
    fn value_range(self) -> Option<std::ops::Range<usize>> {
        let length = Some(self.value_bytes()).filter(|length| *length > 4)?;
        let at = self.tiff.u32_at(self.value_at)? as usize;
        Some(at..at.checked_add(length)?)
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
