//! Recodes a baseline JPEG in a stream: its coefficients are read, put into coarser steps and written again, block by block.
//!
//! Neither pixels nor coefficients are held, and none is transformed: what a picture loses is what coarser steps take, and a step
//! that is fine enough already loses nothing. Safe code of our own from the first bit to the last; libjpeg has the last look.
//!
//! - `picture`: the markers, and whether it can be done.
//! - `scan`, `bits`, `huffman`: the walk over the blocks, and codes both ways.
//! - `steps`: coarser ones.
//! - `emit`, `write`: symbols and markers of the new file.
//! - `regions`: whether the new picture is the old one.

mod bits;
mod emit;
mod huffman;
mod picture;
mod regions;
mod scan;
mod steps;
#[cfg(test)]
mod tests;
mod write;

use serde_json::{Map, Value, json};

use self::emit::{Emitter, Histogram, Writer};
use self::picture::Picture;
use self::regions::Regions;
use self::scan::{Fault, walk};
use self::steps::Steps;
use crate::codec::jpeg::encode::{self, Jpegli};
use crate::codec::jpeg::marker::{EOI, malformed};
use crate::codec::jpeg::zigzag::{COEFFICIENTS, ZIGZAG};
use crate::codec::jpeg::{jpegli, mozjpeg};
use crate::codec::{Encoder, Recoder, Tiles};
use crate::metadata::Embedded;
use crate::{Control, Error, Quality, Result};

/// A file that can be recoded, and a sample of it.
pub(super) struct Recode<'a> {
    picture: Picture<'a>,
    /// Tiles of it side by side, in its own steps: a file too.
    sample: Vec<u8>,
}

impl<'a> Recode<'a> {
    /// Walks over the picture once and takes the sample; `None` if it is not of one baseline scan in gray or YCbCr, or unusual in
    /// any way.
    ///
    /// # Errors
    /// `Malformed` if the markers cannot be walked, or libjpeg finds the data damaged; `DeadlineExceeded`, `Cancelled`.
    ///
    /// Cost: 200 to 600 megapixels a second; memory for the sample's file.
    pub(super) fn open(bytes: &'a [u8], tiles: &Tiles, control: &Control) -> Result<Option<Self>> {
        let Some(picture) = Picture::read(bytes)? else { return Ok(None) };
        let columns = wanted(&tiles.lefts, tiles.side, picture.mcu.0, picture.mcus.0);
        let rows = wanted(&tiles.tops, tiles.side, picture.mcu.1, picture.mcus.1);
        let size = (tiles.lefts.len() as u32 * tiles.side, tiles.tops.len() as u32 * tiles.side);
        let steps = Steps::of(&picture);
        let codes = Histogram::of_all().codes();
        let head = write::head(&picture, size, &steps, &codes, &Embedded::default())?;
        let writer = Writer::new(&codes, head, u64::MAX);
        let mut emitter = Emitter::new(writer, &steps).only(&columns, &rows);
        match walk(&picture, &mut emitter, control) {
            Ok(()) => {
                let sample = ended(emitter.finish().0);
                Ok(picture.is_ended.then_some(Self { picture, sample }))
            }
            Err(Fault::Stopped(error)) => Err(error),
            // libjpeg says what is damaged, and what is odd and can be had all the same.
            Err(Fault::Unusual(_) | Fault::TooLarge) => {
                mozjpeg::eighths(bytes, control, &mut |_| {}).map(|_| None)
            }
        }
    }

    /// jpegli's tables for this quality, where the picture's own are not coarser.
    fn steps(&self, quality: Quality) -> Result<Steps> {
        let is_halved = self.picture.components[0].blocks == (2, 2);
        let distance = encode::distance_of_sampling(quality, is_halved);
        let natural = jpegli::tables(self.picture.components.len() as u8, is_halved, distance)?;
        let zigzag = |table: [u16; COEFFICIENTS]| ZIGZAG.map(|place| table[place]);
        let wanted: Vec<_> = natural.into_iter().map(zigzag).collect();
        Ok(Steps::no_finer_than(&self.picture, &wanted))
    }

    /// The sample's histogram is the picture's, near enough: its codes are shared by both.
    fn histogram(&self, steps: &Steps, control: &Control) -> Result<Histogram> {
        let mut emitter = Emitter::new(Histogram::of_all(), steps);
        walk(&self.read_sample()?, &mut emitter, control).map_err(ours)?;
        Ok(emitter.finish().0)
    }

    fn read_sample(&self) -> Result<Picture<'_>> {
        Picture::read(&self.sample)?.ok_or_else(|| Error::codec(NAME, "its own sample cannot be read"))
    }
}

/// Name of the encoder.
const NAME: &str = "requantize";

