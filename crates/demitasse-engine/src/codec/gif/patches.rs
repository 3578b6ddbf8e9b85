//! The frames of an animated GIF.

use std::num::NonZeroU64;

use gif::{ColorOutput, DecodeOptions, Decoder, MemoryLimit};

use super::container::{Block, BlockKind, Blocks, GRAPHIC_CONTROL, malformed};
use super::decode::read_indexes;
use crate::codec::animation::{Delay, Disposal, Patch, Patches, Rect, Timeline, check_frames};
use crate::{Error, Limits, Result};

/// Parts of a second in which delays are counted (GIF89a, section 23).
pub(super) const A_SECOND: u32 = 100;

/// What stands before a frame.
#[derive(Debug, Clone, Copy)]
struct GraphicControl {
    disposal: Disposal,
    transparent: Option<u8>,
    hundredths: u16,
}

const NOTHING_SAID: GraphicControl =
    GraphicControl { disposal: Disposal::Keep, transparent: None, hundredths: 0 };

/// A frame, as the container has it.
#[derive(Debug, Clone, Copy)]
struct Listed {
    control: GraphicControl,
    place: Rect,
}

/// Reads when what is shown.
pub(super) fn timeline(bytes: &[u8], limits: &Limits) -> Result<Timeline> {
    let mut plays = None;
    let mut blocks = Blocks::new(bytes)?;
    let [width, height] = blocks.canvas.map(u32::from);
    let frames = list(&mut blocks, limits.max_frames, |block| plays = plays.or_else(|| read_plays(block)))?;
    check_frames(frames.len(), limits)?;
    if frames.is_empty() {
        return Err(malformed("there is no frame in it"));
    }
    let delay = |frame: &Listed| Delay::new(frame.control.hundredths.into(), A_SECOND);
    let timeline =
        Timeline { width, height, delays: frames.iter().map(delay).collect(), plays: plays.unwrap_or(1) };
    timeline.check(limits)?;
    if frames.iter().any(|frame| !frame.place.fits(width, height)) {
        // Some cut it, some make the canvas larger.
        return Err(Error::Unsupported("a frame of this GIF reaches beyond its canvas".into()));
    }
    Ok(timeline)
}

/// All frames, or one more than `most`.
fn list(blocks: &mut Blocks<'_>, most: u32, mut other: impl FnMut(&Block<'_>)) -> Result<Vec<Listed>> {
    let mut frames = Vec::new();
    let mut control = NOTHING_SAID;
    for block in blocks {
        let block = block?;
        match block.kind {
            BlockKind::Extension(GRAPHIC_CONTROL) => control = read_control(block.data),
            BlockKind::Frame(sides) => {
                let [x, y, width, height] = sides.map(u32::from);
                let place = Rect { x, y, width, height };
                frames.push(Listed { control: std::mem::replace(&mut control, NOTHING_SAID), place });
                if frames.len() > most as usize {
                    break;
                }
            }
            _ => other(&block),
        }
    }
    Ok(frames)
}

/// A control block that is too short says nothing.
fn read_control(data: &[u8]) -> GraphicControl {
    let [4, packed, low, high, transparent, ..] = *data else { return NOTHING_SAID };
    GraphicControl {
        disposal: match packed >> 2 & 7 {
            2 => Disposal::Clear,
            // 4 is what an early writer took for 3; browsers take it so too.
            3 | 4 => Disposal::Restore,
            _ => Disposal::Keep,
        },
        transparent: (packed & 1 == 1).then_some(transparent),
        hundredths: u16::from_le_bytes([low, high]),
    }
}

/// How often to play: the extension counts repetitions, and without it there is none. 0 is for ever. Browsers take it so.
fn read_plays(block: &Block<'_>) -> Option<u32> {
    match block.loops()? {
        0 => Some(0),
        repetitions => Some(u32::from(repetitions) + 1),
    }
}

/// Frames, decoded by the crate `gif`: indexes only. What they mean is read here.
pub(super) struct GifPatches<'a> {
    decoder: Decoder<&'a [u8]>,
    frames: std::vec::IntoIter<Listed>,
}

impl<'a> GifPatches<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self> {
        let mut blocks = Blocks::new(bytes)?;
        let canvas = u64::from(blocks.canvas[0]) * u64::from(blocks.canvas[1]);
        let frames = list(&mut blocks, u32::MAX, |_| {})?;
        let mut options = DecodeOptions::new();
        options.set_color_output(ColorOutput::Indexed);
        // No frame is larger than the canvas; extensions are read into memory too, and a palette.
        let memory = canvas + bytes.len() as u64 + 1024;
        options.set_memory_limit(MemoryLimit::Bytes(NonZeroU64::MIN.saturating_add(memory)));
        let decoder = options.read_info(bytes).map_err(malformed)?;
        Ok(Self { decoder, frames: frames.into_iter() })
    }
}

impl Patches for GifPatches<'_> {
    fn next(&mut self) -> Result<Option<Patch>> {
        let Some(Listed { control, place }) = self.frames.next() else { return Ok(None) };
        self.decoder.next_frame_info().map_err(malformed)?.ok_or_else(|| malformed("a frame is missing"))?;
        let indexes = read_indexes(&mut self.decoder)?;
        let palette = self.decoder.palette().map_err(malformed)?;
        // An index beyond the palette is black, as browsers take it.
        let mut colors = [[0, 0, 0, 255]; 256];
        for (color, rgb) in colors.iter_mut().zip(palette.as_chunks::<3>().0) {
            color[..3].copy_from_slice(rgb);
        }
        if let Some(transparent) = control.transparent {
            colors[usize::from(transparent)] = [0; 4];
        }
        let rgba = indexes.iter().flat_map(|index| colors[usize::from(*index)]).collect();
        Ok(Some(Patch { place, rgba, blends: true, disposal: control.disposal }))
    }
}
