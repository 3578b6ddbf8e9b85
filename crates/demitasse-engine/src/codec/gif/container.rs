//! The blocks of a GIF (GIF89a specification, 1990).

use super::super::Header;
use crate::metadata::{Kind, Mark, Metadata, add_item, xmp};
use crate::{Error, Format, Result};

pub(super) const GRAPHIC_CONTROL: u8 = 0xf9;
const COMMENT: u8 = 0xfe;
const PLAIN_TEXT: u8 = 0x01;
const APPLICATION: u8 = 0xff;

/// The application extensions that say how often an animation is played.
const LOOPS: [&[u8]; 2] = [b"NETSCAPE2.0", b"ANIMEXTS1.0"];
const XMP: &[u8] = b"XMP DataXMP";
/// The application extension that carries the mark.
pub(super) const MARK: &[u8; 11] = b"DEMITASSE10";

/// XMP does not lie in sub-blocks: 257 bytes after it lead a reader of sub-blocks to its end (XMP part 3, 1.1.2).
const XMP_TAIL: usize = 257;

/// What a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BlockKind {
    /// An extension with this label.
    Extension(u8),
    /// A frame: left, top, width, height.
    Frame([u16; 4]),
    /// The end.
    Trailer,
}

/// A block, as it lies in the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block<'a> {
    pub kind: BlockKind,
    /// What follows the label of an extension, or all of a frame after its separator.
    pub data: &'a [u8],
    pub whole: &'a [u8],
}

impl Block<'_> {
    /// The eleven letters of an application extension.
    fn application(&self) -> Option<&[u8]> {
        match (self.kind, self.data) {
            (BlockKind::Extension(APPLICATION), [11, rest @ ..]) => rest.get(..11),
            _ => None,
        }
    }

    /// How often an animation is repeated, where this block says so; 0 is for ever.
    pub(super) fn loops(&self) -> Option<u16> {
        let name = self.application().filter(|name| LOOPS.contains(name))?;
        match *self.data.get(1 + name.len()..)? {
            [3, 1, low, high, ..] => Some(u16::from_le_bytes([low, high])),
            _ => None,
        }
    }

    /// The mark, where this block carries it.
    fn mark(&self) -> Option<Mark> {
        let name = self.application().filter(|name| *name == MARK)?;
        let (length, rest) = self.data.get(1 + name.len()..)?.split_first()?;
        Mark::parse(rest.get(..usize::from(*length))?)
    }

    /// What it is beside pixels; `None` if they need it, or it is our mark.
    fn metadata_kind(&self) -> Option<Kind> {
        match self.kind {
            BlockKind::Frame(_) | BlockKind::Trailer | BlockKind::Extension(GRAPHIC_CONTROL) => None,
            BlockKind::Extension(COMMENT | PLAIN_TEXT) => Some(Kind::Comment),
            BlockKind::Extension(_) => match self.application() {
                Some(XMP) => Some(Kind::Xmp),
                Some(name) if LOOPS.contains(&name) || name == MARK => None,
                _ => Some(Kind::Other),
            },
        }
    }
}

/// Walks the blocks of `bytes`; the last is the trailer. One error ends the walk.
pub(super) struct Blocks<'a> {
    /// Signature, logical screen and its palette.
    pub head: &'a [u8],
    /// Width and height of the canvas.
    pub canvas: [u16; 2],
    rest: &'a [u8],
    done: bool,
}

