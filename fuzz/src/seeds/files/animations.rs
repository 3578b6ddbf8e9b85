//! Several frames.

use std::borrow::Cow;

use gif::{DisposalMethod, Encoder, Frame, Repeat};
use png::{BlendOp, ColorType, DisposeOp};

use super::{HEIGHT, WIDTH, rgb};

/// One picture, in every other row first.
pub(super) fn still_gif() -> Vec<u8> {
    gif(&[frame(0, DisposalMethod::Any)])
}

/// Frames of other sizes and places, each disposed of in another way.
pub(super) fn animated_gif() -> Vec<u8> {
    let small = Frame { width: 7, height: 5, left: 3, top: 4, ..frame(2, DisposalMethod::Previous) };
    let small = Frame { buffer: Cow::Owned(small.buffer[..35].to_vec()), transparent: Some(3), ..small };
    gif(&[frame(0, DisposalMethod::Keep), small, frame(1, DisposalMethod::Background)])
}

fn frame(number: u32, dispose: DisposalMethod) -> Frame<'static> {
    let indices: Vec<u8> = rgb(number).chunks(3).map(|pixel| pixel[0] / 16).collect();
    Frame {
        width: WIDTH as u16,
        height: HEIGHT as u16,
        delay: 7,
        dispose,
        interlaced: number == 0,
        buffer: Cow::Owned(indices),
        ..Frame::default()
    }
}

fn gif(frames: &[Frame<'static>]) -> Vec<u8> {
    let palette: Vec<u8> = (0..16_u8).flat_map(|color| [color * 16, 255 - color * 3, color]).collect();
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, WIDTH as u16, HEIGHT as u16, &palette).unwrap();
    encoder.set_repeat(Repeat::Finite(3)).unwrap();
    encoder.write_raw_extension(gif::AnyExtension(0xfe), &[b"a comment"]).unwrap();
    for frame in frames {
        encoder.write_frame(frame).unwrap();
    }
    drop(encoder);
    bytes
}

/// Three frames, laid over each other in each way.
pub(super) fn apng() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, WIDTH, HEIGHT);
    encoder.set_color(ColorType::Rgba);
    encoder.set_animated(3, 2).unwrap();
    let mut writer = encoder.write_header().unwrap();
    let ways = [
        (DisposeOp::None, BlendOp::Source),
        (DisposeOp::Background, BlendOp::Over),
        (DisposeOp::Previous, BlendOp::Over),
    ];
    for (number, (dispose, blend)) in ways.into_iter().enumerate() {
        let rgba =
            rgb(number as u32).chunks(3).flat_map(|pixel| [pixel, &[pixel[0]]].concat()).collect::<Vec<_>>();
        writer.set_dispose_op(dispose).unwrap();
        writer.set_blend_op(blend).unwrap();
        writer.set_frame_delay(1, 10).unwrap();
        writer.write_image_data(&rgba).unwrap();
    }
    writer.finish().unwrap();
    bytes
}
