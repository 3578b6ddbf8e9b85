//! The nearest of at most 256 points.

use super::space::{Point, squared_distance};

/// Points, and for each the way to all the others, nearest first.
///
/// A search starts from a guess and looks at the guess's neighbours only as far as the triangle inequality allows a nearer
/// one: an exact answer for a few distances where the guess is good (Orchard, "A fast nearest-neighbor search algorithm",
/// ICASSP 1991).
pub(super) struct Nearest {
    points: Vec<Point>,
    /// For each point in turn, the distance to each other point and its index.
    neighbors: Vec<(f32, u8)>,
}

impl Nearest {
    /// Of at most 256 `points`, and at least one. Cost: n² log n, 5 ms for 256.
    pub(super) fn new(points: Vec<Point>) -> Self {
        debug_assert!((1..=256).contains(&points.len()));
        let mut neighbors = Vec::with_capacity(points.len() * points.len().saturating_sub(1));
        for (index, point) in points.iter().enumerate() {
            let start = neighbors.len();
            let others = points.iter().enumerate().filter(|(other, _)| *other != index);
            neighbors
                .extend(others.map(|(index, other)| (squared_distance(*point, *other).sqrt(), index as u8)));
            neighbors[start..].sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        }
        Self { points, neighbors }
    }

    /// The points, in the order in which they were given.
    pub(super) fn points(&self) -> &[Point] {
        &self.points
    }

    /// Index of the point nearest to `point`, and the square of the distance. `guess` is any index; the nearer it is, the
    /// faster.
    pub(super) fn find(&self, point: Point, guess: usize) -> (usize, f32) {
        let mut best = (guess, squared_distance(point, self.points[guess]));
        let from_guess = best.1.sqrt();
        let mut reach = 2.0 * from_guess;
        for (apart, index) in self.neighbors_of(guess) {
            if *apart >= reach {
                break;
            }
            let distance = squared_distance(point, self.points[usize::from(*index)]);
            if distance < best.1 {
                best = (usize::from(*index), distance);
                reach = from_guess + distance.sqrt();
            }
        }
        best
    }

    /// Mean distance from a point to its nearest neighbour; 0 for a single point.
    pub(super) fn spacing(&self) -> f32 {
        let gaps = (0..self.points.len()).filter_map(|index| self.neighbors_of(index).first());
        gaps.map(|(apart, _)| apart).sum::<f32>() / self.points.len() as f32
    }

    fn neighbors_of(&self, index: usize) -> &[(f32, u8)] {
        let others = self.points.len() - 1;
        &self.neighbors[index * others..][..others]
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn point() -> impl Strategy<Value = Point> {
        [-1.0_f32..1.0, -1.0_f32..1.0, -1.0_f32..1.0]
    }

    proptest! {
        #[test]
        fn no_point_is_nearer_than_the_one_found(
            points in vec(point(), 1..100), sought in point(), guess in any::<proptest::sample::Index>(),
        ) {
            let guess = guess.index(points.len());
            let least = points.iter().map(|other| squared_distance(sought, *other)).fold(f32::INFINITY, f32::min);
            let (index, distance) = Nearest::new(points.clone()).find(sought, guess);
            prop_assert_eq!(distance, squared_distance(sought, points[index]));
            // Distances are rounded, and so is the bound that ends the search.
            prop_assert!(distance <= least * 1.001, "{distance} is more than {least}");
        }
    }
}
