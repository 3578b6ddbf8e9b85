//! The RIFF chunks of a WebP (RFC 9649, section 2).

use super::super::Header;
use crate::metadata::Embedded;
use crate::{Error, Format, Result};

/// The chunk that carries the mark. The format asks readers to pass over chunks that they do not know (section 2.7.1.6).
pub(super) const MARK: &[u8; 4] = b"DMTS";

const FLAG_ICC: u8 = 0x20;
const FLAG_ALPHA: u8 = 0x10;
const FLAG_EXIF: u8 = 0x08;
const FLAG_XMP: u8 = 0x04;
const FLAG_ANIMATION: u8 = 0x02;

/// A chunk, as it lies in the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chunk<'a> {
    /// Its four letters.
    pub kind: [u8; 4],
    /// What is in it, without the padding.
    pub data: &'a [u8],
}

/// The chunks, and what follows the end of the RIFF.
pub(super) struct Riff<'a> {
    rest: &'a [u8],
    /// Bytes after the end.
    pub trailer: &'a [u8],
}

impl<'a> Riff<'a> {
    /// Looks at the frame only. `cut_off` says whether the file may end before its RIFF does.
    pub(super) fn open(bytes: &'a [u8], cut_off: bool) -> Result<Self> {
        let head = bytes.split_first_chunk::<12>();
        let Some(([b'R', b'I', b'F', b'F', size @ .., b'W', b'E', b'B', b'P'], body)) = head else {
            return Err(malformed("it does not begin with RIFF and WEBP"));
        };
        // The size counts the word WEBP too.
        let length = (u32::from_le_bytes(*size) as usize)
            .checked_sub(4)
            .ok_or_else(|| malformed("its size is wrong"))?;
        match body.split_at_checked(length) {
            Some((rest, trailer)) => Ok(Self { rest, trailer }),
            None if cut_off => Ok(Self { rest: body, trailer: &[] }),
            None => Err(malformed("it is cut off")),
        }
    }

    fn read(&mut self) -> Result<Chunk<'a>> {
        let cut_off = || malformed("a chunk is cut off");
        let (head, rest) = self.rest.split_first_chunk::<8>().ok_or_else(cut_off)?;
        let [kind @ .., a, b, c, d] = *head;
        let (data, rest) =
            rest.split_at_checked(u32::from_le_bytes([a, b, c, d]) as usize).ok_or_else(cut_off)?;
        // Some writers leave out the padding of the last chunk.
        self.rest = rest.get(data.len() % 2..).unwrap_or_default();
        Ok(Chunk { kind, data })
    }

    /// Chunks that lie in another one.
    pub(super) fn within(data: &'a [u8]) -> Self {
        Self { rest: data, trailer: &[] }
    }

    /// The next chunk, or as much of it as there is.
    fn next_start(&mut self) -> Option<Chunk<'a>> {
        let (head, rest) = self.rest.split_first_chunk::<8>()?;
        let [kind @ .., a, b, c, d] = *head;
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        self.rest = rest.get(length.saturating_add(length % 2)..).unwrap_or_default();
        Some(Chunk { kind, data: &rest[..length.min(rest.len())] })
    }
}

impl<'a> Iterator for Riff<'a> {
    type Item = Result<Chunk<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let chunk = self.read();
        if chunk.is_err() {
            self.rest = &[];
        }
        Some(chunk)
    }
}

