//! No frame far below the others: those that are, are coded again, finer.

use std::cell::Cell;

use super::compare::{Likeness, MAX_BELOW_MEAN, look_at};
use super::trials::{Candidate, Trials};
use crate::search::QualityRange;
use crate::{Quality, Result, Score};

/// What frames are raised to lies so much above what is promised of them: the mean rises with them.
const MARGIN: f64 = 0.5;
/// A mean so far below its target is not reached by raising some frames: another setting is.
const HOPELESS: f64 = 2.0;

/// Parts of a quality, of which frames are raised within bytes that are allowed.
const COARSER: [f32; 4] = [1.0, 0.9, 0.75, 0.5];

/// A result whose frames were looked at.
pub(super) struct Evened {
    pub bytes: Vec<u8>,
    pub likeness: Likeness,
    /// No frame was to score less; `None` if frames were taken as they came.
    pub floor: Option<Score>,
}

/// What evening out may take while the settings of one encoder are tried.
pub(super) struct Evenness {
    target: Score,
    /// How often a result may be made again.
    repeats: Cell<usize>,
}

impl Evenness {
    pub(super) fn new(target: Score, repeats: usize) -> Self {
        Self { target, repeats: Cell::new(repeats) }
    }

    /// Whether there is one more try.
    fn repeat(&self) -> bool {
        let left = self.repeats.get();
        self.repeats.set(left.saturating_sub(1));
        left > 0
    }
}

impl Trials<'_> {
    /// Encodes, and again with a floor while a frame is far below the others and there are tries left; `None` if it has
    /// `below_bytes` or more.
    ///
    /// # Errors
    /// As of an encode and of the players.
    pub(super) fn evened(
        &self,
        candidate: Candidate,
        quality: Quality,
        below_bytes: u64,
        evenness: &Evenness,
    ) -> Result<Option<Evened>> {
        let Some(mut found) = self.with_floor(candidate, quality, below_bytes, None)? else {
            return Ok(None);
        };
        while found.is_too_uneven(evenness.target) && evenness.repeat() {
            let least = found.likeness.mean.0.max(evenness.target.0) + MARGIN - MAX_BELOW_MEAN;
            let floor = found.floor.map_or(least, |tried| least.max(tried.0 + MARGIN));
            match self.with_floor(candidate, quality, below_bytes, Some(floor))? {
                Some(next) => found = next,
                None => break,
            }
        }
        Ok(Some(found))
    }

    /// The same result if it is even; else one in at most `most` bytes that is, at a coarser quality; the one given if there is
    /// none.
    ///
    /// # Errors
    /// As of an encode and of the players.
    pub(super) fn evened_to_fit(
        &self,
        candidate: Candidate,
        (range, quality): (QualityRange, Quality),
        found: Evened,
        most: u64,
        repeats: usize,
    ) -> Result<(Quality, Evened)> {
        let mut floor = found.likeness.mean.0 + MARGIN - MAX_BELOW_MEAN;
        if found.likeness.is_even() || found.likeness.damage.is_some() {
            return Ok((quality, found));
        }
        for part in COARSER.into_iter().take(repeats) {
            let coarser = range.clamp(Quality(quality.0 * part));
            let Some(next) = self.with_floor(candidate, coarser, most.saturating_add(1), Some(floor))? else {
                // Too many bytes: a lower floor, too.
                floor -= 2.0;
                continue;
            };
            if next.likeness.is_even() && next.likeness.damage.is_none() {
                return Ok((coarser, next));
            }
            floor = floor.max(next.likeness.mean.0 + MARGIN - MAX_BELOW_MEAN);
        }
        Ok((quality, found))
    }

    /// Encodes so that no frame scores less than `floor`, if the encoder can.
    ///
    /// # Errors
    /// As of an encode and of the players.
    pub(super) fn with_floor(
        &self,
        candidate: Candidate,
        quality: Quality,
        below_bytes: u64,
        floor: Option<f64>,
    ) -> Result<Option<Evened>> {
        let size = (self.animation.timeline.width, self.animation.timeline.height);
        let is_good = |before: &[u8], after: &[u8]| {
            let look = look_at(before, after, size, self.profile, self.control)?;
            Ok(look.damage.is_none() && floor.is_none_or(|floor| look.held >= floor))
        };
        let is_good = floor.is_some().then_some(&is_good as crate::codec::IsGood<'_>);
        let Some(bytes) = self.encode(candidate, quality, below_bytes, is_good)? else { return Ok(None) };
        let likeness = self.likeness(candidate, &bytes)?;
        Ok(Some(Evened { bytes, likeness, floor: floor.map(Score) }))
    }
}

impl Evened {
    /// Whether a frame is far below the mean, or is what keeps a target from being reached.
    fn is_too_uneven(&self, target: Score) -> bool {
        let likeness = &self.likeness;
        let is_near = likeness.mean.0 >= target.0 - HOPELESS;
        is_near
            && (!likeness.is_even()
                || likeness.held() < Score(target.0.min(likeness.mean.0))
                || likeness.damage.is_some())
    }
}
