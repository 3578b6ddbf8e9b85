//! What of each frame is coded, and how.

use super::super::container::{Riff, is_coded, write_chunk};
use super::super::encode::{LOSSLESS, pressed_to_fit};
use super::super::ffi::{self, Encoded, Pixels, Settings, Subsampled};
use super::region::{Pixel, Region};
use crate::codec::IsGood;
use crate::codec::animation::{Canvas, Disposal, Patch};
use crate::{Control, Error, Result};

/// A lossless frame is taken up to so many times the bytes of a lossy one: it is a better start for those after it.
const LOSSLESS_IS_WORTH: f64 = 1.05;
/// Where a lossless frame has so many times the bytes of the lossy one, it is not tried for [`PAUSE`] frames.
const HOPELESS: usize = 2;
const PAUSE: u32 = 8;
/// A block stays as it is shown unless its squared error is more than so many times what painting would leave
/// (`docs/decisions/0021-animation.md`),
const WORTH_PAINTING: f64 = 1.25;
/// and so much of a pixel at quality 88, as little as two levels at quality 70.
const NEGLIGIBLE: f64 = 0.75;
/// Of what is missing to full quality, how much a frame that is not good gets on top; after these it is lossless.
const FINER: [f32; 3] = [0.2, 0.45, 0.75];

/// A frame that was encoded.
pub(super) struct Frame {
    /// What a viewer gets of it.
    patch: Patch,
    /// A WebP of its own.
    file: Vec<u8>,
}

impl Frame {
    /// As it lies in the animation.
    pub(super) fn chunk(&self, milliseconds: u32) -> Result<Vec<u8>> {
        let mut out = Vec::with_capacity(self.file.len() + 24);
        let place = self.patch.place;
        for number in [place.x / 2, place.y / 2, place.width - 1, place.height - 1, milliseconds] {
            out.extend(&number.to_le_bytes()[..3]);
        }
        out.push(if self.patch.blends { 0 } else { 2 });
        for chunk in Riff::open(&self.file, false)? {
            let chunk = chunk?;
            if is_coded(&chunk.kind) {
                write_chunk(&mut out, chunk.kind, chunk.data);
            }
        }
        Ok(out)
    }
}

/// Codes frame after frame.
pub(super) struct Work<'a> {
    size: (u32, u32),
    /// What a viewer shows.
    canvas: Canvas,
    /// The frame before, as it should be.
    before: Vec<Pixel>,
    /// Of lossy frames.
    settings: Option<Settings>,
    is_good: Option<IsGood<'a>>,
    /// Frames for which lossless is not tried.
    pause: u32,
    control: &'a Control,
}

impl<'a> Work<'a> {
    /// Lossless without settings.
    pub(super) fn new(
        size: (u32, u32),
        settings: Option<Settings>,
        is_good: Option<IsGood<'a>>,
        control: &'a Control,
    ) -> Self {
        let canvas = Canvas::new(size.0, size.1);
        Self { size, canvas, before: Vec::new(), settings, is_good, pause: 0, control }
    }

    /// The smallest of what shows the frame, or nearly.
    pub(super) fn frame(&mut self, target: &[Pixel]) -> Result<Frame> {
        self.control.check()?;
        let chosen = match self.settings {
            Some(settings) => self.good_enough(target, settings)?,
            None => self.exact(target)?,
        };
        self.canvas.show(&chosen.patch);
        self.before = target.to_vec();
        Ok(chosen)
    }

    fn good_enough(&mut self, target: &[Pixel], settings: Settings) -> Result<Frame> {
        let mut chosen = self.mixed(target, settings, false)?;
        let Some(is_good) = self.is_good else { return Ok(chosen) };
        for part in FINER {
            if self.is_good(target, &chosen, is_good)? {
                return Ok(chosen);
            }
            let quality = settings.quality + (100.0 - settings.quality) * part;
            chosen = self.mixed(target, Settings { quality, ..settings }, true)?;
        }
        if self.is_good(target, &chosen, is_good)? { Ok(chosen) } else { self.exact(target) }
    }

    fn is_good(&self, target: &[Pixel], frame: &Frame, is_good: IsGood<'_>) -> Result<bool> {
        let mut canvas = self.canvas.clone();
        canvas.show(&frame.patch);
        is_good(target.as_flattened(), canvas.rgba())
    }

    fn shown(&self) -> &[Pixel] {
        self.canvas.rgba().as_chunks().0
    }

    fn exact(&self, target: &[Pixel]) -> Result<Frame> {
        let is_new: Vec<bool> =
            self.shown().iter().zip(target).map(|(shown, target)| shown != target).collect();
        self.lossless(target, &Region::of(self.size, &is_new))
    }

