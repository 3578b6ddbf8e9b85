//! The pipeline.

use crate::codec::{Header, codec};
use crate::{Control, Error, Limits, Report, Request, Result, Sniffed, sniff};

/// Smaller bytes, and the receipt.
#[derive(Debug, Clone)]
pub struct Compressed {
    /// The output file; never larger than the input.
    pub bytes: Vec<u8>,
    /// What was done.
    pub report: Report,
}

/// Reads the header and checks it against the limits; nothing is decoded.
///
/// # Errors
/// `Unsupported` for what is no image or an image of a format that is not read, `Malformed` for a broken header,
/// `LimitExceeded`.
///
/// Cost: linear in the bytes at worst, independent of the claimed dimensions.
pub fn inspect(bytes: &[u8], limits: &Limits) -> Result<Header> {
    limits.check_bytes(bytes.len())?;
    let format = match sniff(bytes) {
        Sniffed::Known(format) => format,
        Sniffed::Foreign(name) => {
            return Err(Error::Unsupported(format!(
                "{name} is not supported yet: send JPEG, PNG, WebP, GIF, BMP or TIFF"
            )));
        }
        Sniffed::Unknown if bytes.is_empty() => return Err(Error::Unsupported("the file is empty".into())),
        Sniffed::Unknown => return Err(Error::Unsupported("this is not an image that Demitasse knows".into())),
    };
    let header = codec(format).read_header(bytes)?;
    limits.check_header(&header)?;
    Ok(header)
}

/// Compresses.
///
/// # Errors
/// See [`Error`].
pub fn compress(bytes: &[u8], request: &Request, limits: &Limits, control: &Control) -> Result<Compressed> {
    let _ = (inspect(bytes, limits)?, request, control);
    Err(Error::Unsupported("not built".into()))
}
