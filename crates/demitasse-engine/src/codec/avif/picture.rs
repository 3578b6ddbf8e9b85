//! What is shown: the primary item, its alpha, and what their properties say (AV1 Image File Format 1.1; MIAF,
//! ISO/IEC 23000-22).

use super::boxes::{BmffBox, Boxes, Fields, malformed, unsupported};
use super::items::{Item, Items};
use crate::codec::Header;
use crate::metadata::Orientation;
use crate::{Format, Result};

/// What marks alpha: of MIAF, and the older one of HEVC that early writers used.
const ALPHA_TYPES: [&[u8]; 2] =
    [b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", b"urn:mpeg:hevc:2015:auxid:1"];

/// Properties that are understood, or change nothing where they are not.
const KNOWN: [&[u8; 4]; 13] = [
    b"ispe", b"pixi", b"av1C", b"colr", b"auxC", b"irot", b"imir", b"pasp", b"clli", b"mdcv", b"cclv",
    b"amve", b"a1lx",
];

/// Coded pixels: one AV1 image, or a grid of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Coded {
    /// The item itself.
    pub id: u32,
    /// Size of the whole, in pixels.
    pub width: u32,
    pub height: u32,
    /// The AV1 images, row by row; the item itself if it is one.
    pub tiles: Vec<u32>,
    /// Tiles in a row.
    pub columns: u32,
    /// Size of each tile.
    pub tile_width: u32,
    pub tile_height: u32,
    /// What `av1C` says of the tiles.
    pub config: Config,
}

/// What `av1C` says (AV1 Codec ISO Media File Format Binding, section 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Config {
    /// 8, 10 or 12.
    pub bits: u8,
    /// Whether there is one plane.
    pub is_gray: bool,
}

/// Colours by number (ITU-T H.273).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Nclx {
    pub primaries: u16,
    pub transfer: u16,
    pub matrix: u16,
    pub full_range: bool,
}

impl Nclx {
    /// Whether the numbers mean sRGB, as viewers take them: primaries of BT.709 and the transfer of IEC 61966-2-1, or
    /// nothing said of either.
    pub(super) fn is_srgb(self) -> bool {
        matches!(self.primaries, 1 | 2) && matches!(self.transfer, 2 | 13)
    }
}

/// The picture of a file.
#[derive(Debug)]
pub(super) struct Picture<'a> {
    /// Colour, or gray.
    pub color: Coded,
    /// Alpha, of the same size.
    pub alpha: Option<Coded>,
    /// Whether the colours are multiplied with alpha.
    pub premultiplied: bool,
    /// How to turn it.
    pub orientation: Orientation,
    /// The profile.
    pub icc: Option<&'a [u8]>,
    /// Colours by number.
    pub nclx: Option<Nclx>,
}

/// The items of a file: of its `meta` box, which stands before the pixels or after.
pub(super) fn read_items(bytes: &[u8]) -> Result<Items<'_>> {
    for found in Boxes::of_file(bytes) {
        let found = found?;
        if &found.kind == b"meta" {
            return Items::read(found.data);
        }
    }
    Err(malformed("it has no box meta"))
}

impl<'a> Picture<'a> {
    /// Finds it, and checks that all of it can be decoded: nothing is passed over that would change what is seen.
    pub(super) fn read(bytes: &'a [u8], items: &Items<'a>) -> Result<Self> {
        let primary = items.get(items.primary)?;
        let color = read_coded(bytes, items, items.primary)?;
        let alpha = match find_alpha(items, items.primary)? {
            Some(id) => Some(read_coded(bytes, items, id)?),
            None => None,
        };
        for tile in color.tiles.iter().filter(|tile| **tile != items.primary) {
            if find_alpha(items, *tile)?.is_some() {
                return Err(unsupported("alpha in the tiles of a grid"));
            }
        }
        if alpha.as_ref().is_some_and(|alpha| (alpha.width, alpha.height) != (color.width, color.height)) {
            return Err(malformed("its alpha has another size"));
        }
        let alpha_id = alpha.as_ref().map(|alpha| alpha.id);
        let premultiplied =
            alpha_id.is_some_and(|alpha| items.targets(items.primary, b"prem").contains(&alpha));
        let (icc, nclx) = read_colors(primary)?;
        Ok(Self { color, alpha, premultiplied, orientation: read_orientation(primary)?, icc, nclx })
    }

    /// What a header says.
    pub(super) fn header(&self) -> Header {
        Header {
            format: Format::Avif,
            width: self.color.width,
            height: self.color.height,
            bits: if self.color.config.bits == 8 { 8 } else { 16 },
            alpha: self.alpha.is_some(),
            animated: false,
            sequential: false,
        }
    }
}

fn find_alpha(items: &Items<'_>, id: u32) -> Result<Option<u32>> {
    for source in items.sources(id, b"auxl") {
        let Some(kind) = items.get(source)?.property(b"auxC") else { continue };
        let (_, _, mut fields) = Fields::of_full(kind.data)?;
        if ALPHA_TYPES.contains(&fields.text()) {
            return Ok(Some(source));
        }
    }
    Ok(None)
}

fn read_coded(bytes: &[u8], items: &Items<'_>, id: u32) -> Result<Coded> {
    let item = items.get(id)?;
    check_properties(item)?;
    let (width, height) = read_size(item)?;
    match &item.kind {
        b"av01" => {
            let config = read_config(item)?;
            let (tile_width, tile_height) = (width, height);
            Ok(Coded { id, width, height, tiles: vec![id], columns: 1, tile_width, tile_height, config })
        }
        b"grid" => read_grid(bytes, items, id, (width, height)),
        b"hvc1" | b"jpeg" | b"avc1" => Err(unsupported("a picture of another codec than AV1")),
        kind => Err(unsupported(&format!("a picture of the kind {}", kind.escape_ascii()))),
    }
}

