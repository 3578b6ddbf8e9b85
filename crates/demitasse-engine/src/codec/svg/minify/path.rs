//! The data of a path: every point moves to the nearest point of a grid, and is written as the shorter of where it is and how far it is
//! from the one before. Since both are counted in steps of the grid, nothing adds up.
//!
//! Source: SVG 2, section 9.3.

use svgtypes::{PathParser, PathSegment};

use super::numbers::{Decimals, Line};

/// Rewrites a path's data; `None` if they are broken, or have numbers that are too large: then they stay as they are.
///
/// Segments stay segments, so that markers stay where they are.
pub(crate) fn shorten(data: &str, decimals: Decimals) -> Option<String> {
    let mut writer =
        Writer { decimals, line: Line::default(), letter: None, at: Point::default(), pen: Pen::default() };
    for segment in PathParser::from(data) {
        writer.segment(segment.ok()?)?;
    }
    Some(writer.line.finish())
}

/// In steps of the grid.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Point {
    x: i64,
    y: i64,
}

impl Point {
    fn minus(self, other: Self) -> Self {
        Self { x: self.x - other.x, y: self.y - other.y }
    }

    /// The point on the other side of `center`.
    fn mirrored(self, center: Self) -> Self {
        Self { x: 2 * center.x - self.x, y: 2 * center.y - self.y }
    }
}

/// Where the pen is, not rounded: what the numbers of the input count from.
#[derive(Debug, Clone, Copy, Default)]
struct Pen {
    x: f64,
    y: f64,
    /// Where the subpath began: in the input and on the grid.
    start: (f64, f64),
    grid_start: Point,
    /// The last control point, where there is one that a smooth segment would mirror: of the input, and on the grid.
    control: Option<(Kind, (f64, f64), Point)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Cubic,
    Quadratic,
}

struct Writer {
    decimals: Decimals,
    line: Line,
    /// The command that a further group of numbers would belong to.
    letter: Option<char>,
    /// Where the pen is on the grid.
    at: Point,
    pen: Pen,
}

impl Writer {
    fn segment(&mut self, segment: PathSegment) -> Option<()> {
        let (x, y) = (self.pen.x, self.pen.y);
        let from = |abs: bool| if abs { (0.0, 0.0) } else { (x, y) };
        match segment {
            PathSegment::MoveTo { abs, x, y } => {
                let (left, top) = from(abs);
                self.move_to((left + x, top + y))
            }
            PathSegment::LineTo { abs, x, y } => {
                let (left, top) = from(abs);
                self.line_to((left + x, top + y))
            }
            PathSegment::HorizontalLineTo { abs, x } => self.line_to((from(abs).0 + x, y)),
            PathSegment::VerticalLineTo { abs, y } => self.line_to((x, from(abs).1 + y)),
            PathSegment::CurveTo { abs, x1, y1, x2, y2, x, y } => {
                let (left, top) = from(abs);
                self.cubic((left + x1, top + y1), (left + x2, top + y2), (left + x, top + y))
            }
            PathSegment::SmoothCurveTo { abs, x2, y2, x, y } => {
                let (left, top) = from(abs);
                self.cubic(self.mirrored(Kind::Cubic), (left + x2, top + y2), (left + x, top + y))
            }
            PathSegment::Quadratic { abs, x1, y1, x, y } => {
                let (left, top) = from(abs);
                self.quadratic((left + x1, top + y1), (left + x, top + y))
            }
            PathSegment::SmoothQuadratic { abs, x, y } => {
                let (left, top) = from(abs);
                self.quadratic(self.mirrored(Kind::Quadratic), (left + x, top + y))
            }
            PathSegment::EllipticalArc { abs, rx, ry, x_axis_rotation, large_arc, sweep, x, y } => {
                let (left, top) = from(abs);
                self.arc((rx, ry, x_axis_rotation), (large_arc, sweep), (left + x, top + y))
            }
            PathSegment::ClosePath { .. } => {
                self.close();
                Some(())
            }
        }
    }

    fn grid(&self, (x, y): (f64, f64)) -> Option<Point> {
        Some(Point { x: self.decimals.steps(x)?, y: self.decimals.steps(y)? })
    }

    /// Where a smooth segment's first control point is.
    fn mirrored(&self, kind: Kind) -> (f64, f64) {
        match self.pen.control {
            Some((found, (x, y), _)) if found == kind => (2.0 * self.pen.x - x, 2.0 * self.pen.y - y),
            _ => (self.pen.x, self.pen.y),
        }
    }

    /// The same on the grid.
    fn mirrored_on_grid(&self, kind: Kind) -> Point {
        match self.pen.control {
            Some((found, _, point)) if found == kind => point.mirrored(self.at),
            _ => self.at,
        }
    }

    fn arrive(&mut self, (x, y): (f64, f64), at: Point, control: Option<(Kind, (f64, f64), Point)>) {
        self.at = at;
        self.pen = Pen { x, y, control, ..self.pen };
    }

