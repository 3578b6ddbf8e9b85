//! Huffman codes, both ways. Source: ITU-T T.81 annex C, annex F.2.2.3 and annex K.2.

use super::bits::BitReader;

/// Codes up to this length are looked up; longer ones are rare and are compared.
const SHORT: u32 = 10;
/// As many bits are looked at where codes are passed over, several at once.
const STRIDE: u32 = 12;
/// Longest code.
const LONGEST: usize = 16;
/// The code of only ones, which no symbol may have (T.81 C).
const RESERVED: usize = 256;

/// Codes, to be read.
pub(super) struct Decoding {
    /// By the next [`SHORT`] bits: length and symbol of a code that is no longer.
    short: [u16; 1 << SHORT],
    /// By the same bits, where they hold the value too: value, run, and the length of both. For AC.
    pairs: [i16; 1 << SHORT],
    /// By the next [`STRIDE`] bits: what the codes and values in them come to. For AC.
    strides: Vec<Stride>,
    /// By length: the first 16 bits that are above every code so long.
    limits: [u32; LONGEST + 1],
    /// By length: what makes the place of a symbol of a code.
    offsets: [i32; LONGEST + 1],
    symbols: Vec<u8>,
}

/// Codes and values that follow each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Stride {
    /// Their bits; 0 where not even the first is short enough.
    pub bits: u8,
    /// Coefficients that they stand for.
    pub places: u8,
    /// Whether the last is the end of the block.
    pub is_end: bool,
}

/// A value that was found together with its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pair {
    pub value: i32,
    /// Zeros before it.
    pub run: usize,
}

impl Decoding {
    /// From what a DHT segment says: how many codes there are of each length, and their symbols. `None` if that is no code.
    pub(super) fn new(counts: &[u8; LONGEST], symbols: &[u8]) -> Option<Self> {
        let mut table = Self {
            short: [0; 1 << SHORT],
            pairs: [0; 1 << SHORT],
            strides: Vec::new(),
            limits: [0; LONGEST + 1],
            offsets: [0; LONGEST + 1],
            symbols: symbols.to_vec(),
        };
        let (mut code, mut place) = (0_u32, 0_usize);
        for length in 1..=LONGEST {
            let count = usize::from(counts[length - 1]);
            table.offsets[length] = place as i32 - code as i32;
            for symbol in symbols.get(place..place + count)? {
                table.fill(code, length as u32, *symbol);
                code += 1;
            }
            place += count;
            if code > 1 << length {
                return None;
            }
            table.limits[length] = code << (LONGEST - length);
            code <<= 1;
        }
        table.strides = (0..1 << STRIDE).map(|bits| table.stride_of(bits)).collect();
        (place == symbols.len()).then_some(table)
    }

    /// What is in [`STRIDE`] bits.
    fn stride_of(&self, bits: u32) -> Stride {
        let mut stride = Stride::default();
        loop {
            let rest = bits << stride.bits & ((1 << STRIDE) - 1);
            let entry = self.short[(rest >> (STRIDE - SHORT)) as usize];
            let (length, symbol) = ((entry >> 8) as u8, entry as u8);
            let more = length + (symbol & 15);
            // Zeros without a value are the end, or sixteen.
            let is_odd = symbol & 15 == 0 && !matches!(symbol, 0 | 0xF0);
            if entry == 0 || is_odd || u32::from(stride.bits + more) > STRIDE {
                return stride;
            }
            stride.bits += more;
            if symbol == 0 {
                return Stride { is_end: true, ..stride };
            }
            stride.places += (symbol >> 4) + 1;
        }
    }

    /// Codes that can be passed over in one step.
    #[inline(always)]
    pub(super) fn stride(&self, bits: &BitReader<'_>) -> Stride {
        self.strides.get(bits.peek(STRIDE)).copied().unwrap_or_default()
    }

    fn fill(&mut self, code: u32, length: u32, symbol: u8) {
        if length > SHORT || code >= 1 << length {
            return;
        }
        let free = SHORT - length;
        let (run, size) = (i32::from(symbol >> 4), u32::from(symbol & 15));
        for rest in 0..1_u32 << free {
            let place = (code << free | rest) as usize;
            self.short[place] = (length as u16) << 8 | u16::from(symbol);
            if (1..=free).contains(&size) {
                let bits = (rest >> (free - size)) as i32;
                let value = if bits < 1 << (size - 1) { bits - (1 << size) + 1 } else { bits };
                if (-128..128).contains(&value) {
                    self.pairs[place] = (value << 8 | run << 4 | (length + size) as i32) as i16;
                }
            }
        }
    }

