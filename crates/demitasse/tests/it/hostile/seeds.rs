//! Whole files, small and of every format that is read: what hostile ones are made of.

use std::borrow::Cow;

use demitasse_engine::{Control, Effort, Format, Limits, OutputFormat, Quality, Request, Target, compress};
use gif::{Encoder, Frame, Repeat};
use zune_core::bit_depth::BitDepth;
use zune_core::colorspace::ColorSpace;
use zune_core::options::EncoderOptions;
use zune_jpegxl::JxlSimpleEncoder;

use crate::support::noisy_png;

/// A file that is as it should be.
pub(super) struct Seed {
    /// Format, and what is special about it.
    pub(super) name: &'static str,
    pub(super) bytes: Vec<u8>,
}

const WIDTH: u32 = 61;
const HEIGHT: u32 = 43;

/// One of each kind.
pub(super) fn seeds() -> Vec<Seed> {
    let png = noisy_png(WIDTH, HEIGHT, 7);
    let gif = gif();
    let kinds = [
        ("jpeg", made(&png, Format::Jpeg)),
        ("png", png.clone()),
        ("webp", made(&png, Format::Webp)),
        ("avif", made(&png, Format::Avif)),
        ("gif", gif.clone()),
        ("webp animation", made(&gif, Format::Webp)),
        ("png animation", apng()),
        ("bmp", bmp()),
        ("tiff", tiff()),
        ("qoi", qoi()),
        ("ico", ico(&png)),
        ("jxl", jxl()),
        ("svg", svg()),
    ];
    kinds.into_iter().map(|(name, bytes)| Seed { name, bytes }).collect()
}

/// A drawing with what is to go, and what is to stay.
fn svg() -> Vec<u8> {
    let mut path = String::from("M 1.5000,2.2500");
    (0..40).for_each(|step| path += &format!(" C {step}.125 3.50 {step} 4 5.0 {}.75", step * 2));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 100 90\" onload=\"a()\"><script>a()</script>\
         <style>.a {{ fill : url(#g) }}</style><defs><linearGradient id=\"g\"><stop stop-color=\"#FF0000\"/></linearGradient></defs>\
         <g transform=\"scale(1.25)\"><path class=\"a\" d=\"{path}\"/><use href=\"#g\"/><text x=\"1\">words</text></g></svg>"
    )
    .into_bytes()
}

/// The same picture in another format.
fn made(bytes: &[u8], format: Format) -> Vec<u8> {
    let request = Request::new(Target::Quality { quality: Quality(60.0) })
        .with_format(OutputFormat::of(format))
        .with_effort(Effort::Fast);
    let made = compress(bytes, &request, &Limits::default(), &Control::new()).unwrap();
    assert_eq!(made.report.output.format, format, "{:?}", made.report.reason);
    made.bytes
}

fn pixel(x: u32, y: u32, frame: u32) -> [u8; 3] {
    let bits = x.wrapping_mul(0x9E37_79B9) ^ (y + frame).wrapping_mul(0x85EB_CA6B);
    let [_, r, g, b] = (bits ^ (bits >> 13)).to_be_bytes();
    [r, g, b]
}

fn gif() -> Vec<u8> {
    let palette: Vec<u8> = (0..64u8).flat_map(|color| [color * 4, 255 - color * 3, color]).collect();
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, WIDTH as u16, HEIGHT as u16, &palette).unwrap();
    encoder.set_repeat(Repeat::Infinite).unwrap();
    for number in 0..4 {
        let pixels: Vec<u8> =
            (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| pixel(x / 4, y / 4, number)[0] & 63)).collect();
        let frame = Frame {
            width: WIDTH as u16,
            height: HEIGHT as u16,
            delay: 9,
            buffer: Cow::Owned(pixels),
            ..Frame::default()
        };
        encoder.write_frame(&frame).unwrap();
    }
    drop(encoder);
    bytes
}

