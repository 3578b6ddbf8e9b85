//! What an encoder's quality is expected to score.

use super::{Axis, Guess, predict};
use crate::analyze::{FEATURES, Features};
use crate::{Quality, Score};

/// An encoder's quality for a score, as a function of the score and of what the image is like; fitted on measured curves
/// (`docs/decisions/0014-prediction.md`).
///
/// With `x` on the encoder's [`Axis`] and `y` the logarithm of what is missing to a perfect score, `x = offset + slope y + bend y^2 + sum of (weights[i] + y tilts[i]) features[i]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Curve {
    pub offset: f64,
    pub slope: f64,
    pub bend: f64,
    pub weights: Features,
    pub tilts: Features,
}

impl Curve {
    /// Through `quality` for a score of 75, with a slope that fits nothing badly: where no curve was fitted.
    pub(crate) const fn unfitted() -> Self {
        // ln(101 - 75) and 2 (y - ln(100.5 - 75)).
        Self {
            offset: 3.258 - 2.0 * 3.239,
            slope: 2.0,
            bend: 0.0,
            weights: [0.0; FEATURES],
            tilts: [0.0; FEATURES],
        }
    }

    /// The setting to start with for `target`.
    pub(crate) fn guess(&self, axis: &Axis, features: &Features, target: Score) -> Guess {
        let y = predict::loss_of_score(target.0);
        let sum = |of: &Features| of.iter().zip(features).map(|(of, feature)| of * feature).sum::<f64>();
        let x = self.offset + self.slope * y + self.bend * y * y + sum(&self.weights) + y * sum(&self.tilts);
        let run = self.slope + 2.0 * self.bend * y + sum(&self.tilts);
        Guess { quality: Quality((axis.quality)(x) as f32), slope: 1.0 / run.max(0.2) }
    }
}
