//! No harm: files of every format, turn, depth, kind of alpha and profile, each put through three requests. Whatever comes out is no
//! larger, stands upright, and is the same picture in alpha, colours and profile; its receipt is true.

use demitasse_engine::metadata::Kind;
use demitasse_engine::{
    Compressed, Control, Format, Limits, OutputFormat, Quality, Request, Target, compress, read_metadata,
    verify_receipt,
};
use png::{BitDepth, ColorType};

use crate::images::{exif, photo, with_chunks, with_segment};

const WIDTH: u32 = 96;
const HEIGHT: u32 = 64;

/// A picture as it is stored: 8 or 16 bits a sample, big-endian.
#[derive(Debug, Clone, Copy)]
struct Kept {
    color: ColorType,
    depth: BitDepth,
    wide: bool,
}

impl Kept {
    fn channels(self) -> usize {
        self.color.samples()
    }

    fn sample_bytes(self) -> usize {
        if self.depth == BitDepth::Sixteen { 2 } else { 1 }
    }

    /// Interleaved samples. Alpha is a slope with holes; of 16 bits the lower ones are noise.
    fn samples(self) -> Vec<u8> {
        let rgb = photo(WIDTH, HEIGHT);
        let mut out = Vec::new();
        for (place, pixel) in rgb.chunks_exact(3).enumerate() {
            let (x, y) = (place as u32 % WIDTH, place as u32 / WIDTH);
            let alpha = if (x / 8 + y / 8) % 5 == 0 { 0 } else { (x * 255 / WIDTH) as u8 };
            let samples = match self.color {
                ColorType::Grayscale => vec![pixel[1]],
                ColorType::GrayscaleAlpha => vec![pixel[1], alpha],
                ColorType::Rgba => vec![pixel[0], pixel[1], pixel[2], alpha],
                _ => pixel.to_vec(),
            };
            for sample in samples {
                out.push(sample);
                out.extend((self.sample_bytes() == 2).then_some((place * 37) as u8));
            }
        }
        out
    }

    fn png(self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, WIDTH, HEIGHT);
        encoder.set_color(self.color);
        encoder.set_depth(self.depth);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&self.samples()).unwrap();
        writer.finish().unwrap();
        let Some(profile) = self.wide.then(p3) else { return bytes };
        let mut packed = flate2::write::ZlibEncoder::new(b"p3\0\0".to_vec(), flate2::Compression::fast());
        std::io::Write::write_all(&mut packed, &profile).unwrap();
        with_chunks(&bytes, &[(b"iCCP", &packed.finish().unwrap())])
    }
}

fn p3() -> Vec<u8> {
    moxcms::ColorProfile::new_display_p3().encode().unwrap()
}

fn kept(color: ColorType, depth: BitDepth) -> Kept {
    Kept { color, depth, wide: false }
}

/// The samples as a viewer shows them, by EXIF's definition of each turn: where in the stored picture a place of the upright one is.
fn turned(samples: &[u8], pixel_bytes: usize, orientation: u16) -> Vec<u8> {
    let (width, height) = upright_size(orientation);
    let mut out = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let (sx, sy) = match orientation {
                2 => (width - 1 - x, y),
                3 => (width - 1 - x, height - 1 - y),
                4 => (x, height - 1 - y),
                5 => (y, x),
                6 => (y, width - 1 - x),
                7 => (height - 1 - y, width - 1 - x),
                8 => (height - 1 - y, x),
                _ => (x, y),
            };
            let at = (sy * WIDTH + sx) as usize * pixel_bytes;
            out.extend(&samples[at..at + pixel_bytes]);
        }
    }
    out
}

fn upright_size(orientation: u16) -> (u32, u32) {
    if orientation >= 5 { (HEIGHT, WIDTH) } else { (WIDTH, HEIGHT) }
}

fn run(bytes: &[u8], request: Request) -> Compressed {
    compress(bytes, &request, &Limits::default(), &Control::new()).unwrap()
}

/// A file of another format of this picture, made without a promise.
fn made(picture: Kept, format: Format, target: Target) -> Vec<u8> {
    let request = Request::new(target).with_format(OutputFormat::of(format));
    let done = run(&picture.png(), request);
    assert_eq!(done.report.output.format, format, "{:?}", done.report);
    done.bytes
}

fn quality(quality: f32) -> Target {
    Target::Quality { quality: Quality(quality) }
}

/// What was looked at.
#[derive(Default)]
struct Looked {
    results: usize,
}

