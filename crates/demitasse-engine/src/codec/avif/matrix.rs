//! From luma and colour differences to red, green and blue (ITU-T H.273, section 8.3).

use super::boxes::{malformed, unsupported};
use super::dav1d::Sampling;
use super::picture::Nclx;
use crate::Result;

/// How the three planes make a colour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Matrix {
    /// Luma and two differences; the weights of red and of blue in luma.
    Weights { red: f32, blue: f32 },
    /// Green, blue, red.
    Identity,
    /// Luma, green against orange.
    Ycgco,
}

/// What is written: the weights of BT.601, as nearly all AVIF have it.
pub(super) const BT601: Matrix = Matrix::Weights { red: 0.299, blue: 0.114 };

impl Matrix {
    /// By number. Where nothing is said it is BT.601, as other readers take it.
    pub(super) fn of(nclx: Nclx, sampling: Sampling) -> Result<Self> {
        let (red, blue) = match nclx.matrix {
            // Of one plane, luma is all that counts.
            _ if sampling == Sampling::Gray => return Ok(BT601),
            0 if sampling == Sampling::Full => return Ok(Self::Identity),
            0 => return Err(malformed("its planes of red, green and blue have different sizes")),
            8 => return Ok(Self::Ycgco),
            1 => (0.2126, 0.0722),
            2 | 5 | 6 => (0.299, 0.114),
            4 => (0.30, 0.11),
            7 => (0.212, 0.087),
            9 => (0.2627, 0.0593),
            other => return Err(unsupported(&format!("colours of the matrix {other}"))),
        };
        Ok(Self::Weights { red, blue })
    }

    /// Red, green and blue, 0 to 1 if in range, of luma 0 to 1 and differences of -0.5 to 0.5 (identity: 0 to 1).
    #[inline]
    pub(super) fn to_rgb(self, y: f32, u: f32, v: f32) -> [f32; 3] {
        match self {
            Self::Weights { red, blue } => {
                let green = 1.0 - red - blue;
                let r = y + 2.0 * (1.0 - red) * v;
                let b = y + 2.0 * (1.0 - blue) * u;
                [r, (y - red * r - blue * b) / green, b]
            }
            Self::Identity => [v, y, u],
            Self::Ycgco => [y - u + v, y + u, y - u - v],
        }
    }

    /// Whether the planes of colour hold differences, around the middle.
    pub(super) fn has_differences(self) -> bool {
        self != Self::Identity
    }
}

/// How a stored number becomes one of 0 to 1: taken less `offset`, times `scale`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    pub offset: f32,
    pub scale: f32,
}

impl Scale {
    /// Of luma, alpha, and every plane of the identity.
    pub(super) fn of_luma(bits: u8, full_range: bool) -> Self {
        let unit = f32::from(1_u16 << (bits - 8));
        match full_range {
            true => Self { offset: 0.0, scale: 1.0 / (256.0 * unit - 1.0) },
            false => Self { offset: 16.0 * unit, scale: 1.0 / (219.0 * unit) },
        }
    }

    /// Of colour differences.
    pub(super) fn of_difference(bits: u8, full_range: bool) -> Self {
        let unit = f32::from(1_u16 << (bits - 8));
        let scale = if full_range { 1.0 / (256.0 * unit - 1.0) } else { 1.0 / (224.0 * unit) };
        Self { offset: 128.0 * unit, scale }
    }

    /// Of colour differences whose last `cut` bits are 0: numbers of fewer bits, moved up.
    pub(super) fn of_cut_difference(bits: u8, cut: u8, full_range: bool) -> Self {
        let Self { offset, scale } = Self::of_difference(bits - cut, full_range);
        let unit = f32::from(1_u16 << cut);
        Self { offset: offset * unit, scale: scale / unit }
    }
}
