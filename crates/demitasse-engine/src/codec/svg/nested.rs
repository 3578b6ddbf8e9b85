//! Drawings inside of drawings, in a `data:` URL.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;

use super::bounds::MAX_LEVEL;
use super::read::read;
use super::sanitize::Removed;
use super::write::write;
use crate::Result;

/// A `data:` URL with a drawing that is safe, and what was left out of it: the same URL if nothing had to be. `None` if it cannot be
/// read, or lies too deep.
///
/// # Errors
/// `LimitExceeded` of the drawing.
pub(crate) fn make_safe(url: &str, level: u32) -> Result<Option<(String, Removed)>> {
    let Some(bytes) = decode(url).filter(|_| level < MAX_LEVEL) else { return Ok(None) };
    let drawing = match read(&bytes, level + 1) {
        Ok(drawing) => drawing,
        Err(error @ crate::Error::LimitExceeded { .. }) => return Err(error),
        Err(_) => return Ok(None),
    };
    if drawing.removed == Removed::default() {
        return Ok(Some((url.to_owned(), drawing.removed)));
    }
    let encoded = STANDARD.encode(write(&drawing.root, None));
    Ok(Some((format!("data:image/svg+xml;base64,{encoded}"), drawing.removed)))
}

/// What a `data:` URL holds (RFC 2397).
fn decode(url: &str) -> Option<Vec<u8>> {
    let (head, data) = url.split_once(',')?;
    let bytes: Vec<u8> = percent_decode_str(data).collect();
    if !head.to_ascii_lowercase().trim_end().ends_with(";base64") {
        return Some(bytes);
    }
    let packed: Vec<u8> = bytes.into_iter().filter(|byte| !byte.is_ascii_whitespace()).collect();
    STANDARD.decode(packed).ok()
}
