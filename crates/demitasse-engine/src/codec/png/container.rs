//! The chunks of a PNG.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::super::Header;
use super::metadata::XMP_KEYWORD;
use crate::metadata::Embedded;
use crate::{Error, Format, Result};

pub(super) const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Length, type and checksum around a chunk's data.
const OVERHEAD: usize = 12;

/// The largest number in a PNG, and with it the longest chunk and side (section 7.1).
const LARGEST: u32 = 0x7fff_ffff;

/// The keyword of the text chunk that carries the mark.
pub(super) const MARK_KEYWORD: &[u8] = b"demitasse";

/// A chunk, as it lies in the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chunk<'a> {
    /// Its four letters.
    pub kind: [u8; 4],
    /// What is in it.
    pub data: &'a [u8],
    /// All of it: length, type, data and checksum.
    pub whole: &'a [u8],
}

impl Chunk<'_> {
    /// Whether the checksum fits.
    pub(super) fn is_intact(&self) -> bool {
        let stored = self.whole.last_chunk().map(|sum| u32::from_be_bytes(*sum));
        stored == Some(checksum(self.kind, self.data))
    }
}

/// Walks the chunks of `bytes`; the last is `IEND`. One error ends the walk: no signature, a chunk that reaches beyond
/// the file, or no `IEND`. Checksums are not looked at.
pub(super) struct Chunks<'a> {
    rest: &'a [u8],
    done: bool,
}

impl<'a> Chunks<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self> {
        let rest = bytes.strip_prefix(SIGNATURE).ok_or_else(|| malformed("it has no signature"))?;
        Ok(Self { rest, done: false })
    }

    /// What follows the last chunk that was read.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    fn read(&mut self) -> Result<Chunk<'a>> {
        let cut_off = || malformed("it is cut off");
        let length = u32::from_be_bytes(*self.rest.first_chunk().ok_or_else(cut_off)?);
        if length > LARGEST {
            return Err(malformed("a chunk is longer than the format allows"));
        }
        let (whole, rest) = self.rest.split_at_checked(length as usize + OVERHEAD).ok_or_else(cut_off)?;
        let (kind, data) = whole[4..whole.len() - 4].split_first_chunk().ok_or_else(cut_off)?;
        self.rest = rest;
        Ok(Chunk { kind: *kind, data, whole })
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Result<Chunk<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let chunk = self.read();
        self.done = chunk.as_ref().map_or(true, |chunk| &chunk.kind == b"IEND");
        Some(chunk)
    }
}

/// Reads the header: `IHDR`, and the chunks up to the pixels for `tRNS` and `acTL`.
pub(super) fn read_header(bytes: &[u8]) -> Result<Header> {
    let mut chunks = Chunks::new(bytes)?;
    let first = chunks.next().ok_or_else(|| malformed("it is empty"))??;
    if &first.kind == b"CgBI" {
        return Err(Error::Unsupported(
            "this is Apple's variety of PNG (CgBI), which browsers do not show either".into(),
        ));
    }
    let mut header = parse_ihdr(&first)?;
    for chunk in chunks {
        match &chunk?.kind {
            b"IDAT" => break,
            b"tRNS" => header.alpha = true,
            b"acTL" => header.animated = true,
            b"IEND" => return Err(malformed("there are no pixels in it")),
            _ => {}
        }
    }
    Ok(header)
}

fn parse_ihdr(chunk: &Chunk<'_>) -> Result<Header> {
    let data: &[u8; 13] = match chunk.data.try_into() {
        Ok(data) if &chunk.kind == b"IHDR" => data,
        _ => return Err(malformed("it does not begin with its header")),
    };
    let [width, height] = [[data[0], data[1], data[2], data[3]], [data[4], data[5], data[6], data[7]]];
    let (width, height) = (u32::from_be_bytes(width), u32::from_be_bytes(height));
    let (depth, color) = (data[8], data[9]);
    // Table 11.1 of the specification.
    let allowed = match color {
        0 => matches!(depth, 1 | 2 | 4 | 8 | 16),
        3 => matches!(depth, 1 | 2 | 4 | 8),
        2 | 4 | 6 => matches!(depth, 8 | 16),
        _ => false,
    };
    if !allowed || width == 0 || height == 0 || width > LARGEST || height > LARGEST {
        return Err(malformed(format!("{width} x {height}, {depth} bits of colour type {color} cannot be")));
    }
    let bits = if depth == 16 { 16 } else { 8 };
    Ok(Header {
        format: Format::Png,
        width,
        height,
        bits,
        alpha: matches!(color, 4 | 6),
        animated: false,
        sequential: false,
    })
}

/// Rewrites the file with `keep` in place of its metadata.
///
/// Pixels, animation, colour and how to place the image (`pHYs`, `bKGD`, `sBIT`) stay as they are; text, time, EXIF,
/// whatever is unknown, and bytes after the end go. A profile in `keep` replaces the one in the file, and so does none.
pub(super) fn strip(bytes: &[u8], keep: &Embedded) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len());
    out.extend_from_slice(SIGNATURE);
    let colors = Colors::of(bytes, keep.icc.is_some());
    for chunk in Chunks::new(bytes)? {
        let chunk = chunk?;
        match &chunk.kind {
            // Critical chunks, whose first letter is a capital, cannot be missing.
            [b'A'..=b'Z', ..] | b"tRNS" | b"acTL" | b"fcTL" | b"fdAT" | b"pHYs" | b"bKGD" | b"sBIT" => {
                out.extend_from_slice(chunk.whole);
            }
            kind if colors.keep(kind) => out.extend_from_slice(chunk.whole),
            _ => {}
        }
        if &chunk.kind == b"IHDR" {
            write_embedded(&mut out, keep);
        }
    }
    Ok(out)
}

