//! Animations made in code, in three containers; and what a viewer shows of a file, by a compositor of these tests' own. Frames of
//! WebP are decoded as stills by the engine, and laid over each other here.

use std::collections::BTreeMap;

use demitasse_engine::fuzzing::{Way, decode};
use demitasse_engine::{Control, Format, Layout, Limits, OutputFormat, Request, Samples, Target, compress};

use crate::images::png;

pub(crate) type Pixel = [u8; 4];

/// What becomes of a frame when its time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disposal {
    Keep,
    Clear,
    Restore,
}

/// A frame as a container has it.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    /// Left, top, width, height.
    pub place: [u32; 4],
    pub pixels: Vec<Pixel>,
    pub blends: bool,
    pub disposal: Disposal,
    /// Parts of a second, and how many make one.
    pub delay: (u32, u32),
}

/// What a viewer shows.
#[derive(Debug)]
pub(crate) struct Shown {
    pub size: (u32, u32),
    pub frames: Vec<Vec<Pixel>>,
    /// Parts of a second, and how many make one.
    pub delays: Vec<(u64, u64)>,
    /// 0: for ever.
    pub plays: u32,
}

impl Shown {
    /// Whether each frame is shown exactly as long, and all as often.
    pub(crate) fn keeps_time_of(&self, other: &Self) -> bool {
        let same =
            self.delays.iter().zip(&other.delays).all(|(one, other)| one.0 * other.1 == other.0 * one.1);
        same && self.delays.len() == other.delays.len() && self.plays == other.plays
    }
}

/// GIF: its pixels are opaque or transparent, and blend.
pub(crate) fn gif(size: (u32, u32), plays: u32, frames: &[Frame]) -> Vec<u8> {
    let mut colors: BTreeMap<Pixel, u8> = BTreeMap::new();
    for pixel in frames.iter().flat_map(|frame| &frame.pixels).filter(|pixel| pixel[3] == 255) {
        let next = colors.len() + 1;
        colors.entry(*pixel).or_insert_with(|| u8::try_from(next).unwrap());
    }
    let mut palette = vec![0; 3 * 256];
    for (color, index) in &colors {
        palette[usize::from(*index) * 3..][..3].copy_from_slice(&color[..3]);
    }
    let mut encoder = gif::Encoder::new(Vec::new(), size.0 as u16, size.1 as u16, &palette).unwrap();
    match plays {
        0 => encoder.set_repeat(gif::Repeat::Infinite).unwrap(),
        1 => {}
        plays => encoder.set_repeat(gif::Repeat::Finite(plays as u16 - 1)).unwrap(),
    }
    for Frame { place: [left, top, width, height], pixels, disposal, delay, .. } in frames {
        assert_eq!(delay.1, 100);
        let frame = gif::Frame {
            left: *left as u16,
            top: *top as u16,
            width: *width as u16,
            height: *height as u16,
            delay: delay.0 as u16,
            dispose: match disposal {
                Disposal::Keep => gif::DisposalMethod::Keep,
                Disposal::Clear => gif::DisposalMethod::Background,
                Disposal::Restore => gif::DisposalMethod::Previous,
            },
            transparent: pixels.iter().any(|pixel| pixel[3] == 0).then_some(0),
            buffer: pixels.iter().map(|pixel| colors.get(pixel).copied().unwrap_or(0)).collect(),
            ..gif::Frame::default()
        };
        encoder.write_frame(&frame).unwrap();
    }
    encoder.into_inner().unwrap()
}

/// APNG of RGBA; its first frame covers the canvas.
pub(crate) fn apng(size: (u32, u32), plays: u32, frames: &[Frame]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, size.0, size.1);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fastest);
    encoder.set_animated(frames.len() as u32, plays).unwrap();
    let mut writer = encoder.write_header().unwrap();
    for (index, Frame { place, pixels, blends, disposal, delay }) in frames.iter().enumerate() {
        if index > 0 {
            writer.set_frame_dimension(place[2], place[3]).unwrap();
            writer.set_frame_position(place[0], place[1]).unwrap();
        }
        writer.set_blend_op(if *blends { png::BlendOp::Over } else { png::BlendOp::Source }).unwrap();
        writer
            .set_dispose_op(match disposal {
                Disposal::Keep => png::DisposeOp::None,
                Disposal::Clear => png::DisposeOp::Background,
                Disposal::Restore => png::DisposeOp::Previous,
            })
            .unwrap();
        writer.set_frame_delay(delay.0 as u16, delay.1 as u16).unwrap();
        writer.write_image_data(pixels.as_flattened()).unwrap();
    }
    writer.finish().unwrap();
    bytes
}

