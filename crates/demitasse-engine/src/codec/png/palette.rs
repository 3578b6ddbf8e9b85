//! PNG with at most 256 colours.

use oxipng::{BitDepth, ColorType, FilterStrategy, IndexSet, Options, RGBA8, RawImage, StripChunks};
use quantizr::QuantizeResult;
use serde_json::{Map, Value, json};

use super::container::{assemble, color_chunks};
use super::lossless::Lossless;
use crate::codec::{Codec, Encoder, Mode, Setting, Source};
use crate::image::{Image, Layout};
use crate::metadata::Embedded;
use crate::reduce::reduce;
use crate::{Control, Error, Limits, Quality, Result};

const QUANTIZR_VERSION: &str = "1.4.3";

/// Of quantizr's error diffusion, from 0 to 1. At a score of 75 the files of six images are 1 % smaller than without it
/// and 3 % smaller than at 1; without it, some photos do not reach 75 with 256 colours.
const DITHERING: f32 = 0.5;

/// Picks the colours by quantizr, whose quality is how many: 2 at 1, 256 at 100, and the same ratio from each step to
/// the next. Opaque pixels stay opaque, transparent pixels transparent.
pub(super) struct Palette;

impl Encoder for Palette {
    fn identity(&self) -> (&'static str, &'static str) {
        ("quantizr", QUANTIZR_VERSION)
    }

    fn mode(&self) -> Mode {
        Mode::Lossy { min: Quality(1.0), max: Quality(100.0), step: 1.0 }
    }

    /// The colours of a part are not those of the whole.
    fn rehearses(&self) -> bool {
        false
    }

    fn accepts(&self, source: Source<'_>) -> bool {
        // The profile of an indexed PNG is one for colours, whatever the colours are.
        let gray_profile = source.image.layout.is_gray() && source.image.profile.is_some();
        source.image.frames.len() == 1 && !gray_profile && has_clear_edges(source.image)
    }

    fn settings(&self, _: Source<'_>, setting: Setting) -> Map<String, Value> {
        Map::from_iter([
            ("colors".into(), json!(colors(setting.quality))),
            ("dithering".into(), json!(DITHERING)),
            ("packed_by".into(), json!(format!("oxipng {}", super::lossless::OXIPNG_VERSION))),
        ])
    }

    /// Cost: 0.2 to 1.2 s a megapixel; memory about eight bytes a pixel.
    fn encode(
        &self,
        source: Source<'_>,
        setting: Setting,
        embedded: &Embedded,
        control: &Control,
    ) -> Result<Vec<u8>> {
        control.check()?;
        let rgba = to_rgba(source.image)?;
        let (width, height) = (source.image.width, source.image.height);
        let indexed = quantize(&rgba, width as usize, height as usize, colors(setting.quality))?;
        drop(rgba);
        control.check()?;
        let color = ColorType::Indexed { palette: indexed.palette };
        let raw = RawImage::new(width, height, color, BitDepth::Eight, indexed.indexes)
            .map_err(|error| Error::codec("oxipng", error))?;
        let options = Options {
            strip: StripChunks::All,
            filters: IndexSet::from([FilterStrategy::NONE]),
            grayscale_reduction: embedded.icc.is_none(),
            ..Options::from_preset(2)
        };
        let bare = raw.create_optimized_png(&options).map_err(|error| Error::codec("oxipng", error))?;
        assemble(&bare, &color_chunks(source.bytes, embedded.icc.is_some()), embedded)
    }

    /// The trials are packed without filters. The lossless encoder tries all of them, and would find the same bytes
    /// from these pixels again, so that a second pass has nothing to gain.
    fn repack(
        &self,
        source: Source<'_>,
        setting: Setting,
        result: Vec<u8>,
        embedded: &Embedded,
        control: &Control,
    ) -> Result<Vec<u8>> {
        let mut pixels = super::Png.decode(&result, &Limits::default(), control)?.image;
        pixels.profile = source.image.profile.clone();
        let source = Source { image: &reduce(pixels), ..source };
        let packed = Lossless.encode(source, setting, embedded, control)?;
        Ok(if packed.len() < result.len() { packed } else { result })
    }
}

/// Whether every pixel is opaque or fully transparent: 256 colours do not hold the alpha of soft edges, which must come
/// out as it was. `false` for 16 bits a sample.
fn has_clear_edges(image: &Image) -> bool {
    let Some(samples) = image.samples_u8() else { return false };
    let channels = image.layout.channels();
    !image.layout.has_alpha() || samples.chunks_exact(channels).all(|p| matches!(p[channels - 1], 0 | 255))
}

/// 2 at quality 1, 256 at 100, geometric between.
fn colors(quality: Quality) -> usize {
    let part = (quality.0.clamp(1.0, 100.0) - 1.0) / 99.0;
    (2.0 * 128f32.powf(part)).round() as usize
}

