//! PNG with every pixel as it was.

use oxipng::{BitDepth, ColorType, Options, RawImage, StripChunks};
use serde_json::{Map, Value, json};

use super::container::{assemble, color_chunks};
use crate::codec::{Encoder, Mode, Setting, Source};
use crate::image::{Image, Layout, Samples};
use crate::metadata::Embedded;
use crate::{Control, Error, Result};

/// Of the library; its output may change with it.
pub(super) const OXIPNG_VERSION: &str = "10.2.1";

/// Levels 3 to 6 gain 1 to 2 % for 2 to 14 times the time.
const LEVEL: u8 = 2;

/// Tries filters and cheaper colour types (gray, palette, fewer bits) and keeps the smallest. The colour under
/// transparent pixels is kept too.
pub(super) struct Lossless;

impl Encoder for Lossless {
    fn identity(&self) -> (&'static str, &'static str) {
        ("oxipng", OXIPNG_VERSION)
    }

    fn mode(&self) -> Mode {
        Mode::Lossless
    }

    fn accepts(&self, source: Source<'_>) -> bool {
        source.image.frames.len() == 1
    }

    fn settings(&self, _: Source<'_>, _: Setting) -> Map<String, Value> {
        Map::from_iter([("level".into(), json!(LEVEL))])
    }

    /// Cost: 0.3 to 3 s a megapixel, photos most; memory several times the pixels.
    fn encode(
        &self,
        source: Source<'_>,
        _: Setting,
        embedded: &Embedded,
        control: &Control,
    ) -> Result<Vec<u8>> {
        control.check()?;
        let raw = raw_image(source.image)?;
        let mut options = Options::from_preset(LEVEL);
        options.strip = StripChunks::All;
        // What it then gives is not its best, but is not used either.
        options.timeout = control.remaining();
        // A profile for colours may not stand in a gray PNG, nor the reverse (section 11.3.2.3).
        options.grayscale_reduction = embedded.icc.is_none() || embedded.icc_is_srgb;
        let bare = raw.create_optimized_png(&options).map_err(|error| Error::codec("oxipng", error))?;
        control.check()?;
        assemble(&bare, &color_chunks(source.bytes, embedded), embedded)
    }
}

/// Hands the samples over, in the byte order of the file.
fn raw_image(image: &Image) -> Result<RawImage> {
    let (depth, data) = match image.samples() {
        Samples::U8(samples) => (BitDepth::Eight, samples.clone()),
        Samples::U16(samples) => (BitDepth::Sixteen, samples.iter().flat_map(|s| s.to_be_bytes()).collect()),
    };
    let color = match image.layout {
        Layout::Gray => ColorType::Grayscale { transparent_shade: None },
        Layout::GrayAlpha => ColorType::GrayscaleAlpha,
        Layout::Rgb => ColorType::RGB { transparent_color: None },
        Layout::Rgba => ColorType::RGBA,
    };
    RawImage::new(image.width, image.height, color, depth, data)
        .map_err(|error| Error::codec("oxipng", error))
}
