//! Frames, one after the other.

use super::{Canvas, Patches, Timeline};
use crate::codec::{Codec, caught};
use crate::{Control, Error, Format, Limits, Result};

/// An animated file that was looked through, and can be played any number of times.
#[derive(Clone, Copy)]
pub(crate) struct Animation<'a> {
    /// The file.
    pub bytes: &'a [u8],
    /// Its format.
    pub format: Format,
    /// When what is shown.
    pub timeline: &'a Timeline,
    codec: &'static dyn Codec,
    limits: &'a Limits,
    control: &'a Control,
}

impl<'a> Animation<'a> {
    /// `timeline` is what `codec` reads from `bytes`, within the limits.
    pub(crate) fn new(
        bytes: &'a [u8],
        (format, codec): (Format, &'static dyn Codec),
        timeline: &'a Timeline,
        limits: &'a Limits,
        control: &'a Control,
    ) -> Self {
        Self { bytes, format, timeline, codec, limits, control }
    }

    /// From the first frame. Memory: the canvas, a patch, and what a patch covered.
    ///
    /// # Errors
    /// As [`Codec::patches`].
    pub(crate) fn play(&self) -> Result<Player<'a>> {
        let Timeline { width, height, ref delays, .. } = *self.timeline;
        Ok(Player {
            patches: self.codec.patches(self.bytes, self.limits)?,
            canvas: Canvas::new(width, height),
            size: (width, height),
            format: self.format,
            left: delays.len(),
            control: self.control.clone(),
        })
    }
}

/// An animation that is being played.
pub(crate) struct Player<'a> {
    patches: Box<dyn Patches + 'a>,
    canvas: Canvas,
    size: (u32, u32),
    format: Format,
    /// Frames that were not shown yet.
    left: usize,
    control: Control,
}

impl Player<'_> {
    /// The next frame, `width x height` pixels of red, green, blue and straight alpha, 8 bits each; `None` after the last.
    ///
    /// # Errors
    /// Of the codec; `Malformed` if there are not as many frames as the timeline has; `DeadlineExceeded`, `Cancelled`.
    ///
    /// Cost: of decoding what the frame changes.
    pub(crate) fn next(&mut self) -> Result<Option<&[u8]>> {
        self.control.check()?;
        let patches = &mut self.patches;
        let patch = caught(self.format, || patches.next())?;
        match (patch, self.left) {
            (None, 0) => Ok(None),
            (Some(patch), 1..) => {
                let pixels = patch.place.pixels() as usize;
                if !patch.place.fits(self.size.0, self.size.1) || patch.rgba.len() != pixels * 4 {
                    return Err(Error::malformed(self.format, "a frame does not lie on the canvas"));
                }
                self.left -= 1;
                self.canvas.show(&patch);
                Ok(Some(self.canvas.rgba()))
            }
            _ => Err(Error::malformed(self.format, "it has not as many frames as it says")),
        }
    }
}
