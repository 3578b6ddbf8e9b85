//! Gain maps: read as they lie, and written behind another first picture.
//!
//! The index (MPF, CIPA DC-007 section 5.2) is a TIFF structure in a segment of the first picture; its table has 16 bytes a picture, of
//! which the second four are the length of its file and the third four where it begins, counted from the structure. Of the first
//! picture the one is written anew, of the others the other.

use super::container::push;
use super::marker::{APP2, Segment};
use crate::metadata::GainMap;
use crate::{Limits, Result};

/// What an index begins with.
pub(super) const MPF: &[u8] = b"MPF\0";
/// What ISO 21496-1 begins with.
pub(super) const ISO: &[u8] = b"urn:iso:std:iso:ts:21496:-1\0";

const TABLE_TAG: u16 = 0xB002;
const PICTURE_BYTES: usize = 16;
/// Words of which one is in every gain map: Adobe's and Google's, ISO's, Apple's.
const WORDS: [&[u8]; 3] = [b"hdr-gain-map", b"iso:ts:21496", b"hdrgainmap"];

/// What was found in a file.
#[derive(Default)]
pub(super) struct Found<'a> {
    /// What follows the first picture, and where.
    pub pictures: &'a [u8],
    pub pictures_at: usize,
    /// Whether the first picture's XMP leads to it.
    pub in_xmp: bool,
    index: Option<(&'a [u8], usize)>,
    iso: Option<&'a [u8]>,
}

impl<'a> Found<'a> {
    /// Takes an index or ISO's segment.
    pub(super) fn take(&mut self, segment: &Segment<'a>) {
        match segment.payload.strip_prefix(MPF) {
            // A marker, a length and the signature stand before it.
            Some(index) => self.index = Some((index, segment.start + 4 + MPF.len())),
            None => self.iso = Some(segment.payload),
        }
    }

    /// The gain map, if the pictures behind the first are one that can be carried: other pictures (previews, both eyes) are not.
    pub(super) fn whole(self, limits: &Limits) -> Option<GainMap> {
        let has = |word: &[u8]| self.pictures.windows(word.len()).any(|window| window == word);
        let is_readable = |(index, at): (&[u8], usize)| {
            let before = self.pictures_at.checked_sub(at);
            before.is_some_and(|before| moved(index, 0, before, before).is_some())
        };
        let is_carried = self.pictures.starts_with(b"\xff\xd8\xff")
            && self.index.is_none_or(is_readable)
            && self.pictures.len() as u64 <= limits.max_metadata_bytes
            && WORDS.into_iter().any(has);
        is_carried.then(|| GainMap {
            pictures: self.pictures.to_vec(),
            index: self.index.map(|(index, at)| (index.to_vec(), self.pictures_at - at)),
            iso: self.iso.map(<[u8]>::to_vec),
            in_xmp: self.in_xmp,
            is_private: has(b"Exif\0\0") || has(b"GPS"),
        })
    }
}

/// Writes what leads to it into the header; says where the index begins.
///
/// # Errors
/// As [`push`].
pub(super) fn push_header(file: &mut Vec<u8>, map: &GainMap) -> Result<Option<usize>> {
    if let Some(iso) = &map.iso {
        push(file, APP2, &[iso])?;
    }
    let Some((index, _)) = &map.index else { return Ok(None) };
    push(file, APP2, &[MPF, index])?;
    Ok(Some(file.len() - index.len()))
}

/// Writes it behind the first picture, and into the index where it is. An index that cannot be read stays as it was.
pub(super) fn append(file: &mut Vec<u8>, map: &GainMap, index_at: Option<usize>) {
    let first_bytes = file.len();
    if let Some((at, (index, before))) = index_at.zip(map.index.as_ref()) {
        let now = first_bytes - at;
        if let Some(index) = moved(index, first_bytes, *before, now) {
            file[at..at + index.len()].copy_from_slice(&index);
        }
    }
    file.extend(&map.pictures);
}

/// The index of a first picture of `first_bytes`, of pictures that began `before` bytes behind it and now begin `now` bytes behind it.
fn moved(index: &[u8], first_bytes: usize, before: usize, now: usize) -> Option<Vec<u8>> {
    let big_endian = match index.get(..4)? {
        b"II*\0" => false,
        b"MM\0*" => true,
        _ => return None,
    };
    let u16_at = |at: usize| {
        let bytes = index.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    };
    let u32_at = |at: usize| {
        let bytes = index.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    };
    let bytes_of = |number: usize| {
        let number = u32::try_from(number).ok()?;
        Some(if big_endian { number.to_be_bytes() } else { number.to_le_bytes() })
    };
    let directory = u32_at(4)? as usize;
    let fields = (0..usize::from(u16_at(directory)?)).map(|field| directory + 2 + field * 12);
    let table = fields.into_iter().find(|at| u16_at(*at) == Some(TABLE_TAG))?;
    let (length, start) = (u32_at(table + 4)? as usize, u32_at(table + 8)? as usize);
    let mut out = index.to_vec();
    for picture in 0..length / PICTURE_BYTES {
        let at = start.checked_add(picture * PICTURE_BYTES)?;
        let (place, number) = match u32_at(at + 8)? as usize {
            0 => (at + 4, first_bytes),
            offset => (at + 8, offset.checked_sub(before)?.checked_add(now)?),
        };
        out.get_mut(place..place + 4)?.copy_from_slice(&bytes_of(number)?);
    }
    Some(out)
}
