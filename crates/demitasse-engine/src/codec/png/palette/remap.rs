//! Pixels to indexes.

use super::levels::Levels;
use super::nearest::Nearest;
use super::space::{Point, Space, dot};

/// The square of a distance that is no difference: the palette has the very colour, and nothing is diffused.
const SAME: f32 = 1e-7;
/// The error that a pixel takes over is at most this many times the distance between neighbouring entries: more is what an
/// area beyond the palette's reach has gathered, and would show as specks where it ends.
const MOST_ERROR: f32 = 2.0;
/// Floyd and Steinberg, "An adaptive algorithm for spatial grey scale", 1976: ahead, and below behind, beneath, ahead.
const PARTS: [f32; 4] = [7.0 / 16.0, 3.0 / 16.0, 5.0 / 16.0, 1.0 / 16.0];

/// How pixels are mapped.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Style {
    /// The part of each pixel's error that its neighbours take over, from 0 to 1.
    pub(super) dithering: f32,
    /// How much farther than the nearest entry that of the pixel before or above may be to be taken all the same, for the
    /// longer repetitions that the packer finds: what is added to the square of the distance, over the square of the
    /// distance between neighbouring entries.
    pub(super) reuse: f32,
}

/// An image of at most 256 colours.
#[derive(Debug)]
pub(super) struct Indexed {
    pub(super) palette: Vec<[u8; 4]>,
    pub(super) indexes: Vec<u8>,
}

/// The colours of each class, as 8 bits can write them.
pub(super) struct Palette {
    entries: Vec<[u8; 4]>,
    classes: Vec<Class>,
}

struct Class {
    /// Index of its first entry.
    first: usize,
    nearest: Nearest,
    /// The square of the distance between neighbouring entries.
    spacing: f32,
}

impl Palette {
    /// Rounds `centers`; what becomes the same colour is one. A transparent class is black.
    pub(super) fn new(centers: &[Vec<Point>], levels: &Levels, space: &Space) -> Self {
        let mut palette = Self { entries: Vec::new(), classes: Vec::new() };
        for (centers, alpha) in centers.iter().zip(levels.alphas()) {
            let mut colors: Vec<[u8; 3]> = match alpha {
                0 => vec![[0; 3]],
                _ => centers.iter().map(|center| space.color(*center)).collect(),
            };
            colors.sort_unstable();
            colors.dedup();
            let first = palette.entries.len();
            palette.entries.extend(colors.iter().map(|[r, g, b]| [*r, *g, *b, *alpha]));
            let nearest = Nearest::new(colors.iter().map(|color| space.point(*color)).collect());
            let spacing = nearest.spacing().powi(2);
            palette.classes.push(Class { first, nearest, spacing });
        }
        palette
    }

    /// Gives each pixel of rows of `width` an entry of its own class. Rows run to the right and to the left in turn, so that
    /// what is diffused has no direction.
    ///
    /// Cost: 0.1 to 0.2 s a megapixel; memory: a byte a pixel, and two rows of errors.
    pub(super) fn remap(
        self,
        pixels: &[[u8; 4]],
        width: usize,
        levels: &Levels,
        space: &Space,
        style: Style,
    ) -> Indexed {
        let mut indexes = vec![0; pixels.len()];
        let mut walk = Walk {
            palette: &self,
            levels,
            space,
            style,
            guesses: vec![0; GUESSES],
            errors: vec![[0.0; 3]; width + 2],
            below: vec![[0.0; 3]; width + 2],
        };
        for (y, row) in pixels.chunks(width).enumerate() {
            let (done, rest) = indexes.split_at_mut(y * width);
            let above = &done[done.len().saturating_sub(width)..];
            walk.row(row, above, &mut rest[..row.len()], y % 2 == 1);
        }
        Indexed { palette: self.entries, indexes }
    }
}

/// 5 bits each of red, green and blue.
const GUESSES: usize = 1 << 15;

/// What is carried from pixel to pixel.
struct Walk<'a> {
    palette: &'a Palette,
    levels: &'a Levels,
    space: &'a Space,
    style: Style,
    /// Where the last search for a similar colour ended: where the next begins.
    guesses: Vec<u8>,
    /// What pixels of this row take over; pixel `x` at `x + 1`.
    errors: Vec<Point>,
    /// The same of the next row.
    below: Vec<Point>,
}

