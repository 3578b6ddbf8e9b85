//! What of a block survives. Where the camera's data is kept the block is edited in place, because maker notes point into it by
//! offsets that only their maker knows; else the little that is kept is written anew.

use std::ops::Range;

use super::{
    ARTIST, ASCII, COPYRIGHT, Directory, ENTRY_BYTES, EXIF_DIRECTORY, Entry, Field, GPS_DIRECTORY,
    ORIENTATION, Order, THUMBNAIL_LENGTH, Tiff, read, write, write_block,
};
use crate::metadata::{Kind, MAX_PIECE_BYTES, Orientation, Rights};

const THUMBNAIL_OFFSET: u16 = 0x0201;
/// XMP, IPTC and Photoshop's resources within the block: copies of what files carry beside it.
const COPIES: [u16; 3] = [700, 33_723, 34_377];
/// DateTime, of the main directory.
const DATE_TIME: u16 = 0x0132;
/// DateTimeOriginal, DateTimeDigitized, their offsets from UTC and fractions of a second.
const DATES: Range<u16> = 0x9003..0x9005;
const DATE_OFFSETS: Range<u16> = 0x9010..0x9013;
const DATE_FRACTIONS: Range<u16> = 0x9290..0x9293;

/// Make, Model, Software and HostComputer, of the main directory.
const CAMERA: [u16; 4] = [271, 272, 305, 316];
/// MakerNote and the pointer to the interoperability directory, of the Exif directory: they hold where they are.
const FIXED: [u16; 2] = [0x927C, 0xA005];
/// Where on earth, by GeoTIFF's fields.
const GEO: [u16; 6] = [33_550, 33_922, 34_264, 34_735, 34_736, 34_737];

/// Whether a field of the main or the Exif directory says when.
pub(super) fn is_date(tag: u16) -> bool {
    tag == DATE_TIME || DATES.contains(&tag) || DATE_OFFSETS.contains(&tag) || DATE_FRACTIONS.contains(&tag)
}

/// Kinds that survive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Keep {
    /// When.
    pub time: bool,
    /// Where.
    pub gps: bool,
    /// With what: everything that is of no other kind.
    pub camera: bool,
    /// A small picture of it.
    pub thumbnail: bool,
    /// XMP and IPTC within the block.
    pub copies: bool,
}

/// The block that says what is kept of `block`, and `rights`; `None` if there is nothing to say. `orientation` is what the block
/// shall say of it: nothing beside pixels that are upright.
///
/// What was in the block and is not kept is not in the result, blanks included. Cost: linear in the block.
pub(crate) fn select(
    block: Option<&[u8]>,
    keep: Keep,
    rights: &Rights,
    orientation: Option<Orientation>,
) -> Option<Vec<u8>> {
    let opened = block.and_then(|block| {
        let tiff = Tiff::open(block)?;
        Some((tiff, tiff.directory(tiff.root()?)?))
    });
    let Some((tiff, main)) = opened else { return write(orientation, rights) };
    // What has nothing of the camera takes fewer bytes written anew.
    let is_in_place = |kind| matches!(kind, Kind::Exif | Kind::Thumbnail);
    if keep.camera && read(tiff.block).items.iter().any(|item| is_in_place(item.kind)) {
        let edited = Edit::new(tiff, main, keep).finish(rights, orientation);
        let is_as_wanted = |edited: &Vec<u8>| {
            let facts = read(edited);
            let has = |kind| facts.items.iter().any(|item| item.kind == kind);
            facts.orientation.exif() == orientation.unwrap_or(Orientation::UPRIGHT).exif()
                && (keep.gps || !has(Kind::Gps))
                && (keep.time || !has(Kind::Time))
                && (keep.thumbnail || !has(Kind::Thumbnail))
                && facts.rights == *rights
        };
        // A block that lies about its offsets may come out as something else: then what is safe is written anew.
        if let Some(edited) = edited.filter(is_as_wanted) {
            return Some(edited);
        }
    }
    let dates = |directory| fields(directory, &|tag| keep.time && is_date(tag));
    let position = fields(main.child(GPS_DIRECTORY).filter(|_| keep.gps), &|_| true);
    write_block(
        tiff.big_endian,
        orientation,
        rights,
        dates(Some(main)),
        [dates(main.child(EXIF_DIRECTORY)), position],
    )
}

