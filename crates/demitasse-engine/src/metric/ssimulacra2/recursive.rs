//! The blur as the published metric does it: a recursion in 32 bits.
//!
//! It is made of three oscillators that never die away, so what is rounded stays and adds up along rows and columns. In
//! smooth regions of large images that noise is as large as what is measured there, and the scores that everybody knows
//! have it in them: up to a point less than exact arithmetic gives (`docs/decisions/0013-metric.md`). It counts on the
//! small scales alone; on the others the impulse response is used, which is nine taps.
//!
//! Source: Charalampidis, Recursive Implementation of the Gaussian Filter Using Truncated Cosine Functions, 2016; its
//! equations 33 to 57 for a standard deviation of 1.5, in libjxl's order of operations.

/// Half of the impulse response, and one more: what comes in at `n + AHEAD` goes out at `n - BEHIND`.
pub(super) const AHEAD: usize = 4;
pub(super) const BEHIND: usize = 6;
/// Rows that are needed at a time.
pub(super) const WINDOW: usize = AHEAD + BEHIND + 1;

/// What is blurred: reference, distorted, the squares of both, and their product. The rest is padding.
pub(super) const LANES: usize = 8;
pub(super) const BLURRED: usize = 5;

const OSCILLATORS: usize = 3;
/// Of what comes in, and of the last value, in each oscillator.
const INPUT: [f32; OSCILLATORS] = [0.055_295_236, -0.058_836_687, 0.012_955_819];
const LAST: [f32; OSCILLATORS] = [-1.902_113_1, -1.175_570_5, -1.224_646_9e-16];

/// The state of one value's oscillators: the last, and the one before.
#[derive(Clone, Copy)]
struct State {
    last: [[f32; LANES]; OSCILLATORS],
    before: [[f32; LANES]; OSCILLATORS],
}

impl State {
    const REST: Self = Self { last: [[0.0; LANES]; OSCILLATORS], before: [[0.0; LANES]; OSCILLATORS] };

    /// Takes the sum of what comes in and what goes out; gives the blurred values.
    #[inline(always)]
    fn step(&mut self, sum: [f32; LANES]) -> [f32; LANES] {
        let mut blurred = [0.0; LANES];
        for oscillator in 0..OSCILLATORS {
            let (last, before) = (&mut self.last[oscillator], &mut self.before[oscillator]);
            for lane in 0..LANES {
                let past = last[lane].mul_add(LAST[oscillator], before[lane]);
                let now = sum[lane].mul_add(INPUT[oscillator], -past);
                (before[lane], last[lane]) = (last[lane], now);
                blurred[lane] += now;
            }
        }
        blurred
    }
}

/// Blurs a row of values side by side.
#[inline(always)]
pub(super) fn along(row: &[[f32; LANES]], out: &mut [[f32; LANES]]) {
    let at = |x: usize| row.get(x).copied().unwrap_or([0.0; LANES]);
    let mut state = State::REST;
    for x in 0..row.len() + AHEAD {
        let gone = x.checked_sub(AHEAD + BEHIND).map_or([0.0; LANES], at);
        let blurred = state.step(add(gone, at(x)));
        if let Some(out) = x.checked_sub(AHEAD).and_then(|x| out.get_mut(x)) {
            *out = blurred;
        }
    }
}

#[inline(always)]
fn add(left: [f32; LANES], right: [f32; LANES]) -> [f32; LANES] {
    std::array::from_fn(|lane| left[lane] + right[lane])
}

/// Blurs across rows, as they come.
pub(super) struct Across {
    columns: Vec<State>,
}

impl Across {
    pub(super) fn new(width: usize) -> Self {
        Self { columns: vec![State::REST; width] }
    }

    /// Takes a row, and the one [`AHEAD`] + [`BEHIND`] above it; gives the blurred row [`AHEAD`] above it.
    #[inline(always)]
    pub(super) fn push(&mut self, row: &[[f32; LANES]], gone: &[[f32; LANES]], out: &mut [[f32; LANES]]) {
        let rows = row.iter().zip(gone).zip(out);
        for (state, ((row, gone), out)) in self.columns.iter_mut().zip(rows) {
            *out = state.step(add(*gone, *row));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_row_stays_flat_but_for_what_is_rounded() {
        let row = vec![[0.5; LANES]; 3000];
        let mut out = vec![[0.0; LANES]; 3000];
        along(&row, &mut out);
        let middle = &out[100..2900];
        assert!(middle.iter().all(|value| (value[0] - 0.5).abs() < 1e-4));
        assert!(middle.iter().any(|value| value[0] != 0.5), "nothing was rounded: this is not the recursion");
    }

    #[test]
    fn across_is_along_turned() {
        let row: Vec<[f32; LANES]> = (0..40).map(|x| [((x * 7) % 11) as f32 / 11.0; LANES]).collect();
        let mut along_it = vec![[0.0; LANES]; row.len()];
        along(&row, &mut along_it);
        let (mut across, zero) = (Across::new(1), [[0.0; LANES]]);
        let mut out = zero;
        for y in 0..row.len() + AHEAD {
            let at = |y: usize| row.get(y).map_or(zero, |value| [*value]);
            across.push(&at(y), &y.checked_sub(AHEAD + BEHIND).map_or(zero, at), &mut out);
            if let Some(expected) = y.checked_sub(AHEAD).and_then(|y| along_it.get(y)) {
                assert_eq!(out[0], *expected);
            }
        }
    }
}
