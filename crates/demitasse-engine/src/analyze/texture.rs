//! How much happens between neighbouring pixels, from blocks spread evenly over the image.

use crate::image::{Image, Layout, Samples};
use crate::metric::view::to_8_bits;

/// Numbers that predictions are made from.
pub const FEATURES: usize = 8;
/// Logarithms of the mean step between neighbours, of its spread over the image, of bends, of steps in colour and of steps
/// further apart; mean luma; saturation; size. Each is between about -2 and 6.
pub type Features = [f64; FEATURES];

/// Side of a block, in pixels.
const SIDE: usize = 8;
/// Blocks that are looked at, at most.
const MAX_BLOCKS: usize = 4096;
/// A block is flat whose neighbours differ by less than this on average, in levels of 255.
const FLAT: f64 = 0.75;

/// What was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Texture {
    pub features: Features,
    /// The part of the blocks in which every pixel is the same.
    pub even_share: f64,
    /// Mean step between neighbours in the other blocks, in levels of 255.
    pub step_where_busy: f64,
    /// The same between next but one neighbours.
    far_step_where_busy: f64,
}

impl Texture {
    /// Whether neighbours differ by `level` and those further apart by hardly more.
    pub(super) fn is_noise(&self, level: f64) -> bool {
        self.step_where_busy > level && self.far_step_where_busy < 1.15 * self.step_where_busy
    }
}

/// Mean steps of a block, in levels of 255.
#[derive(Debug, Clone, Copy, Default)]
struct Block {
    luma: f64,
    /// Between neighbours.
    step: f64,
    /// Between next but one neighbours.
    far_step: f64,
    /// Of red and of blue less luma, between neighbours.
    color_step: f64,
    /// How far red and blue are from luma.
    saturation: f64,
    /// How far a pixel is from the line between its neighbours.
    bend: f64,
}

impl Block {
    fn is_even(&self) -> bool {
        self.step + self.far_step + self.color_step == 0.0
    }
}

/// Measures an image of `pixels`, or a sample of it. Cost: at most 4,096 blocks of 64 pixels, whatever the size.
pub(super) fn measure(image: &Image, pixels: u64) -> Texture {
    let blocks = blocks(image);
    let count = blocks.len().max(1) as f64;
    let mean = |of: &dyn Fn(&Block) -> f64| blocks.iter().map(of).sum::<f64>() / count;
    let log = |value: f64| (1.0 + value).ln();
    let step = mean(&|block| log(block.step));
    let spread = mean(&|block| (log(block.step) - step).powi(2)).sqrt();
    let busy: Vec<&Block> = blocks.iter().filter(|block| block.step >= FLAT).collect();
    let mean_of_busy = |of: &dyn Fn(&Block) -> f64| {
        busy.iter().map(|block| of(block)).sum::<f64>() / busy.len().max(1) as f64
    };
    Texture {
        features: [
            step,
            spread,
            mean(&|block| log(block.bend)),
            mean(&|block| log(block.color_step)),
            mean(&|block| log(block.far_step)) - step,
            mean(&|block| block.luma) / 255.0,
            log(mean(&|block| block.saturation)),
            (pixels.max(1) as f64 / 1e6).ln() / 4.0,
        ],
        even_share: blocks.iter().filter(|block| block.is_even()).count() as f64 / count,
        step_where_busy: mean_of_busy(&|block| block.step),
        far_step_where_busy: mean_of_busy(&|block| block.far_step),
    }
}

/// A regular grid of blocks; fewer along a side that is short.
fn blocks(image: &Image) -> Vec<Block> {
    let (width, height) = (image.width as usize, image.height as usize);
    let (across, down) = (width / SIDE, height / SIDE);
    let stride = (((across * down) as f64 / MAX_BLOCKS as f64).sqrt().ceil() as usize).max(1);
    let mut blocks = Vec::new();
    for row in (stride / 2..down).step_by(stride) {
        for column in (stride / 2..across).step_by(stride) {
            blocks.push(block(image, column * SIDE, row * SIDE));
        }
    }
    blocks
}

fn block(image: &Image, left: usize, top: usize) -> Block {
    let mut pixels = [[[0.0; 3]; SIDE]; SIDE];
    for (y, row) in pixels.iter_mut().enumerate() {
        for (x, pixel) in row.iter_mut().enumerate() {
            *pixel = luma_and_color(image, (top + y) * image.width as usize + left + x);
        }
    }
    let mut sums = Block::default();
    let columns: [[[f64; 3]; SIDE]; SIDE] = std::array::from_fn(|x| pixels.map(|row| row[x]));
    for three in pixels.iter().chain(&columns).flat_map(|line| line.windows(3)) {
        let (a, b, c) = (three[0], three[1], three[2]);
        sums.step += (a[0] - b[0]).abs();
        sums.far_step += (a[0] - c[0]).abs();
        sums.bend += (a[0] - 2.0 * b[0] + c[0]).abs();
        sums.color_step += (a[1] - b[1]).abs() + (a[2] - b[2]).abs();
    }
    for pixel in pixels.iter().flatten() {
        sums.luma += pixel[0];
        sums.saturation += pixel[1].abs() + pixel[2].abs();
    }
    let (pairs, count) = ((2 * SIDE * (SIDE - 2)) as f64, (SIDE * SIDE) as f64);
    Block {
        luma: sums.luma / count,
        step: sums.step / pairs,
        far_step: sums.far_step / pairs,
        color_step: sums.color_step / pairs,
        saturation: sums.saturation / count,
        bend: sums.bend / pairs,
    }
}

/// Luma (BT.601, as the codecs have it), red less luma, blue less luma; over black where there is alpha.
fn luma_and_color(image: &Image, index: usize) -> [f64; 3] {
    let channels = image.layout.channels();
    let at = |channel: usize| {
        f64::from(match image.samples() {
            Samples::U8(samples) => samples[index * channels + channel],
            Samples::U16(samples) => to_8_bits(samples[index * channels + channel]),
        })
    };
    let opacity = if image.layout.has_alpha() { at(channels - 1) / 255.0 } else { 1.0 };
    let [red, green, blue] = match image.layout {
        Layout::Gray | Layout::GrayAlpha => [at(0); 3],
        Layout::Rgb | Layout::Rgba => [at(0), at(1), at(2)],
    }
    .map(|sample| sample * opacity);
    let luma = 0.299 * red + 0.587 * green + 0.114 * blue;
    [luma, red - luma, blue - luma]
}
