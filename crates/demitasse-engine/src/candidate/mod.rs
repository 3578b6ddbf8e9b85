//! Which encoders are tried, and what each makes of the image.
//!
//! - `plan`: which, in which order, by what the image is like.
//! - `ready`: one of them and its source, with what every trial shares.
//! - `sample` and `rehearsal`: the search on a part of a large image, which tells the whole where to start.
//! - `trials`: runs them, and keeps what holds the promise.

mod plan;
mod ready;
mod rehearsal;
mod sample;
mod trials;

pub(crate) use plan::{lossy, output_formats, plan};
pub(crate) use rehearsal::{REHEARSAL_TOLERANCE, Rehearsal, rehearse};
pub(crate) use sample::{Sample, is_large, tiles};
pub(crate) use trials::{LOSSLESS_REWRITE_MAY_SAVE, MIN_LOSSY_GAIN, TOLERANCE, Trials};

use crate::codec::{Encoder, codec};
use crate::image::Image;
use crate::verify::Look;
use crate::{Control, Error, Format, Limits, Quality, Result, Score, orient};

/// One encoder, in one format.
#[derive(Clone, Copy)]
pub(crate) struct Candidate {
    /// The format that it writes.
    pub format: Format,
    /// The encoder.
    pub encoder: &'static dyn Encoder,
}

/// The best result of one encoder.
pub(crate) struct Attempt {
    /// Whose.
    pub candidate: Candidate,
    /// The setting.
    pub quality: Quality,
    /// The file.
    pub bytes: Vec<u8>,
    /// Its place in the report.
    pub index: usize,
    /// What these very bytes look like, where a trial looked.
    pub look: Option<Look>,
    /// The score that it was made for, where nothing is to be measured.
    pub predicted: Option<Score>,
    /// Whether more bytes were taken than were allowed, because fewer would have gone below the floor.
    pub exceeds: bool,
}

/// Decodes a result, turns it upright and checks that it is a picture of the same size. What came from 8 bits a sample is
/// taken as viewers show it ([`crate::codec::Codec::decode_shown`]).
///
/// # Errors
/// `Codec` if it is not, or does not decode: the encoder's fault.
pub(crate) fn decode_result(
    format: Format,
    bytes: &[u8],
    original: &Image,
    limits: &Limits,
    control: &Control,
) -> Result<Image> {
    let codec = codec(format);
    let decoded = match original.bits() {
        8 => codec.decode_shown(bytes, limits, control),
        _ => codec.decode(bytes, limits, control),
    };
    let decoded = decoded.map_err(|error| match error {
        Error::DeadlineExceeded | Error::Cancelled => error,
        other => Error::codec(format.capabilities().name, format!("the result does not decode: {other}")),
    })?;
    let image = orient::apply(decoded.image, decoded.metadata.orientation);
    let (found, expected) = ((image.width, image.height), (original.width, original.height));
    if found != expected {
        return Err(Error::codec(
            format.capabilities().name,
            format!("the result has {} x {} pixels, not {} x {}", found.0, found.1, expected.0, expected.1),
        ));
    }
    Ok(image)
}