    /// Lossy or lossless; `afresh` paints again what was as good as its quality made it.
    fn mixed(&mut self, target: &[Pixel], settings: Settings, afresh: bool) -> Result<Frame> {
        let shown = self.shown();
        let is_new: Vec<bool> = (0..target.len())
            // What was good enough before is so again.
            .map(|at| shown[at] != target[at] && (afresh || self.before.get(at) != Some(&target[at])))
            .collect();
        let changed = Region::of(self.size, &is_new);
        let (lossy, worth) = self.lossy(target, &changed, settings)?;
        if self.pause > 0 {
            self.pause -= 1;
            return Ok(lossy);
        }
        let lossless = self.lossless(target, &worth.and_new_in(&changed))?;
        let (bytes, other) = (lossless.file.len(), lossy.file.len());
        if bytes > other * HOPELESS {
            self.pause = PAUSE;
        }
        Ok(if bytes as f64 <= other as f64 * LOSSLESS_IS_WORTH { lossless } else { lossy })
    }

    /// All of a region, or what is new in it, whichever is smaller.
    fn lossless(&self, target: &[Pixel], region: &Region) -> Result<Frame> {
        let encoded = |rgba: Vec<u8>, blends: bool| {
            with_pixels(&rgba, region, |pixels| match ffi::encode(pixels, &LOSSLESS, self.control)? {
                Encoded::Done(file) => Ok(file),
                Encoded::HeaderTooLarge => {
                    Err(Error::codec("libwebp", "a lossless picture has no such header"))
                }
            })
            .map(|file| frame(region, rgba, blends, file))
        };
        let all = encoded(region.all(target, self.size.0), false)?;
        match region.new_only(target, self.size.0, false) {
            None => Ok(all),
            Some(new) => Ok(smaller(all, encoded(new, true)?)),
        }
    }

    /// All of a region, or only the blocks in it that are worth it, whichever is smaller; and those blocks.
    fn lossy(&self, target: &[Pixel], changed: &Region, settings: Settings) -> Result<(Frame, Region)> {
        let across = self.size.0;
        let encoded = |region: &Region, rgba: &[u8], blends: bool| {
            let file = with_pixels(rgba, region, |pixels| {
                pressed_to_fit(&Subsampled::new(pixels)?, settings, self.control)
            })?;
            let shown = ffi::decode(&file, region.place.width, region.place.height, true)?;
            Ok::<_, Error>(frame(region, shown, blends, file))
        };
        let all = encoded(changed, &changed.all(target, across), false)?;
        let worth = self.worth_painting(target, changed, (&all.patch.rgba, settings.quality));
        let mut best = all;
        if worth.place != changed.place {
            best = smaller(best, encoded(&worth, &worth.all(target, across), false)?);
        }
        if let Some(new) = worth.new_only(target, across, true) {
            best = smaller(best, encoded(&worth, &new, true)?);
        }
        Ok((best, worth))
    }

    /// The blocks that come clearly nearer to what they should be if they are painted as `drawn` at a quality.
    fn worth_painting(&self, target: &[Pixel], changed: &Region, (drawn, quality): (&[u8], f32)) -> Region {
        let (shown, drawn) = (self.shown(), drawn.as_chunks::<4>().0);
        let negligible = NEGLIGIBLE * (f64::from(100.0 - quality) / 12.0).powi(2);
        let places: Vec<usize> = changed.place.rows(self.size.0).flatten().collect();
        changed.clone().with_blocks(|block| {
            let (mut left, mut painted) = (0, 0);
            for index in block {
                let wanted = target[places[*index]];
                if shown[places[*index]][3] != wanted[3] {
                    return true;
                }
                left += squared_error(shown[places[*index]], wanted);
                painted += squared_error(drawn[*index], wanted);
            }
            f64::from(left) > f64::from(painted) * WORTH_PAINTING + negligible * block.len() as f64
        })
    }
}

/// In levels of 255, of what can be seen; mostly of lightness, as VP8 has colours at half the width and height.
fn squared_error(shown: Pixel, wanted: Pixel) -> u32 {
    if wanted[3] == 0 {
        return 0;
    }
    let [red, green, blue] = [0, 1, 2].map(|channel| i32::from(shown[channel]) - i32::from(wanted[channel]));
    let lightness = (77 * red + 150 * green + 29 * blue) >> 8;
    let square = |value: i32| value.unsigned_abs().pow(2);
    2 * square(lightness) + (square(red) + square(green) + square(blue)) / 3
}

fn smaller(one: Frame, other: Frame) -> Frame {
    if other.file.len() < one.file.len() { other } else { one }
}

fn frame(region: &Region, rgba: Vec<u8>, blends: bool, file: Vec<u8>) -> Frame {
    Frame { patch: Patch { place: region.place, rgba, blends, disposal: Disposal::Keep }, file }
}

fn with_pixels<T>(rgba: &[u8], region: &Region, work: impl FnOnce(Pixels<'_>) -> Result<T>) -> Result<T> {
    let rgb = without_alpha(rgba);
    let samples = rgb.as_deref().unwrap_or(rgba);
    let (width, height) = (region.place.width, region.place.height);
    work(Pixels { samples, width, height, has_alpha: rgb.is_none() })
}

/// Red, green and blue, if all pixels are opaque.
fn without_alpha(rgba: &[u8]) -> Option<Vec<u8>> {
    let pixels = rgba.as_chunks::<4>().0;
    let opaque = pixels.iter().all(|pixel| pixel[3] == 255);
    opaque.then(|| pixels.iter().flat_map(|[r, g, b, _]| [*r, *g, *b]).collect())
}
