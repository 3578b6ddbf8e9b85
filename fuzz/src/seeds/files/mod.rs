//! Files of each format, of few pixels.
//!
//! What this engine writes comes from it; the rest is written here byte by byte, as the format's specification has it.

mod animations;
mod drawings;
mod engine;
mod pngs;
mod raw;
mod tiffs;

use self::animations::{animated_gif, apng, still_gif};
use self::engine::{as_avif, as_jpeg, as_webp, camera_jpeg};
pub(crate) use self::pngs::packed;
pub use self::pngs::tiny_png;
use super::Seeds;
use super::named;

/// Width of most pictures, in pixels.
const WIDTH: u32 = 20;
/// Height of most pictures, in pixels.
const HEIGHT: u32 = 16;

/// Every file.
pub fn all() -> Seeds {
    [jpeg, png, webp, avif, gif, bmp, tiff, jxl, ico, qoi, svg]
        .into_iter()
        .flat_map(|format| format())
        .collect()
}

/// JPEG: as our encoders write it, and as a camera does.
pub fn jpeg() -> Seeds {
    named([
        ("jpeg, fast", as_jpeg(&tiny_png(), true)),
        ("jpeg, balanced", as_jpeg(&tiny_png(), false)),
        ("jpeg, gray", as_jpeg(&pngs::gray(), true)),
        ("jpeg of a camera", camera_jpeg()),
        ("jpeg and bytes behind it", [as_jpeg(&tiny_png(), true), b"behind".to_vec()].concat()),
    ])
}

/// PNG and APNG.
pub fn png() -> Seeds {
    named([
        ("png", tiny_png()),
        ("png, gray", pngs::gray()),
        ("png, palette", pngs::palette()),
        ("png, 16 bits", pngs::sixteen()),
        ("png, interlaced", pngs::interlaced()),
        ("png with everything", pngs::with_everything()),
        ("png, animated", apng()),
    ])
}

/// WebP, still and animated.
pub fn webp() -> Seeds {
    named([
        ("webp", as_webp(&tiny_png(), true)),
        ("webp, lossless", as_webp(&pngs::palette(), false)),
        ("webp of a camera", as_webp(&camera_jpeg(), true)),
        ("webp, animated", as_webp(&animated_gif(), true)),
    ])
}

/// AVIF.
pub fn avif() -> Seeds {
    named([
        ("avif", as_avif(&tiny_png())),
        ("avif, transparent", as_avif(&pngs::palette())),
        ("avif of a camera", as_avif(&camera_jpeg())),
    ])
}

/// GIF.
pub fn gif() -> Seeds {
    named([("gif", still_gif()), ("gif, animated", animated_gif())])
}

/// BMP.
pub fn bmp() -> Seeds {
    named([("bmp", raw::bmp()), ("bmp, packed", raw::packed_bmp()), ("bmp, masks", raw::masked_bmp())])
}

/// TIFF.
pub fn tiff() -> Seeds {
    named([
        ("tiff", tiffs::strips()),
        ("tiff, deflated", tiffs::deflated()),
        ("tiff, packed", tiffs::packed()),
        ("tiff, tiles", tiffs::tiles()),
        ("tiff, palette", tiffs::palette()),
        ("tiff, inks, with everything", tiffs::inks()),
        ("tiff, two pages", tiffs::pages()),
    ])
}

/// JPEG XL, bare and in boxes.
pub fn jxl() -> Seeds {
    named([("jxl", raw::jxl()), ("jxl in boxes", raw::boxed_jxl())])
}

/// ICO.
pub fn ico() -> Seeds {
    named([("ico of png", raw::ico(&tiny_png())), ("ico of bmp", raw::ico(&raw::icon_bitmap()))])
}

/// QOI.
pub fn qoi() -> Seeds {
    named([("qoi", raw::qoi()), ("qoi, packed", raw::packed_qoi())])
}

/// SVG: a drawing with a piece of everything, and one that would do harm in every way.
pub fn svg() -> Seeds {
    named([("svg", drawings::whole()), ("svg, hostile", drawings::hostile())])
}

/// The file of this name.
pub fn one(name: &str) -> Vec<u8> {
    all().into_iter().find(|(named, _)| named == name).unwrap().1
}

/// Every file, and the number of a request before it.
pub fn compress() -> Seeds {
    let numbered = all().into_iter().enumerate();
    numbered.map(|(number, (name, bytes))| (name, [&[(number % 8) as u8], &bytes[..]].concat())).collect()
}

/// A picture of slopes, an edge and some noise.
fn pixel(x: u32, y: u32, frame: u32) -> [u8; 3] {
    let noise = (x.wrapping_mul(0x9E37_79B9) ^ (y + frame).wrapping_mul(0x85EB_CA6B)) >> 28;
    let edge = if x + frame > y { 90 } else { 0 };
    [x * 9 + noise, y * 11 + edge, 200 - x * 5 + noise].map(|value| value as u8)
}

fn rgb(frame: u32) -> Vec<u8> {
    (0..HEIGHT).flat_map(|y| (0..WIDTH).flat_map(move |x| pixel(x, y, frame))).collect()
}
