//! What results are compared with: the input's pixels as a viewer shows them, at the size that was asked for.

use crate::codec::{Header, codec};
use crate::image::Image;
use crate::metadata::Orientation;
use crate::reduce::{reduce, uses_alpha};
use crate::report::Warning;
use crate::{ColorSpace, Control, Error, Limits, Request, Resize, Result, color, orient};

/// A picture that is resized is decoded at no less than this many times the wanted size, so that the filter, which works
/// in linear light, has the last word.
const SHRINK_LEAVES: u32 = 2;

/// The decoded input.
pub(crate) struct Reference {
    /// Upright, without what it does not use, in the colours and of the size that were asked for.
    pub image: Image,
    /// Whether some pixel of the input is not opaque.
    pub input_alpha: bool,
    /// Whether the input cannot stand in for it: its size or its colours are others, it is damaged, or a
    /// drawing.
    pub replaces_input: bool,
    /// Of the decoder.
    pub warnings: Vec<Warning>,
}

/// The size that a resize makes of an image, both as a viewer shows it; `None` where there is none or it changes nothing.
pub(crate) fn new_size(
    header: &Header,
    orientation: Orientation,
    resize: Option<Resize>,
) -> Option<(Resize, (u32, u32))> {
    let upright = orientation.turn(header.width, header.height);
    resize
        .map(|resize| (resize, resize.output_size(upright.0, upright.1)))
        .filter(|(_, size)| *size != upright)
}

/// Decodes a still image, as much of it as the wanted size needs; of a damaged one what is left, where that is asked for.
///
/// # Errors
/// Of the decoder; `LimitExceeded` for a wanted size above `limits`.
///
/// Cost: decoding, and two to four passes; of a JPEG that is made much smaller a quarter of the time and a small part of
/// the memory.
pub(crate) fn decode(
    bytes: &[u8],
    header: &Header,
    orientation: Orientation,
    request: &Request,
    limits: &Limits,
    control: &Control,
) -> Result<Reference> {
    let new_size = new_size(header, orientation, request.resize);
    if let Some((_, size)) = new_size {
        limits.check_size(size.0, size.1)?;
    }
    let codec = codec(header.format);
    let whole = match new_size {
        None => codec.decode(bytes, limits, control),
        Some((_, size)) => {
            // As stored: the turn that swaps two sides swaps them back.
            let (width, height) = orientation.turn(size.0, size.1);
            let at_least = (width.saturating_mul(SHRINK_LEAVES), height.saturating_mul(SHRINK_LEAVES));
            codec.decode_shrunk(bytes, at_least, limits, control)
        }
    };
    let (decoded, is_salvaged) = match whole {
        Err(Error::Malformed { .. }) if request.salvage => (codec.salvage(bytes, limits, control)?, true),
        whole => (whole?, false),
    };
    let mut image = reduce(orient::apply(decoded.image, orientation));
    let input_alpha = uses_alpha(&image);
    let is_converted = request.color_space == ColorSpace::Srgb && color::convert_to_srgb(&mut image);
    if let Some((resize, _)) = new_size {
        image = reduce(resize.apply(&image, orientation.turn(header.width, header.height), control)?);
    }
    let is_drawn = header.format.capabilities().vector;
    let replaces_input = is_salvaged || is_converted || is_drawn || new_size.is_some();
    Ok(Reference { image, input_alpha, replaces_input, warnings: decoded.warnings })
}
