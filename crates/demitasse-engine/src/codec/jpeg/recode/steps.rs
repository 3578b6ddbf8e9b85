//! Coarser quantization steps.

use std::hint::select_unpredictable;

use super::picture::Picture;
use crate::codec::jpeg::zigzag::COEFFICIENTS;

/// A wave of less than this part of a step becomes none. Rounding alone would say a half; jpegli says 0.59 without its adaptive
/// quantization and more with it (`quant.cc` of libjxl 0.10.2). Chosen by bytes at equal score (`docs/decisions/0017-streaming.md`).
const LEAST: f64 = 0.62;
/// Bits behind the point.
const POINT: u32 = 16;

/// Steps of each component, and how to get to them from the picture's own.
pub(super) struct Steps {
    /// In zigzag order, 1 to 255.
    pub tables: Vec<[u8; COEFFICIENTS]>,
    parts: Vec<[Part; COEFFICIENTS]>,
}

/// An old step as a part of a new one.
#[derive(Debug, Clone, Copy)]
struct Part {
    /// At most 1, in 16 bits behind the point.
    size: u32,
    /// Below this, in the same, nothing is left.
    least: u32,
}

impl Steps {
    /// `wanted` where that is coarser than the picture's own steps, which else stay: finer ones would cost bytes and bring nothing
    /// back. One table for each component, in zigzag order.
    pub(super) fn no_finer_than(picture: &Picture<'_>, wanted: &[[u16; COEFFICIENTS]]) -> Self {
        let own = picture.components.iter().map(|component| component.steps);
        let (mut tables, mut parts) = (Vec::new(), Vec::new());
        for (own, wanted) in own.zip(wanted) {
            let coarser: [u16; COEFFICIENTS] =
                std::array::from_fn(|place| wanted[place].clamp(own[place], 255));
            parts.push(std::array::from_fn(|place| {
                let size = f64::from(own[place]) / f64::from(coarser[place]);
                let fixed = |value: f64| (value * f64::from(1 << POINT)).round() as u32;
                let least = if place == 0 { 0.5 } else { LEAST };
                Part { size: fixed(size), least: fixed(least) }
            }));
            tables.push(coarser.map(|step| step as u8));
        }
        Self { tables, parts }
    }

    /// The picture's own.
    pub(super) fn of(picture: &Picture<'_>) -> Self {
        Self::no_finer_than(picture, &[[1; COEFFICIENTS]; 3])
    }

    /// A coefficient in the new steps; `value` is in the old ones, at most 2047 from 0.
    #[inline(always)]
    pub(super) fn apply(&self, component: usize, place: usize, value: i32) -> i32 {
        let Part { size, least } = self.parts[component][place];
        let exact = value.unsigned_abs() * size;
        let rounded = ((exact + (1 << (POINT - 1))) >> POINT) as i32;
        let left = select_unpredictable(exact < least, 0, rounded);
        let sign = value >> 31;
        (left ^ sign) - sign
    }
}
