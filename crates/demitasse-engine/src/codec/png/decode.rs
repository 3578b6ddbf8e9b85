//! Pixels of a PNG.

use std::io::Cursor;

use png::{BitDepth, ColorType, DecodeOptions, Decoder, Reader, Transformations};

use super::container::{Chunks, malformed, read_header};
use super::metadata;
use crate::codec::Decoded;
use crate::image::{Image, Layout, Samples};
use crate::{Control, Limits, Result, color};

/// Rows between two looks at the control.
const ROWS_A_CHECK: usize = 64;

/// Decodes a still PNG: palettes and transparent colours are expanded, 1 to 4 bits become 8, 16 stay.
///
/// Cost: about one pass over the pixels; memory is the pixels, and twice that for 16 bits.
pub(super) fn decode(bytes: &[u8], limits: &Limits, control: &Control) -> Result<Decoded> {
    // The library passes over a transparency chunk with a wrong checksum: the picture would be another one.
    for chunk in Chunks::new(bytes)? {
        let chunk = chunk?;
        if matches!(&chunk.kind, [b'A'..=b'Z', ..] | b"tRNS") && !chunk.is_intact() {
            return Err(malformed(format!("the checksum of {} is wrong", chunk.kind.escape_ascii())));
        }
    }
    limits.check_header(&read_header(bytes)?)?;
    let metadata = metadata::read(bytes, limits)?;
    control.check()?;
    let mut options = DecodeOptions::default();
    options.set_ignore_text_chunk(true);
    options.set_ignore_iccp_chunk(true);
    let mut decoder = Decoder::new_with_options(Cursor::new(bytes), options);
    decoder.set_transformations(Transformations::EXPAND);
    let mut reader = decoder.read_info().map_err(malformed)?;
    let (width, height) = reader.info().size();
    let layout = match reader.output_color_type().0 {
        ColorType::Grayscale => Layout::Gray,
        ColorType::GrayscaleAlpha => Layout::GrayAlpha,
        ColorType::Rgb => Layout::Rgb,
        ColorType::Rgba => Layout::Rgba,
        ColorType::Indexed => return Err(malformed("it has no palette")),
    };
    let samples = read_samples(&mut reader, control)?;
    let mut warnings = Vec::new();
    let profile = color::usable_profile(layout, metadata.icc.as_deref(), &mut warnings);
    Ok(Decoded { image: Image::still(width, height, layout, samples, profile), metadata, warnings })
}

fn read_samples(reader: &mut Reader<Cursor<&[u8]>>, control: &Control) -> Result<Samples> {
    let size = reader.output_buffer_size().ok_or_else(|| malformed("it is too large for this machine"))?;
    let mut buffer = vec![0; size];
    if reader.info().interlaced {
        reader.next_frame(&mut buffer).map_err(malformed)?;
    } else {
        let row_bytes = size / reader.info().height as usize;
        for (index, row) in buffer.chunks_exact_mut(row_bytes).enumerate() {
            if index % ROWS_A_CHECK == 0 {
                control.check()?;
            }
            reader.read_row(row).map_err(malformed)?.ok_or_else(|| malformed("rows are missing"))?;
        }
    }
    Ok(match reader.output_color_type().1 {
        BitDepth::Sixteen => {
            Samples::U16(buffer.as_chunks().0.iter().map(|sample| u16::from_be_bytes(*sample)).collect())
        }
        _ => Samples::U8(buffer),
    })
}