impl Looked {
    /// Puts a file through three requests. Gives the lossless PNG, where there is one, and how it is still to be turned.
    fn at(&mut self, bytes: &[u8], orientation: u16, what: &str) -> Option<(Vec<u8>, u16)> {
        let requests = [
            Request::default(),
            Request::default().with_format(OutputFormat::Auto),
            Request::new(Target::Lossless),
        ];
        let before = read_metadata(bytes, &Limits::default()).unwrap();
        let mut lossless = None;
        for request in requests {
            let done = run(bytes, request);
            let report = &done.report;
            let case = || format!("{what}, turn {orientation}, {:?}: {report:?}", request.target);
            assert!(done.bytes.len() <= bytes.len(), "larger: {}", case());
            assert_eq!((report.output.width, report.output.height), upright_size(orientation), "{}", case());
            assert_eq!(report.output.alpha, report.input.alpha, "alpha: {}", case());
            let found =
                verify_receipt(report, bytes, &done.bytes, &Limits::default(), &Control::new()).unwrap();
            assert!(found.holds(), "{found:?} of {}", case());
            if let Some(profile) = &before.icc {
                let after = read_metadata(&done.bytes, &Limits::default()).unwrap();
                assert_eq!(after.icc.as_ref(), Some(profile), "profile: {}", case());
                assert!(report.metadata.kept.iter().any(|item| item.kind == Kind::Icc), "{}", case());
            }
            self.results += 1;
            if request.target == Target::Lossless && report.output.format == Format::Png {
                // A file that is kept as it was stored says how to turn it, and is turned by whoever shows it.
                let left = read_metadata(&done.bytes, &Limits::default()).unwrap().orientation;
                lossless = Some((done.bytes, u16::from(left.exif())));
            }
        }
        lossless
    }
}

fn pixels_of(bytes: &[u8], picture: Kept) -> Vec<u8> {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().unwrap();
    let mut samples = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut samples).unwrap();
    samples.truncate(info.buffer_size());
    assert_eq!((info.color_type, info.bit_depth), (picture.color, picture.depth));
    samples
}

#[test]
fn no_png_is_harmed() {
    let plain = [
        kept(ColorType::Grayscale, BitDepth::Eight),
        kept(ColorType::Grayscale, BitDepth::Sixteen),
        kept(ColorType::GrayscaleAlpha, BitDepth::Eight),
        kept(ColorType::GrayscaleAlpha, BitDepth::Sixteen),
        kept(ColorType::Rgb, BitDepth::Eight),
        kept(ColorType::Rgb, BitDepth::Sixteen),
        kept(ColorType::Rgba, BitDepth::Eight),
        kept(ColorType::Rgba, BitDepth::Sixteen),
    ];
    let wide = plain[4..].iter().map(|picture| Kept { wide: true, ..*picture });
    let mut looked = Looked::default();
    for picture in plain.into_iter().chain(wide) {
        for orientation in 1..=8 {
            let file = with_chunks(&picture.png(), &[(b"eXIf", &exif(orientation, "Ada", true)[6..])]);
            let (lossless, left) = looked.at(&file, orientation, &format!("PNG {picture:?}")).unwrap();
            assert!(left == 1 || left == orientation);
            let pixel_bytes = picture.channels() * picture.sample_bytes();
            let applied = if left == 1 { orientation } else { 1 };
            let expected = turned(&picture.samples(), pixel_bytes, applied);
            let found = pixels_of(&lossless, picture);
            // What lies under full transparency may be anything.
            let alpha = picture.color == ColorType::Rgba || picture.color == ColorType::GrayscaleAlpha;
            let opaque = |pixel: &[u8]| {
                !alpha || pixel[pixel_bytes - picture.sample_bytes()..].iter().any(|byte| *byte != 0)
            };
            let pairs = expected.chunks_exact(pixel_bytes).zip(found.chunks_exact(pixel_bytes));
            let differ = pairs.filter(|(a, b)| opaque(a) != opaque(b) || (opaque(a) && a != b)).count();
            assert_eq!((differ, found.len()), (0, expected.len()), "{picture:?} turn {orientation}");
        }
    }
    assert_eq!(looked.results, 12 * 8 * 3);
}

#[test]
fn no_jpeg_is_harmed() {
    let mut looked = Looked::default();
    for (color, wide) in [(ColorType::Grayscale, false), (ColorType::Rgb, false), (ColorType::Rgb, true)] {
        let picture = Kept { wide, ..kept(color, BitDepth::Eight) };
        let jpeg = made(picture, Format::Jpeg, quality(95.0));
        for orientation in 1..=8 {
            let file = with_segment(&jpeg, 0xe1, &exif(orientation, "Ada", true));
            looked.at(&file, orientation, &format!("JPEG {picture:?}"));
        }
    }
    assert_eq!(looked.results, 3 * 8 * 3);
}

