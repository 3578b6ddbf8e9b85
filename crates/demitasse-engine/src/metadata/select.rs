//! What goes into an output beside its pixels: a file's pieces, under a policy.

use std::sync::Arc;

use super::{Embedded, GainMap, Kind, Metadata, MetadataPolicy, Orientation, Rights, exif, iptc, piece, xmp};

/// What the pieces will stand beside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pixels {
    /// Pixels that were turned upright.
    Upright,
    /// Pixels as they were stored: the orientation is still to be applied.
    AsStored,
}

/// Everything but the profile and the mark. Each format writes what it can carry.
///
/// Cost: linear in the pieces.
pub(crate) fn embedded(metadata: &Metadata, policy: MetadataPolicy, pixels: Pixels) -> Embedded {
    let keeps = |kind| policy.keeps(kind);
    let orientation = match pixels {
        Pixels::Upright => None,
        Pixels::AsStored => Some(metadata.orientation).filter(|orientation| !orientation.is_upright()),
    };
    // A small picture of pixels that were turned would still lie on its side.
    let thumbnail =
        keeps(Kind::Thumbnail) && (pixels == Pixels::AsStored || metadata.orientation.is_upright());
    let rights = if keeps(Kind::Copyright) { metadata.rights.clone() } else { Rights::default() };
    let pieces = &metadata.pieces;
    // Turned, it would have to be turned too.
    let fits = pixels == Pixels::AsStored || metadata.orientation.is_upright();
    let may_be_kept =
        |map: &&Arc<GainMap>| keeps(Kind::GainMap) && fits && (policy.is_strict() || !map.is_private);
    let gain_map = pieces.gain_map.as_ref().filter(may_be_kept).cloned();
    let described =
        gain_map.as_ref().filter(|map| map.in_xmp).map(|map| xmp::of_gain_map(map.pictures.len()));
    Embedded {
        exif: embedded_exif(metadata, policy, thumbnail, &rights, orientation),
        xmp: pieces
            .xmp
            .as_deref()
            .filter(|_| keeps(Kind::Xmp))
            .and_then(|packet| {
                let keep = xmp::Keep {
                    rights: keeps(Kind::Copyright),
                    time: keeps(Kind::Time),
                    gps: keeps(Kind::Gps),
                    camera: keeps(Kind::Exif),
                    orientation: pixels == Pixels::AsStored,
                    thumbnail,
                    gain_map: gain_map.is_some(),
                };
                xmp::select(packet, keep)
            })
            .or(described),
        iptc: pieces.iptc.as_deref().filter(|_| keeps(Kind::Iptc)).and_then(|resources| {
            iptc::select(resources, policy.is_strict() && thumbnail, |number| {
                (iptc::is_rights(number) && !keeps(Kind::Copyright))
                    || (iptc::is_date(number) && !keeps(Kind::Time))
            })
        }),
        comments: pieces.comments.iter().filter(|comment| keeps(comment.kind())).cloned().collect(),
        gain_map,
        modified: pieces.modified.filter(|_| keeps(Kind::Time)),
        ..Embedded::default()
    }
}

fn embedded_exif(
    metadata: &Metadata,
    policy: MetadataPolicy,
    thumbnail: bool,
    rights: &Rights,
    orientation: Option<Orientation>,
) -> Option<Vec<u8>> {
    let keep = exif::Keep {
        time: policy.keeps(Kind::Time),
        gps: policy.keeps(Kind::Gps),
        camera: policy.keeps(Kind::Exif),
        thumbnail,
        copies: policy.is_strict(),
    };
    let block = metadata.pieces.exif.as_deref();
    let selected = exif::select(block, keep, rights, orientation)?;
    // Rights from elsewhere may have made it too long.
    piece(&selected).or_else(|| exif::write(orientation, rights))
}
