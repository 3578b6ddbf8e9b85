//! What a PNG carries beside pixels.

use std::io::Read;

use flate2::read::ZlibDecoder;

use super::container::{Chunk, Chunks, MARK_KEYWORD, is_srgb};
use crate::metadata::{Comment, Kind, MAX_PIECE_BYTES, Mark, Metadata, Rights, add_item, exif, piece, xmp};
use crate::{Error, Limits, Result};

/// The keyword of the text chunk that holds XMP.
pub(super) const XMP_KEYWORD: &[u8] = b"XML:com.adobe.xmp";

/// What a piece may be unpacked to in any case, in bytes.
const UNPACKED: u64 = 1 << 16;
/// How many times as long as it is packed a piece may be beyond that. Profiles and texts are packed to a tenth at best, zeros to a
/// thousandth (RFC 1951): what is worth reading is told from a bomb before it is unpacked.
const MAX_RATIO: u64 = 100;

/// Bytes that are decompressed for comments, of which [`MAX_PIECE_BYTES`] can be carried over; the rest is only weighed.
const COMMENTS: u64 = 1 << 18;

/// Reads it all. Profiles, XMP and the texts that say who holds the rights are decompressed, and comments that are not too long; all of
/// them together up to `limits.max_metadata_bytes`. EXIF says more than text, and text more than XMP, where they disagree.
pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<Metadata> {
    let (text, xmp) = (Rights::default(), Rights::default());
    let mut reader = Reader { limits, metadata: Metadata::default(), text, xmp, unpacked: 0, of_comments: 0 };
    let mut chunks = Chunks::new(bytes)?;
    for chunk in chunks.by_ref() {
        reader.take(&chunk?)?;
    }
    add_item(&mut reader.metadata.items, Kind::Trailer, chunks.rest().len() as u64);
    let Reader { mut metadata, text, xmp, .. } = reader;
    metadata.own_color &= metadata.icc.is_none();
    metadata.rights = metadata.rights.or(text).or(xmp);
    metadata.list_rights();
    Ok(metadata)
}

struct Reader<'a> {
    limits: &'a Limits,
    metadata: Metadata,
    text: Rights,
    xmp: Rights,
    /// Bytes that were decompressed.
    unpacked: u64,
    /// Of these, for comments.
    of_comments: u64,
}

