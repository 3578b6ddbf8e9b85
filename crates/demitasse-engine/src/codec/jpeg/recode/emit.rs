//! Turns coefficients into symbols, in coarser steps, and counts or writes them. Source: ITU-T T.81 F.1.2.

use super::bits::BitWriter;
use super::huffman::Encoding;
use super::picture::{Component, Picture};
use super::regions::Regions;
use super::scan::{Block, Fault, Visitor};
use super::steps::Steps;
use crate::codec::jpeg::zigzag::COEFFICIENTS;

/// No more waves in this block.
const END_OF_BLOCK: u8 = 0x00;
/// Sixteen zeros.
const ZEROS: u8 = 0xF0;

/// Codes by class and component: luma has its own, both chroma share theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Of means.
    Dc = 0,
    /// Of waves.
    Ac = 2,
}

/// Tables of codes: [`Class`] and 1 for chroma.
pub(super) const TABLES: usize = 4;

/// Takes symbols.
pub(super) trait Symbols {
    /// A symbol of this table, and behind it the lowest `size` bits of `bits`.
    fn put(&mut self, table: usize, symbol: u8, bits: u32, size: u32);
    /// A row of MCUs ends.
    fn end_row(&mut self) -> Result<(), Fault>;
}

/// How often symbols occur.
pub(super) struct Histogram(pub [[u32; 256]; TABLES]);

impl Histogram {
    /// Every symbol that a baseline file may have, once: the picture may have what its sample has not.
    pub(super) fn of_all() -> Self {
        let mut counts = [[0; 256]; TABLES];
        for chroma in 0..2 {
            counts[Class::Dc as usize + chroma][..12].fill(1);
            let waves = &mut counts[Class::Ac as usize + chroma];
            (waves[usize::from(END_OF_BLOCK)], waves[usize::from(ZEROS)]) = (1, 1);
            (0..16).for_each(|run| waves[run * 16 + 1..run * 16 + 11].fill(1));
        }
        Self(counts)
    }

    /// The codes that are shortest for these.
    pub(super) fn codes(&self) -> [Encoding; TABLES] {
        self.0.each_ref().map(Encoding::shortest)
    }
}

impl Symbols for Histogram {
    #[inline(always)]
    fn put(&mut self, table: usize, symbol: u8, _: u32, _: u32) {
        self.0[table][usize::from(symbol)] += 1;
    }

    fn end_row(&mut self) -> Result<(), Fault> {
        Ok(())
    }
}

/// Writes entropy-coded data.
pub(super) struct Writer<'a> {
    codes: &'a [Encoding; TABLES],
    bits: BitWriter,
    max_bytes: u64,
    lacks_code: bool,
}

impl<'a> Writer<'a> {
    /// Behind `head`; gives up with [`Fault::TooLarge`] above `max_bytes`.
    pub(super) fn new(codes: &'a [Encoding; TABLES], head: Vec<u8>, max_bytes: u64) -> Self {
        Self { codes, bits: BitWriter::new(head), max_bytes, lacks_code: false }
    }

    /// The file so far.
    pub(super) fn finish(self) -> Vec<u8> {
        self.bits.finish()
    }
}

impl Symbols for Writer<'_> {
    #[inline(always)]
    fn put(&mut self, table: usize, symbol: u8, bits: u32, size: u32) {
        let (code, length) = self.codes[table].code(symbol);
        self.lacks_code |= length == 0;
        self.bits.put(code << size | bits, length + size);
    }

    fn end_row(&mut self) -> Result<(), Fault> {
        if self.lacks_code {
            return Err(Fault::Unusual("its data holds an impossible value"));
        }
        if self.bits.len() as u64 > self.max_bytes {
            return Err(Fault::TooLarge);
        }
        self.bits.make_room(ROOM);
        Ok(())
    }
}

/// Bytes by which the file grows, at least.
const ROOM: usize = 1 << 18;

/// How the mean of a component's block is read.
struct Scale {
    /// The step of means.
    step: i32,
    /// Size of a block, in blocks of pixels.
    unit: (u32, u32),
}

