//! The three encoders of WebP.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::container::embed;
use super::ffi::{self, Encoded, Pixels, Settings, Subsampled};
use crate::analyze::Analysis;
use crate::codec::{Encoder, Mode, Prepared, Setting, Source};
use crate::image::{Image, Layout};
use crate::metadata::Embedded;
use crate::search::Curve;
use crate::{Control, Effort, Error, Quality, Result};

/// Name and version of the library.
pub(super) const IDENTITY: (&str, &str) = ("libwebp", "1.6.0");

/// Longest side (RFC 9649, section 3.4): 14 bits.
pub(super) const MAX_SIDE: u32 = 16_383;

/// VP8L. The colour under transparent pixels is kept too.
pub(super) struct Lossless;

pub(super) const LOSSLESS: Settings = Settings {
    lossless: true,
    quality: 75.0,
    method: 4,
    near_lossless: 100,
    filter_sharpness: 0,
    partition_limit: 0,
};

/// VP8L of pixels that are moved a little, to values that the ones before foretell; its quality is libwebp's own, in which
/// there are five steps: at 80 a sample moves by 1 at most, at 0 by 16 (libwebp, `VP8LNearLosslessBits`). The colour under
/// transparent pixels is not kept.
pub(super) struct NearLossless;

/// Pictures with a smaller side are left as they are (libwebp, `near_lossless_enc.c`).
const MIN_SIDE_FOR_NEAR_LOSSLESS: u32 = 64;

fn near_lossless(setting: Setting) -> Settings {
    Settings { near_lossless: setting.quality.0.clamp(0.0, 100.0).round() as u8, ..LOSSLESS }
}

/// VP8, with colours subsampled sharply and alpha kept whole; its quality is libwebp's own.
pub(super) struct Lossy;

pub(super) fn lossy(setting: Setting) -> Settings {
    let method = match setting.effort {
        Effort::Fast => 4,
        Effort::Balanced => 5,
        Effort::Max => 6,
    };
    let quality = setting.quality.0.clamp(0.0, 100.0);
    Settings { lossless: false, quality, method, near_lossless: 100, filter_sharpness: 7, partition_limit: 0 }
}

impl Encoder for Lossless {
    fn identity(&self) -> (&'static str, &'static str) {
        IDENTITY
    }

    fn mode(&self) -> Mode {
        Mode::Lossless
    }

    fn accepts(&self, source: Source<'_>) -> bool {
        accepts(source.image)
    }

    fn settings(&self, _: Source<'_>, _: Setting) -> Map<String, Value> {
        Map::from_iter([
            ("lossless".into(), json!(true)),
            ("method".into(), json!(LOSSLESS.method)),
            ("effort".into(), json!(LOSSLESS.quality)),
        ])
    }

    fn encode(
        &self,
        source: Source<'_>,
        _: Setting,
        embedded: &Embedded,
        control: &Control,
    ) -> Result<Vec<u8>> {
        encode(source.image, LOSSLESS, embedded, control)
    }
}

impl Encoder for NearLossless {
    fn identity(&self) -> (&'static str, &'static str) {
        IDENTITY
    }

    fn mode(&self) -> Mode {
        Mode::Lossy { min: Quality(0.0), max: Quality(80.0), step: 20.0 }
    }

    /// Who asks for a quality of WebP means VP8's.
    fn takes_requested_quality(&self) -> bool {
        false
    }

    /// Where few steps are, a part tells less than the first of them.
    fn rehearses(&self) -> bool {
        false
    }

    /// Photos are smaller as VP8 at any score that this reaches (`docs/decisions/0015-choice.md`).
    fn suits(&self, analysis: &Analysis) -> bool {
        analysis.is_graphic()
    }

    /// Not what has soft edges: alpha would be moved like any sample.
    fn accepts(&self, source: Source<'_>) -> bool {
        let image = source.image;
        accepts(image)
            && image.width.min(image.height) >= MIN_SIDE_FOR_NEAR_LOSSLESS
            && has_clear_edges(image)
    }

    fn settings(&self, _: Source<'_>, setting: Setting) -> Map<String, Value> {
        let settings = near_lossless(setting);
        Map::from_iter([
            ("lossless".into(), json!(true)),
            ("near_lossless".into(), json!(settings.near_lossless)),
            ("method".into(), json!(settings.method)),
            ("effort".into(), json!(settings.quality)),
        ])
    }

    fn encode(
        &self,
        source: Source<'_>,
        setting: Setting,
        embedded: &Embedded,
        control: &Control,
    ) -> Result<Vec<u8>> {
        encode(source.image, near_lossless(setting), embedded, control)
    }
}

impl Encoder for Lossy {
    fn identity(&self) -> (&'static str, &'static str) {
        IDENTITY
    }

