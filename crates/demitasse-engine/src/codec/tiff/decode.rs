//! Pixels of the first page of a TIFF.

use std::borrow::Cow;
use std::io::Cursor;
use std::ops::Range;

use tiff::decoder::{Decoder, DecodingResult};
use tiff::{ColorType, TiffError};

use super::container::{Alpha, Directory, File, alpha, malformed, read_header, tag};
use super::metadata;
use super::tree::is_reduced;
use crate::codec::Decoded;
use crate::image::{Image, Layout, Samples};
use crate::report::Warning;
use crate::{Control, Error, Limits, Result, color};

const WHITE_IS_ZERO: u32 = 0;
const BLACK_IS_ZERO: u16 = 1;
const PALETTE: u32 = 3;

/// Decodes the first page: gray, RGB, palette, CMYK and YCbCr of up to 16 bits, with alpha.
///
/// Cost: about two passes over the pixels; memory about twice the pixels, and a copy of the file for palettes and for
/// gray that begins at white.
pub(super) fn decode(bytes: &[u8], limits: &Limits, control: &Control) -> Result<Decoded> {
    let header = read_header(bytes)?;
    limits.check_header(&header)?;
    let file = File::open(bytes)?;
    let pages = file.pages()?;
    let page = &pages[0];
    check_whole(&file, page)?;
    let metadata = metadata::read(bytes, limits)?;
    let mut warnings = Vec::new();
    if pages[1..].iter().any(|page| !is_reduced(&file, page)) {
        let detail = format!("the file has {} pages; only the first is used", pages.len());
        warnings.push(Warning { code: "first_page_only".into(), detail });
    }
    control.check()?;
    let raw = read_raw(&file, page, (header.width, header.height), limits)?;
    control.check()?;
    let (layout, samples) = raw.into_samples(&file, page, metadata.icc.as_deref(), &mut warnings)?;
    control.check()?;
    let is_cmyk = warnings.iter().any(|warning| warning.code == "cmyk_converted");
    let profile = metadata.icc.as_deref().filter(|_| !is_cmyk);
    let profile = color::usable_profile(layout, profile, &mut warnings);
    Ok(Decoded {
        image: Image::still(header.width, header.height, layout, samples, profile),
        metadata,
        warnings,
    })
}

/// Every value and every strip of the page lies in the file.
fn check_whole(file: &File<'_>, page: &Directory) -> Result<()> {
    let values = page.entries.iter().all(|entry| entry.range().is_some());
    let pixels = file.pixel_ranges(page);
    if !values || pixels.is_empty() || pixels.iter().any(|range| range.end > file.bytes.len()) {
        return Err(malformed("it is cut off"));
    }
    if is_short(file, page, &pixels) {
        return Err(malformed("a strip is shorter than its rows"));
    }
    Ok(())
}

/// Whether a strip, or a tile, of pixels that are not compressed has fewer bytes than its rows: the library would read on in what lies
/// behind it, metadata perhaps. Colour that is stored at another size than luma (photometric 6) is not judged.
fn is_short(file: &File<'_>, page: &Directory, pixels: &[Range<usize>]) -> bool {
    let number = |tag, default: u32| u64::from(file.number(page, tag).unwrap_or(default));
    if number(tag::COMPRESSION, 1) != 1 || number(tag::PHOTOMETRIC, 0) == 6 {
        return false;
    }
    let (width, height) = (number(tag::WIDTH, 0), number(tag::HEIGHT, 0));
    let samples = if number(tag::PLANAR, 1) == 2 { 1 } else { number(tag::SAMPLES, 1) };
    let bytes_a_row =
        |width: u64| width.saturating_mul(samples).saturating_mul(number(tag::BITS, 1)).div_ceil(8);
    if page.find(tag::TILE_OFFSETS).is_some() {
        let tile = bytes_a_row(number(tag::TILE_WIDTH, 0)).saturating_mul(number(tag::TILE_HEIGHT, 0));
        return pixels.iter().any(|range| (range.len() as u64) < tile);
    }
    let rows = number(tag::ROWS_A_STRIP, u32::MAX).clamp(1, height.max(1));
    let strips = height.div_ceil(rows).max(1);
    pixels.iter().enumerate().any(|(index, range)| {
        let first = index as u64 % strips * rows;
        (range.len() as u64) < bytes_a_row(width).saturating_mul(rows.min(height - first))
    })
}

/// What the library made of the strips: chunky, one value a sample.
struct Raw {
    color: ColorType,
    channels: usize,
    samples: Samples,
}

