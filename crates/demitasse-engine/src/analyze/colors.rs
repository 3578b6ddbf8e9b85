//! How many colours an image has.

use std::collections::HashSet;

use crate::image::{Image, Samples};

/// Counting stops here.
const MAX_COUNTED: usize = 1 << 14;
/// With so few it is no photo, not even a gray one.
const VERY_FEW: usize = 64;
/// A graphic has at most one colour for this many pixels. Photos of the smallest sizes have about one for two.
const PIXELS_A_COLOR: u64 = 8;

/// How many colours, alpha included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Colors {
    Counted(usize),
    /// More than were counted.
    Many,
    /// Of 16 bits: not counted, and no photo of the web.
    Deep,
}

impl Colors {
    /// Whether there are so few, or so deep ones, that it is no photo whatever else it is like.
    pub(super) fn are_very_few(self) -> bool {
        match self {
            Self::Counted(colors) => colors <= VERY_FEW,
            Self::Many => false,
            Self::Deep => true,
        }
    }

    /// Whether there are few enough for a drawing, a screenshot, a chart, rather than a photo.
    pub(super) fn are_few(self, pixels: u64) -> bool {
        match self {
            Self::Counted(colors) => colors as u64 * PIXELS_A_COLOR <= pixels.max(PIXELS_A_COLOR),
            Self::Many => false,
            Self::Deep => true,
        }
    }
}

/// Cost: one pass, cut short at 16,384 colours.
pub(super) fn count(image: &Image) -> Colors {
    let Samples::U8(samples) = image.samples() else { return Colors::Deep };
    let mut colors = HashSet::with_capacity(1024);
    let mut last = None;
    for pixel in samples.chunks_exact(image.layout.channels()) {
        if last == Some(pixel) {
            continue;
        }
        last = Some(pixel);
        let mut color = [0; 4];
        color[..pixel.len()].copy_from_slice(pixel);
        colors.insert(color);
        if colors.len() >= MAX_COUNTED {
            return Colors::Many;
        }
    }
    Colors::Counted(colors.len())
}
