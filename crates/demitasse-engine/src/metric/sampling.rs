//! Which pixels are looked at when an image is scored.
//!
//! A whole comparison costs more than everything else together, so large images are scored on tiles: one in the middle
//! of each cell of a regular grid, put side by side into a *mosaic* that is scored as one image. Scoring the mosaic
//! rather than averaging the tiles' scores pools the errors of all tiles as the metric pools those of a whole image;
//! the seams are the same in reference and distorted image. Measured in `docs/decisions/0003-tiles.md`.

use super::Purpose;

/// Up to this many pixels the whole image is scored.
const WHOLE_MAX_PIXELS: u64 = 700_000;
/// Side of a tile, in pixels. At the metric's coarsest scale (1/32) a tile is still 8 samples wide.
const TILE_SIDE: u32 = 256;
/// Tiles for a small image, before [`TILES_PER_MEGAPIXEL`].
const BASE_TILES: f64 = 6.0;
/// More pixels can hold more that differs.
const TILES_PER_MEGAPIXEL: f64 = 1.0;
/// Tiles for the largest images: 3 megapixels.
const MAX_TILES: f64 = 48.0;

/// Pixels of the four tiles where no score was promised: up to here the whole image is scored.
const INFORMATION_PIXELS: u64 = 4 * (TILE_SIDE as u64).pow(2);
/// From this proportion of the sides on, four tiles lie in one line; else in two.
const LONG: f64 = 3.0;

/// A region of an image, in pixels.
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

/// Which regions are looked at: `columns x rows` tiles of one size, row by row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sampling {
    /// The tiles; one that covers everything if the whole image is scored.
    pub tiles: Vec<Rect>,
    /// Tiles in a row of the mosaic.
    pub columns: u32,
    /// Rows of the mosaic.
    pub rows: u32,
    /// Pixels in all tiles, as a part of the image's: above 0, at most 1.
    pub share: f64,
}

impl Sampling {
    /// Looks at everything.
    pub(crate) fn whole(width: u32, height: u32) -> Self {
        Self { tiles: vec![Rect { x: 0, y: 0, width, height }], columns: 1, rows: 1, share: 1.0 }
    }

    /// Looks at everything if it is little, else at tiles. Depends on the dimensions and the purpose alone.
    pub(crate) fn plan(width: u32, height: u32, purpose: Purpose) -> Self {
        let pixels = u64::from(width) * u64::from(height);
        let aspect = f64::from(width) / f64::from(height);
        match purpose {
            Purpose::Promise if pixels <= WHOLE_MAX_PIXELS => Self::whole(width, height),
            Purpose::Information if pixels <= INFORMATION_PIXELS => Self::whole(width, height),
            Purpose::Promise => {
                let tiles = BASE_TILES + TILES_PER_MEGAPIXEL * pixels as f64 / 1e6;
                let wanted = tiles.min(MAX_TILES).floor();
                let columns = ((wanted * aspect).sqrt().round()).clamp(1.0, wanted);
                let rows = (wanted / columns).round().max(1.0);
                Self::grid(width, height, columns as u32, rows as u32)
            }
            Purpose::Information if aspect >= LONG => Self::grid(width, height, 4, 1),
            Purpose::Information if aspect <= 1.0 / LONG => Self::grid(width, height, 1, 4),
            Purpose::Information => Self::grid(width, height, 2, 2),
        }
    }

    fn grid(width: u32, height: u32, columns: u32, rows: u32) -> Self {
        let side = |extent: u32, cells: u32| TILE_SIDE.min(extent / cells).max(1);
        let (tile_width, tile_height) = (side(width, columns), side(height, rows));
        // The middle of cell `index`, in 64 bits because `extent * (2 index + 1)` may not fit in 32.
        let start = |extent: u32, cells: u32, index: u32, side: u32| {
            let center = u64::from(extent) * (2 * u64::from(index) + 1) / (2 * u64::from(cells));
            (center as u32).saturating_sub(side / 2).min(extent - side)
        };
        let tiles: Vec<Rect> = (0..rows)
            .flat_map(|row| (0..columns).map(move |column| (column, row)))
            .map(|(column, row)| Rect {
                x: start(width, columns, column, tile_width),
                y: start(height, rows, row, tile_height),
                width: tile_width,
                height: tile_height,
            })
            .collect();
        let looked_at = tiles.len() as f64 * f64::from(tile_width) * f64::from(tile_height);
        Self { tiles, columns, rows, share: looked_at / (f64::from(width) * f64::from(height)) }
    }

