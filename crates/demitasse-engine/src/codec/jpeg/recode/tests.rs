//! Files of every sampling through the recoder, and damaged ones.

use proptest::prelude::*;

use super::*;
use crate::Limits;
use crate::codec::jpeg::Jpeg;
use crate::codec::jpeg::jpegli::{Raster, encode_sequentially};
use crate::codec::{Codec, testing};
use crate::image::{Image, Layout};

/// Sampling factors of luma that are recoded.
const FACTORS: [(i32, i32); 4] = [(1, 1), (2, 1), (1, 2), (2, 2)];

fn file(width: u32, height: u32, layout: Layout, factors: (i32, i32), restart_interval: u32) -> Vec<u8> {
    let image = testing::picture(width, height, layout, 8);
    let samples = image.samples_u8().unwrap();
    let raster = Raster { width, height, channels: layout.channels() as u8, samples };
    encode_sequentially(raster, 0.8, factors, restart_interval)
}

fn one_tile() -> Tiles {
    Tiles { lefts: vec![16], tops: vec![0], side: 32 }
}

fn open(bytes: &[u8]) -> Result<Option<Recode<'_>>> {
    Recode::open(bytes, &one_tile(), &Control::new())
}

fn decode(bytes: &[u8]) -> Image {
    testing::decode(&Jpeg, bytes)
}

/// With the steps that the file has.
fn rewrite(bytes: &[u8]) -> Vec<u8> {
    let recode = open(bytes).unwrap().unwrap();
    recode.recode(Quality(100.0), &Embedded::default(), u64::MAX, &Control::new()).unwrap().unwrap()
}

#[test]
fn steps_that_are_fine_enough_lose_nothing_in_any_sampling_and_at_any_size() {
    for (width, height) in [(64, 48), (65, 49), (63, 47), (80, 33), (200, 31)] {
        for restart_interval in [0, 3] {
            for factors in FACTORS {
                let original = file(width, height, Layout::Rgb, factors, restart_interval);
                let case = format!("{width} x {height}, {factors:?}, {restart_interval}");
                assert_eq!(decode(&rewrite(&original)).frames, decode(&original).frames, "{case}");
            }
            let original = file(width, height, Layout::Gray, (1, 1), restart_interval);
            assert_eq!(decode(&rewrite(&original)).frames, decode(&original).frames);
        }
    }
}

#[test]
fn coarser_steps_make_a_smaller_file_of_nearly_the_same_picture() {
    for factors in FACTORS {
        let original = file(300, 200, Layout::Rgb, factors, 0);
        let recode = open(&original).unwrap().unwrap();
        let at = |quality| {
            let control = Control::new();
            recode.recode(Quality(quality), &Embedded::default(), u64::MAX, &control).unwrap().unwrap()
        };
        let (fine, coarse) = (at(85.0), at(40.0));
        assert!(coarse.len() < fine.len() && fine.len() < original.len());
        let before = decode(&original);
        let distance = |bytes: &[u8]| {
            let after = decode(bytes);
            let pairs = before.samples_u8().unwrap().iter().zip(after.samples_u8().unwrap());
            pairs.map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / before.pixels() as f64 / 3.0
        };
        assert!(distance(&fine) < distance(&coarse) && distance(&coarse) < 30.0, "{}", distance(&coarse));
    }
}

#[test]
fn the_sample_is_the_tile() {
    let original = file(100, 64, Layout::Rgb, (2, 2), 0);
    let recode = open(&original).unwrap().unwrap();
    let (whole, tile) = (decode(&original), decode(recode.sample()));
    assert_eq!((tile.width, tile.height), (32, 32));
    // Chroma is smoothed across the tile's edge, which has other neighbours: only the middle is the same.
    let row = |image: &Image, left: usize| {
        let first = (16 * image.width as usize + left) * 3;
        image.samples_u8().unwrap()[first..first + 60].to_vec()
    };
    assert_eq!(row(&tile, 6), row(&whole, 22));
}

#[test]
fn the_sample_is_recoded_as_the_whole_is() {
    let original = file(64, 32, Layout::Rgb, (2, 2), 0);
    let control = Control::new();
    let whole = Tiles { lefts: vec![0, 32], tops: vec![0], side: 32 };
    let recode = Recode::open(&original, &whole, &control).unwrap().unwrap();
    let recoded = recode.recode(Quality(60.0), &Embedded::default(), u64::MAX, &control).unwrap().unwrap();
    let sample = recode.recode_sample(Quality(60.0), &control).unwrap();
    assert_eq!(decode(&sample).frames, decode(&recoded).frames);
}

