//! From planes to pixels: tiles put together, colour planes brought to size, the matrix undone, alpha beside it.

use super::boxes::malformed;
use super::dav1d::{self, Row, Sampling};
use super::items::Items;
use super::matrix::{Matrix, Scale};
use super::metadata;
use super::picture::{Coded, Nclx, Picture, read_items};
use crate::codec::Decoded;
use crate::image::{Image, Layout, Samples};
use crate::{Control, Limits, Result, color};

/// Rows between two looks at the control.
const ROWS_A_CHECK: usize = 64;

/// Decodes the picture. 8 bits stay 8; 10 and 12 become 16.
///
/// Where there is one plane only and the profile is one for RGB, the three channels of the result are equal.
///
/// Cost: 20 to 60 megapixels a second; the pixels, and twice as much while dav1d works.
pub(super) fn decode(bytes: &[u8], limits: &Limits, control: &Control) -> Result<Decoded> {
    decode_to(bytes, limits, control, Depth::Own)
}

/// Decodes to 8 bits as viewers do that convert by libyuv, as libavif does where it is built with it (measured on Pillow): of colour differences the bits beyond eight are cut off, not rounded; luma keeps them
/// (`docs/decisions/0011-avif.md`).
///
/// Cost: as [`decode`].
pub(super) fn decode_shown(bytes: &[u8], limits: &Limits, control: &Control) -> Result<Decoded> {
    decode_to(bytes, limits, control, Depth::Shown)
}

/// How many bits a sample come out.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Depth {
    /// 8 where the file has 8, else 16.
    Own,
    /// 8, as viewers come to them.
    Shown,
}

fn decode_to(bytes: &[u8], limits: &Limits, control: &Control, depth: Depth) -> Result<Decoded> {
    let items = read_items(bytes)?;
    let picture = Picture::read(bytes, &items)?;
    limits.check_header(&picture.header())?;
    let metadata = metadata::read(bytes, limits)?;
    control.check()?;
    let mut warnings = Vec::new();
    let colors = metadata::colors(bytes, &items, &picture)?;
    let is_gray = picture.color.config.is_gray;
    let mut layout = match (is_gray, picture.alpha.is_some()) {
        (true, false) => Layout::Gray,
        (true, true) => Layout::GrayAlpha,
        (false, false) => Layout::Rgb,
        (false, true) => Layout::Rgba,
    };
    // A profile for RGB may describe a gray AVIF.
    let icc = metadata.icc.as_deref();
    if is_gray && icc.is_some_and(|icc| color::check_profile(Layout::Rgb, icc).is_ok()) {
        layout = if layout.has_alpha() { Layout::Rgba } else { Layout::Rgb };
    }
    let profile = color::usable_profile(layout, icc, &mut warnings);
    let work = Work { bytes, items: &items, picture: &picture, colors, layout, depth, limits, control };
    let samples = if picture.color.config.bits == 8 || depth == Depth::Shown {
        Samples::U8(work.samples::<u8>()?)
    } else {
        Samples::U16(work.samples::<u16>()?)
    };
    let image = Image::still(picture.color.width, picture.color.height, layout, samples, profile);
    Ok(Decoded { image, metadata, warnings })
}

/// A sample of an image: 8 or 16 bits.
trait Sample: Copy + Default {
    /// Rounds; `value` is 0 to 1.
    fn from_unit(value: f32) -> Self;

    /// 0 to 1.
    fn unit(self) -> f32;
}

impl Sample for u8 {
    fn from_unit(value: f32) -> Self {
        (value * 255.0 + 0.5) as Self
    }

    fn unit(self) -> f32 {
        f32::from(self) / 255.0
    }
}

impl Sample for u16 {
    fn from_unit(value: f32) -> Self {
        (value * 65_535.0 + 0.5) as Self
    }

    fn unit(self) -> f32 {
        f32::from(self) / 65_535.0
    }
}

/// One decode.
struct Work<'a> {
    bytes: &'a [u8],
    items: &'a Items<'a>,
    picture: &'a Picture<'a>,
    colors: Nclx,
    layout: Layout,
    depth: Depth,
    limits: &'a Limits,
    control: &'a Control,
}

