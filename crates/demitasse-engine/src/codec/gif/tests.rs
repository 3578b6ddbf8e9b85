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

mod animations {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::Format;
    use crate::codec::animation::testing::{distance, played, simply};
    use crate::codec::animation::{Disposal, Patch, Rect};

    const SIDE: u32 = 7;
    const LOCAL: &[u8] = &[9, 8, 7, 60, 50, 40, 1, 255, 1, 90, 90, 200];

    /// A frame: place, indexes, which is transparent, whether its table is its own, disposal, delay.
    type Drawn = (Rect, Vec<u8>, Option<u8>, bool, u8, u16);

    fn drawn() -> impl Strategy<Value = Drawn> {
        let sides = || (0..SIDE).prop_flat_map(|start| (Just(start), 1..=SIDE - start));
        (sides(), sides(), proptest::option::of(0..4u8), any::<bool>(), 0..4u8, any::<u16>()).prop_flat_map(
            |((x, width), (y, height), transparent, own, disposal, delay)| {
                let place = Rect { x, y, width, height };
                vec(0..4u8, (width * height) as usize)
                    .prop_map(move |indexes| (place, indexes, transparent, own, disposal, delay))
            },
        )
    }

    fn file(drawn: &[Drawn], interlaced: bool) -> Vec<u8> {
        let mut encoder = gif::Encoder::new(Vec::new(), SIDE as u16, SIDE as u16, PALETTE).unwrap();
        encoder.set_repeat(gif::Repeat::Finite(3)).unwrap();
        for (place, indexes, transparent, own, disposal, delay) in drawn {
            let mut buffer = indexes.clone();
            if interlaced {
                let rows = [(0, 8), (4, 8), (2, 4), (1, 2)];
                let order = rows.into_iter().flat_map(|(start, step)| (start..place.height).step_by(step));
                let row = place.width as usize;
                buffer = order.flat_map(|y| indexes[y as usize * row..][..row].to_vec()).collect();
            }
            let frame = gif::Frame {
                left: place.x as u16,
                top: place.y as u16,
                width: place.width as u16,
                height: place.height as u16,
                delay: *delay,
                dispose: gif::DisposalMethod::from_u8(*disposal).unwrap(),
                transparent: *transparent,
                interlaced,
                palette: own.then(|| LOCAL.to_vec()),
                buffer: buffer.into(),
                ..gif::Frame::default()
            };
            encoder.write_frame(&frame).unwrap();
        }
        encoder.into_inner().unwrap()
    }

    fn patches(drawn: &[Drawn]) -> Vec<Patch> {
        let of = |(place, indexes, transparent, own, disposal, _): &Drawn| {
            let colors = if *own { LOCAL } else { PALETTE };
            let pixel = |index: &u8| match colors[usize::from(*index) * 3..] {
                _ if *transparent == Some(*index) => [0; 4],
                [red, green, blue, ..] => [red, green, blue, 255],
                _ => unreachable!(),
            };
            let disposal = match disposal {
                2 => Disposal::Clear,
                3 => Disposal::Restore,
                _ => Disposal::Keep,
            };
            Patch { place: *place, rgba: indexes.iter().flat_map(pixel).collect(), blends: true, disposal }
        };
        drawn.iter().map(of).collect()
    }

    proptest! {
        #[test]
        fn frames_are_shown_as_their_blocks_say(drawn in vec(drawn(), 1..7), interlaced in any::<bool>()) {
            let (timeline, frames) = played(Format::Gif, &Gif, &file(&drawn, interlaced)).unwrap();
            prop_assert_eq!(distance(&frames, &simply(SIDE, SIDE, &patches(&drawn))), Some(0));
            let delays: Vec<_> = timeline.delays.iter().map(|delay| delay.whole(100)).collect();
            prop_assert_eq!(delays, drawn.iter().map(|drawn| Some(u32::from(drawn.5))).collect::<Vec<_>>());
            prop_assert_eq!(timeline.plays, 4);
        }
    }

    /// The crate that decodes them took this one for cut off.
    #[test]
    fn an_interlaced_frame_of_few_rows_is_whole() {
        let indexes = [3, 3, 3, 2, 0, 0, 0, 0, 0, 0, 1, 1, 0, 1, 0, 1, 1, 0, 0, 0, 2, 2, 0, 2].to_vec();
        let drawn = vec![(Rect { x: 0, y: 0, width: 4, height: 6 }, indexes, Some(1), true, 2, 21_042)];
        let (_, frames) = played(Format::Gif, &Gif, &file(&drawn, true)).unwrap();
        assert_eq!(distance(&frames, &simply(SIDE, SIDE, &patches(&drawn))), Some(0));
        let still = Gif.decode(&file(&drawn, true), &Limits::default(), &Control::new()).unwrap().image;
        assert_eq!(still.samples_u8(), Some(frames[0].as_slice()));
    }

    fn two() -> Vec<u8> {
        written(8, 8, &[frame(0, 0, 8, 8), frame(2, 2, 4, 4)])
    }

    #[test]
    fn it_is_played_as_often_as_its_extension_says_and_once_without() {
        let plays = |gif: &[u8]| Gif.timeline(gif, &Limits::default()).unwrap().plays;
        assert_eq!(plays(&two()), 0);
        let at = two().windows(11).position(|window| window == b"NETSCAPE2.0").unwrap();
        let without = [&two()[..at - 3], &two()[at + 16..]].concat();
        assert_eq!(plays(&without), 1);
    }

    #[test]
    fn what_viewers_show_differently_is_not_read() {
        for odd in [frame(5, 0, 4, 8), frame(0, 1, 8, 8)] {
            let gif = written(8, 8, &[frame(0, 0, 8, 8), odd]);
            assert_eq!(Gif.timeline(&gif, &Limits::default()).unwrap_err().code(), "unsupported");
        }
        let mut empty = two();
        let at = empty.windows(5).rposition(|window| window == [0x2c, 2, 0, 2, 0]).unwrap();
        empty[at + 5] = 0;
        assert_eq!(Gif.timeline(&empty, &Limits::default()).unwrap_err().code(), "unsupported");
    }

    #[test]
    fn hostile_files_are_refused() {
        let limits = Limits { max_frames: 1, ..Limits::default() };
        assert_eq!(Gif.timeline(&two(), &limits).unwrap_err().code(), "limit_exceeded");
        let none = written(8, 8, &[]);
        assert_eq!(Gif.timeline(&none, &Limits::default()).unwrap_err().code(), "malformed");
        let whole = two();
        for end in 0..whole.len() {
            assert!(played(Format::Gif, &Gif, &whole[..end]).is_err(), "{end}");
        }
    }

    #[test]
    fn damage_does_no_harm() {
        let drawn = (Rect { x: 1, y: 0, width: 5, height: 6 }, vec![1; 30], Some(2), true, 3, 7);
        let whole = file(&vec![drawn; 3], true);
        let mut noise = Noise(3);
        for _ in 0..3_000 {
            let mut damaged = whole.clone();
            let at = noise.next() as usize % damaged.len();
            damaged[at] = noise.next() as u8;
            // Whatever comes of it, it comes to an end.
            let _ = played(Format::Gif, &Gif, &damaged);
        }
    }
}
