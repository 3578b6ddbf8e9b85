//! Where a smart crop is placed: where most detail is kept.
//!
//! The crop has the image's whole width or its whole height, so it slides along one axis, and what counts is the detail in
//! each column (or row): edges, more of them where colours are strong, and skin. The image is looked at on a grid of
//! averages; everything is done in whole numbers, and ties are decided by the distance from the middle.

use super::Region;
use crate::image::{Image, Layout, Samples};

/// Cells of the grid along the longer side.
const CELLS: u32 = 256;
/// What a cell of skin counts as: an edge of so many levels of 255. Skin is smooth, and faces are what people look for.
const SKIN: u32 = 12;

/// Moves `region`, which lies in the middle, along the axis that it does not fill.
///
/// A window counts what it holds, in its middle twice as much as at its ends, so that an object comes to lie inside and
/// not at the edge. Cost: one pass over the image.
pub(super) fn most_detail(image: &Image, region: Region) -> Region {
    let (slides, extent, room) = if region.width < image.width {
        (Axis::X, region.width, image.width)
    } else if region.height < image.height {
        (Axis::Y, region.height, image.height)
    } else {
        return region;
    };
    let cell = image.width.max(image.height).div_ceil(CELLS);
    let detail = detail_along(&Grid::of(image, cell), slides);
    let places = room - extent;
    let best = (0..=places.div_ceil(cell))
        .map(|step| (step * cell).min(places))
        .map(|start| (held(&detail, cell, start, extent), (2 * start).abs_diff(places), start))
        // More is better, then nearer to the middle, then the first.
        .max_by_key(|(held, off, start)| (*held, std::cmp::Reverse(*off), std::cmp::Reverse(*start)));
    let middle = held(&detail, cell, places / 2, extent);
    let start = best.filter(|(held, ..)| *held > middle).map_or(places / 2, |(.., start)| start);
    match slides {
        Axis::X => Region { x: start, ..region },
        Axis::Y => Region { y: start, ..region },
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Axis {
    X,
    Y,
}

/// What a window from `start` holds: the detail of each cell whose centre is inside, with a weight that falls from 2 in the
/// window's middle to 1 at its ends.
fn held(detail: &[u64], cell: u32, start: u32, extent: u32) -> u64 {
    let [cell, start, extent] = [cell, start, extent].map(u64::from);
    detail
        .iter()
        .enumerate()
        .filter_map(|(index, detail)| {
            // Twice the distance of the cell's centre from the window's, in pixels.
            let center = (2 * index as u64 + 1) * cell;
            let off = center.abs_diff(2 * start + extent);
            (off <= extent).then(|| detail * (2 * extent - off))
        })
        .sum::<u64>()
        // The same for every window: it keeps the numbers small, and noise of a thousandth from deciding.
        / (extent * 16)
}

/// The sum of the detail in each column or row of cells.
fn detail_along(grid: &Grid, axis: Axis) -> Vec<u64> {
    let mut along = vec![0; if axis == Axis::X { grid.columns } else { grid.rows }];
    for row in 0..grid.rows {
        for column in 0..grid.columns {
            along[if axis == Axis::X { column } else { row }] += u64::from(grid.detail(column, row));
        }
    }
    along
}

/// Averages of square cells, as they show over black: red, green, blue, 0 to 255.
struct Grid {
    columns: usize,
    rows: usize,
    cells: Vec<[u8; 3]>,
}

impl Grid {
    fn of(image: &Image, cell: u32) -> Self {
        let (columns, rows) = (image.width.div_ceil(cell) as usize, image.height.div_ceil(cell) as usize);
        let (width, cell) = (image.width as usize, cell as usize);
        let mut cells = Vec::with_capacity(columns * rows);
        for row in 0..rows {
            let mut sums = vec![[0_u64; 3]; columns];
            let lines = row * cell..((row + 1) * cell).min(image.height as usize);
            for y in lines.clone() {
                for (column, sum) in sums.iter_mut().enumerate() {
                    for x in column * cell..((column + 1) * cell).min(width) {
                        let shown = shown(image, y * width + x);
                        sum.iter_mut().zip(shown).for_each(|(sum, value)| *sum += u64::from(value));
                    }
                }
            }
            cells.extend(sums.iter().enumerate().map(|(column, sum)| {
                let pixels = lines.len() * (((column + 1) * cell).min(width) - column * cell);
                sum.map(|sum| (sum / pixels as u64) as u8)
            }));
        }
        Self { columns, rows, cells }
    }

    /// Steps to the neighbours on the right and below, up to twice as many where the colour is strong, and [`SKIN`].
    fn detail(&self, column: usize, row: usize) -> u32 {
        let here = self.cells[row * self.columns + column];
        let mut steps = 0;
        if column + 1 < self.columns {
            steps += step(here, self.cells[row * self.columns + column + 1]);
        }
        if row + 1 < self.rows {
            steps += step(here, self.cells[(row + 1) * self.columns + column]);
        }
        let [r, g, b] = here;
        let saturation = u32::from(r.max(g).max(b) - r.min(g).min(b));
        steps * (255 + saturation) / 255 + if is_skin(here) { SKIN } else { 0 }
    }
}

/// The mean of the differences of the channels.
fn step(a: [u8; 3], b: [u8; 3]) -> u32 {
    a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(b))).sum::<u32>() / 3
}

