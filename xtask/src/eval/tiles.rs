//! The worst regions: scored one by one, and shown beside the original, for eyes.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::Result;
use serde_json::{Value, json};

use crate::helper::Helper;
use crate::score::{Picture, score};

/// Side of a tile, in pixels.
const SIDE: u32 = 256;
/// How many the sheet shows.
const SHOWN: usize = 12;

/// A region and its score.
struct Tile {
    score: f64,
    text: String,
    before: Picture,
    after: Picture,
}

/// The worst tiles of all images, from the worst.
#[derive(Default)]
pub(super) struct Worst(Mutex<Vec<Tile>>);

impl Worst {
    /// Scores a result tile by tile, gives the lowest score, and keeps that tile if it is among the worst of all.
    pub(super) fn look(&self, label: &str, before: &Picture, after: &Picture) -> Result<f64> {
        let mut worst: Option<Tile> = None;
        for (place, size) in places(before.width, before.height) {
            let (old, new) = (before.crop(place, size), after.crop(place, size));
            let score = score(&old, &new)?;
            if worst.as_ref().is_none_or(|tile| score < tile.score) {
                let text = format!("{score:.1}  {label}  at {}, {}", place.0, place.1);
                worst = Some(Tile { score, text, before: old, after: new });
            }
        }
        let Some(tile) = worst else { return Ok(f64::NAN) };
        let score = tile.score;
        let mut tiles = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tiles.push(tile);
        tiles.sort_by(|a, b| a.score.total_cmp(&b.score));
        tiles.truncate(SHOWN);
        Ok(score)
    }

    /// Writes them as a picture: original, result, and a line above that says what it is. `false` if there are none.
    pub(super) fn write(&self, pictures: &mut Helper, path: &Path) -> Result<bool> {
        let tiles = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let scratch = tempfile::tempdir()?;
        let mut rows: Vec<Value> = Vec::new();
        for (index, tile) in tiles.iter().enumerate() {
            let [before, after] =
                ["before", "after"].map(|name| scratch.path().join(format!("{index}-{name}.ppm")));
            std::fs::write(&before, tile.before.ppm())?;
            std::fs::write(&after, tile.after.ppm())?;
            rows.push(json!([before, after, tile.text]));
        }
        if !rows.is_empty() {
            pictures.ask(&json!(["sheet", path, rows]))?;
        }
        Ok(!rows.is_empty())
    }
}

/// Tiles that cover a picture; the last of a row and of a column reach back, so that all are whole.
fn places(width: u32, height: u32) -> Vec<((u32, u32), (u32, u32))> {
    let starts = |length: u32| {
        let side = SIDE.min(length);
        (0..length.div_ceil(SIDE)).map(move |index| (index * SIDE).min(length - side))
    };
    let size = (SIDE.min(width), SIDE.min(height));
    starts(height).flat_map(|y| starts(width).map(move |x| ((x, y), size))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_a_picture_and_none_reaches_out() {
        assert_eq!(places(100, 300), [((0, 0), (100, 256)), ((0, 44), (100, 256))]);
        assert_eq!(places(512, 256).len(), 2);
        for ((x, y), (width, height)) in places(1000, 777) {
            assert!(x + width <= 1000 && y + height <= 777);
        }
    }

    #[test]
    fn the_damaged_tile_is_the_worst() {
        let picture = |damaged: bool| {
            let sample = |index: u32| {
                let (x, y) = (index / 3 % 512, index / 3 / 512);
                let value = ((x * 5 + y * 3) % 256) as u8;
                if damaged && x >= 256 { value & 0xc0 } else { value }
            };
            Picture { width: 512, height: 256, samples: (0..512 * 256 * 3).map(sample).collect() }
        };
        let worst = Worst::default();
        let score = worst.look("made", &picture(false), &picture(true)).unwrap();
        assert!(score < 90.0, "{score}");
        assert!(worst.0.lock().unwrap()[0].text.ends_with("made  at 256, 0"));
    }
}
