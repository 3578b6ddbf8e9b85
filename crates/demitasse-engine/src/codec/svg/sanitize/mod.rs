//! What may not be in a drawing that a stranger sends and others look at: programs, what could hold one, and what would be
//! fetched from elsewhere.
//!
//! Elements and schemes are allowed by name: what a browser may learn tomorrow is not in the list.
//! Sources: SVG 2, sections 3.1 (processing modes), 15 (scripting), 16 (linking); SVG 1.1 for what it had more.

pub(crate) mod css;
mod elements;
mod links;

pub(crate) use elements::is_allowed;
pub(crate) use links::{Link, judge};

use super::tree::{Attribute, Space};

/// Why something is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A program, or what can hold one.
    Script,
    /// An attribute that runs a program: `onload` and its like.
    Handler,
    /// HTML and other languages inside of the drawing.
    Foreign,
    /// What would be fetched from elsewhere, or leads to a program.
    Reference,
    /// An element that SVG has not.
    Unknown,
}

/// How much was left out, by cause.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Removed {
    counts: [u32; 5],
}

impl Removed {
    pub(crate) fn add(&mut self, cause: Cause, count: u32) {
        let at = &mut self.counts[cause as usize];
        *at = at.saturating_add(count);
    }

    /// Adds what was found in a drawing inside of this one.
    pub(crate) fn extend(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count = count.saturating_add(more);
        }
    }

    /// For people, such as `2 scripts, 1 event handler`; `None` if nothing was left out.
    pub(crate) fn detail(&self) -> Option<String> {
        const NAMES: [(&str, &str); 5] = [
            ("script", "scripts"),
            ("event handler", "event handlers"),
            ("piece of HTML or other foreign content", "pieces of HTML or other foreign content"),
            ("reference to outside", "references to outside"),
            ("unknown element", "unknown elements"),
        ];
        let counted = self.counts.iter().zip(NAMES).filter(|(count, _)| **count > 0);
        let words: Vec<_> = counted
            .map(|(count, (one, many))| format!("{count} {}", if *count == 1 { one } else { many }))
            .collect();
        (!words.is_empty()).then(|| words.join(", "))
    }
}

/// Why an attribute, which is no link, may not stay; `None` if it may.
pub(crate) fn forbidden(attribute: &Attribute) -> Option<Cause> {
    let name = attribute.name.to_ascii_lowercase();
    match attribute.space {
        Space::Own if name.starts_with("on") => Some(Cause::Handler),
        // Where links begin; where a click is told to; what loads in HTML.
        Space::Own
            if matches!(name.as_str(), "src" | "ping" | "action" | "formaction" | "srcset" | "data") =>
        {
            Some(Cause::Reference)
        }
        Space::Xml if name == "base" => Some(Cause::Reference),
        _ if css::leads_outside(&attribute.value) => Some(Cause::Reference),
        _ => None,
    }
}

/// Whether an animation changes what may not be changed: a link could become a program while it is looked at.
pub(crate) fn is_forbidden_animation(element: &str, attributes: &[Attribute]) -> bool {
    let animates =
        matches!(element, "animate" | "set" | "animateTransform" | "animateMotion" | "animateColor");
    animates
        && attributes.iter().filter(|attribute| attribute.is("attributeName")).any(|attribute| {
            let name = attribute.value.trim().to_ascii_lowercase();
            let local = name.rsplit(':').next().unwrap_or_default();
            local.starts_with("on") || matches!(local, "href" | "src" | "base" | "style")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(name: &str, value: &str) -> Attribute {
        Attribute { space: Space::Own, name: name.into(), value: value.into() }
    }

    #[test]
    fn handlers_are_found_however_they_are_written() {
        for name in ["onload", "ONLOAD", "onClick", "onbegin"] {
            assert_eq!(forbidden(&own(name, "x")), Some(Cause::Handler));
        }
        assert_eq!(forbidden(&own("opacity", "1")), None);
    }

    #[test]
    fn a_colour_may_be_a_gradient_of_this_drawing_and_none_of_another() {
        assert_eq!(forbidden(&own("fill", "url(#a)")), None);
        assert_eq!(forbidden(&own("fill", "url(other.svg#a)")), Some(Cause::Reference));
    }

    #[test]
    fn an_animation_may_not_change_a_link() {
        assert!(is_forbidden_animation("set", &[own("attributeName", " xlink:HREF ")]));
        assert!(is_forbidden_animation("animate", &[own("attributeName", "onclick")]));
        assert!(!is_forbidden_animation("animate", &[own("attributeName", "opacity")]));
        assert!(!is_forbidden_animation("rect", &[own("attributeName", "href")]));
    }

    #[test]
    fn what_was_left_out_is_counted_in_words() {
        let mut removed = Removed::default();
        assert_eq!(removed.detail(), None);
        removed.add(Cause::Script, 2);
        removed.add(Cause::Reference, 1);
        assert_eq!(removed.detail().unwrap(), "2 scripts, 1 reference to outside");
    }
}
