//! What the markers of a JPEG say, and whether it can be recoded in a stream.

use std::sync::Arc;

use super::huffman::Decoding;
use crate::Result;
use crate::codec::jpeg::container::{JFIF_BYTES, is_jfif};
use crate::codec::jpeg::frame::is_adobe;
use crate::codec::jpeg::marker::{SOS, Segment, Walk};
use crate::codec::jpeg::zigzag::COEFFICIENTS;

const DQT: u8 = 0xDB;
const DHT: u8 = 0xC4;
const DRI: u8 = 0xDD;
/// Frames of sequential Huffman coding: baseline and extended (T.81 table B.1).
const SEQUENTIAL: [u8; 2] = [0xC0, 0xC1];
/// Side of a block, in samples.
pub(super) const SIDE: u32 = 8;

/// A picture of one sequential scan, in gray or YCbCr.
pub(super) struct Picture<'a> {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// One or three.
    pub components: Vec<Component>,
    /// Width and height of an MCU, in pixels: 8 or 16.
    pub mcu: (u32, u32),
    /// How many MCUs there are across and down.
    pub mcus: (u32, u32),
    /// MCUs between restart markers; 0 without.
    pub restart_interval: u32,
    /// Payload of the JFIF marker, without its thumbnail, if there is one.
    pub jfif: Option<&'a [u8]>,
    /// Bytes of the file without what belongs to applications.
    pub bare_length: u64,
    /// The entropy-coded data.
    pub data: &'a [u8],
    /// Whether the end marker is there.
    pub is_ended: bool,
}

/// A component, and how it is coded.
pub(super) struct Component {
    /// Blocks across and down in an MCU.
    pub blocks: (u32, u32),
    /// The quantization steps, in zigzag order.
    pub steps: [u16; COEFFICIENTS],
    /// Codes of the means.
    pub dc: Arc<Decoding>,
    /// Codes of the waves.
    pub ac: Arc<Decoding>,
}

impl<'a> Picture<'a> {
    /// Reads the markers; `None` for whatever is not this kind of picture, or is unusual in any way: that is the business of
    /// libjpeg, which knows what to forgive.
    ///
    /// # Errors
    /// `Malformed` if the markers cannot be walked.
    ///
    /// Cost: one pass over the bytes, some gigabytes a second.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Option<Self>> {
        let mut reader = Reader { bare_length: 4, ..Reader::default() };
        let mut walk = Walk::new(bytes)?;
        for segment in walk.by_ref() {
            if reader.take(&segment?).is_none() {
                return Ok(None);
            }
        }
        let is_ended = walk.end().is_some();
        Ok(reader.finish().map(|picture| Self { is_ended, ..picture }))
    }
}

#[derive(Default)]
struct Reader<'a> {
    frame: Option<Frame>,
    quantization: [Option<[u16; COEFFICIENTS]>; 4],
    dc: [Option<Arc<Decoding>>; 4],
    ac: [Option<Arc<Decoding>>; 4],
    restart_interval: u32,
    jfif: Option<&'a [u8]>,
    bare_length: u64,
    /// Tables of each component, and the data.
    scan: Option<(Vec<Component>, &'a [u8])>,
}

struct Frame {
    width: u32,
    height: u32,
    components: Vec<Coded>,
}

/// A component as the frame header has it.
struct Coded {
    id: u8,
    factors: (u32, u32),
    quantization: usize,
}

impl<'a> Reader<'a> {
    /// `None` for what is unusual.
    fn take(&mut self, segment: &Segment<'a>) -> Option<()> {
        let payload = segment.payload;
        if segment.is_application() {
            if is_jfif(segment) {
                self.jfif.get_or_insert(&payload[..JFIF_BYTES]);
            }
            // Transform 1 is YCbCr; gray has none.
            return (!is_adobe(segment) || payload[11] == 1).then_some(());
        }
        self.bare_length += segment.whole.len() as u64;
        // Nothing but the end is expected behind the only scan.
        if self.scan.is_some() {
            return None;
        }
        match segment.code {
            DQT => self.quantization(payload),
            DHT => self.codes(payload),
            DRI => {
                self.restart_interval = u16::from_be_bytes(payload.try_into().ok()?).into();
                Some(())
            }
            SOS => self.scan(segment),
            code if SEQUENTIAL.contains(&code) && self.frame.is_none() => self.frame(payload),
            _ => None,
        }
    }