/// Fields of a directory with their values. Fields may share a long value: what would be longer than any block is cut off.
fn fields(directory: Option<Directory<'_>>, wanted: &dyn Fn(u16) -> bool) -> Vec<Field> {
    let entries = directory.into_iter().flat_map(Directory::entries).filter(|entry| wanted(entry.tag));
    let mut left = MAX_PIECE_BYTES;
    let values = entries.filter_map(|entry| Some((entry, entry.value()?)));
    let values = values.take_while(|(_, value)| {
        let fits = value.len() + ENTRY_BYTES <= left;
        left = left.saturating_sub(value.len() + ENTRY_BYTES);
        fits
    });
    values.map(|(entry, value)| (entry.tag, entry.kind, entry.count, value.to_vec())).collect()
}

/// What a TIFF says of camera, dates, position and rights, as a block by itself; `None` if it says nothing. Without a maker note,
/// which would not hold at another place, and without a position if there is one by other fields (GeoTIFF) too.
pub(crate) fn of_tiff(file: &[u8]) -> Option<Vec<u8>> {
    let tiff = Tiff::open(file)?;
    let main = tiff.directory(tiff.root()?)?;
    let has_other_place = main.entries().any(|entry| GEO.contains(&entry.tag));
    let position = main.child(GPS_DIRECTORY).filter(|_| !has_other_place);
    write_block(
        tiff.big_endian,
        None,
        &read(file).rights,
        fields(Some(main), &|tag| CAMERA.contains(&tag) || tag == DATE_TIME),
        [fields(main.child(EXIF_DIRECTORY), &|tag| !FIXED.contains(&tag)), fields(position, &|_| true)],
    )
}

/// Bytes of what a TIFF has of EXIF and [`of_tiff`] leaves out.
pub(crate) fn fixed_in_tiff(file: &[u8]) -> usize {
    let main = Tiff::open(file).and_then(|tiff| tiff.directory(tiff.root()?));
    let child = main.and_then(|main| main.child(EXIF_DIRECTORY));
    let left_out = child.into_iter().flat_map(Directory::entries).filter(|entry| FIXED.contains(&entry.tag));
    left_out.map(Entry::bytes).fold(0, usize::saturating_add)
}

/// The same block, of pixels that are upright.
pub(crate) fn upright(block: &[u8]) -> Option<Vec<u8>> {
    let everything = Keep { time: true, gps: true, camera: true, thumbnail: true, copies: true };
    select(Some(block), everything, &read(block).rights, None)
}

/// A block on its way.
struct Edit<'a> {
    tiff: Tiff<'a>,
    order: Order,
    main: Directory<'a>,
    keep: Keep,
    /// Places of what goes.
    gone: Vec<Range<usize>>,
}

impl<'a> Edit<'a> {
    fn new(tiff: Tiff<'a>, main: Directory<'a>, keep: Keep) -> Self {
        Self { tiff, order: Order { big_endian: tiff.big_endian }, main, keep, gone: Vec::new() }
    }

    fn finish(mut self, rights: &Rights, orientation: Option<Orientation>) -> Option<Vec<u8>> {
        let mut fields = self.fields_of_main(rights, orientation);
        let child = self.main.child(EXIF_DIRECTORY);
        let of_child = child.map(|child| self.fields_of_exif(child));
        let next = self.next_directory();
        let mut block = self.without_what_goes();
        for (tag, text) in [(ARTIST, &rights.artist), (COPYRIGHT, &rights.copyright)] {
            if let Some(text) = text.as_deref().filter(|_| self.main.find(tag).is_none()) {
                fields.push(self.added(&mut block, tag, text));
            }
        }
        if fields.is_empty() {
            return None;
        }
        fields.sort_by_key(|field| self.tag_of(field));
        if let (Some(child), Some(fields)) = (child, of_child) {
            self.put(&mut block, child.at - 2, child.count, &fields, child.next_pointer());
        }
        let mut place = self.main.at - 2;
        if fields.len() > self.main.count {
            let even = block.len().next_multiple_of(2);
            place = even;
            block.resize(even + 6 + fields.len() * ENTRY_BYTES, 0);
            let pointer = self.order.u32(u32::try_from(place).ok()?);
            block.get_mut(4..8)?.copy_from_slice(&pointer);
        }
        self.put(&mut block, place, fields.len().max(self.main.count), &fields, next);
        Some(block)
    }

