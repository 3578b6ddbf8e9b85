//! Mean colours of the regions of a picture, to see whether two pictures are the same without holding either.

use super::picture::SIDE;
use super::scan::Block;

/// Side of a region, in pixels: as in the last look at pictures that are held (`verify`).
const REGION: u32 = 32;
/// Levels of 255 by which no mean may shift: as there.
const MAX_SHIFT: i32 = 16;

/// The mean of each component of each region, in levels of 255, times the number of its 8 x 8 blocks.
///
/// Six bytes a region: 0.6 MB of a picture of 100 megapixels.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Regions {
    across: usize,
    /// Of the picture, in blocks of pixels.
    blocks: (u32, u32),
    sums: Vec<[u16; 3]>,
}

impl Regions {
    pub(super) fn new(width: u32, height: u32) -> Self {
        let across = width.div_ceil(REGION) as usize;
        let blocks = (width.div_ceil(SIDE), height.div_ceil(SIDE));
        Self { across, blocks, sums: vec![[0; 3]; across * height.div_ceil(REGION) as usize] }
    }

    /// Adds a block of a component whose blocks are as large as `unit` blocks of pixels; `mean` is a coefficient, dequantized.
    #[inline(always)]
    pub(super) fn add(&mut self, block: Block, unit: (u32, u32), mean: i32) {
        let (left, top) = (block.column * unit.0, block.row * unit.1);
        // What lies beyond the edge is padding.
        let inside =
            unit.0.min(self.blocks.0.saturating_sub(left)) * unit.1.min(self.blocks.1.saturating_sub(top));
        if inside == 0 {
            return;
        }
        // A mean of 0 is gray, in eighths of a level (T.81 A.3.1 and A.3.3).
        let level = (128 + ((mean + 4) >> 3)).clamp(0, 255) as u16;
        self.add_level(left, top, block.component, level * inside as u16);
    }

    /// Adds a row of a picture at an eighth of the size, `components` samples a pixel.
    pub(super) fn add_row(&mut self, row: u32, samples: &[u8], components: usize) {
        for (column, pixel) in (0..).zip(samples.chunks_exact(components)) {
            for (component, level) in pixel.iter().enumerate() {
                self.add_level(column, row, component, (*level).into());
            }
        }
    }

    #[inline(always)]
    fn add_level(&mut self, left: u32, top: u32, component: usize, level: u16) {
        const BLOCKS: u32 = REGION / SIDE;
        let place = (top / BLOCKS) as usize * self.across + (left / BLOCKS) as usize;
        if let Some(sums) = self.sums.get_mut(place) {
            sums[component] += level;
        }
    }

    /// Why `other` is another picture, for people; `None` if it is the same one within what coarser steps change.
    pub(super) fn difference(&self, other: &Self) -> Option<String> {
        if self.blocks != other.blocks {
            return Some("it has another size".into());
        }
        const BLOCKS: u32 = REGION / SIDE;
        let inside =
            |place: usize, blocks: u32| blocks.saturating_sub(place as u32 * BLOCKS).clamp(1, BLOCKS);
        let shifts = self.sums.iter().zip(&other.sums).enumerate().map(|(place, (ours, others))| {
            let (column, row) = (place % self.across, place / self.across);
            let blocks = inside(column, self.blocks.0) * inside(row, self.blocks.1);
            let shift = |component: usize| (i32::from(ours[component]) - i32::from(others[component])).abs();
            shift(0).max(shift(1)).max(shift(2)) / blocks as i32
        });
        let largest = shifts.max().unwrap_or(0);
        (largest > MAX_SHIFT).then(|| format!("a region's colour shifts by {largest} of 255"))
    }
}
