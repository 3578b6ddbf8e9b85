//! Moves each colour of the palette to the middle of what it stands for.

use super::histogram::{Color, Histogram};
use super::nearest::Nearest;
use super::space::{Point, squared_distance};

/// Most rounds; the first few gain nearly all.
const ROUNDS: usize = 12;
/// The square of a move that no 8-bit sample can show.
const STANDSTILL: f32 = 1e-8;

/// A colour that is twice as far from its entry (in squares) as the mean counts by this more, and so on up to
/// [`MOST_EXTRA`]: the metric's fourth powers punish what sticks out.
const EXTRA: f32 = 0.5;
const MOST_EXTRA: f32 = 10.0;

/// Lloyd's algorithm (S. Lloyd, "Least squares quantization in PCM", 1982), class by class.
///
/// Cost: for each round a pass over the histogram, 2 ms for 8,000 colours, and the neighbours of [`Nearest`].
pub(super) fn refine(histogram: &Histogram, centers: Vec<Vec<Point>>) -> Vec<Vec<Point>> {
    let classes = histogram.iter().zip(centers);
    classes.map(|(colors, centers)| refine_class(colors, centers, EXTRA)).collect()
}

fn refine_class(colors: &[Color], mut centers: Vec<Point>, extra: f32) -> Vec<Point> {
    if centers.len() < 2 || colors.len() <= centers.len() {
        return centers;
    }
    // Where each colour was last is where the search for it starts.
    let mut owners = vec![(0, 0.0); colors.len()];
    for _ in 0..ROUNDS {
        let nearest = Nearest::new(centers);
        let (mut whole, mut error) = (0.0, 0.0);
        for (color, owner) in colors.iter().zip(&mut owners) {
            *owner = nearest.find(color.point, owner.0);
            whole += f64::from(color.weight);
            error += f64::from(color.weight * owner.1);
        }
        let mean_error = (error / whole).max(f64::from(f32::MIN_POSITIVE)) as f32;
        let mut sums = vec![(0.0, [0.0; 3]); nearest.points().len()];
        for (color, (owner, error)) in colors.iter().zip(&owners) {
            let weight = color.weight * (1.0 + (extra * error / mean_error).min(MOST_EXTRA));
            let (sum_of_weights, sum) = &mut sums[*owner];
            *sum_of_weights += f64::from(weight);
            for (sum, part) in sum.iter_mut().zip(color.point) {
                *sum += f64::from(weight * part);
            }
        }
        let middles = sums.into_iter().zip(nearest.points());
        centers = middles
            .map(
                |((weight, sum), old)| if weight > 0.0 { sum.map(|sum| (sum / weight) as f32) } else { *old },
            )
            .collect();
        let moves = centers.iter().zip(nearest.points()).map(|(new, old)| squared_distance(*new, *old));
        if moves.fold(0.0, f32::max) < STANDSTILL {
            break;
        }
    }
    centers
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn error(colors: &[Color], centers: &[Point]) -> f64 {
        let least = |color: &Color| {
            centers.iter().map(|center| squared_distance(color.point, *center)).fold(f32::INFINITY, f32::min)
        };
        colors.iter().map(|color| f64::from(color.weight * least(color))).sum()
    }

    fn color() -> impl Strategy<Value = Color> {
        ([0.0_f32..1.0, 0.0_f32..1.0, 0.0_f32..1.0], 0.01_f32..10.0)
            .prop_map(|(point, weight)| Color { point, weight })
    }

    proptest! {
        #[test]
        fn the_error_never_grows(
            colors in vec(color(), 20..200),
            centers in vec([0.0_f32..1.0, 0.0_f32..1.0, 0.0_f32..1.0], 2..15),
        ) {
            let before = error(&colors, &centers);
            let refined = refine_class(&colors, centers.clone(), 0.0);
            prop_assert_eq!(refined.len(), centers.len());
            prop_assert!(error(&colors, &refined) <= before * 1.0001);
        }
    }

    #[test]
    fn two_heaps_get_a_colour_each_by_weight() {
        let heap = |lightness: f32, weight| Color { point: [0.0, lightness, 0.0], weight };
        let colors = [heap(0.0, 1.0), heap(0.2, 3.0), heap(0.8, 1.0), heap(1.0, 1.0)];
        let centers = refine_class(&colors, vec![[0.0, 0.4, 0.0], [0.0, 0.6, 0.0]], 0.0);
        assert!((centers[0][1] - 0.15).abs() < 1e-6 && (centers[1][1] - 0.9).abs() < 1e-6);
    }

    #[test]
    fn what_sticks_out_counts_more() {
        let colors: Vec<_> = (0..40)
            .map(|at| Color {
                point: [0.0, if at == 0 { 0.4 } else { 0.1 + at as f32 / 1000.0 }, 0.0],
                weight: 1.0,
            })
            .chain([Color { point: [0.0, 0.9, 0.0], weight: 30.0 }])
            .collect();
        let worst = |extra: f32| {
            let centers = refine_class(&colors, vec![[0.0, 0.1, 0.0], [0.0, 0.9, 0.0]], extra);
            squared_distance(colors[0].point, centers[0])
        };
        assert!(worst(EXTRA) < worst(0.0) * 0.9);
    }
}
