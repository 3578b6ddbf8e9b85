//! How much memory a request takes at most, told from the header: before a pixel is decoded.
//!
//! Bytes a pixel stand in each codec's folder; `docs/decisions/0016-memory.md` tells which were measured.

use crate::candidate::output_formats;
use crate::codec::{Header, codec};
use crate::report::Warning;
use crate::stream::may_stream;
use crate::{Error, Format, Request, Result, vector};

/// What a call takes whatever the size: tables, rows, the libraries' own, in bytes.
const BASE: u64 = 16_000_000;

/// A little more than [`crate::compress`] allocates at most for an image with this header, in bytes; the input's own bytes
/// are the caller's and not counted.
///
/// Cost: none to speak of.
///
/// Where effort `fast` may recode in a stream, it is what that takes, with half a byte a pixel for the output. The few files with
/// such a header for which it turns out impossible need the picture, and are refused if [`crate::Limits::max_memory`] has no room
/// for it; without that bound they take it.
pub fn memory_needed(header: &Header, request: &Request) -> u64 {
    if header.animated {
        return animation(header);
    }
    if vector::stays(header, request) {
        return DRAWING;
    }
    if may_stream(header, request) {
        return streaming(header);
    }
    let formats = output_formats(header.format, request.format).into_iter();
    let each = formats.map(|format| needed_for(format, header, request));
    each.max().unwrap_or_else(|| BASE + decoding(header))
}

/// What a stream takes: less than the base, and its output.
fn streaming(header: &Header) -> u64 {
    BASE + header.pixels() / 2
}

/// Bytes that the output of a stream may have, within `budget`.
pub(crate) fn room_for_stream(budget: u64) -> u64 {
    budget.saturating_sub(BASE)
}

/// The same, if nothing but `format` may come out.
fn needed_for(format: Format, header: &Header, request: &Request) -> u64 {
    let made = pixels_made(header, request);
    let memory = codec(format).memory();
    let trying = picture(header) + memory.encode.max(picture(header) + memory.decode);
    BASE + decoding(header).max(made * trying)
}

/// The second picture is the first one turned upright, or freed of what it does not use.
fn decoding(header: &Header) -> u64 {
    header.pixels() * (2 * picture(header) + codec(header.format).memory().decode)
}

/// Bytes of a decoded pixel.
fn picture(header: &Header) -> u64 {
    let channels = if header.alpha { 4 } else { 3 };
    channels * u64::from(header.bits).div_ceil(8)
}

/// Pixels of the output, whichever way the image is turned.
pub(crate) fn pixels_made(header: &Header, request: &Request) -> u64 {
    let Some(resize) = request.resize else { return header.pixels() };
    let of = |(width, height): (u32, u32)| u64::from(width) * u64::from(height);
    let upright = of(resize.output_size(header.width, header.height));
    upright.max(of(resize.output_size(header.height, header.width)))
}

/// Bytes a pixel of the canvas that an animation takes at most: frames of input and output as they are compared or encoded,
/// and what the dearest encoder of one frame takes (`docs/decisions/0021-animation.md`).
const ANIMATION: u64 = 80;

/// Refuses an animation whose frames need more than `budget` bytes.
///
/// # Errors
/// `MemoryBudget`, with both numbers.
pub(crate) fn check_animation(header: &Header, budget: Option<u64>) -> Result<()> {
    match budget {
        Some(budget) if animation(header) > budget => {
            Err(Error::MemoryBudget { needed: animation(header), budget })
        }
        _ => Ok(()),
    }
}

/// Bytes that a drawing takes at most, whatever its size: text of 16 MB, or 250,000 nodes, as a tree, and a few pictures of 1,024 x 1,024 pixels with their
/// layers (`docs/decisions/0027-svg.md`).
const DRAWING: u64 = 256_000_000;

fn animation(header: &Header) -> u64 {
    BASE + header.pixels() * ANIMATION
}

/// Refuses what [`crate::compress`] would refuse under a [`crate::Limits::max_memory`] of `budget` bytes, from the header alone: what
/// needs more whatever comes out. Animations that need more are no errors: they are kept as they are.
///
/// # Errors
/// `MemoryBudget`, with both numbers.
///
/// Cost: none to speak of.
pub fn check_memory(header: &Header, request: &Request, budget: u64) -> Result<()> {
    if header.animated { Ok(()) } else { check(header, request, Some(budget)) }
}