    /// The fields that stay; those of the rights as far as they are the ones that are to be said.
    fn fields_of_main(
        &mut self,
        rights: &Rights,
        orientation: Option<Orientation>,
    ) -> Vec<[u8; ENTRY_BYTES]> {
        let mut fields = Vec::new();
        for entry in self.main.entries() {
            let stays = match entry.tag {
                GPS_DIRECTORY => {
                    if let Some(position) = self.main.child(GPS_DIRECTORY).filter(|_| !self.keep.gps) {
                        self.drop_directory(position);
                    }
                    self.keep.gps
                }
                // Without it, pixels are upright.
                ORIENTATION => orientation.is_some(),
                ARTIST => rights.artist.is_some(),
                COPYRIGHT => rights.copyright.is_some(),
                DATE_TIME => self.keep.time,
                tag if COPIES.contains(&tag) => self.keep.copies,
                _ => true,
            };
            let Some(field) = entry.raw() else { continue };
            if stays { fields.push(field) } else { self.gone.extend(entry.value_range()) }
        }
        fields
    }

    fn fields_of_exif(&mut self, child: Directory<'a>) -> Vec<[u8; ENTRY_BYTES]> {
        let goes = |entry: &Entry<'_>| !self.keep.time && is_date(entry.tag);
        let (gone, kept): (Vec<_>, Vec<_>) = child.entries().partition(goes);
        self.gone.extend(gone.into_iter().filter_map(Entry::value_range));
        kept.into_iter().filter_map(Entry::raw).collect()
    }

    /// Where the directory of the thumbnail is; nowhere once it goes.
    fn next_directory(&mut self) -> u32 {
        let Some(directory) = self.main.next().filter(|_| !self.keep.thumbnail) else {
            return if self.keep.thumbnail { self.main.next_pointer() } else { 0 };
        };
        let number = |tag| directory.find(tag).and_then(Entry::number).map(|number| number as usize);
        if let Some((start, length)) = number(THUMBNAIL_OFFSET).zip(number(THUMBNAIL_LENGTH)) {
            self.gone.push(start..start.saturating_add(length));
        }
        self.drop_directory(directory);
        0
    }

    fn drop_directory(&mut self, directory: Directory<'_>) {
        self.gone.push(directory.at - 2..directory.at + directory.count * ENTRY_BYTES + 4);
        self.gone.extend(directory.entries().filter_map(Entry::value_range));
    }

    /// The block with blanks where something goes; shorter where that is its end.
    fn without_what_goes(&mut self) -> Vec<u8> {
        let mut block = self.tiff.block.to_vec();
        self.gone.sort_by_key(|range| std::cmp::Reverse(range.end));
        for range in &self.gone {
            let (start, end) = (range.start.max(8).min(block.len()), range.end.min(block.len()));
            if start < end {
                block[start..end].fill(0);
                if end == block.len() {
                    block.truncate(start);
                }
            }
        }
        block
    }

    /// Appends a text, and gives its field.
    fn added(&self, block: &mut Vec<u8>, tag: u16, text: &str) -> [u8; ENTRY_BYTES] {
        block.resize(block.len().next_multiple_of(2), 0);
        // Texts of rights are short of 4 KB each; those of up to 4 bytes are rare enough to be padded.
        let text = format!("{text}{}\0", " ".repeat(4_usize.saturating_sub(text.len())));
        let mut field = [0; ENTRY_BYTES];
        field[..2].copy_from_slice(&self.order.u16(tag));
        field[2..4].copy_from_slice(&self.order.u16(ASCII));
        field[4..8].copy_from_slice(&self.order.u32(text.len() as u32));
        field[8..].copy_from_slice(&self.order.u32(block.len() as u32));
        block.extend(text.bytes());
        field
    }

    /// Writes a directory over one of `room` entries.
    fn put(&self, block: &mut [u8], place: usize, room: usize, fields: &[[u8; ENTRY_BYTES]], next: u32) {
        let mut directory = self.order.u16(fields.len() as u16).to_vec();
        directory.extend(fields.iter().flatten());
        directory.extend(self.order.u32(next));
        directory.resize(6 + room * ENTRY_BYTES, 0);
        // A directory that ends with the block may lack its pointer to the next; a block that lies may have lost the directory.
        let Some(room) = block.get_mut(place..) else { return };
        let length = directory.len().min(room.len());
        room[..length].copy_from_slice(&directory[..length]);
    }

    fn tag_of(&self, field: &[u8; ENTRY_BYTES]) -> u16 {
        let tag = [field[0], field[1]];
        if self.tiff.big_endian { u16::from_be_bytes(tag) } else { u16::from_le_bytes(tag) }
    }
}
