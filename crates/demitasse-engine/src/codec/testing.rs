//! Images that the tests make themselves, and what every codec is put through.

use super::{Codec, Encoder, Setting, Source};
use crate::image::{Image, Layout, Samples};
use crate::metadata::Embedded;
use crate::{Control, Effort, Format, Limits, Quality};

/// Every layout.
pub(crate) const LAYOUTS: [Layout; 4] = [Layout::Gray, Layout::GrayAlpha, Layout::Rgb, Layout::Rgba];

/// Numbers that look random and are the same in every run (xorshift, Marsaglia 2003).
pub(crate) struct Noise(pub u64);

impl Noise {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// A picture with slopes, hard edges, noise, and alpha from transparent to opaque.
pub(crate) fn picture(width: u32, height: u32, layout: Layout, bits: u8) -> Image {
    let mut noise = Noise(u64::from(width) << 32 | u64::from(height) << 8 | 1);
    let mut samples = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let edge = if (x / 5 + y / 7) % 3 == 0 { 40_000 } else { 0 };
            for channel in 0..layout.channels() as u32 {
                let slope = x * 300 * (channel + 1) + y * 500;
                let is_alpha = layout.has_alpha() && channel + 1 == layout.channels() as u32;
                let value = match (is_alpha, x % 4) {
                    (true, 0) => 0,
                    (true, 1 | 2) => 65_535,
                    _ => slope + edge + noise.next() as u32 % 3_000,
                };
                samples.push((value % 65_536) as u16);
            }
        }
    }
    let samples = match bits {
        16 => Samples::U16(samples),
        _ => Samples::U8(samples.iter().map(|sample| (sample >> 8) as u8).collect()),
    };
    Image::still(width, height, layout, samples, None)
}

/// Encodes what came from nowhere.
pub(crate) fn encode(encoder: &dyn Encoder, image: &Image, quality: f32, embedded: &Embedded) -> Vec<u8> {
    let source = Source { image, bytes: b"", format: Format::Tiff };
    assert!(encoder.accepts(source));
    encoder.encode(source, setting(quality), embedded, &Control::new()).unwrap()
}

/// With balanced effort.
pub(crate) fn setting(quality: f32) -> Setting {
    Setting { quality: Quality(quality), effort: Effort::Balanced }
}

/// Decodes.
pub(crate) fn decode(codec: &dyn Codec, bytes: &[u8]) -> Image {
    codec.decode(bytes, &Limits::default(), &Control::new()).unwrap().image
}

/// The same pixels, as RGBA of 16 bits: what two layouts have in common.
pub(crate) fn rgba(image: &Image) -> Vec<[u16; 4]> {
    let wide: Vec<u16> = match image.samples() {
        Samples::U8(samples) => samples.iter().map(|&sample| u16::from(sample) * 257).collect(),
        Samples::U16(samples) => samples.clone(),
    };
    let pixel = |pixel: &[u16]| match *pixel {
        [gray] => [gray, gray, gray, u16::MAX],
        [gray, alpha] => [gray, gray, gray, alpha],
        [r, g, b] => [r, g, b, u16::MAX],
        [r, g, b, alpha, ..] => [r, g, b, alpha],
        [] => [0; 4],
    };
    wide.chunks_exact(image.layout.channels()).map(pixel).collect()
}

/// Limits under which a damaged header cannot make a test slow.
pub(crate) fn small_limits() -> Limits {
    Limits { max_pixels: 1_000_000, max_metadata_bytes: 1_000_000, ..Limits::default() }
}

/// Puts bytes through everything that a codec does, as the pipeline does it; whether the pixels came out.
pub(crate) fn survives(codec: &dyn Codec, bytes: &[u8]) -> bool {
    let limits = small_limits();
    let _ = codec.read_metadata(bytes, &limits);
    let _ = codec.strip(bytes, &Embedded::default());
    match codec.read_header(bytes) {
        Ok(header) if limits.check_header(&header).is_ok() => {
            codec.decode(bytes, &limits, &Control::new()).is_ok()
        }
        _ => false,
    }
}

/// No truncated file passes as whole.
pub(crate) fn refuses_every_truncation(codec: &dyn Codec, bytes: &[u8]) {
    let step = (bytes.len() / 500).max(1);
    for length in (0..bytes.len()).step_by(step).chain([bytes.len() - 1]) {
        assert!(!survives(codec, &bytes[..length]), "{length} of {} bytes passed as whole", bytes.len());
    }
}

/// Whatever a damaged file does, it does not panic, hang or exhaust memory.
pub(crate) fn survives_every_damage(codec: &dyn Codec, bytes: &[u8]) {
    let mut noise = Noise(bytes.len() as u64 | 1);
    for round in 0..600 {
        let mut damaged = bytes.to_vec();
        // Headers are small and hold the numbers that hurt: half of the damage goes there.
        let reach = if round % 2 == 0 { damaged.len().min(200) } else { damaged.len() };
        for _ in 0..1 + round % 4 {
            let at = noise.next() as usize % reach;
            damaged[at] = match round % 3 {
                0 => 0xff,
                1 => damaged[at] ^ 1 << (noise.next() % 8),
                _ => noise.next() as u8,
            };
        }
        survives(codec, &damaged);
    }
}
