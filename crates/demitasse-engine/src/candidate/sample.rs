//! A sample of the image: tiles from all over it, put side by side into one small image.
//!
//! A search rehearses on the sample, where an encode costs a fraction, and then confirms on the whole image. Scoring one
//! mosaic rather than averaging the tiles' scores pools the errors of all tiles as the metric pools those of a whole image;
//! the seams are the same in reference and result. Measured in `docs/decisions/0003-tiles.md`.

use crate::codec::Tiles;
use crate::image::{Image, Samples};
use crate::metric::Rect;

/// Smaller images are cheap enough as they are.
const MIN_PIXELS: u64 = 900_000;
/// Side of a tile, in pixels: a multiple of every codec's blocks. At the metric's coarsest scale (1/32) a tile is still 8
/// samples wide.
const TILE_SIDE: u32 = 256;
/// Tiles for a small image, before [`TILES_PER_MEGAPIXEL`].
const BASE_TILES: f64 = 5.0;
/// More pixels can hold more that differs.
const TILES_PER_MEGAPIXEL: f64 = 0.6;
/// 1.6 megapixels.
const MAX_TILES: f64 = 24.0;
/// 0.8 megapixels: both pictures of the sample are in the 16 MB that a stream may take (`docs/decisions/0017-streaming.md`).
const MAX_TILES_OF_STREAM: f64 = 12.0;

/// The sample.
pub(crate) struct Sample {
    /// The tiles, side by side.
    pub image: Image,
    /// The part of the image's pixels that is in it.
    pub share: f64,
}

impl Sample {
    /// Of a large image; none of a small one, of which it would be most. Depends on the dimensions alone. Cost: a copy of
    /// the tiles.
    pub(crate) fn of(image: &Image) -> Option<Self> {
        if !is_large(image.width, image.height) {
            return None;
        }
        let grid = Grid::over(image.width, image.height, MAX_TILES);
        let (width, height) = (grid.columns * TILE_SIDE, grid.rows * TILE_SIDE);
        let channels = image.layout.channels();
        let samples = match image.samples() {
            Samples::U8(samples) => Samples::U8(grid.mosaic(samples, image.width, channels)),
            Samples::U16(samples) => Samples::U16(grid.mosaic(samples, image.width, channels)),
        };
        let share = f64::from(width) * f64::from(height) / image.pixels() as f64;
        let image = Image::still(width, height, image.layout, samples, image.profile.clone());
        Some(Self { image, share })
    }
}

/// Whether a sample is much less than the image, whose sides are in pixels.
pub(crate) fn is_large(width: u32, height: u32) -> bool {
    u64::from(width) * u64::from(height) >= MIN_PIXELS && width.min(height) >= TILE_SIDE
}

/// Where to take a sample of a large image that is recoded in a stream, and the part of the pixels that is in it.
pub(crate) fn tiles(width: u32, height: u32) -> (Tiles, f64) {
    let Grid { tiles, columns, .. } = Grid::over(width, height, MAX_TILES_OF_STREAM);
    let lefts: Vec<u32> = tiles.iter().take(columns as usize).map(|tile| tile.x).collect();
    let tops = tiles.iter().step_by(columns as usize).map(|tile| tile.y).collect();
    let pixels = u64::from(TILE_SIDE).pow(2) * tiles.len() as u64;
    let share = pixels as f64 / (u64::from(width) * u64::from(height)) as f64;
    (Tiles { lefts, tops, side: TILE_SIDE }, share)
}

/// `columns x rows` tiles, one in the middle of each cell, row by row.
struct Grid {
    tiles: Vec<Rect>,
    columns: u32,
    rows: u32,
}