/// WebP, whose frames are coded for a target, at even places; nothing is restored. `more` are chunks behind its header, with their flags.
pub(crate) fn webp(
    size: (u32, u32),
    plays: u32,
    frames: &[Frame],
    target: Target,
    more: &[(u8, &[u8; 4], &[u8])],
) -> Vec<u8> {
    let flags = more.iter().fold(0x12, |flags, (flag, ..)| flags | flag);
    let number = |value: u32| value.to_le_bytes();
    let canvas = [&[flags, 0, 0, 0], &number(size.0 - 1)[..3], &number(size.1 - 1)[..3]].concat();
    let mut chunks = chunk(b"VP8X", &canvas);
    let is_profile = |kind: &[u8; 4]| kind == b"ICCP";
    let of = |wanted: bool| {
        more.iter()
            .filter(move |(_, kind, _)| is_profile(kind) == wanted)
            .flat_map(|(_, kind, data)| chunk(kind, data))
    };
    chunks.extend(of(true));
    chunks.extend(chunk(b"ANIM", &[0, 0, 0, 0, plays as u8, (plays >> 8) as u8]));
    for Frame { place: [left, top, width, height], pixels, blends, disposal, delay } in frames {
        assert!(left % 2 == 0 && top % 2 == 0 && *disposal != Disposal::Restore && delay.1 == 1000);
        let mut data = Vec::new();
        for value in [left / 2, top / 2, width - 1, height - 1, delay.0] {
            data.extend(&number(value)[..3]);
        }
        data.push(u8::from(*disposal == Disposal::Clear) | if *blends { 0 } else { 2 });
        let picture = png(*width, *height, png::ColorType::Rgba, pixels.as_flattened());
        // Lossless where that is not smaller than the picture.
        let still = [target, Target::Lossless].into_iter().find_map(|target| {
            let request = Request::new(target).with_format(OutputFormat::of(Format::Webp));
            let done = compress(&picture, &request, &Limits::default(), &Control::new()).unwrap();
            (done.report.output.format == Format::Webp).then_some(done)
        });
        let still = still.unwrap();
        for (kind, coded) in riff(&still.bytes[12..]) {
            if matches!(kind, b"VP8 " | b"VP8L" | b"ALPH") {
                data.extend(chunk(kind, coded));
            }
        }
        chunks.extend(chunk(b"ANMF", &data));
    }
    chunks.extend(of(false));
    [b"RIFF", number(chunks.len() as u32 + 4).as_slice(), b"WEBP", &chunks].concat()
}

fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut out = [kind.as_slice(), &(data.len() as u32).to_le_bytes(), data].concat();
    out.resize(out.len().next_multiple_of(2), 0);
    out
}

fn riff(mut bytes: &[u8]) -> Vec<(&[u8; 4], &[u8])> {
    let mut chunks = Vec::new();
    while let Some((kind, rest)) = bytes.split_first_chunk::<4>() {
        let (length, rest) = rest.split_first_chunk::<4>().unwrap();
        let length = u32::from_le_bytes(*length) as usize;
        chunks.push((kind, &rest[..length]));
        bytes = rest.get(length.next_multiple_of(2)..).unwrap_or_default();
    }
    chunks
}

/// What a viewer shows of a file.
pub(crate) fn shown(format: Format, bytes: &[u8]) -> Shown {
    let (size, plays, frames) = match format {
        Format::Gif => read_gif(bytes),
        Format::Png => read_apng(bytes),
        _ => read_webp(bytes),
    };
    let mut canvas = vec![[0; 4]; (size.0 * size.1) as usize];
    let mut shown = Shown { size, frames: Vec::new(), delays: Vec::new(), plays };
    for Frame { place: [left, top, width, height], pixels, blends, disposal, delay } in frames {
        let saved = canvas.clone();
        let places: Vec<usize> = (top..top + height)
            .flat_map(|y| (left..left + width).map(move |x| (y * size.0 + x) as usize))
            .collect();
        for (at, pixel) in places.iter().zip(pixels) {
            canvas[*at] = if blends { over(canvas[*at], pixel) } else { pixel };
        }
        shown.frames.push(canvas.clone());
        shown.delays.push((delay.0.into(), delay.1.into()));
        match disposal {
            Disposal::Keep => {}
            Disposal::Clear => places.iter().for_each(|at| canvas[*at] = [0; 4]),
            Disposal::Restore => canvas = saved,
        }
    }
    shown
}

fn over(below: Pixel, above: Pixel) -> Pixel {
    let (top, rest) =
        (f64::from(above[3]) / 255.0, f64::from(below[3]) / 255.0 * (1.0 - f64::from(above[3]) / 255.0));
    let alpha = top + rest;
    if alpha == 0.0 {
        return [0; 4];
    }
    let mixed = |channel: usize| (f64::from(above[channel]) * top + f64::from(below[channel]) * rest) / alpha;
    [mixed(0).round() as u8, mixed(1).round() as u8, mixed(2).round() as u8, (alpha * 255.0).round() as u8]
}

type Read = ((u32, u32), u32, Vec<Frame>);