    /// The next code and value, if both are short.
    #[inline(always)]
    pub(super) fn pair(&self, bits: &mut BitReader<'_>) -> Option<Pair> {
        let pair = i32::from(self.pairs[bits.peek(SHORT)]);
        if pair == 0 {
            return None;
        }
        bits.consume((pair & 15) as u32);
        Some(Pair { value: pair >> 8, run: (pair >> 4 & 15) as usize })
    }

    /// The next code's symbol; `None` if it is no code.
    #[inline(always)]
    pub(super) fn symbol(&self, bits: &mut BitReader<'_>) -> Option<u8> {
        let entry = self.short[bits.peek(SHORT)];
        if entry == 0 {
            return self.long_symbol(bits);
        }
        bits.consume(u32::from(entry >> 8));
        Some(entry as u8)
    }

    #[cold]
    fn long_symbol(&self, bits: &mut BitReader<'_>) -> Option<u8> {
        let next = bits.peek(LONGEST as u32) as u32;
        let length = (SHORT as usize + 1..=LONGEST).find(|length| next < self.limits[*length])?;
        bits.consume(length as u32);
        let place = (next >> (LONGEST - length)) as i32 + self.offsets[length];
        self.symbols.get(usize::try_from(place).ok()?).copied()
    }
}

/// Codes, to be written.
pub(super) struct Encoding {
    /// How many codes there are of each length.
    pub counts: [u8; LONGEST],
    /// Their symbols, in the order of the codes.
    pub symbols: Vec<u8>,
    /// By symbol: the code, and its length, 0 where there is none.
    codes: [(u16, u8); 256],
}

impl Encoding {
    /// The shortest codes for symbols that occur so often, of at most 16 bits (T.81 K.2). A symbol that never occurs gets none.
    ///
    /// Cost: some 10,000 steps.
    pub(super) fn shortest(frequencies: &[u32; 256]) -> Self {
        let lengths = lengths(frequencies);
        let counts = limit(&counts_by_length(&lengths));
        let mut symbols: Vec<u8> = (0..=255).filter(|symbol| frequencies[usize::from(*symbol)] > 0).collect();
        symbols.sort_by_key(|symbol| (lengths[usize::from(*symbol)], *symbol));
        let mut codes = [(0, 0); 256];
        let (mut code, mut place) = (0_u16, 0);
        for (length, count) in (1..).zip(counts) {
            for symbol in &symbols[place..place + usize::from(count)] {
                codes[usize::from(*symbol)] = (code, length);
                code += 1;
            }
            place += usize::from(count);
            code <<= 1;
        }
        Self { counts, symbols, codes }
    }

    /// The code of a symbol, and its length; 0 where it has none.
    #[inline(always)]
    pub(super) fn code(&self, symbol: u8) -> (u32, u32) {
        let (code, length) = self.codes[usize::from(symbol)];
        (code.into(), length.into())
    }
}

/// Lengths of the codes of all symbols and of the reserved one, without a limit (K.2, figure K.1): the two rarest groups are joined
/// until one is left, the one with the larger symbol first where both are as rare.
fn lengths(frequencies: &[u32; 256]) -> [usize; RESERVED + 1] {
    let mut lengths = [0; RESERVED + 1];
    let with_reserved = frequencies.iter().copied().chain([1]).enumerate();
    let mut groups: Vec<(u64, Vec<usize>)> = with_reserved
        .filter(|(_, frequency)| *frequency > 0)
        .map(|(symbol, frequency)| (frequency.into(), vec![symbol]))
        .collect();
    while groups.len() > 1 {
        // Rarest last.
        groups.sort_by(|a, b| b.0.cmp(&a.0).then(a.1[0].cmp(&b.1[0])));
        let Some((rarest, members)) = groups.pop() else { break };
        let Some((frequency, others)) = groups.last_mut() else { break };
        *frequency += rarest;
        others.extend(members);
        others.iter().for_each(|symbol| lengths[*symbol] += 1);
    }
    lengths
}

fn counts_by_length(lengths: &[usize; RESERVED + 1]) -> Vec<u16> {
    let mut counts = vec![0; lengths.iter().max().map_or(1, |longest| longest.max(&LONGEST) + 1)];
    lengths.iter().filter(|length| **length > 0).for_each(|length| counts[*length] += 1);
    counts
}