#[test]
fn no_webp_is_harmed() {
    let mut looked = Looked::default();
    for (color, wide) in [(ColorType::Rgb, false), (ColorType::Rgba, false), (ColorType::Rgba, true)] {
        let picture = Kept { wide, ..kept(color, BitDepth::Eight) };
        for target in [quality(92.0), Target::Lossless] {
            let webp = made(picture, Format::Webp, target);
            for orientation in 1..=8 {
                let file = webp_with_exif(&webp, &exif(orientation, "Ada", true)[6..]);
                looked.at(&file, orientation, &format!("WebP {picture:?}"));
            }
        }
    }
    assert_eq!(looked.results, 3 * 2 * 8 * 3);
}

/// Puts EXIF into a WebP, extended or simple (RFC 9649, section 2.7).
fn webp_with_exif(webp: &[u8], block: &[u8]) -> Vec<u8> {
    let mut flags = 0x08;
    let mut chunks = Vec::<u8>::new();
    let mut at = 12;
    while at < webp.len() {
        let length = u32::from_le_bytes(webp[at + 4..at + 8].try_into().unwrap()) as usize;
        match &webp[at..at + 4] {
            b"VP8X" => flags |= webp[at + 8],
            b"VP8L" => {
                flags |= webp[at + 12] & 0x10;
                chunks.extend(&webp[at..at + 8 + length + length % 2]);
            }
            _ => chunks.extend(&webp[at..at + 8 + length + length % 2]),
        }
        at += 8 + length + length % 2;
    }
    let [w0, w1, ..] = (WIDTH - 1).to_le_bytes();
    let [h0, h1, ..] = (HEIGHT - 1).to_le_bytes();
    let mut body = b"WEBPVP8X\x0a\0\0\0".to_vec();
    body.extend([flags, 0, 0, 0, w0, w1, 0, h0, h1, 0]);
    body.extend(chunks);
    body.extend(b"EXIF");
    body.extend((block.len() as u32).to_le_bytes());
    body.extend(block);
    body.resize(body.len().next_multiple_of(2), 0);
    [b"RIFF".as_slice(), &(body.len() as u32).to_le_bytes(), &body].concat()
}

#[test]
fn no_avif_is_harmed() {
    let mut looked = Looked::default();
    for (color, wide) in [
        (ColorType::Grayscale, false),
        (ColorType::Rgb, false),
        (ColorType::Rgba, false),
        (ColorType::Rgba, true),
    ] {
        let picture = Kept { wide, ..kept(color, BitDepth::Eight) };
        let avif = made(picture, Format::Avif, quality(80.0));
        looked.at(&avif, 1, &format!("AVIF {picture:?}"));
    }
    assert_eq!(looked.results, 4 * 3);
}

#[test]
fn no_tiff_is_harmed() {
    use tiff::encoder::{TiffEncoder, colortype};
    use tiff::tags::Tag;

    let mut looked = Looked::default();
    for orientation in 1..=8_u16 {
        let (gray, rgb) =
            (kept(ColorType::Grayscale, BitDepth::Eight), kept(ColorType::Rgb, BitDepth::Eight));
        for picture in [gray, rgb] {
            let mut file = std::io::Cursor::new(Vec::new());
            let mut encoder = TiffEncoder::new(&mut file).unwrap();
            if picture.color == ColorType::Grayscale {
                let mut image = encoder.new_image::<colortype::Gray8>(WIDTH, HEIGHT).unwrap();
                image.encoder().write_tag(Tag::Orientation, orientation).unwrap();
                image.write_data(&picture.samples()).unwrap();
            } else {
                let mut image = encoder.new_image::<colortype::RGB8>(WIDTH, HEIGHT).unwrap();
                image.encoder().write_tag(Tag::Orientation, orientation).unwrap();
                image.write_data(&picture.samples()).unwrap();
            }
            let lossless = looked.at(&file.into_inner(), orientation, &format!("TIFF {picture:?}"));
            if let Some((lossless, _)) = lossless {
                let expected = turned(&picture.samples(), picture.channels(), orientation);
                assert_eq!(pixels_of(&lossless, picture), expected, "{picture:?} turn {orientation}");
            }
        }
    }
    assert_eq!(looked.results, 8 * 2 * 3);
}
