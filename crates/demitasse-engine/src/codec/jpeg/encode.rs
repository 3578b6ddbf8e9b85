//! The encoders: jpegli, and mozjpeg's lossless transcode.

use serde_json::{Map, Value, json};

use crate::codec::jpeg::container::rewrite;
use crate::codec::jpeg::frame::Structure;
use crate::codec::jpeg::jpegli::{self, Raster, Settings};
use crate::codec::jpeg::{chroma, mozjpeg, trellis};
use crate::codec::{Encoder, Mode, Setting, Source};
use crate::image::Image;
use crate::metadata::Embedded;
use crate::search::{Axis, Curve};
use crate::{Control, Effort, Error, Format, Layout, Quality, Result};

/// Longest side that libjpeg and jpegli take (JPEG_MAX_DIMENSION).
const MAX_SIDE: u32 = 65_500;

/// 94 of half chroma scores as 92 of full chroma does.
const FULL_CHROMA_STRETCH: f32 = 8.0 / 6.0;

/// Lossy: jpegli's tables and entropy coding, and beyond effort `fast` levels of our own choice between.
pub(super) struct Jpegli;

impl Encoder for Jpegli {
    fn identity(&self) -> (&'static str, &'static str) {
        ("jpegli", jpegli::VERSION)
    }

    fn mode(&self) -> Mode {
        Mode::Lossy { min: Quality(5.0), max: Quality(99.0), step: 0.25 }
    }

    fn axis(&self) -> &'static Axis {
        /// The logarithm of the distance.
        static AXIS: Axis = Axis {
            loss: |quality| f64::from(distance(Quality(quality as f32))).ln(),
            quality: |loss| quality_of(loss.exp()),
        };
        &AXIS
    }

    fn curve(&self, effort: Effort) -> &'static Curve {
        static PLAIN: Curve = Curve {
            offset: -8.1208,
            slope: 3.0356,
            bend: -0.0538,
            weights: [0.4119, 0.0913, 0.2955, -0.0248, 0.0898, 0.0202, 0.1707, -0.0168],
            tilts: [0.1456, -0.2151, -0.3642, -0.1237, 0.1754, 0.2675, -0.0363, -0.0564],
        };
        static CHOSEN: Curve = Curve {
            offset: -8.2355,
            slope: 3.3041,
            bend: -0.1270,
            weights: [0.5767, 0.1401, 0.3359, 0.0101, 0.0452, -0.0300, -0.0084, 0.0396],
            tilts: [0.2930, -0.1540, -0.4921, -0.1639, -0.1142, 0.2356, 0.0276, -0.1063],
        };
        if chooses_levels(effort) { &CHOSEN } else { &PLAIN }
    }

    fn is_predictable(&self) -> bool {
        true
    }

    fn accepts(&self, source: Source<'_>) -> bool {
        let image = source.image;
        image.samples_u8().is_some()
            && !image.layout.has_alpha()
            && image.frames.len() == 1
            && image.width.max(image.height) <= MAX_SIDE
    }

    fn settings(&self, source: Source<'_>, setting: Setting) -> Map<String, Value> {
        let quality = setting.quality;
        let settings = settings_of(quality, full_chroma_from(source));
        let mut map = Map::new();
        map.insert("quality".into(), json!(quality));
        map.insert("distance".into(), json!(settings.distance));
        map.insert("trellis".into(), json!(chooses_levels(setting.effort)));
        if source.image.layout == Layout::Rgb {
            map.insert("sampling".into(), if settings.subsampled { "4:2:0".into() } else { "4:4:4".into() });
        }
        let small = source.image.pixels() <= mozjpeg::SMALL.into();
        map.insert(
            "scans".into(),
            if small { "the smaller of sequential and progressive" } else { "progressive" }.into(),
        );
        map
    }

    fn encode(
        &self,
        source: Source<'_>,
        setting: Setting,
        embedded: &Embedded,
        control: &Control,
    ) -> Result<Vec<u8>> {
        let image = source.image;
        let Some(raster) = raster_of(image).filter(|_| self.accepts(source)) else {
            return Err(Error::codec(
                "jpegli",
                "the image has alpha, 16 bits, several frames or a side above 65,500",
            ));
        };
        let settings = settings_of(setting.quality, chroma::full_from(raster));
        let encode = if chooses_levels(setting.effort) { trellis::encode } else { jpegli::encode };
        let mut file = encode(raster, settings, control)?;
        if image.pixels() <= mozjpeg::SMALL.into() {
            let sequential = encode(raster, Settings { progressive_level: 0, ..settings }, control)?;
            if sequential.len() < file.len() {
                file = sequential;
            }
        }
        rewrite(&file, embedded)
    }
}

/// Whether the levels of a block are chosen together: a third more time for a trial (decode, encode, decode and score) and 4 % fewer
/// bytes at the same score (`docs/decisions/0022-trellis.md`).
fn chooses_levels(effort: Effort) -> bool {
    effort != Effort::Fast
}