fn read_raw(file: &File<'_>, page: &Directory, size: (u32, u32), limits: &Limits) -> Result<Raw> {
    let bytes = as_plain_gray(file, page);
    let mut decoder = Decoder::new(Cursor::new(bytes.as_ref())).map_err(from_library)?;
    let color = decoder.colortype().map_err(from_library)?;
    let (width, height) = decoder.dimensions().map_err(from_library)?;
    // Of fields that come twice the library takes another.
    if (width, height) != size {
        return Err(malformed("it has two sizes"));
    }
    let channels = usize::from(color.num_samples());
    let count = width as usize * height as usize * channels;
    let mut library_limits = tiff::decoder::Limits::default();
    library_limits.decoding_buffer_size = count.saturating_mul(2);
    library_limits.intermediate_buffer_size = count.saturating_mul(2).saturating_add(1 << 20);
    library_limits.ifd_value_size = bytes.len().min(limits.max_bytes as usize);
    let mut decoder = decoder.with_limits(library_limits);
    let mut result = DecodingResult::U8(Vec::new());
    let layout = decoder.read_image_to_buffer(&mut result).map_err(from_library)?;
    if result.as_buffer(0).as_bytes().len() < layout.complete_len {
        return Err(Error::Unsupported("this TIFF keeps its colours in planes that cannot be read".into()));
    }
    let is_planar = file.number(page, tag::PLANAR) == Some(2) && channels > 1;
    let samples = match result {
        DecodingResult::U8(packed) if color.bit_depth() < 8 => {
            Samples::U8(unpack(&packed, width as usize * channels, color.bit_depth()))
        }
        DecodingResult::U8(samples) if is_planar => Samples::U8(interleave(&samples, channels)),
        DecodingResult::U16(samples) if is_planar => Samples::U16(interleave(&samples, channels)),
        DecodingResult::U8(samples) => Samples::U8(samples),
        DecodingResult::U16(samples) => Samples::U16(samples),
        _ => return Err(Error::Unsupported("TIFF with 32 bits a sample or more is not supported".into())),
    };
    if samples.len() != count {
        return Err(malformed("its pixels are not as many as its size says"));
    }
    Ok(Raw { color, channels, samples })
}

/// The file, with a palette or gray that begins at white passed off as plain gray: the library takes neither with all
/// depths and extra samples. What the numbers mean is looked up afterwards.
fn as_plain_gray<'a>(file: &File<'a>, page: &Directory) -> Cow<'a, [u8]> {
    let entry = page.find(tag::PHOTOMETRIC);
    match (entry, file.number(page, tag::PHOTOMETRIC)) {
        (Some(entry), Some(WHITE_IS_ZERO | PALETTE)) => {
            let mut bytes = file.bytes.to_vec();
            // A SHORT lies at the beginning of the value's four bytes.
            bytes[entry.at + 2..entry.at + 4].copy_from_slice(&file.encode_u16(3));
            bytes[entry.at + 8..entry.at + 10].copy_from_slice(&file.encode_u16(BLACK_IS_ZERO));
            Cow::Owned(bytes)
        }
        _ => Cow::Borrowed(file.bytes),
    }
}

/// One value a byte, from rows that begin at whole bytes.
fn unpack(packed: &[u8], row_samples: usize, bits: u8) -> Vec<u8> {
    let bits = usize::from(bits);
    let row_bytes = (row_samples * bits).div_ceil(8).max(1);
    let sample = |row: &[u8], index: usize| {
        let bit = index * bits;
        row[bit / 8] >> (8 - bits - bit % 8) & ((1 << bits) - 1)
    };
    packed
        .chunks_exact(row_bytes)
        .flat_map(|row| (0..row_samples).map(move |index| sample(row, index)))
        .collect()
}

fn interleave<T: Copy>(planes: &[T], channels: usize) -> Vec<T> {
    let pixels = planes.len() / channels;
    (0..pixels * channels).map(|index| planes[index % channels * pixels + index / channels]).collect()
}

impl Raw {
    fn into_samples(
        self,
        file: &File<'_>,
        page: &Directory,
        profile: Option<&[u8]>,
        warnings: &mut Vec<Warning>,
    ) -> Result<(Layout, Samples)> {
        let photometric = file.number(page, tag::PHOTOMETRIC);
        let (channels, alpha) = (self.channels, alpha(file, page));
        let (layout, samples) = match self.color {
            ColorType::Gray(bits) if photometric == Some(PALETTE) => {
                return Ok((Layout::Rgb, look_up(&self.samples, &file.numbers(page, tag::COLOR_MAP), bits)?));
            }
            ColorType::Gray(bits) => (Layout::Gray, widen(self.samples, bits)),
            ColorType::Multiband { bit_depth: 8 | 16, .. } if photometric != Some(PALETTE) => {
                if alpha == Alpha::None {
                    (Layout::Gray, take_channels(self.samples, channels, 1))
                } else {
                    (Layout::GrayAlpha, take_channels(self.samples, channels, 2))
                }
            }
            ColorType::RGB(8 | 16) => (Layout::Rgb, self.samples),
            ColorType::RGBA(8 | 16) if alpha == Alpha::None => {
                (Layout::Rgb, take_channels(self.samples, channels, 3))
            }
            ColorType::RGBA(8 | 16) => (Layout::Rgba, self.samples),
            ColorType::CMYK(8) | ColorType::CMYK(16) => {
                return Ok((Layout::Rgb, convert_cmyk(self.samples, profile, warnings)));
            }
            ColorType::YCbCr(8) => (Layout::Rgb, convert_ycbcr(self.samples)),
            other => {
                return Err(Error::Unsupported(format!(
                    "TIFF with {other:?} is not supported: convert it to RGB first"
                )));
            }
        };
        let samples = if photometric == Some(WHITE_IS_ZERO) { invert(samples, layout) } else { samples };
        Ok((layout, if alpha == Alpha::Associated { divide(samples, layout) } else { samples }))
    }
}

