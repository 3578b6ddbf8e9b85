//! PNG with at most 256 colours.
//!
//! - `levels`: which alpha goes out for which; colours of one alpha are a class, and classes never mix.
//! - `activity`, `histogram`: which colours there are, and how much each counts where the eye can see it.
//! - `space`: how far colours are apart.
//! - `split`, `kmeans`: the palette; `nearest` is how a colour is found in it.
//! - `remap`: pixels to indexes, with as much error diffusion as helps.
//!
//! All of it depends on the pixels alone, and is measured in `docs/decisions/0018-palette.md`.

mod activity;
mod histogram;
mod kmeans;
mod levels;
mod nearest;
mod remap;
mod space;
mod split;

use oxipng::{BitDepth, ColorType, FilterStrategy, IndexSet, Options, RGBA8, RawImage, StripChunks};
use serde_json::{Map, Value, json};

use self::activity::Activity;
use self::levels::Levels;
use self::remap::{Indexed, Style};
use self::space::Space;
use super::container::{assemble, color_chunks};
use super::lossless::{Lossless, OXIPNG_VERSION};
use crate::codec::{Codec, Encoder, Mode, Setting, Source};
use crate::image::{Image, Layout};
use crate::metadata::Embedded;
use crate::reduce::reduce;
use crate::{Control, Error, Limits, Quality, Result};

/// Of what picks the colours; counts up whenever the same request gets other bytes.
const REVISION: &str = "1";

/// From this quality on there are 256 colours, and finer is only how they are laid out.
const ALL_COLORS_AT: f32 = 90.0;
/// Below that quality: the best of those tried, by bytes at equal score (`docs/decisions/0018-palette.md`).
const USUAL: Style = Style { dithering: 0.6, reuse: 0.4 };
/// At quality 100: half a point more in score, for 6 % more bytes.
const FINEST: Style = Style { dithering: 0.75, reuse: 0.0 };

/// Picks the colours itself. The quality is how many: 2 at 1, 256 at 90, and the same ratio from each step to the next;
/// never fewer than there are levels of alpha. From there on to 100 neighbours count less. Alpha moves by 1 of 255 at
/// most.
pub(super) struct Palette;

impl Encoder for Palette {
    fn identity(&self) -> (&'static str, &'static str) {
        ("palette", REVISION)
    }

    fn mode(&self) -> Mode {
        Mode::Lossy { min: Quality(1.0), max: Quality(100.0), step: 1.0 }
    }

    /// The colours of a part are not those of the whole.
    fn rehearses(&self) -> bool {
        false
    }

    fn accepts(&self, source: Source<'_>) -> bool {
        let image = source.image;
        // The profile of an indexed PNG is one for colours, whatever the colours are.
        let gray_profile = image.layout.is_gray() && image.profile.is_some();
        image.frames.len() == 1 && !gray_profile && image.samples_u8().is_some()
    }

    fn settings(&self, _: Source<'_>, setting: Setting) -> Map<String, Value> {
        let Style { dithering, reuse } = style(setting.quality);
        Map::from_iter([
            ("colors".into(), json!(colors(setting.quality))),
            ("dithering".into(), json!(dithering)),
            ("reuse".into(), json!(reuse)),
            ("packed_by".into(), json!(format!("oxipng {OXIPNG_VERSION}"))),
        ])
    }

    /// Cost: 0.3 to 0.8 s a megapixel, a good part of it packing; memory about eight bytes a pixel.
    fn encode(
        &self,
        source: Source<'_>,
        setting: Setting,
        embedded: &Embedded,
        control: &Control,
    ) -> Result<Vec<u8>> {
        control.check()?;
        let (width, height) = (source.image.width, source.image.height);
        let pixels = to_rgba(source.image)?;
        let Indexed { palette, indexes } = quantize(&pixels, width as usize, setting.quality, control)?;
        drop(pixels);
        control.check()?;
        let palette = palette.into_iter().map(|[r, g, b, alpha]| RGBA8::new(r, g, b, alpha)).collect();
        let raw = RawImage::new(width, height, ColorType::Indexed { palette }, BitDepth::Eight, indexes)
            .map_err(|error| Error::codec("oxipng", error))?;
        let options = Options {
            strip: StripChunks::All,
            filters: IndexSet::from([FilterStrategy::NONE]),
            grayscale_reduction: embedded.icc.is_none() || embedded.icc_is_srgb,
            ..Options::from_preset(2)
        };
        let bare = raw.create_optimized_png(&options).map_err(|error| Error::codec("oxipng", error))?;
        assemble(&bare, &color_chunks(source.bytes, embedded), embedded)
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

/// 2 at quality 1, 256 from [`ALL_COLORS_AT`] on, geometric between.
fn colors(Quality(quality): Quality) -> usize {
    let part = (quality.clamp(1.0, ALL_COLORS_AT) - 1.0) / (ALL_COLORS_AT - 1.0);
    (2.0 * 128f32.powf(part)).round() as usize
}

/// [`USUAL`] up to [`ALL_COLORS_AT`], [`FINEST`] at 100, straight between.
fn style(Quality(quality): Quality) -> Style {
    let part = (quality.clamp(ALL_COLORS_AT, 100.0) - ALL_COLORS_AT) / (100.0 - ALL_COLORS_AT);
    let between = |from: f32, to: f32| from + (to - from) * part;
    Style { dithering: between(USUAL.dithering, FINEST.dithering), reuse: between(USUAL.reuse, FINEST.reuse) }
}

fn to_rgba(image: &Image) -> Result<Vec<[u8; 4]>> {
    let samples = image.samples_u8().ok_or_else(|| Error::codec("palette", "it takes 8 bits a sample"))?;
    let pixels = samples.chunks_exact(image.layout.channels());
    Ok(match image.layout {
        Layout::Gray => pixels.map(|pixel| [pixel[0], pixel[0], pixel[0], 255]).collect(),
        Layout::GrayAlpha => pixels.map(|pixel| [pixel[0], pixel[0], pixel[0], pixel[1]]).collect(),
        Layout::Rgb => pixels.map(|pixel| [pixel[0], pixel[1], pixel[2], 255]).collect(),
        Layout::Rgba => samples.as_chunks().0.to_vec(),
    })
}

fn quantize(pixels: &[[u8; 4]], width: usize, quality: Quality, control: &Control) -> Result<Indexed> {
    let most = colors(quality);
    let (space, levels) = (Space::new(), Levels::of(pixels, most));
    let activity = Activity::of(pixels, width);
    let histogram = histogram::collect(pixels, width, &levels, &activity, &space);
    control.check()?;
    let centers = kmeans::refine(&histogram, split::split(&histogram, most));
    control.check()?;
    let palette = remap::Palette::new(&centers, &levels, &space);
    Ok(palette.remap(pixels, width, &levels, &space, style(quality)))
}
