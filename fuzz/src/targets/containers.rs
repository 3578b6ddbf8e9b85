//! Headers and containers of every format: what is read without decoding.

use demitasse_engine::fuzzing::{Way, decode, play, strip as strip_file};
use demitasse_engine::metadata::Kind;
use demitasse_engine::{
    Image, KindSet, Limits, MetadataPolicy, PolicyName, inspect as inspect_file, read_metadata, sniff,
};

use super::{LIMITS, unless_refused};

/// A header is read or refused, at any size; what is within the limits is within them.
pub(super) fn inspect(bytes: &[u8]) {
    sniff(bytes);
    if let Ok(header) = inspect_file(bytes, &Limits::default()) {
        let pixels = u64::from(header.width) * u64::from(header.height);
        // A drawing has no pixels before it is drawn.
        let is_drawing = header.format.capabilities().vector;
        assert!(pixels > 0 && (is_drawing || pixels <= Limits::default().max_pixels), "{header:?}");
    }
}

/// Metadata are read or refused; what is found is no longer than what there is, or may be unpacked.
pub(super) fn metadata(bytes: &[u8]) {
    let Some(found) = unless_refused(read_metadata(bytes, &LIMITS)) else { return };
    let pieces = &found.pieces;
    for piece in [&pieces.exif, &pieces.xmp, &pieces.iptc].into_iter().flatten() {
        assert!(!piece.is_empty() && piece.len() <= 65_000);
    }
    let profile = found.icc.as_ref().map_or(0, Vec::len);
    assert!(profile as u64 <= LIMITS.max_metadata_bytes.max(bytes.len() as u64));
}

/// A file less its metadata has the same header and the same pixels, and none of the metadata that were to go.
pub(super) fn strip(bytes: &[u8]) {
    let Some(header) = unless_refused(inspect_file(bytes, &LIMITS)) else { return };
    let before = Seen::of(bytes);
    let policies = PolicyName::ALL.map(MetadataPolicy::new);
    for policy in policies.into_iter().chain([without_camera()]) {
        let Some(stripped) = unless_refused(strip_file(bytes, policy, &LIMITS)) else { continue };
        let now = inspect_file(&stripped, &Limits { max_bytes: 1 << 24, ..LIMITS });
        assert_eq!(now.map_err(|error| error.to_string()), Ok(header), "{policy:?}");
        if let Some(difference) = before.difference(&Seen::of(&stripped)) {
            panic!("under {policy:?} it is seen otherwise: {difference}");
        }
        let Some(found) = unless_refused(read_metadata(&stripped, &LIMITS)) else { continue };
        for kind in [Kind::Gps, Kind::Exif, Kind::Thumbnail, Kind::Comment, Kind::Trailer] {
            let is_there = found.items.iter().any(|item| item.kind == kind);
            assert!(policy.keeps(kind) || !is_there, "{kind:?} is left under {policy:?}: {:?}", found.items);
        }
    }
}

fn without_camera() -> MetadataPolicy {
    let drop: KindSet = "camera,gps".parse().unwrap_or_default();
    MetadataPolicy { drop, ..MetadataPolicy::new(PolicyName::Archive) }
}

/// What viewers see of a file.
#[derive(PartialEq)]
enum Seen {
    Still(Image),
    Frames(Vec<Vec<u8>>),
    Refused,
}

impl Seen {
    fn of(bytes: &[u8]) -> Self {
        let limits = Limits { max_bytes: 1 << 24, ..LIMITS };
        match inspect_file(bytes, &limits) {
            Ok(header) if header.animated => {
                let mut frames = Vec::new();
                match unless_refused(play(bytes, &limits, |frame| frames.push(frame.to_vec()))) {
                    Some(_) => Self::Frames(frames),
                    None => Self::Refused,
                }
            }
            Ok(_) => match unless_refused(decode(bytes, Way::Whole, &limits)) {
                Some((_, image)) => Self::Still(image),
                None => Self::Refused,
            },
            Err(_) => Self::Refused,
        }
    }

    /// A damaged file may be read again when what was damaged is gone.
    fn difference(&self, after: &Self) -> Option<&'static str> {
        match (self, after) {
            (Self::Refused, _) => None,
            (Self::Still(before), Self::Still(after)) if before.profile != after.profile => {
                Some("another profile")
            }
            _ if self == after => None,
            (_, Self::Refused) => Some("it is refused"),
            _ => Some("other pixels"),
        }
    }
}
