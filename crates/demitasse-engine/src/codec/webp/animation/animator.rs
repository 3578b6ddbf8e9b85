//! Frames to an animated WebP.

use serde_json::{Map, Value, json};

use super::super::container::{Chunk, Riff, assemble, is_coded, write_chunk};
use super::super::encode::{IDENTITY, LOSSLESS, MAX_SIDE, lossy, pressed_to_fit};
use super::super::ffi::{self, Encoded, Pixels, Settings, Subsampled};
use super::A_SECOND;
use super::region::{Pixel, Region};
use crate::codec::animation::{Animation, Canvas, Delay, Disposal, Patch};
use crate::codec::{Animator, Header, Mode, Setting};
use crate::metadata::Embedded;
use crate::search::Guess;
use crate::{Control, Effort, Error, Format, Quality, Result, Score};

/// A lossless frame is taken up to so many times the bytes of a lossy one: it is a better start for those after it.
const LOSSLESS_IS_WORTH: f64 = 1.05;
/// Where a lossless frame has so many times the bytes of the lossy one, it is not tried for [`PAUSE`] frames.
const HOPELESS: usize = 2;
const PAUSE: u32 = 8;

/// Every frame as VP8L: every pixel as it was.
pub(in crate::codec::webp) struct Lossless;

/// Every frame as VP8 or VP8L, whichever is smaller; the quality is VP8's.
pub(in crate::codec::webp) struct Mixed;

impl Animator for Lossless {
    fn identity(&self) -> (&'static str, &'static str) {
        IDENTITY
    }

    fn mode(&self) -> Mode {
        Mode::Lossless
    }

    fn pace(&self, _effort: Effort) -> f64 {
        1.0
    }

    fn refusal(&self, animation: &Animation<'_>) -> Option<String> {
        refusal(animation)
    }

    fn settings(&self, _: Setting) -> Map<String, Value> {
        Map::from_iter([
            ("lossless".into(), json!(true)),
            ("method".into(), json!(LOSSLESS.method)),
            ("effort".into(), json!(LOSSLESS.quality)),
        ])
    }

    fn encode(
        &self,
        animation: &Animation<'_>,
        _: Setting,
        embedded: &Embedded,
        below_bytes: u64,
        control: &Control,
    ) -> Result<Option<Vec<u8>>> {
        encode(animation, None, embedded, below_bytes, control)
    }
}

impl Animator for Mixed {
    fn identity(&self) -> (&'static str, &'static str) {
        IDENTITY
    }

    fn mode(&self) -> Mode {
        Mode::Lossy { min: Quality(1.0), max: Quality(100.0), step: 1.0 }
    }

    fn guess(&self, target: Score) -> Guess {
        // Halfway between photos and graphics.
        Guess { quality: Quality((target.0 * 1.6 - 50.0).clamp(5.0, 95.0) as f32), slope: 0.5 }
    }

    fn pace(&self, effort: Effort) -> f64 {
        if effort == Effort::Max { 0.8 } else { 0.5 }
    }

    fn refusal(&self, animation: &Animation<'_>) -> Option<String> {
        refusal(animation)
    }

    fn settings(&self, setting: Setting) -> Map<String, Value> {
        let settings = frame_settings(setting);
        Map::from_iter([
            ("mixed".into(), json!(true)),
            ("quality".into(), json!(settings.quality)),
            ("method".into(), json!(settings.method)),
            ("filter_sharpness".into(), json!(settings.filter_sharpness)),
            ("sharp_yuv".into(), json!(true)),
        ])
    }

    fn encode(
        &self,
        animation: &Animation<'_>,
        setting: Setting,
        embedded: &Embedded,
        below_bytes: u64,
        control: &Control,
    ) -> Result<Option<Vec<u8>>> {
        encode(animation, Some(frame_settings(setting)), embedded, below_bytes, control)
    }
}

