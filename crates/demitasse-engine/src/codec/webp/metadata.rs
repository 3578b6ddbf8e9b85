//! What a WebP carries beside pixels.

use super::container::{MARK, Riff};
use crate::metadata::{Kind, Mark, Metadata, Rights, add_item, exif, piece, xmp};
use crate::{Error, Limits, Result};

/// Reads it all, and walks the container to its end. EXIF says more than XMP, where they disagree.
pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<Metadata> {
    let mut metadata = Metadata::default();
    let mut xmp_rights = Rights::default();
    let mut riff = Riff::open(bytes, false)?;
    let trailer = riff.trailer.len();
    let mut has_image = false;
    for chunk in riff.by_ref() {
        let chunk = chunk?;
        let kind = match &chunk.kind {
            b"VP8 " | b"VP8L" | b"ANMF" => {
                has_image = true;
                continue;
            }
            b"VP8X" | b"ALPH" | b"ANIM" => continue,
            b"EXIF" => {
                check_size(chunk.data, limits)?;
                // Some writers copy the prefix that JPEG has.
                let block = chunk.data.strip_prefix(b"Exif\0\0").unwrap_or(chunk.data);
                metadata.pieces.exif = piece(block);
                let facts = exif::read(block);
                metadata.orientation = facts.orientation;
                metadata.rights = facts.rights;
                facts.items.into_iter().for_each(|item| add_item(&mut metadata.items, item.kind, item.bytes));
                continue;
            }
            MARK => {
                metadata.mark = Mark::parse(chunk.data);
                continue;
            }
            b"ICCP" => {
                check_size(chunk.data, limits)?;
                metadata.icc = Some(chunk.data.to_vec());
                Kind::Icc
            }
            b"XMP " => {
                xmp_rights = xmp::read_rights(chunk.data);
                metadata.pieces.xmp = piece(chunk.data);
                Kind::Xmp
            }
            _ => Kind::Other,
        };
        add_item(&mut metadata.items, kind, chunk.data.len() as u64 + 8);
    }
    if !has_image {
        return Err(super::container::malformed("there is no image in it"));
    }
    add_item(&mut metadata.items, Kind::Trailer, trailer as u64);
    metadata.rights = metadata.rights.or(xmp_rights);
    metadata.list_rights();
    Ok(metadata)
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
