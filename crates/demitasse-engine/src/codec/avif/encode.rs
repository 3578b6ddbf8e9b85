//! The encoder of AVIF.

use serde_json::{Map, Value, json};

use super::aom::{self, Settings};
use super::boxes::make;
use super::metadata;
use super::picture::{Nclx, Picture, read_items};
use super::planes::Planes;
use super::write::{Part, alpha_box, depth_box, nclx_box, profile_box, size_box, write};
use crate::codec::{Encoder, Mode, Setting, Source};
use crate::image::Image;
use crate::metadata::Embedded;
use crate::search::Curve;
use crate::{Control, Effort, Error, Format, Quality, Result};

/// Name and version of the library.
pub(super) const IDENTITY: (&str, &str) = ("libaom", "3.11.0");

/// Longest side (AV1, section 5.5.1): 16 bits.
const MAX_SIDE: u32 = 65_536;
/// Bits of every plane: finer steps of colour cost nothing in bytes, and gain some (`docs/decisions/0011-avif.md`).
const BITS: u8 = 10;
/// The coarsest step of the quantizer.
const MAX_QINDEX: f32 = 255.0;

/// AV1, with alpha kept whole; its quality is the step of AV1's quantizer, upside down.
pub(super) struct Lossy;

/// How planes are made and what libaom is told.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// Of the planes of colour; alpha is kept whole.
    pub settings: Settings,
    /// Of every plane.
    pub bits: u8,
    /// Whether colour is halved in both directions: it never wins at equal score, at any effort, and only the tests ask
    /// for it.
    pub halved: bool,
}

fn plan(setting: Setting) -> Plan {
    let (speed, options): (u8, &[_]) = match setting.effort {
        Effort::Fast => (9, &[]),
        Effort::Balanced => (6, PERCEPTUAL_OF_NEW_BLOCKS),
        Effort::Max => (5, PERCEPTUAL),
    };
    let quality = setting.quality.0.clamp(0.0, 100.0);
    // 0 would be lossless, at several times the bytes.
    let qindex = ((100.0 - quality) * MAX_QINDEX / 100.0).round().clamp(1.0, MAX_QINDEX) as u8;
    let settings = Settings { qindex, speed, options };
    Plan { settings, bits: BITS, halved: false }
}

/// Matrices that quantise what is seen least, and finer quanta where flat areas show more.
const PERCEPTUAL: &[(&str, &str)] =
    &[("enable-qm", "1"), ("qm-min", "8"), ("qm-max", "15"), ("deltaq-mode", "3")];

/// The same without the search for blocks that the picture has already shown: libaom takes smooth photos for screens, and
/// spends two thirds of its time on it (`docs/decisions/0011-avif.md`).
const PERCEPTUAL_OF_NEW_BLOCKS: &[(&str, &str)] =
    &[("enable-qm", "1"), ("qm-min", "8"), ("qm-max", "15"), ("deltaq-mode", "3"), ("enable-intrabc", "0")];

impl Encoder for Lossy {
    fn identity(&self) -> (&'static str, &'static str) {
        IDENTITY
    }

    fn mode(&self) -> Mode {
        Mode::Lossy { min: Quality(1.0), max: Quality(100.0), step: 100.0 / MAX_QINDEX }
    }

    /// Fitted at `balanced`; the other efforts run alike.
    fn curve(&self, _effort: Effort) -> &'static Curve {
        static CURVE: Curve = Curve {
            offset: -3.5172,
            slope: 3.3145,
            bend: -0.3303,
            weights: [0.3083, 0.0032, 0.0539, 0.3199, 0.0401, -0.2986, 0.0663, -0.3000],
            tilts: [0.2310, -0.0321, -0.2896, -0.1209, -0.1287, 0.1344, -0.0144, 0.0185],
        };
        &CURVE
    }

    fn accepts(&self, source: Source<'_>) -> bool {
        let image = source.image;
        image.frames.len() == 1 && image.width.max(image.height) <= MAX_SIDE
    }

    fn settings(&self, source: Source<'_>, setting: Setting) -> Map<String, Value> {
        let Plan { settings, bits, halved } = plan(setting);
        let sampling = match (source.image.layout.is_gray(), halved) {
            (true, _) => "4:0:0",
            (false, true) => "4:2:0",
            (false, false) => "4:4:4",
        };
        let own = [
            ("qindex", json!(settings.qindex)),
            ("speed", json!(settings.speed)),
            ("bits", json!(bits)),
            ("sampling", json!(sampling)),
        ];
        let options = settings.options.iter().map(|(name, value)| (*name, json!(value)));
        own.into_iter().chain(options).map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn encode(
        &self,
        source: Source<'_>,
        setting: Setting,
        embedded: &Embedded,
        control: &Control,
    ) -> Result<Vec<u8>> {
        encode(source.image, colors(source, embedded)?, &plan(setting), embedded, control)
    }
}