/// From 1, 2 or 4 bits to 8: the largest number becomes 255.
fn widen(samples: Samples, bits: u8) -> Samples {
    match samples {
        Samples::U8(samples) if bits < 8 => {
            let factor = 255 / ((1u8 << bits) - 1);
            Samples::U8(samples.into_iter().map(|sample| sample * factor).collect())
        }
        other => other,
    }
}

/// A palette is red, green and blue in turn, each of 16 bits (section 5).
fn look_up(samples: &Samples, map: &[u32], bits: u8) -> Result<Samples> {
    let size = 1usize << bits.min(16);
    let (Samples::U8(indexes), true) = (samples, map.len() == size * 3) else {
        return Err(malformed("its palette does not fit its pixels"));
    };
    // Some writers put 8 bits where 16 belong.
    let shift = if map.iter().any(|value| *value > 255) { 8 } else { 0 };
    let color =
        |index: &u8| [0, 1, 2].map(|channel| (map[channel * size + usize::from(*index)] >> shift) as u8);
    Ok(Samples::U8(indexes.iter().flat_map(color).collect()))
}

fn take_channels(samples: Samples, channels: usize, taken: usize) -> Samples {
    fn take<T: Copy>(samples: &[T], channels: usize, taken: usize) -> Vec<T> {
        samples.chunks_exact(channels).flat_map(|pixel| &pixel[..taken]).copied().collect()
    }
    match samples {
        _ if channels == taken => samples,
        Samples::U8(samples) => Samples::U8(take(&samples, channels, taken)),
        Samples::U16(samples) => Samples::U16(take(&samples, channels, taken)),
    }
}

/// Gray that begins at white.
fn invert(mut samples: Samples, layout: Layout) -> Samples {
    let channels = layout.channels();
    match &mut samples {
        Samples::U8(samples) => samples.iter_mut().step_by(channels).for_each(|sample| *sample = !*sample),
        Samples::U16(samples) => samples.iter_mut().step_by(channels).for_each(|sample| *sample = !*sample),
    }
    samples
}

/// Undoes the multiplication with alpha, rounding to the nearest; colours above their alpha are full.
fn divide(mut samples: Samples, layout: Layout) -> Samples {
    fn divide<T: Copy + Into<u64> + TryFrom<u64>>(pixel: &mut [T], full: u64) {
        let Some((alpha, colors)) = pixel.split_last_mut() else { return };
        let alpha: u64 = (*alpha).into();
        for color in colors {
            let straight = ((*color).into() * full + alpha / 2).checked_div(alpha).unwrap_or(0).min(full);
            *color = T::try_from(straight).unwrap_or(*color);
        }
    }
    let channels = layout.channels();
    match &mut samples {
        Samples::U8(samples) => samples.chunks_exact_mut(channels).for_each(|pixel| divide(pixel, 255)),
        Samples::U16(samples) => samples.chunks_exact_mut(channels).for_each(|pixel| divide(pixel, 65_535)),
    }
    samples
}

fn convert_cmyk(samples: Samples, profile: Option<&[u8]>, warnings: &mut Vec<Warning>) -> Samples {
    let inks = match samples {
        Samples::U8(inks) => inks,
        Samples::U16(inks) => inks.into_iter().map(|ink| (ink >> 8) as u8).collect(),
    };
    let (rgb, by_profile) = color::cmyk_to_srgb8(&inks, profile);
    let how = if by_profile { "by its profile" } else { "without a profile, as browsers do" };
    warnings
        .push(Warning { code: "cmyk_converted".into(), detail: format!("CMYK was converted to sRGB {how}") });
    Samples::U8(rgb)
}

/// Full range, with the coefficients of ITU-R BT.601 that TIFF has by default (section 21), in 16 fractional bits.
fn convert_ycbcr(samples: Samples) -> Samples {
    let Samples::U8(mut samples) = samples else { return samples };
    for pixel in samples.chunks_exact_mut(3) {
        let [y, cb, cr] = [i32::from(pixel[0]) << 16, i32::from(pixel[1]) - 128, i32::from(pixel[2]) - 128];
        let rgb = [y + 91_881 * cr, y - 22_554 * cb - 46_802 * cr, y + 116_130 * cb];
        pixel.copy_from_slice(&rgb.map(|value| ((value + 0x8000) >> 16).clamp(0, 255) as u8));
    }
    Samples::U8(samples)
}

fn from_library(error: TiffError) -> Error {
    match error {
        TiffError::UnsupportedError(error) => {
            Error::Unsupported(format!("this TIFF is not supported, convert it to RGB first: {error}"))
        }
        TiffError::LimitsExceeded => malformed("its parts are larger than its size says"),
        error => malformed(error),
    }
}
