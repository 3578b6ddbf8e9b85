use super::*;
use crate::Error;
use crate::codec::jpeg::mozjpeg;

fn noise(width: u32, height: u32, channels: u8) -> Vec<u8> {
    let count = (width * height) as usize * usize::from(channels);
    (0..count as u32).map(|i| ((i / 3 * 3) ^ (i.wrapping_mul(2_654_435_761) >> 27)) as u8).collect()
}

fn settings(distance: f32, subsampled: bool) -> Settings {
    Settings { distance, subsampled, progressive_level: 2 }
}

/// Sides around whole blocks and whole MCUs, and one pixel.
const SIDES: [(u32, u32); 8] = [(1, 1), (7, 9), (8, 8), (15, 17), (16, 16), (17, 40), (33, 1), (100, 31)];

#[test]
fn every_size_and_sampling_is_decoded_back_near_to_what_it_was() {
    for (width, height) in SIDES {
        for (channels, subsampled) in [(1, false), (3, false), (3, true)] {
            let flat: Vec<u8> = [90, 140, 200][..usize::from(channels)].repeat((width * height) as usize);
            let raster = Raster { width, height, channels, samples: &flat };
            let file = encode(raster, settings(0.5, subsampled), &Control::new()).unwrap();
            let image = crate::codec::codec(crate::Format::Jpeg)
                .decode(&file, &crate::Limits::default(), &Control::new())
                .unwrap()
                .image;
            assert_eq!((image.width, image.height), (width, height));
            let off = image.samples_u8().unwrap().iter().zip(&flat).map(|(a, b)| a.abs_diff(*b)).max();
            assert!(off <= Some(2), "{width}x{height}x{channels}: {off:?}");
        }
    }
}

#[test]
fn tables_and_sampling_are_those_of_the_plain_encoder() {
    let samples = noise(64, 48, 3);
    let raster = Raster { width: 64, height: 48, channels: 3, samples: &samples };
    for subsampled in [false, true] {
        let ours = encode(raster, settings(2.0, subsampled), &Control::new()).unwrap();
        let plain = jpegli::encode(raster, settings(2.0, subsampled), &Control::new()).unwrap();
        // Markers up to the first table of codes: size, sampling, quantization.
        let head = |file: &[u8]| file.split(|byte| *byte == 0xC4).next().unwrap().to_vec();
        assert_eq!(head(&ours), head(&plain));
    }
}

#[test]
fn the_same_picture_gives_the_same_bytes() {
    let samples = noise(130, 70, 3);
    let raster = Raster { width: 130, height: 70, channels: 3, samples: &samples };
    let file = || encode(raster, settings(1.5, true), &Control::new()).unwrap();
    assert_eq!(file(), file());
}

#[test]
fn its_files_go_through_the_lossless_rewrite() {
    let samples = noise(90, 50, 3);
    let raster = Raster { width: 90, height: 50, channels: 3, samples: &samples };
    let file = encode(raster, settings(1.5, true), &Control::new()).unwrap();
    assert!(mozjpeg::transcode(&file, false, &Control::new()).is_ok());
}

#[test]
fn a_cancelled_control_stops_it() {
    let samples = noise(64, 64, 3);
    let control = Control::new();
    control.cancel();
    let raster = Raster { width: 64, height: 64, channels: 3, samples: &samples };
    assert!(matches!(encode(raster, settings(1.0, true), &control), Err(Error::Cancelled)));
}
