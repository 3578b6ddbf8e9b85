//! What the frame and scan headers say: dimensions, components, and whether every component has its data.

use crate::codec::Header;
use crate::codec::jpeg::marker::{APP14, SOS, Segment, Walk, malformed};
use crate::{Error, Format, Result};

/// Most scans of a file that is decoded. Encoders make about ten; a hostile file repeats tiny ones, each of which costs a
/// pass over all coefficients.
const MAX_SCANS: u64 = 500;

const COEFFICIENTS: usize = 64;
/// No scan has touched the coefficient.
const UNSEEN: u8 = u8::MAX;

/// A frame header (SOF).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    /// Pixels, at least 1.
    pub width: u16,
    /// Pixels, at least 1.
    pub height: u16,
    /// Whether scans refine each other.
    pub progressive: bool,
    /// The components' identifiers: 1, 3 or 4 of them.
    pub components: Vec<u8>,
}

impl Frame {
    /// Finds and reads the first frame header.
    ///
    /// # Errors
    /// `Malformed`; `Unsupported` for arithmetic coding, lossless and hierarchical processes, 12 bits, 2 components.
    pub(super) fn find(bytes: &[u8]) -> Result<Self> {
        for segment in Walk::new(bytes)? {
            let segment = segment?;
            if segment.is_frame() {
                return Self::read(&segment);
            }
            if segment.code == SOS {
                break;
            }
        }
        Err(malformed("it has no frame header"))
    }

    fn read(segment: &Segment<'_>) -> Result<Self> {
        let unsupported = |what: &str| Err(Error::Unsupported(format!("{what} JPEG is not supported")));
        match segment.code {
            0xC0..=0xC2 => {}
            0xC9 | 0xCA => return unsupported("arithmetic-coded"),
            0xC3 | 0xCB => return unsupported("lossless"),
            _ => return unsupported("hierarchical"),
        }
        let Some(([precision, h1, h0, w1, w0, count], components)) = segment.payload.split_first_chunk::<6>()
        else {
            return Err(malformed("its frame header is too short"));
        };
        let (width, height) = (u16::from_be_bytes([*w1, *w0]), u16::from_be_bytes([*h1, *h0]));
        if *precision != 8 {
            return unsupported(&format!("{precision}-bit"));
        }
        if width == 0 || height == 0 {
            return Err(malformed("its width or height is 0"));
        }
        if !matches!(count, 1 | 3 | 4) {
            return unsupported(&format!("{count}-component"));
        }
        if components.len() != 3 * usize::from(*count) {
            return Err(malformed("its frame header has a wrong length"));
        }
        let components = components.chunks_exact(3).map(|component| component[0]).collect();
        Ok(Self { width, height, progressive: segment.code == 0xC2, components })
    }

    pub(super) fn header(&self) -> Header {
        Header {
            format: Format::Jpeg,
            width: self.width.into(),
            height: self.height.into(),
            bits: 8,
            alpha: false,
            animated: false,
            sequential: !self.progressive && !self.is_cmyk(),
        }
    }

    pub(super) fn is_cmyk(&self) -> bool {
        self.components.len() == 4
    }
}

/// What a walk over the whole image finds out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Structure {
    /// The frame.
    pub frame: Frame,
    /// Whether an Adobe marker declares the colour transform, and with it that CMYK is stored inverted.
    pub adobe: bool,
    /// Whether the image has its EOI.
    pub ended: bool,
    /// What is missing, for people; `None` where it is whole.
    pub lacks: Option<String>,
}

impl Structure {
    /// Walks the image and looks whether its scans hold a whole picture: every component has its DC coefficients, and
    /// where the end marker is missing, every coefficient has its last bit.
    ///
    /// # Errors
    /// As [`Frame::find`]; `Malformed` where a part is missing; `LimitExceeded` above [`MAX_SCANS`] scans.
    pub(super) fn read(bytes: &[u8]) -> Result<Self> {
        let structure = Self::walk(bytes)?;
        match structure.lacks {
            Some(lacks) => Err(malformed(lacks)),
            None => Ok(structure),
        }
    }

    /// As [`Structure::read`], and says what is missing instead of refusing it.
    ///
    /// # Errors
    /// As [`Structure::read`], but for what is missing.
    pub(super) fn walk(bytes: &[u8]) -> Result<Self> {
        let frame = Frame::find(bytes)?;
        let mut walk = Walk::new(bytes)?;
        let mut missing_bits = vec![[UNSEEN; COEFFICIENTS]; frame.components.len()];
        let (mut adobe, mut scans) = (false, 0);
        for segment in walk.by_ref() {
            let segment = segment?;
            adobe |= is_adobe(&segment);
            if segment.code == SOS {
                scans += 1;
                record_scan(segment.payload, &frame, &mut missing_bits)?;
            }
        }
        if scans > MAX_SCANS {
            return Err(Error::LimitExceeded { limit: "scans", actual: scans, allowed: MAX_SCANS });
        }
        let ended = walk.end().is_some();
        let has_dc = missing_bits.iter().all(|component| component[0] != UNSEEN);
        let is_whole = has_dc && (ended || missing_bits.iter().flatten().all(|bits| *bits == 0));
        let lacks = (!is_whole).then(|| {
            format!(
                "a part of the image is missing: it lacks scans, and ends with {scans} at byte {}",
                bytes.len()
            )
        });
        Ok(Self { frame, adobe, ended, lacks })
    }
}

