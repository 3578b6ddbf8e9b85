//! Numbers, written short.

use svgtypes::NumberListParser;

/// Most decimals that are ever written: finer than any viewer's numbers.
const MAX_DECIMALS: u32 = 8;

/// How finely numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decimals(u32);

impl Decimals {
    /// Enough that a step is no more than `step`, in the same unit as the numbers.
    pub(crate) fn for_step(step: f64) -> Self {
        let decimals = (-step.log10()).ceil();
        Self(if decimals.is_finite() {
            decimals.clamp(0.0, f64::from(MAX_DECIMALS)) as u32
        } else {
            MAX_DECIMALS
        })
    }

    /// As many more.
    pub(crate) fn finer(self, more: u32) -> Self {
        Self((self.0 + more).min(MAX_DECIMALS))
    }

    fn scale(self) -> f64 {
        10_f64.powi(self.0 as i32)
    }

    /// The number of steps next to `value`; `None` where a number of 53 bits does not hold them.
    pub(crate) fn steps(self, value: f64) -> Option<i64> {
        let steps = (value * self.scale()).round();
        (steps.abs() < 9e15).then_some(steps as i64)
    }

    /// A number of steps, written without a zero that says nothing.
    pub(crate) fn write(self, steps: i64) -> String {
        let scale = self.scale() as u64;
        let (whole, rest) = (steps.unsigned_abs() / scale, steps.unsigned_abs() % scale);
        let mut text = String::from(if steps < 0 { "-" } else { "" });
        if whole > 0 || rest == 0 {
            text.push_str(&whole.to_string());
        }
        if rest > 0 {
            let decimals = format!("{rest:0width$}", width = self.0 as usize);
            text.push('.');
            text.push_str(decimals.trim_end_matches('0'));
        }
        text
    }
}

/// A number, rounded; `None` if it cannot be.
pub(crate) fn rounded(value: f64, decimals: Decimals) -> Option<String> {
    Some(decimals.write(decimals.steps(value)?))
}

/// A list of numbers, rounded, in as few characters as they need; `None` if it is no list of them.
pub(crate) fn rounded_list(value: &str, decimals: Decimals) -> Option<String> {
    let mut line = Line::default();
    for number in NumberListParser::from(value) {
        line.number(&rounded(number.ok()?, decimals)?);
    }
    Some(line.finish())
}

/// Numbers and letters, one behind the other, with a space only where two numbers would become one.
#[derive(Debug, Default)]
pub(crate) struct Line {
    text: String,
    /// Whether it ends with a number, and whether that has a point.
    last: Option<bool>,
}

impl Line {
    pub(crate) fn number(&mut self, number: &str) {
        let needs_space = match (self.last, number.as_bytes().first()) {
            (None, _) | (_, Some(b'-')) => false,
            (Some(has_point), Some(b'.')) => !has_point,
            _ => true,
        };
        if needs_space {
            self.text.push(' ');
        }
        self.text.push_str(number);
        self.last = Some(number.contains(['.', 'e']));
    }

    pub(crate) fn letter(&mut self, letter: char) {
        self.text.push(letter);
        self.last = None;
    }

    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    pub(crate) fn finish(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_written_without_idle_characters() {
        let three = Decimals(3);
        for (value, text) in
            [(0.5, ".5"), (-0.5, "-.5"), (10.0, "10"), (-0.0001, "0"), (1.2345, "1.235"), (100.10, "100.1")]
        {
            assert_eq!(rounded(value, three).unwrap(), text);
        }
        assert_eq!(rounded(1e300, three), None);
        assert_eq!(Decimals::for_step(0.002), three);
        assert_eq!(Decimals::for_step(24.0), Decimals(0));
        assert_eq!(Decimals::for_step(0.0), Decimals(8));
    }

    #[test]
    fn a_list_has_a_space_only_where_it_needs_one() {
        assert_eq!(rounded_list("1.50, 0.5 -3,4  .25", Decimals(2)).unwrap(), "1.5.5-3 4 .25");
        assert_eq!(rounded_list("1 auto", Decimals(2)), None);
    }

    proptest! {
        #[test]
        fn a_list_reads_as_it_was_within_half_a_step(
            values in proptest::collection::vec(-1e6_f64..1e6, 0..20), decimals in 0_u32..6,
        ) {
            let text: Vec<_> = values.iter().map(f64::to_string).collect();
            let short = rounded_list(&text.join(" "), Decimals(decimals)).unwrap();
            let read: Vec<f64> = NumberListParser::from(short.as_str()).map(Result::unwrap).collect();
            prop_assert_eq!(read.len(), values.len());
            for (value, read) in values.iter().zip(read) {
                prop_assert!((value - read).abs() <= 0.5 / Decimals(decimals).scale() + 1e-9);
            }
        }
    }
}
