//! Makes a tree smaller that is drawn the same: shorter numbers, colours and paths; what stands for nothing goes.
//!
//! Names stay: other files may use them. Text stays as it is, with every space. Where style sheets choose elements by where they
//! are, elements stay where they are.

pub(crate) mod numbers;
mod path;
mod structure;
mod values;

use std::str::FromStr;

use svgtypes::{TransformListParser, ViewBox};

use self::numbers::Decimals;
use self::values::{Fineness, shorten};
use super::sanitize::css;
use super::tree::{Attribute, Element, Node, Space};

/// The larger side of a drawing whose size is not said, in its own units.
const USUAL_SIDE: f64 = 300.0;

/// How finely a drawing is written: parts of its larger side that a point may be told apart by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Precision(pub f64);

/// A smaller tree.
pub(crate) fn minify(root: &Element, precision: Precision) -> Element {
    let mut root = root.clone();
    let has_sheet = root.any(&|element| element.name == "style" && !element.children.is_empty());
    structure::tidy(&mut root, has_sheet);
    let side = side(&root);
    let place =
        Place { step: side / precision.0, shares: Decimals::for_step(1.0 / precision.0), is_named: false };
    shorten_values(&mut root, place, true);
    root
}

/// The larger side, in the drawing's own units.
fn side(root: &Element) -> f64 {
    let number = |name: &str| {
        root.get(name).and_then(|value| svgtypes::Length::from_str(value).ok()).map(|length| length.number)
    };
    let of_box =
        root.get("viewBox").and_then(|value| ViewBox::from_str(value).ok()).map(|found| found.w.max(found.h));
    let of_size = || Some(number("width")?.max(number("height")?));
    of_box.or_else(of_size).filter(|side| side.is_finite() && *side > 0.0).unwrap_or(USUAL_SIDE)
}

/// What numbers mean at a place in the tree.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// What may be told apart, in units of this place.
    step: f64,
    /// For shares of a whole.
    shares: Decimals,
    /// Whether others may stand for this in a size that is not known here.
    is_named: bool,
}

impl Place {
    fn inside(self, element: &Element) -> Self {
        let factor = element.get("transform").map_or(1.0, magnification);
        let is_named = self.is_named
            || element.get("id").is_some()
            || matches!(
                element.name.as_str(),
                "defs" | "symbol" | "pattern" | "marker" | "clipPath" | "mask" | "filter" | "svg"
            );
        Self { step: self.step / factor.max(1e-9), is_named, ..self }
    }

    fn fineness(self, element: &Element) -> Fineness {
        let is_gradient = matches!(
            element.name.as_str(),
            "linearGradient" | "radialGradient" | "pattern" | "mask" | "clipPath" | "filter"
        );
        let is_of_box =
            is_gradient && !element.attributes.iter().any(|attribute| attribute.value == "userSpaceOnUse");
        let lengths = Decimals::for_step(self.step).finer(u32::from(self.is_named));
        Fineness { lengths: if is_of_box { self.shares.finer(1) } else { lengths }, shares: self.shares }
    }
}

/// How much longer a list of transforms makes a length at most.
fn magnification(value: &str) -> f64 {
    let mut factor = 1.0;
    for token in TransformListParser::from(value).flatten() {
        use svgtypes::TransformListToken as Token;
        factor *= match token {
            Token::Matrix { a, b, c, d, .. } => a.hypot(b).max(c.hypot(d)),
            Token::Scale { sx, sy } => sx.abs().max(sy.abs()),
            Token::SkewX { angle } | Token::SkewY { angle } => 1.0 / angle.to_radians().cos().abs().max(1e-6),
            Token::Translate { .. } | Token::Rotate { .. } => 1.0,
        };
    }
    factor
}

fn shorten_values(element: &mut Element, place: Place, is_root: bool) {
    // What an animation says of values is left alone, and so is where letters stand.
    let is_fixed =
        element.holds_text() || element.name.starts_with("animate") || element.name.starts_with("fe");
    if is_fixed || matches!(element.name.as_str(), "set" | "style") {
        return;
    }
    let inner = if is_root { place } else { place.inside(element) };
    // An element's own transform is told in the units outside of it, its coordinates in those inside.
    let (outside, inside) = (place.fineness(element), inner.fineness(element));
    for attribute in &mut element.attributes {
        let fineness = if attribute.name.ends_with("ransform") { outside } else { inside };
        shorten_attribute(attribute, fineness, is_root);
    }
    for child in &mut element.children {
        if let Node::Element(child) = child {
            shorten_values(child, inner, false);
        }
    }
}

fn shorten_attribute(attribute: &mut Attribute, fineness: Fineness, is_root: bool) {
    if attribute.space != Space::Own {
        return;
    }
    if attribute.is("style") {
        attribute.value =
            css::map_declarations(&attribute.value, |name, value| shorten(name, value, fineness));
    } else if attribute.is("viewBox") || (is_root && matches!(attribute.name.as_str(), "width" | "height")) {
        // The size is what the drawing promises: shorter words for the same number alone.
        let exact = Decimals::for_step(1e-8);
        let short = if attribute.is("viewBox") {
            numbers::rounded_list(&attribute.value, exact)
        } else {
            let exact = Fineness { lengths: exact, shares: exact };
            shorten(&attribute.name, &attribute.value, exact)
        };
        attribute.value = short
            .filter(|short| short.len() < attribute.value.len())
            .unwrap_or_else(|| attribute.value.clone());
    } else if let Some(short) = shorten(&attribute.name, &attribute.value, fineness) {
        attribute.value = short;
    }
}