/// Reads the header: `VP8X` if there is one, else the first bytes of the image.
pub(super) fn read_header(bytes: &[u8]) -> Result<Header> {
    let mut riff = Riff::open(bytes, true)?;
    let header = |(width, height), alpha| Header {
        format: Format::Webp,
        width,
        height,
        bits: 8,
        alpha,
        animated: false,
        sequential: false,
    };
    let first = read_start(&mut riff)?;
    let (flags, canvas) = match &first.kind {
        b"VP8X" => parse_extended(first.data)?,
        b"VP8 " => return Ok(header(parse_lossy(first.data)?, false)),
        b"VP8L" => return parse_lossless(first.data).map(|(size, alpha)| header(size, alpha)),
        _ => return Err(malformed("it begins with no image")),
    };
    let extended =
        Header { animated: flags & FLAG_ANIMATION != 0, ..header(canvas, flags & FLAG_ALPHA != 0) };
    if extended.animated {
        return Ok(extended);
    }
    let mut alpha = extended.alpha;
    while let Some(start) = riff.next_start() {
        let size = match &start.kind {
            b"ALPH" => {
                alpha = true;
                continue;
            }
            b"ANIM" | b"ANMF" => return Ok(Header { animated: true, ..extended }),
            b"VP8 " => parse_lossy(start.data)?,
            b"VP8L" => {
                let (size, has_alpha) = parse_lossless(start.data)?;
                alpha |= has_alpha;
                size
            }
            _ => continue,
        };
        if size != canvas {
            return Err(malformed("the image and its canvas have different sizes"));
        }
        return Ok(Header { alpha, ..extended });
    }
    Err(malformed("there is no image in it"))
}

fn read_start<'a>(riff: &mut Riff<'a>) -> Result<Chunk<'a>> {
    riff.next_start().ok_or_else(|| malformed("there is no image in it"))
}

/// Flags, and the canvas (section 2.7).
fn parse_extended(data: &[u8]) -> Result<(u8, (u32, u32))> {
    match *data {
        [flags, _, _, _, w0, w1, w2, h0, h1, h2, ..] => {
            Ok((flags, (u32::from_le_bytes([w0, w1, w2, 0]) + 1, u32::from_le_bytes([h0, h1, h2, 0]) + 1)))
        }
        _ => Err(malformed("its header is cut off")),
    }
}

/// The size in a VP8 frame's header (RFC 6386, section 9.1).
fn parse_lossy(data: &[u8]) -> Result<(u32, u32)> {
    match *data {
        [_, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1, ..] => {
            let side = |bytes| u32::from(u16::from_le_bytes(bytes) & 0x3fff);
            let (width, height) = (side([w0, w1]), side([h0, h1]));
            if width == 0 || height == 0 { Err(malformed("a side is 0")) } else { Ok((width, height)) }
        }
        _ => Err(malformed("its VP8 frame has no header")),
    }
}