/// The chunks of a PNG that say which colours its numbers are, other than its profile; with a profile, the ones that
/// stand above it. Nothing from what is no PNG.
pub(super) fn color_chunks(bytes: &[u8], embedded: &Embedded) -> Vec<u8> {
    if embedded.icc.is_none() && embedded.icc_is_srgb {
        // The pixels were converted: what the file said of its own is not true of them.
        return Vec::new();
    }
    let colors = Colors::of(bytes, embedded.icc.is_some());
    before_pixels(bytes)
        .filter(|chunk| colors.keep(&chunk.kind))
        .flat_map(|chunk| chunk.whole)
        .copied()
        .collect()
}

/// Up to the first that is broken.
fn before_pixels(bytes: &[u8]) -> impl Iterator<Item = Chunk<'_>> {
    let chunks = Chunks::new(bytes).into_iter().flatten().map_while(Result::ok);
    chunks.take_while(|chunk| &chunk.kind != b"IDAT")
}

/// Which chunks that describe colours are kept.
struct Colors {
    with_profile: bool,
    /// Whether `gAMA` and `cHRM` say together what is assumed without them.
    are_srgb: bool,
}

impl Colors {
    fn of(bytes: &[u8], with_profile: bool) -> Self {
        let mut chunks = before_pixels(bytes).filter(|chunk| matches!(&chunk.kind, b"gAMA" | b"cHRM"));
        Self { with_profile, are_srgb: chunks.all(|chunk| is_srgb(&chunk)) }
    }

    /// Section 4.3: `cICP` stands above `iCCP`, which stands above `sRGB`, which stands above `gAMA` and `cHRM`.
    fn keep(&self, kind: &[u8; 4]) -> bool {
        match kind {
            b"cICP" | b"mDCV" | b"cLLI" => true,
            b"sRGB" => !self.with_profile,
            b"gAMA" | b"cHRM" => !self.with_profile && !self.are_srgb,
            _ => false,
        }
    }
}

/// Whether a colour chunk says what is assumed without it. The numbers are those that the specification gives for sRGB
/// (section 11.3.2), with room for rounding; cICP 1, 13, 0, 1 is sRGB in full range (ITU-T H.273).
pub(super) fn is_srgb(chunk: &Chunk<'_>) -> bool {
    let near = |expected: &[u32], slack: u32| {
        chunk.data.len() == expected.len() * 4
            && chunk
                .data
                .as_chunks()
                .0
                .iter()
                .zip(expected)
                .all(|(found, expected)| u32::from_be_bytes(*found).abs_diff(*expected) <= slack)
    };
    match &chunk.kind {
        b"gAMA" => near(&[45_455], 500),
        b"cHRM" => near(&[31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000], 200),
        _ => chunk.data == [1, 13, 0, 1],
    }
}

/// Puts `color` (whole chunks) and `embedded` into a PNG that has neither.
pub(super) fn assemble(bare: &[u8], color: &[u8], embedded: &Embedded) -> Result<Vec<u8>> {
    let mut chunks = Chunks::new(bare)?;
    let header = chunks.next().ok_or_else(|| malformed("it is empty"))??;
    let mut out = Vec::with_capacity(bare.len() + color.len() + 4096);
    out.extend_from_slice(SIGNATURE);
    out.extend_from_slice(header.whole);
    out.extend_from_slice(color);
    write_embedded(&mut out, embedded);
    out.extend_from_slice(chunks.rest());
    Ok(out)
}

fn write_embedded(out: &mut Vec<u8>, embedded: &Embedded) {
    if embedded.icc_is_srgb {
        // Intent: perceptual (section 11.3.2.5).
        write_chunk(out, *b"sRGB", &[0]);
    } else if let Some(profile) = &embedded.icc {
        // A keyword, the end of it, method 0 (section 11.3.2.3).
        write_chunk(out, *b"iCCP", &[b"icc\0\0".as_slice(), &compress(profile)].concat());
    }
    if let Some(exif) = &embedded.exif {
        write_chunk(out, *b"eXIf", exif);
    }
    if let Some(packet) = &embedded.xmp {
        // Not compressed, method 0, no language, no translated keyword (section 11.3.3.4): readers look for it as it is.
        write_chunk(out, *b"iTXt", &[XMP_KEYWORD, &[0; 5], packet].concat());
    }
    if let Some(modified) = &embedded.modified {
        write_chunk(out, *b"tIME", modified);
    }
    for comment in &embedded.comments {
        let (keyword, text) = (comment.keyword.as_bytes(), comment.text.as_bytes());
        write_chunk(out, *b"iTXt", &[keyword, &[0; 5], text].concat());
    }
    if let Some(mark) = embedded.mark {
        write_chunk(out, *b"tEXt", &[MARK_KEYWORD, b"\0", mark.text().as_bytes()].concat());
    }
}

fn compress(data: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    // Writing to memory cannot fail; were it to, the chunk would be empty and readers would pass over it.
    encoder.write_all(data).and_then(|()| encoder.finish()).unwrap_or_default()
}

/// Appends a chunk.
pub(super) fn write_chunk(out: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    out.extend_from_slice(&(data.len() as u32).to_be_bytes());
    out.extend_from_slice(&kind);
    out.extend_from_slice(data);
    out.extend_from_slice(&checksum(kind, data).to_be_bytes());
}

fn checksum(kind: [u8; 4], data: &[u8]) -> u32 {
    let mut sum = flate2::Crc::new();
    sum.update(&kind);
    sum.update(data);
    sum.sum()
}

pub(super) fn malformed(detail: impl ToString) -> Error {
    Error::malformed(Format::Png, detail)
}
