//! Linear least squares with a ridge, by the normal equations: some twenty unknowns, and a few hundred rows.

/// The weights that bring `row . weights` nearest to each row's value; `ridge[i]` times the square of weight `i` counts as
/// an error, too. Zeros where the rows do not tell.
pub(super) fn solve(rows: &[(Vec<f64>, f64)], ridge: &[f64]) -> Vec<f64> {
    let unknowns = ridge.len();
    let mut matrix = vec![vec![0.0; unknowns + 1]; unknowns];
    for (row, value) in rows {
        for (line, left) in matrix.iter_mut().zip(row) {
            for (cell, right) in line.iter_mut().zip(row) {
                *cell += left * right;
            }
            line[unknowns] += left * value;
        }
    }
    for (at, ridge) in ridge.iter().enumerate() {
        matrix[at][at] += ridge;
    }
    eliminate(&mut matrix);
    matrix.iter().map(|line| line[unknowns]).collect()
}

/// Gauss and Jordan, with the largest pivot first in each column.
fn eliminate(matrix: &mut [Vec<f64>]) {
    let size = matrix.len();
    for column in 0..size {
        let best =
            (column..size).max_by(|a, b| matrix[*a][column].abs().total_cmp(&matrix[*b][column].abs()));
        let Some(best) = best.filter(|best| matrix[*best][column].abs() > 1e-12) else { continue };
        matrix.swap(column, best);
        let pivot = matrix[column][column];
        matrix[column].iter_mut().for_each(|cell| *cell /= pivot);
        let pivot_line = matrix[column].clone();
        for (_, line) in matrix.iter_mut().enumerate().filter(|(at, _)| *at != column) {
            let factor = line[column];
            line.iter_mut().zip(&pivot_line).for_each(|(cell, pivot)| *cell -= factor * pivot);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plane_is_found_through_its_points() {
        let rows: Vec<_> = [(1.0, 2.0), (3.0, -1.0), (0.0, 5.0), (2.0, 2.0)]
            .map(|(x, y)| (vec![1.0, x, y], 4.0 - 2.0 * x + 0.5 * y))
            .into();
        let found = solve(&rows, &[0.0; 3]);
        for (found, wanted) in found.iter().zip([4.0, -2.0, 0.5]) {
            assert!((found - wanted).abs() < 1e-9, "{found} is not {wanted}");
        }
    }

    #[test]
    fn a_ridge_keeps_a_weight_that_the_rows_do_not_tell_at_nothing() {
        let rows: Vec<_> = [1.0, 2.0, 3.0].map(|x| (vec![x, x], 2.0 * x)).into();
        let found = solve(&rows, &[0.0, 1e-3]);
        assert!((found[0] - 2.0).abs() < 0.01 && found[1].abs() < 0.01, "{found:?}");
    }
}