impl<'a> Blocks<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self> {
        let (screen, _) = bytes.split_first_chunk::<13>().ok_or_else(cut_off)?;
        if !matches!(screen[..6], [b'G', b'I', b'F', b'8', b'7' | b'9', b'a']) {
            return Err(malformed("it has no signature"));
        }
        let (head, rest) = bytes.split_at_checked(13 + palette_bytes(screen[10])).ok_or_else(cut_off)?;
        let canvas = [u16::from_le_bytes([screen[6], screen[7]]), u16::from_le_bytes([screen[8], screen[9]])];
        if canvas.contains(&0) {
            return Err(malformed("its canvas is empty"));
        }
        Ok(Self { head, canvas, rest, done: false })
    }

    /// What follows the last block that was read.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    fn read(&mut self) -> Result<Block<'a>> {
        let (kind, start, body) = match *self.rest {
            [0x3b, ..] => (BlockKind::Trailer, 1, 1),
            [0x21, label, ..] => (BlockKind::Extension(label), 2, 2),
            [0x2c, a, b, c, d, e, f, g, h, packed, ..] => {
                let sides = [[a, b], [c, d], [e, f], [g, h]].map(u16::from_le_bytes);
                // Palette, and the size of the first code.
                (BlockKind::Frame(sides), 1, 10 + palette_bytes(packed) + 1)
            }
            [] | [0x21] | [0x2c, ..] => return Err(cut_off()),
            [other, ..] => return Err(malformed(format!("there is no block of kind {other:#04x}"))),
        };
        let end = if kind == BlockKind::Trailer { body } else { self.end_of_sub_blocks(body)? };
        let (whole, rest) = self.rest.split_at_checked(end).ok_or_else(cut_off)?;
        self.rest = rest;
        Ok(Block { kind, data: &whole[start..], whole })
    }

    fn end_of_sub_blocks(&self, start: usize) -> Result<usize> {
        let mut end = start;
        loop {
            let length = usize::from(*self.rest.get(end).ok_or_else(cut_off)?);
            end += 1 + length;
            if length == 0 {
                return Ok(end);
            }
        }
    }
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Result<Block<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let block = self.read();
        self.done = block.as_ref().map_or(true, |block| block.kind == BlockKind::Trailer);
        Some(block)
    }
}

fn palette_bytes(packed: u8) -> usize {
    if packed & 0x80 == 0 { 0 } else { 3 << ((packed & 7) + 1) }
}

/// Reads the header: the canvas, and the blocks up to a second frame.
pub(super) fn read_header(bytes: &[u8]) -> Result<Header> {
    let blocks = Blocks::new(bytes)?;
    let [width, height] = blocks.canvas;
    let mut alpha = false;
    let mut frames = 0;
    for block in blocks.map_while(Result::ok) {
        match block.kind {
            BlockKind::Extension(GRAPHIC_CONTROL) => {
                alpha |= block.data.get(1).is_some_and(|packed| packed & 1 == 1)
            }
            BlockKind::Frame(sides) => {
                frames += 1;
                alpha |= !covers(sides, [width, height]);
            }
            _ => {}
        }
        if frames == 2 {
            break;
        }
    }
    let (width, height) = (width.into(), height.into());
    Ok(Header { format: Format::Gif, width, height, bits: 8, alpha, animated: frames > 1, sequential: false })
}

fn covers([left, top, width, height]: [u16; 4], canvas: [u16; 2]) -> bool {
    left == 0 && top == 0 && width >= canvas[0] && height >= canvas[1]
}

/// Reads what it carries beside pixels.
pub(super) fn read_metadata(bytes: &[u8]) -> Result<Metadata> {
    let mut metadata = Metadata::default();
    let mut blocks = Blocks::new(bytes)?;
    for block in blocks.by_ref() {
        let block = block?;
        metadata.mark = metadata.mark.or_else(|| block.mark());
        let Some(kind) = block.metadata_kind() else { continue };
        if kind == Kind::Xmp {
            let packet = block.data.get(12..block.data.len().saturating_sub(XMP_TAIL + 1));
            metadata.rights = xmp::read_rights(packet.unwrap_or_default());
        }
        add_item(&mut metadata.items, kind, block.whole.len() as u64);
    }
    add_item(&mut metadata.items, Kind::Trailer, blocks.rest().len() as u64);
    metadata.list_rights();
    Ok(metadata)
}

/// Drops comments, text, and every application extension but the ones that say how often to play.
pub(super) fn strip(bytes: &[u8]) -> Result<Vec<u8>> {
    let blocks = Blocks::new(bytes)?;
    let mut out = Vec::with_capacity(bytes.len());
    out.extend_from_slice(blocks.head);
    for block in blocks {
        let block = block?;
        if block.metadata_kind().is_none() {
            out.extend_from_slice(block.whole);
        }
    }
    Ok(out)
}

fn cut_off() -> Error {
    malformed("it is cut off")
}

pub(super) fn malformed(detail: impl ToString) -> Error {
    Error::malformed(Format::Gif, detail)
}