    fn move_to(&mut self, to: (f64, f64)) -> Option<()> {
        let at = self.grid(to)?;
        // Another pair behind a move is a line: each move needs its letter.
        self.letter = None;
        self.put('m', &[at]);
        self.letter = self.letter.map(|letter| if letter == 'M' { 'L' } else { 'l' });
        self.arrive(to, at, None);
        self.pen.start = to;
        self.pen.grid_start = at;
        Some(())
    }

    fn line_to(&mut self, to: (f64, f64)) -> Option<()> {
        let at = self.grid(to)?;
        match at.minus(self.at) {
            Point { x, y: 0 } => self.put_one('h', at.x, x),
            Point { x: 0, y } => self.put_one('v', at.y, y),
            _ => self.put('l', &[at]),
        }
        self.arrive(to, at, None);
        Some(())
    }

    fn cubic(&mut self, first: (f64, f64), second: (f64, f64), to: (f64, f64)) -> Option<()> {
        let (first, control, at) = (self.grid(first)?, self.grid(second)?, self.grid(to)?);
        if first == self.mirrored_on_grid(Kind::Cubic) {
            self.put('s', &[control, at]);
        } else {
            self.put('c', &[first, control, at]);
        }
        self.arrive(to, at, Some((Kind::Cubic, second, control)));
        Some(())
    }

    fn quadratic(&mut self, first: (f64, f64), to: (f64, f64)) -> Option<()> {
        let (control, at) = (self.grid(first)?, self.grid(to)?);
        if control == self.mirrored_on_grid(Kind::Quadratic) {
            self.put('t', &[at]);
        } else {
            self.put('q', &[control, at]);
        }
        self.arrive(to, at, Some((Kind::Quadratic, first, control)));
        Some(())
    }

    fn arc(
        &mut self,
        (rx, ry, rotation): (f64, f64, f64),
        flags: (bool, bool),
        to: (f64, f64),
    ) -> Option<()> {
        let at = self.grid(to)?;
        let radii = [self.decimals.steps(rx)?, self.decimals.steps(ry)?];
        // A radius of 0 is a line; an end that meets its start is nothing: rounding must not make either.
        if (radii.contains(&0) && rx != 0.0 && ry != 0.0) || (at == self.at && to != (self.pen.x, self.pen.y))
        {
            return None;
        }
        let turn = Decimals::for_step(0.01).finer(1);
        let mut numbers: Vec<_> = radii.into_iter().map(|radius| self.decimals.write(radius)).collect();
        numbers.push(turn.write(turn.steps(rotation)?));
        for flag in [flags.0, flags.1] {
            numbers.push(if flag { "1" } else { "0" }.to_owned());
        }
        let with_end = |end: Point| {
            let mut all = numbers.clone();
            all.extend([end.x, end.y].map(|steps| self.decimals.write(steps)));
            all
        };
        let (absolute, relative) = (with_end(at), with_end(at.minus(self.at)));
        self.put_shorter('a', &absolute, &relative);
        self.arrive(to, at, None);
        Some(())
    }

    fn close(&mut self) {
        self.line.letter('z');
        self.letter = None;
        let Pen { start, grid_start, .. } = self.pen;
        self.arrive(start, grid_start, None);
    }

    fn put(&mut self, letter: char, points: &[Point]) {
        let write = |point: Point| [point.x, point.y].map(|steps| self.decimals.write(steps));
        let absolute: Vec<_> = points.iter().flat_map(|point| write(*point)).collect();
        let relative: Vec<_> = points.iter().flat_map(|point| write(point.minus(self.at))).collect();
        self.put_shorter(letter, &absolute, &relative);
    }

    fn put_one(&mut self, letter: char, absolute: i64, relative: i64) {
        let [absolute, relative] = [absolute, relative].map(|steps| vec![self.decimals.write(steps)]);
        self.put_shorter(letter, &absolute, &relative);
    }

    /// Writes the shorter of both, the relative one where they are as long: it is the one that repeats.
    fn put_shorter(&mut self, letter: char, absolute: &[String], relative: &[String]) {
        let upper = letter.to_ascii_uppercase();
        let chosen = if self.cost(upper, absolute) < self.cost(letter, relative) {
            (upper, absolute)
        } else {
            (letter, relative)
        };
        if self.letter != Some(chosen.0) {
            self.line.letter(chosen.0);
        }
        for number in chosen.1 {
            self.line.number(number);
        }
        self.letter = Some(chosen.0);
    }

