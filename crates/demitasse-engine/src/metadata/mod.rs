//! What files carry beside pixels, and which of it survives.
//!
//! The policy of this version: the orientation is applied to the pixels, the ICC profile and who holds the rights are
//! kept, everything else is dropped; GPS positions and device identity above all.

pub(crate) mod exif;
pub(crate) mod iptc;
mod mark;
mod text;
pub(crate) mod xmp;

use serde::{Deserialize, Serialize};

pub use mark::Mark;

use crate::report::Item;

/// A kind of metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An ICC profile.
    Icc,
    /// The EXIF orientation.
    Orientation,
    /// Who holds the rights: EXIF Copyright and Artist, IPTC, XMP or PNG text of the same meaning.
    Copyright,
    /// A position.
    Gps,
    /// Camera, lens, serial numbers, exposure, dates: the rest of EXIF.
    Exif,
    /// XMP, less the rights.
    Xmp,
    /// IPTC-IIM and other Photoshop resources, less the rights.
    Iptc,
    /// A comment or a text chunk.
    Comment,
    /// An embedded thumbnail.
    Thumbnail,
    /// A gain map, or other images behind the first (MPF).
    GainMap,
    /// A time stamp.
    Time,
    /// Bytes after the end of the image.
    Trailer,
    /// Anything else.
    Other,
}

/// How the stored pixels must be turned for viewing: EXIF tag 0x0112, 1 to 8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Orientation(u8);

impl Orientation {
    /// As stored.
    pub const UPRIGHT: Self = Self(1);

    /// From EXIF's number; anything outside 1 to 8 is [`Orientation::UPRIGHT`], as viewers take it.
    pub fn from_exif(value: u16) -> Self {
        match value {
            2..=8 => Self(value as u8),
            _ => Self::UPRIGHT,
        }
    }

    /// EXIF's number, 1 to 8.
    pub fn exif(self) -> u8 {
        self.0.max(1)
    }

    /// Whether the pixels are shown as they are stored.
    pub fn is_upright(self) -> bool {
        self.exif() == 1
    }

    /// Width and height as a viewer shows an image that is stored with these.
    pub fn turn(self, width: u32, height: u32) -> (u32, u32) {
        if self.swaps_sides() { (height, width) } else { (width, height) }
    }

    /// Whether width and height change places.
    pub fn swaps_sides(self) -> bool {
        self.exif() >= 5
    }
}

/// Who holds the rights.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rights {
    /// Copyright notice.
    pub copyright: Option<String>,
    /// Who made it.
    pub artist: Option<String>,
}

impl Rights {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.copyright.is_none() && self.artist.is_none()
    }

    /// Fills what is not known from a source of lower rank: EXIF before IPTC before XMP, as the Metadata Working Group's
    /// guidelines have it for a file whose sources disagree.
    #[must_use]
    pub(crate) fn or(self, lower: Self) -> Self {
        Self { copyright: self.copyright.or(lower.copyright), artist: self.artist.or(lower.artist) }
    }
}

/// What a file carries beside pixels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The file's ICC profile, raw.
    pub icc: Option<Vec<u8>>,
    /// How to turn the pixels.
    pub orientation: Orientation,
    /// Who holds the rights.
    pub rights: Rights,
    /// Whether the colours are described by something other than a profile that only the file's own format can carry
    /// (PNG's `cICP`, `gAMA`, `cHRM`), and are not sRGB: in another format they would look different.
    pub own_color: bool,
    /// The mark that an earlier compression left.
    pub mark: Option<Mark>,
    /// Every piece that was found, with its size; the orientation and the mark have none of their own.
    pub items: Vec<Item>,
}

/// Adds a piece of `bytes` to its kind's item; nothing if it is empty. One item a kind, however many pieces a file has.
pub(crate) fn add_item(items: &mut Vec<Item>, kind: Kind, bytes: u64) {
    match items.iter_mut().find(|item| item.kind == kind) {
        _ if bytes == 0 => {}
        Some(item) => item.bytes += bytes,
        None => items.push(Item { kind, bytes }),
    }
}

/// What is written into an output beside its pixels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Embedded {
    /// An ICC profile.
    pub icc: Option<Vec<u8>>,
    /// An EXIF block: a TIFF structure, without the leading `Exif\0\0`.
    pub exif: Option<Vec<u8>>,
    /// The mark of this compression.
    pub mark: Option<Mark>,
}
