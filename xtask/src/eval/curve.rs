//! Bytes over score: what two tools' results are compared by, since neither hits the other's score.

use super::measure::Measured;

/// Which metric is the axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Axis {
    Ssimulacra2,
    Butteraugli,
}

/// Points of log bytes over likeness, from the least like.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Curve(Vec<(f64, f64)>);

impl Axis {
    /// Where a result lies on the axis; more is better. Butteraugli's distance is taken as its logarithm, over which log
    /// bytes are nearly a line.
    pub(super) fn of(self, measured: &Measured) -> Option<f64> {
        let scores = measured.scores?;
        Some(match self {
            Self::Ssimulacra2 => scores.ssimulacra2,
            Self::Butteraugli => -scores.butteraugli.max(1e-3).ln(),
        })
    }

    /// How far beyond its ends a curve's last line may go on: where it is still nearly one.
    fn slack(self) -> f64 {
        match self {
            Self::Ssimulacra2 => 2.0,
            Self::Butteraugli => 0.1,
        }
    }
}

impl Curve {
    pub(super) fn new(points: impl IntoIterator<Item = (f64, u64)>) -> Self {
        let mut points: Vec<_> =
            points.into_iter().map(|(likeness, bytes)| (likeness, (bytes.max(1) as f64).ln())).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        // Of equal scores the smallest file; a vertical line has no slope.
        points.dedup_by(|next, kept| next.0 - kept.0 < 1e-6);
        Self(points)
    }

    pub(super) fn of<'a>(results: impl IntoIterator<Item = &'a Measured>, axis: Axis) -> Self {
        Self::new(results.into_iter().filter_map(|result| Some((axis.of(result)?, result.bytes))))
    }

    /// Bytes at a likeness, on the line through its two neighbours; `None` further than `slack` beyond the ends.
    pub(super) fn bytes_at(&self, likeness: f64, slack: f64) -> Option<f64> {
        let (first, last) = (self.0.first()?, self.0.last()?);
        if likeness < first.0 - slack || likeness > last.0 + slack {
            return None;
        }
        if self.0.len() == 1 {
            return Some(first.1.exp());
        }
        let above = self.0.iter().position(|point| point.0 >= likeness).unwrap_or(self.0.len());
        let upper = above.clamp(1, self.0.len() - 1);
        let ((low, from), (high, to)) = (self.0[upper - 1], self.0[upper]);
        Some((from + (to - from) * (likeness - low) / (high - low)).exp())
    }
}

/// `tool`'s bytes over `other`'s, at places spread evenly over what both reach; geometric mean. `None` where they share
/// nothing.
pub(super) fn ratio(tool: &Curve, other: &Curve, axis: Axis) -> Option<f64> {
    const PLACES: usize = 9;
    let slack = axis.slack() / 2.0;
    let from = tool.0.first()?.0.max(other.0.first()?.0) - slack;
    let to = tool.0.last()?.0.min(other.0.last()?.0) + slack;
    if from > to {
        return None;
    }
    let mut sum = 0.0;
    for place in 0..PLACES {
        let likeness = from + (to - from) * place as f64 / (PLACES - 1) as f64;
        sum += (tool.bytes_at(likeness, axis.slack())? / other.bytes_at(likeness, axis.slack())?).ln();
    }
    Some((sum / PLACES as f64).exp())
}

/// `tool`'s bytes at exactly the score of one result of another tool, over that result's bytes.
pub(super) fn ratio_at(tool: &Curve, other: &Measured, axis: Axis) -> Option<f64> {
    Some(tool.bytes_at(axis.of(other)?, axis.slack())? / other.bytes as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_at_a_score_lie_on_the_line_through_the_neighbours() {
        let curve = Curve::new([(72.0, 400), (70.0, 100), (74.0, 1600)]);
        let at = |likeness, slack| curve.bytes_at(likeness, slack).map(f64::round);
        assert_eq!(at(71.0, 0.0), Some(200.0));
        assert_eq!(at(73.0, 0.0), Some(800.0));
        // Beyond the ends the nearest line goes on, but not far.
        assert_eq!(at(69.0, 1.0), Some(50.0));
        assert_eq!(at(69.0, 0.5), None);
        assert_eq!(at(75.0, 1.0), Some(3200.0));
    }

    #[test]
    fn of_equal_scores_the_smallest_file_counts_and_nothing_has_no_bytes() {
        assert_eq!(Curve::new([(70.0, 300), (70.0, 200)]), Curve::new([(70.0, 200)]));
        assert_eq!(Curve::new([(70.0, 200)]).bytes_at(70.0, 0.1).map(f64::round), Some(200.0));
        assert_eq!(Curve::new([]).bytes_at(70.0, 100.0), None);
    }

    #[test]
    fn a_tool_that_always_takes_half_has_a_ratio_of_a_half() {
        let other = Curve::new([(60.0, 1000), (70.0, 2000), (90.0, 9000)]);
        let half = Curve::new([(60.0, 500), (70.0, 1000), (90.0, 4500)]);
        assert!((ratio(&half, &other, Axis::Ssimulacra2).unwrap() - 0.5).abs() < 1e-3);
        assert_eq!(ratio(&Curve::new([(20.0, 10), (30.0, 11)]), &other, Axis::Ssimulacra2), None);
    }
}
