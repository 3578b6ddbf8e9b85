//! What files carry beside pixels, and which of it survives.
//!
//! A [`MetadataPolicy`] decides. Under each of them the orientation is applied to the pixels and the ICC profile is kept; the default
//! keeps who holds the rights and drops everything else, GPS positions and device identity above all.

pub(crate) mod exif;
pub(crate) mod iptc;
mod mark;
mod policy;
mod select;
mod text;
pub(crate) mod xmp;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use mark::Mark;
pub use policy::{KindSet, MetadataPolicy, PolicyName};
pub(crate) use select::{Pixels, embedded};

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
    /// Camera, lens, serial numbers, exposure: the rest of EXIF.
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
    /// When it was taken or changed.
    Time,
    /// Bytes after the end of the image.
    Trailer,
    /// Anything else.
    Other,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Icc => "profile",
            Self::Orientation => "orientation",
            Self::Copyright => "copyright",
            Self::Gps => "position",
            Self::Exif => "camera",
            Self::Xmp => "XMP",
            Self::Iptc => "IPTC",
            Self::Comment => "comment",
            Self::Thumbnail => "thumbnail",
            Self::GainMap => "gain map",
            Self::Time => "date",
            Self::Trailer => "bytes after the end",
            Self::Other => "of other kinds",
        })
    }
}

/// How the stored pixels must be turned for viewing: EXIF tag 0x0112, 1 to 8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Orientation(u8);

impl Default for Orientation {
    fn default() -> Self {
        Self::UPRIGHT
    }
}

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
        self.0
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
    /// What can be carried into another file.
    pub pieces: Pieces,
}

impl Metadata {
    /// Lists the rights where no field of theirs was found: they were read from a block of another kind, and are written by themselves.
    pub(crate) fn list_rights(&mut self) {
        if self.items.iter().any(|item| item.kind == Kind::Copyright) {
            return;
        }
        let Rights { copyright, artist } = &self.rights;
        let bytes = [copyright, artist].into_iter().flatten().map(String::len).sum::<usize>();
        add_item(&mut self.items, Kind::Copyright, bytes as u64);
    }
}

/// Pieces as they were found. One that is broken, or longer than 65,000 bytes, is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pieces {
    /// The EXIF block: a TIFF structure, without a leading `Exif\0\0`.
    pub exif: Option<Vec<u8>>,
    /// The XMP packet.
    pub xmp: Option<Vec<u8>>,
    /// Photoshop's image resources, of which one is IPTC-IIM.
    pub iptc: Option<Vec<u8>>,
    /// Comments and texts.
    pub comments: Vec<Comment>,
    /// A second picture that says how much brighter each place is on a screen that can show it.
    pub gain_map: Option<Arc<GainMap>>,
    /// When it was changed, as PNG says it: year (two bytes), month, day, hour, minute, second.
    pub modified: Option<[u8; 7]>,
    /// Bytes of all comments: there may be tens of thousands.
    pub(crate) comment_bytes: usize,
}

/// A text about the picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// What it is, as PNG says it: `Comment`, `Title`, `Description`, ... ASCII of 1 to 79 characters.
    pub keyword: String,
    /// The text.
    pub text: String,
}

impl Comment {
    /// What it is: most are comments, some say when.
    pub(crate) fn kind(&self) -> Kind {
        Self::kind_of(self.keyword.as_bytes())
    }

    /// What a text of this keyword is.
    pub(crate) fn kind_of(keyword: &[u8]) -> Kind {
        match keyword {
            b"Creation Time" | b"date:create" | b"date:modify" | b"date:timestamp" => Kind::Time,
            _ => Kind::Comment,
        }
    }
}

/// A gain map as JPEG has it: pictures behind the first, and what in the first one's header leads to them. Sources: Ultra HDR 1.1
/// (an XMP directory), CIPA DC-007 (an index, MPF), ISO 21496-1 (a segment that says that there is one).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GainMap {
    /// The files behind the first.
    pub pictures: Vec<u8>,
    /// The index, without `MPF\0`, and how far behind its beginning the pictures lay.
    pub index: Option<(Vec<u8>, usize)>,
    /// What ISO 21496-1 puts into the first picture.
    pub iso: Option<Vec<u8>>,
    /// Whether the first picture's XMP leads to it.
    pub in_xmp: bool,
    /// Whether it has EXIF or a position of its own.
    pub is_private: bool,
}

/// Longest piece that is carried over, in bytes: what fits in a segment of JPEG with its signature.
pub(crate) const MAX_PIECE_BYTES: usize = 65_000;

/// A piece to carry, if it is not too long.
pub(crate) fn piece(bytes: &[u8]) -> Option<Vec<u8>> {
    (!bytes.is_empty() && bytes.len() <= MAX_PIECE_BYTES).then(|| bytes.to_vec())
}

impl Pieces {
    /// Adds a comment, unless it is empty, or all of them would be too long.
    pub(crate) fn add_comment(&mut self, keyword: &str, text: &str) {
        let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        let all = self.comment_bytes + keyword.len() + text.len();
        if !text.is_empty() && all <= MAX_PIECE_BYTES {
            self.comment_bytes = all;
            self.comments.push(Comment { keyword: keyword.to_owned(), text: text.to_owned() });
        }
    }
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
    /// Whether the pixels are sRGB although the file had a profile: because it says no more than that, or, where there is none here,
    /// because they were converted. A format may say it in fewer bytes, or not at all.
    pub icc_is_srgb: bool,
    /// An XMP packet.
    pub xmp: Option<Vec<u8>>,
    /// Photoshop's image resources.
    pub iptc: Option<Vec<u8>>,
    /// Comments and texts.
    pub comments: Vec<Comment>,
    /// A gain map.
    pub gain_map: Option<Arc<GainMap>>,
    /// When it was changed, as PNG says it.
    pub modified: Option<[u8; 7]>,
    /// The mark of this compression.
    pub mark: Option<Mark>,
}
