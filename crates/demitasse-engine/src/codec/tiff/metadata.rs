//! What a TIFF carries beside pixels.

use super::container::{ENTRY, File, tag};
use super::tree::{self, Node, own_ranges};
use crate::metadata::{Kind, Metadata, Orientation, add_item, exif, iptc, piece, xmp};
use crate::report::Item;
use crate::{Error, Limits, Result};

/// Reads profile, orientation and rights from the first page, and lists what every page has. EXIF says more than IPTC,
/// and IPTC more than XMP, where they disagree.
pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<Metadata> {
    let file = File::open(bytes)?;
    let pages = file.pages()?;
    let page = &pages[0];
    let mut metadata = Metadata::default();
    if let Some(profile) = file.data(page, tag::ICC) {
        check_size(profile, limits)?;
        metadata.icc = Some(profile.to_vec());
    }
    let orientation = file.number(page, tag::ORIENTATION).and_then(|value| u16::try_from(value).ok());
    metadata.orientation = orientation.map_or(Orientation::UPRIGHT, Orientation::from_exif);
    let data = |tag| file.data(page, tag).unwrap_or_default();
    // A TIFF is an EXIF block with pixels: the same tags hold the rights.
    metadata.rights = exif::read(bytes)
        .rights
        .or(iptc::read_datasets(data(tag::IPTC)))
        .or(iptc::read_photoshop(data(tag::PHOTOSHOP)))
        .or(xmp::read_rights(data(tag::XMP)));
    metadata.pieces.exif = exif::of_tiff(bytes).and_then(|block| piece(&block));
    metadata.pieces.xmp = piece(data(tag::XMP));
    metadata.pieces.iptc =
        piece(data(tag::IPTC)).map(|datasets| iptc::wrap(&datasets)).or(piece(data(tag::PHOTOSHOP)));
    for Item { kind, bytes } in items(&file, &tree::read(&file)?) {
        // The first page decides: what only later ones have of profile and rights does not survive.
        let is_lost = match kind {
            Kind::Icc => metadata.icc.is_none(),
            Kind::Copyright => metadata.rights.is_empty(),
            _ => false,
        };
        add_item(&mut metadata.items, if is_lost { Kind::Other } else { kind }, bytes);
    }
    split_exif(&mut metadata, exif::fixed_in_tiff(bytes) as u64);
    metadata.list_rights();
    Ok(metadata)
}

/// Dates are of a kind of their own, and what cannot be carried elsewhere is of none.
fn split_exif(metadata: &mut Metadata, fixed: u64) {
    let Some(block) = metadata.pieces.exif.as_deref() else { return };
    let found = exif::read(block).items;
    let dates = found.iter().find(|item| item.kind == Kind::Time).map_or(0, |item| item.bytes);
    let has_camera = found.iter().any(|item| item.kind == Kind::Exif);
    let Some(at) = metadata.items.iter().position(|item| item.kind == Kind::Exif) else { return };
    let left = metadata.items[at].bytes.saturating_sub(dates + fixed).max(1);
    if has_camera {
        metadata.items[at].bytes = left;
    } else {
        metadata.items.remove(at);
    }
    add_item(&mut metadata.items, Kind::Time, dates);
    add_item(&mut metadata.items, Kind::Other, fixed);
}

/// What there is by kind, on every page: all of it that `strip` takes out, and what it may leave.
fn items(file: &File<'_>, nodes: &[Node]) -> Vec<Item> {
    let of_kind = |kind| nodes.iter().filter(|node| !node.is_thumbnail).map(move |node| weigh(node, kind));
    let mut items: Vec<_> = KINDS.into_iter().map(|kind| (kind, of_kind(kind).sum::<usize>())).collect();
    let thumbnails = nodes.iter().filter(|node| node.is_thumbnail).map(|node| weigh_thumbnail(file, node));
    items.push((Kind::Thumbnail, thumbnails.sum()));
    // Fields may share a value: no kind has more than the file.
    let item = |(kind, bytes): (_, usize)| Item { kind, bytes: bytes.min(file.bytes.len()) as u64 };
    items.into_iter().filter(|(_, bytes)| *bytes > 0).map(item).collect()
}

const KINDS: [Kind; 8] =
    [Kind::Icc, Kind::Copyright, Kind::Gps, Kind::Exif, Kind::Xmp, Kind::Iptc, Kind::Comment, Kind::Other];

/// What a tag is beside pixels; `None` if they need it.
pub(super) fn kind_of(tag: u16) -> Option<Kind> {
    Some(match tag {
        // What TIFF 6.0 needs to decode and place an image, its supplements for JPEG, prediction, tiles and SubIFDs, and
        // the orientation.
        254..=259
        | 262..=268
        | 273
        | 274
        | 277..=284
        | 286
        | 287
        | 290..=293
        | 296
        | 297
        | 301
        | 317..=347
        | 351 => {
            return None;
        }
        512..=521 | 529..=532 | 32_995..=32_998 => return None,
        tag::ICC => Kind::Icc,
        tag::ARTIST | tag::COPYRIGHT => Kind::Copyright,
        // GPS, and GeoTIFF: where on earth it is.
        tag::GPS | 33_550 | 33_922 | 34_264 | 34_735..=34_737 => Kind::Gps,
        tag::EXIF | 271 | 272 | 305 | 306 | 316 => Kind::Exif,
        tag::XMP => Kind::Xmp,
        tag::IPTC | tag::PHOTOSHOP => Kind::Iptc,
        // Names and descriptions.
        269 | 270 | 285 => Kind::Comment,
        _ => Kind::Other,
    })
}

/// Bytes of a kind at an image: the entries, their values, and the directories behind them.
fn weigh(node: &Node, kind: Kind) -> usize {
    let entries = node.directory.entries.iter().filter(|entry| kind_of(entry.tag) == Some(kind));
    let fields = entries.map(|entry| ENTRY + entry.range().map_or(0, |range| range.len()));
    let behind = node.private.iter().filter(|(of, _)| *of == kind).map(|(_, directory)| directory);
    fields.sum::<usize>() + behind.flat_map(own_ranges).map(|range| range.len()).sum::<usize>()
}

fn weigh_thumbnail(file: &File<'_>, node: &Node) -> usize {
    let private = node.private.iter().flat_map(|(_, directory)| own_ranges(directory));
    let ranges = node.own_ranges().chain(file.coded_ranges(&node.directory)).chain(private);
    ranges.map(|range| range.len()).sum()
}

fn check_size(data: &[u8], limits: &Limits) -> Result<()> {
    let actual = data.len() as u64;
    if actual > limits.max_metadata_bytes {
        return Err(Error::LimitExceeded {
            limit: "metadata bytes",
            actual,
            allowed: limits.max_metadata_bytes,
        });
    }
    Ok(())
}