fn to_rgba(image: &Image) -> Result<Vec<u8>> {
    let samples = image.samples_u8().ok_or_else(|| Error::codec("quantizr", "it takes 8 bits a sample"))?;
    let pixels = samples.chunks_exact(image.layout.channels());
    let mut rgba = Vec::with_capacity(pixels.len() * 4);
    match image.layout {
        Layout::Gray => pixels.for_each(|pixel| rgba.extend([pixel[0], pixel[0], pixel[0], 255])),
        Layout::GrayAlpha => pixels.for_each(|pixel| rgba.extend([pixel[0], pixel[0], pixel[0], pixel[1]])),
        Layout::Rgb => pixels.for_each(|pixel| rgba.extend([pixel[0], pixel[1], pixel[2], 255])),
        Layout::Rgba => rgba.extend_from_slice(samples),
    }
    Ok(rgba)
}

struct Indexed {
    palette: Vec<RGBA8>,
    indexes: Vec<u8>,
}

/// Which pixels an entry of the palette stands for.
#[derive(Clone, Copy, Default)]
struct Use {
    opaque: usize,
    clear: usize,
    between: usize,
}

fn quantize(rgba: &[u8], width: usize, height: usize, colors: usize) -> Result<Indexed> {
    let mut indexed = quantize_freely(rgba, width, height, colors)?;
    if !keep_clear(rgba, &mut indexed) {
        // The palette is full, and none of its entries is the transparent one.
        indexed = quantize_freely(rgba, width, height, colors.min(255))?;
        keep_clear(rgba, &mut indexed);
    }
    keep_opaque(rgba, &mut indexed);
    Ok(indexed)
}

fn quantize_freely(rgba: &[u8], width: usize, height: usize, colors: usize) -> Result<Indexed> {
    let failed = |error| Error::codec("quantizr", format!("{error:?}"));
    let image = quantizr::Image::new(rgba, width, height).map_err(failed)?;
    let mut options = quantizr::Options::default();
    options.set_max_colors(colors as i32).map_err(failed)?;
    let mut result = QuantizeResult::quantize(&image, &options);
    result.set_dithering_level(DITHERING).map_err(failed)?;
    let mut indexes = vec![0; width * height];
    result.remap_image(&image, &mut indexes).map_err(failed)?;
    let palette = result.get_palette();
    let entries = palette.entries.iter().take(palette.count as usize);
    let palette = entries.map(|color| RGBA8::new(color.r, color.g, color.b, color.a)).collect();
    Ok(Indexed { palette, indexes })
}

/// Gives every transparent pixel a transparent entry: one that is there, one that only they use, or a new one. `false`
/// if there is no room.
fn keep_clear(rgba: &[u8], indexed: &mut Indexed) -> bool {
    let uses = count_uses(rgba, indexed);
    if uses.iter().all(|count| count.clear == 0) {
        return true;
    }
    let clear_already = indexed.palette.iter().position(|color| color.a == 0);
    let only_clear = || uses.iter().position(|count| count.clear > 0 && count.opaque + count.between == 0);
    let index = match clear_already.or_else(only_clear) {
        Some(index) => index,
        None if indexed.palette.len() < 256 => {
            indexed.palette.push(RGBA8::new(0, 0, 0, 0));
            indexed.palette.len() - 1
        }
        None => return false,
    };
    indexed.palette[index] = RGBA8::new(0, 0, 0, 0);
    for (slot, pixel) in indexed.indexes.iter_mut().zip(rgba.as_chunks::<4>().0) {
        if let [.., 0] = pixel {
            *slot = index as u8;
        }
    }
    true
}

/// Gives every opaque pixel an opaque entry: its own, made opaque if most of its pixels are, or the nearest.
fn keep_opaque(rgba: &[u8], indexed: &mut Indexed) {
    let uses = count_uses(rgba, indexed);
    for (color, count) in indexed.palette.iter_mut().zip(&uses) {
        if count.opaque > 0 && count.opaque >= count.between {
            color.a = 255;
        }
    }
    let most =
        uses.iter().enumerate().max_by_key(|(_, count)| count.opaque).filter(|(_, count)| count.opaque > 0);
    if let Some((index, _)) = most
        && indexed.palette.iter().all(|color| color.a < 255)
    {
        indexed.palette[index].a = 255;
    }
    for (slot, pixel) in indexed.indexes.iter_mut().zip(rgba.as_chunks::<4>().0) {
        if let &[r, g, b, 255] = pixel
            && indexed.palette[usize::from(*slot)].a < 255
        {
            *slot = nearest_opaque(&indexed.palette, [r, g, b]).unwrap_or(*slot);
        }
    }
}

fn count_uses(rgba: &[u8], indexed: &Indexed) -> Vec<Use> {
    let mut uses = vec![Use::default(); indexed.palette.len()];
    for (slot, [.., alpha]) in indexed.indexes.iter().zip(rgba.as_chunks::<4>().0) {
        let count = &mut uses[usize::from(*slot)];
        match alpha {
            0 => count.clear += 1,
            255 => count.opaque += 1,
            _ => count.between += 1,
        }
    }
    uses
}

fn nearest_opaque(palette: &[RGBA8], [r, g, b]: [u8; 3]) -> Option<u8> {
    let square = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
    let distance = |color: &RGBA8| square(color.r, r) + square(color.g, g) + square(color.b, b);
    let opaque = palette.iter().enumerate().filter(|(_, color)| color.a == 255);
    opaque.min_by_key(|(_, color)| distance(color)).map(|(index, _)| index as u8)
}
