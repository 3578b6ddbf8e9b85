//! The walk over a JPEG's markers: no length is trusted, no byte is looked at twice.
//!
//! Source: ITU-T T.81 annex B. Where libjpeg is tolerant (bytes between segments, fill bytes) so is the walk, so that
//! both see the same file.

use crate::{Error, Format, Result};

pub(super) const SOI: u8 = 0xD8;
pub(super) const EOI: u8 = 0xD9;
pub(super) const SOS: u8 = 0xDA;
pub(super) const APP0: u8 = 0xE0;
pub(super) const APP1: u8 = 0xE1;
pub(super) const APP2: u8 = 0xE2;
pub(super) const APP13: u8 = 0xED;
pub(super) const APP14: u8 = 0xEE;
pub(super) const APP15: u8 = 0xEF;
pub(super) const COM: u8 = 0xFE;
const TEM: u8 = 0x01;
const RST0: u8 = 0xD0;
const RST7: u8 = 0xD7;
const SOF0: u8 = 0xC0;

/// Longest payload of a segment: its length counts itself, in 16 bits.
pub(super) const MAX_PAYLOAD: usize = 65_533;

/// Segments of one image. A profile takes 255 at most, what cameras write some dozens, scans some hundreds; each is looked at several
/// times.
const MAX_SEGMENTS: u64 = 16_384;

/// A segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment<'a> {
    /// The byte after 0xFF.
    pub code: u8,
    /// Where in the file its 0xFF is.
    pub start: usize,
    /// What follows the length; of a scan, its header.
    pub payload: &'a [u8],
    /// Everything from the 0xFF on; of a scan, with the entropy-coded data behind it.
    pub whole: &'a [u8],
}

impl Segment<'_> {
    /// Whether it begins a frame: a SOF of any kind.
    pub(super) fn is_frame(&self) -> bool {
        // 0xC4, 0xC8 and 0xCC are Huffman tables, a reserved code and arithmetic conditioning.
        (SOF0..=0xCF).contains(&self.code) && !matches!(self.code, 0xC4 | 0xC8 | 0xCC)
    }

    /// Whether it belongs to an application, or is a comment: not needed for decoding, but for JFIF and Adobe.
    pub(super) fn is_application(&self) -> bool {
        (APP0..=APP15).contains(&self.code) || self.code == COM
    }
}

/// The segments of a file, without SOI and EOI, to the end of its first image.
pub(super) struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    end: Option<usize>,
    done: bool,
    segments: u64,
}

impl<'a> Walk<'a> {
    /// # Errors
    /// `Malformed` without a SOI.
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self> {
        if !bytes.starts_with(&[0xFF, SOI]) {
            return Err(malformed("it does not begin with a SOI marker"));
        }
        Ok(Self { bytes, at: 2, end: None, done: false, segments: 0 })
    }

    /// After the walk: where the image ends, behind its EOI; `None` if there is none.
    pub(super) fn end(&self) -> Option<usize> {
        self.end
    }

    fn step(&mut self) -> Result<Option<Segment<'a>>> {
        while let Some(start) = marker_from(self.bytes, self.at) {
            let code = self.bytes[start + 1];
            let after = start + 2;
            match code {
                EOI => {
                    self.end = Some(after);
                    return Ok(None);
                }
                SOI => return Err(malformed("it has a second SOI marker within the image")),
                RST0..=RST7 | TEM => self.at = after,
                0x02..=0xBF | 0xF0..=0xFD => {
                    return Err(malformed(format_args!("it has an unknown marker 0x{code:02X}")));
                }
                _ => return self.segment(start, code).map(Some),
            }
        }
        Ok(None)
    }

    fn segment(&mut self, start: usize, code: u8) -> Result<Segment<'a>> {
        self.segments += 1;
        if self.segments > MAX_SEGMENTS {
            let (actual, allowed) = (self.segments, MAX_SEGMENTS);
            return Err(Error::LimitExceeded { limit: "segments", actual, allowed });
        }
        let cut = || malformed("it ends within its markers");
        let (length, _) = self.bytes[start + 2..].split_first_chunk::<2>().ok_or_else(cut)?;
        let length = usize::from(u16::from_be_bytes(*length));
        if length < 2 {
            return Err(malformed(format_args!("the marker 0x{code:02X} has an impossible length")));
        }
        let mut end = start + 2 + length;
        let payload = self.bytes.get(start + 4..end).ok_or_else(cut)?;
        if code == SOS {
            end = entropy_end(self.bytes, end);
        }
        self.at = end;
        Ok(Segment { code, start, payload, whole: &self.bytes[start..end] })
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Result<Segment<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let step = self.step().transpose();
        self.done = !matches!(step, Some(Ok(_)));
        step
    }
}