/// Requantizes every block, or those of some MCUs.
pub(super) struct Emitter<'a, S> {
    pub symbols: S,
    steps: &'a Steps,
    /// By column and by row of MCUs, whether it is wanted; all are, without.
    only: Option<(&'a [bool], &'a [bool])>,
    /// Of the picture that comes in, with how each component's blocks are to be read.
    regions: Option<(Regions, Vec<Scale>)>,
    means: [i32; 3],
    /// Places and values of the block's waves. All that come in are written here, one over the other where nothing is left of it:
    /// whether something is left is a coin toss, which processors predict badly.
    waves: [(u8, i16); COEFFICIENTS],
    /// How many of them there are.
    count: usize,
}

impl<'a, S: Symbols> Emitter<'a, S> {
    pub(super) fn new(symbols: S, steps: &'a Steps) -> Self {
        Self {
            symbols,
            steps,
            only: None,
            regions: None,
            means: [0; 3],
            waves: [(0, 0); COEFFICIENTS],
            count: 0,
        }
    }

    /// Of MCUs in these columns and rows only.
    pub(super) fn only(self, columns: &'a [bool], rows: &'a [bool]) -> Self {
        Self { only: Some((columns, rows)), ..self }
    }

    /// Notes mean colours of what comes in.
    pub(super) fn noting_regions(self, picture: &Picture<'_>) -> Self {
        let luma = picture.components[0].blocks;
        let of = |component: &Component| Scale {
            step: component.steps[0].into(),
            unit: (luma.0 / component.blocks.0, luma.1 / component.blocks.1),
        };
        let parts = picture.components.iter().map(of).collect();
        Self { regions: Some((Regions::new(picture.width, picture.height), parts)), ..self }
    }

    /// What took the symbols, and the mean colours that were noted.
    pub(super) fn finish(self) -> (S, Option<Regions>) {
        (self.symbols, self.regions.map(|(regions, _)| regions))
    }

    #[inline(always)]
    fn put(&mut self, class: Class, component: usize, run: usize, value: i32) {
        let size = 32 - value.unsigned_abs().leading_zeros();
        // Negative values are one less, in as many bits (F.1.2.1.1).
        let bits = (value + (value >> 31)) as u32 & ((1 << size) - 1);
        let table = class as usize + usize::from(component > 0);
        self.symbols.put(table, (run << 4) as u8 | size as u8, bits, size);
    }
}

impl<S: Symbols> Visitor for Emitter<'_, S> {
    #[inline(always)]
    fn wants(&self, column: u32, row: u32) -> bool {
        self.only.is_none_or(|(columns, rows)| rows[row as usize] && columns[column as usize])
    }

    #[inline(always)]
    fn mean(&mut self, block: Block, value: i32) {
        if let Some((regions, parts)) = &mut self.regions {
            let Scale { step, unit } = parts[block.component];
            regions.add(block, unit, value * step);
        }
        let mean = self.steps.apply(block.component, 0, value);
        let last = std::mem::replace(&mut self.means[block.component], mean);
        self.put(Class::Dc, block.component, 0, mean - last);
        self.count = 0;
    }

    #[inline(always)]
    fn wave(&mut self, block: Block, place: usize, value: i32) {
        let value = self.steps.apply(block.component, place, value);
        self.waves[self.count % COEFFICIENTS] = (place as u8, value as i16);
        self.count += usize::from(value != 0);
    }

    #[inline(always)]
    fn end(&mut self, block: Block) {
        let table = Class::Ac as usize + usize::from(block.component > 0);
        let mut next = 1;
        for wave in 0..self.count.min(COEFFICIENTS - 1) {
            let (place, value) = self.waves[wave];
            let mut run = usize::from(place) - next;
            while run >= 16 {
                self.symbols.put(table, ZEROS, 0, 0);
                run -= 16;
            }
            self.put(Class::Ac, block.component, run, value.into());
            next = usize::from(place) + 1;
        }
        if next < COEFFICIENTS {
            self.symbols.put(table, END_OF_BLOCK, 0, 0);
        }
    }

    fn end_row(&mut self) -> Result<(), Fault> {
        self.symbols.end_row()
    }
}
