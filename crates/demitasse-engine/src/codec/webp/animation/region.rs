//! What of a frame is new.

use crate::codec::animation::Rect;

/// A pixel: red, green, blue, straight alpha.
pub(super) type Pixel = [u8; 4];

/// The side of the blocks of which lossy frames are made: part of one is not worth an edge in alpha.
const BLOCK: u32 = 8;

/// A part of a frame, and which of its pixels are new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Region {
    /// Begins at even coordinates, as frames do.
    pub place: Rect,
    /// For each pixel of the place.
    pub is_new: Vec<bool>,
}

impl Region {
    /// Around all pixels that are new; one pixel if there is none.
    pub(super) fn of((width, height): (u32, u32), is_new: &[bool]) -> Self {
        let bounds = Rect::bounding(width, height, |at| is_new[at]);
        let Rect { x, y, width: across, height: down } =
            bounds.unwrap_or(Rect { x: 0, y: 0, width: 1, height: 1 });
        let place = Rect { x: x & !1, y: y & !1, width: across + (x & 1), height: down + (y & 1) };
        let is_new = place.rows(width).flatten().map(|at| is_new[at]).collect();
        Self { place, is_new }
    }

    /// The same, where a block with a new pixel is new as a whole.
    pub(super) fn in_blocks(mut self) -> Self {
        let Rect { width, height, .. } = self.place;
        for top in (0..height).step_by(BLOCK as usize) {
            for left in (0..width).step_by(BLOCK as usize) {
                let rows = top..(top + BLOCK).min(height);
                let row = |y: u32| {
                    let start = (y * width + left) as usize;
                    start..start + BLOCK.min(width - left) as usize
                };
                if rows.clone().any(|y| self.is_new[row(y)].contains(&true)) {
                    rows.for_each(|y| self.is_new[row(y)].fill(true));
                }
            }
        }
        self
    }

    /// All pixels of the place, as they are in `frame`, whose rows have `width` pixels.
    pub(super) fn all(&self, frame: &[Pixel], width: u32) -> Vec<u8> {
        self.place.rows(width).flatten().flat_map(|at| frame[at]).collect()
    }

    /// Those that are new, the others transparent: what may be laid over what is shown. `None` if that is not the same, because
    /// a new pixel is not opaque, or is no use, because all are new.
    pub(super) fn new_only(&self, frame: &[Pixel], width: u32) -> Option<Vec<u8>> {
        if !self.is_new.contains(&false) {
            return None;
        }
        let mut rgba = Vec::with_capacity(self.is_new.len() * 4);
        for (at, is_new) in self.place.rows(width).flatten().zip(&self.is_new) {
            match (is_new, frame[at]) {
                (false, _) => rgba.extend([0; 4]),
                (true, pixel @ [.., 255]) => rgba.extend(pixel),
                (true, _) => return None,
            }
        }
        Some(rgba)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(new: &[usize]) -> Region {
        let is_new: Vec<_> = (0..20 * 20).map(|at| new.contains(&at)).collect();
        Region::of((20, 20), &is_new)
    }

    #[test]
    fn a_place_begins_at_even_coordinates() {
        let place = region(&[3 * 20 + 5, 6 * 20 + 7]).place;
        assert_eq!(place, Rect { x: 4, y: 2, width: 4, height: 5 });
        assert_eq!(region(&[]).place, Rect { x: 0, y: 0, width: 1, height: 1 });
    }

    #[test]
    fn blocks_are_new_as_a_whole() {
        let region = region(&[0, 19 * 20 + 19]).in_blocks();
        let count = region.is_new.iter().filter(|is_new| **is_new).count();
        // A whole block, and the corner of the last.
        assert_eq!(count, 64 + 16);
    }

    #[test]
    fn only_what_is_opaque_can_be_laid_over() {
        let region = region(&[0, 3]);
        let mut frame = vec![[9, 9, 9, 255]; 400];
        assert_eq!(
            region.new_only(&frame, 20).unwrap(),
            [[9, 9, 9, 255], [0; 4], [0; 4], [9, 9, 9, 255]].concat()
        );
        frame[3][3] = 200;
        assert_eq!(region.new_only(&frame, 20), None);
    }
}
