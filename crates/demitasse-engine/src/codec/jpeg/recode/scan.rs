//! The walk over the blocks of a scan. Source: ITU-T T.81 F.2.

use super::bits::BitReader;
use super::huffman::Pair;
use super::picture::{Component, Picture};
use crate::codec::jpeg::zigzag::COEFFICIENTS;
use crate::{Control, Error};

/// Largest sizes of baseline values: of a mean's difference, and of a wave (T.81 tables F.1 and F.2).
const MAX_DC_SIZE: u8 = 11;
const MAX_AC_SIZE: u8 = 10;
/// Largest mean of 8-bit samples, at a step of 1, and as much again for encoders that round in their own way.
const MAX_MEAN: i32 = 2047;

/// Why a walk ended early.
#[derive(Debug)]
pub(super) enum Fault {
    /// The data is damaged, or unusual; what about it.
    Unusual(&'static str),
    /// More bytes would come out than are wanted.
    TooLarge,
    /// A stop from outside.
    Stopped(Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Stopped(error)
    }
}

/// A block, by its component and its place among that component's blocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    pub component: usize,
    pub column: u32,
    pub row: u32,
}

/// Looks at the blocks, in the order of the file.
pub(super) trait Visitor {
    /// Whether the blocks of an MCU are of use; if not, they are passed over.
    fn wants(&self, column: u32, row: u32) -> bool;
    /// A block begins: its mean, in steps.
    fn mean(&mut self, block: Block, value: i32);
    /// Its wave at `place`, 1 to 63 in zigzag order; not 0, in steps.
    fn wave(&mut self, block: Block, place: usize, value: i32);
    /// The block ends.
    fn end(&mut self, block: Block);
    /// A row of MCUs ends.
    fn end_row(&mut self) -> Result<(), Fault>;
}

/// Walks over the whole picture.
///
/// # Errors
/// `Unusual` for damaged and for missing data, and whatever else no encoder writes; `Stopped` by `control`, looked at in each row of
/// MCUs; what `visitor` says.
///
/// Cost: 200 to 600 megapixels a second of what is passed over; no memory.
pub(super) fn walk(
    picture: &Picture<'_>,
    visitor: &mut impl Visitor,
    control: &Control,
) -> Result<(), Fault> {
    let mut reader = Reader { bits: BitReader::new(picture.data), means: [0; 3] };
    let (mut until_restart, mut restarts) = (picture.restart_interval, 0_u8);
    for row in 0..picture.mcus.1 {
        control.check()?;
        for column in 0..picture.mcus.0 {
            if picture.restart_interval > 0 {
                if until_restart == 0 {
                    reader.restart(restarts % 8)?;
                    restarts = restarts.wrapping_add(1);
                    until_restart = picture.restart_interval;
                }
                until_restart -= 1;
            }
            reader.mcu(picture, (column, row), visitor)?;
        }
        visitor.end_row()?;
    }
    Ok(())
}

/// What a code of waves says.
enum Next {
    /// The block has no more.
    End,
    /// Sixteen zeros.
    Zeros,
    /// A wave, and how many zeros are before it.
    Wave { run: usize, value: i32 },
}

struct Reader<'a> {
    bits: BitReader<'a>,
    /// The last mean of each component.
    means: [i32; 3],
}

impl Reader<'_> {
    #[inline]
    fn mcu(
        &mut self,
        picture: &Picture<'_>,
        (column, row): (u32, u32),
        visitor: &mut impl Visitor,
    ) -> Result<(), Fault> {
        let is_wanted = visitor.wants(column, row);
        for (component, coded) in picture.components.iter().enumerate() {
            let (across, down) = coded.blocks;
            for place in 0..across * down {
                let block = Block {
                    component,
                    column: column * across + place % across,
                    row: row * down + place / across,
                };
                let mean = self.mean(coded, component)?;
                if is_wanted {
                    visitor.mean(block, mean);
                    self.waves(coded, block, visitor)?;
                    visitor.end(block);
                } else {
                    self.pass_over(coded)?;
                }
            }
        }
        if self.bits.overran() {
            return Err(Fault::Unusual("its data ends too early"));
        }
        Ok(())
    }

    #[inline(always)]
    fn mean(&mut self, coded: &Component, component: usize) -> Result<i32, Fault> {
        self.bits.refill();
        let size = coded.dc.symbol(&mut self.bits).filter(|size| *size <= MAX_DC_SIZE).ok_or(BAD_CODE)?;
        let mean = self.means[component] + self.bits.receive(size.into());
        self.means[component] = mean;
        if mean.abs() > MAX_MEAN { Err(BAD_VALUE) } else { Ok(mean) }
    }

    #[inline(always)]
    fn waves(&mut self, coded: &Component, block: Block, visitor: &mut impl Visitor) -> Result<(), Fault> {
        let mut place = 1;
        while place < COEFFICIENTS {
            self.bits.refill();
            let (run, value) = match self.wave(coded)? {
                Next::End => return Ok(()),
                Next::Zeros => {
                    place += 16;
                    continue;
                }
                Next::Wave { run, value } => (run, value),
            };
            place += run;
            if place >= COEFFICIENTS {
                return Err(BAD_VALUE);
            }
            visitor.wave(block, place, value);
            place += 1;
        }
        if place > COEFFICIENTS { Err(BAD_VALUE) } else { Ok(()) }
    }

    /// As [`Reader::waves`], of a block that nobody looks at.
    #[inline(always)]
    fn pass_over(&mut self, coded: &Component) -> Result<(), Fault> {
        let mut place = 1;
        while place < COEFFICIENTS {
            self.bits.refill();
            let stride = coded.ac.stride(&self.bits);
            let next = place + usize::from(stride.places);
            // A block that is full has no end, and what follows is of another table.
            if stride.bits > 0 && next + usize::from(stride.is_end) <= COEFFICIENTS {
                self.bits.consume(stride.bits.into());
                if stride.is_end {
                    return Ok(());
                }
                place = next;
                continue;
            }
            match self.wave(coded)? {
                Next::End => return Ok(()),
                Next::Zeros => place += 16,
                Next::Wave { run, .. } => place += run + 1,
            }
        }
        if place > COEFFICIENTS { Err(BAD_VALUE) } else { Ok(()) }
    }

    #[inline(always)]
    fn wave(&mut self, coded: &Component) -> Result<Next, Fault> {
        if let Some(Pair { run, value }) = coded.ac.pair(&mut self.bits) {
            return Ok(Next::Wave { run, value });
        }
        let symbol = coded.ac.symbol(&mut self.bits).ok_or(BAD_CODE)?;
        match symbol & 15 {
            0 if symbol == 0xF0 => Ok(Next::Zeros),
            0 if symbol == 0 => Ok(Next::End),
            size @ 1..=MAX_AC_SIZE => {
                Ok(Next::Wave { run: usize::from(symbol >> 4), value: self.bits.receive(size.into()) })
            }
            _ => Err(BAD_VALUE),
        }
    }

    fn restart(&mut self, number: u8) -> Result<(), Fault> {
        self.means = [0; 3];
        if self.bits.restart(number) {
            Ok(())
        } else {
            Err(Fault::Unusual("its restart markers are out of order"))
        }
    }
}

const BAD_CODE: Fault = Fault::Unusual("its data holds an impossible code");
const BAD_VALUE: Fault = Fault::Unusual("its data holds an impossible value");
