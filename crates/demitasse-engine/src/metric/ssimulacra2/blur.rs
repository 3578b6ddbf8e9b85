//! What the maps of a channel need blurred, row by row.

use super::kernel::{self, Means, REACH, WINDOW};
use super::recursive::{self, Across, BLURRED, LANES};

/// From this scale on the blur is the published one to its last bits, because its noise counts there: see [`recursive`].
const FIRST_RECURSIVE: usize = 2;

/// A channel's blur.
pub(super) enum Blur {
    /// By the impulse response.
    Taps(Taps),
    /// By the recursion that has it.
    Recursive(Recursive),
}

impl Blur {
    pub(super) fn new(width: usize, scale: usize) -> Self {
        if scale < FIRST_RECURSIVE {
            Self::Taps(Taps::new(width))
        } else {
            Self::Recursive(Recursive::new(width))
        }
    }

    /// Takes reference and distorted samples of the next row, or nothing for a row below the image.
    #[inline(always)]
    pub(super) fn push(&mut self, row: Option<(&[f32], &[f32])>) {
        match self {
            Self::Taps(blur) => blur.push(row),
            Self::Recursive(blur) => blur.push(row),
        }
    }

    /// Of the row [`REACH`] above the last, if there is one.
    pub(super) fn means(&self) -> Means<'_> {
        match self {
            Self::Taps(Taps { means: [reference, distorted, squares, product], .. }) => {
                Means { reference, distorted, squares: [squares, squares], product, squares_are_apart: false }
            }
            Self::Recursive(Recursive { means: [reference, distorted, first, second, product], .. }) => {
                Means { reference, distorted, squares: [first, second], product, squares_are_apart: true }
            }
        }
    }
}

/// Blurs reference, distorted, the square of their difference, and their product.
pub(super) struct Taps {
    width: usize,
    rows: usize,
    /// Of the last [`WINDOW`] rows, what is blurred along them.
    ring: Vec<f32>,
    /// One row, with zeros around.
    padded: [Vec<f32>; TAPPED],
    means: [Vec<f32>; TAPPED],
}

const TAPPED: usize = 4;

impl Taps {
    fn new(width: usize) -> Self {
        Self {
            width,
            rows: 0,
            ring: vec![0.0; WINDOW * TAPPED * width],
            padded: std::array::from_fn(|_| vec![0.0; width + 2 * REACH]),
            means: std::array::from_fn(|_| vec![0.0; width]),
        }
    }

    #[inline(always)]
    fn push(&mut self, row: Option<(&[f32], &[f32])>) {
        let (width, slot) = (self.width, self.rows % WINDOW);
        let along = &mut self.ring[slot * TAPPED * width..][..TAPPED * width];
        if let Some((first, second)) = row {
            let inner = REACH..REACH + width;
            let [reference, distorted, squares, product] = &mut self.padded;
            reference[inner.clone()].copy_from_slice(first);
            distorted[inner.clone()].copy_from_slice(second);
            kernel::products(first, second, &mut squares[inner.clone()], &mut product[inner]);
            for (padded, out) in self.padded.iter().zip(along.chunks_exact_mut(width)) {
                kernel::blur_along(padded, out);
            }
        } else {
            along.fill(0.0);
        }
        self.rows += 1;
        if self.rows > REACH {
            // From the oldest row, which is the one that is overwritten next.
            let row_of = |kept: usize, offset: usize| {
                &self.ring[((self.rows + offset) % WINDOW * TAPPED + kept) * width..][..width]
            };
            for (kept, mean) in self.means.iter_mut().enumerate() {
                kernel::blur_across(std::array::from_fn(|offset| row_of(kept, offset)), mean);
            }
        }
    }
}

/// Blurs reference, distorted, the squares of both, and their product.
pub(super) struct Recursive {
    rows: usize,
    /// What is blurred, of one row.
    values: Vec<[f32; LANES]>,
    /// Of the last [`recursive::WINDOW`] rows, what is blurred along them.
    ring: Vec<Vec<[f32; LANES]>>,
    across: Across,
    blurred: Vec<[f32; LANES]>,
    means: [Vec<f32>; BLURRED],
}

impl Recursive {
    fn new(width: usize) -> Self {
        let row = vec![[0.0; LANES]; width];
        Self {
            rows: 0,
            values: row.clone(),
            ring: vec![row.clone(); recursive::WINDOW],
            across: Across::new(width),
            blurred: row,
            means: std::array::from_fn(|_| vec![0.0; width]),
        }
    }

    #[inline(always)]
    fn push(&mut self, row: Option<(&[f32], &[f32])>) {
        let slot = self.rows % recursive::WINDOW;
        if let Some((first, second)) = row {
            for (values, (reference, distorted)) in self.values.iter_mut().zip(first.iter().zip(second)) {
                let (squares, product) =
                    ([reference * reference, distorted * distorted], reference * distorted);
                *values = [*reference, *distorted, squares[0], squares[1], product, 0.0, 0.0, 0.0];
            }
            recursive::along(&self.values, &mut self.ring[slot]);
        } else {
            self.ring[slot].fill([0.0; LANES]);
        }
        // The oldest row is next to be overwritten.
        let gone = &self.ring[(slot + 1) % recursive::WINDOW];
        self.across.push(&self.ring[slot], gone, &mut self.blurred);
        for (lane, mean) in self.means.iter_mut().enumerate() {
            for (mean, blurred) in mean.iter_mut().zip(&self.blurred) {
                *mean = blurred[lane];
            }
        }
        self.rows += 1;
    }
}
