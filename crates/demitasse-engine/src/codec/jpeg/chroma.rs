//! Whether a picture can do with half of its chroma.

use crate::Quality;
use crate::codec::jpeg::jpegli::Raster;

/// From this quality on chroma keeps its resolution: below, a score is cheaper with half the chroma; above, many images
/// cannot reach it without.
const USUAL: Quality = Quality(94.0);
/// The same for pictures whose colours change at few places, but much: drawings, screens, text on a photo.
const OF_EDGES: Quality = Quality(85.0);
/// The same for pictures full of saturated detail: half the chroma never scores more than 80.
const OF_DETAIL: Quality = Quality(0.0);
/// Mean square of what halving takes away, both chromas together, that makes saturated detail. Of 44 photos, drawings and screens
/// none was between 9 and 31.
const DETAIL: f32 = 15.0;
/// Of colours that change at few places: their mean square, and how many times its root is above the mean.
const EDGES: (f32, f32) = (1.0, 4.0);
/// Every so many pairs of rows is looked at.
const PAIRS: usize = 4;

/// The quality from which on chroma keeps its resolution (`docs/decisions/0005-jpeg-settings.md`): by how much the four pixels
/// that would share a sample differ in chroma.
///
/// Cost: one look at a quarter of the pixels; no memory.
pub(super) fn full_from(raster: Raster<'_>) -> Quality {
    if raster.channels != 3 || raster.width < 2 || raster.height < 2 {
        return USUAL;
    }
    let (mut squares, mut sum, mut count) = (0.0_f64, 0.0_f64, 0_u64);
    let stride = raster.width as usize * 3;
    for pair in raster.samples.chunks_exact(2 * stride).step_by(PAIRS) {
        let (upper, lower) = pair.split_at(stride);
        let (mut squares_of_row, mut sum_of_row) = (0.0_f32, 0.0_f32);
        for (upper, lower) in upper.as_chunks::<6>().0.iter().zip(lower.as_chunks::<6>().0) {
            let lost = lost(upper, lower);
            squares_of_row += lost;
            sum_of_row += lost.sqrt();
        }
        squares += f64::from(squares_of_row);
        sum += f64::from(sum_of_row);
        count += u64::from(raster.width / 2);
    }
    let (square, mean) = ((squares / count as f64) as f32, (sum / count as f64) as f32);
    match square {
        _ if square > DETAIL => OF_DETAIL,
        _ if square > EDGES.0 && square.sqrt() > EDGES.1 * mean => OF_EDGES,
        _ => USUAL,
    }
}

/// Variance of both chromas over two pixels and the two below.
#[inline(always)]
fn lost(upper: &[u8; 6], lower: &[u8; 6]) -> f32 {
    let [a, b] = [&upper[..3], &upper[3..]].map(chromas);
    let [c, d] = [&lower[..3], &lower[3..]].map(chromas);
    let variance = |channel: usize| {
        let four = [a[channel], b[channel], c[channel], d[channel]];
        let mean = (four[0] + four[1] + four[2] + four[3]) * 0.25;
        four.map(|value| (value - mean) * (value - mean)).iter().sum::<f32>() * 0.25
    };
    variance(0) + variance(1)
}

/// Cb and Cr of red, green and blue, as JFIF has them (ITU-T T.871, 7), centred at 0.
#[inline(always)]
pub(super) fn chromas(pixel: &[u8]) -> [f32; 2] {
    let [r, g, b] = [pixel[0], pixel[1], pixel[2]].map(f32::from);
    [-0.168_735_89 * r - 0.331_264_1 * g + 0.5 * b, 0.5 * r - 0.418_687_6 * g - 0.081_312_4 * b]
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: u32 = 64;

    fn full(paint: impl Fn(u32, u32) -> [u8; 3]) -> Quality {
        let places = (0..WIDTH * WIDTH).map(|place| (place % WIDTH, place / WIDTH));
        let samples: Vec<u8> = places.flat_map(|(x, y)| paint(x, y)).collect();
        full_from(Raster { width: WIDTH, height: WIDTH, channels: 3, samples: &samples })
    }

    #[test]
    fn gray_detail_and_slow_colours_can_do_with_half() {
        assert_eq!(full(|x, y| [((x * 37) ^ (y * 91)) as u8; 3]), USUAL);
        assert_eq!(full(|x, y| [x as u8 * 3, y as u8 * 3, 90]), USUAL);
    }

    #[test]
    fn saturated_detail_keeps_its_chroma_at_every_quality() {
        assert_eq!(full(|x, y| if (x ^ y) % 2 == 0 { [220, 30, 30] } else { [30, 120, 60] }), OF_DETAIL);
    }

    #[test]
    fn a_few_coloured_lines_keep_theirs_where_quality_is_wanted() {
        let lines = |x: u32, _: u32| if x == 21 { [250, 220, 215] } else { [250, 250, 250] };
        assert_eq!(full(lines), OF_EDGES);
    }

    #[test]
    fn what_has_no_four_pixels_or_no_colours_is_as_usual() {
        let of =
            |width, height, channels, samples: &[u8]| full_from(Raster { width, height, channels, samples });
        assert_eq!(of(1, 2, 3, &[255, 0, 0, 0, 255, 0]), USUAL);
        assert_eq!(of(2, 2, 1, &[0, 255, 9, 4]), USUAL);
    }
}