impl Walk<'_> {
    /// Fills `out`. `above` is the row before it, or empty.
    fn row(&mut self, row: &[[u8; 4]], above: &[u8], out: &mut [u8], is_leftward: bool) {
        let mut before = None;
        for step in 0..row.len() {
            let x = if is_leftward { row.len() - 1 - step } else { step };
            let (index, error) = self.pixel(row[x], self.errors[x + 1], [before, above.get(x).copied()]);
            out[x] = index;
            before = Some(index);
            let (ahead, behind) = if is_leftward { (x, x + 2) } else { (x + 2, x) };
            add(&mut self.errors[ahead], error, PARTS[0]);
            add(&mut self.below[behind], error, PARTS[1]);
            add(&mut self.below[x + 1], error, PARTS[2]);
            add(&mut self.below[ahead], error, PARTS[3]);
        }
        std::mem::swap(&mut self.errors, &mut self.below);
        self.below.fill([0.0; 3]);
    }

    /// The entry of a pixel that takes over `carried`, and the error that it hands on. `reusable` are its neighbours'.
    fn pixel(&mut self, pixel: [u8; 4], carried: Point, reusable: [Option<u8>; 2]) -> (u8, Point) {
        let [red, green, blue, alpha] = pixel;
        let class = self.levels.class(alpha);
        let Class { first, nearest, spacing } = &self.palette.classes[class];
        if alpha == 0 {
            return (*first as u8, [0.0; 3]);
        }
        let own = self.space.point([red, green, blue]);
        let slot =
            [red, green, blue].iter().fold(class * 37, |slot, sample| slot << 5 ^ usize::from(sample >> 3));
        let guess = &mut self.guesses[slot % GUESSES];
        let last = nearest.points().len() - 1;
        let (plain, distance) = nearest.find(own, usize::from(*guess).min(last));
        *guess = plain as u8;
        if distance <= SAME {
            return ((first + plain) as u8, [0.0; 3]);
        }
        let (length, most) = (dot(carried, carried), MOST_ERROR * MOST_ERROR * spacing);
        let part = if length > most { (most / length).sqrt() } else { 1.0 };
        let aim = [0, 1, 2].map(|axis| own[axis] + carried[axis] * part);
        let (closest, distance) = nearest.find(aim, plain);
        let allowed = distance + self.style.reuse * spacing;
        let near_enough = |index: &usize| {
            let point = nearest.points().get(*index);
            point.is_some_and(|point| super::space::squared_distance(aim, *point) <= allowed)
        };
        let reused = reusable.iter().flatten().filter_map(|index| usize::from(*index).checked_sub(*first));
        let chosen = reused.into_iter().find(near_enough).unwrap_or(closest);
        let point = nearest.points()[chosen];
        ((first + chosen) as u8, [0, 1, 2].map(|axis| (aim[axis] - point[axis]) * self.style.dithering))
    }
}

fn add(sum: &mut Point, error: Point, part: f32) {
    for (sum, error) in sum.iter_mut().zip(error) {
        *sum += error * part;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Style = Style { dithering: 0.0, reuse: 0.0 };

    /// Maps rows of 32 pixels to these colours, all opaque.
    fn remap(pixels: &[[u8; 4]], colors: &[[u8; 3]], style: Style) -> Vec<[u8; 4]> {
        let (levels, space) = (Levels::of(pixels, 256), Space::new());
        let centers =
            levels.alphas().iter().map(|_| colors.iter().map(|color| space.point(*color)).collect());
        let palette = Palette::new(&centers.collect::<Vec<_>>(), &levels, &space);
        let Indexed { palette, indexes } = palette.remap(pixels, 32, &levels, &space, style);
        indexes.iter().map(|index| palette[usize::from(*index)]).collect()
    }

    fn gray(level: u8) -> [u8; 4] {
        [level, level, level, 255]
    }

    #[test]
    fn a_pixel_gets_the_colour_that_is_nearest_to_it() {
        let pixels: Vec<_> = (0..=255).map(gray).collect();
        let out = remap(&pixels, &[[0; 3], [100; 3], [255; 3]], PLAIN);
        assert_eq!([out[0], out[90], out[110], out[250]], [0, 100, 100, 255].map(gray));
        assert!(out.is_sorted());
    }

    #[test]
    fn dithering_keeps_the_mean_of_an_area() {
        let pixels = vec![gray(120); 32 * 32];
        let out = remap(&pixels, &[[90; 3], [150; 3]], Style { dithering: 1.0, reuse: 0.0 });
        let mean = out.iter().map(|pixel| f64::from(pixel[0])).sum::<f64>() / 1024.0;
        assert!((mean - 120.0).abs() < 4.0, "{mean}");
        assert_eq!(remap(&pixels, &[[90; 3], [150; 3]], PLAIN)[..], [gray(out[0][0]); 1024]);
    }

    #[test]
    fn an_area_whose_colour_is_in_the_palette_stays_clean_beside_one_that_is_dithered() {
        let pixels: Vec<_> =
            (0..32 * 32).map(|at| if at % 32 < 16 { gray(120) } else { gray(150) }).collect();
        let out = remap(&pixels, &[[90; 3], [150; 3]], Style { dithering: 1.0, reuse: 0.0 });
        assert!(out.iter().zip(&pixels).all(|(out, pixel)| pixel[0] == 120 || out == pixel));
    }

    #[test]
    fn reuse_makes_longer_runs() {
        let pixels: Vec<_> = (0..32 * 32).map(|at| gray((100 + at % 32 / 4 + at * 7 % 3) as u8)).collect();
        let changes = |reuse: f32| {
            let out =
                remap(&pixels, &[[98; 3], [102; 3], [106; 3], [110; 3]], Style { dithering: 0.6, reuse });
            out.windows(2).filter(|pair| pair[0] != pair[1]).count()
        };
        assert!(changes(0.4) < changes(0.0) * 9 / 10, "{} {}", changes(0.4), changes(0.0));
    }

    #[test]
    fn alpha_comes_from_the_class_and_colour_does_not_leak_out_of_what_is_transparent() {
        let pixels: Vec<_> = (0..32 * 8).map(|at| [200, 90, 30, [0, 60, 255][at % 3]]).collect();
        let out = remap(&pixels, &[[200, 90, 30], [9, 9, 9]], Style { dithering: 1.0, reuse: 0.4 });
        for (out, pixel) in out.iter().zip(&pixels) {
            assert_eq!(*out, if pixel[3] == 0 { [0; 4] } else { *pixel });
        }
    }
}
