//! Tables of colours, and what is near enough to what.

use std::collections::{BTreeSet, HashMap};

use super::lzw::{Choice, Tone};
use super::{Frames, Pixel, TRANSPARENT};
use crate::{Error, Result};

/// Colours a table has at most.
const MOST: usize = 256;

/// Which colours may stand for which.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Near {
    /// The square of how far they may be apart.
    most: f32,
    /// The part of its error that a pixel hands on.
    diffusion: f32,
}

impl Near {
    /// None but the very same.
    pub(super) fn same() -> Self {
        Self { most: 0.0, diffusion: 0.0 }
    }

    /// Whether anything but the very same may be.
    pub(super) fn is_lossy(&self) -> bool {
        self.most > 0.0
    }

    /// The square of how far they may be apart.
    pub(super) fn most(&self) -> f32 {
        self.most
    }

    /// The part of its error that a pixel hands on.
    pub(super) fn diffusion(&self) -> f32 {
        self.diffusion
    }

    /// Those at most so far apart, in levels of 255 of lightness.
    pub(super) fn within(distance: f32, diffusion: f32) -> Self {
        Self { most: distance * distance, diffusion }
    }

    /// The same at a part of the distance.
    pub(super) fn finer(&self, part: f32) -> Self {
        Self { most: self.most * part * part, ..*self }
    }

    /// Whether one may be shown for the other. What is transparent stays so, and nothing else becomes it.
    pub(super) fn is_near(&self, one: Pixel, other: Pixel) -> bool {
        one == other || self.cost(one, other).is_some()
    }

    /// Whether one may be shown for the other where what is handed on helps.
    fn reaches(&self, one: Pixel, other: Pixel) -> bool {
        let reach = 1.0 + self.diffusion;
        one == other || squared_distance(one, other) <= self.most * reach * reach
    }

    /// What it costs, if it may be.
    fn cost(&self, one: Pixel, other: Pixel) -> Option<u16> {
        if one == other {
            return Some(0);
        }
        if one == TRANSPARENT || other == TRANSPARENT || self.most == 0.0 {
            return None;
        }
        let distance = squared_distance(one, other);
        (distance <= self.most).then_some(distance.min(60_000.0) as u16)
    }
}

/// Lightness as it is, and what differs from it in red and, half as much, in blue.
fn tone(pixel: Pixel) -> Tone {
    let [red, green, blue] = [0, 8, 16].map(|shift| (pixel >> shift & 255) as f32);
    let lightness = 0.299 * red + 0.587 * green + 0.114 * blue;
    [lightness, red - lightness, 0.5 * (blue - lightness)]
}

fn squared_distance(one: Pixel, other: Pixel) -> f32 {
    tone(one).iter().zip(tone(other)).map(|(one, other)| (one - other) * (one - other)).sum()
}

/// Some colours, by their indexes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    /// Of each index; [`TRANSPARENT`] at the first, if at all.
    pixels: Vec<Pixel>,
    /// Whether it is one frame's.
    pub is_own: bool,
}

impl Table {
    pub(super) fn pixel(&self, index: u8) -> Pixel {
        self.pixels.get(usize::from(index)).copied().unwrap_or(TRANSPARENT)
    }

    /// The transparent index.
    pub(super) fn transparent(&self) -> Option<u8> {
        (self.pixels.first() == Some(&TRANSPARENT)).then_some(0)
    }

    /// What it takes in the file, if it is a frame's own.
    pub(super) fn own_bytes(&self) -> usize {
        if self.is_own { 3 << self.bits() } else { 0 }
    }

    /// Of its largest index, at least 1.
    pub(super) fn bits(&self) -> u32 {
        self.pixels.len().next_power_of_two().ilog2().max(1)
    }

    /// Red, green, blue, for as many as its bits can count.
    pub(super) fn rgb(&self) -> Vec<u8> {
        let mut rgb: Vec<u8> = self
            .pixels
            .iter()
            .flat_map(|pixel| {
                let [red, green, blue, _] = pixel.to_le_bytes();
                [red, green, blue]
            })
            .collect();
        rgb.resize(3 << self.bits(), 0);
        rgb
    }

    /// The tones of its colours.
    pub(super) fn tones(&self) -> Vec<Tone> {
        self.pixels.iter().map(|pixel| tone(*pixel)).collect()
    }

    /// What each pixel may be, given what is shown there and what is to be. It may be left, or painted with what is near.
    pub(super) fn choices(
        &self,
        pixels: impl Iterator<Item = (Pixel, Pixel)>,
        near: &Near,
    ) -> (Vec<Choice>, Vec<u16>) {
        let mut known: HashMap<(Pixel, Option<u16>), u16> = HashMap::new();
        let (mut choices, mut each) = (Vec::new(), Vec::new());
        let mut last = None;
        for (shown, target) in pixels {
            if let Some((pair, index)) = last
                && pair == (shown, target)
            {
                each.push(index);
                continue;
            }
            let left = near.cost(shown, target).filter(|_| self.transparent().is_some());
            // How near is then looked at pixel by pixel.
            let left = if near.is_lossy() { left.map(|_| 0) } else { left };
            let index = *known.entry((target, left)).or_insert_with(|| {
                choices.push(self.choice(target, left, near));
                (choices.len() - 1) as u16
            });
            last = Some(((shown, target), index));
            each.push(index);
        }
        (choices, each)
    }