#[test]
fn what_would_be_too_long_is_not_made() {
    let original = file(300, 200, Layout::Rgb, (2, 2), 0);
    let recode = open(&original).unwrap().unwrap();
    let made =
        |max_bytes| recode.recode(Quality(80.0), &Embedded::default(), max_bytes, &Control::new()).unwrap();
    let length = made(u64::MAX).unwrap().len() as u64;
    assert!(made(length).is_some() && made(length - 1).is_none() && made(10).is_none());
}

#[test]
fn progressive_files_and_odd_samplings_are_left_to_others() {
    let progressive =
        testing::encode(&Jpegli, &testing::picture(600, 500, Layout::Rgb, 8), 80.0, &Embedded::default());
    assert!(open(&progressive).unwrap().is_none());
    assert!(open(&file(100, 64, Layout::Rgb, (4, 1), 0)).unwrap().is_none());
}

#[test]
fn a_stop_is_heard_in_both_passes() {
    let original = file(300, 200, Layout::Rgb, (2, 2), 0);
    let control = Control::new();
    let recode = Recode::open(&original, &one_tile(), &control).unwrap().unwrap();
    control.cancel();
    let made = recode.recode(Quality(80.0), &Embedded::default(), u64::MAX, &control);
    assert_eq!(made.unwrap_err().code(), "cancelled");
    assert_eq!(Recode::open(&original, &one_tile(), &control).err().unwrap().code(), "cancelled");
}

#[test]
fn a_file_that_is_cut_off_is_malformed_wherever_it_is_cut() {
    let original = file(200, 150, Layout::Rgb, (2, 2), 0);
    let whole = Picture::read(&original).unwrap().unwrap().data.len();
    let start = original.len() - whole - 2;
    for length in (start + 1..original.len() - 6).step_by(97) {
        let error = open(&original[..length]).err().unwrap();
        assert_eq!(error.code(), "malformed", "{length}");
        let ended = [&original[..length], &[0xFF, EOI]].concat();
        assert_eq!(open(&ended).err().unwrap().code(), "malformed", "{length}, with an end");
    }
    assert!(open(&original[..original.len() - 2]).unwrap().is_none(), "only the end marker is missing");
}

#[test]
fn another_picture_does_not_pass_the_look() {
    let [one, other] =
        [(64, 48), (48, 64)].map(|(width, height)| file(width, height, Layout::Rgb, (2, 2), 0));
    let picture = Picture::read(&one).unwrap().unwrap();
    let steps = Steps::of(&picture);
    let mut emitter = Emitter::new(Histogram::of_all(), &steps).noting_regions(&picture);
    walk(&picture, &mut emitter, &Control::new()).unwrap();
    let expected = emitter.finish().1.unwrap();
    look(&one, &expected, &picture, &Control::new()).unwrap();
    assert!(
        look(&other, &expected, &picture, &Control::new()).unwrap_err().to_string().contains("another size")
    );
    let same = testing::picture(64, 48, Layout::Rgb, 8);
    let negative: Vec<u8> = same.samples_u8().unwrap().iter().map(|sample| 255 - sample).collect();
    let raster = Raster { width: 64, height: 48, channels: 3, samples: &negative };
    let error = look(&encode_sequentially(raster, 1.0, (2, 2), 0), &expected, &picture, &Control::new());
    assert!(error.unwrap_err().to_string().contains("colour shifts"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_libjpeg_finds_damaged_is_never_recoded(places in prop::collection::vec((any::<u32>(), any::<u8>()), 1..4)) {
        let mut bytes = file(120, 80, Layout::Rgb, (2, 2), 5);
        for (place, value) in places {
            let length = bytes.len() as u32;
            bytes[(place % length) as usize] = value;
        }
        if let Ok(Some(recode)) = open(&bytes) {
            prop_assert!(Jpeg.decode(&bytes, &Limits::default(), &Control::new()).is_ok());
            // What it holds may be any picture, but what comes out is that picture.
            let _ = recode.recode(Quality(70.0), &Embedded::default(), u64::MAX, &Control::new());
        }
    }
}