impl Grid {
    fn over(width: u32, height: u32, most_tiles: f64) -> Self {
        let pixels = f64::from(width) * f64::from(height);
        let wanted = (BASE_TILES + TILES_PER_MEGAPIXEL * pixels / 1e6).min(most_tiles).floor();
        let most = |side: u32| f64::from(side / TILE_SIDE);
        let columns = (wanted * f64::from(width) / f64::from(height)).sqrt().round().clamp(1.0, most(width));
        let rows = (wanted / columns).round().clamp(1.0, most(height));
        let (columns, rows) = (columns as u32, rows as u32);
        // The middle of cell `index`, in 64 bits because `extent * (2 index + 1)` may not fit in 32; on a multiple of 16,
        // so that blocks lie as they lie in the whole image.
        let start = |extent: u32, cells: u32, index: u32| {
            let center = u64::from(extent) * (2 * u64::from(index) + 1) / (2 * u64::from(cells));
            ((center as u32).saturating_sub(TILE_SIDE / 2) / 16 * 16).min(extent - TILE_SIDE)
        };
        let tile = |column: u32, row: u32| Rect {
            x: start(width, columns, column),
            y: start(height, rows, row),
            width: TILE_SIDE,
            height: TILE_SIDE,
        };
        let places = (0..rows).flat_map(|row| (0..columns).map(move |column| (column, row)));
        Self { tiles: places.map(|(column, row)| tile(column, row)).collect(), columns, rows }
    }

    /// Puts the tiles of interleaved samples side by side.
    fn mosaic<T: Copy>(&self, samples: &[T], width: u32, channels: usize) -> Vec<T> {
        let mut mosaic = Vec::with_capacity(self.tiles.len() * (TILE_SIDE * TILE_SIDE) as usize * channels);
        for row_of_tiles in self.tiles.chunks(self.columns as usize) {
            for line in 0..TILE_SIDE {
                for tile in row_of_tiles {
                    let first = ((tile.y + line) as usize * width as usize + tile.x as usize) * channels;
                    mosaic.extend_from_slice(&samples[first..first + TILE_SIDE as usize * channels]);
                }
            }
        }
        mosaic
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::image::Layout;

    #[test]
    fn a_small_or_narrow_image_has_no_sample() {
        let blank = |width: u32, height: u32| {
            let samples = Samples::U8(vec![0; width as usize * height as usize]);
            Sample::of(&Image::still(width, height, Layout::Gray, samples, None)).is_some()
        };
        assert_eq!([blank(800, 600), blank(10_000, 200), blank(1200, 900)], [false, false, true]);
    }

    #[test]
    fn a_mosaic_holds_the_tiles_in_their_order() {
        let width = 1500;
        let samples: Vec<u16> =
            (0..width * 1000).map(|at| (at / width / 256 * 8 + at % width / 256) as u16).collect();
        let image = Image::still(width, 1000, Layout::Gray, Samples::U16(samples), None);
        let sample = Sample::of(&image).unwrap().image;
        let Samples::U16(mosaic) = sample.samples() else { panic!("it has 16 bits") };
        let grid = Grid::over(width, 1000, MAX_TILES);
        for (index, tile) in grid.tiles.iter().enumerate() {
            let (column, row) = (index as u32 % grid.columns, index as u32 / grid.columns);
            let at = (row * TILE_SIDE + 9) * sample.width + column * TILE_SIDE + 7;
            let expected = (tile.y + 9) / 256 * 8 + (tile.x + 7) / 256;
            assert_eq!(u32::from(mosaic[at as usize]), expected);
        }
    }

    proptest! {
        #[test]
        fn tiles_lie_inside_the_image_and_do_not_overlap(width in 256_u32..60_000, height in 256_u32..60_000) {
            let grid = Grid::over(width, height, MAX_TILES);
            prop_assert_eq!(grid.tiles.len() as u32, grid.columns * grid.rows);
            for tile in &grid.tiles {
                prop_assert!(tile.x + tile.width <= width && tile.y + tile.height <= height);
            }
            for (index, a) in grid.tiles.iter().enumerate() {
                for b in &grid.tiles[..index] {
                    prop_assert!(a.x.abs_diff(b.x) >= TILE_SIDE || a.y.abs_diff(b.y) >= TILE_SIDE, "{:?} {:?}", a, b);
                }
            }
        }
    }
}
