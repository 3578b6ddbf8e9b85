//! What a TIFF carries beside pixels.

use super::container::{Directory, File, tag};
use crate::metadata::{Kind, Metadata, Orientation, exif, iptc, xmp};
use crate::report::Item;
use crate::{Error, Limits, Result};

/// Reads it all, from the first page. EXIF says more than IPTC, and IPTC more than XMP, where they disagree.
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
    for kind in KINDS {
        let weight: usize = page
            .entries
            .iter()
            .filter(|e| kind_of(e.tag) == Some(kind))
            .map(|e| weigh(&file, page, e.tag))
            .sum();
        if weight > 0 {
            metadata.items.push(Item { kind, bytes: weight as u64 });
        }
    }
    let thumbnails = pages[1..].iter().filter(|page| is_reduced(&file, page));
    let bytes: usize = thumbnails.flat_map(|page| file.pixel_ranges(page)).map(|range| range.len()).sum();
    if bytes > 0 {
        metadata.items.push(Item { kind: Kind::Thumbnail, bytes: bytes as u64 });
    }
    Ok(metadata)
}

/// Whether a page is a smaller version of another (NewSubfileType, bit 0).
pub(super) fn is_reduced(file: &File<'_>, page: &Directory) -> bool {
    file.number(page, tag::SUBFILE_TYPE).is_some_and(|kind| kind & 1 == 1)
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

/// Bytes of a field: its entry, its value, and the directory behind it.
fn weigh(file: &File<'_>, page: &Directory, tag: u16) -> usize {
    let own = file.data(page, tag).map_or(0, <[u8]>::len) + super::container::ENTRY;
    let behind = match tag {
        tag::EXIF | tag::GPS => file.child(page, tag).map_or(0, |child| {
            let values =
                child.entries.iter().filter(|entry| entry.is_apart()).filter_map(|entry| entry.range());
            child.range().len() + values.map(|range| range.len()).sum::<usize>()
        }),
        _ => 0,
    };
    own + behind.min(file.bytes.len())
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
