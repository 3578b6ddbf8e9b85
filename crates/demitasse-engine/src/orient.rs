//! Turns pixels upright.

use crate::image::{Frame, Image, Samples};
use crate::metadata::Orientation;

/// Applies an EXIF orientation (CIPA DC-008, tag 0x0112): afterwards the image is upright as stored.
///
/// Cost: one pass and one copy; nothing for an upright image.
pub(crate) fn apply(image: Image, orientation: Orientation) -> Image {
    if orientation.is_upright() {
        return image;
    }
    let (width, height) = (image.width as usize, image.height as usize);
    let channels = image.layout.channels();
    let frames = image
        .frames
        .iter()
        .map(|frame| Frame {
            samples: match &frame.samples {
                Samples::U8(samples) => Samples::U8(turn(samples, width, height, channels, orientation)),
                Samples::U16(samples) => Samples::U16(turn(samples, width, height, channels, orientation)),
            },
            delay_ms: frame.delay_ms,
        })
        .collect();
    let (width, height) =
        if orientation.swaps_sides() { (image.height, image.width) } else { (image.width, image.height) };
    Image { width, height, frames, ..image }
}

fn turn<T: Copy>(
    samples: &[T],
    width: usize,
    height: usize,
    channels: usize,
    orientation: Orientation,
) -> Vec<T> {
    let (out_width, out_height) = if orientation.swaps_sides() { (height, width) } else { (width, height) };
    let (right, bottom) = (width - 1, height - 1);
    let mut turned = Vec::with_capacity(samples.len());
    for y in 0..out_height {
        for x in 0..out_width {
            // Where the upright pixel (x, y) is stored.
            let (from_x, from_y) = match orientation.exif() {
                2 => (right - x, y),
                3 => (right - x, bottom - y),
                4 => (x, bottom - y),
                5 => (y, x),
                6 => (y, bottom - x),
                7 => (right - y, bottom - x),
                8 => (right - y, x),
                _ => (x, y),
            };
            let first = (from_y * width + from_x) * channels;
            turned.extend_from_slice(&samples[first..first + channels]);
        }
    }
    turned
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Layout;

    fn turned(orientation: u16) -> (u32, u32, Vec<u8>) {
        // 1 2 3
        // 4 5 6
        let image = Image::still(3, 2, Layout::Gray, Samples::U8(vec![1, 2, 3, 4, 5, 6]), None);
        let upright = apply(image, Orientation::from_exif(orientation));
        (upright.width, upright.height, upright.samples_u8().unwrap().to_vec())
    }

    #[test]
    fn each_orientation_turns_as_exif_says() {
        assert_eq!(turned(1), (3, 2, vec![1, 2, 3, 4, 5, 6]));
        assert_eq!(turned(2), (3, 2, vec![3, 2, 1, 6, 5, 4]));
        assert_eq!(turned(3), (3, 2, vec![6, 5, 4, 3, 2, 1]));
        assert_eq!(turned(4), (3, 2, vec![4, 5, 6, 1, 2, 3]));
        assert_eq!(turned(5), (2, 3, vec![1, 4, 2, 5, 3, 6]));
        assert_eq!(turned(6), (2, 3, vec![4, 1, 5, 2, 6, 3]));
        assert_eq!(turned(7), (2, 3, vec![6, 3, 5, 2, 4, 1]));
        assert_eq!(turned(8), (2, 3, vec![3, 6, 2, 5, 1, 4]));
    }
}