/// Source: Kovač, Peer, Solina, "Human skin colour clustering for face detection" (EUROCON 2003), the rule for uniform
/// daylight.
fn is_skin([r, g, b]: [u8; 3]) -> bool {
    let spread = r.max(g).max(b) - r.min(g).min(b);
    r > 95 && g > 40 && b > 20 && spread > 15 && r > g && r > b && r - g > 15
}

/// Pixel `index` over black, 8 bits a channel.
fn shown(image: &Image, index: usize) -> [u8; 3] {
    let first = index * image.layout.channels();
    let at = |channel: usize| match image.samples() {
        Samples::U8(samples) => samples[first + channel],
        Samples::U16(samples) => (samples[first + channel] >> 8) as u8,
    };
    let over = |channel: usize, alpha: u8| (u16::from(at(channel)) * u16::from(alpha) / 255) as u8;
    match image.layout {
        Layout::Gray => [at(0); 3],
        Layout::GrayAlpha => [over(0, at(1)); 3],
        Layout::Rgb => [at(0), at(1), at(2)],
        Layout::Rgba => [over(0, at(3)), over(1, at(3)), over(2, at(3))],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::testing::Noise;
    use crate::resize::centered;

    /// A gray image with squares of noise at these places, 60 pixels a side.
    fn with_objects(width: u32, height: u32, objects: &[(u32, u32)]) -> Image {
        let mut samples = vec![100; (width * height * 3) as usize];
        for (left, top) in objects {
            let mut noise = Noise(7);
            for y in *top..top + 60 {
                let first = (y * width + left) as usize * 3;
                samples[first..first + 180].iter_mut().for_each(|sample| *sample = noise.next() as u8);
            }
        }
        Image::still(width, height, Layout::Rgb, Samples::U8(samples), None)
    }

    fn placed(image: &Image, to: (u32, u32)) -> Region {
        most_detail(image, centered(image, to))
    }

    #[test]
    fn an_object_off_the_centre_is_kept_whole() {
        for left in [0, 150, 500, 740] {
            let region = placed(&with_objects(800, 200, &[(left, 90)]), (1, 1));
            assert!(region.x <= left && left + 60 <= region.x + region.width, "{left}: {region:?}");
        }
        for top in [10, 400, 640] {
            let region = placed(&with_objects(150, 700, &[(30, top)]), (1, 1));
            assert!(region.y <= top && top + 60 <= region.y + region.height, "{top}: {region:?}");
        }
    }

    #[test]
    fn an_object_comes_to_lie_in_the_middle_of_the_crop() {
        let region = placed(&with_objects(800, 200, &[(500, 70)]), (1, 1));
        assert!((region.x + 100).abs_diff(530) <= 8, "{region:?}");
    }

    #[test]
    fn an_image_without_detail_and_a_symmetric_one_are_cut_in_the_middle() {
        for objects in [&[][..], &[(370, 70)], &[(270, 70), (470, 70)]] {
            let image = with_objects(800, 200, objects);
            let mirrored = image.samples_u8().unwrap().to_vec();
            let image = Image::still(800, 200, Layout::Rgb, Samples::U8(symmetric(mirrored, 800)), None);
            let region = placed(&image, (3, 2));
            assert!(region.x.abs_diff(250) <= 4, "{objects:?}: {region:?}");
        }
    }

    /// The left half, and its mirror.
    fn symmetric(mut samples: Vec<u8>, width: usize) -> Vec<u8> {
        for row in samples.chunks_exact_mut(width * 3) {
            for x in width / 2..width {
                let from = (width - 1 - x) * 3;
                row.copy_within(from..from + 3, x * 3);
            }
        }
        samples
    }

    #[test]
    fn a_face_counts_more_than_a_wall_of_the_same_smoothness() {
        let mut image = with_objects(600, 200, &[]);
        let Samples::U8(samples) = &mut image.frames[0].samples else { unreachable!() };
        for y in 60..140 {
            for (left, color) in [(50, [90, 130, 170]), (470, [220, 170, 140])] {
                for x in left..left + 80 {
                    samples[(y * 600 + x) * 3..][..3].copy_from_slice(&color);
                }
            }
        }
        let region = placed(&image, (1, 1));
        assert!(region.x <= 470 && 550 <= region.x + region.width, "{region:?}");
    }

    #[test]
    fn what_is_transparent_is_no_detail() {
        let mut rgba = Vec::new();
        let mut noise = Noise(3);
        for index in 0..400 * 100 {
            let (x, value) = (index % 400, noise.next() as u8);
            rgba.extend(if x < 100 { [value, value, value, 0] } else { [60, 60, 60, 255] });
        }
        for y in 20..80 {
            for x in 330..390 {
                rgba[(y * 400 + x) * 4] = noise.next() as u8;
            }
        }
        let image = Image::still(400, 100, Layout::Rgba, Samples::U8(rgba), None);
        let region = placed(&image, (1, 1));
        assert!(region.x >= 250, "{region:?}");
    }
}