/// A property that a reader must understand, and this one does not, would change the picture.
fn check_properties(item: &Item<'_>) -> Result<()> {
    for (property, essential) in &item.properties {
        match &property.kind {
            b"clap" => return Err(unsupported("a crop (clap)")),
            b"lsel" | b"a1op" if property.data.iter().any(|byte| !matches!(byte, 0 | 0xff)) => {
                return Err(unsupported("layers to choose from"));
            }
            b"lsel" | b"a1op" => {}
            kind if *essential && !KNOWN.contains(&kind) => {
                return Err(unsupported(&format!("a property {}", kind.escape_ascii())));
            }
            _ => {}
        }
    }
    Ok(())
}

/// ISO/IEC 23008-12, section 6.6.2.3.
fn read_grid(bytes: &[u8], items: &Items<'_>, id: u32, size: (u32, u32)) -> Result<Coded> {
    let data = items.data(bytes, id)?;
    let mut fields = Fields(&data);
    let (version, flags) = (fields.u8()?, fields.u8()?);
    let (rows, columns) = (u32::from(fields.u8()?) + 1, u32::from(fields.u8()?) + 1);
    let side_bytes = if flags & 1 == 1 { 4 } else { 2 };
    let (width, height) = (fields.uint(side_bytes)? as u32, fields.uint(side_bytes)? as u32);
    let tiles = items.targets(id, b"dimg").to_vec();
    if version != 0 || (width, height) != size || tiles.len() as u32 != rows * columns {
        return Err(malformed("its grid makes no sense"));
    }
    let first = items.get(tiles[0])?;
    let ((tile_width, tile_height), config) = (read_size(first)?, read_config(first)?);
    for tile in &tiles {
        let tile = items.get(*tile)?;
        check_properties(tile)?;
        let is_alike = read_size(tile)? == (tile_width, tile_height) && read_config(tile)? == config;
        if &tile.kind != b"av01" || !is_alike {
            return Err(malformed("the tiles of its grid differ"));
        }
    }
    let mut sorted = tiles.clone();
    sorted.sort_unstable();
    sorted.dedup();
    // The whole lies in the tiles, and reaches into the last of them.
    let covers = |side: u32, tile: u32, count: u32| {
        let (side, tile, count) = (u64::from(side), u64::from(tile), u64::from(count));
        tile * count >= side && tile * (count - 1) < side
    };
    if sorted.len() != tiles.len()
        || !covers(width, tile_width, columns)
        || !covers(height, tile_height, rows)
    {
        return Err(malformed("its grid does not fit its tiles"));
    }
    Ok(Coded { id, width, height, tiles, columns, tile_width, tile_height, config })
}

fn read_size(item: &Item<'_>) -> Result<(u32, u32)> {
    let size = item.property(b"ispe").ok_or_else(|| malformed("a picture has no size"))?;
    let (_, _, mut fields) = Fields::of_full(size.data)?;
    match (fields.u32()?, fields.u32()?) {
        (0, _) | (_, 0) => Err(malformed("a side is 0")),
        size => Ok(size),
    }
}

fn read_config(item: &Item<'_>) -> Result<Config> {
    let config = item.property(b"av1C").ok_or_else(|| malformed("a picture has no av1C"))?;
    match *config.data {
        [0x81, _, flags, _, ..] => {
            let bits = match flags >> 5 & 3 {
                0 => 8,
                2 => 10,
                3 => 12,
                _ => return Err(malformed("its av1C has no such depth")),
            };
            Ok(Config { bits, is_gray: flags >> 4 & 1 == 1 })
        }
        _ => Err(malformed("its av1C is broken")),
    }
}

fn read_colors<'a>(item: &Item<'a>) -> Result<(Option<&'a [u8]>, Option<Nclx>)> {
    let (mut icc, mut nclx) = (None, None);
    for (property, _) in item.properties.iter().filter(|(property, _)| &property.kind == b"colr") {
        let mut fields = Fields(property.data);
        match &fields.letters()? {
            b"prof" | b"rICC" => icc = icc.or(Some(fields.0)),
            b"nclx" if nclx.is_none() => nclx = Some(read_nclx(fields)?),
            _ => {}
        }
    }
    Ok((icc, nclx))
}

fn read_nclx(mut fields: Fields<'_>) -> Result<Nclx> {
    let (primaries, transfer, matrix) = (fields.u16()?, fields.u16()?, fields.u16()?);
    Ok(Nclx { primaries, transfer, matrix, full_range: fields.u8()? >> 7 == 1 })
}

/// `irot` turns anticlockwise by quarters, then `imir` mirrors (ISO/IEC 23008-12, sections 6.5.10 and 6.5.12; MIAF has
/// them in this order). EXIF's orientation does not count in HEIF.
fn read_orientation(item: &Item<'_>) -> Result<Orientation> {
    let value = |property: BmffBox<'_>| {
        let value = property.data.first().copied();
        value.ok_or_else(|| malformed("a turn is empty"))
    };
    let quarters = item.property(b"irot").map(value).transpose()?.map_or(0, |value| value & 3);
    let axis = item.property(b"imir").map(value).transpose()?.map(|value| value & 1);
    // Axis 0 swaps top and bottom, 1 left and right.
    Ok(Orientation::from_exif(match (quarters, axis) {
        (0, None) => 1,
        (0, Some(1)) | (2, Some(0)) => 2,
        (2, None) => 3,
        (0, Some(_)) | (2, Some(_)) => 4,
        (1, Some(0)) | (3, Some(1)) => 5,
        (3, None) => 6,
        (3, Some(_)) | (1, Some(_)) => 7,
        _ => 8,
    }))
}