/// Whether this is the marker in which Adobe declares the colour transform.
pub(super) fn is_adobe(segment: &Segment<'_>) -> bool {
    segment.code == APP14 && segment.payload.len() >= 12 && segment.payload.starts_with(b"Adobe")
}

/// Notes which coefficients a scan brings, and how many of their bits it leaves to later ones.
fn record_scan(header: &[u8], frame: &Frame, missing_bits: &mut [[u8; COEFFICIENTS]]) -> Result<()> {
    let broken = || malformed("it has a broken scan header");
    let (count, rest) = header.split_first().ok_or_else(broken)?;
    let (selectors, rest) = rest.split_at_checked(2 * usize::from(*count)).ok_or_else(broken)?;
    let [first, last, approximation] = *rest else { return Err(broken()) };
    let (range, left) = if frame.progressive {
        (usize::from(first)..usize::from(last) + 1, approximation & 0x0F)
    } else {
        (0..COEFFICIENTS, 0)
    };
    for selector in selectors.chunks_exact(2) {
        let component = frame.components.iter().position(|id| *id == selector[0]).ok_or_else(broken)?;
        missing_bits[component].get_mut(range.clone()).ok_or_else(broken)?.fill(left);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sof(code: u8, precision: u8, height: u16, width: u16, ids: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0xFF, 0xD8, 0xFF, code];
        bytes.extend((8 + 3 * ids.len() as u16).to_be_bytes());
        bytes.push(precision);
        bytes.extend(height.to_be_bytes());
        bytes.extend(width.to_be_bytes());
        bytes.push(ids.len() as u8);
        bytes.extend(ids.iter().flat_map(|id| [*id, 0x11, 0]));
        bytes
    }

    fn sos(ids: &[u8], first: u8, last: u8, approximation: u8) -> Vec<u8> {
        let mut bytes = vec![0xFF, 0xDA, 0, 6 + 2 * ids.len() as u8, ids.len() as u8];
        bytes.extend(ids.iter().flat_map(|id| [*id, 0]));
        bytes.extend([first, last, approximation, 0x55]);
        bytes
    }

    #[test]
    fn the_header_is_read_without_decoding() {
        let header = Frame::find(&sof(0xC0, 8, 14_000, 20_000, &[1, 2, 3])).unwrap().header();
        assert_eq!((header.width, header.height, header.bits, header.alpha), (20_000, 14_000, 8, false));
    }

    #[test]
    fn other_processes_are_named() {
        let message = |code, precision, ids: &[u8]| {
            Frame::find(&sof(code, precision, 1, 1, ids)).unwrap_err().to_string()
        };
        assert_eq!(message(0xC1, 12, &[1]), "12-bit JPEG is not supported");
        assert_eq!(message(0xC9, 8, &[1]), "arithmetic-coded JPEG is not supported");
        assert_eq!(message(0xC3, 8, &[1]), "lossless JPEG is not supported");
        assert_eq!(message(0xC5, 8, &[1]), "hierarchical JPEG is not supported");
        assert_eq!(message(0xC0, 8, &[1, 2]), "2-component JPEG is not supported");
    }

    #[test]
    fn no_dimension_may_be_zero() {
        for (width, height) in [(0, 1), (1, 0)] {
            assert_eq!(Frame::find(&sof(0xC0, 8, height, width, &[1])).unwrap_err().code(), "malformed");
        }
    }

    #[test]
    fn a_component_without_a_scan_is_a_missing_part() {
        let file = [sof(0xC0, 8, 8, 8, &[1, 2, 3]), sos(&[1], 0, 63, 0), b"\xFF\xD9".to_vec()].concat();
        assert!(Structure::read(&file).unwrap_err().to_string().contains("lacks scans"));
    }

    #[test]
    fn a_progressive_file_without_end_must_have_every_bit() {
        let scans = [sof(0xC2, 8, 8, 8, &[1]), sos(&[1], 0, 0, 0), sos(&[1], 1, 63, 1)].concat();
        assert!(Structure::read(&scans).is_err());
        assert!(Structure::read(&[&scans[..], b"\xFF\xD9"].concat()).unwrap().ended);
        assert!(!Structure::read(&[scans, sos(&[1], 1, 63, 0x10)].concat()).unwrap().ended);
    }

    #[test]
    fn scans_are_limited() {
        let scan = sos(&[1], 0, 0, 0);
        let file = [sof(0xC2, 8, 8, 8, &[1]), scan.repeat(501)].concat();
        assert_eq!(Structure::read(&file).unwrap_err().code(), "limit_exceeded");
    }
}
