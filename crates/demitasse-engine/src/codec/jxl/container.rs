//! The boxes of a JPEG XL; a file may also be the bare codestream.
//!
//! Source: ISO/IEC 18181-2, section 9.

use super::malformed;
use crate::metadata::{Embedded, Kind, Metadata, add_item, exif, piece, xmp};
use crate::{Error, Limits, Result};

const SIGNATURE: &[u8] = b"\0\0\0\x0cJXL \r\n\x87\n";

/// A box.
#[derive(Debug, Clone, Copy)]
struct JxlBox<'a> {
    kind: [u8; 4],
    data: &'a [u8],
    whole: &'a [u8],
}

/// The boxes; none of a bare codestream.
fn boxes(bytes: &[u8]) -> Result<Vec<JxlBox<'_>>> {
    let mut found = Vec::new();
    let mut rest = if bytes.starts_with(SIGNATURE) { bytes } else { &[] };
    while !rest.is_empty() {
        let cut_off = || malformed("a box is cut off");
        let (head, after) = rest.split_first_chunk::<8>().ok_or_else(cut_off)?;
        let [a, b, c, d, kind @ ..] = *head;
        let (head_bytes, length) = match u32::from_be_bytes([a, b, c, d]) {
            // Up to the end of the file.
            0 => (8, rest.len() as u64),
            1 => (16, u64::from_be_bytes(*after.first_chunk().ok_or_else(cut_off)?)),
            length => (8, u64::from(length)),
        };
        let length =
            usize::try_from(length).ok().filter(|length| *length >= head_bytes).ok_or_else(cut_off)?;
        let (whole, tail) = rest.split_at_checked(length).ok_or_else(cut_off)?;
        found.push(JxlBox { kind, data: &whole[head_bytes..], whole });
        rest = tail;
    }
    Ok(found)
}

/// As much of the codestream as lies in one piece at its beginning; also of a file that is cut off behind it.
pub(super) fn codestream(bytes: &[u8]) -> Result<&[u8]> {
    let Some(mut rest) = bytes.strip_prefix(SIGNATURE) else { return Ok(bytes) };
    while let Some((head, after)) = rest.split_first_chunk::<8>() {
        let [a, b, c, d, kind @ ..] = *head;
        let (data, length) = match u32::from_be_bytes([a, b, c, d]) {
            0 => (after, usize::MAX),
            1 => {
                let (length, data) =
                    after.split_first_chunk::<8>().ok_or_else(|| malformed("a box is cut off"))?;
                (data, usize::try_from(u64::from_be_bytes(*length)).unwrap_or(usize::MAX).saturating_sub(16))
            }
            length => (after, (length as usize).saturating_sub(8)),
        };
        let (data, tail) = data.split_at(length.min(data.len()));
        match &kind {
            b"jxlc" => return Ok(data),
            // Its number among the pieces stands before each.
            b"jxlp" => return Ok(data.get(4..).unwrap_or_default()),
            _ => rest = tail,
        }
    }
    Err(malformed("it has no codestream"))
}

/// What decoding needs.
fn is_needed(kind: [u8; 4]) -> bool {
    matches!(&kind, b"JXL " | b"ftyp" | b"jxll" | b"jxlc" | b"jxlp" | b"jxli")
}

/// Reads what lies beside the codestream. The orientation is the codestream's, which turns the pixels itself; EXIF's does not count.
pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<Metadata> {
    let mut metadata = Metadata::default();
    let mut xmp_rights = Default::default();
    for found in boxes(bytes)? {
        let actual = found.data.len() as u64;
        if !is_needed(found.kind) && actual > limits.max_metadata_bytes {
            let allowed = limits.max_metadata_bytes;
            return Err(Error::LimitExceeded { limit: "metadata bytes", actual, allowed });
        }
        let kind = match &found.kind {
            b"Exif" => {
                let block = exif_block(found.data);
                let facts = exif::read(block);
                metadata.pieces.exif = piece(block);
                metadata.rights = facts.rights;
                facts.items.iter().for_each(|item| add_item(&mut metadata.items, item.kind, item.bytes));
                continue;
            }
            b"xml " => {
                xmp_rights = xmp::read_rights(found.data);
                metadata.pieces.xmp = piece(found.data);
                Kind::Xmp
            }
            // Packed by Brotli; the first letters say what.
            b"brob" if found.data.starts_with(b"Exif") => Kind::Exif,
            b"brob" if found.data.starts_with(b"xml ") => Kind::Xmp,
            b"jhgm" => Kind::GainMap,
            kind if is_needed(*kind) => continue,
            // What makes the JPEG of it that it was before (`jbrd`), with all that that had beside its pixels, and what is unknown.
            _ => Kind::Other,
        };
        add_item(&mut metadata.items, kind, found.whole.len() as u64);
    }
    metadata.rights = metadata.rights.or(xmp_rights);
    metadata.list_rights();
    Ok(metadata)
}

/// Keeps what decoding needs, and writes what `keep` names behind it. The profile is in the codestream.
pub(super) fn strip(bytes: &[u8], keep: &Embedded) -> Result<Vec<u8>> {
    let boxes = boxes(bytes)?;
    if boxes.is_empty() {
        return Ok(bytes.to_vec());
    }
    let mut out = Vec::with_capacity(bytes.len());
    for found in boxes.into_iter().filter(|found| is_needed(found.kind)) {
        // One that reaches to the end of the file may not be the last any more.
        if found.whole.starts_with(&[0; 4]) {
            push(&mut out, found.kind, &[found.data])
        } else {
            out.extend(found.whole)
        }
    }
    if let Some(block) = keep.exif.as_deref().and_then(exif::upright) {
        // Where in the box the block begins.
        push(&mut out, *b"Exif", &[&[0; 4], &block]);
    }
    if let Some(packet) = &keep.xmp {
        push(&mut out, *b"xml ", &[packet]);
    }
    Ok(out)
}

fn push(out: &mut Vec<u8>, kind: [u8; 4], parts: &[&[u8]]) {
    let length = 8 + parts.iter().map(|part| part.len()).sum::<usize>();
    match u32::try_from(length) {
        Ok(length) => {
            out.extend(length.to_be_bytes());
            out.extend(kind);
        }
        Err(_) => {
            out.extend(1_u32.to_be_bytes());
            out.extend(kind);
            out.extend((length as u64 + 8).to_be_bytes());
        }
    }
    parts.iter().for_each(|part| out.extend(*part));
}

fn exif_block(data: &[u8]) -> &[u8] {
    let Some((offset, rest)) = data.split_first_chunk::<4>() else { return &[] };
    let block = rest.get(u32::from_be_bytes(*offset) as usize..).unwrap_or(rest);
    block.strip_prefix(b"Exif\0\0").unwrap_or(block)
}
