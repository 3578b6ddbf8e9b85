//! Reads what a JPEG carries beside pixels.

use crate::codec::jpeg::container::{EXIF, ICC, JFIF, is_jfif};
use std::sync::Arc;

use crate::codec::jpeg::frame::is_adobe;
use crate::codec::jpeg::gain_map::{self, ISO, MPF};
use crate::codec::jpeg::marker::{APP0, APP1, APP2, APP13, COM, Segment, Walk};
use crate::metadata::{Kind, Mark, Metadata, Rights, add_item, exif, iptc, piece, xmp};
use crate::{Error, Limits, Result};

pub(super) const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
/// Pieces of a packet that does not fit in one segment. Rights are never moved there; it is weighed, not read.
const XMP_EXTENSION: &[u8] = b"http://ns.adobe.com/xmp/extension/\0";

/// Reads all metadata. The first EXIF block and the first XMP packet count, as viewers take them; others are weighed.
///
/// # Errors
/// `Malformed` if the markers cannot be walked; `LimitExceeded` for an ICC profile above `limits.max_metadata_bytes`.
///
/// Cost: linear in the file, without decoding; copies the profile and what may be carried over.
pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<Metadata> {
    let mut reader = Reader::default();
    let mut walk = Walk::new(bytes)?;
    for segment in walk.by_ref() {
        let segment = segment?;
        if segment.is_application() {
            reader.take(&segment);
        }
    }
    let end = walk.end().unwrap_or(bytes.len());
    reader.gain_map.pictures = &bytes[end..];
    reader.gain_map.pictures_at = end;
    reader.finish(limits)
}

#[derive(Default)]
struct Reader<'a> {
    metadata: Metadata,
    icc: Chunks<'a>,
    exif_seen: bool,
    exif_rights: Rights,
    iptc_rights: Rights,
    xmp_rights: Option<Rights>,
    more_images: bool,
    gain_map: gain_map::Found<'a>,
    /// Whether a packet or a block has parts in other segments.
    is_extended: bool,
}

impl<'a> Reader<'a> {
    fn take(&mut self, segment: &Segment<'a>) {
        let payload = segment.payload;
        let kind = match segment.code {
            APP0 if is_jfif(segment) => return self.weigh(Kind::Thumbnail, payload.len() - 14),
            APP0 if payload.starts_with(b"JFXX\0") => Kind::Thumbnail,
            APP0 if payload.starts_with(JFIF) => return,
            APP1 if payload.starts_with(EXIF) => return self.take_exif(&payload[EXIF.len()..]),
            APP1 if payload.starts_with(XMP) => {
                self.take_xmp(&payload[XMP.len()..]);
                Kind::Xmp
            }
            APP1 if payload.starts_with(XMP_EXTENSION) => {
                self.is_extended = true;
                Kind::Xmp
            }
            APP2 if payload.starts_with(ICC) => {
                self.icc.push(&payload[ICC.len()..]);
                Kind::Icc
            }
            APP2 if payload.starts_with(MPF) || payload.starts_with(ISO) => {
                self.more_images = true;
                self.gain_map.take(segment);
                Kind::GainMap
            }
            APP13 if payload.starts_with(iptc::PHOTOSHOP) => {
                let lower = iptc::read_photoshop(payload);
                self.iptc_rights = std::mem::take(&mut self.iptc_rights).or(lower);
                self.take_resources(payload);
                Kind::Iptc
            }
            COM => match Mark::parse(payload) {
                Some(mark) => {
                    self.metadata.mark = Some(mark);
                    return;
                }
                None => {
                    let text = latin1_or_utf8(payload);
                    self.metadata.pieces.add_comment("Comment", &text);
                    Kind::Comment
                }
            },
            _ if is_adobe(segment) => return,
            _ => Kind::Other,
        };
        self.weigh(kind, payload.len() + 4);
    }