    /// Characters that it would take, about: what stands in front may need one more.
    fn cost(&self, letter: char, numbers: &[String]) -> usize {
        let mut line = Line::default();
        if self.letter != Some(letter) {
            line.letter(letter);
        }
        for number in numbers {
            line.number(number);
        }
        line.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn short(data: &str) -> String {
        shorten(data, Decimals::for_step(0.01)).unwrap()
    }

    #[test]
    fn paths_are_written_short() {
        assert_eq!(short("M 10,20 L 30,20 L 30,40 L 10 40 Z"), "m10 20h20v20H10z");
        assert_eq!(short("M0 0 L1.5,1.5 L2,2.25"), "m0 0 1.5 1.5.5.75");
        assert_eq!(short("M0,0 C 1,1 2,1 3,0 C 4,-1 5,-1 6,0"), "m0 0c1 1 2 1 3 0s2-1 3 0");
        assert_eq!(short("M5 5A2 3 0 0 1 7.004 8.999"), "m5 5a2 3 0 0 1 2 4");
        assert_eq!(short("m1 1 2 3zm1 1"), "m1 1 2 3zm1 1");
        assert_eq!(short(""), "");
    }

    #[test]
    fn what_is_broken_or_would_change_its_kind_stays() {
        let decimals = Decimals::for_step(0.01);
        for data in ["M0 0 L x", "L1 1", "M1e300 0", "M0 0A.001 1 0 0 1 5 5", "M0 0A1 1 0 1 1 .001 0"] {
            assert_eq!(shorten(data, decimals), None, "{data}");
        }
    }

    /// Every point that a path names, absolute: ends and control points, those of smooth segments included.
    fn points(data: &str) -> Vec<(f64, f64)> {
        let (mut at, mut start, mut control, mut all) = ((0.0, 0.0), (0.0, 0.0), None, Vec::new());
        for segment in PathParser::from(data) {
            let segment = segment.unwrap();
            let add = |x: f64, y: f64| if segment.is_abs() { (x, y) } else { (at.0 + x, at.1 + y) };
            let mirror =
                |control: Option<(f64, f64)>| control.map_or(at, |c| (2.0 * at.0 - c.0, 2.0 * at.1 - c.1));
            let (named, next): (Vec<_>, _) = match segment {
                PathSegment::MoveTo { x, y, .. } => {
                    start = add(x, y);
                    (vec![start], None)
                }
                PathSegment::LineTo { x, y, .. } => (vec![add(x, y)], None),
                PathSegment::HorizontalLineTo { x, .. } => (vec![(add(x, 0.0).0, at.1)], None),
                PathSegment::VerticalLineTo { y, .. } => (vec![(at.0, add(0.0, y).1)], None),
                PathSegment::CurveTo { x1, y1, x2, y2, x, y, .. } => {
                    (vec![add(x1, y1), add(x2, y2), add(x, y)], Some(add(x2, y2)))
                }
                PathSegment::SmoothCurveTo { x2, y2, x, y, .. } => {
                    (vec![mirror(control), add(x2, y2), add(x, y)], Some(add(x2, y2)))
                }
                PathSegment::ClosePath { .. } => (vec![start], None),
                _ => unreachable!("not made here"),
            };
            at = *named.last().unwrap();
            control = next;
            all.extend(named);
        }
        all
    }

    fn segment() -> impl Strategy<Value = String> {
        let n = || -200.0_f64..200.0;
        prop_oneof![
            (any::<bool>(), n(), n())
                .prop_map(|(abs, x, y)| format!("{}{x} {y}", if abs { 'L' } else { 'l' })),
            (any::<bool>(), n()).prop_map(|(abs, x)| format!("{}{x}", if abs { 'H' } else { 'h' })),
            (any::<bool>(), n()).prop_map(|(abs, y)| format!("{}{y}", if abs { 'V' } else { 'v' })),
            (any::<bool>(), [n(), n(), n(), n(), n(), n()]).prop_map(|(abs, [a, b, c, d, e, f])| format!(
                "{}{a} {b} {c} {d} {e} {f}",
                if abs { 'C' } else { 'c' }
            )),
            (any::<bool>(), n(), n(), n(), n())
                .prop_map(|(abs, a, b, c, d)| format!("{}{a} {b} {c} {d}", if abs { 'S' } else { 's' })),
            (any::<bool>(), n(), n())
                .prop_map(|(abs, x, y)| format!("{}{x} {y}", if abs { 'M' } else { 'm' })),
            Just("z".to_owned()),
        ]
    }

    proptest! {
        #[test]
        fn no_point_moves_further_than_half_a_step_however_long_the_path(
            segments in proptest::collection::vec(segment(), 0..60),
        ) {
            let data = format!("M1 2{}", segments.join(""));
            let short = shorten(&data, Decimals::for_step(0.01)).unwrap();
            let (before, after) = (points(&data), points(&short));
            prop_assert_eq!(before.len(), after.len(), "{} {}", data, short);
            for ((x, y), (new_x, new_y)) in before.into_iter().zip(after) {
                // A mirrored control point moves by twice its own and twice the end's step at most.
                prop_assert!((x - new_x).abs() <= 0.02 && (y - new_y).abs() <= 0.02, "{} {}", data, short);
            }
            let again = shorten(&short, Decimals::for_step(0.01)).unwrap();
            prop_assert_eq!(again, short);
        }
    }
}
