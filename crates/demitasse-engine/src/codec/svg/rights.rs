//! Who holds the rights, as drawings say it: RDF with Dublin Core's and Creative Commons' names, in the element `metadata`.
//!
//! Sources: ccREL; what Inkscape writes.

use super::tree::{Attribute, Element, Node, Space};
use super::write::write;
use crate::metadata::Rights;

/// Longest notice, in bytes.
const MAX_BYTES: usize = 4096;

/// Reads `dc:rights` or, where there is none, the address of `cc:license`; and `dc:creator`.
pub(crate) fn of(metadata: &Element) -> Rights {
    let license = |element: &Element| {
        let resource = element.attributes.iter().find(|attribute| attribute.name == "rdf:resource");
        resource.map(|attribute| attribute.value.clone())
    };
    let notice = find(metadata, "dc:rights").map(words).filter(|words| !words.is_empty());
    let notice = notice.or_else(|| find(metadata, "cc:license").and_then(license));
    let artist = find(metadata, "dc:creator").map(words).filter(|words| !words.is_empty());
    Rights { copyright: notice.map(cut), artist: artist.map(cut) }
}

fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MAX_BYTES));
    text
}

fn find<'e>(element: &'e Element, name: &str) -> Option<&'e Element> {
    element.elements().find_map(|child| if child.name == name { Some(child) } else { find(child, name) })
}

/// All text inside.
fn words(element: &Element) -> String {
    let mut words = Vec::new();
    collect(element, &mut words);
    words.join(", ")
}

fn collect(element: &Element, words: &mut Vec<String>) {
    for child in &element.children {
        match child {
            Node::Text(text) => words.push(text.trim().to_owned()),
            Node::Element(child) => collect(child, words),
        }
    }
}

/// The same rights, and nothing else.
pub(crate) fn write_rights(rights: &Rights) -> Element {
    let text = |name: &str, text: &str| {
        Node::Element(Element {
            name: name.into(),
            attributes: Vec::new(),
            children: vec![Node::Text(text.to_owned())],
        })
    };
    let about = Attribute { space: Space::Prefixed, name: "rdf:about".into(), value: String::new() };
    let mut work = Element { name: "cc:Work".into(), attributes: vec![about], children: Vec::new() };
    work.children.extend(rights.copyright.as_deref().map(|notice| text("dc:rights", notice)));
    work.children.extend(rights.artist.as_deref().map(|artist| text("dc:creator", artist)));
    let inside = |name: &str, child: Element| Element {
        name: name.into(),
        attributes: Vec::new(),
        children: vec![Node::Element(child)],
    };
    inside("metadata", inside("rdf:RDF", work))
}

/// Bytes that they take in a file.
pub(crate) fn bytes(rights: &Rights) -> u64 {
    let empty = write(&Element { name: "svg".into(), ..Element::default() }, None).len();
    let root = Element { name: "svg".into(), ..Element::default() };
    (write(&root, Some(&write_rights(rights))).len() - empty) as u64
}
