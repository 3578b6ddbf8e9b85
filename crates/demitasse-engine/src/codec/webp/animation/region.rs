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

    /// The same in whole blocks: those with a new pixel of which `is_worth` holds, told the indexes of a block's pixels in the
    /// place. The place is no larger than it must be.
    pub(super) fn with_blocks(mut self, is_worth: impl Fn(&[usize]) -> bool) -> Self {
        let Rect { width, height, .. } = self.place;
        for top in (0..height).step_by(BLOCK as usize) {
            for left in (0..width).step_by(BLOCK as usize) {
                let columns = left..(left + BLOCK).min(width);
                let block: Vec<usize> = (top..(top + BLOCK).min(height))
                    .flat_map(|y| columns.clone().map(move |x| (y * width + x) as usize))
                    .collect();
                let is_new = block.iter().any(|at| self.is_new[*at]) && is_worth(&block);
                block.iter().for_each(|at| self.is_new[*at] = is_new);
            }
        }
        self.shrunk()
    }

    /// Around what is new; one pixel if nothing is. Blocks begin at even coordinates.
    fn shrunk(self) -> Self {
        let Rect { x, y, width, height } = self.place;
        let found = Rect::bounding(width, height, |at| self.is_new[at]);
        let inner = found.unwrap_or(Rect { x: 0, y: 0, width: 1, height: 1 });
        let is_new = inner.rows(width).flatten().map(|at| self.is_new[at]).collect();
        Self { place: Rect { x: x + inner.x, y: y + inner.y, ..inner }, is_new }
    }

    /// What is new in both; the other lies around it.
    pub(super) fn and_new_in(mut self, other: &Self) -> Self {
        let inner = Rect { x: self.place.x - other.place.x, y: self.place.y - other.place.y, ..self.place };
        for (is_new, at) in self.is_new.iter_mut().zip(inner.rows(other.place.width).flatten()) {
            *is_new &= other.is_new[at];
        }
        self
    }

    /// All pixels of the place, as they are in `frame`, whose rows have `width` pixels.
    pub(super) fn all(&self, frame: &[Pixel], width: u32) -> Vec<u8> {
        self.place.rows(width).flatten().flat_map(|at| frame[at]).collect()
    }

    /// Those that are new, the others transparent: what may be laid over what is shown. `None` if that is not the same, because
    /// a new pixel is not opaque, or is no use, because all are new. What is transparent has its colour if `with_hidden`: beside
    /// it, others are coded in fewer bytes where the encoder makes it flat.
    pub(super) fn new_only(&self, frame: &[Pixel], width: u32, with_hidden: bool) -> Option<Vec<u8>> {
        if !self.is_new.contains(&false) {
            return None;
        }
        let mut rgba = Vec::with_capacity(self.is_new.len() * 4);
        for (at, is_new) in self.place.rows(width).flatten().zip(&self.is_new) {
            match (is_new, frame[at]) {
                (false, [red, green, blue, _]) if with_hidden => rgba.extend([red, green, blue, 0]),
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
        let both = region(&[0, 19 * 20 + 19]).with_blocks(|_| true);
        let count = |region: &Region| region.is_new.iter().filter(|is_new| **is_new).count();
        // A whole block, and the corner of the last.
        assert_eq!(count(&both), 64 + 16);
        let last = region(&[0, 19 * 20 + 19]).with_blocks(|block| !block.contains(&0));
        assert_eq!((last.place, count(&last)), (Rect { x: 16, y: 16, width: 4, height: 4 }, 16));
        let none = region(&[0]).with_blocks(|_| false);
        assert_eq!((none.place.pixels(), count(&none)), (1, 0));
    }

    #[test]
    fn only_what_is_opaque_can_be_laid_over() {
        let region = region(&[0, 3]);
        let mut frame = vec![[9, 9, 9, 255]; 400];
        assert_eq!(
            region.new_only(&frame, 20, false).unwrap(),
            [[9, 9, 9, 255], [0; 4], [0; 4], [9, 9, 9, 255]].concat()
        );
        frame[3][3] = 200;
        assert_eq!(region.new_only(&frame, 20, false), None);
    }
}
