//! Writes markers anew around entropy-coded data that stays as it is.

use crate::codec::jpeg::frame::is_adobe;
use crate::codec::jpeg::gain_map;
use crate::codec::jpeg::marker::{APP0, APP1, APP2, APP13, COM, EOI, MAX_PAYLOAD, SOI, Segment, Walk};
use crate::codec::jpeg::read::XMP;
use crate::color;
use crate::metadata::{Embedded, iptc};
use crate::{Error, Result};

pub(super) const EXIF: &[u8] = b"Exif\0\0";
pub(super) const ICC: &[u8] = b"ICC_PROFILE\0";
pub(super) const JFIF: &[u8] = b"JFIF\0";

/// JFIF's payload without its thumbnail: version, density, thumbnail dimensions.
pub(super) const JFIF_BYTES: usize = 14;
/// Adobe's payload: version, flags, transform.
const ADOBE_BYTES: usize = 12;
/// An ICC segment's signature, its number and their count.
const ICC_OVERHEAD: usize = 14;

/// Rewrites a file: what decoding needs stays byte for byte, what `keep` names takes the place of all metadata, and what
/// comes after the first image is dropped, but for a gain map that `keep` has. An end marker that is missing is added.
///
/// # Errors
/// `Malformed` if the markers cannot be walked; `Codec` if `keep` does not fit (EXIF above 64 KB, ICC above 16.7 MB).
pub(super) fn rewrite(bytes: &[u8], keep: &Embedded) -> Result<Vec<u8>> {
    let mut file = Vec::with_capacity(bytes.len());
    file.extend([0xFF, SOI]);
    if let Some(jfif) = first_jfif(bytes)? {
        let mut payload = jfif[..JFIF_BYTES].to_vec();
        payload[JFIF_BYTES - 2..].fill(0);
        push(&mut file, APP0, &[&payload])?;
    }
    push_embedded(&mut file, keep)?;
    let index_at =
        keep.gain_map.as_ref().map(|map| gain_map::push_header(&mut file, map)).transpose()?.flatten();
    let mut adobe_written = false;
    for segment in Walk::new(bytes)? {
        let segment = segment?;
        if is_adobe(&segment) && !adobe_written {
            push(&mut file, segment.code, &[&segment.payload[..ADOBE_BYTES]])?;
            adobe_written = true;
        } else if !segment.is_application() {
            file.extend(segment.whole);
        }
    }
    file.extend([0xFF, EOI]);
    if let Some(map) = &keep.gain_map {
        gain_map::append(&mut file, map, index_at);
    }
    Ok(file)
}

/// Appends what `keep` names.
///
/// # Errors
/// `Codec` if it does not fit (EXIF above 64 KB, ICC above 16.7 MB).
pub(super) fn push_embedded(file: &mut Vec<u8>, keep: &Embedded) -> Result<()> {
    if let Some(exif) = &keep.exif {
        push(file, APP1, &[EXIF, exif])?;
    }
    if let Some(packet) = &keep.xmp {
        push(file, APP1, &[XMP, packet])?;
    }
    if let Some(resources) = &keep.iptc {
        push(file, APP13, &[iptc::PHOTOSHOP, resources])?;
    }
    if let Some(icc) = &keep.icc {
        // A file without a profile means sRGB to browsers, and whatever they like to other programs.
        let compact = if keep.icc_is_srgb { color::compact_srgb() } else { &[] };
        let shorter = !compact.is_empty() && compact.len() < icc.len();
        push_icc(file, if shorter { compact } else { icc })?;
    }
    for comment in &keep.comments {
        let keyword =
            if comment.keyword == "Comment" { String::new() } else { format!("{}: ", comment.keyword) };
        push(file, COM, &[keyword.as_bytes(), comment.text.as_bytes()])?;
    }
    if let Some(mark) = keep.mark {
        push(file, COM, &[mark.text().as_bytes()])?;
    }
    Ok(())
}

/// Whether this is the marker of JFIF.
pub(super) fn is_jfif(segment: &Segment<'_>) -> bool {
    segment.code == APP0 && segment.payload.len() >= JFIF_BYTES && segment.payload.starts_with(JFIF)
}

fn first_jfif(bytes: &[u8]) -> Result<Option<&[u8]>> {
    for segment in Walk::new(bytes)? {
        let segment = segment?;
        if is_jfif(&segment) {
            return Ok(Some(segment.payload));
        }
        if segment.is_frame() {
            break;
        }
    }
    Ok(None)
}

fn push_icc(file: &mut Vec<u8>, icc: &[u8]) -> Result<()> {
    let chunks = icc.chunks(MAX_PAYLOAD - ICC_OVERHEAD);
    let count = u8::try_from(chunks.len()).map_err(|_| {
        Error::codec("jpeg", format_args!("an ICC profile of {} bytes does not fit", icc.len()))
    })?;
    for (number, chunk) in (1..=count).zip(chunks) {
        push(file, APP2, &[ICC, &[number, count], chunk])?;
    }
    Ok(())
}

/// Appends a segment of these parts.
///
/// # Errors
/// `Codec` above 64 KB.
pub(super) fn push(file: &mut Vec<u8>, code: u8, parts: &[&[u8]]) -> Result<()> {
    let length = parts.iter().map(|part| part.len()).sum::<usize>() + 2;
    let field = u16::try_from(length)
        .map_err(|_| Error::codec("jpeg", format_args!("{length} bytes do not fit in a segment")))?;
    file.extend([0xFF, code]);
    file.extend(field.to_be_bytes());
    parts.iter().for_each(|part| file.extend(*part));
    Ok(())
}