impl Reader<'_> {
    fn take(&mut self, chunk: &Chunk<'_>) -> Result<()> {
        let kind = match &chunk.kind {
            b"iCCP" => {
                self.metadata.icc = self.profile(chunk.data)?;
                Kind::Icc
            }
            b"eXIf" => {
                check_size(chunk.data.len() as u64, self.limits.max_metadata_bytes)?;
                let block = chunk.data.strip_prefix(b"Exif\0\0").unwrap_or(chunk.data);
                self.metadata.pieces.exif = piece(block);
                let facts = exif::read(block);
                self.metadata.orientation = facts.orientation;
                self.metadata.rights = facts.rights;
                facts
                    .items
                    .into_iter()
                    .for_each(|item| add_item(&mut self.metadata.items, item.kind, item.bytes));
                return Ok(());
            }
            b"tEXt" | b"zTXt" | b"iTXt" => match self.take_text(chunk)? {
                Some(kind) => kind,
                None => return Ok(()),
            },
            b"tIME" => {
                self.metadata.pieces.modified = chunk.data.try_into().ok();
                Kind::Time
            }
            b"cICP" | b"gAMA" | b"cHRM" => {
                self.metadata.own_color |= !is_srgb(chunk);
                return Ok(());
            }
            [b'A'..=b'Z', ..]
            | b"tRNS"
            | b"acTL"
            | b"fcTL"
            | b"fdAT"
            | b"pHYs"
            | b"bKGD"
            | b"sBIT"
            | b"sRGB"
            | b"mDCV"
            | b"cLLI" => return Ok(()),
            _ => Kind::Other,
        };
        add_item(&mut self.metadata.items, kind, chunk.whole.len() as u64);
        Ok(())
    }

    /// The kind of a text chunk; `None` for our mark.
    fn take_text(&mut self, chunk: &Chunk<'_>) -> Result<Option<Kind>> {
        let (keyword, rest) = split_at_nul(chunk.data).unwrap_or((chunk.data, &[]));
        if keyword == MARK_KEYWORD && &chunk.kind == b"tEXt" {
            self.metadata.mark = Mark::parse(rest);
            return Ok(None);
        }
        let most = self.limits.max_metadata_bytes;
        let kind = match keyword {
            b"Copyright" => {
                self.text.copyright = self.text_of(&chunk.kind, rest, most)?;
                Kind::Copyright
            }
            b"Author" | b"Artist" => {
                self.text.artist = self.text_of(&chunk.kind, rest, most)?;
                Kind::Copyright
            }
            XMP_KEYWORD => {
                let packet = self.text_of(&chunk.kind, rest, most)?.unwrap_or_default();
                self.xmp = xmp::read_rights(packet.as_bytes());
                self.metadata.pieces.xmp = piece(packet.as_bytes());
                Kind::Xmp
            }
            b"Raw profile type xmp" => Kind::Xmp,
            // What ImageMagick writes, in hexadecimal; viewers do not read it.
            b"Raw profile type exif" | b"Raw profile type APP1" => Kind::Exif,
            b"Raw profile type iptc" | b"Raw profile type 8bim" => Kind::Iptc,
            _ => {
                self.take_comment(chunk, keyword, rest);
                Comment::kind_of(keyword)
            }
        };
        Ok(Some(kind))
    }

    /// A text that is broken, or too long to be carried over, is only weighed.
    fn take_comment(&mut self, chunk: &Chunk<'_>, keyword: &[u8], rest: &[u8]) {
        let is_keyword =
            (1..80).contains(&keyword.len()) && keyword.iter().all(|byte| (32..127).contains(byte));
        if !is_keyword || self.of_comments > COMMENTS {
            return;
        }
        let before = self.unpacked;
        let text = self.text_of(&chunk.kind, rest, MAX_PIECE_BYTES as u64).ok().flatten();
        self.of_comments += self.unpacked - before;
        if let Some((text, keyword)) = text.zip(std::str::from_utf8(keyword).ok()) {
            self.metadata.pieces.add_comment(keyword, &text);
        }
    }

    /// `None` for a profile that cannot be decompressed: viewers pass over it.
    fn profile(&mut self, data: &[u8]) -> Result<Option<Vec<u8>>> {
        match split_at_nul(data) {
            Some((_, [0, compressed @ ..])) => self.inflate(compressed, self.limits.max_metadata_bytes),
            _ => Ok(None),
        }
    }

    /// The text of a chunk, given what follows its keyword; `None` if it is empty or broken.
    fn text_of(&mut self, kind: &[u8; 4], rest: &[u8], most: u64) -> Result<Option<String>> {
        let text = match (kind, rest) {
            (b"zTXt", [0, compressed @ ..]) => self.inflate(compressed, most)?.map(|text| latin1(&text)),
            (b"tEXt", _) => {
                check_size(rest.len() as u64, most)?;
                Some(latin1(rest))
            }
            (b"iTXt", [compressed, 0, rest @ ..]) => self.international(rest, *compressed == 1, most)?,
            _ => None,
        };
        Ok(text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()))
    }

    /// Language, translated keyword, text (section 11.3.3.4).
    fn international(&mut self, rest: &[u8], compressed: bool, most: u64) -> Result<Option<String>> {
        let Some((_, text)) = split_at_nul(rest).and_then(|(_, rest)| split_at_nul(rest)) else {
            return Ok(None);
        };
        check_size(text.len() as u64, most)?;
        let text = if compressed { self.inflate(text, most)? } else { Some(text.to_vec()) };
        Ok(text.map(|text| String::from_utf8_lossy(&text).into_owned()))
    }

    /// Decompresses; memory grows with what comes out, and stops at the limit. `None` if it is broken.
    fn inflate(&mut self, compressed: &[u8], most: u64) -> Result<Option<Vec<u8>>> {
        let worth = UNPACKED.saturating_add((compressed.len() as u64).saturating_mul(MAX_RATIO));
        let most = most.min(worth);
        let mut out = Vec::new();
        let result = ZlibDecoder::new(compressed).take(most.saturating_add(1)).read_to_end(&mut out);
        self.unpacked += out.len() as u64;
        check_size(self.unpacked, self.limits.max_metadata_bytes)?;
        check_size(out.len() as u64, most)?;
        Ok(result.ok().map(|_| out))
    }
}

fn latin1(text: &[u8]) -> String {
    // Many writers put UTF-8 where Latin-1 belongs.
    std::str::from_utf8(text)
        .map_or_else(|_| text.iter().map(|&byte| char::from(byte)).collect(), str::to_owned)
}

fn split_at_nul(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = data.iter().position(|&byte| byte == 0)?;
    Some((&data[..end], &data[end + 1..]))
}

fn check_size(actual: u64, allowed: u64) -> Result<()> {
    if actual > allowed {
        return Err(Error::LimitExceeded { limit: "metadata bytes", actual, allowed });
    }
    Ok(())
}