fn apng() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, WIDTH, HEIGHT);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_animated(3, 0).unwrap();
    let mut writer = encoder.write_header().unwrap();
    for number in 0..3 {
        let pixels: Vec<u8> =
            (0..HEIGHT).flat_map(|y| (0..WIDTH).flat_map(move |x| pixel(x, y, number))).collect();
        writer.write_image_data(&pixels).unwrap();
    }
    writer.finish().unwrap();
    bytes
}

/// 24 bits a pixel, rows from the bottom, each filled up to four bytes.
fn bmp() -> Vec<u8> {
    let mut pixels = Vec::new();
    for y in 0..HEIGHT {
        pixels.extend((0..WIDTH).flat_map(|x| pixel(x, y, 0)));
        pixels.resize(pixels.len().next_multiple_of(4), 0);
    }
    let mut bytes = b"BM".to_vec();
    bytes.extend((54 + pixels.len() as u32).to_le_bytes());
    bytes.extend([0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0]);
    bytes.extend(WIDTH.to_le_bytes());
    bytes.extend(HEIGHT.to_le_bytes());
    bytes.extend([1, 0, 24, 0]);
    bytes.resize(54, 0);
    bytes.extend(pixels);
    bytes
}

/// Every pixel as it is: QOI_OP_RGB (QOI specification, version 1.0).
fn qoi() -> Vec<u8> {
    let pixels =
        (0..HEIGHT).flat_map(|y| (0..WIDTH).flat_map(move |x| [&[0xfe][..], &pixel(x, y, 0)].concat()));
    let mut bytes = [b"qoif".as_slice(), &WIDTH.to_be_bytes(), &HEIGHT.to_be_bytes(), &[3, 0]].concat();
    bytes.extend(pixels);
    bytes.extend([0, 0, 0, 0, 0, 0, 0, 1]);
    bytes
}

/// One picture, a PNG.
fn ico(png: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 1, 0, 1, 0, WIDTH as u8, HEIGHT as u8, 0, 0, 1, 0, 32, 0];
    bytes.extend((png.len() as u32).to_le_bytes());
    bytes.extend(22_u32.to_le_bytes());
    bytes.extend(png);
    bytes
}

/// A bare codestream without loss.
fn jxl() -> Vec<u8> {
    let pixels: Vec<u8> = (0..HEIGHT).flat_map(|y| (0..WIDTH).flat_map(move |x| pixel(x, y, 0))).collect();
    let options = EncoderOptions::new(WIDTH as usize, HEIGHT as usize, ColorSpace::RGB, BitDepth::Eight);
    let mut bytes = Vec::new();
    JxlSimpleEncoder::new(&pixels, options).encode(&mut bytes).unwrap();
    bytes
}

/// Baseline RGB in one strip (TIFF 6.0, section 6).
fn tiff() -> Vec<u8> {
    let pixels: Vec<u8> = (0..HEIGHT).flat_map(|y| (0..WIDTH).flat_map(move |x| pixel(x, y, 0))).collect();
    let bits_at = 8 + pixels.len() as u32;
    let directory_at = bits_at + 6;
    let (short, long) = (3u16, 4u16);
    let fields: [(u16, u16, u32, u32); 9] = [
        (256, long, 1, WIDTH),
        (257, long, 1, HEIGHT),
        (258, short, 3, bits_at),
        (259, short, 1, 1),
        (262, short, 1, 2),
        (273, long, 1, 8),
        (277, short, 1, 3),
        (278, long, 1, HEIGHT),
        (279, long, 1, pixels.len() as u32),
    ];
    let mut bytes = b"II*\0".to_vec();
    bytes.extend(directory_at.to_le_bytes());
    bytes.extend(&pixels);
    bytes.extend([8, 0, 8, 0, 8, 0]);
    bytes.extend((fields.len() as u16).to_le_bytes());
    for (tag, kind, count, value) in fields {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        bytes.extend(count.to_le_bytes());
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend([0; 4]);
    bytes
}
