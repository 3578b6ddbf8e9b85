//! Rewrites a file around the same coded pixels.

use std::borrow::Cow;

use super::boxes::{BmffBox, Boxes, Fields, malformed};
use super::items::{Item, Items};
use super::picture::{Coded, Picture, read_items};
use super::write::{Part, profile_box, write};
use crate::Result;
use crate::metadata::{Embedded, exif};

/// Brands that say something of what is kept: the picture, and what a decoder of it needs.
const BRANDS: [&[u8]; 5] = [b"avif", b"mif1", b"miaf", b"MA1A", b"MA1B"];

/// Keeps the picture, its alpha and the properties of both, as they are coded; everything else goes: EXIF, XMP,
/// thumbnails, gain maps, other items, boxes that are not known, and what no item refers to. The orientation stays in
/// `irot` and `imir`. A profile in `keep` replaces the one in the file, and so does none.
pub(super) fn strip(bytes: &[u8], keep: &Embedded) -> Result<Vec<u8>> {
    let items = read_items(bytes)?;
    let picture = Picture::read(bytes, &items)?;
    let mut parts = Vec::new();
    push_coded(&mut parts, bytes, &items, &picture.color)?;
    let primary = &mut parts[0];
    primary.properties.retain(|(property, _)| !is_profile(property));
    if let Some(profile) = &keep.icc {
        primary.properties.push((profile_box(profile).into(), false));
    }
    if let Some(alpha) = &picture.alpha {
        let place = parts.len();
        push_coded(&mut parts, bytes, &items, alpha)?;
        parts[place].references.push((*b"auxl", vec![0]));
        if picture.premultiplied {
            parts[0].references.push((*b"prem", vec![place]));
        }
    }
    // HEIF turns by properties alone; a reader that heeds EXIF too would turn twice.
    let exif = keep.exif.as_deref().and_then(exif::upright);
    let keep = Embedded { icc: None, exif, ..keep.clone() };
    Ok(write(&brands(bytes)?, parts, &keep))
}

fn push_coded<'a>(
    parts: &mut Vec<Part<'a>>,
    bytes: &'a [u8],
    items: &Items<'a>,
    coded: &Coded,
) -> Result<()> {
    let place = parts.len();
    parts.push(part(bytes, items, coded.id, false)?);
    if coded.tiles != [coded.id] {
        let tiles = (1..=coded.tiles.len()).map(|index| place + index).collect();
        parts[place].references.push((*b"dimg", tiles));
        for tile in &coded.tiles {
            parts.push(part(bytes, items, *tile, true)?);
        }
    }
    if parts.len() >= usize::from(u16::MAX) {
        return Err(malformed("it has too many tiles"));
    }
    Ok(())
}

fn part<'a>(bytes: &'a [u8], items: &Items<'a>, id: u32, hidden: bool) -> Result<Part<'a>> {
    let item = items.get(id)?;
    let properties = kept_properties(item);
    Ok(Part { kind: item.kind, hidden, data: items.data(bytes, id)?, properties, references: Vec::new() })
}

/// What describes the pixels, and what must be understood.
fn kept_properties<'a>(item: &Item<'a>) -> Vec<(Cow<'a, [u8]>, bool)> {
    let kept = item.properties.iter().filter(|(property, essential)| *essential || is_kept(property));
    kept.map(|(property, essential)| (Cow::Borrowed(property.whole), *essential)).collect()
}

/// Bytes of the properties that go: a description by the user (`udes`), times, whatever is unknown.
pub(super) fn dropped_bytes(items: &Items<'_>) -> u64 {
    let dropped = items.properties.iter().filter(|property| !is_kept(property));
    dropped.map(|property| property.whole.len() as u64).sum()
}

fn is_kept(property: &BmffBox<'_>) -> bool {
    matches!(
        &property.kind,
        b"ispe"
            | b"pixi"
            | b"av1C"
            | b"colr"
            | b"auxC"
            | b"irot"
            | b"imir"
            | b"pasp"
            | b"clli"
            | b"mdcv"
            | b"cclv"
            | b"amve"
            | b"a1lx"
            | b"a1op"
            | b"lsel"
    )
}

fn is_profile(property: &[u8]) -> bool {
    matches!(property.get(4..12), Some(b"colrprof" | b"colrrICC"))
}

/// The brands that still hold.
fn brands(bytes: &[u8]) -> Result<Vec<u8>> {
    let first = Boxes::of_file(bytes).next().transpose()?;
    let first = first.filter(|first| &first.kind == b"ftyp").ok_or_else(|| malformed("it has no brands"))?;
    let mut fields = Fields(first.data);
    let (_major, version) = (fields.letters()?, fields.u32()?);
    let mut brands = [b"avif", version.to_be_bytes().as_slice()].concat();
    for brand in fields.0.chunks_exact(4).filter(|brand| BRANDS.contains(brand)) {
        brands.extend_from_slice(brand);
    }
    Ok(brands)
}
