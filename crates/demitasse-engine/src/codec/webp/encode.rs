//! The two encoders of WebP.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::container::embed;
use super::ffi::{self, Encoded, Pixels, Settings};
use crate::codec::{Encoder, Mode, Setting, Source};
use crate::image::{Image, Layout};
use crate::metadata::Embedded;
use crate::search::Curve;
use crate::{Control, Effort, Error, Quality, Result};

/// Name and version of the library.
pub(super) const IDENTITY: (&str, &str) = ("libwebp", "1.6.0");

/// Longest side (RFC 9649, section 3.4): 14 bits.
const MAX_SIDE: u32 = 16_383;

/// VP8L. The colour under transparent pixels is kept too.
pub(super) struct Lossless;

const LOSSLESS: Settings =
    Settings { lossless: true, quality: 75.0, method: 4, filter_sharpness: 0, partition_limit: 0 };

/// VP8, with colours subsampled sharply and alpha kept whole; its quality is libwebp's own.
pub(super) struct Lossy;

fn lossy(setting: Setting) -> Settings {
    let method = match setting.effort {
        Effort::Fast => 4,
        Effort::Balanced => 5,
        Effort::Max => 6,
    };
    let quality = setting.quality.0.clamp(0.0, 100.0);
    Settings { lossless: false, quality, method, filter_sharpness: 7, partition_limit: 0 }
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
        encode(source.image, lossy(setting), embedded, control)
    }
}

fn accepts(image: &Image) -> bool {
    // There is no gray WebP, and so no place for a profile for gray.
    let gray_profile = image.layout.is_gray() && image.profile.is_some();
    image.frames.len() == 1 && image.bits() == 8 && image.width.max(image.height) <= MAX_SIDE && !gray_profile
}

fn encode(image: &Image, settings: Settings, embedded: &Embedded, control: &Control) -> Result<Vec<u8>> {
    let samples = image.samples_u8().ok_or_else(|| Error::codec("libwebp", "it takes 8 bits a sample"))?;
    let samples = widen_gray(samples, image.layout);
    let (width, height, has_alpha) = (image.width, image.height, image.layout.has_alpha());
    let pixels = Pixels { samples: &samples, width, height, has_alpha };
    // Large pictures at high quality: what says how each block is coded outgrows its 512 KB. Pressed, it fits.
    for partition_limit in [settings.partition_limit, 50, 100] {
        match ffi::encode(pixels, &Settings { partition_limit, ..settings }, control)? {
            Encoded::Done(bare) => return embed(&bare, embedded),
            Encoded::HeaderTooLarge => {}
        }
    }
    Err(Error::codec("libwebp", "the picture is too detailed for a VP8 header"))
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