/// As [`chroma::full_from`]; of what has no 8-bit samples nothing is encoded.
fn full_chroma_from(source: Source<'_>) -> Quality {
    raster_of(source.image).map_or(Quality(100.0), chroma::full_from)
}

fn raster_of(image: &Image) -> Option<Raster<'_>> {
    let samples = image.samples_u8()?;
    Some(Raster {
        width: image.width,
        height: image.height,
        channels: image.layout.channels() as u8,
        samples,
    })
}

/// Half-resolution chroma below `full_from`; from there on full chroma, at a lower setting, so that neither bytes nor
/// scores jump where the two meet (`docs/decisions/0005-jpeg-settings.md`).
fn settings_of(quality: Quality, full_from: Quality) -> Settings {
    let subsampled = quality < full_from;
    Settings { distance: distance_of_sampling(quality, subsampled), subsampled, progressive_level: 2 }
}

/// The distance at which a picture of half, or of full, chroma scores as this quality does.
pub(super) fn distance_of_sampling(quality: Quality, subsampled: bool) -> f32 {
    let stretched = if subsampled { quality.0 } else { 100.0 - (100.0 - quality.0) * FULL_CHROMA_STRETCH };
    distance(Quality(stretched))
}

/// Butteraugli distance of a quality on libjpeg's familiar scale: jpegli's own mapping (`jpegli_quality_to_distance` in
/// libjxl 0.10.2), which takes whole numbers, continued to fractions. 100 is 0.01, 90 is 1.0, 75 is 2.35, 30 is 6.4.
fn distance(quality: Quality) -> f32 {
    match quality.0.clamp(0.0, 100.0) {
        100.0 => 0.01,
        quality if quality >= 30.0 => 0.1 + (100.0 - quality) * 0.09,
        quality => 53.0 / 3000.0 * quality * quality - 23.0 / 20.0 * quality + 25.0,
    }
}

/// The quality of a distance: [`distance`] backwards, from 0.01.
fn quality_of(distance: f64) -> f64 {
    let linear = 100.0 - (distance - 0.1) / 0.09;
    if linear >= 30.0 {
        return linear.min(100.0);
    }
    let (a, b, c) = (53.0 / 3000.0, -23.0 / 20.0, 25.0 - distance);
    ((-b - (b * b - 4.0 * a * c).max(0.0).sqrt()) / (2.0 * a)).max(0.0)
}

/// Lossless: the same coefficients in progressive scans, with Huffman tables of their own.
pub(super) struct Transcode;

impl Encoder for Transcode {
    fn identity(&self) -> (&'static str, &'static str) {
        ("mozjpeg-transcode", mozjpeg::VERSION)
    }

    fn mode(&self) -> Mode {
        Mode::Lossless
    }

    /// Only from JPEG; not from CMYK, which stays CMYK while the pixels that everything is compared with are sRGB.
    fn accepts(&self, source: Source<'_>) -> bool {
        source.format == Format::Jpeg
            && Structure::read(source.bytes).is_ok_and(|structure| !structure.frame.is_cmyk())
    }

    fn keeps_coefficients(&self) -> bool {
        true
    }

    fn settings(&self, _source: Source<'_>, _setting: Setting) -> Map<String, Value> {
        let scans = ("scans".to_owned(), "progressive".into());
        Map::from_iter([scans, ("huffman".to_owned(), "optimized".into())])
    }

    fn encode(
        &self,
        source: Source<'_>,
        _setting: Setting,
        embedded: &Embedded,
        control: &Control,
    ) -> Result<Vec<u8>> {
        let structure = Structure::read(source.bytes)?;
        rewrite(&mozjpeg::transcode(source.bytes, structure.adobe, control)?, embedded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chroma_keeps_its_resolution_where_scores_need_it() {
        let at = |quality| settings_of(Quality(quality), Quality(94.0));
        assert!(at(93.75).subsampled && !at(94.0).subsampled);
        assert_eq!((at(94.0).distance, at(100.0).distance), (distance(Quality(92.0)), 0.01));
    }

    #[test]
    fn the_axis_leads_back_to_the_quality() {
        let axis = Jpegli.axis();
        for quality in [1.0, 5.0, 29.75, 30.0, 75.0, 99.0] {
            let back = (axis.quality)((axis.loss)(quality));
            assert!((back - quality).abs() < 0.1, "{quality} {back}");
        }
    }

    #[test]
    fn distance_falls_without_a_jump() {
        let at = |quarter: u16| distance(Quality(f32::from(quarter) / 4.0));
        for quarter in 1..=400 {
            let fall = at(quarter - 1) - at(quarter);
            assert!(fall > 0.0 && fall < 0.4, "at {quarter}: {fall}");
        }
        assert_eq!([at(400), at(360)], [0.01, 1.0]);
    }
}
