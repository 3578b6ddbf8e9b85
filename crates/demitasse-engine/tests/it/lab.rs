//! How far two colours are apart for people: CIEDE2000, of colours in sRGB or Display P3.

/// Of 8-bit colours with sRGB's curve and these primaries.
pub(crate) fn difference(one: [f64; 3], other: [f64; 3], is_p3: bool) -> f64 {
    ciede2000(lab(one, is_p3), lab(other, is_p3))
}

/// CIELAB beside D65 (CSS Color 4, section 10).
fn lab(rgb: [f64; 3], is_p3: bool) -> [f64; 3] {
    let linear = rgb.map(|sample| {
        let sample = sample / 255.0;
        if sample <= 0.040_45 { sample / 12.92 } else { ((sample + 0.055) / 1.055).powf(2.4) }
    });
    let matrix = if is_p3 {
        [[0.486_571, 0.265_668, 0.198_217], [0.228_975, 0.691_739, 0.079_287], [0.0, 0.045_113, 1.043_944]]
    } else {
        [
            [0.412_391, 0.357_584, 0.180_481],
            [0.212_639, 0.715_169, 0.072_192],
            [0.019_331, 0.119_195, 0.950_532],
        ]
    };
    let white = [0.950_456, 1.0, 1.089_058];
    let [x, y, z] = [0, 1, 2].map(|row: usize| {
        let value: f64 = matrix[row].iter().zip(linear).map(|(weight, sample)| weight * sample).sum();
        let value = value / white[row];
        if value > 216.0 / 24_389.0 { value.cbrt() } else { (24_389.0 / 27.0 * value + 16.0) / 116.0 }
    });
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// G. Sharma, W. Wu, E. N. Dalal: The CIEDE2000 Color-Difference Formula, 2005.
fn ciede2000([l1, a1, b1]: [f64; 3], [l2, a2, b2]: [f64; 3]) -> f64 {
    let seventh = |chroma: f64| (chroma.powi(7) / (chroma.powi(7) + 25_f64.powi(7))).sqrt();
    let stretch = 1.5 - 0.5 * seventh(f64::midpoint(a1.hypot(b1), a2.hypot(b2)));
    let polar = |a: f64, b: f64| {
        let a = a * stretch;
        (a.hypot(b), if a == 0.0 && b == 0.0 { 0.0 } else { b.atan2(a).to_degrees().rem_euclid(360.0) })
    };
    let ((c1, h1), (c2, h2)) = (polar(a1, b1), polar(a2, b2));
    let is_gray = c1 * c2 == 0.0;
    let turn = if is_gray { 0.0 } else { (h2 - h1 + 180.0).rem_euclid(360.0) - 180.0 };
    let hue = if is_gray { h1 + h2 } else { (h1 + turn / 2.0).rem_euclid(360.0) };
    let (l, c) = (f64::midpoint(l1, l2), f64::midpoint(c1, c2));
    let cosine = |degrees: f64| degrees.to_radians().cos();
    let t = 1.0 - 0.17 * cosine(hue - 30.0) + 0.24 * cosine(2.0 * hue) + 0.32 * cosine(3.0 * hue + 6.0)
        - 0.20 * cosine(4.0 * hue - 63.0);
    let sl = 1.0 + 0.015 * (l - 50.0).powi(2) / (20.0 + (l - 50.0).powi(2)).sqrt();
    let (sc, sh) = (1.0 + 0.045 * c, 1.0 + 0.015 * c * t);
    let rotation = -(60.0 * (-((hue - 275.0) / 25.0).powi(2)).exp()).to_radians().sin() * 2.0 * seventh(c);
    let dl = (l2 - l1) / sl;
    let dc = (c2 - c1) / sc;
    let dh = 2.0 * (c1 * c2).sqrt() * (turn / 2.0).to_radians().sin() / sh;
    (dl * dl + dc * dc + dh * dh + rotation * dc * dh).sqrt()
}

#[test]
fn the_formula_gives_the_published_differences() {
    for (one, other, expected) in [
        ([50.0, 2.6772, -79.7751], [50.0, 0.0, -82.7485], 2.0425),
        ([50.0, 2.5, 0.0], [73.0, 25.0, -18.0], 27.1492),
        ([60.2574, -34.0099, 36.2677], [60.4626, -34.1751, 39.4387], 1.2644),
        ([2.0776, 0.0795, -1.135], [0.9033, -0.0636, -0.5514], 0.9082),
    ] {
        let found = ciede2000(one, other);
        assert!((found - expected).abs() < 0.0001, "{found} {expected}");
    }
}
