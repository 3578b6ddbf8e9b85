//! What the pixels are like, to leave out encoders that cannot win.

use std::collections::HashSet;

use crate::image::{Image, Samples};

/// Counting stops here.
const MAX_COUNTED: usize = 1 << 14;
/// A graphic has at most one colour for this many pixels. Photos of the smallest sizes have about one for two.
const PIXELS_A_COLOR: u64 = 8;

/// Whether the image has few enough colours that a lossless encoder may beat a lossy one: a drawing, a screenshot, a
/// chart, rather than a photo.
///
/// Cost: one pass, cut short at 16,384 colours.
pub(crate) fn is_graphic(image: &Image) -> bool {
    let Samples::U8(samples) = image.samples() else { return true };
    let mut colors = HashSet::with_capacity(1024);
    for pixel in samples.chunks_exact(image.layout.channels()) {
        let mut color = [0; 4];
        color[..pixel.len()].copy_from_slice(pixel);
        colors.insert(color);
        if colors.len() >= MAX_COUNTED {
            return false;
        }
    }
    colors.len() as u64 * PIXELS_A_COLOR <= image.pixels().max(PIXELS_A_COLOR)
}