impl Recoder for Recode<'_> {
    fn identity(&self) -> (&'static str, &'static str) {
        (NAME, env!("CARGO_PKG_VERSION"))
    }

    fn encoder(&self) -> &'static dyn Encoder {
        &Jpegli
    }

    fn settings(&self, quality: Quality) -> Map<String, Value> {
        let blocks = self.picture.components[0].blocks;
        let is_halved = blocks == (2, 2);
        let mut map = Map::new();
        map.insert("quality".into(), json!(quality));
        map.insert("distance".into(), json!(encode::distance_of_sampling(quality, is_halved)));
        if self.picture.components.len() == 3 {
            let sampling = ["4:4:4", "4:4:0", "4:2:2", "4:2:0"];
            map.insert("sampling".into(), sampling[(blocks.0 * 2 + blocks.1 - 3) as usize].into());
        }
        map.insert("scans".into(), "sequential".into());
        map.insert("huffman".into(), "of the sample".into());
        map
    }

    fn sample(&self) -> &[u8] {
        &self.sample
    }

    fn recode_sample(&self, quality: Quality, control: &Control) -> Result<Vec<u8>> {
        let steps = self.steps(quality)?;
        let codes = self.histogram(&steps, control)?.codes();
        let picture = self.read_sample()?;
        let head =
            write::head(&picture, (picture.width, picture.height), &steps, &codes, &Embedded::default())?;
        let mut emitter = Emitter::new(Writer::new(&codes, head, u64::MAX), &steps);
        walk(&picture, &mut emitter, control).map_err(ours)?;
        Ok(ended(emitter.finish().0))
    }

    fn has_full_chroma(&self) -> bool {
        self.picture.components.len() == 3 && self.picture.components[0].blocks == (1, 1)
    }

    fn bare_length(&self) -> u64 {
        self.picture.bare_length
    }

    fn recode(
        &self,
        quality: Quality,
        embedded: &Embedded,
        max_bytes: u64,
        control: &Control,
    ) -> Result<Option<Vec<u8>>> {
        let picture = &self.picture;
        let steps = self.steps(quality)?;
        let codes = self.histogram(&steps, control)?.codes();
        let head = write::head(picture, (picture.width, picture.height), &steps, &codes, embedded)?;
        let mut emitter = Emitter::new(Writer::new(&codes, head, max_bytes), &steps).noting_regions(picture);
        match walk(picture, &mut emitter, control) {
            Ok(()) => {}
            Err(Fault::TooLarge) => return Ok(None),
            Err(fault) => return Err(ours(fault)),
        }
        let (writer, regions) = emitter.finish();
        let bytes = ended(writer);
        if let Some(regions) = regions {
            look(&bytes, &regions, picture, control)?;
        }
        Ok((bytes.len() as u64 <= max_bytes).then_some(bytes))
    }
}

/// Which columns, or rows, of MCUs a sample takes.
fn wanted(starts: &[u32], side: u32, mcu: u32, mcus: u32) -> Vec<bool> {
    let is_in = |at: u32| starts.iter().any(|start| (*start..start + side).contains(&at));
    (0..mcus).map(|index| is_in(index * mcu)).collect()
}

fn ended(writer: Writer<'_>) -> Vec<u8> {
    let mut file = writer.finish();
    file.extend([0xFF, EOI]);
    file
}

/// What was read once without a fault has none.
fn ours(fault: Fault) -> Error {
    match fault {
        Fault::Stopped(error) => error,
        Fault::Unusual(detail) => malformed(detail),
        Fault::TooLarge => Error::codec(NAME, "it made too many bytes"),
    }
}

/// Has libjpeg decode the whole file, at an eighth of its size, and compares the mean colours.
///
/// # Errors
/// `Codec` if it is damaged or another picture.
fn look(bytes: &[u8], expected: &Regions, picture: &Picture<'_>, control: &Control) -> Result<()> {
    let mut regions = Regions::new(picture.width, picture.height);
    let components = picture.components.len();
    let mut row = 0;
    let size = mozjpeg::eighths(bytes, control, &mut |samples| {
        regions.add_row(row, samples, components);
        row += 1;
    });
    let broken = |why: &str| Error::codec(NAME, format_args!("the result is not the input's picture: {why}"));
    match size {
        Err(error @ (Error::DeadlineExceeded | Error::Cancelled)) => return Err(error),
        Err(error) => return Err(broken(&error.to_string())),
        Ok(size) if size != (picture.width, picture.height, components) => {
            return Err(broken("another size"));
        }
        Ok(_) => {}
    }
    match expected.difference(&regions) {
        Some(why) => Err(broken(&why)),
        None => Ok(()),
    }
}