    fn choice(&self, target: Pixel, left: Option<u16>, near: &Near) -> Choice {
        let painted = (0..=255).zip(&self.pixels).filter(|(_, pixel)| **pixel != TRANSPARENT);
        let may_be = |pixel: Pixel| match near.is_lossy() && target != TRANSPARENT {
            true => near.reaches(pixel, target).then_some(0),
            false => near.cost(pixel, target),
        };
        let painted = painted.filter_map(|(index, pixel)| may_be(*pixel).map(|cost| (index, cost)));
        Choice::new(left.map(|cost| (0, cost)).into_iter().chain(painted))
    }
}

/// What each pixel should be, and what it is if it is left, where it can be.
pub(super) fn tones(
    pixels: impl Iterator<Item = (Pixel, Pixel)>,
    can_leave: bool,
) -> Vec<(Tone, Option<Tone>)> {
    let left = |shown: Pixel| (can_leave && shown != TRANSPARENT).then(|| tone(shown));
    pixels.map(|(shown, target)| (tone(target), left(shown))).collect()
}

/// The colours of an animation.
pub(super) struct Colors {
    shared: Table,
}

impl Colors {
    /// Looks at what is new in each frame. If that is too much for one table, it has the first frame's.
    pub(super) fn of(frames: &mut Frames<'_>, (width, height): (u32, u32)) -> Result<Self> {
        let mut counts: HashMap<Pixel, u64> = HashMap::new();
        let mut before = vec![TRANSPARENT; width as usize * height as usize];
        let mut first = None;
        while let Some(frame) = frames.next()? {
            for (new, old) in frame.iter().zip(&before) {
                if new != old && *new != TRANSPARENT {
                    *counts.entry(*new).or_default() += 1;
                }
            }
            first = first.or_else(|| Some(counts.clone()));
            if counts.len() > MOST - 1 {
                break;
            }
            before = frame;
        }
        let counts = if counts.len() < MOST { counts } else { first.unwrap_or_default() };
        // The most frequent first: what has few of them gets along with short codes.
        let mut colors: Vec<(u64, Pixel)> = counts.into_iter().map(|(pixel, count)| (count, pixel)).collect();
        colors.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        let transparent = (colors.len() < MOST).then_some(TRANSPARENT);
        let colors = colors.into_iter().take(MOST).map(|(_, pixel)| pixel);
        Ok(Self { shared: Table { pixels: transparent.into_iter().chain(colors).collect(), is_own: false } })
    }

    /// The file's table.
    pub(super) fn shared(&self) -> &Table {
        &self.shared
    }

    /// The tables with which this may be coded: the file's if it has all colours, and one of its own if that may be shorter.
    ///
    /// # Errors
    /// `Codec` if there are too many colours for either.
    pub(super) fn tables(
        &self,
        pixels: impl Iterator<Item = (Pixel, Pixel)>,
        near: &Near,
    ) -> Result<Vec<Table>> {
        let (mut painted, mut left) = (BTreeSet::new(), BTreeSet::new());
        let mut last = None;
        for pair in pixels {
            if last == Some(pair) {
                continue;
            }
            last = Some(pair);
            let set = if near.is_near(pair.0, pair.1) { &mut left } else { &mut painted };
            set.insert(pair.1);
        }
        let has_room = left.is_empty() || painted.len() < MOST;
        let own = if has_room {
            let transparent = (!left.is_empty()).then_some(TRANSPARENT);
            transparent.into_iter().chain(painted.iter().copied()).collect()
        } else {
            // No place for the transparent index: what could be left is painted too.
            painted.union(&left).copied().collect()
        };
        let own = Table { pixels: own, is_own: true };
        let has_all = painted.iter().all(|pixel| self.shared.pixels.contains(pixel))
            && (self.shared.transparent().is_some()
                || left.iter().all(|pixel| self.shared.pixels.contains(pixel)));
        let may_be_shorter = own.bits() + 2 <= self.shared.bits();
        let own_holds = own.pixels.len() <= MOST && (has_room || !left.contains(&TRANSPARENT));
        let mut tables = Vec::new();
        if has_all {
            tables.push(self.shared.clone());
        }
        if (!has_all || may_be_shorter) && own_holds {
            tables.push(own);
        }
        if tables.is_empty() {
            return Err(Error::codec("gif", "a frame has more new colours than a table"));
        }
        Ok(tables)
    }
}
