//! Spoils files: the same number gives the same files.

use crate::png;

/// Random numbers that are the same for the same seed (xorshift64*, Vigna 2016).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Any seed; neighbours give other numbers.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// Below `end`; 0 if that is 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() >> 16) as usize % end.max(1)
    }
}

/// Numbers at which readers break.
const NUMBERS: [u32; 12] =
    [0, 1, 2, 7, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

/// Longest piece that is moved, in bytes.
const PIECE: usize = 200;

/// A file made of `bytes` by a few random changes, no longer than `most`; pieces may come from `other`.
pub fn mutate(random: &mut Random, bytes: &[u8], other: &[u8], most: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=random.below(4) {
        change(random, &mut bytes, other);
    }
    bytes.truncate(most);
    // One of sixteen stays wrong.
    if random.below(16) > 0 {
        png::repair(&mut bytes);
    }
    bytes
}

fn change(random: &mut Random, bytes: &mut Vec<u8>, other: &[u8]) {
    match random.below(10) {
        0 | 1 => flip(random, bytes, usize::MAX),
        // Heads are small, and most of what can go wrong is said there.
        2 | 3 => flip(random, bytes, 200),
        4 | 5 => number(random, bytes),
        6 => {
            let piece = piece(random, bytes.len());
            bytes.drain(piece);
        }
        7 => {
            let copied = bytes[piece(random, bytes.len())].to_vec();
            insert(random, bytes, &copied);
        }
        8 => {
            let copied = other[piece(random, other.len())].to_vec();
            insert(random, bytes, &copied);
        }
        _ => bytes.truncate(random.below(bytes.len() + 1)),
    }
}

fn flip(random: &mut Random, bytes: &mut [u8], within: usize) {
    let within = within.min(bytes.len());
    if within > 0 {
        bytes[random.below(within)] ^= 1 << random.below(8);
    }
}

/// Writes a number of 1, 2 or 4 bytes, either end first, over what is there.
fn number(random: &mut Random, bytes: &mut [u8]) {
    let at = random.below(bytes.len());
    let number = NUMBERS[random.below(NUMBERS.len())];
    let size = [1, 2, 4][random.below(3)];
    let digits = number.to_le_bytes();
    let mut digits = digits[..size].to_vec();
    if random.below(2) == 0 {
        digits.reverse();
    }
    for (byte, digit) in bytes.iter_mut().skip(at).zip(digits) {
        *byte = digit;
    }
}

fn insert(random: &mut Random, bytes: &mut Vec<u8>, piece: &[u8]) {
    let at = random.below(bytes.len() + 1);
    bytes.splice(at..at, piece.iter().copied());
}

fn piece(random: &mut Random, length: usize) -> std::ops::Range<usize> {
    let start = random.below(length);
    start..(start + 1 + random.below(PIECE)).min(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_files_and_another_seed_others() {
        let files = |seed| {
            let mut random = Random::new(seed);
            (0..50).map(|_| mutate(&mut random, b"some bytes", b"others", 100)).collect::<Vec<_>>()
        };
        assert_eq!(files(1), files(1));
        assert_ne!(files(1), files(2));
    }

    #[test]
    fn whatever_is_given_can_be_spoilt() {
        let mut random = Random::new(7);
        for _ in 0..2_000 {
            for (bytes, other) in [(&b""[..], &b""[..]), (b"a", b""), (b"", b"b"), (b"ab", b"c")] {
                assert!(mutate(&mut random, bytes, other, 5).len() <= 5);
            }
        }
    }
}
