//! Quantization that weighs bits against errors.
//!
//! jpegli rounds each wave for itself. Here the levels of a block are chosen together, with what they will cost (`block`); tables
//! and entropy coding stay jpegli's (`docs/decisions/0022-trellis.md`). Safe code: samples to planes, planes to waves, waves to levels.
//!
//! - `planes`: colours, and chroma at half the size.
//! - `dct`: waves.
//! - `rates`: what a symbol costs, counted on some rows of the picture itself.
//! - `block`: the choice.

mod block;
mod dct;
mod planes;
mod rates;
#[cfg(test)]
mod tests;

use self::block::{Exact, Levels, choose};
use self::dct::{SIDE, forward};
use self::planes::Strip;
use self::rates::{Counts, Rates};
use crate::codec::jpeg::jpegli::{self, Raster, Settings};
use crate::codec::jpeg::zigzag::COEFFICIENTS;
use crate::{Control, Result};

/// Rows of MCUs that are counted.
const COUNTED: usize = 24;
/// Below this part of a step a wave is counted as none.
const LEAST: f32 = 0.62;

/// Encodes like [`jpegli::encode`], at the same tables: fewer bytes, and a little more lost.
///
/// # Errors
/// As [`jpegli::encode`]; the control is asked at every row of MCUs.
///
/// Cost: 25 to 50 megapixels a second; about 3 bytes a pixel beside what jpegli's entropy coder takes.
pub(super) fn encode(raster: Raster<'_>, settings: Settings, control: &Control) -> Result<Vec<u8>> {
    let tables = jpegli::tables(raster.channels, settings.subsampled, settings.distance)?;
    let inverse = tables.iter().map(|table| table.map(|step| 1.0 / f32::from(step))).collect();
    let chroma = if settings.subsampled && raster.channels > 1 { 2 } else { 1 };
    let mut quantizer = Quantizer { raster, chroma, inverse, rates: Vec::new() };
    quantizer.rates = quantizer.count(control)?;
    let mut strip = Strip::new(raster, chroma);
    jpegli::encode_levels(raster, settings, &mut |mcu_row, rows| {
        control.check()?;
        strip.fill(raster, mcu_row * strip.rows());
        for (component, rows) in rows.iter_mut().enumerate() {
            for (number, row) in rows.iter_mut().enumerate() {
                quantizer.row(&strip, component, number, row);
            }
        }
        Ok(())
    })
}

struct Quantizer<'a> {
    raster: Raster<'a>,
    /// Rows and columns of pixels to one sample of chroma.
    chroma: usize,
    /// One over the steps of each component.
    inverse: Vec<[f32; COEFFICIENTS]>,
    /// Of luma and of both chromas.
    rates: Vec<Rates>,
}

impl Quantizer<'_> {
    /// Counts what rounding would need, on rows of MCUs from all over the picture.
    fn count(&self, control: &Control) -> Result<Vec<Rates>> {
        let mut strip = Strip::new(self.raster, self.chroma);
        let rows = (self.raster.height as usize).div_ceil(strip.rows());
        let mut counts = vec![Counts::default(); self.inverse.len().min(2)];
        for row in (0..rows).step_by(rows.div_ceil(COUNTED)) {
            control.check()?;
            strip.fill(self.raster, row * strip.rows());
            for (component, plane) in strip.planes.iter().enumerate() {
                let blocks = plane.samples.len() / plane.width / SIDE;
                for number in 0..blocks {
                    for column in 0..plane.width / SIDE {
                        let (exact, _) = self.waves(&strip, component, number, column);
                        counts[component.min(1)].add(&rounded(&exact));
                    }
                }
            }
        }
        Ok(counts.iter().map(Counts::rates).collect())
    }

    /// Levels of a row of blocks.
    fn row(&self, strip: &Strip, component: usize, number: usize, row: &mut [[i16; COEFFICIENTS]]) {
        let rates = &self.rates[component.min(1)];
        for (column, block) in row.iter_mut().enumerate() {
            let (exact, energy) = self.waves(strip, component, number, column);
            *block = choose(&exact, price(energy), rates);
        }
    }

    /// Waves of a block in steps, and the mean square of all but the mean, not in steps.
    fn waves(&self, strip: &Strip, component: usize, number: usize, column: usize) -> (Exact, f32) {
        let plane = &strip.planes[component];
        let rows = &plane.samples[number * SIDE * plane.width..];
        let mut block = [[0.0; SIDE]; SIDE];
        for (to, row) in block.iter_mut().zip(rows.chunks_exact(plane.width)) {
            to.copy_from_slice(&row[column * SIDE..(column + 1) * SIDE]);
        }
        let waves = forward(&block);
        let mut exact = [0.0; COEFFICIENTS];
        let mut squares = [0.0; SIDE];
        let steps = self.inverse[component].as_chunks::<SIDE>().0;
        for ((to, waves), inverse) in exact.as_chunks_mut::<SIDE>().0.iter_mut().zip(&waves).zip(steps) {
            for column in 0..SIDE {
                squares[column] += waves[column] * waves[column];
                to[column] = waves[column] * inverse[column];
            }
        }
        let mean = waves[0][0] * waves[0][0];
        (exact, (squares.iter().sum::<f32>() - mean).max(0.0) / (COEFFICIENTS - 1) as f32)
    }
}

/// Bits that an error of a whole step is worth. Where there is much to see, errors hide, and are cheaper: the form is mozjpeg's
/// (`jcdctmgr.c`, `quantize_trellis`, whose default constants come to the same); the numbers gave the fewest bytes at equal
/// SSIMULACRA2 that are also fewer at equal Butteraugli (`docs/decisions/0022-trellis.md`).
fn price(energy: f32) -> f32 {
    const SMOOTH: f32 = 19.0;
    const BUSY: f32 = 1448.0;
    SMOOTH / (1.0 + energy / BUSY)
}

fn rounded(exact: &Exact) -> Levels {
    exact.map(|wave| if wave.abs() < LEAST { 0 } else { wave.round() as i16 })
}
