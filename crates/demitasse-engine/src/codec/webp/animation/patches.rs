//! The frames of an animated WebP, read.

use super::super::container::{Chunk, Riff, frame_file, malformed, read_header};
use super::super::ffi;
use super::A_SECOND;
use crate::codec::animation::{Delay, Disposal, Patch, Patches, Rect, Timeline, check_frames};
use crate::{Limits, Result};

/// A frame, as the container has it.
struct Listed<'a> {
    place: Rect,
    delay: Delay,
    disposal: Disposal,
    blends: bool,
    /// Chunks.
    image: &'a [u8],
}

/// Reads when what is shown.
pub(in crate::codec::webp) fn timeline(bytes: &[u8], limits: &Limits) -> Result<Timeline> {
    let header = read_header(bytes)?;
    let (frames, plays) = list(bytes, limits.max_frames)?;
    check_frames(frames.len(), limits)?;
    let delays = frames.iter().map(|frame| frame.delay).collect();
    let timeline = Timeline { width: header.width, height: header.height, delays, plays };
    timeline.check(limits)?;
    if !frames.iter().all(|frame| frame.place.fits(header.width, header.height)) {
        return Err(malformed("a frame reaches beyond the canvas"));
    }
    Ok(timeline)
}

/// All frames, or one more than `most`; and how often they are played.
fn list(bytes: &[u8], most: u32) -> Result<(Vec<Listed<'_>>, u32)> {
    let (mut frames, mut plays) = (Vec::new(), None);
    for chunk in Riff::open(bytes, false)? {
        let chunk = chunk?;
        match (&chunk.kind, chunk.data) {
            (b"ANIM", &[_, _, _, _, low, high, ..]) => {
                plays = plays.or(Some(u32::from(u16::from_le_bytes([low, high]))));
            }
            (b"ANMF", data) => {
                frames.push(listed(data)?);
                if frames.len() > most as usize {
                    break;
                }
            }
            _ => {}
        }
    }
    match plays {
        Some(plays) if !frames.is_empty() => Ok((frames, plays)),
        _ => Err(malformed("it has no frames, or does not say how often to play them")),
    }
}

fn listed(data: &[u8]) -> Result<Listed<'_>> {
    let (head, image) = data.split_first_chunk::<16>().ok_or_else(|| malformed("a frame is cut off"))?;
    let number = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], 0]);
    let [x, y, width, height] = [number(0) * 2, number(3) * 2, number(6) + 1, number(9) + 1];
    Ok(Listed {
        place: Rect { x, y, width, height },
        delay: Delay::new(number(12), A_SECOND),
        disposal: if head[15] & 1 == 1 { Disposal::Clear } else { Disposal::Keep },
        blends: head[15] & 2 == 0,
        image,
    })
}

/// Frames, each decoded as a still WebP.
pub(in crate::codec::webp) struct WebpPatches<'a> {
    frames: std::vec::IntoIter<Listed<'a>>,
}

impl<'a> WebpPatches<'a> {
    pub(in crate::codec::webp) fn new(bytes: &'a [u8]) -> Result<Self> {
        Ok(Self { frames: list(bytes, u32::MAX)?.0.into_iter() })
    }
}

impl Patches for WebpPatches<'_> {
    fn next(&mut self) -> Result<Option<Patch>> {
        let Some(Listed { place, disposal, blends, image, .. }) = self.frames.next() else {
            return Ok(None);
        };
        let chunks: Vec<Chunk<'_>> = Riff::within(image).collect::<Result<_>>()?;
        let Rect { width, height, .. } = place;
        let rgba = ffi::decode(&frame_file(&chunks, width, height)?, width, height, true)?;
        Ok(Some(Patch { place, rgba, blends, disposal }))
    }
}