    /// Of 8 bits: a baseline file has no others.
    fn quantization(&mut self, mut payload: &'a [u8]) -> Option<()> {
        while let Some((head, rest)) = payload.split_first() {
            let (steps, rest) = rest.split_first_chunk::<COEFFICIENTS>()?;
            if steps.contains(&0) {
                return None;
            }
            *self.quantization.get_mut(usize::from(*head))? = Some(steps.map(u16::from));
            payload = rest;
        }
        Some(())
    }

    fn codes(&mut self, mut payload: &'a [u8]) -> Option<()> {
        while let Some((head, rest)) = payload.split_first() {
            let (counts, rest) = rest.split_first_chunk::<16>()?;
            let count = counts.iter().copied().map(usize::from).sum();
            let (symbols, rest) = rest.split_at_checked(count)?;
            let tables = if head >> 4 == 0 { &mut self.dc } else { &mut self.ac };
            let table = tables.get_mut(usize::from(head & 15)).filter(|_| head >> 4 < 2)?;
            *table = Some(Arc::new(Decoding::new(counts, symbols)?));
            payload = rest;
        }
        Some(())
    }

    fn frame(&mut self, payload: &[u8]) -> Option<()> {
        let ([precision, h1, h0, w1, w0, count], rest) = payload.split_first_chunk::<6>()?;
        let coded = |three: &[u8]| Coded {
            id: three[0],
            factors: (u32::from(three[1] >> 4), u32::from(three[1] & 15)),
            quantization: three[2].into(),
        };
        let components: Vec<Coded> = rest.chunks_exact(3).map(coded).collect();
        let ids: Vec<u8> = components.iter().map(|component| component.id).collect();
        let is_known = matches!(ids.len(), 1 | 3) && ids != *b"RGB" && rest.len() == 3 * ids.len();
        let (width, height) = (u16::from_be_bytes([*w1, *w0]), u16::from_be_bytes([*h1, *h0]));
        if *precision != 8 || usize::from(*count) != ids.len() || !is_known || width == 0 || height == 0 {
            return None;
        }
        self.frame = Some(Frame { width: width.into(), height: height.into(), components });
        Some(())
    }

    fn scan(&mut self, segment: &Segment<'a>) -> Option<()> {
        let frame = self.frame.as_ref()?;
        let (count, rest) = segment.payload.split_first()?;
        let (selectors, rest) = rest.split_at_checked(2 * usize::from(*count))?;
        if usize::from(*count) != frame.components.len() || rest != [0, 63, 0] {
            return None;
        }
        let component = |(coded, selector): (&Coded, &[u8])| {
            let table =
                |tables: &[Option<Arc<Decoding>>; 4], number: u8| tables.get(usize::from(number))?.clone();
            // A single component is not interleaved: its MCU is one block, whatever its factors are (T.81 A.2.2).
            let blocks = if *count == 1 { (1, 1) } else { coded.factors };
            (coded.id == selector[0]).then_some(())?;
            Some(Component {
                blocks,
                steps: (*self.quantization.get(coded.quantization)?)?,
                dc: table(&self.dc, selector[1] >> 4)?,
                ac: table(&self.ac, selector[1] & 15)?,
            })
        };
        let components = frame.components.iter().zip(selectors.chunks_exact(2)).map(component);
        let components = components.collect::<Option<Vec<_>>>()?;
        let [luma, chroma @ ..] = &components[..] else { return None };
        let is_sampled_as_usual = (1..=2).contains(&luma.blocks.0)
            && (1..=2).contains(&luma.blocks.1)
            && chroma.iter().all(|component| component.blocks == (1, 1));
        let data = segment.whole.get(4 + segment.payload.len()..)?;
        self.scan = Some((components, data));
        is_sampled_as_usual.then_some(())
    }

    fn finish(self) -> Option<Picture<'a>> {
        let Frame { width, height, .. } = self.frame?;
        let (components, data) = self.scan?;
        let (across, down) = components[0].blocks;
        let mcu = (SIDE * across, SIDE * down);
        Some(Picture {
            width,
            height,
            components,
            mcu,
            mcus: (width.div_ceil(mcu.0), height.div_ceil(mcu.1)),
            restart_interval: self.restart_interval,
            jfif: self.jfif,
            bare_length: self.bare_length,
            data,
            is_ended: true,
        })
    }
}
