//! One scale of the pyramid, a row at a time.

use super::blur::Blur;
use super::kernel::{self, MapRow, REACH};
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
    /// A row for each channel that does not count.
    spare: [Vec<f32>; 3],
    /// Rows seen.
    rows: usize,
    /// Pairs of the last row added up, if it waits for the next; and room for the next scale's row.
    half: Vec<f32>,
    half_is_waiting: bool,
}

/// What one channel remembers: the last rows, and its sums.
struct Channel {
    /// For each of the last [`SLOTS`] rows: reference, then distorted samples.
    samples: Vec<f32>,
    blur: Blur,
    /// For each tile, row by row.
    sums: Vec<Sums>,
}

/// Rows whose samples are kept: those whose blurred values are still to come.
const SLOTS: usize = REACH + 1;

impl Level {
    pub(super) fn new(width: usize, height: usize, scale: usize, scales: usize, tiling: Tiling) -> Self {
        let tiles = tiling.columns * tiling.rows;
        let channel = |channel| {
            counts(channel, scale, scales).then(|| Channel {
                samples: vec![0.0; SLOTS * 2 * width],
                blur: Blur::new(width, scale),
                sums: vec![[0.0; SUMS]; tiles],
            })
        };
        Self {
            width,
            height,
            tile_side: (TILE_SIDE >> scale).max(1),
            tiling,
            channels: [channel(0), channel(1), channel(2)],
            spare: std::array::from_fn(|_| vec![0.0; width]),
            rows: 0,
            half: vec![0.0; PLANES * width.div_ceil(2)],
            half_is_waiting: false,
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
        let (width, slot) = (self.width, self.rows % SLOTS);
        if let Some(linear) = linear {
            self.fill_slot(slot, linear);
        }
        for channel in self.channels.iter_mut().flatten() {
            let row = linear.map(|_| channel.samples[slot * 2 * width..][..2 * width].split_at(width));
            channel.blur.push(row);
        }
        self.rows += 1;
        if self.rows > REACH {
            self.add_maps(self.rows - 1 - REACH);
        }
    }

    #[inline(always)]
    fn fill_slot(&mut self, slot: usize, linear: &[f32]) {
        let width = self.width;
        for image in 0..2 {
            let plane = |color: usize| &linear[(3 * image + color) * width..][..width];
            let linear = [plane(0), plane(1), plane(2)];
            let row = (slot * 2 + image) * width..(slot * 2 + image + 1) * width;
            match &mut self.channels {
                [None, Some(y), None] => kernel::luma(linear, &mut y.samples[row]),
                channels => {
                    let mut spare = self.spare.iter_mut();
                    let rows = channels.each_mut().map(|channel| match channel {
                        Some(channel) => &mut channel.samples[row.clone()],
                        None => spare.next().map_or(&mut [][..], Vec::as_mut_slice),
                    });
                    kernel::xyb(linear, rows);
                }
            }
        }
    }

    /// Adds the maps of row `y`, whose blurred values have come.
    #[inline(always)]
    fn add_maps(&mut self, y: usize) {
        let (width, slot) = (self.width, y % SLOTS);
        let tile_row = (y / self.tile_side).min(self.tiling.rows - 1);
        for channel in self.channels.iter_mut().flatten() {
            let samples = channel.samples[slot * 2 * width..][..2 * width].split_at(width);
            let row = MapRow { samples, means: channel.blur.means() };
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
