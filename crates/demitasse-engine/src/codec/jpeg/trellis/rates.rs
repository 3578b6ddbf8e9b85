//! What symbols will cost.

use super::block::Levels;
use crate::codec::jpeg::zigzag::ZIGZAG;

/// Values of a wave have at most this many bits (T.81, F.1.2.2: 10 for 8-bit samples; one more for what rounding adds).
const SIZES: usize = 12;
/// Waves of a block.
const WAVES: usize = 63;
/// A run of zeros that has a symbol of its own.
const LONG_RUN: usize = 16;

/// How often each symbol of the waves of a block was needed: how many zeros come first, how many bits the value has (T.81,
/// F.1.2.2).
#[derive(Clone)]
pub(super) struct Counts {
    symbols: [[u32; LONG_RUN]; SIZES],
    long_runs: u32,
    ends: u32,
}

impl Default for Counts {
    /// A little of everything, so that nothing is impossible.
    fn default() -> Self {
        Self { symbols: [[1; LONG_RUN]; SIZES], long_runs: 1, ends: 1 }
    }
}

impl Counts {
    /// Counts what a block takes.
    pub(super) fn add(&mut self, levels: &Levels) {
        let mut run = 0;
        for at in &ZIGZAG[1..] {
            let level = levels[*at];
            if level == 0 {
                run += 1;
                continue;
            }
            self.long_runs += (run / LONG_RUN) as u32;
            self.symbols[size_of(level.unsigned_abs())][run % LONG_RUN] += 1;
            run = 0;
        }
        self.ends += u32::from(run > 0);
    }

    /// What each will cost, if the rest is like what was counted: the logarithm of how rare it is, at least a bit, which is what
    /// Huffman's codes come to within a few hundredths.
    pub(super) fn rates(&self) -> Rates {
        let all = self.symbols.as_flattened().iter().sum::<u32>() + self.long_runs + self.ends;
        let bits = |count: u32| (all as f32 / count as f32).log2().max(1.0);
        let long_run = bits(self.long_runs);
        let mut waves = [[0.0; WAVES]; SIZES];
        for (size, runs) in waves.iter_mut().enumerate() {
            for (run, rate) in runs.iter_mut().enumerate() {
                let long = (run / LONG_RUN) as f32 * long_run;
                *rate = long + bits(self.symbols[size][run % LONG_RUN]) + size as f32;
            }
        }
        Rates { waves, end: bits(self.ends) }
    }
}

/// Bits of symbols, sign and value included.
pub(super) struct Rates {
    /// By the bits of the value, then by the zeros before it.
    waves: [[f32; WAVES]; SIZES],
    /// Of the end of a block before its last wave.
    pub end: f32,
}

impl Rates {
    /// Of values of this many bits, by the number of zeros before them.
    #[inline(always)]
    pub(super) fn of_size(&self, size: usize) -> &[f32; WAVES] {
        &self.waves[size.min(SIZES - 1)]
    }
}

/// Bits of a value.
#[inline(always)]
pub(super) fn size_of(value: u16) -> usize {
    (u16::BITS - value.leading_zeros()) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(places: &[(usize, i16)]) -> Levels {
        let mut levels = [0; 64];
        places.iter().for_each(|(place, level)| levels[ZIGZAG[*place]] = *level);
        levels
    }

    #[test]
    fn what_is_frequent_is_cheap() {
        let mut counts = Counts::default();
        (0..500).for_each(|_| counts.add(&block(&[(1, 1)])));
        (0..5).for_each(|_| counts.add(&block(&[(3, -2)])));
        let rates = counts.rates();
        // Half of all symbols are ends, nearly half are single ones in the first place: about a bit each, and one for the sign.
        assert!(rates.end < 1.5 && (rates.of_size(1)[0] - 2.0).abs() < 0.5, "{}", rates.of_size(1)[0]);
        assert!(rates.of_size(2)[2] > rates.of_size(1)[0] + 4.0);
    }

    #[test]
    fn a_long_run_takes_a_symbol_of_its_own() {
        let rates = Counts::default().rates();
        let symbol = rates.of_size(1)[17] - rates.of_size(1)[1];
        assert!(symbol > 1.0 && (rates.of_size(1)[33] - rates.of_size(1)[1] - 2.0 * symbol).abs() < 1e-3);
    }

    #[test]
    fn a_block_that_is_used_to_its_last_wave_has_no_end() {
        let mut counts = Counts::default();
        (0..1000).for_each(|_| counts.add(&block(&[(63, 1)])));
        assert!(counts.rates().end > 8.0);
    }
}