/// The size in a VP8L header, and whether alpha is used (RFC 9649, section 3.4).
fn parse_lossless(data: &[u8]) -> Result<((u32, u32), bool)> {
    match *data {
        [0x2f, a, b, c, d, ..] => {
            let bits = u32::from_le_bytes([a, b, c, d]);
            Ok((((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1), bits >> 28 & 1 == 1))
        }
        _ => Err(malformed("its VP8L image has no header")),
    }
}

/// Rewrites the file with `keep` in place of its metadata. Image, alpha and animation stay as they are; EXIF, XMP,
/// whatever is unknown, and bytes after the end go.
pub(super) fn strip(bytes: &[u8], keep: &Embedded) -> Result<Vec<u8>> {
    let header = read_header(bytes)?;
    let mut coded = Vec::new();
    for chunk in Riff::open(bytes, false)? {
        let chunk = chunk?;
        if matches!(&chunk.kind, b"VP8 " | b"VP8L" | b"ALPH" | b"ANIM" | b"ANMF") {
            coded.push(chunk);
        }
    }
    Ok(assemble(&header, &coded, keep))
}

/// Puts `embedded` around the image chunks of a whole WebP without metadata.
pub(super) fn embed(bare: &[u8], embedded: &Embedded) -> Result<Vec<u8>> {
    strip(bare, embedded)
}

/// Writes a simple file where that is enough, else an extended one: header, profile, image, EXIF, XMP, mark.
pub(super) fn assemble(header: &Header, coded: &[Chunk<'_>], embedded: &Embedded) -> Vec<u8> {
    let mut out = b"RIFF\0\0\0\0WEBP".to_vec();
    // Without a profile, colours are sRGB (section 2.7.1.4).
    let profile = embedded.icc.as_ref().filter(|_| !embedded.icc_is_srgb);
    let has_more =
        profile.is_some() || embedded.exif.is_some() || embedded.xmp.is_some() || embedded.mark.is_some();
    if !is_told_by_image(header, coded) || has_more {
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        let flags = flag(header.animated, FLAG_ANIMATION)
            | flag(header.alpha, FLAG_ALPHA)
            | flag(profile.is_some(), FLAG_ICC)
            | flag(embedded.exif.is_some(), FLAG_EXIF)
            | flag(embedded.xmp.is_some(), FLAG_XMP);
        let [[w0, w1, w2, _], [h0, h1, h2, _]] = [header.width - 1, header.height - 1].map(u32::to_le_bytes);
        write_chunk(&mut out, *b"VP8X", &[flags, 0, 0, 0, w0, w1, w2, h0, h1, h2]);
    }
    if let Some(profile) = profile {
        write_chunk(&mut out, *b"ICCP", profile);
    }
    for chunk in coded {
        write_chunk(&mut out, chunk.kind, chunk.data);
    }
    if let Some(exif) = &embedded.exif {
        write_chunk(&mut out, *b"EXIF", exif);
    }
    if let Some(packet) = &embedded.xmp {
        write_chunk(&mut out, *b"XMP ", packet);
    }
    if let Some(mark) = embedded.mark {
        write_chunk(&mut out, *MARK, mark.text().as_bytes());
    }
    let size = (out.len() - 8) as u32;
    out[4..8].copy_from_slice(&size.to_le_bytes());
    out
}

/// A file of this size around the image chunks of a frame, and whether it may have pixels that are not opaque.
///
/// # Errors
/// `Malformed` if there is no image, or its size is another.
pub(super) fn frame_file(chunks: &[Chunk<'_>], width: u32, height: u32) -> Result<Vec<u8>> {
    let mut alpha = chunks.iter().any(|chunk| &chunk.kind == b"ALPH");
    let image = chunks.iter().find(|chunk| matches!(&chunk.kind, b"VP8 " | b"VP8L"));
    let image = image.ok_or_else(|| malformed("a frame has no image"))?;
    let size = match &image.kind {
        b"VP8 " => parse_lossy(image.data)?,
        _ => {
            let (size, has_alpha) = parse_lossless(image.data)?;
            alpha = has_alpha;
            size
        }
    };
    if size != (width, height) {
        return Err(malformed("a frame and its image have different sizes"));
    }
    let coded: Vec<_> = chunks.iter().filter(|chunk| is_coded(&chunk.kind)).copied().collect();
    let header =
        Header { format: Format::Webp, width, height, bits: 8, alpha, animated: false, sequential: false };
    Ok(assemble(&header, &coded, &Embedded::default()))
}

/// Whether a chunk holds pixels of one picture.
pub(super) fn is_coded(kind: &[u8; 4]) -> bool {
    matches!(kind, b"VP8 " | b"VP8L" | b"ALPH")
}

/// Whether a reader learns the header from the image chunks alone. A file may say that an opaque image has alpha, and the
/// alpha bit of VP8L is a hint (RFC 9649, section 3.4): what the file says is kept, right or wrong.
fn is_told_by_image(header: &Header, coded: &[Chunk<'_>]) -> bool {
    let has_alpha_chunk = coded.iter().any(|chunk| &chunk.kind == b"ALPH");
    let told_alpha = coded.first().is_some_and(|chunk| {
        &chunk.kind == b"VP8L" && parse_lossless(chunk.data).is_ok_and(|(_, alpha)| alpha)
    });
    !header.animated && !has_alpha_chunk && header.alpha == told_alpha
}

/// Appends a chunk, padded to an even length.
pub(super) fn write_chunk(out: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    out.extend_from_slice(&kind);
    out.extend_from_slice(&(data.len() as u32).to_le_bytes());
    out.extend_from_slice(data);
    if data.len() % 2 == 1 {
        out.push(0);
    }
}

pub(super) fn malformed(detail: impl ToString) -> Error {
    Error::malformed(Format::Webp, detail)
}
