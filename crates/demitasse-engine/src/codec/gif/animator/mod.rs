//! GIF from the frames of a GIF.
//!
//! - here: frame by frame, with one frame seen ahead.
//! - `steps`: what of a frame is new, and how the one before makes room for it.
//! - `colors`: tables of colours, and what is near enough to what.
//! - `lzw`: indexes to bytes.
//! - `write`: blocks.
//!
//! Every frame stays a frame, with its own delay. What is measured of it: `docs/decisions/0021-animation.md`.

mod colors;
mod lzw;
mod steps;
mod write;

use serde_json::{Map, Value, json};

use self::colors::{Colors, Near, Table};
use self::lzw::{Coded, Pixels, Style, Tones, WhenFull};
use self::steps::{Step, next_step};
use self::write::{Writer, plays_fit};
use super::patches::A_SECOND;
use crate::codec::animation::{Animation, Disposal, Player, Rect};
use crate::codec::{Animator, FramesSetting, IsGood, Mode, Setting};
use crate::metadata::Embedded;
use crate::search::Guess;
use crate::{Control, Effort, Error, Format, Quality, Result, Score};

/// Of what is written; counts up whenever the same request gets other bytes.
const REVISION: &str = "2";

/// A pixel: red, green, blue, 255 in bytes from the lowest; 0 is transparent.
type Pixel = u32;

const TRANSPARENT: Pixel = 0;

/// Parts of the distance, one after the other, for a frame that is not good enough; the last is every pixel as it was.
const FINER: [f32; 4] = [0.75, 0.5, 0.25, 0.0];

/// Every pixel as it was.
pub(super) struct Lossless;

/// Colours that are near enough for longer matches. The quality is how near: 100 is none but the very same.
pub(super) struct Lossy {
    name: &'static str,
    /// The part of its error that a pixel hands on to the next.
    diffusion: f32,
}

/// For photos: the mean of an area stays.
pub(super) const DITHERED: Lossy = Lossy { name: "gif-dithered", diffusion: 0.75 };

/// For graphics: what is flat stays flat.
pub(super) const PLAIN: Lossy = Lossy { name: "gif-plain", diffusion: 0.0 };

impl Animator for Lossless {
    fn identity(&self) -> (&'static str, &'static str) {
        ("gif", REVISION)
    }

    fn mode(&self) -> Mode {
        Mode::Lossless
    }

    fn pace(&self, effort: Effort) -> f64 {
        pace(effort)
    }

    fn refusal(&self, animation: &Animation<'_>) -> Option<String> {
        refusal(animation)
    }

    fn settings(&self, setting: Setting) -> Map<String, Value> {
        Map::from_iter([("looks_ahead".into(), json!(looks_ahead(setting)))])
    }

    fn encode(
        &self,
        animation: &Animation<'_>,
        FramesSetting { setting, .. }: FramesSetting<'_>,
        embedded: &Embedded,
        below_bytes: u64,
        control: &Control,
    ) -> Result<Option<Vec<u8>>> {
        encode(animation, (Near::same(), None), looks_ahead(setting), embedded, below_bytes, control)
    }
}

impl Animator for Lossy {
    fn identity(&self) -> (&'static str, &'static str) {
        (self.name, REVISION)
    }

    fn mode(&self) -> Mode {
        Mode::Lossy { min: Quality(1.0), max: Quality(99.0), step: 1.0 }
    }

    /// The scale is that of the one for photos.
    fn takes_requested_quality(&self) -> bool {
        self.diffusion > 0.0
    }

    fn guess(&self, target: Score) -> Guess {
        Guess { quality: Quality((100.0 - (100.0 - target.0) * 0.85) as f32), slope: 1.0 }
    }

    fn pace(&self, effort: Effort) -> f64 {
        pace(effort)
    }

    fn refusal(&self, animation: &Animation<'_>) -> Option<String> {
        refusal(animation)
    }

    fn settings(&self, setting: Setting) -> Map<String, Value> {
        Map::from_iter([
            ("distance".into(), json!(distance(setting))),
            ("diffusion".into(), json!(self.diffusion)),
            ("looks_ahead".into(), json!(looks_ahead(setting))),
        ])
    }

    fn encode(
        &self,
        animation: &Animation<'_>,
        FramesSetting { setting, is_good }: FramesSetting<'_>,
        embedded: &Embedded,
        below_bytes: u64,
        control: &Control,
    ) -> Result<Option<Vec<u8>>> {
        let near = Near::within(distance(setting), self.diffusion);
        encode(animation, (near, is_good), looks_ahead(setting), embedded, below_bytes, control)
    }
}