/// Where the next marker's last 0xFF is; bytes before it, fill bytes and stuffed zeros are passed over.
fn marker_from(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += first_ff(bytes.get(at..)?)?;
        match bytes.get(at + 1)? {
            0x00 => at += 2,
            0xFF => at += 1,
            _ => return Some(at),
        }
    }
}

/// Where the first 0xFF is; eight bytes are looked at in one step, because most of a file is passed over several times.
fn first_ff(bytes: &[u8]) -> Option<usize> {
    let (words, _) = bytes.as_chunks::<8>();
    let has_none = |word: &[u8; 8]| {
        let word = u64::from_ne_bytes(*word);
        (!word).wrapping_sub(0x0101_0101_0101_0101) & word & 0x8080_8080_8080_8080 == 0
    };
    let passed = 8 * words.iter().position(|word| !has_none(word)).unwrap_or(words.len());
    bytes[passed..].iter().position(|byte| *byte == 0xFF).map(|at| passed + at)
}

/// Where entropy-coded data that begins at `at` ends: at a marker that is no restart, or with the file.
fn entropy_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(start) = marker_from(bytes, at) {
        if !(RST0..=RST7).contains(&bytes[start + 1]) {
            return start;
        }
        at = start + 2;
    }
    bytes.len()
}

pub(super) fn malformed(detail: impl ToString) -> Error {
    Error::malformed(Format::Jpeg, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(bytes: &[u8]) -> Result<Vec<u8>> {
        Walk::new(bytes)?.map(|segment| segment.map(|segment| segment.code)).collect()
    }

    #[test]
    fn segments_are_found_between_fill_and_stray_bytes() {
        let bytes =
            b"\xFF\xD8\xFF\xFF\xE0\0\x03ax\xFF\xD0\xFF\xDA\0\x02ab\xFF\0c\xFF\xD1d\xFF\xFE\0\x02\xFF\xD9tail";
        let mut walk = Walk::new(bytes).unwrap();
        let segments: Vec<_> = walk.by_ref().map(Result::unwrap).collect();
        assert_eq!(segments.iter().map(|segment| segment.code).collect::<Vec<_>>(), [APP0, SOS, COM]);
        assert_eq!(segments[0].payload, b"a");
        assert_eq!(segments[1].whole, b"\xFF\xDA\0\x02ab\xFF\0c\xFF\xD1d");
        assert_eq!(walk.end(), Some(bytes.len() - 4));
    }

    #[test]
    fn what_breaks_the_rules_is_malformed() {
        for bytes in [
            &b""[..],
            b"\xFF\xD9",
            b"\xFF\xD8\xFF\xE0",
            b"\xFF\xD8\xFF\xE0\0",
            b"\xFF\xD8\xFF\xE0\0\x01",
            b"\xFF\xD8\xFF\xE0\0\x09abc",
            b"\xFF\xD8\xFF\x7F\0\x02",
            b"\xFF\xD8\xFF\xD8",
        ] {
            assert_eq!(codes(bytes).unwrap_err().code(), "malformed", "{bytes:02X?}");
        }
    }

    #[test]
    fn more_segments_than_any_program_writes_are_over_a_limit() {
        let comments = |count| [&[0xFF, SOI][..], &[0xFF, COM, 0, 2].repeat(count), &[0xFF, EOI]].concat();
        assert_eq!(codes(&comments(16_384)).unwrap().len(), 16_384);
        let error = codes(&comments(16_385)).unwrap_err();
        assert_eq!(error.to_string(), "it has 16385 segments, above the limit of 16384");
    }

    #[test]
    fn a_missing_end_is_no_error_of_the_walk() {
        let mut walk = Walk::new(b"\xFF\xD8\xFF\xDA\0\x02ab\xFF").unwrap();
        assert_eq!(walk.by_ref().count(), 1);
        assert_eq!(walk.end(), None);
    }
}
