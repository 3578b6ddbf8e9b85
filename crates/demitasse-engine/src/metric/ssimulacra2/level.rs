//! One scale of the pyramid, a row at a time.

use super::kernel::{self, MapRow, REACH, WINDOW};
use super::weights::{SUMS, Sums, counts};

/// Side of a tile at full resolution, in pixels. At the coarsest of six scales it is still 8 samples.
pub(super) const TILE_SIDE: usize = 256;

/// Linear red, green and blue of the reference, then of the distorted image: six rows, one after another.
pub(super) const PLANES: usize = 6;

/// How many tiles there are. What is left over at the right and at the bottom belongs to the last tile if it is less
/// than half a tile.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tiling {
    pub columns: usize,
    pub rows: usize,
}

impl Tiling {
    pub(super) fn of(width: usize, height: usize) -> Self {
        let tiles = |side: usize| ((side + TILE_SIDE / 2) / TILE_SIDE).max(1);
        Self { columns: tiles(width), rows: tiles(height) }
    }
}

/// A scale.
pub(super) struct Level {
    width: usize,
    height: usize,
    tile_side: usize,
    tiling: Tiling,
    /// X, Y, B; none for a channel that does not count on this scale.
    channels: [Option<Channel>; 3],
    /// Rows seen.
    rows: usize,
    /// Pairs of the last row added up, if it waits for the next; and room for the next scale's row.
    half: Vec<f32>,
    half_is_waiting: bool,
    scratch: Scratch,
}

/// Room for what is made of one row, so that nothing is allocated for each.
struct Scratch {
    /// Two rows of samples, with zeros around.
    padded: [Vec<f32>; 4],
    means: [Vec<f32>; 4],
}

/// What one channel remembers: the last [`WINDOW`] rows, and its sums.
struct Channel {
    /// For each row: reference and distorted samples, then both, the square of their difference and their product blurred along the row.
    ring: Vec<f32>,
    /// For each tile, row by row.
    sums: Vec<Sums>,
}

/// Rows that the ring holds for each row of the image.
const KEPT: usize = 6;

impl Level {
    pub(super) fn new(width: usize, height: usize, scale: usize, scales: usize, tiling: Tiling) -> Self {
        let tiles = tiling.columns * tiling.rows;
        let channel = |channel| {
            counts(channel, scale, scales)
                .then(|| Channel { ring: vec![0.0; WINDOW * KEPT * width], sums: vec![[0.0; SUMS]; tiles] })
        };
        Self {
            width,
            height,
            tile_side: (TILE_SIDE >> scale).max(1),
            tiling,
            channels: [channel(0), channel(1), channel(2)],
            rows: 0,
            half: vec![0.0; PLANES * width.div_ceil(2)],
            half_is_waiting: false,
            scratch: Scratch {
                padded: std::array::from_fn(|_| vec![0.0; width + 2 * REACH]),
                means: std::array::from_fn(|_| vec![0.0; width]),
            },
        }
    }

    /// Takes the next row; whether [`Level::half_row`] now holds a row for the next scale.
    #[inline(always)]
    pub(super) fn push(&mut self, linear: &[f32]) -> bool {
        self.push_samples(Some(linear));
        self.halve(linear)
    }

    /// After the last row: the rows that waited for those below them; whether there is a row for the next scale.
    #[inline(always)]
    pub(super) fn finish(&mut self) -> bool {
        for _ in 0..REACH {
            self.push_samples(None);
        }
        if self.half_is_waiting {
            self.half.iter_mut().for_each(|sum| *sum *= 0.5);
        }
        std::mem::take(&mut self.half_is_waiting)
    }

    /// The row for the next scale.
    pub(super) fn half_row(&self) -> &[f32] {
        &self.half
    }

    /// Sums of each channel in a tile; of all tiles where none is named.
    pub(super) fn sums(&self, tile: Option<usize>) -> [Sums; 3] {
        let of_channel = |channel: &Option<Channel>| {
            let sums = channel.as_ref().map_or(&[][..], |channel| &channel.sums);
            let chosen = match tile {
                Some(tile) => sums.get(tile..=tile).unwrap_or_default(),
                None => sums,
            };
            chosen.iter().fold([0.0; SUMS], |mut total, sums| {
                total.iter_mut().zip(sums).for_each(|(total, sum)| *total += sum);
                total
            })
        };
        [0, 1, 2].map(|channel| of_channel(&self.channels[channel]))
    }