fn read_gif(bytes: &[u8]) -> Read {
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::RGBA);
    let mut decoder = options.read_info(bytes).unwrap();
    let size = (u32::from(decoder.width()), u32::from(decoder.height()));
    let mut frames = Vec::new();
    while let Some(frame) = decoder.read_next_frame().unwrap() {
        frames.push(Frame {
            place: [frame.left, frame.top, frame.width, frame.height].map(u32::from),
            pixels: frame.buffer.as_chunks::<4>().0.to_vec(),
            blends: true,
            disposal: match frame.dispose {
                gif::DisposalMethod::Background => Disposal::Clear,
                gif::DisposalMethod::Previous => Disposal::Restore,
                _ => Disposal::Keep,
            },
            delay: (frame.delay.into(), 100),
        });
    }
    // The crate has "once" for what has no extension, and for one that says so.
    let plays = match decoder.repeat() {
        gif::Repeat::Infinite => 0,
        gif::Repeat::Finite(repeats) => u32::from(repeats) + 1,
    };
    (size, plays, frames)
}

fn read_apng(bytes: &[u8]) -> Read {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().unwrap();
    let size = (reader.info().width, reader.info().height);
    let control = *reader.info().animation_control().unwrap();
    let mut frames = Vec::new();
    for _ in 0..control.num_frames {
        let mut samples = vec![0; reader.output_buffer_size().unwrap()];
        let found = reader.next_frame(&mut samples).unwrap();
        samples.truncate(found.buffer_size());
        let frame = *reader.info().frame_control().unwrap();
        frames.push(Frame {
            place: [frame.x_offset, frame.y_offset, frame.width, frame.height],
            pixels: rgba(found.color_type, &samples),
            blends: frame.blend_op == png::BlendOp::Over,
            disposal: match frame.dispose_op {
                png::DisposeOp::None => Disposal::Keep,
                png::DisposeOp::Background => Disposal::Clear,
                // There is nothing before the first (PNG, third edition, section 11.3.3.3).
                png::DisposeOp::Previous if frames.is_empty() => Disposal::Clear,
                png::DisposeOp::Previous => Disposal::Restore,
            },
            delay: (frame.delay_num.into(), if frame.delay_den == 0 { 100 } else { frame.delay_den.into() }),
        });
    }
    (size, control.num_plays, frames)
}

fn read_webp(bytes: &[u8]) -> Read {
    let (mut size, mut plays, mut frames) = ((0, 0), 0, Vec::new());
    let number = |data: &[u8], at: usize| u32::from_le_bytes([data[at], data[at + 1], data[at + 2], 0]);
    for (kind, data) in riff(&bytes[12..]) {
        match kind {
            b"VP8X" => size = (number(data, 4) + 1, number(data, 7) + 1),
            b"ANIM" => plays = u32::from(u16::from_le_bytes([data[4], data[5]])),
            b"ANMF" => {
                let (width, height) = (number(data, 6) + 1, number(data, 9) + 1);
                frames.push(Frame {
                    place: [number(data, 0) * 2, number(data, 3) * 2, width, height],
                    pixels: still((width, height), &data[16..]),
                    blends: data[15] & 2 == 0,
                    disposal: if data[15] & 1 == 1 { Disposal::Clear } else { Disposal::Keep },
                    delay: (number(data, 12), 1000),
                });
            }
            _ => {}
        }
    }
    (size, plays, frames)
}

/// Pixels of a frame's chunks, as a file of their own.
fn still((width, height): (u32, u32), coded: &[u8]) -> Vec<Pixel> {
    let [w0, w1, w2, _] = (width - 1).to_le_bytes();
    let [h0, h1, h2, _] = (height - 1).to_le_bytes();
    let mut chunks = chunk(b"VP8X", &[0x10, 0, 0, 0, w0, w1, w2, h0, h1, h2]);
    chunks.extend(coded);
    let file = [b"RIFF", (chunks.len() as u32 + 4).to_le_bytes().as_slice(), b"WEBP", &chunks].concat();
    let (_, image) = decode(&file, Way::Whole, &Limits::default()).unwrap();
    let color = match image.layout {
        Layout::Gray => png::ColorType::Grayscale,
        Layout::GrayAlpha => png::ColorType::GrayscaleAlpha,
        Layout::Rgb => png::ColorType::Rgb,
        Layout::Rgba => png::ColorType::Rgba,
    };
    match image.samples() {
        Samples::U8(samples) => rgba(color, samples),
        Samples::U16(_) => unreachable!(),
    }
}

fn rgba(color: png::ColorType, samples: &[u8]) -> Vec<Pixel> {
    let pixel = |samples: &[u8]| match *samples {
        [gray] => [gray, gray, gray, 255],
        [gray, alpha] => [gray, gray, gray, alpha],
        [red, green, blue] => [red, green, blue, 255],
        [red, green, blue, alpha, ..] => [red, green, blue, alpha],
        [] => [0; 4],
    };
    samples.chunks_exact(color.samples()).map(pixel).collect()
}
