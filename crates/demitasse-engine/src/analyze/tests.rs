use super::*;
use crate::image::{Layout, Samples};

fn image(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; 3]) -> Image {
    let samples = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).flat_map(|(x, y)| pixel(x, y));
    Image::still(width, height, Layout::Rgb, Samples::U8(samples.collect()), None)
}

fn noise(x: u32, y: u32) -> u8 {
    let mut state = x.wrapping_mul(0x9E37_79B9) ^ y.wrapping_mul(0x85EB_CA6B) ^ 0x5bd1_e995;
    for _ in 0..3 {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
    }
    state as u8
}

#[test]
fn a_drawing_of_few_colours_is_a_graphic() {
    let drawing = image(256, 256, |x, y| if (x / 64 + y / 64) % 2 == 0 { [200, 40, 40] } else { [250; 3] });
    assert_eq!(Analysis::of(&drawing).content, Content::Graphic);
}

#[test]
fn thin_dark_strokes_on_white_are_text() {
    let page =
        image(256, 256, |x, y| if y % 32 < 12 && noise(x / 2, y / 3) < 80 { [10; 3] } else { [255; 3] });
    assert_eq!(Analysis::of(&page).content, Content::Text);
}

#[test]
fn soft_texture_is_a_photo_and_grain_is_noise() {
    let wave = |x: u32, y: u32, f: f64| ((f64::from(x) * f).sin() + (f64::from(y) * f * 1.3).cos()) * 30.0;
    let photo = image(512, 512, |x, y| {
        let luma = 128.0 + wave(x, y, 0.05) + wave(y, x, 0.17) + f64::from(noise(x, y)) / 25.0;
        [luma as u8, (luma * 0.9) as u8 ^ (noise(y, x) & 7), (luma * 0.7) as u8 ^ (noise(x + 7, y) & 15)]
    });
    assert_eq!(Analysis::of(&photo).content, Content::Photo);
    let grain = image(512, 512, |x, y| [noise(x, y), noise(y + 999, x), noise(x + 77, y + 5)]);
    assert_eq!(Analysis::of(&grain).content, Content::Noise);
}

#[test]
fn a_smooth_photo_is_no_graphic() {
    // Out of focus: neighbours are often the same, but hardly ever a whole block is.
    let photo = image(1024, 768, |x, y| {
        let far = |f: f64| (f64::from(x) * f).sin() + (f64::from(y) * f * 1.7).cos();
        let luma = 110.0 + 40.0 * far(0.004) + f64::from(noise(x / 2, y / 2)) / 160.0;
        [luma as u8, (luma * 0.93 + far(0.011) * 6.0) as u8, (luma * 0.8 + far(0.007) * 9.0) as u8]
    });
    assert_eq!(Analysis::of(&photo).content, Content::Photo);
}

#[test]
fn a_gray_photo_is_no_graphic_and_a_gray_drawing_is() {
    let wave = |x: u32, y: u32| (f64::from(x) * 0.05).sin() + (f64::from(y) * 0.07).cos();
    let photo = image(640, 480, |x, y| [(120.0 + 50.0 * wave(x, y)) as u8 + noise(x, y) % 9; 3]);
    assert_eq!(Analysis::of(&photo).content, Content::Photo);
    let steps = image(640, 480, |x, y| [(x / 40 * 12 + y / 40) as u8; 3]);
    assert_eq!(Analysis::of(&steps).content, Content::Graphic);
}

#[test]
fn features_are_numbers_for_every_size() {
    for (width, height) in [(1, 1), (7, 9), (8, 8), (3000, 10)] {
        let analysis = Analysis::of(&image(width, height, |x, y| [noise(x, y); 3]));
        assert!(analysis.features.iter().all(|feature| feature.is_finite()), "{width} x {height}");
    }
}