    /// Whether everything is looked at.
    pub(crate) fn is_whole(&self) -> bool {
        self.tiles.len() == 1 && self.share >= 1.0
    }

    /// Puts the tiles side by side.
    ///
    /// `samples` is interleaved, `channels` samples a pixel, rows of `width` pixels. Gives the mosaic's samples;
    /// its dimensions are [`Sampling::mosaic_size`].
    pub(crate) fn mosaic<T: Copy>(&self, samples: &[T], width: u32, channels: usize) -> Vec<T> {
        let (mosaic_width, mosaic_height) = self.mosaic_size();
        let mut mosaic = Vec::with_capacity(mosaic_width as usize * mosaic_height as usize * channels);
        for row_of_tiles in self.tiles.chunks(self.columns as usize) {
            for line in 0..row_of_tiles[0].height {
                for tile in row_of_tiles {
                    let first = ((tile.y + line) as usize * width as usize + tile.x as usize) * channels;
                    mosaic.extend_from_slice(&samples[first..first + tile.width as usize * channels]);
                }
            }
        }
        mosaic
    }

    /// Width and height of the mosaic, in pixels.
    pub(crate) fn mosaic_size(&self) -> (u32, u32) {
        (self.columns * self.tiles[0].width, self.rows * self.tiles[0].height)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_small_image_is_looked_at_whole() {
        let sampling = Sampling::plan(80, 50, Purpose::Promise);
        assert!(sampling.is_whole());
        let samples: Vec<u16> = (0..80 * 50).collect();
        assert_eq!(sampling.mosaic(&samples, 80, 1), samples);
    }

    #[test]
    fn larger_images_get_more_tiles() {
        let tiles = |width, height| Sampling::plan(width, height, Purpose::Promise).tiles.len();
        assert!(tiles(1420, 1136) < tiles(3872, 2592));
        assert!(tiles(3872, 2592) < tiles(6000, 4000));
    }

    #[test]
    fn where_nothing_is_promised_four_tiles_look_at_every_quarter() {
        let rows = |width, height| {
            let sampling = Sampling::plan(width, height, Purpose::Information);
            assert_eq!(sampling.tiles.len(), 4);
            sampling.rows
        };
        assert_eq!([rows(1920, 1080), rows(1080, 2340), rows(3000, 1000), rows(500, 1600)], [2, 2, 1, 4]);
    }

    #[test]
    fn a_mosaic_holds_the_tiles_in_their_order() {
        let sampling = Sampling {
            tiles: vec![Rect { x: 1, y: 0, width: 2, height: 1 }, Rect { x: 0, y: 1, width: 2, height: 1 }],
            columns: 2,
            rows: 1,
            share: 0.5,
        };
        assert_eq!(sampling.mosaic(&[0, 1, 2, 3, 4, 5, 6, 7], 4, 1), [1, 2, 4, 5]);
    }

    proptest! {
        #[test]
        fn tiles_lie_inside_the_image_and_do_not_overlap(
            width in 1_u32..70_000,
            height in 1_u32..70_000,
            purpose in proptest::sample::select(vec![Purpose::Promise, Purpose::Information]),
        ) {
            let sampling = Sampling::plan(width, height, purpose);
            prop_assert_eq!(sampling.tiles.len() as u32, sampling.columns * sampling.rows);
            prop_assert!(sampling.share > 0.0 && sampling.share <= 1.0);
            for tile in &sampling.tiles {
                prop_assert!(tile.width > 0 && tile.x + tile.width <= width);
                prop_assert!(tile.height > 0 && tile.y + tile.height <= height);
            }
            for pair in sampling.tiles.chunks(sampling.columns as usize).flat_map(|row| row.windows(2)) {
                prop_assert!(pair[0].x + pair[0].width <= pair[1].x);
            }
        }
    }
}
