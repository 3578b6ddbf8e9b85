//! What stands for nothing: spaces between elements, groups around nothing, attributes that say nothing.

use super::super::tree::{Attribute, Element, Node, Space};

/// Attributes that no viewer looks at any more.
const IDLE: &[&str] =
    &["baseProfile", "contentScriptType", "contentStyleType", "enable-background", "version", "zoomAndPan"];

/// Tidies a tree. With a style sheet, elements stay where they are: it may choose them by that.
pub(crate) fn tidy(root: &mut Element, has_sheet: bool) {
    let has_text = root.any(&|element| element.name == "text");
    tidy_element(root, Rules { has_sheet, has_text }, true);
}

#[derive(Debug, Clone, Copy)]
struct Rules {
    has_sheet: bool,
    /// Whether `xml:space` may mean something.
    has_text: bool,
}

fn tidy_element(element: &mut Element, rules: Rules, is_root: bool) {
    element.attributes.retain(|attribute| !is_idle(attribute, rules, is_root));
    if element.holds_text() {
        return;
    }
    if element.name != "style" {
        element.children.retain(|child| !matches!(child, Node::Text(text) if text.trim().is_empty()));
    }
    let mut children = Vec::with_capacity(element.children.len());
    for child in std::mem::take(&mut element.children) {
        let Node::Element(mut child) = child else {
            children.push(child);
            continue;
        };
        tidy_element(&mut child, rules, false);
        // Where the first of several is shown, a group is one, and what is in it would be many.
        if element.name != "switch" && is_bare(&child, rules) {
            // Of a group that says nothing, what is in it; of an empty one, nothing.
            children.append(&mut child.children);
        } else if !is_empty_sheet(&child) {
            children.push(Node::Element(child));
        }
    }
    element.children = children;
}

fn is_idle(attribute: &Attribute, rules: Rules, is_root: bool) -> bool {
    let is_start = is_root && (attribute.is("x") || attribute.is("y"));
    match attribute.space {
        Space::Own if attribute.value.is_empty() => {
            matches!(attribute.name.as_str(), "style" | "class" | "id" | "transform")
        }
        // Where the outermost drawing is, is for what is around it.
        Space::Own if is_start => matches!(attribute.value.trim(), "0" | "0px" | "0.0"),
        Space::Own => IDLE.contains(&attribute.name.as_str()) && is_root,
        Space::Xml => attribute.name == "space" && !rules.has_text,
        Space::Xlink | Space::Prefixed => false,
    }
}

fn is_bare(element: &Element, rules: Rules) -> bool {
    let is_group = element.name == "g" && element.attributes.is_empty() && !rules.has_sheet;
    let is_alone = !element.children.iter().any(|child| {
        // A title is of the group that it is in; an animation moves it.
        child.as_element().is_some_and(|child| {
            matches!(child.name.as_str(), "title" | "desc" | "set") || child.name.starts_with("animate")
        })
    });
    let is_empty_definitions =
        element.name == "defs" && element.attributes.is_empty() && element.children.is_empty();
    (is_group && is_alone) || is_empty_definitions
}

fn is_empty_sheet(element: &Element) -> bool {
    element.name == "style" && element.children.is_empty()
}
