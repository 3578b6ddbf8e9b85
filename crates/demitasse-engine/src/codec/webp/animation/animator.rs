//! Frames to an animated WebP.

use serde_json::{Map, Value, json};

use super::super::container::{Chunk, assemble};
use super::super::encode::{IDENTITY, LOSSLESS, MAX_SIDE, lossy};
use super::super::ffi::Settings;
use super::A_SECOND;
use super::frames::Work;
use crate::codec::animation::{Animation, Delay};
use crate::codec::{Animator, FramesSetting, Header, IsGood, Mode, Setting};
use crate::metadata::Embedded;
use crate::search::Guess;
use crate::{Control, Effort, Format, Quality, Result, Score};

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
        _: FramesSetting<'_>,
        embedded: &Embedded,
        below_bytes: u64,
        control: &Control,
    ) -> Result<Option<Vec<u8>>> {
        encode(animation, (None, None), embedded, below_bytes, control)
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
        FramesSetting { setting, is_good }: FramesSetting<'_>,
        embedded: &Embedded,
        below_bytes: u64,
        control: &Control,
    ) -> Result<Option<Vec<u8>>> {
        encode(animation, (Some(frame_settings(setting)), is_good), embedded, below_bytes, control)
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
    (settings, is_good): (Option<Settings>, Option<IsGood<'_>>),
    embedded: &Embedded,
    below_bytes: u64,
    control: &Control,
) -> Result<Option<Vec<u8>>> {
    let timeline = animation.timeline;
    let mut player = animation.play()?;
    let size = (timeline.width, timeline.height);
    let mut work = Work::new(size, settings, is_good, control);
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
