//! The size of a drawing, from its first element: nothing behind that is looked at.
//!
//! Source: SVG 2, sections 8.2 and 8.12; CSS Values 4, section 6.2 (96 pixels an inch), for what has no size: CSS 2.2, section 10.3.2.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::str::FromStr;
use svgtypes::{Length, LengthUnit, ViewBox};

use super::read::{SVG, text};
use crate::{Error, Format, Result};

/// What viewers take where nothing is said, in pixels.
pub(crate) const DEFAULT: (f64, f64) = (300.0, 150.0);

/// Width and height in CSS pixels, rounded, at least 1.
///
/// # Errors
/// `Unsupported` for what is no drawing; `Malformed`.
///
/// Cost: linear in what is before the end of the first element.
pub(crate) fn read_size(bytes: &[u8]) -> Result<(u32, u32)> {
    let text = text(bytes)?;
    let mut reader = Reader::from_str(text);
    loop {
        match reader.read_event() {
            Ok(Event::Start(element) | Event::Empty(element)) => return size(&element),
            Ok(Event::Eof) => return Err(Error::malformed(Format::Svg, "there is no element in it")),
            Ok(_) => {}
            Err(error) => return Err(Error::malformed(Format::Svg, error)),
        }
    }
}

fn size(element: &BytesStart<'_>) -> Result<(u32, u32)> {
    let name = element.name();
    let (prefix, local) =
        name.as_ref().split_once(':').map_or(("", name.as_ref()), |(prefix, local)| (prefix, local));
    let declaration = if prefix.is_empty() { "xmlns".to_owned() } else { format!("xmlns:{prefix}") };
    let mut found: [Option<String>; 4] = Default::default();
    for attribute in element.attributes().with_checks(false).flatten() {
        let at = match attribute.key.as_ref() {
            "width" => 0,
            "height" => 1,
            "viewBox" => 2,
            key if key == declaration => 3,
            _ => continue,
        };
        found[at] = Some(attribute.value.into_owned());
    }
    let [width, height, view_box, namespace] = found;
    // An address behind an entity is looked at when the file is read.
    let is_other = namespace.is_some_and(|namespace| namespace != SVG && !namespace.contains('&'));
    if local != "svg" || is_other {
        return Err(Error::Unsupported("the file is XML, but no SVG drawing".into()));
    }
    let view_box = view_box.and_then(|value| ViewBox::from_str(&value).ok());
    let [width, height] = [width, height].map(|value| value.as_deref().and_then(pixels));
    let ratio = view_box.map(|view_box| view_box.w / view_box.h);
    let (width, height) = match (width, height, ratio) {
        (Some(width), Some(height), _) => (width, height),
        (Some(width), None, Some(ratio)) => (width, width / ratio),
        (None, Some(height), Some(ratio)) => (height * ratio, height),
        (width, height, None) => (width.unwrap_or(DEFAULT.0), height.unwrap_or(DEFAULT.1)),
        (None, None, Some(_)) => view_box.map_or(DEFAULT, |view_box| (view_box.w, view_box.h)),
    };
    if !(width > 0.0 && height > 0.0) {
        return Err(Error::malformed(Format::Svg, "its width or its height is 0"));
    }
    Ok((whole(width), whole(height)))
}

fn whole(side: f64) -> u32 {
    side.round().clamp(1.0, f64::from(u32::MAX)) as u32
}

/// A length in CSS pixels; `None` for what depends on where it is shown.
fn pixels(value: &str) -> Option<f64> {
    let Length { number, unit } = Length::from_str(value.trim()).ok()?;
    let factor = match unit {
        LengthUnit::None | LengthUnit::Px => 1.0,
        LengthUnit::In => 96.0,
        LengthUnit::Cm => 96.0 / 2.54,
        LengthUnit::Mm => 96.0 / 25.4,
        LengthUnit::Pt => 96.0 / 72.0,
        LengthUnit::Pc => 16.0,
        LengthUnit::Em => 16.0,
        LengthUnit::Ex => 8.0,
        LengthUnit::Percent => return None,
    };
    Some(number * factor).filter(|pixels| pixels.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(attributes: &str) -> Result<(u32, u32)> {
        read_size(
            format!("<?xml version='1.0'?><!DOCTYPE svg><!-- <svg> --><svg xmlns='{SVG}' {attributes}/>")
                .as_bytes(),
        )
    }

    #[test]
    fn the_size_is_what_viewers_take() {
        assert_eq!(of("width='20' height='10px'").unwrap(), (20, 10));
        assert_eq!(of("width='1in' height='25.4mm'").unwrap(), (96, 96));
        assert_eq!(of("viewBox='0 0 24 12'").unwrap(), (24, 12));
        assert_eq!(of("width='100%' height='100%' viewBox='5,5 24 12'").unwrap(), (24, 12));
        assert_eq!(of("width='48' viewBox='0 0 24 12'").unwrap(), (48, 24));
        assert_eq!(of("height='48' viewBox='0 0 24 12'").unwrap(), (96, 48));
        assert_eq!(of("").unwrap(), (300, 150));
        assert_eq!(of("width='0.2' height='1e30'").unwrap(), (1, u32::MAX));
    }

    #[test]
    fn what_is_no_drawing_is_refused() {
        for text in
            ["<html><svg/></html>", "<svg xmlns='http://www.w3.org/1999/xhtml'/>", "<a:svg xmlns:a='b'/>"]
        {
            assert_eq!(read_size(text.as_bytes()).unwrap_err().code(), "unsupported", "{text}");
        }
        assert_eq!(of("width='0' height='5'").unwrap_err().code(), "malformed");
        assert_eq!(of("width='-3' height='5'").unwrap_err().code(), "malformed");
        assert_eq!(read_size(b"<!-- <svg").unwrap_err().code(), "malformed");
        assert_eq!(read_size(b"<svg \xff\xfe").unwrap_err().code(), "unsupported");
        assert!(read_size(format!("<s:svg xmlns:s='{SVG}'/>").as_bytes()).is_ok());
    }
}
