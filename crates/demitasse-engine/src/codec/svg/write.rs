//! Writes a tree as XML.

use super::read::{RDF_PREFIXES, SVG, XLINK};
use super::tree::{Attribute, Element, Node, Space};

/// The file, without a declaration: UTF-8 is what XML is without one. `metadata` goes before everything else.
pub(crate) fn write(root: &Element, metadata: Option<&Element>) -> Vec<u8> {
    let mut out = String::from("<svg xmlns=\"");
    out.push_str(SVG);
    out.push('"');
    if root.any(&|element| element.attributes.iter().any(|attribute| attribute.space == Space::Xlink)) {
        out.push_str(" xmlns:xlink=\"");
        out.push_str(XLINK);
        out.push('"');
    }
    write_rest(&mut out, root, metadata);
    out.into_bytes()
}

/// Everything behind the name.
fn write_rest(out: &mut String, element: &Element, metadata: Option<&Element>) {
    for attribute in &element.attributes {
        write_attribute(out, attribute);
    }
    if element.children.is_empty() && metadata.is_none() {
        out.push_str("/>");
        return;
    }
    out.push('>');
    if let Some(metadata) = metadata {
        out.push_str("<metadata");
        for (prefix, namespace) in RDF_PREFIXES {
            out.push_str(&format!(" xmlns:{prefix}=\"{namespace}\""));
        }
        write_rest(out, metadata, None);
    }
    for child in &element.children {
        match child {
            Node::Text(text) => escape(out, text, false),
            Node::Element(child) => {
                out.push('<');
                out.push_str(&child.name);
                write_rest(out, child, None);
            }
        }
    }
    out.push_str("</");
    out.push_str(&element.name);
    out.push('>');
}

fn write_attribute(out: &mut String, attribute: &Attribute) {
    out.push(' ');
    match attribute.space {
        Space::Own | Space::Prefixed => {}
        Space::Xlink => out.push_str("xlink:"),
        Space::Xml => out.push_str("xml:"),
    }
    out.push_str(&attribute.name);
    out.push_str("=\"");
    escape(out, &attribute.value, true);
    out.push('"');
}

/// XML 1.0, sections 2.4 and 3.3.3: in an attribute, line breaks and tabs would be read as spaces.
fn escape(out: &mut String, text: &str, is_attribute: bool) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' if !is_attribute => out.push_str("&gt;"),
            '"' if is_attribute => out.push_str("&quot;"),
            '\n' if is_attribute => out.push_str("&#10;"),
            '\t' if is_attribute => out.push_str("&#9;"),
            '\r' => out.push_str("&#13;"),
            other => out.push(other),
        }
    }
}