/// Encodes as `plan` says. `colors` says what the pixels are; its matrix must be that of BT.601, in full range.
pub(super) fn encode(
    image: &Image,
    colors: Nclx,
    plan: &Plan,
    embedded: &Embedded,
    control: &Control,
) -> Result<Vec<u8>> {
    control.check()?;
    let color = Av1::encode(&Planes::of_color(image, plan.bits, plan.halved), &plan.settings, colors)?;
    control.check()?;
    let alpha = if image.layout.has_alpha() {
        let settings = Settings { qindex: 0, options: &[], ..plan.settings };
        Some(Av1::encode(&Planes::of_alpha(image, plan.bits), &settings, colors)?)
    } else {
        None
    };
    control.check()?;
    Ok(assemble(image, colors, color, alpha, embedded))
}

/// A coded image, and the box that tells what its header says.
struct Av1 {
    obus: Vec<u8>,
    config: Vec<u8>,
    bits: u8,
    /// Whether colour has every sample: the High profile.
    is_full: bool,
}

impl Av1 {
    fn encode(planes: &Planes, settings: &Settings, colors: Nclx) -> Result<Self> {
        let obus = aom::encode(planes, settings, colors)?;
        // The sequence header comes first, in its short form for still images: a profile of 3 bits, two flags that are
        // set, a level of 5 (AV1, section 5.5.1).
        let (profile, level) = match *obus {
            [0x0a, _, first, second, ..] if first >> 3 & 3 == 3 => {
                (first >> 5, (first & 7) << 2 | second >> 6)
            }
            _ => return Err(Error::codec(IDENTITY.0, "it gave an image without a header")),
        };
        let is_gray = planes.chroma.is_none();
        let is_full = planes.chroma.as_ref().is_some_and(|chroma| !chroma.halved);
        // AV1 Codec ISO Media File Format Binding, section 2.3.3.
        let flag = |set: bool, place: u8| u8::from(set) << place;
        let flags = flag(planes.bits > 8, 6)
            | flag(planes.bits == 12, 5)
            | flag(is_gray, 4)
            | if is_full { 0 } else { 0b1100 };
        let config = make(b"av1C", &[&[0x81, profile << 5 | level, flags, 0]]);
        Ok(Self { obus, config, bits: planes.bits, is_full })
    }
}

/// sRGB, and how the planes are made.
pub(super) const SRGB: Nclx = Nclx { primaries: 1, transfer: 13, matrix: 6, full_range: true };

/// sRGB or, of an AVIF without a profile, the colours that it has.
fn colors(source: Source<'_>, embedded: &Embedded) -> Result<Nclx> {
    if source.format != Format::Avif || source.image.profile.is_some() || embedded.icc_is_srgb {
        return Ok(SRGB);
    }
    let items = read_items(source.bytes)?;
    let own = metadata::colors(source.bytes, &items, &Picture::read(source.bytes, &items)?)?;
    Ok(if own.is_srgb() { SRGB } else { Nclx { primaries: own.primaries, transfer: own.transfer, ..SRGB } })
}

fn assemble(image: &Image, nclx: Nclx, color: Av1, alpha: Option<Av1>, embedded: &Embedded) -> Vec<u8> {
    let size = size_box(image.width, image.height);
    let channels = if image.layout.is_gray() { 1 } else { 3 };
    // The profile of AV1 that a reader needs (AV1 Image File Format, section 8).
    let profile = if color.is_full { b"MA1A" } else { b"MA1B" };
    let brands = [b"avif\0\0\0\0avifmif1miaf".as_slice(), profile].concat();
    let mut properties = vec![
        (size.clone().into(), false),
        (depth_box(channels, color.bits).into(), false),
        (color.config.into(), true),
        (nclx_box(nclx).into(), false),
    ];
    // The numbers above say sRGB too.
    if let Some(profile) = embedded.icc.as_ref().filter(|_| !embedded.icc_is_srgb) {
        properties.push((profile_box(profile).into(), false));
    }
    let part = |obus: Vec<u8>, properties, references| Part {
        kind: *b"av01",
        hidden: false,
        data: obus.into(),
        properties,
        references,
    };
    let mut parts = vec![part(color.obus, properties, Vec::new())];
    if let Some(alpha) = alpha {
        let properties = vec![
            (size.into(), false),
            (depth_box(1, alpha.bits).into(), false),
            (alpha.config.into(), true),
            (alpha_box().into(), false),
        ];
        parts.push(part(alpha.obus, properties, vec![(*b"auxl", vec![0])]));
    }
    write(&brands, parts, &Embedded { icc: None, ..embedded.clone() })
}
