//! A space in which distances are about what the eye, and the metric, see.
//!
//! XYB, as SSIMULACRA2 takes it (J. Sneyers, "SSIMULACRA 2", 2022; ISO/IEC 18181-1, L.2.2): cube roots of a mixture of
//! linear light, as differences of colour and a lightness. Samples are taken for sRGB whatever their profile says: an error
//! is judged a little wrongly then, and no colour is.

/// Red against green, lightness, blue against lightness; each as it counts in a distance.
pub(super) type Point = [f32; 3];

/// What an error in each coordinate counts: the best of those tried, by bytes at equal score
/// (`docs/decisions/0018-palette.md`).
const WEIGHTS: Point = [8.0, 1.0, 1.0];

/// Linear red, green and blue to what the three kinds of cones take in.
const MIX: [Point; 3] =
    [[0.30, 0.622, 0.078], [0.23, 0.692, 0.078], [0.243_422_69, 0.204_767_44, 0.551_809_87]];
/// The inverse.
const UNMIX: [Point; 3] = [
    [11.031_567, -9.866_944, -0.164_623],
    [-3.254_147_4, 4.418_770_4, -0.164_623],
    [-3.658_851_3, 2.712_923, 1.945_928_2],
];
const BIAS: f32 = 0.003_793_073_3;
const BIAS_ROOT: f32 = 0.155_954_2;

/// Converts between 8-bit samples and points.
pub(super) struct Space {
    /// Linear light of each sample, 0 to 1; the last once more, so that every sample has a next.
    linear: [f32; 257],
}

impl Space {
    pub(super) fn new() -> Self {
        Self { linear: std::array::from_fn(|sample| to_linear(sample.min(255) as f64 / 255.0)) }
    }

    /// The place of a colour.
    pub(super) fn point(&self, color: [u8; 3]) -> Point {
        from_linear(color.map(|sample| self.linear[usize::from(sample)]))
    }

    /// The place of a colour between those that 8 bits can write; samples from 0 to 255.
    pub(super) fn point_between(&self, color: [f32; 3]) -> Point {
        from_linear(color.map(|sample| {
            let below = sample as u8;
            let part = sample - f32::from(below);
            let [low, high] = [0, 1].map(|step| self.linear[usize::from(below) + step]);
            low + (high - low) * part
        }))
    }

    /// The nearest colour in each of red, green and blue.
    pub(super) fn color(&self, point: Point) -> [u8; 3] {
        let [x, y, b] = [0, 1, 2].map(|channel| point[channel] / WEIGHTS[channel]);
        let cones = [y + x, y - x, y + b].map(|root| (root + BIAS_ROOT).powi(3) - BIAS);
        UNMIX.map(|row| {
            let light = dot(row, cones);
            let above = self.linear[..256].partition_point(|level| *level < light).min(255);
            let below = above.saturating_sub(1);
            let is_nearer_below = light - self.linear[below] < self.linear[above] - light;
            if is_nearer_below { below as u8 } else { above as u8 }
        })
    }
}

/// The square of how far two colours are apart.
pub(super) fn squared_distance(a: Point, b: Point) -> f32 {
    let difference = [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
    dot(difference, difference)
}

pub(super) fn dot(a: Point, b: Point) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// IEC 61966-2-1.
fn to_linear(sample: f64) -> f32 {
    let light = if sample <= 0.04045 { sample / 12.92 } else { ((sample + 0.055) / 1.055).powf(2.4) };
    light as f32
}

fn from_linear(light: [f32; 3]) -> Point {
    let [long, middle, short] = MIX.map(|row| cube_root(dot(row, light) + BIAS) - BIAS_ROOT);
    let lightness = 0.5 * (long + middle);
    [0.5 * (long - middle) * WEIGHTS[0], lightness * WEIGHTS[1], (short - lightness) * WEIGHTS[2]]
}

/// Of a number from [`BIAS`] to 1.01: a third of the exponent, and two of Halley's steps, to the last bit or two. The
/// standard library's takes longer, and is another on every system.
fn cube_root(number: f32) -> f32 {
    let mut root = f32::from_bits(number.to_bits() / 3 + 0x2a51_4067);
    for _ in 0..2 {
        let cube = root * root * root;
        root *= (cube + 2.0 * number) / (2.0 * cube + number);
    }
    root
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_colour_comes_back_from_its_place() {
        let space = Space::new();
        for red in (0..=255).step_by(15) {
            for green in (0..=255).step_by(17) {
                for blue in 0..=255 {
                    let color = [red, green, blue];
                    assert_eq!(space.color(space.point(color)), color);
                }
            }
        }
    }

    #[test]
    fn places_between_colours_lie_between() {
        let space = Space::new();
        let [low, middle, high] = [100.0, 100.5, 101.0].map(|level| space.point_between([level; 3])[1]);
        assert!(low < middle && middle < high);
        assert_eq!(space.point_between([255.0; 3]), space.point([255; 3]));
        assert_eq!(space.point_between([100.0; 3]), space.point([100; 3]));
    }

    #[test]
    fn a_place_outside_of_all_colours_is_the_nearest_end() {
        let space = Space::new();
        assert_eq!(space.color([0.0, 3.0, 0.0]), [255; 3]);
        assert_eq!(space.color([0.0, -3.0, 0.0]), [0; 3]);
    }

    #[test]
    fn the_cube_root_is_one() {
        for number in [BIAS, 0.01, 0.1, 0.5, 1.0] {
            let root = cube_root(number);
            assert!((root * root * root / number - 1.0).abs() < 1e-6, "{number}: {root}");
        }
    }
}
