//! Writes a file: as few boxes as browsers need, the pixels last.

use std::borrow::Cow;

use super::boxes::{make, make_full};
use super::picture::Nclx;
use crate::metadata::{Embedded, Mark};

/// Of the box that carries the mark: made for it (version 8 of RFC 9562, any bits). Readers pass over boxes `uuid` that
/// they do not know (ISO/IEC 14496-12, section 4.2).
pub(super) const MARK: [u8; 16] = *b"demitass\x80\x8e-mark\xe5";

/// An item to be written.
pub(super) struct Part<'a> {
    /// `av01`, `grid`, `Exif`, or `mime` for XMP.
    pub kind: [u8; 4],
    /// Whether it is shown as part of another only.
    pub hidden: bool,
    /// Its bytes.
    pub data: Cow<'a, [u8]>,
    /// Whole boxes, and whether a reader must understand each.
    pub properties: Vec<(Cow<'a, [u8]>, bool)>,
    /// To other parts, by their place in the list.
    pub references: Vec<([u8; 4], Vec<usize>)>,
}

/// Writes `parts`, the first of which is shown, and what is embedded beside the profile, which is a property.
pub(super) fn write(brands: &[u8], mut parts: Vec<Part<'_>>, embedded: &Embedded) -> Vec<u8> {
    if let Some(exif) = &embedded.exif {
        // Where in the item the block begins (ISO/IEC 23008-12, annex A.2.1).
        let data = [&[0; 4], exif.as_slice()].concat();
        let references = vec![(*b"cdsc", vec![0])];
        let properties = Vec::new();
        parts.push(Part { kind: *b"Exif", hidden: true, data: data.into(), properties, references });
    }
    if let Some(packet) = &embedded.xmp {
        let references = vec![(*b"cdsc", vec![0])];
        let (data, properties) = (packet.clone().into(), Vec::new());
        parts.push(Part { kind: *b"mime", hidden: true, data, properties, references });
    }
    let mark = embedded.mark.map(mark_box).unwrap_or_default();
    let mut out = make(b"ftyp", &[brands]);
    let head = out.len() + meta(&parts, 0).len() + mark.len() + 8;
    out.extend(meta(&parts, head));
    out.extend(mark);
    // Small things first: what shows comes last, so that a file that is cut off lacks it.
    let data: Vec<&[u8]> = parts.iter().rev().map(|part| &*part.data).collect();
    out.extend(make(b"mdat", &data));
    out
}

fn mark_box(mark: Mark) -> Vec<u8> {
    make(b"uuid", &[&MARK, mark.text().as_bytes()])
}

fn meta(parts: &[Part<'_>], data_at: usize) -> Vec<u8> {
    // Handler: pictures, without a name.
    let handler = make_full(b"hdlr", 0, 0, &[&[0; 4], b"pict", &[0; 13]]);
    let primary = make_full(b"pitm", 0, 0, &[&[0, 1]]);
    make_full(
        b"meta",
        0,
        0,
        &[&handler, &primary, &places(parts, data_at), &infos(parts), &references(parts), &properties(parts)],
    )
}

/// The number of a part: its place, from 1.
fn number(place: usize) -> [u8; 2] {
    (place as u16 + 1).to_be_bytes()
}

fn places(parts: &[Part<'_>], data_at: usize) -> Vec<u8> {
    let mut offset = data_at + parts.iter().map(|part| part.data.len()).sum::<usize>();
    // Offsets and lengths of 4 bytes, no base.
    let mut table = vec![0x44, 0];
    table.extend((parts.len() as u16).to_be_bytes());
    for (place, part) in parts.iter().enumerate() {
        offset -= part.data.len();
        table.extend(number(place));
        table.extend([0, 0, 0, 1]);
        table.extend((offset as u32).to_be_bytes());
        table.extend((part.data.len() as u32).to_be_bytes());
    }
    make_full(b"iloc", 0, 0, &[&table])
}

fn infos(parts: &[Part<'_>]) -> Vec<u8> {
    let mut table = (parts.len() as u16).to_be_bytes().to_vec();
    for (place, part) in parts.iter().enumerate() {
        let head = [number(place), [0, 0]].concat();
        // What is of a media type says which (ISO/IEC 14496-12, section 8.11.6).
        let content_type: &[u8] = if &part.kind == b"mime" { b"application/rdf+xml\0" } else { b"" };
        table.extend(make_full(b"infe", 2, part.hidden.into(), &[&head, &part.kind, &[0], content_type]));
    }
    make_full(b"iinf", 0, 0, &[&table])
}

fn references(parts: &[Part<'_>]) -> Vec<u8> {
    let mut table = Vec::new();
    for (place, part) in parts.iter().enumerate() {
        for (kind, to) in &part.references {
            let count = (to.len() as u16).to_be_bytes();
            let to: Vec<u8> = to.iter().flat_map(|place| number(*place)).collect();
            table.extend(make(kind, &[&number(place), &count, &to]));
        }
    }
    if table.is_empty() { table } else { make_full(b"iref", 0, 0, &[&table]) }
}

/// Each property once, however many parts have it.
fn properties(parts: &[Part<'_>]) -> Vec<u8> {
    let mut unique: Vec<&[u8]> = Vec::new();
    let mut table = Vec::new();
    let with_properties = parts.iter().enumerate().filter(|(_, part)| !part.properties.is_empty());
    let mut count = 0_u32;
    for (place, part) in with_properties {
        count += 1;
        table.extend(number(place));
        table.push(part.properties.len() as u8);
        for (property, essential) in &part.properties {
            let known = unique.iter().position(|known| *known == &**property);
            let index = known.unwrap_or_else(|| {
                unique.push(property);
                unique.len() - 1
            });
            table.extend((u16::from(*essential) << 15 | (index as u16 + 1)).to_be_bytes());
        }
    }
    let associations = make_full(b"ipma", 0, 1, &[&count.to_be_bytes(), &table]);
    make(b"iprp", &[&make(b"ipco", &unique), &associations])
}

/// `ispe`: the size.
pub(super) fn size_box(width: u32, height: u32) -> Vec<u8> {
    make_full(b"ispe", 0, 0, &[&width.to_be_bytes(), &height.to_be_bytes()])
}

/// `pixi`: bits a channel.
pub(super) fn depth_box(channels: u8, bits: u8) -> Vec<u8> {
    make_full(b"pixi", 0, 0, &[&[channels], &vec![bits; channels.into()]])
}

/// `auxC`: that it is alpha.
pub(super) fn alpha_box() -> Vec<u8> {
    make_full(b"auxC", 0, 0, &[b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0"])
}

/// `colr`: a profile.
pub(super) fn profile_box(profile: &[u8]) -> Vec<u8> {
    make(b"colr", &[b"prof", profile])
}

/// `colr`: colours by number.
pub(super) fn nclx_box(nclx: Nclx) -> Vec<u8> {
    let numbers = [nclx.primaries, nclx.transfer, nclx.matrix].map(u16::to_be_bytes).concat();
    make(b"colr", &[b"nclx", &numbers, &[u8::from(nclx.full_range) << 7]])
}
