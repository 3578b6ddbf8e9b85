//! The frames of an APNG (W3C PNG, third edition, sections 11.3.2.7 and 11.3.4).

use super::container::{Chunk, Chunks, SIGNATURE, malformed, read_header, write_chunk};
use super::decode;
use crate::codec::animation::{Delay, Disposal, Patch, Patches, Rect, Timeline, check_frames};
use crate::image::{Image, Layout};
use crate::reduce::reduce;
use crate::{Control, Error, Limits, Result};

/// A frame: its control chunk, and the chunks that its pixels are in.
struct Listed<'a> {
    place: Rect,
    delay: Delay,
    disposal: Disposal,
    blends: bool,
    /// Compressed, without sequence numbers.
    pixels: Vec<&'a [u8]>,
}

/// An APNG, looked through.
struct Apng<'a> {
    header: &'a [u8],
    /// `PLTE` and `tRNS`, which hold for every frame.
    palette: Vec<Chunk<'a>>,
    frames: Vec<Listed<'a>>,
    plays: u32,
}

/// Reads when what is shown.
pub(super) fn timeline(bytes: &[u8], limits: &Limits) -> Result<Timeline> {
    let header = read_header(bytes)?;
    let apng = open(bytes, limits)?;
    let timeline = Timeline {
        width: header.width,
        height: header.height,
        delays: apng.frames.iter().map(|frame| frame.delay).collect(),
        plays: apng.plays,
    };
    timeline.check(limits)?;
    if apng.frames.iter().any(|frame| !frame.place.fits(header.width, header.height)) {
        return Err(malformed("a frame reaches beyond the canvas"));
    }
    Ok(timeline)
}

/// Looks at every chunk; no pixel is decompressed.
fn open<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Apng<'a>> {
    let mut apng = Apng { header: &[], palette: Vec::new(), frames: Vec::new(), plays: 0 };
    let (mut promised, mut numbers) = (None, 0..);
    for chunk in Chunks::new(bytes)? {
        let chunk = chunk?;
        let matters = matches!(&chunk.kind, [b'A'..=b'Z', ..] | b"tRNS" | b"acTL" | b"fcTL" | b"fdAT");
        if matters && !chunk.is_intact() {
            return Err(malformed(format!("the checksum of {} is wrong", chunk.kind.escape_ascii())));
        }
        match &chunk.kind {
            b"IHDR" => apng.header = chunk.data,
            b"PLTE" | b"tRNS" => apng.palette.push(chunk),
            b"acTL" => {
                let (frames, plays) = pair(chunk.data)?;
                promised = Some(frames);
                apng.plays = plays;
            }
            b"fcTL" => {
                in_order(chunk.data, numbers.next())?;
                apng.frames.push(listed(chunk.data)?);
                check_frames(apng.frames.len(), limits)?;
            }
            // Before the first control chunk it is what readers show that know no animations.
            b"IDAT" => apng.frames.iter_mut().for_each(|frame| frame.pixels.push(chunk.data)),
            b"fdAT" => {
                in_order(chunk.data, numbers.next())?;
                let frame = apng.frames.last_mut().ok_or_else(|| malformed("pixels stand before a frame"))?;
                frame.pixels.push(&chunk.data[4..]);
            }
            _ => {}
        }
    }
    let are_whole = apng.frames.iter().all(|frame| !frame.pixels.is_empty());
    if apng.frames.is_empty() || !are_whole || promised != u32::try_from(apng.frames.len()).ok() {
        return Err(malformed("it has not as many frames as it says"));
    }
    Ok(apng)
}

fn pair(data: &[u8]) -> Result<(u32, u32)> {
    let short = || malformed("a chunk of its animation is too short");
    let (first, rest) = data.split_first_chunk().ok_or_else(short)?;
    Ok((u32::from_be_bytes(*first), u32::from_be_bytes(*rest.first_chunk().ok_or_else(short)?)))
}

fn in_order(data: &[u8], number: Option<u32>) -> Result<()> {
    let found = data.first_chunk().map(|number| u32::from_be_bytes(*number));
    if found.is_some() && found == number {
        Ok(())
    } else {
        Err(malformed("the chunks of its animation are out of order"))
    }
}

fn listed<'a>(data: &[u8]) -> Result<Listed<'a>> {
    let data: &[u8; 26] = data.try_into().map_err(|_| malformed("a frame's control chunk is cut off"))?;
    let number = |at: usize| u32::from_be_bytes([data[at], data[at + 1], data[at + 2], data[at + 3]]);
    let (numerator, denominator) =
        (u16::from_be_bytes([data[20], data[21]]), u16::from_be_bytes([data[22], data[23]]));
    Ok(Listed {
        place: Rect { width: number(4), height: number(8), x: number(12), y: number(16) },
        // Of 0 parts it is hundredths.
        delay: Delay::new(numerator.into(), if denominator == 0 { 100 } else { denominator.into() }),
        disposal: match data[24] {
            0 => Disposal::Keep,
            1 => Disposal::Clear,
            2 => Disposal::Restore,
            _ => return Err(malformed("a frame goes away in an unknown way")),
        },
        blends: match data[25] {
            0 => false,
            1 => true,
            _ => return Err(malformed("a frame is laid over others in an unknown way")),
        },
        pixels: Vec::new(),
    })
}

/// Frames, each decoded as a still PNG.
pub(super) struct PngPatches<'a> {
    header: &'a [u8],
    palette: Vec<Chunk<'a>>,
    frames: std::vec::IntoIter<Listed<'a>>,
    limits: Limits,
}

impl<'a> PngPatches<'a> {
    pub(super) fn new(bytes: &'a [u8], limits: &Limits) -> Result<Self> {
        let Apng { header, palette, frames, .. } = open(bytes, limits)?;
        Ok(Self { header, palette, frames: frames.into_iter(), limits: *limits })
    }

    fn file(&self, frame: &Listed<'_>) -> Vec<u8> {
        let mut file = SIGNATURE.to_vec();
        let sides = [frame.place.width, frame.place.height].map(u32::to_be_bytes).concat();
        write_chunk(&mut file, *b"IHDR", &[&sides, &self.header[8..]].concat());
        self.palette.iter().for_each(|chunk| file.extend_from_slice(chunk.whole));
        write_chunk(&mut file, *b"IDAT", &frame.pixels.concat());
        write_chunk(&mut file, *b"IEND", &[]);
        file
    }
}

impl Patches for PngPatches<'_> {
    fn next(&mut self) -> Result<Option<Patch>> {
        let Some(frame) = self.frames.next() else { return Ok(None) };
        let decoded = decode::decode(&self.file(&frame), &self.limits, &Control::new())?;
        let rgba = to_rgba(&reduce(decoded.image))?;
        Ok(Some(Patch { place: frame.place, rgba, blends: frame.blends, disposal: frame.disposal }))
    }
}

fn to_rgba(image: &Image) -> Result<Vec<u8>> {
    let deep = || Error::Unsupported("an APNG of 16 bits a sample is not taken apart".into());
    let samples = image.samples_u8().ok_or_else(deep)?;
    let pixels = samples.chunks_exact(image.layout.channels());
    Ok(match image.layout {
        Layout::Gray => pixels.flat_map(|p| [p[0], p[0], p[0], 255]).collect(),
        Layout::GrayAlpha => pixels.flat_map(|p| [p[0], p[0], p[0], p[1]]).collect(),
        Layout::Rgb => pixels.flat_map(|p| [p[0], p[1], p[2], 255]).collect(),
        Layout::Rgba => samples.to_vec(),
    })
}