    fn take_exif(&mut self, block: &[u8]) {
        if std::mem::replace(&mut self.exif_seen, true) {
            return self.weigh(Kind::Exif, block.len());
        }
        let facts = exif::read(block);
        self.metadata.pieces.exif = piece(block);
        self.metadata.orientation = facts.orientation;
        self.exif_rights = facts.rights;
        for item in facts.items {
            add_item(&mut self.metadata.items, item.kind, item.bytes);
        }
    }

    fn take_xmp(&mut self, packet: &[u8]) {
        let has_gain_map = xmp::has_gain_map(packet);
        self.more_images |= has_gain_map;
        self.gain_map.in_xmp |= has_gain_map;
        if self.xmp_rights.is_none() {
            self.xmp_rights = Some(xmp::read_rights(packet));
            self.metadata.pieces.xmp = piece(packet);
        }
    }

    /// Resources that go on in a second segment are joined (they are cut at any byte).
    fn take_resources(&mut self, payload: &[u8]) {
        let resources = payload.strip_prefix(iptc::PHOTOSHOP).unwrap_or(payload);
        let before = self.metadata.pieces.iptc.take().unwrap_or_default();
        self.metadata.pieces.iptc = piece(&[&before, resources].concat());
    }

    fn weigh(&mut self, kind: Kind, bytes: usize) {
        add_item(&mut self.metadata.items, kind, bytes as u64);
    }

    fn finish(mut self, limits: &Limits) -> Result<Metadata> {
        let trailer = self.gain_map.pictures.len();
        self.weigh(if self.more_images { Kind::GainMap } else { Kind::Trailer }, trailer);
        self.metadata.pieces.gain_map = std::mem::take(&mut self.gain_map).whole(limits).map(Arc::new);
        self.metadata.icc = self.icc.assemble(limits)?;
        if self.is_extended {
            // The rest of the packet is not read, and half of it is not the packet.
            self.metadata.pieces.xmp = None;
        }
        self.metadata.rights = self.exif_rights.or(self.iptc_rights).or(self.xmp_rights.unwrap_or_default());
        self.metadata.list_rights();
        Ok(self.metadata)
    }
}

/// A comment has no encoding of its own; most writers use UTF-8.
fn latin1_or_utf8(text: &[u8]) -> String {
    std::str::from_utf8(text)
        .map_or_else(|_| text.iter().map(|&byte| char::from(byte)).collect(), str::to_owned)
}

/// An ICC profile in pieces, by number. Source: ICC.1 annex B.4.
struct Chunks<'a> {
    count: Option<u8>,
    by_number: [Option<&'a [u8]>; 256],
    broken: bool,
}

impl Default for Chunks<'_> {
    fn default() -> Self {
        Self { count: None, by_number: [None; 256], broken: false }
    }
}

impl<'a> Chunks<'a> {
    fn push(&mut self, chunk: &'a [u8]) {
        let Some(([number, count], data)) = chunk.split_first_chunk::<2>() else {
            self.broken = true;
            return;
        };
        let slot = &mut self.by_number[usize::from(*number)];
        self.broken |=
            *number == 0 || number > count || slot.is_some() || self.count.is_some_and(|seen| seen != *count);
        self.count = Some(*count);
        *slot = Some(data);
    }

    /// The whole profile; none if a piece is missing, comes twice, or the pieces disagree on their number: viewers then
    /// take none either.
    fn assemble(&self, limits: &Limits) -> Result<Option<Vec<u8>>> {
        let Some(count) = self.count.filter(|_| !self.broken) else { return Ok(None) };
        let chunks: Option<Vec<_>> = self.by_number[1..=usize::from(count)].iter().copied().collect();
        let Some(chunks) = chunks else { return Ok(None) };
        let actual = chunks.iter().map(|chunk| chunk.len() as u64).sum();
        if actual > limits.max_metadata_bytes {
            let allowed = limits.max_metadata_bytes;
            return Err(Error::LimitExceeded { limit: "metadata bytes", actual, allowed });
        }
        Ok(Some(chunks.concat()).filter(|profile| !profile.is_empty()))
    }
}
