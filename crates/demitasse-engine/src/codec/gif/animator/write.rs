//! The blocks of a GIF (GIF89a specification).

use super::colors::Table;
use super::lzw::Coded;
use super::steps::Step;
use crate::codec::animation::{Delay, Disposal};
use crate::codec::gif::container::{GRAPHIC_CONTROL, MARK};
use crate::codec::gif::patches::A_SECOND;
use crate::metadata::Mark;
use crate::{Error, Result};

/// The repetitions that the extension counts (see `patches`); `None` where it is not needed.
fn repetitions(plays: u32) -> Option<u32> {
    match plays {
        0 => Some(0),
        1 => None,
        plays => Some(plays - 1),
    }
}

/// Whether a GIF can say that it is played so often.
pub(super) fn plays_fit(plays: u32) -> bool {
    repetitions(plays).is_none_or(|count| u16::try_from(count).is_ok())
}

/// A GIF that is being written.
pub(super) struct Writer {
    out: Vec<u8>,
}

impl Writer {
    /// Canvas, shared table, how often to play, and the mark.
    ///
    /// # Errors
    /// `Codec` for what does not fit.
    pub(super) fn new(
        (width, height): (u32, u32),
        table: &Table,
        plays: u32,
        mark: Option<Mark>,
    ) -> Result<Self> {
        let mut out = b"GIF89a".to_vec();
        for side in [width, height] {
            out.extend(short(side)?);
        }
        // A table, 8 bits a sample, not sorted; background and aspect say nothing.
        out.extend([0xf0 | (table.bits() - 1) as u8, 0, 0]);
        out.extend(table.rgb());
        if let Some(count) = repetitions(plays) {
            out.extend(b"\x21\xff\x0bNETSCAPE2.0\x03\x01");
            out.extend(short(count)?);
            out.push(0);
        }
        if let Some(mark) = mark {
            let text = mark.text();
            out.extend([0x21, 0xff, 11]);
            out.extend(MARK);
            out.push(text.len() as u8);
            out.extend(text.as_bytes());
            out.push(0);
        }
        Ok(Self { out })
    }

    /// A frame.
    ///
    /// # Errors
    /// `Codec` for what does not fit.
    pub(super) fn frame(&mut self, step: &Step, delay: Delay, table: &Table, coded: &Coded) -> Result<()> {
        let hundredths = delay.whole(A_SECOND).ok_or_else(does_not_fit)?;
        // Some viewers clear to a background where nothing is said to be transparent.
        let clears = step.disposal == Disposal::Clear;
        let transparent = table.transparent().filter(|index| clears || coded.indexes.contains(index));
        let disposal: u8 = match step.disposal {
            Disposal::Keep => 0,
            Disposal::Clear => 2,
            Disposal::Restore => 3,
        };
        if hundredths > 0 || transparent.is_some() || disposal > 0 {
            // Without a disposal, 1 is what all readers know.
            let packed = disposal.max(1) << 2 | u8::from(transparent.is_some());
            let [low, high] = short(hundredths)?;
            self.out.extend([0x21, GRAPHIC_CONTROL, 4, packed, low, high, transparent.unwrap_or(0), 0]);
        }
        self.out.push(0x2c);
        for side in [step.place.x, step.place.y, step.place.width, step.place.height] {
            self.out.extend(short(side)?);
        }
        if table.is_own {
            self.out.push(0x80 | (table.bits() - 1) as u8);
            self.out.extend(table.rgb());
        } else {
            self.out.push(0);
        }
        self.out.extend_from_slice(&coded.data);
        Ok(())
    }

    /// Bytes so far.
    pub(super) fn len(&self) -> usize {
        self.out.len()
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.out.push(0x3b);
        self.out
    }
}

fn short(number: u32) -> Result<[u8; 2]> {
    u16::try_from(number).map(u16::to_le_bytes).map_err(|_| does_not_fit())
}

fn does_not_fit() -> Error {
    Error::codec("gif", "a number is too large for a GIF")
}
