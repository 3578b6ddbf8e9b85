//! What the animated formats share: how long frames are shown, and how they are laid over each other.
//!
//! - here: [`Timeline`] and [`Patch`], which a codec reads from its container.
//! - `canvas`: patches to whole frames, as viewers show them.
//! - `player`: frames one after the other; no more than one is held, and what the canvas goes back to.
//!
//! A codec says what its container says and lays nothing over anything: disposal and blending are done in one place.

mod canvas;
mod player;

pub(crate) use self::canvas::{Canvas, Rect};
pub(crate) use self::player::{Animation, Player};
use crate::{Error, Limits, Result};

/// How long a frame is shown: an exact part of a second. Equal if they are as long, however they are written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Delay {
    numerator: u32,
    /// At least 1.
    denominator: u32,
}

impl Delay {
    /// `numerator` parts of a second of which `denominator` make one; at least one does.
    pub(crate) fn new(numerator: u32, denominator: u32) -> Self {
        Self { numerator, denominator: denominator.max(1) }
    }

    /// How many of the parts of which `a_second` make a second; `None` if it is no whole number of them.
    pub(crate) fn whole(self, a_second: u32) -> Option<u32> {
        let parts = u64::from(self.numerator) * u64::from(a_second);
        let denominator = u64::from(self.denominator);
        if parts % denominator == 0 { u32::try_from(parts / denominator).ok() } else { None }
    }

    /// In seconds.
    pub(crate) fn seconds(self) -> f64 {
        f64::from(self.numerator) / f64::from(self.denominator)
    }
}

impl PartialEq for Delay {
    fn eq(&self, other: &Self) -> bool {
        u64::from(self.numerator) * u64::from(other.denominator)
            == u64::from(other.numerator) * u64::from(self.denominator)
    }
}

/// When what is shown: all of an animation but its pixels.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Timeline {
    /// Width of the canvas, in pixels.
    pub width: u32,
    /// Height of the canvas, in pixels.
    pub height: u32,
    /// Of each frame; at least one.
    pub delays: Vec<Delay>,
    /// How often all of it is shown; 0 is for ever.
    pub plays: u32,
}

impl Timeline {
    /// Pixels of all frames together, each as large as the canvas.
    pub(crate) fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height) * self.delays.len() as u64
    }

    /// Of one play, in milliseconds, rounded.
    pub(crate) fn duration_ms(&self) -> u64 {
        (self.delays.iter().map(|delay| delay.seconds()).sum::<f64>() * 1000.0).round() as u64
    }

    /// Refuses more than may be decoded.
    ///
    /// # Errors
    /// `LimitExceeded`.
    pub(crate) fn check(&self, limits: &Limits) -> Result<()> {
        check_frames(self.delays.len(), limits)?;
        if self.pixels() > limits.max_animation_pixels {
            return Err(Error::LimitExceeded {
                limit: "pixels in all frames",
                actual: self.pixels(),
                allowed: limits.max_animation_pixels,
            });
        }
        Ok(())
    }
}

/// Refuses more frames than may be decoded; while they are counted, too.
///
/// # Errors
/// `LimitExceeded`.
pub(crate) fn check_frames(frames: usize, limits: &Limits) -> Result<()> {
    if frames as u64 > u64::from(limits.max_frames) {
        return Err(Error::LimitExceeded {
            limit: "frames",
            actual: frames as u64,
            allowed: limits.max_frames.into(),
        });
    }
    Ok(())
}

/// What becomes of a patch when its time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disposal {
    /// It stays.
    Keep,
    /// Its place becomes transparent.
    Clear,
    /// Its place becomes what it was before.
    Restore,
}

/// One frame as a container carries it: what is new, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Patch {
    /// Its place; all of it lies on the canvas.
    pub place: Rect,
    /// Red, green, blue and straight alpha, 8 bits each, row by row.
    pub rgba: Vec<u8>,
    /// Whether it is laid over what is there; if not, it takes its place.
    pub blends: bool,
    /// What becomes of it.
    pub disposal: Disposal,
}

/// The patches of a file, from the first.
pub(crate) trait Patches {
    /// The next one; `None` after the last.
    ///
    /// # Errors
    /// `Malformed` for damage; `Unsupported` for what viewers do not agree on, or what this engine does not read.
    fn next(&mut self) -> Result<Option<Patch>>;
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
