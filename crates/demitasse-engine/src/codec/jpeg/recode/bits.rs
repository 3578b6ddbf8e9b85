//! Bits of entropy-coded data, both ways. Source: ITU-T T.81 F.1.2.3 and F.2.2.5.

/// Fewest bits after [`BitReader::refill`]: a code of at most 16 and a value of at most 15 fit.
const ENOUGH: u32 = 32;

/// Reads bits up to the next marker, without the stuffing.
pub(super) struct BitReader<'a> {
    data: &'a [u8],
    at: usize,
    /// The next bits, from the top; zeros below `count`.
    buffer: u64,
    count: u32,
    /// How many bits of the buffer stand for data that is not there.
    padding: u32,
}

impl<'a> BitReader<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0, buffer: 0, count: 0, padding: 0 }
    }

    /// Makes sure that there are [`ENOUGH`] bits; zeros where the data ends.
    #[inline(always)]
    pub(super) fn refill(&mut self) {
        if self.count >= ENOUGH {
            return;
        }
        if let Some(bytes) = self.data.get(self.at..).and_then(<[u8]>::first_chunk::<4>) {
            let word = u32::from_be_bytes(*bytes);
            if !has_ff(word) {
                self.buffer |= u64::from(word) << (32 - self.count);
                self.count += 32;
                self.at += 4;
                return;
            }
        }
        self.refill_by_byte();
    }

    #[cold]
    #[inline(never)]
    fn refill_by_byte(&mut self) {
        while self.count <= 56 {
            let byte = match (self.data.get(self.at), self.data.get(self.at + 1)) {
                (Some(0xFF), Some(0)) => {
                    self.at += 2;
                    0xFF
                }
                (Some(0xFF), _) | (None, _) => {
                    self.padding += 8;
                    0
                }
                (Some(byte), _) => {
                    self.at += 1;
                    *byte
                }
            };
            self.buffer |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
    }

    /// The next `length` bits, 1 to 32, after a refill.
    #[inline(always)]
    pub(super) fn peek(&self, length: u32) -> usize {
        (self.buffer >> (64 - length)) as usize
    }

    /// Passes over bits that are there.
    #[inline(always)]
    pub(super) fn consume(&mut self, length: u32) {
        self.buffer <<= length;
        self.count -= length;
    }

    /// A value of `size` bits, 0 to 15, as T.81 F.2.2.1 extends it.
    #[inline(always)]
    pub(super) fn receive(&mut self, size: u32) -> i32 {
        if size == 0 {
            return 0;
        }
        let bits = self.peek(size) as i32;
        self.consume(size);
        if bits < 1 << (size - 1) { bits - (1 << size) + 1 } else { bits }
    }

    /// Whether more was read than there is.
    pub(super) fn overran(&self) -> bool {
        self.count < self.padding
    }

    /// Goes behind the restart marker of this number, 0 to 7; false if it is not what comes next.
    pub(super) fn restart(&mut self, number: u8) -> bool {
        if self.overran() || self.count - self.padding >= 8 {
            return false;
        }
        let marker = [0xFF, 0xD0 + number];
        let is_next = self.data.get(self.at..).is_some_and(|rest| rest.starts_with(&marker));
        *self = Self { at: self.at + 2, ..Self::new(self.data) };
        is_next
    }
}

/// Whether one of four bytes is 0xFF.
#[inline(always)]
fn has_ff(word: u32) -> bool {
    (!word).wrapping_sub(0x0101_0101) & word & 0x8080_8080 != 0
}

/// Writes bits behind `bytes`, with stuffing.
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    /// Bits that wait, at the bottom: less than 32.
    buffer: u64,
    count: u32,
}

impl BitWriter {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, buffer: 0, count: 0 }
    }

    /// Bytes so far.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Makes room for `more` bytes and no more than that: growth by doubling would hold twice the file.
    pub(super) fn make_room(&mut self, more: usize) {
        if self.bytes.capacity() - self.bytes.len() < more {
            self.bytes.reserve_exact(more);
        }
    }

    /// Appends the lowest `length` bits of `bits`, at most 32; the others are zero.
    #[inline(always)]
    pub(super) fn put(&mut self, bits: u32, length: u32) {
        self.buffer = self.buffer << length | u64::from(bits);
        self.count += length;
        if self.count >= 32 {
            self.count -= 32;
            let word = (self.buffer >> self.count) as u32;
            if has_ff(word) {
                self.put_stuffed(word);
            } else {
                self.bytes.extend_from_slice(&word.to_be_bytes());
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn put_stuffed(&mut self, word: u32) {
        word.to_be_bytes().into_iter().for_each(|byte| self.put_byte(byte));
    }

    fn put_byte(&mut self, byte: u8) {
        self.bytes.push(byte);
        if byte == 0xFF {
            self.bytes.push(0);
        }
    }

    /// Fills the last byte with ones (F.1.2.3).
    pub(super) fn finish(mut self) -> Vec<u8> {
        let missing = (8 - self.count % 8) % 8;
        self.put((1 << missing) - 1, missing);
        while self.count > 0 {
            self.count -= 8;
            self.put_byte((self.buffer >> self.count) as u8);
        }
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(pieces in vec((any::<u32>(), 1_u32..=15), 0..400)) {
            let mut writer = BitWriter::new(Vec::new());
            let cut = |(bits, length): &(u32, u32)| bits & ((1 << length) - 1);
            pieces.iter().for_each(|piece| writer.put(cut(piece), piece.1));
            let bytes = writer.finish();
            let mut reader = BitReader::new(&bytes);
            for piece in &pieces {
                reader.refill();
                prop_assert_eq!(reader.peek(piece.1), cut(piece) as usize);
                reader.consume(piece.1);
            }
            prop_assert!(!reader.overran());
        }

        #[test]
        fn a_byte_of_ones_is_found(word in any::<u32>(), place in 0_u32..4) {
            prop_assert_eq!(has_ff(word), word.to_be_bytes().contains(&0xFF));
            prop_assert!(has_ff(word | 0xFF << (8 * place)));
        }
    }

    #[test]
    fn data_that_ends_is_noticed_when_it_is_missed() {
        let mut reader = BitReader::new(&[0b1010_0000, 0xFF, 0xD9]);
        reader.refill();
        reader.consume(8);
        assert!(!reader.overran());
        reader.refill();
        reader.consume(1);
        assert!(reader.overran());
    }

    #[test]
    fn a_restart_is_taken_where_it_belongs_only() {
        let data = [0x12, 0xFF, 0xD3, 0x34, 0x56, 0x78];
        let read = |consumed, number| {
            let mut reader = BitReader::new(&data);
            reader.refill();
            reader.consume(consumed);
            (reader.restart(number), reader)
        };
        let (is_next, mut reader) = read(5, 3);
        reader.refill();
        assert!(is_next && reader.peek(8) == 0x34);
        assert!(!read(5, 4).0, "another number");
        assert!(!read(9, 3).0, "behind the data");
        assert!(!BitReader::new(&data[3..]).restart(3), "no marker");
    }

    #[test]
    fn values_are_extended() {
        // 0, 1: -1, 1; 00, 01, 10, 11: -3, -2, 2, 3 (T.81 table F.1).
        let mut reader = BitReader::new(&[0b0100_0110, 0b1100_0000]);
        reader.refill();
        let values: Vec<i32> = [1, 1, 2, 2, 2, 2].map(|size| reader.receive(size)).to_vec();
        assert_eq!(values, [-1, 1, -3, -2, 2, 3]);
        assert_eq!(reader.receive(0), 0);
    }
}