impl Work<'_> {
    fn samples<S: Sample>(&self) -> Result<Vec<S>> {
        let (width, height) = (self.picture.color.width as usize, self.picture.color.height as usize);
        let mut samples = vec![S::default(); width * height * self.layout.channels()];
        self.each_tile(&self.picture.color, |tile, place| self.put_color(tile, place, &mut samples))?;
        if let Some(alpha) = &self.picture.alpha {
            self.each_tile(alpha, |tile, place| self.put_alpha(tile, place, &mut samples))?;
            if self.picture.premultiplied {
                divide_by_alpha(&mut samples, self.layout.channels());
            }
        }
        Ok(samples)
    }

    /// Decodes the tiles of `coded` one after the other; `put` gets each with the place of its first pixel.
    fn each_tile(
        &self,
        coded: &Coded,
        mut put: impl FnMut(&dav1d::Picture, (usize, usize)) -> Result<()>,
    ) -> Result<()> {
        for (index, id) in coded.tiles.iter().enumerate() {
            self.control.check()?;
            let (tile_width, tile_height) = (coded.tile_width, coded.tile_height);
            let pixels = u64::from(tile_width) * u64::from(tile_height);
            self.limits.check_header(&crate::codec::Header {
                width: tile_width,
                height: tile_height,
                ..self.picture.header()
            })?;
            let tile = dav1d::decode(&self.items.data(self.bytes, *id)?, pixels)?;
            let is_gray = tile.sampling == Sampling::Gray;
            if (tile.width, tile.height) != (tile_width, tile_height)
                || (tile.bits, is_gray) != (coded.config.bits, coded.config.is_gray)
            {
                return Err(malformed("its parts disagree about its size, depth or colour"));
            }
            let (column, row) = (index as u32 % coded.columns, index as u32 / coded.columns);
            put(&tile, ((column * tile_width) as usize, (row * tile_height) as usize))?;
        }
        Ok(())
    }

    fn put_color<S: Sample>(
        &self,
        tile: &dav1d::Picture,
        (left, top): (usize, usize),
        samples: &mut [S],
    ) -> Result<()> {
        let matrix = Matrix::of(self.colors, tile.sampling)?;
        let luma = Scale::of_luma(tile.bits, self.colors.full_range);
        let cut = if self.depth == Depth::Shown && matrix.has_differences() { tile.bits - 8 } else { 0 };
        let difference = match matrix.has_differences() {
            true => Scale::of_cut_difference(tile.bits, cut, self.colors.full_range),
            false => luma,
        };
        let (channels, is_gray) = (self.layout.channels(), self.layout.is_gray());
        let mut rows = [vec![0.0; tile.width as usize], Vec::new(), Vec::new()];
        let mut chroma = Chroma::new(tile, cut);
        self.each_row((left, top), tile, |y, count, first| {
            load(tile.row(0, y), luma, 0, &mut rows[0]);
            chroma.rows(tile, y, difference, &mut rows);
            let out = &mut samples[first * channels..(first + count) * channels];
            let [luma, u, v] = &rows;
            if tile.sampling == Sampling::Gray {
                let colors = if is_gray { 1 } else { 3 };
                for (pixel, y) in out.chunks_exact_mut(channels).zip(luma) {
                    pixel[..colors].fill(S::from_unit(y.clamp(0.0, 1.0)));
                }
            } else {
                for (((pixel, y), u), v) in out.chunks_exact_mut(channels).zip(luma).zip(u).zip(v) {
                    let rgb = matrix.to_rgb(*y, *u, *v);
                    for (sample, value) in pixel.iter_mut().zip(rgb) {
                        *sample = S::from_unit(value.clamp(0.0, 1.0));
                    }
                }
            }
        })
    }

    fn put_alpha<S: Sample>(
        &self,
        tile: &dav1d::Picture,
        (left, top): (usize, usize),
        samples: &mut [S],
    ) -> Result<()> {
        // Alpha has no range of its own: MIAF wants the full one.
        let scale = Scale::of_luma(tile.bits, true);
        let channels = self.layout.channels();
        let mut row = vec![0.0; tile.width as usize];
        self.each_row((left, top), tile, |y, count, first| {
            load(tile.row(0, y), scale, 0, &mut row);
            let out = &mut samples[first * channels..(first + count) * channels];
            for (pixel, alpha) in out.chunks_exact_mut(channels).zip(&row) {
                pixel[channels - 1] = S::from_unit(alpha.clamp(0.0, 1.0));
            }
        })
    }

    /// The rows of a tile that lie in the picture: its number, how many of its pixels do, and the place of the first.
    fn each_row(
        &self,
        (left, top): (usize, usize),
        tile: &dav1d::Picture,
        mut put: impl FnMut(usize, usize, usize),
    ) -> Result<()> {
        let (width, height) = (self.picture.color.width as usize, self.picture.color.height as usize);
        let count = (tile.width as usize).min(width - left);
        for y in 0..(tile.height as usize).min(height - top) {
            if y % ROWS_A_CHECK == 0 {
                self.control.check()?;
            }
            put(y, count, (top + y) * width + left);
        }
        Ok(())
    }
}