/// Shortens codes above 16 bits at the cost of others (K.2, figure K.3), and takes the reserved one away.
fn limit(counts: &[u16]) -> [u8; LONGEST] {
    let mut counts = counts.to_vec();
    for length in (LONGEST + 1..counts.len()).rev() {
        while counts[length] > 0 {
            let Some(shorter) = (1..length - 1).rev().find(|shorter| counts[*shorter] > 0) else { break };
            counts[length] -= 2;
            counts[length - 1] += 1;
            counts[shorter + 1] += 2;
            counts[shorter] -= 1;
        }
    }
    if let Some(longest) = counts.iter().rposition(|count| *count > 0) {
        counts[longest] -= 1;
    }
    std::array::from_fn(|length| counts[length + 1] as u8)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::bits::BitWriter;
    use super::*;

    fn round_trip(frequencies: &[u32; 256]) -> usize {
        let encoding = Encoding::shortest(frequencies);
        let used: Vec<u8> = (0..=255).filter(|symbol| frequencies[usize::from(*symbol)] > 0).collect();
        let mut writer = BitWriter::new(Vec::new());
        for symbol in &used {
            let (code, length) = encoding.code(*symbol);
            assert!((1..=16).contains(&length), "{symbol}");
            writer.put(code, length);
        }
        let bytes = writer.finish();
        let decoding = Decoding::new(&encoding.counts, &encoding.symbols).unwrap();
        let mut reader = BitReader::new(&bytes);
        for symbol in used {
            reader.refill();
            assert_eq!(decoding.symbol(&mut reader), Some(symbol));
        }
        bytes.len()
    }

    proptest! {
        #[test]
        fn every_symbol_comes_back(frequencies in vec(0_u32..1000, 256)) {
            round_trip(&frequencies.try_into().unwrap());
        }
    }

    #[test]
    fn rare_symbols_get_no_more_than_16_bits() {
        // Fibonacci numbers make the longest codes there are.
        let mut frequencies = [0; 256];
        let (mut a, mut b) = (1_u32, 1);
        for frequency in frequencies.iter_mut().take(40) {
            *frequency = a;
            (a, b) = (b, a + b);
        }
        round_trip(&frequencies);
    }

    #[test]
    fn frequent_symbols_get_short_codes() {
        let mut frequencies = [1; 256];
        frequencies[7] = 100_000;
        assert_eq!(Encoding::shortest(&frequencies).code(7).1, 1);
        let mut alone = [0; 256];
        alone[9] = 3;
        assert_eq!(Encoding::shortest(&alone).code(9), (0, 1));
    }

    #[test]
    fn what_is_no_code_is_refused() {
        let mut counts = [0; 16];
        counts[0] = 3;
        assert!(Decoding::new(&counts, &[1, 2, 3]).is_none(), "three codes of one bit");
        counts[0] = 1;
        assert!(Decoding::new(&counts, &[]).is_none(), "a symbol is missing");
        assert!(Decoding::new(&counts, &[1, 2]).is_none(), "one too many");
    }

    #[test]
    fn a_code_that_means_nothing_is_noticed() {
        let mut counts = [0; 16];
        counts[1] = 1;
        let decoding = Decoding::new(&counts, &[5]).unwrap();
        let mut reader = BitReader::new(&[0b0010_0000, 0, 0, 0]);
        reader.refill();
        assert_eq!(decoding.symbol(&mut reader), Some(5));
        assert_eq!(decoding.symbol(&mut reader), None);
    }

    #[test]
    fn several_codes_are_passed_over_at_once() {
        let mut counts = [0; 16];
        counts[1] = 2;
        let decoding = Decoding::new(&counts, &[0x32, 0]).unwrap();
        let stride = |byte| {
            let data = [byte, 0, 0, 0];
            let mut reader = BitReader::new(&data);
            reader.refill();
            decoding.stride(&reader)
        };
        // 00xx 00xx 00xx; 00xx 01; 10, which is no code.
        assert_eq!(stride(0b0011_0010), Stride { bits: 12, places: 12, is_end: false });
        assert_eq!(stride(0b0011_0100), Stride { bits: 6, places: 4, is_end: true });
        assert_eq!(stride(0b1000_0000), Stride::default());
    }

    #[test]
    fn short_values_are_found_with_their_codes() {
        let mut counts = [0; 16];
        counts[1] = 2;
        // Code 00: a run of 3 and two bits; 01: the end of the block.
        let decoding = Decoding::new(&counts, &[0x32, 0]).unwrap();
        let mut reader = BitReader::new(&[0b0001_0100, 0, 0, 0]);
        reader.refill();
        assert_eq!(decoding.pair(&mut reader), Some(Pair { value: -2, run: 3 }));
        assert_eq!(decoding.pair(&mut reader), None);
        assert_eq!(decoding.symbol(&mut reader), Some(0));
    }
}
