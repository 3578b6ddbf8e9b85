//! Blocks of metadata by themselves, as every format hands them on.

use demitasse_engine::fuzzing::{convert, read_exif, read_iptc, read_xmp, select};
use demitasse_engine::metadata::{Embedded, Kind, Metadata};
use demitasse_engine::report::Item;
use demitasse_engine::{Layout, MetadataPolicy, PolicyName};

/// What is found in a block is no more than the block; what a policy drops is not found in what is left.
pub(super) fn exif(bytes: &[u8]) {
    let found = read_exif(bytes);
    let length: u64 = found.items.iter().map(|item| item.bytes).sum();
    assert!(length <= bytes.len() as u64, "{:?}", found.items);
    for (policy, is_upright, left) in selections(&found) {
        let Some(block) = left.exif else { continue };
        assert!(block.len() <= 65_000, "{} bytes", block.len());
        let again = read_exif(&block);
        for kind in [Kind::Gps, Kind::Exif, Kind::Thumbnail, Kind::Time, Kind::Copyright] {
            assert!(policy.keeps(kind) || !has(&again.items, kind), "{kind:?} under {policy:?}: {again:?}");
        }
        if is_upright {
            assert!(again.orientation.is_upright(), "turned twice");
        } else {
            assert_eq!(again.orientation, found.orientation);
        }
        if policy.keeps(Kind::Copyright) {
            assert_eq!(again.rights, found.rights, "under {policy:?}");
        }
    }
}

/// A packet is cut or left; what is left is a packet that says no more, and is cut no further.
pub(super) fn xmp(bytes: &[u8]) {
    let found = read_xmp(bytes);
    for (policy, is_upright, left) in selections(&found) {
        let Some(packet) = left.xmp else { continue };
        let again = read_xmp(&packet);
        assert!(policy.keeps(Kind::Copyright) || again.rights.is_empty(), "{again:?} under {policy:?}");
        if policy.keeps(Kind::Copyright) {
            assert_eq!(again.rights, found.rights, "under {policy:?}");
        }
        if again.pieces.xmp.is_some() {
            let twice = select(&again, policy, is_upright).xmp.unwrap_or_default();
            assert_eq!(without_marks(&twice), without_marks(&packet), "under {policy:?}");
        }
    }
}

/// Marks of the byte order at the beginning mean nothing, and one of them goes each time.
fn without_marks(mut packet: &[u8]) -> &[u8] {
    while let Some(rest) = packet.strip_prefix(b"\xef\xbb\xbf") {
        packet = rest;
    }
    packet
}

/// The same of Photoshop's resources.
pub(super) fn iptc(bytes: &[u8]) {
    let found = read_iptc(bytes);
    for (policy, is_upright, left) in selections(&found) {
        let Some(resources) = left.iptc else { continue };
        let again = read_iptc(&resources);
        let expected = if policy.keeps(Kind::Copyright) { found.rights.clone() } else { Default::default() };
        assert_eq!(again.rights, expected, "under {policy:?}");
        assert_eq!(select(&again, policy, is_upright).iptc.as_ref(), Some(&resources));
    }
}

/// A profile is used or refused, for gray and for colour.
pub(super) fn icc(bytes: &[u8]) {
    for layout in [Layout::Gray, Layout::Rgba] {
        convert(bytes, layout);
    }
}

fn selections(found: &Metadata) -> impl Iterator<Item = (MetadataPolicy, bool, Embedded)> {
    let named = PolicyName::ALL.map(MetadataPolicy::new);
    let kept = ["date", "gps", "camera", "xmp,gps", "iptc,date"]
        .map(|kinds| MetadataPolicy { keep: kinds.parse().unwrap_or_default(), ..MetadataPolicy::default() });
    let dropped = ["copyright", "date", "gps", "camera"].map(|kinds| MetadataPolicy {
        drop: kinds.parse().unwrap_or_default(),
        ..MetadataPolicy::new(PolicyName::Archive)
    });
    let policies = named.into_iter().chain(kept).chain(dropped);
    policies
        .flat_map(|policy| [true, false].map(|is_upright| (policy, is_upright)))
        .map(|(policy, is_upright)| (policy, is_upright, select(found, policy, is_upright)))
}

fn has(items: &[Item], kind: Kind) -> bool {
    items.iter().any(|item| item.kind == kind)
}