/// Makes straight what was multiplied. Hidden colour, which is lost, is black.
fn divide_by_alpha<S: Sample>(samples: &mut [S], channels: usize) {
    for pixel in samples.chunks_exact_mut(channels) {
        let alpha = pixel[channels - 1].unit();
        for sample in &mut pixel[..channels - 1] {
            *sample = if alpha > 0.0 { S::from_unit((sample.unit() / alpha).min(1.0)) } else { S::default() };
        }
    }
}

/// Of numbers of more than 8 bits the last `cut` become 0.
fn load(row: Row<'_>, Scale { offset, scale }: Scale, cut: u8, out: &mut [f32]) {
    match row {
        Row::U8(row) => {
            out.iter_mut().zip(row).for_each(|(out, value)| *out = (f32::from(*value) - offset) * scale);
        }
        Row::U16(row) => out
            .iter_mut()
            .zip(row)
            .for_each(|(out, value)| *out = (f32::from(value >> cut << cut) - offset) * scale),
    }
}

/// Brings rows of colour to full size: linear between samples that lie in the middle of the pixels they stand for, as
/// browsers do.
struct Chroma {
    near: Vec<f32>,
    far: Vec<f32>,
    /// How many of the last bits are cut off.
    cut: u8,
}

impl Chroma {
    fn new(tile: &dav1d::Picture, cut: u8) -> Self {
        let width = tile.plane_size(1).0;
        Self { near: vec![0.0; width], far: vec![0.0; width], cut }
    }

    /// Fills `rows[1]` and `rows[2]` for row `y` of the picture.
    fn rows(&mut self, tile: &dav1d::Picture, y: usize, scale: Scale, rows: &mut [Vec<f32>; 3]) {
        let (_, height) = tile.plane_size(1);
        for (plane, out) in rows.iter_mut().enumerate().skip(1) {
            out.resize(tile.width as usize, 0.0);
            match tile.sampling {
                Sampling::Gray => {}
                Sampling::Full => load(tile.row(plane, y), scale, self.cut, out),
                Sampling::Wide => {
                    load(tile.row(plane, y), scale, self.cut, &mut self.near);
                    widen(&self.near, out);
                }
                Sampling::Both => {
                    load(tile.row(plane, y / 2), scale, self.cut, &mut self.near);
                    load(tile.row(plane, neighbor(y, height)), scale, self.cut, &mut self.far);
                    self.near.iter_mut().zip(&self.far).for_each(|(near, far)| *near = blend(*near, *far));
                    widen(&self.near, out);
                }
            }
        }
    }
}

fn blend(near: f32, far: f32) -> f32 {
    0.75 * near + 0.25 * far
}

/// The sample beside the nearest one, of `count`: the one before for an even place, the one behind for an odd one.
fn neighbor(place: usize, count: usize) -> usize {
    if place % 2 == 1 { (place / 2 + 1).min(count - 1) } else { (place / 2).saturating_sub(1) }
}

fn widen(half: &[f32], out: &mut [f32]) {
    for (x, out) in out.iter_mut().enumerate() {
        *out = blend(half[x / 2], half[neighbor(x, half.len())]);
    }
}
