//! What results are compared with: the input's pixels as a viewer shows them, at the size that was asked for.

use crate::codec::{Header, codec};
use crate::image::Image;
use crate::metadata::Orientation;
use crate::reduce::{reduce, uses_alpha};
use crate::report::Warning;
use crate::{Control, Limits, Resize, Result, orient};

/// A picture that is resized is decoded at no less than this many times the wanted size, so that the filter, which works
/// in linear light, has the last word.
const SHRINK_LEAVES: u32 = 2;

/// The decoded input.
pub(crate) struct Reference {
    /// Upright, without what it does not use, and resized.
    pub image: Image,
    /// Whether some pixel of the input is not opaque.
    pub input_alpha: bool,
    /// Whether the size is another than the input's.
    pub is_resized: bool,
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

/// Decodes a still image, as much of it as the wanted size needs.
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
    resize: Option<Resize>,
    limits: &Limits,
    control: &Control,
) -> Result<Reference> {
    let codec = codec(header.format);
    let Some((resize, size)) = new_size(header, orientation, resize) else {
        let decoded = codec.decode(bytes, limits, control)?;
        let image = reduce(orient::apply(decoded.image, orientation));
        let input_alpha = uses_alpha(&image);
        return Ok(Reference { image, input_alpha, is_resized: false, warnings: decoded.warnings });
    };
    limits.check_size(size.0, size.1)?;
    // As stored: the turn that swaps two sides swaps them back.
    let (width, height) = orientation.turn(size.0, size.1);
    let at_least = (width.saturating_mul(SHRINK_LEAVES), height.saturating_mul(SHRINK_LEAVES));
    let decoded = codec.decode_shrunk(bytes, at_least, limits, control)?;
    let image = reduce(orient::apply(decoded.image, orientation));
    let input_alpha = uses_alpha(&image);
    let image = reduce(resize.apply(&image, orientation.turn(header.width, header.height), control)?);
    Ok(Reference { image, input_alpha, is_resized: true, warnings: decoded.warnings })
}
