//! Boxes of the ISO base media file format (ISO/IEC 14496-12, section 4.2), read and written.

use crate::{Error, Format, Result};

/// A box, as it lies in the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct BmffBox<'a> {
    /// Its four letters.
    pub kind: [u8; 4],
    /// What is in it.
    pub data: &'a [u8],
    /// All of it, with its header.
    pub whole: &'a [u8],
}

/// Walks the boxes of a file or of a box. One error ends the walk: a box that reaches beyond the end.
pub(super) struct Boxes<'a> {
    rest: &'a [u8],
    /// Only at the top may a box be open to the end.
    is_file: bool,
}

impl<'a> Boxes<'a> {
    /// Of a file.
    pub(super) fn of_file(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, is_file: true }
    }

    /// Of a box.
    pub(super) fn inside(data: &'a [u8]) -> Self {
        Self { rest: data, is_file: false }
    }

    /// What follows the last box that was read; after an error, the box that could not be.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    fn read(&mut self) -> Result<BmffBox<'a>> {
        let mut fields = Fields(self.rest);
        let (short, kind) = (fields.u32()?, fields.letters()?);
        let length = match short {
            0 if self.is_file => self.rest.len() as u64,
            1 => fields.uint(8)?,
            short => short.into(),
        };
        let head = self.rest.len() - fields.0.len();
        let whole = usize::try_from(length).ok().and_then(|length| self.rest.get(..length));
        let whole = whole.ok_or_else(|| malformed(format!("the box {} is cut off", kind.escape_ascii())))?;
        let data = whole.get(head..).ok_or_else(|| malformed("a box is shorter than its header"))?;
        self.rest = &self.rest[whole.len()..];
        Ok(BmffBox { kind, data, whole })
    }
}

impl<'a> Iterator for Boxes<'a> {
    type Item = Result<BmffBox<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let found = self.read();
        if found.is_err() {
            // The rest stays to be looked at, and the walk is over.
            let broken = std::mem::take(&mut self.rest);
            return Some(found.inspect_err(|_| self.rest = broken));
        }
        Some(found)
    }
}

/// Numbers and texts in their order, big-endian.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    /// Version and flags of a full box, and what follows them.
    pub(super) fn of_full(data: &'a [u8]) -> Result<(u8, u32, Self)> {
        let mut fields = Self(data);
        let head = fields.u32()?;
        Ok(((head >> 24) as u8, head & 0xff_ffff, fields))
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(|| malformed("a box is too short"))?;
        self.0 = rest;
        Ok(taken)
    }

    /// A number of 0 to 8 bytes; 0 has none.
    pub(super) fn uint(&mut self, bytes: usize) -> Result<u64> {
        Ok(self.take(bytes)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    pub(super) fn u8(&mut self) -> Result<u8> {
        Ok(self.uint(1)? as u8)
    }

    pub(super) fn u16(&mut self) -> Result<u16> {
        Ok(self.uint(2)? as u16)
    }

    pub(super) fn u32(&mut self) -> Result<u32> {
        Ok(self.uint(4)? as u32)
    }

    pub(super) fn letters(&mut self) -> Result<[u8; 4]> {
        Ok(self.u32()?.to_be_bytes())
    }

    /// A text up to its NUL, or to the end where that is missing.
    pub(super) fn text(&mut self) -> &'a [u8] {
        let end = self.0.iter().position(|byte| *byte == 0).unwrap_or(self.0.len());
        let text = &self.0[..end];
        self.0 = self.0.get(end + 1..).unwrap_or_default();
        text
    }
}

/// A box around `parts`.
pub(super) fn make(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let length = 8 + parts.iter().map(|part| part.len()).sum::<usize>();
    let mut out = Vec::with_capacity(length);
    out.extend((length as u32).to_be_bytes());
    out.extend(kind);
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out
}

/// A full box around `parts`.
pub(super) fn make_full(kind: &[u8; 4], version: u8, flags: u32, parts: &[&[u8]]) -> Vec<u8> {
    let head = (u32::from(version) << 24 | flags).to_be_bytes();
    let all: Vec<&[u8]> = std::iter::once(head.as_slice()).chain(parts.iter().copied()).collect();
    make(kind, &all)
}

pub(super) fn malformed(detail: impl ToString) -> Error {
    Error::malformed(Format::Avif, detail)
}

pub(super) fn unsupported(what: &str) -> Error {
    Error::Unsupported(format!("this AVIF has {what}, which is not supported"))
}
