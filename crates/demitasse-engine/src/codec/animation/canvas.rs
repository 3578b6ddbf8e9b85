//! Patches, laid over each other as viewers do it.

use super::{Disposal, Patch};

/// A part of a canvas, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rect {
    /// Left edge.
    pub x: u32,
    /// Top edge.
    pub y: u32,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

impl Rect {
    /// Whether it has pixels, and all of them lie on a canvas of this size.
    pub(crate) fn fits(&self, width: u32, height: u32) -> bool {
        let ends = |start: u32, length: u32, end: u32| length > 0 && end.checked_sub(length) >= Some(start);
        ends(self.x, self.width, width) && ends(self.y, self.height, height)
    }

    /// Pixels.
    pub(crate) fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// The smallest that holds both.
    pub(crate) fn around(&self, other: &Self) -> Self {
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        let right = (self.x + self.width).max(other.x + other.width);
        let bottom = (self.y + self.height).max(other.y + other.height);
        Self { x, y, width: right - x, height: bottom - y }
    }

    /// Of each of its rows on a canvas of `width` pixels, where its pixels are.
    pub(crate) fn rows(&self, width: u32) -> impl Iterator<Item = std::ops::Range<usize>> + use<> {
        let (x, length, width) = (self.x as usize, self.width as usize, width as usize);
        (self.y as usize..(self.y + self.height) as usize).map(move |y| y * width + x..y * width + x + length)
    }

    /// The smallest around all pixels of a canvas of `width` for which `is_in` holds; `None` if there is none.
    pub(crate) fn bounding(width: u32, height: u32, mut is_in: impl FnMut(usize) -> bool) -> Option<Self> {
        let mut found: Option<Self> = None;
        for y in 0..height {
            let start = y as usize * width as usize;
            let Some(first) = (0..width).find(|x| is_in(start + *x as usize)) else { continue };
            let last = (first..width).rev().find(|x| is_in(start + *x as usize)).unwrap_or(first);
            let row = Self { x: first, y, width: last - first + 1, height: 1 };
            found = Some(found.map_or(row, |found| found.around(&row)));
        }
        found
    }
}

/// What is shown: transparent at first, then a frame after each patch.
#[derive(Debug, Clone)]
pub(crate) struct Canvas {
    width: u32,
    rgba: Vec<u8>,
    /// What is to be done before the next patch.
    due: Option<(Rect, Option<Vec<u8>>)>,
}

const CHANNELS: usize = 4;

impl Canvas {
    /// Memory: four bytes a pixel; as much again for a patch that goes away again.
    pub(crate) fn new(width: u32, height: u32) -> Self {
        Self { width, rgba: vec![0; width as usize * height as usize * CHANNELS], due: None }
    }

    /// Red, green, blue, alpha of each pixel; all 0 where it is transparent.
    pub(crate) fn rgba(&self) -> &[u8] {
        &self.rgba
    }

    /// Shows the next frame. The patch lies on the canvas, and has as many pixels as its place.
    ///
    /// Straight alpha: what is opaque replaces, what is transparent leaves, the rest is blended in non-linear samples, each
    /// rounded once (W3C PNG, third edition, section 13.16; RFC 9649, section 2.7.1.1).
    pub(crate) fn show(&mut self, patch: &Patch) {
        self.dispose();
        let saved = (patch.disposal == Disposal::Restore).then(|| self.copy(patch.place));
        let row = patch.place.width as usize * CHANNELS;
        for (range, new) in patch.place.rows(self.width).zip(patch.rgba.chunks_exact(row)) {
            let old = &mut self.rgba[range.start * CHANNELS..range.end * CHANNELS];
            if patch.blends {
                old.as_chunks_mut()
                    .0
                    .iter_mut()
                    .zip(new.as_chunks().0)
                    .for_each(|(old, new)| blend(old, *new));
            } else {
                old.as_chunks_mut()
                    .0
                    .iter_mut()
                    .zip(new.as_chunks().0)
                    .for_each(|(old, new)| replace(old, *new));
            }
        }
        self.due = (patch.disposal != Disposal::Keep).then_some((patch.place, saved));
    }

    fn dispose(&mut self) {
        let Some((place, saved)) = self.due.take() else { return };
        let row = place.width as usize * CHANNELS;
        for (index, range) in place.rows(self.width).enumerate() {
            let pixels = &mut self.rgba[range.start * CHANNELS..range.end * CHANNELS];
            match &saved {
                Some(saved) => pixels.copy_from_slice(&saved[index * row..][..row]),
                None => pixels.fill(0),
            }
        }
    }

    fn copy(&self, place: Rect) -> Vec<u8> {
        let rows = place.rows(self.width);
        rows.flat_map(|range| &self.rgba[range.start * CHANNELS..range.end * CHANNELS]).copied().collect()
    }
}

/// What is transparent has no colour: nobody ever sees it, not through later patches either.
fn replace(old: &mut [u8; CHANNELS], new: [u8; CHANNELS]) {
    *old = if new[3] == 0 { [0; CHANNELS] } else { new };
}

fn blend(old: &mut [u8; CHANNELS], new: [u8; CHANNELS]) {
    match (new[3], old[3]) {
        (0, _) => {}
        (255, _) | (_, 0) => *old = new,
        (above, below) => {
            let (above, below) = (u32::from(above), u32::from(below));
            // In parts of 255 x 255.
            let (above, below) = (above * 255, below * (255 - above));
            let alpha = above + below;
            for (old, new) in old[..3].iter_mut().zip(new) {
                *old = ((u32::from(new) * above + u32::from(*old) * below + alpha / 2) / alpha) as u8;
            }
            old[3] = ((alpha + 127) / 255) as u8;
        }
    }
}