    fn mode(&self) -> Mode {
        Mode::Lossy { min: Quality(1.0), max: Quality(100.0), step: 0.5 }
    }

    fn curve(&self, _effort: Effort) -> &'static Curve {
        static CURVE: Curve = Curve {
            offset: -4.7242,
            slope: 2.2826,
            bend: 0.0150,
            weights: [0.4807, 0.0197, 0.2751, 0.2634, -0.0022, -0.0144, 0.2315, -0.1104],
            tilts: [0.2964, -0.0821, -0.4152, -0.1387, -0.2694, 0.2104, -0.0496, -0.0506],
        };
        &CURVE
    }

    fn is_predictable(&self) -> bool {
        true
    }

    fn accepts(&self, source: Source<'_>) -> bool {
        accepts(source.image)
    }

    fn settings(&self, _: Source<'_>, setting: Setting) -> Map<String, Value> {
        let settings = lossy(setting);
        Map::from_iter([
            ("lossless".into(), json!(false)),
            ("quality".into(), json!(settings.quality)),
            ("method".into(), json!(settings.method)),
            ("filter_sharpness".into(), json!(settings.filter_sharpness)),
            ("sharp_yuv".into(), json!(true)),
        ])
    }

    fn encode(
        &self,
        source: Source<'_>,
        setting: Setting,
        embedded: &Embedded,
        control: &Control,
    ) -> Result<Vec<u8>> {
        subsample(source.image)?.encode(setting, embedded, control)
    }

    fn prepare<'s>(
        &'s self,
        source: Source<'s>,
        control: &Control,
    ) -> Result<Option<Box<dyn Prepared + 's>>> {
        control.check()?;
        Ok(Some(Box::new(subsample(source.image)?)))
    }
}

fn subsample(image: &Image) -> Result<Subsampled> {
    with_pixels(image, Subsampled::new)
}

impl Prepared for Subsampled {
    fn encode(&self, setting: Setting, embedded: &Embedded, control: &Control) -> Result<Vec<u8>> {
        embed(&pressed_to_fit(self, lossy(setting), control)?, embedded)
    }
}

/// A file without metadata, whose header is pressed as far as it must be.
///
/// # Errors
/// `Codec`; `DeadlineExceeded`, `Cancelled`.
pub(super) fn pressed_to_fit(picture: &Subsampled, settings: Settings, control: &Control) -> Result<Vec<u8>> {
    // Large pictures at high quality: what says how each block is coded outgrows its 512 KB. Pressed, it fits.
    for partition_limit in [0, 50, 100] {
        match picture.encode_bare(&Settings { partition_limit, ..settings }, control)? {
            Encoded::Done(bare) => return Ok(bare),
            Encoded::HeaderTooLarge => {}
        }
    }
    Err(Error::codec("libwebp", "the picture is too detailed for a VP8 header"))
}

fn accepts(image: &Image) -> bool {
    // There is no gray WebP, and so no place for a profile for gray.
    let gray_profile = image.layout.is_gray() && image.profile.is_some();
    image.frames.len() == 1 && image.bits() == 8 && image.width.max(image.height) <= MAX_SIDE && !gray_profile
}

/// `false` for 16 bits a sample.
fn has_clear_edges(image: &Image) -> bool {
    let Some(samples) = image.samples_u8() else { return false };
    let channels = image.layout.channels();
    !image.layout.has_alpha() || samples.chunks_exact(channels).all(|p| matches!(p[channels - 1], 0 | 255))
}

/// Encodes as VP8L.
fn encode(image: &Image, settings: Settings, embedded: &Embedded, control: &Control) -> Result<Vec<u8>> {
    match with_pixels(image, |pixels| ffi::encode(pixels, &settings, control))? {
        Encoded::Done(bare) => embed(&bare, embedded),
        Encoded::HeaderTooLarge => Err(Error::codec("libwebp", "a lossless picture has no such header")),
    }
}

fn with_pixels<T>(image: &Image, work: impl FnOnce(Pixels<'_>) -> Result<T>) -> Result<T> {
    let samples = image.samples_u8().ok_or_else(|| Error::codec("libwebp", "it takes 8 bits a sample"))?;
    let samples = widen_gray(samples, image.layout);
    let (width, height, has_alpha) = (image.width, image.height, image.layout.has_alpha());
    work(Pixels { samples: &samples, width, height, has_alpha })
}

fn widen_gray(samples: &[u8], layout: Layout) -> Cow<'_, [u8]> {
    if !layout.is_gray() {
        return Cow::Borrowed(samples);
    }
    let mut wide = Vec::with_capacity(samples.len() * 3);
    for pixel in samples.chunks_exact(layout.channels()) {
        wide.extend([pixel[0], pixel[0]]);
        wide.extend_from_slice(pixel);
    }
    Cow::Owned(wide)
}
