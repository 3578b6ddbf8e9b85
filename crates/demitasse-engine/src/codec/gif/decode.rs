//! Pixels of a still GIF.

use std::num::NonZeroU64;

use gif::{ColorOutput, DecodeOptions, Decoder, Frame, MemoryLimit};

use super::container::{BlockKind, Blocks, malformed, read_header, read_metadata};
use crate::codec::Decoded;
use crate::image::{Image, Layout, Samples};
use crate::{Control, Error, Limits, Result};

/// Decodes the first frame and lays it on the canvas; what it does not cover is transparent.
///
/// Cost: about one pass over the pixels; memory is the pixels, and one byte for each while the frame is decoded.
pub(super) fn decode(bytes: &[u8], limits: &Limits, control: &Control) -> Result<Decoded> {
    let header = read_header(bytes)?;
    limits.check_header(&header)?;
    let metadata = read_metadata(bytes)?;
    let frame_pixels = first_frame_pixels(bytes)?;
    // A frame may be larger than the canvas, and then is a bomb of its own.
    if frame_pixels > limits.max_pixels {
        return Err(Error::LimitExceeded {
            limit: "pixels",
            actual: frame_pixels,
            allowed: limits.max_pixels,
        });
    }
    control.check()?;
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    // The frame; extensions are read into memory too, and a palette.
    let memory = frame_pixels + bytes.len() as u64 + 1024;
    options.set_memory_limit(MemoryLimit::Bytes(NonZeroU64::MIN.saturating_add(memory)));
    let mut decoder = options.read_info(bytes).map_err(malformed)?;
    let mut frame = decoder.next_frame_info().map_err(malformed)?.ok_or_else(no_frame)?.clone();
    if frame_pixels > 0 {
        frame.buffer = read_indexes(&mut decoder)?.into();
    }
    control.check()?;
    let layout = if header.alpha { Layout::Rgba } else { Layout::Rgb };
    let samples = compose(&frame, palette(&decoder, &frame)?, [header.width, header.height], layout);
    let image = Image::still(header.width, header.height, layout, Samples::U8(samples), None);
    Ok(Decoded { image, metadata, warnings: Vec::new() })
}

/// The indexes of the frame whose header was read; it has pixels.
///
/// Rows are taken as they come: row by row, as it orders them itself, the crate takes some whole interlaced frames for cut
/// off.
///
/// # Errors
/// `Malformed` if some are missing.
pub(super) fn read_indexes(decoder: &mut Decoder<&[u8]>) -> Result<Vec<u8>> {
    let frame = decoder.current_frame_info().ok_or_else(no_frame)?;
    let (width, height, interlaced) = (usize::from(frame.width), usize::from(frame.height), frame.interlaced);
    let mut rows = vec![0; width * height];
    if !decoder.fill_buffer(&mut rows).map_err(malformed)? {
        return Err(malformed("a frame is cut off"));
    }
    if !interlaced {
        return Ok(rows);
    }
    // Every eighth, those between, and so on (GIF89a, appendix E).
    let passes = [(0, 8), (4, 8), (2, 4), (1, 2)];
    let places = passes.into_iter().flat_map(|(start, step)| (start..height).step_by(step));
    let mut out = vec![0; rows.len()];
    for (row, y) in rows.chunks_exact(width).zip(places) {
        out[y * width..][..width].copy_from_slice(row);
    }
    Ok(out)
}

fn first_frame_pixels(bytes: &[u8]) -> Result<u64> {
    for block in Blocks::new(bytes)? {
        if let BlockKind::Frame([_, _, width, height]) = block?.kind {
            return Ok(u64::from(width) * u64::from(height));
        }
    }
    Err(no_frame())
}

fn no_frame() -> Error {
    malformed("there is no frame in it")
}

fn palette<'a>(decoder: &'a Decoder<&[u8]>, frame: &'a Frame<'_>) -> Result<&'a [u8]> {
    let palette = frame.palette.as_deref().or_else(|| decoder.global_palette());
    palette.ok_or_else(|| malformed("it has no palette"))
}

fn compose(frame: &Frame<'_>, palette: &[u8], [width, height]: [u32; 2], layout: Layout) -> Vec<u8> {
    let (width, height, channels) = (width as usize, height as usize, layout.channels());
    let (left, top, frame_width) =
        (usize::from(frame.left), usize::from(frame.top), usize::from(frame.width));
    let mut canvas = vec![0; width * height * channels];
    if frame_width == 0 || left >= width {
        return canvas;
    }
    let rows = frame.buffer.chunks_exact(frame_width);
    for (row, out) in rows.zip(canvas.chunks_exact_mut(width * channels).skip(top)) {
        for (&index, pixel) in row.iter().zip(out[left * channels..].chunks_exact_mut(channels)) {
            if frame.transparent == Some(index) {
                continue;
            }
            // An index beyond the palette is black, as browsers take it.
            let start = usize::from(index) * 3;
            pixel[..3].copy_from_slice(palette.get(start..start + 3).unwrap_or(&[0; 3]));
            if channels == 4 {
                pixel[3] = 255;
            }
        }
    }
    canvas
}