/// As of stills; frames are many, and so a step quicker.
fn frame_settings(setting: Setting) -> Settings {
    let settings = lossy(setting);
    Settings { method: settings.method - 1, ..settings }
}

fn refusal(animation: &Animation<'_>) -> Option<String> {
    let timeline = animation.timeline;
    if timeline.delays.iter().any(|delay| milliseconds(*delay).is_none()) {
        Some("WebP counts whole milliseconds, and a frame of it is not shown for as many".into())
    } else if u16::try_from(timeline.plays).is_err() {
        Some(format!("WebP cannot say that it is played {} times", timeline.plays))
    } else if timeline.width.max(timeline.height) > MAX_SIDE {
        Some(format!("WebP has at most {MAX_SIDE} pixels a side"))
    } else {
        None
    }
}

/// In 24 bits.
fn milliseconds(delay: Delay) -> Option<u32> {
    delay.whole(A_SECOND).filter(|delay| *delay < 1 << 24)
}

/// Encodes; `None` if it would have `below_bytes` or more. Lossless without settings.
///
/// Memory: what libwebp takes for a frame (see `Codec::memory`), and some canvases.
fn encode(
    animation: &Animation<'_>,
    settings: Option<Settings>,
    embedded: &Embedded,
    below_bytes: u64,
    control: &Control,
) -> Result<Option<Vec<u8>>> {
    let timeline = animation.timeline;
    let mut player = animation.play()?;
    let mut work = Work {
        size: (timeline.width, timeline.height),
        canvas: Canvas::new(timeline.width, timeline.height),
        before: Vec::new(),
        settings,
        pause: 0,
        control,
    };
    let (mut frames, mut bytes) = (Vec::with_capacity(timeline.delays.len()), 0);
    for delay in &timeline.delays {
        let Some(rgba) = player.next()? else { break };
        let frame = work.frame(rgba.as_chunks().0)?;
        frames.push(frame.chunk(milliseconds(*delay).unwrap_or_default())?);
        bytes += frames.last().map_or(0, Vec::len) as u64;
        if bytes >= below_bytes {
            return Ok(None);
        }
    }
    // Its background is transparent, as browsers have it.
    let [low, high] = (timeline.plays as u16).to_le_bytes();
    let start = [0, 0, 0, 0, low, high];
    let mut chunks = vec![Chunk { kind: *b"ANIM", data: &start }];
    chunks.extend(frames.iter().map(|frame| Chunk { kind: *b"ANMF", data: frame }));
    let header = Header {
        format: Format::Webp,
        width: timeline.width,
        height: timeline.height,
        bits: 8,
        // Parts of frames are transparent, if nothing else is.
        alpha: true,
        animated: true,
        sequential: false,
    };
    let out = assemble(&header, &chunks, embedded);
    Ok(((out.len() as u64) < below_bytes).then_some(out))
}

/// A frame that was encoded.
struct Frame {
    /// What a viewer gets of it.
    patch: Patch,
    /// A WebP of its own.
    file: Vec<u8>,
}