fn pace(effort: Effort) -> f64 {
    if effort == Effort::Fast { 0.2 } else { 0.4 }
}

fn looks_ahead(setting: Setting) -> bool {
    setting.effort != Effort::Fast
}

/// How far colours may be apart, in levels of 255 of lightness.
fn distance(setting: Setting) -> f32 {
    let Quality(quality) = setting.quality;
    (100.0 - quality.clamp(0.0, 100.0)) * 0.5
}

fn refusal(animation: &Animation<'_>) -> Option<String> {
    let timeline = animation.timeline;
    let carries = |delay: &crate::codec::animation::Delay| {
        delay.whole(A_SECOND).is_some_and(|delay| u16::try_from(delay).is_ok())
    };
    if animation.format != Format::Gif {
        Some("GIF is made of GIF only".into())
    } else if !timeline.delays.iter().all(carries) || !plays_fit(timeline.plays) {
        Some("GIF cannot carry its delays, or how often it is played".into())
    } else {
        None
    }
}

/// Frames as pixels.
struct Frames<'a>(Player<'a>);

impl Frames<'_> {
    fn next(&mut self) -> Result<Option<Vec<Pixel>>> {
        let Some(rgba) = self.0.next()? else { return Ok(None) };
        let pixels: Vec<Pixel> = rgba.as_chunks().0.iter().map(|pixel| u32::from_le_bytes(*pixel)).collect();
        if pixels.iter().all(|pixel| matches!(pixel >> 24, 0 | 255)) {
            Ok(Some(pixels))
        } else {
            Err(Error::codec("gif", "a pixel is neither opaque nor transparent"))
        }
    }
}

/// Encodes; `None` if it would have `below_bytes` or more.
///
/// Memory: some canvases of four bytes a pixel, and a byte or two a pixel for the frame at hand.
fn encode(
    animation: &Animation<'_>,
    (near, is_good): (Near, Option<IsGood<'_>>),
    looks_ahead: bool,
    embedded: &Embedded,
    below_bytes: u64,
    control: &Control,
) -> Result<Option<Vec<u8>>> {
    let timeline = animation.timeline;
    let size = (timeline.width, timeline.height);
    let colors = Colors::of(&mut Frames(animation.play()?), size)?;
    let mut writer = Writer::new(size, colors.shared(), timeline.plays, embedded.mark)?;
    let mut frames = Frames(animation.play()?);
    let mut shown = Shown::new(size);
    let mut target = frames.next()?;
    for (index, delay) in timeline.delays.iter().enumerate() {
        control.check()?;
        let Some(current) = target.take() else { break };
        target = frames.next()?;
        let work = Work {
            shown: &shown,
            current: &current,
            next: target.as_deref(),
            is_first: index == 0,
            size,
            colors: &colors,
            looks_ahead,
        };
        let painted = work.good_enough(&near, is_good)?;
        writer.frame(&painted.step, *delay, &painted.table, &painted.coded)?;
        if writer.len() as u64 >= below_bytes {
            return Ok(None);
        }
        shown.show(&painted, &current);
    }
    let bytes = writer.finish();
    Ok(((bytes.len() as u64) < below_bytes).then_some(bytes))
}

/// A frame that was coded.
struct Painted {
    step: Step,
    table: Table,
    coded: Coded,
}

/// A frame that is to be coded.
struct Work<'a> {
    shown: &'a Shown,
    current: &'a [Pixel],
    next: Option<&'a [Pixel]>,
    is_first: bool,
    size: (u32, u32),
    colors: &'a Colors,
    looks_ahead: bool,
}

