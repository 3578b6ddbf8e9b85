//! Another size, as typed.

use std::str::FromStr;

use demitasse_engine::{Resize, ResizeMethod};

/// At most one way to another size.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Size")]
pub(super) struct SizeArgs {
    /// Fit inside WIDTHxHEIGHT, as --fit; with one side (800x, x600) as --scale
    ///
    /// The proportions stay. An image is never made larger than it is without --enlarge.
    #[arg(long, value_name = "SIZE", group = "size")]
    resize: Option<Sides>,

    /// To a width (800x) or a height (x600); the other side follows
    #[arg(long, value_name = "SIDE", group = "size", value_parser = one_side)]
    scale: Option<Sides>,

    /// Whole, inside WIDTHxHEIGHT
    #[arg(long, value_name = "SIZE", group = "size", value_parser = both_sides)]
    fit: Option<Sides>,

    /// Fill WIDTHxHEIGHT exactly; what stands over is cut off on both sides alike
    #[arg(long, value_name = "SIZE", group = "size", value_parser = both_sides)]
    cover: Option<Sides>,

    /// Fill WIDTHxHEIGHT exactly; the cut is placed where it keeps the most detail
    #[arg(long, value_name = "SIZE", group = "size", value_parser = both_sides)]
    thumb: Option<Sides>,

    /// Let a small image become larger
    #[arg(long, requires = "size")]
    enlarge: bool,
}

impl SizeArgs {
    /// What the engine is asked for.
    pub(super) fn resize(&self) -> Option<Resize> {
        let method = |sides: Option<Sides>, method| sides.map(|sides| (method, sides));
        let as_sides_say = self.resize.map(|sides| match sides {
            Sides { width: Some(_), height: Some(_) } => (ResizeMethod::Fit, sides),
            _ => (ResizeMethod::Scale, sides),
        });
        let (method, Sides { width, height }) = as_sides_say
            .or(method(self.scale, ResizeMethod::Scale))
            .or(method(self.fit, ResizeMethod::Fit))
            .or(method(self.cover, ResizeMethod::Cover))
            .or(method(self.thumb, ResizeMethod::Thumb))?;
        Some(Resize { method, width, height, enlarge: self.enlarge })
    }
}

/// One side, or both, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sides {
    width: Option<u32>,
    height: Option<u32>,
}

/// `800x600`, `800x`, `x600`; a lone `800` is a width.
impl FromStr for Sides {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (width, height) = text.split_once(['x', 'X', '×']).unwrap_or((text, ""));
        let side = |text: &str| match text {
            "" => Ok(None),
            text => text.parse::<u32>().ok().filter(|side| *side > 0).map(Some).ok_or(NO_SIZE),
        };
        match (side(width)?, side(height)?) {
            (None, None) => Err(NO_SIZE),
            (width, height) => Ok(Self { width, height }),
        }
    }
}

const NO_SIZE: &str = "a size is WIDTHxHEIGHT, WIDTHx or xHEIGHT, in pixels: 800x600, 800x, x600";

fn one_side(text: &str) -> Result<Sides, &'static str> {
    match text.parse::<Sides>()? {
        Sides { width: Some(_), height: Some(_) } => {
            Err("give a width (800x) or a height (x600); --fit, --cover and --thumb take both")
        }
        sides => Ok(sides),
    }
}

fn both_sides(text: &str) -> Result<Sides, &'static str> {
    match text.parse::<Sides>()? {
        sides @ Sides { width: Some(_), height: Some(_) } => Ok(sides),
        _ => Err("give width and height, as in 800x600; --scale takes one of them"),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Typed {
        #[command(flatten)]
        size: SizeArgs,
    }

    fn resize(line: &str) -> Result<Option<Resize>, String> {
        let words = ["compress"].into_iter().chain(line.split_whitespace());
        Typed::try_parse_from(words).map(|typed| typed.size.resize()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_size_is_read_as_it_is_typed_elsewhere() {
        use ResizeMethod::{Cover, Fit, Scale, Thumb};
        for (line, method, width, height, enlarge) in [
            ("--resize 800x600", Fit, Some(800), Some(600), false),
            ("--resize 800", Scale, Some(800), None, false),
            ("--resize x600", Scale, None, Some(600), false),
            ("--scale 800x --enlarge", Scale, Some(800), None, true),
            ("--fit 800X600", Fit, Some(800), Some(600), false),
            ("--cover 800x600", Cover, Some(800), Some(600), false),
            ("--thumb 200×200", Thumb, Some(200), Some(200), false),
        ] {
            assert_eq!(resize(line), Ok(Some(Resize { method, width, height, enlarge })), "{line}");
        }
        assert_eq!(resize(""), Ok(None));
    }

    #[test]
    fn what_is_no_size_is_refused_with_the_way_to_say_it() {
        for (line, hint) in [
            ("--resize 0x600", "800x600"),
            ("--resize x", "800x600"),
            ("--resize 50%", "800x600"),
            ("--resize 800x600x2", "800x600"),
            ("--scale 800x600", "--fit"),
            ("--thumb 800", "--scale"),
            ("--fit 8x8 --cover 8x8", "cannot be used with"),
            ("--enlarge", "required"),
        ] {
            let refused = resize(line).unwrap_err();
            assert!(refused.contains(hint), "{line}: {refused}");
        }
    }
}