/// Refuses what needs more than `budget` bytes whatever comes out.
///
/// # Errors
/// `MemoryBudget`, with both numbers.
pub(crate) fn check(header: &Header, request: &Request, budget: Option<u64>) -> Result<()> {
    let is_streamed = may_stream(header, request);
    let Some(budget) = budget.filter(|_| is_streamed || vector::stays(header, request)) else {
        return check_picture(header, request, budget);
    };
    match memory_needed(header, request) {
        needed if needed > budget => Err(Error::MemoryBudget { needed, budget }),
        _ => Ok(()),
    }
}

/// As [`check`], if the picture must be held.
///
/// # Errors
/// `MemoryBudget`, with both numbers.
pub(crate) fn check_picture(header: &Header, request: &Request, budget: Option<u64>) -> Result<()> {
    let Some(budget) = budget else { return Ok(()) };
    let formats = output_formats(header.format, request.format).into_iter();
    let least = formats.map(|format| needed_for(format, header, request)).min();
    match least.unwrap_or_else(|| BASE + decoding(header)) {
        needed if needed > budget => Err(Error::MemoryBudget { needed, budget }),
        _ => Ok(()),
    }
}

/// Takes the formats away that need more than `budget` bytes, and says so of each.
///
/// # Errors
/// `MemoryBudget` if none is left.
pub(crate) fn leave_out(
    formats: &mut Vec<Format>,
    header: &Header,
    request: &Request,
    budget: Option<u64>,
) -> Result<Vec<Warning>> {
    let Some(budget) = budget else { return Ok(Vec::new()) };
    let least = formats.iter().map(|format| needed_for(*format, header, request)).min();
    if let Some(needed) = least.filter(|needed| *needed > budget) {
        return Err(Error::MemoryBudget { needed, budget });
    }
    let mut warnings = Vec::new();
    formats.retain(|format| {
        let needed = needed_for(*format, header, request);
        if needed > budget {
            let detail = format!(
                "{format} was not tried: it needs about {} MB of memory, and {} MB may be used",
                needed.div_ceil(1_000_000),
                budget / 1_000_000
            );
            warnings.push(Warning { code: "left_out_for_memory".into(), detail });
        }
        needed <= budget
    });
    Ok(warnings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Effort, FormatSet, OutputFormat, Resize, ResizeMethod, Target};

    const PHOTO: Header = Header {
        format: Format::Jpeg,
        width: 6000,
        height: 4000,
        bits: 8,
        alpha: false,
        animated: false,
        sequential: true,
    };

    fn request(format: OutputFormat) -> Request {
        Request { format, effort: Effort::Balanced, ..Request::new(Target::Lossless) }
    }

    #[test]
    fn a_small_size_needs_little_but_the_decoding() {
        let whole = memory_needed(&PHOTO, &request(OutputFormat::Auto));
        let resize =
            Resize { method: ResizeMethod::Fit, width: Some(200), height: Some(200), enlarge: false };
        let small = memory_needed(&PHOTO, &request(OutputFormat::Auto).with_resize(resize));
        assert_eq!(small, BASE + decoding(&PHOTO));
        assert!(small < whole / 4);
    }

    #[test]
    fn more_bits_and_alpha_need_more() {
        let deep = Header { format: Format::Png, bits: 16, alpha: true, sequential: false, ..PHOTO };
        let flat = Header { format: Format::Png, sequential: false, ..PHOTO };
        let keep = request(OutputFormat::Keep);
        assert!(memory_needed(&deep, &keep) > memory_needed(&flat, &keep));
    }

    #[test]
    fn what_is_too_dear_is_refused_alone_and_left_out_among_others() {
        let both: FormatSet = [Format::Jpeg, Format::Avif].into_iter().collect();
        let enough = memory_needed(&PHOTO, &request(OutputFormat::of(Format::Jpeg)));
        let budget = Some(enough);
        let alone = check(&PHOTO, &request(OutputFormat::of(Format::Avif)), budget).unwrap_err();
        assert!(matches!(alone, Error::MemoryBudget { .. }));
        let among = request(OutputFormat::Among(both));
        assert!(check(&PHOTO, &among, budget).is_ok());
        let mut formats = vec![Format::Jpeg, Format::Avif];
        let warnings = leave_out(&mut formats, &PHOTO, &among, budget).unwrap();
        assert_eq!(formats, [Format::Jpeg]);
        assert!(warnings[0].detail.starts_with("AVIF was not tried"), "{warnings:?}");
        assert!(check(&PHOTO, &among, None).is_ok());
        assert!(check_memory(&PHOTO, &among, enough).is_ok());
        assert!(check_memory(&PHOTO, &among, 1).is_err());
        assert!(check_memory(&Header { animated: true, ..PHOTO }, &among, 1).is_ok(), "it is kept");
        assert!(check(&PHOTO, &among, Some(1)).is_err());
    }
}
