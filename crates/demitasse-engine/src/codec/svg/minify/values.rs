//! Values of attributes and of style properties: numbers, lists, transforms, colours, each written short.

use std::fmt::Write as _;
use std::str::FromStr;

use svgtypes::{Color, Length, LengthUnit, TransformListParser, TransformListToken};

use super::numbers::{Decimals, Line, rounded, rounded_list};
use super::path;

/// The decimals that a place in a drawing needs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fineness {
    /// For coordinates and lengths.
    pub lengths: Decimals,
    /// For shares of a whole: opacities, places in a gradient, factors.
    pub shares: Decimals,
}

/// A shorter way to write the value of an attribute of a shape; `None` if there is none, or it is not known what it means.
pub(crate) fn shorten(name: &str, value: &str, fineness: Fineness) -> Option<String> {
    let short = match name {
        "d" => path::shorten(value, fineness.lengths),
        "points" | "stroke-dasharray" => rounded_list(value, fineness.lengths),
        "x" | "y" | "width" | "height" | "cx" | "cy" | "r" | "rx" | "ry" | "x1" | "y1" | "x2" | "y2"
        | "fx" | "fy" | "fr" | "stroke-width" | "stroke-dashoffset" => length(value, fineness.lengths),
        "opacity" | "fill-opacity" | "stroke-opacity" | "stop-opacity" | "flood-opacity" | "offset"
        | "stroke-miterlimit" => length(value, fineness.shares),
        "transform" | "gradientTransform" | "patternTransform" => transforms(value, fineness),
        "fill" | "stroke" | "stop-color" | "flood-color" | "lighting-color" | "color" => color(value),
        _ => None,
    };
    short.filter(|short| short.len() < value.len())
}

/// A number without a unit, or of pixels, which is the same.
fn length(value: &str, decimals: Decimals) -> Option<String> {
    let Length { number, unit } = Length::from_str(value.trim()).ok()?;
    matches!(unit, LengthUnit::None | LengthUnit::Px).then(|| rounded(number, decimals))?
}

/// Hexadecimal digits, three where they say as much as six; or `red`, which is shorter.
fn color(value: &str) -> Option<String> {
    let value = value.trim();
    if value.eq_ignore_ascii_case("transparent") {
        return None;
    }
    let Color { red, green, blue, alpha } = Color::from_str(value).ok()?;
    if alpha != 255 {
        return None;
    }
    let doubled = [red, green, blue].iter().all(|channel| channel >> 4 == channel & 15);
    Some(match (red, green, blue) {
        (255, 0, 0) => "red".into(),
        _ if doubled => format!("#{:x}{:x}{:x}", red & 15, green & 15, blue & 15),
        _ => format!("#{red:02x}{green:02x}{blue:02x}"),
    })
}

/// A list of transforms; each stays what it is.
fn transforms(value: &str, fineness: Fineness) -> Option<String> {
    let mut out = String::new();
    for token in TransformListParser::from(value) {
        let token = token.ok()?;
        let (name, numbers, lengths): (_, Vec<f64>, _) = match token {
            TransformListToken::Matrix { a, b, c, d, e, f } => ("matrix", vec![a, b, c, d, e, f], 4..6),
            TransformListToken::Translate { tx, ty: 0.0 } => ("translate", vec![tx], 0..1),
            TransformListToken::Translate { tx, ty } => ("translate", vec![tx, ty], 0..2),
            TransformListToken::Scale { sx, sy } if sx == sy => ("scale", vec![sx], 0..0),
            TransformListToken::Scale { sx, sy } => ("scale", vec![sx, sy], 0..0),
            TransformListToken::Rotate { angle } => ("rotate", vec![angle], 0..0),
            TransformListToken::SkewX { angle } => ("skewX", vec![angle], 0..0),
            TransformListToken::SkewY { angle } => ("skewY", vec![angle], 0..0),
        };
        let mut line = Line::default();
        for (at, number) in numbers.into_iter().enumerate() {
            // A factor works on coordinates as large as the drawing.
            let decimals = if lengths.contains(&at) { fineness.lengths } else { fineness.shares.finer(2) };
            line.number(&rounded(number, decimals)?);
        }
        write!(out, "{name}({})", line.finish()).ok()?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short(name: &str, value: &str) -> Option<String> {
        let fineness = Fineness { lengths: Decimals::for_step(0.01), shares: Decimals::for_step(0.0001) };
        shorten(name, value, fineness)
    }

    #[test]
    fn values_are_written_short() {
        for (name, value, expected) in [
            ("fill", "#FFFFFF", "#fff"),
            ("fill", "rgb(18, 52, 86)", "#123456"),
            ("stroke", "#ff0000", "red"),
            ("fill", "white", "#fff"),
            ("x", "12.3456px", "12.35"),
            ("opacity", "0.50", ".5"),
            ("points", "0,0 10,0 10,10", "0 0 10 0 10 10"),
            ("transform", "translate(3.000, 0) scale(2 2)", "translate(3)scale(2)"),
            ("transform", "matrix(1,0,0,1,-5.0001,7)", "matrix(1 0 0 1-5 7)"),
        ] {
            let found = short(name, value).unwrap_or_else(|| value.to_owned());
            assert!(found == expected || found.len() == expected.len(), "{name}: {found} {expected}");
        }
    }

    #[test]
    fn what_is_no_plain_value_stays() {
        for (name, value) in [
            ("fill", "url(#a)"),
            ("fill", "currentColor"),
            ("fill", "freeze"),
            ("fill", "none"),
            ("fill", "rgba(0,0,0,.5)"),
            ("width", "100%"),
            ("width", "3.50000mm"),
            ("stroke-dasharray", "none"),
            ("transform", "var(--a)"),
            ("class", "1.000000"),
        ] {
            assert_eq!(short(name, value), None, "{name}={value}");
        }
    }
}