impl Frame {
    /// As it lies in the animation.
    fn chunk(&self, milliseconds: u32) -> Result<Vec<u8>> {
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

struct Work<'a> {
    size: (u32, u32),
    /// What a viewer shows.
    canvas: Canvas,
    /// The frame before, as it should be.
    before: Vec<Pixel>,
    /// Of lossy frames.
    settings: Option<Settings>,
    /// Frames for which lossless is not tried.
    pause: u32,
    control: &'a Control,
}

impl Work<'_> {
    /// The smallest of what shows the frame, or nearly.
    fn frame(&mut self, target: &[Pixel]) -> Result<Frame> {
        self.control.check()?;
        let shown: &[Pixel] = self.canvas.rgba().as_chunks().0;
        let tolerance = self.settings.map_or(0, |settings| tolerance(settings.quality));
        let is_new: Vec<bool> = (0..target.len())
            .map(|at| {
                // What was near enough before is so again.
                let same = self.before.get(at) == Some(&target[at]) && self.settings.is_some();
                !same && !is_near(shown[at], target[at], tolerance)
            })
            .collect();
        let region = Region::of(self.size, &is_new);
        let lossy = match self.settings {
            Some(settings) => Some(self.lossy(target, region.clone().in_blocks(), settings)?),
            None => None,
        };
        let chosen = match lossy {
            Some(lossy) if self.pause > 0 => {
                self.pause -= 1;
                lossy
            }
            Some(lossy) => {
                let lossless = self.lossless(target, &region)?;
                let (bytes, other) = (lossless.file.len(), lossy.file.len());
                if bytes > other * HOPELESS {
                    self.pause = PAUSE;
                }
                if bytes as f64 <= other as f64 * LOSSLESS_IS_WORTH { lossless } else { lossy }
            }
            None => self.lossless(target, &region)?,
        };
        self.canvas.show(&chosen.patch);
        self.before = target.to_vec();
        Ok(chosen)
    }

    fn lossless(&self, target: &[Pixel], region: &Region) -> Result<Frame> {
        self.smaller(target, region, |pixels| match ffi::encode(pixels, &LOSSLESS, self.control)? {
            Encoded::Done(file) => Ok((file, None)),
            Encoded::HeaderTooLarge => Err(Error::codec("libwebp", "a lossless picture has no such header")),
        })
    }

    fn lossy(&self, target: &[Pixel], region: Region, settings: Settings) -> Result<Frame> {
        self.smaller(target, &region, |pixels| {
            let file = pressed_to_fit(&Subsampled::new(pixels)?, settings, self.control)?;
            let shown = ffi::decode(&file, pixels.width, pixels.height, true)?;
            Ok((file, Some(shown)))
        })
    }

    /// All of a region, or what is new in it, whichever is smaller. `encode` gives a file, and what it shows if that is not
    /// what it was given.
    fn smaller(
        &self,
        target: &[Pixel],
        region: &Region,
        encode: impl Fn(Pixels<'_>) -> Result<(Vec<u8>, Option<Vec<u8>>)>,
    ) -> Result<Frame> {
        let (place, across) = (region.place, self.size.0);
        let encoded = |rgba: Vec<u8>, blends: bool| {
            let rgb = without_alpha(&rgba);
            let samples = rgb.as_deref().unwrap_or(&rgba);
            let (width, height, has_alpha) = (place.width, place.height, rgb.is_none());
            let (file, shown) = encode(Pixels { samples, width, height, has_alpha })?;
            let rgba = shown.unwrap_or(rgba);
            Ok(Frame { patch: Patch { place, rgba, blends, disposal: Disposal::Keep }, file })
        };
        let all = encoded(region.all(target, across), false)?;
        match region.new_only(target, across) {
            None => Ok(all),
            Some(new) => {
                let new = encoded(new, true)?;
                Ok(if new.file.len() < all.file.len() { new } else { all })
            }
        }
    }
}

/// Red, green and blue, if all pixels are opaque.
fn without_alpha(rgba: &[u8]) -> Option<Vec<u8>> {
    let pixels = rgba.as_chunks::<4>().0;
    let opaque = pixels.iter().all(|pixel| pixel[3] == 255);
    opaque.then(|| pixels.iter().flat_map(|[r, g, b, _]| [*r, *g, *b]).collect())
}

/// Levels that a sample may be off and be left as it is shown.
fn tolerance(quality: f32) -> u8 {
    ((100.0 - quality) / 12.0).clamp(0.0, 8.0) as u8
}

fn is_near(shown: Pixel, target: Pixel, tolerance: u8) -> bool {
    shown == target
        || shown[3] == target[3]
            && shown.iter().zip(target).all(|(shown, target)| shown.abs_diff(target) <= tolerance)
}