    /// Pixels of a tile on this scale; of the whole where none is named.
    pub(super) fn pixels(&self, tile: Option<usize>) -> f64 {
        let Some(tile) = tile else { return (self.width * self.height) as f64 };
        let (column, row) = (tile % self.tiling.columns, tile / self.tiling.columns);
        let extent = |index: usize, count: usize, whole: usize| {
            let end = if index + 1 == count { whole } else { (index + 1) * self.tile_side };
            end.saturating_sub(index * self.tile_side)
        };
        (extent(column, self.tiling.columns, self.width) * extent(row, self.tiling.rows, self.height)) as f64
    }

    /// Takes a row of samples, or nothing for a row below the image, and adds the maps of the row [`REACH`] above it.
    #[inline(always)]
    fn push_samples(&mut self, linear: Option<&[f32]>) {
        let slot = self.rows % WINDOW;
        for channel in self.channels.iter_mut().flatten() {
            channel.ring[slot * KEPT * self.width..(slot + 1) * KEPT * self.width].fill(0.0);
        }
        if let Some(linear) = linear {
            self.fill_slot(slot, linear);
        }
        self.rows += 1;
        if self.rows > REACH {
            self.add_maps(self.rows - 1 - REACH);
        }
    }

    #[inline(always)]
    fn fill_slot(&mut self, slot: usize, linear: &[f32]) {
        let width = self.width;
        let start = slot * KEPT * width;
        for image in 0..2 {
            let plane = |color: usize| &linear[(3 * image + color) * width..][..width];
            let [x, y, b] = &mut self.channels;
            kernel::xyb(
                [plane(0), plane(1), plane(2)],
                [x, y, b].map(|channel| match channel {
                    Some(channel) => &mut channel.ring[start + image * width..][..width],
                    None => &mut [],
                }),
            );
        }
        let [reference, distorted, squares, product] = &mut self.scratch.padded;
        for channel in self.channels.iter_mut().flatten() {
            let (samples, blurred) = channel.ring[start..start + KEPT * width].split_at_mut(2 * width);
            let inner = REACH..REACH + width;
            reference[inner.clone()].copy_from_slice(&samples[..width]);
            distorted[inner.clone()].copy_from_slice(&samples[width..]);
            kernel::products(
                &samples[..width],
                &samples[width..],
                &mut squares[inner.clone()],
                &mut product[inner],
            );
            for (padded, out) in
                [&*reference, distorted, squares, product].into_iter().zip(blurred.chunks_exact_mut(width))
            {
                kernel::blur_along(padded, out);
            }
        }
    }

    /// Adds the maps of row `y`, whose window is complete.
    #[inline(always)]
    fn add_maps(&mut self, y: usize) {
        let width = self.width;
        let tile_row = (y / self.tile_side).min(self.tiling.rows - 1);
        // The slots from the row REACH above, which is the oldest: the one that is overwritten next.
        let oldest = y + WINDOW - REACH;
        for channel in self.channels.iter_mut().flatten() {
            let row_of = |kept: usize, offset: usize| {
                &channel.ring[((oldest + offset) % WINDOW * KEPT + kept) * width..][..width]
            };
            for (kept, mean) in self.scratch.means.iter_mut().enumerate() {
                let rows = std::array::from_fn(|offset| row_of(kept + 2, offset));
                kernel::blur_across(rows, mean);
            }
            let [reference_mean, distorted_mean, squares_mean, product_mean] = &self.scratch.means;
            let row = MapRow {
                reference: row_of(0, REACH),
                distorted: row_of(1, REACH),
                reference_mean,
                distorted_mean,
                squares_mean,
                product_mean,
            };
            for column in 0..self.tiling.columns {
                let is_last = column + 1 == self.tiling.columns;
                let from = (column * self.tile_side).min(width);
                let to = if is_last { width } else { (from + self.tile_side).min(width) };
                let tile = tile_row * self.tiling.columns + column;
                kernel::add_maps(row, from, to, &mut channel.sums[tile]);
            }
        }
    }

    /// Adds the row to the half-size row; whether that is complete.
    #[inline(always)]
    fn halve(&mut self, linear: &[f32]) -> bool {
        let half = self.width.div_ceil(2);
        let rows = linear.chunks_exact(self.width).zip(self.half.chunks_exact_mut(half));
        if self.half_is_waiting {
            for (row, half) in rows {
                kernel::average_pairs(row, half);
            }
        } else {
            for (row, half) in rows {
                kernel::add_pairs(row, half);
            }
        }
        self.half_is_waiting = !self.half_is_waiting;
        !self.half_is_waiting
    }
}