impl Work<'_> {
    fn good_enough(&self, near: &Near, is_good: Option<IsGood<'_>>) -> Result<Painted> {
        let mut painted = self.coded(&self.shown.as_good_as(self.current), near)?;
        let Some(is_good) = is_good else { return Ok(painted) };
        let wanted = bytes(self.current);
        for part in FINER {
            if is_good(&wanted, &bytes(&self.shown.with(&painted)))? {
                break;
            }
            // What was painted for the same before was not good enough either.
            match self.coded(&self.shown.pixels, &near.finer(part)) {
                Ok(finer) => painted = finer,
                // More colours than a table holds: it stays as it is, and whoever asked finds it.
                Err(Error::Codec { .. }) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(painted)
    }

    fn coded(&self, before: &[Pixel], near: &Near) -> Result<Painted> {
        let mut step = next_step(before, self.current, self.next, self.size, near);
        if self.is_first {
            // Where the first frame leaves some of the canvas out, viewers outside of browsers show a background.
            step.place = Rect { x: 0, y: 0, width: self.size.0, height: self.size.1 };
        }
        let pixels = (before, self.current);
        let (table, coded) = code(pixels, step.place, self.size.0, self.colors, near, self.looks_ahead)?;
        Ok(Painted { step, table, coded })
    }
}

/// Red, green, blue and alpha.
fn bytes(pixels: &[Pixel]) -> Vec<u8> {
    pixels.iter().flat_map(|pixel| pixel.to_le_bytes()).collect()
}

/// The shortest coding of what is new in a place, with the file's table or one of its own.
fn code(
    (shown, target): (&[Pixel], &[Pixel]),
    place: Rect,
    width: u32,
    colors: &Colors,
    near: &Near,
    looks_ahead: bool,
) -> Result<(Table, Coded)> {
    let mut best: Option<(Table, Coded)> = None;
    let inside = || place.rows(width).flatten().map(|at| (shown[at], target[at]));
    for table in colors.tables(inside(), near)? {
        let (choices, each) = table.choices(inside(), near);
        let (palette, tones) = (
            table.tones(),
            if near.is_lossy() { colors::tones(inside(), table.transparent().is_some()) } else { Vec::new() },
        );
        let tones = Tones { palette: &palette, each: &tones, most: near.most(), diffusion: near.diffusion() };
        let tones = near.is_lossy().then_some(tones);
        let coded = shortest(Pixels { choices: &choices, each: &each, tones }, looks_ahead);
        let bytes = |table: &Table, coded: &Coded| table.own_bytes() + coded.data.len();
        if best.as_ref().is_none_or(|(other, best)| bytes(&table, &coded) < bytes(other, best)) {
            best = Some((table, coded));
        }
    }
    best.ok_or_else(|| Error::codec("gif", "a frame has more than 256 new colours"))
}

/// The shortest of some styles: looking ahead or not, and then with a full dictionary kept or cleared.
fn shortest(pixels: Pixels<'_>, looks_ahead: bool) -> Coded {
    let plain = Style { looks_ahead: false, when_full: WhenFull::Weigh };
    let mut best = (lzw::encode(pixels, plain), plain);
    let consider = |style: Style, best: &mut (Coded, Style)| {
        let coded = lzw::encode(pixels, style);
        if coded.data.len() < best.0.data.len() {
            *best = (coded, style);
        }
    };
    if !looks_ahead {
        return best.0;
    }
    // Of lossy ones it gains little, and takes long.
    if pixels.tones.is_none() {
        consider(Style { looks_ahead: true, ..plain }, &mut best);
    }
    if best.0.was_full {
        let style = best.1;
        consider(Style { when_full: WhenFull::Keep, ..style }, &mut best);
        consider(Style { when_full: WhenFull::Clear, ..style }, &mut best);
    }
    best.0
}

/// What a viewer shows before the frame at hand.
struct Shown {
    pixels: Vec<Pixel>,
    /// What they were painted for.
    meant: Vec<Pixel>,
    width: u32,
}

impl Shown {
    fn new((width, height): (u32, u32)) -> Self {
        let pixels = vec![TRANSPARENT; width as usize * height as usize];
        Self { meant: pixels.clone(), pixels, width }
    }

    /// What is shown, where that was good enough for the same pixel before: that pixel. Nothing is painted twice.
    fn as_good_as(&self, target: &[Pixel]) -> Vec<Pixel> {
        let pixels = self.pixels.iter().zip(&self.meant).zip(target);
        pixels.map(|((shown, meant), target)| if meant == target { *target } else { *shown }).collect()
    }

    /// What a viewer shows while it shows a frame.
    fn with(&self, Painted { step, table, coded }: &Painted) -> Vec<Pixel> {
        let mut pixels = self.pixels.clone();
        for (at, index) in step.place.rows(self.width).flatten().zip(&coded.indexes) {
            match table.pixel(*index) {
                TRANSPARENT => {}
                pixel => pixels[at] = pixel,
            }
        }
        pixels
    }

    /// Does what a viewer does: paints the frame, then makes room for the next.
    fn show(&mut self, Painted { step, table, coded }: &Painted, target: &[Pixel]) {
        if step.disposal == Disposal::Restore {
            return;
        }
        for (at, index) in step.place.rows(self.width).flatten().zip(&coded.indexes) {
            match (step.disposal, table.pixel(*index)) {
                (Disposal::Clear, _) => (self.pixels[at], self.meant[at]) = (TRANSPARENT, TRANSPARENT),
                (_, TRANSPARENT) => {}
                (_, pixel) => (self.pixels[at], self.meant[at]) = (pixel, target[at]),
            }
        }
    }
}
