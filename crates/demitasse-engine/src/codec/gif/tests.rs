use super::container::{BlockKind, Blocks};
use super::*;
use crate::Error;
use crate::codec::testing::*;
use crate::image::Layout;
use crate::metadata::Kind;

const PALETTE: &[u8] = &[0, 0, 0, 200, 10, 20, 30, 220, 40, 255, 255, 255];

fn frame(left: u16, top: u16, width: u16, height: u16) -> gif::Frame<'static> {
    let buffer = (0..width as usize * height as usize).map(|at| (at % 4) as u8).collect::<Vec<_>>();
    gif::Frame { left, top, width, height, buffer: buffer.into(), ..gif::Frame::default() }
}

fn written(width: u16, height: u16, frames: &[gif::Frame<'_>]) -> Vec<u8> {
    let mut encoder = gif::Encoder::new(Vec::new(), width, height, PALETTE).unwrap();
    if frames.len() > 1 {
        encoder.set_repeat(gif::Repeat::Infinite).unwrap();
    }
    for frame in frames {
        encoder.write_frame(frame).unwrap();
    }
    encoder.into_inner().unwrap()
}

/// `gif` with extensions before its first frame.
fn with_extensions(gif: &[u8]) -> Vec<u8> {
    let head = Blocks::new(gif).unwrap().head.len();
    let mut xmp = b"\x21\xff\x0bXMP DataXMP<x/>\x01".to_vec();
    xmp.extend((0..=255u8).rev());
    xmp.push(0);
    let comment = b"\x21\xfe\x05hello\0".as_slice();
    let private = b"\x21\xff\x0bPRIVATE 1.0\x03abc\0".as_slice();
    [&gif[..head], comment, &xmp, private, &gif[head..]].concat()
}

#[test]
fn a_still_is_decoded_from_its_palette() {
    let gif = written(4, 2, &[frame(0, 0, 4, 2)]);
    let header = Gif.read_header(&gif).unwrap();
    assert_eq!((header.width, header.height, header.alpha, header.animated), (4, 2, false, false));
    let image = decode(&Gif, &gif);
    assert_eq!(image.layout, Layout::Rgb);
    assert_eq!(image.samples_u8().unwrap(), [PALETTE, PALETTE].concat());
}

#[test]
fn a_frame_lies_on_its_canvas_and_the_rest_is_transparent() {
    let mut still = frame(1, 1, 2, 1);
    still.transparent = Some(0);
    let image = decode(&Gif, &written(4, 3, &[still]));
    assert_eq!(image.layout, Layout::Rgba);
    let mut expected = vec![0; 4 * 3 * 4];
    expected[(4 + 2) * 4..][..4].copy_from_slice(&[200, 10, 20, 255]);
    assert_eq!(image.samples_u8().unwrap(), expected);
}

#[test]
fn a_frame_beyond_the_canvas_is_cut() {
    let image = decode(&Gif, &written(3, 2, &[frame(2, 1, 8, 8)]));
    assert_eq!(image.samples_u8().unwrap()[(3 + 2) * 4..], [0, 0, 0, 255]);
}

#[test]
fn an_interlaced_gif_decodes_like_a_plain_one() {
    let plain = frame(0, 0, 9, 21);
    let order =
        (0..21).step_by(8).chain((4..21).step_by(8)).chain((2..21).step_by(4)).chain((1..21).step_by(2));
    let rows = order.flat_map(|row| plain.buffer[row * 9..][..9].to_vec()).collect::<Vec<_>>();
    let interlaced = gif::Frame { interlaced: true, buffer: rows.into(), ..plain.clone() };
    assert_eq!(decode(&Gif, &written(9, 21, &[interlaced])), decode(&Gif, &written(9, 21, &[plain])));
}

#[test]
fn an_animation_is_seen_and_keeps_its_loop() {
    let gif = written(4, 4, &[frame(0, 0, 4, 4), frame(0, 0, 4, 4)]);
    assert!(Gif.read_header(&gif).unwrap().animated);
    let stripped = Gif.strip(&with_extensions(&gif), &Embedded::default()).unwrap();
    assert_eq!(stripped, gif);
    assert!(stripped.windows(11).any(|window| window == b"NETSCAPE2.0"));
}

#[test]
fn stripping_drops_comments_and_applications() {
    let gif = written(4, 2, &[frame(0, 0, 4, 2)]);
    let dirty = [with_extensions(&gif), b"more".to_vec()].concat();
    let kinds: Vec<_> =
        Gif.read_metadata(&dirty, &Limits::default()).unwrap().items.iter().map(|item| item.kind).collect();
    assert_eq!(kinds, [Kind::Comment, Kind::Xmp, Kind::Other, Kind::Trailer]);
    assert_eq!(decode(&Gif, &dirty), decode(&Gif, &gif));
    assert_eq!(Gif.strip(&dirty, &Embedded::default()).unwrap(), gif);
}

#[test]
fn damage_is_reported() {
    let gif = with_extensions(&written(40, 30, &[frame(3, 2, 37, 28)]));
    refuses_every_truncation(&Gif, &gif);
    survives_every_damage(&Gif, &gif);
}

#[test]
fn pixels_that_are_missing_are_damage() {
    let gif = written(40, 30, &[frame(0, 0, 40, 30)]);
    let mut blocks = Blocks::new(&gif).unwrap();
    let head = blocks.head;
    let block = blocks
        .find_map(|block| block.ok().filter(|block| matches!(block.kind, BlockKind::Frame(_))))
        .unwrap();
    // Its sub-blocks end after a few codes, and the file is whole but for that.
    let short = [head, &block.whole[..11], &[4], &block.whole[12..16], &[0, 0x3b]].concat();
    assert!(matches!(Gif.decode(&short, &Limits::default(), &Control::new()), Err(Error::Malformed { .. })));
}

#[test]
fn a_frame_can_be_a_bomb() {
    let mut gif = written(4, 2, &[frame(0, 0, 4, 2)]);
    let at = gif.windows(2).position(|window| window == [0x2c, 0]).unwrap();
    gif[at + 5..at + 9].fill(0xff);
    let error = Gif.decode(&gif, &Limits::default(), &Control::new()).unwrap_err();
    assert!(matches!(error, Error::LimitExceeded { .. }), "{error}");
}
