//! What an AVIF carries beside pixels.

use super::boxes::{Boxes, Fields};
use super::items::{Item, Items};
use super::picture::{Coded, Nclx, Picture, read_items};
use super::write::MARK;
use super::{dav1d, strip};
use crate::metadata::{Kind, Mark, Metadata, Rights, add_item, exif, piece, xmp};
use crate::{Error, Limits, Result};

/// Reads it all. EXIF says more than XMP, where they disagree; its orientation does not count.
///
/// # Errors
/// `Malformed` also where an item that is kept has no data, or the file ends within a box that has some.
pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<Metadata> {
    let items = read_items(bytes)?;
    let picture = Picture::read(bytes, &items)?;
    let mut metadata = Metadata { orientation: picture.orientation, ..Metadata::default() };
    let data_bytes = read_boxes(bytes, &mut metadata)?;
    if let Some(profile) = picture.icc {
        check_size(profile, limits)?;
        metadata.icc = Some(profile.to_vec());
        add_item(&mut metadata.items, Kind::Icc, profile.len() as u64);
    }
    metadata.own_color = picture.icc.is_none() && !colors(bytes, &items, &picture)?.is_srgb();
    let mut xmp_rights = Rights::default();
    let mut known_bytes = 0_u64;
    for (id, item) in &items.all {
        known_bytes = known_bytes.saturating_add(item.claimed_bytes());
        if is_shown(*id, &picture) {
            items.data(bytes, *id)?;
            continue;
        }
        read_item(bytes, &items, (*id, item), limits, &mut metadata, &mut xmp_rights)?;
    }
    // What no item refers to, and what describes something else than pixels.
    let unused = data_bytes.saturating_sub(known_bytes) + items.other_bytes + strip::dropped_bytes(&items);
    add_item(&mut metadata.items, Kind::Other, unused);
    metadata.rights = metadata.rights.or(xmp_rights);
    metadata.list_rights();
    Ok(metadata)
}

/// Colours by number: of the container, else of the coded picture.
pub(super) fn colors(bytes: &[u8], items: &Items<'_>, picture: &Picture<'_>) -> Result<Nclx> {
    match picture.nclx {
        Some(nclx) => Ok(nclx),
        None => dav1d::read_colors(&items.data(bytes, picture.color.tiles[0])?),
    }
}

/// Whether an item is part of the picture.
fn is_shown(id: u32, picture: &Picture<'_>) -> bool {
    let is_part = |coded: &Coded| coded.id == id || coded.tiles.contains(&id);
    is_part(&picture.color) || picture.alpha.as_ref().is_some_and(is_part)
}

/// Walks the file to its end: the mark, what is unknown, what is left over. Gives the bytes of all `mdat`.
fn read_boxes(bytes: &[u8], metadata: &mut Metadata) -> Result<u64> {
    let mut boxes = Boxes::of_file(bytes);
    let mut data_bytes = 0;
    loop {
        let found = match boxes.next() {
            None => return Ok(data_bytes),
            Some(Ok(found)) => found,
            Some(Err(error)) => {
                // What is no box at all was put there by something else; one with pixels in it was cut off.
                let kind = boxes.rest().get(4..8);
                if matches!(kind, Some(b"mdat" | b"meta" | b"uuid" | b"free" | b"skip")) {
                    return Err(error);
                }
                add_item(&mut metadata.items, Kind::Trailer, boxes.rest().len() as u64);
                return Ok(data_bytes);
            }
        };
        match (&found.kind, found.data.strip_prefix(&MARK)) {
            (b"ftyp" | b"meta", _) => {}
            (b"mdat", _) => data_bytes += found.data.len() as u64,
            (b"uuid", Some(mark)) => metadata.mark = Mark::parse(mark),
            _ => add_item(&mut metadata.items, Kind::Other, found.whole.len() as u64),
        }
    }
}

fn read_item(
    bytes: &[u8],
    items: &Items<'_>,
    (id, item): (u32, &Item<'_>),
    limits: &Limits,
    metadata: &mut Metadata,
    xmp_rights: &mut Rights,
) -> Result<()> {
    // What has no data says nothing; a broken piece is no error.
    let data = items.data(bytes, id).unwrap_or_default();
    let kind = match (&item.kind, item.content_type) {
        (b"Exif", _) => {
            check_size(&data, limits)?;
            let block = exif_block(&data);
            metadata.pieces.exif = piece(block);
            let facts = exif::read(block);
            metadata.rights = facts.rights;
            let mut said = 0;
            for found in facts.items {
                said += found.bytes;
                add_item(&mut metadata.items, found.kind, found.bytes);
            }
            if said == 0 {
                add_item(&mut metadata.items, Kind::Exif, data.len() as u64);
            }
            return Ok(());
        }
        (b"mime", b"application/rdf+xml") => {
            *xmp_rights = xmp::read_rights(&data);
            metadata.pieces.xmp = piece(&data);
            Kind::Xmp
        }
        (b"tmap", _) => Kind::GainMap,
        _ if is_gain_map(item) => Kind::GainMap,
        (b"av01" | b"grid" | b"jpeg" | b"hvc1", _) if !items.targets(id, b"thmb").is_empty() => {
            Kind::Thumbnail
        }
        _ => Kind::Other,
    };
    add_item(&mut metadata.items, kind, item.claimed_bytes().max(1));
    Ok(())
}

/// Apple's and Adobe's way: an auxiliary picture.
fn is_gain_map(item: &Item<'_>) -> bool {
    item.property(b"auxC").is_some_and(|kind| kind.data.windows(7).any(|word| word == b"gainmap"))
}

/// The item begins with how far behind the number the block begins.
fn exif_block(data: &[u8]) -> &[u8] {
    let mut fields = Fields(data);
    let block = fields.u32().ok().and_then(|offset| fields.0.get(offset as usize..)).unwrap_or(data);
    block.strip_prefix(b"Exif\0\0").unwrap_or(block)
}

fn check_size(data: &[u8], limits: &Limits) -> Result<()> {
    let (actual, allowed) = (data.len() as u64, limits.max_metadata_bytes);
    if actual > allowed {
        return Err(Error::LimitExceeded { limit: "metadata bytes", actual, allowed });
    }
    Ok(())
}
