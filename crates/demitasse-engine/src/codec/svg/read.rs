//! Reads a file into a tree, and leaves out what may not be in it: a drawing is safe from here on.
//!
//! Sources: SVG 2; XML 1.0; XML namespaces 1.0.

use resvg::usvg::roxmltree;
use roxmltree::{Document, NodeType, ParsingOptions};

use super::bounds::{self, MAX_DEPTH, MAX_NODES};
use super::nested;
use super::sanitize::{self, Cause, Link, Removed, css};
use super::tree::{Attribute, Element, Node, Space};
use crate::{Error, Format, Result};

pub(crate) const SVG: &str = "http://www.w3.org/2000/svg";
pub(crate) const XLINK: &str = "http://www.w3.org/1999/xlink";
const XML: &str = "http://www.w3.org/XML/1998/namespace";
const XHTML: &str = "http://www.w3.org/1999/xhtml";
/// Namespaces in which metadata say who holds the rights, and the prefixes that they get here.
pub(crate) const RDF_PREFIXES: [(&str, &str); 3] = [
    ("rdf", "http://www.w3.org/1999/02/22-rdf-syntax-ns#"),
    ("dc", "http://purl.org/dc/elements/1.1/"),
    ("cc", "http://creativecommons.org/ns#"),
];

/// A file that was read.
#[derive(Debug, Default)]
pub(crate) struct Drawing {
    pub root: Element,
    /// What was left out because it could do harm.
    pub removed: Removed,
    /// What lies beside the picture.
    pub beside: Beside,
}

/// What lies beside the picture, and in how many bytes.
#[derive(Debug, Default)]
pub(crate) struct Beside {
    /// Comments and processing instructions.
    pub comments: u64,
    /// An editor's own elements and attributes.
    pub editor: u64,
    /// The element `metadata`.
    pub metadata: u64,
    /// The same as a tree, of RDF's, Dublin Core's and Creative Commons' names.
    pub rdf: Option<Element>,
}

/// Reads a file. `level` counts the drawings that it is inside of.
///
/// # Errors
/// `Malformed`; `Unsupported` for what is not UTF-8 or not a drawing; `LimitExceeded`.
///
/// Cost: linear in the bytes, some ten times of them in memory.
pub(crate) fn read(bytes: &[u8], level: u32) -> Result<Drawing> {
    let text = text(bytes)?;
    bounds::check_text(text)?;
    let options = ParsingOptions { allow_dtd: true, nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|error| match error {
        roxmltree::Error::NodesLimitReached => Error::LimitExceeded {
            limit: "nodes",
            actual: u64::from(MAX_NODES) + 1,
            allowed: MAX_NODES.into(),
        },
        error => Error::malformed(Format::Svg, error),
    })?;
    let root = document.root_element();
    if root.tag_name().name() != "svg" || !is_own(root) {
        return Err(Error::Unsupported("the file is XML, but no SVG drawing".into()));
    }
    let mut reader = Reader { drawing: Drawing::default(), level };
    if bounds::has_entities_outside(text) {
        reader.drawing.removed.add(Cause::Reference, 1);
    }
    for node in document.root().children().filter(|node| !node.is_element()) {
        reader.aside(node);
    }
    reader.drawing.root = reader.element(root, 0)?;
    bounds::check(&reader.drawing.root)?;
    Ok(reader.drawing)
}

/// The text of a file, without its byte order mark.
///
/// # Errors
/// `Unsupported` for anything but UTF-8.
pub(crate) fn text(bytes: &[u8]) -> Result<&str> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        Error::Unsupported(format!("an SVG drawing must be UTF-8 text, and it is not: {error}"))
    })
}

/// Whether an element is SVG's. Files without any namespace are taken as drawings.
fn is_own(node: roxmltree::Node<'_, '_>) -> bool {
    matches!(node.tag_name().namespace(), None | Some(SVG))
}

struct Reader {
    drawing: Drawing,
    level: u32,
}

impl Reader {
    fn element(&mut self, node: roxmltree::Node<'_, '_>, depth: u32) -> Result<Element> {
        if depth > MAX_DEPTH {
            return Err(Error::LimitExceeded {
                limit: "levels",
                actual: depth.into(),
                allowed: MAX_DEPTH.into(),
            });
        }
        let name = node.tag_name().name();
        let mut element = Element { name: name.to_owned(), ..Element::default() };
        for attribute in node.attributes() {
            element.attributes.extend(self.attribute(name, attribute)?);
        }
        for child in node.children() {
            match child.node_type() {
                NodeType::Element => element.children.extend(self.child(child, depth)?.map(Node::Element)),
                NodeType::Text => {
                    let text = child.text().unwrap_or_default();
                    element.children.push(Node::Text(text.to_owned()));
                }
                _ => self.aside(child),
            }
        }
        if name == "style" {
            self.style_sheet(&mut element);
        }
        Ok(element)
    }

    /// An element below another, if it may be there.
    fn child(&mut self, node: roxmltree::Node<'_, '_>, depth: u32) -> Result<Option<Element>> {
        let name = node.tag_name().name();
        let cause = match name {
            _ if name.eq_ignore_ascii_case("script") => Cause::Script,
            "handler" | "listener" => Cause::Handler,
            "foreignObject" => Cause::Foreign,
            _ if node.tag_name().namespace() == Some(XHTML) => Cause::Foreign,
            "cursor" | "color-profile" | "font-face-uri" => Cause::Reference,
            _ if !is_own(node) => {
                self.drawing.beside.editor += node.range().len() as u64;
                return Ok(None);
            }
            "metadata" => {
                self.metadata(node);
                return Ok(None);
            }
            _ if !sanitize::is_allowed(name) => Cause::Unknown,
            _ => {
                let element = self.element(node, depth + 1)?;
                if !sanitize::is_forbidden_animation(name, &element.attributes) {
                    return Ok(Some(element));
                }
                Cause::Handler
            }
        };
        self.drawing.removed.add(cause, 1);
        Ok(None)
    }

    fn attribute(&mut self, element: &str, node: roxmltree::Attribute<'_, '_>) -> Result<Option<Attribute>> {
        let space = match node.namespace() {
            None | Some(SVG) => Space::Own,
            Some(XLINK) => Space::Xlink,
            Some(XML) => Space::Xml,
            Some(_) => {
                self.drawing.beside.editor += node.range().len() as u64;
                return Ok(None);
            }
        };
        let (name, value) = (node.name().to_owned(), node.value().to_owned());
        let mut attribute = Attribute { space, name, value };
        if attribute.is_link() {
            return self.link(element, attribute);
        }
        // What XLink says beside that was for programs of its time.
        if space == Space::Xlink && attribute.name != "title" {
            return Ok(None);
        }
        if attribute.is("style") {
            let (style, removed) = css::clean_declarations(&attribute.value);
            self.drawing.removed.add(Cause::Reference, removed);
            attribute.value = style;
        }
        if let Some(cause) = sanitize::forbidden(&attribute) {
            self.drawing.removed.add(cause, 1);
            return Ok(None);
        }
        Ok(Some(attribute))
    }

    fn link(&mut self, element: &str, attribute: Attribute) -> Result<Option<Attribute>> {
        Ok(match sanitize::judge(element, &attribute.value) {
            Link::Keep => Some(attribute),
            Link::Remove => {
                self.drawing.removed.add(Cause::Reference, 1);
                None
            }
            Link::Drawing => match nested::make_safe(&attribute.value, self.level)? {
                Some((value, removed)) => {
                    self.drawing.removed.extend(&removed);
                    Some(Attribute { value, ..attribute })
                }
                None => {
                    self.drawing.removed.add(Cause::Foreign, 1);
                    None
                }
            },
        })
    }

    fn style_sheet(&mut self, element: &mut Element) {
        let text: String = element
            .children
            .iter()
            .filter_map(|child| match child {
                Node::Text(text) => Some(text.as_str()),
                Node::Element(_) => None,
            })
            .collect();
        let (sheet, removed) = css::clean_sheet(&text);
        self.drawing.removed.add(Cause::Reference, removed);
        element.children = if sheet.is_empty() { Vec::new() } else { vec![Node::Text(sheet)] };
    }

    /// What is no element and no text.
    fn aside(&mut self, node: roxmltree::Node<'_, '_>) {
        let is_sheet = node.pi().is_some_and(|instruction| instruction.target == "xml-stylesheet");
        if is_sheet {
            self.drawing.removed.add(Cause::Reference, 1);
        } else {
            self.drawing.beside.comments += node.range().len() as u64;
        }
    }

    fn metadata(&mut self, node: roxmltree::Node<'_, '_>) {
        self.drawing.beside.metadata += node.range().len() as u64;
        let rdf = rdf(node, 0);
        let known = self
            .drawing
            .beside
            .rdf
            .get_or_insert_with(|| Element { name: "metadata".into(), ..Element::default() });
        known.children.extend(rdf.children);
    }
}

/// An element of metadata, with what is below in the namespaces that are known.
fn rdf(node: roxmltree::Node<'_, '_>, depth: u32) -> Element {
    let mut element = Element { name: prefixed(node.tag_name()).unwrap_or_default(), ..Element::default() };
    for attribute in node.attributes() {
        let namespace = attribute.namespace().and_then(|namespace| prefix(namespace));
        if let Some(prefix) = namespace {
            let (name, value) = (format!("{prefix}:{}", attribute.name()), attribute.value().to_owned());
            element.attributes.push(Attribute { space: Space::Prefixed, name, value });
        }
    }
    for child in node.children().filter(|_| depth < MAX_DEPTH) {
        if let Some(text) = child.text().filter(|text| child.is_text() && !text.trim().is_empty()) {
            element.children.push(Node::Text(text.trim().to_owned()));
        } else if child.is_element() && prefixed(child.tag_name()).is_some() {
            element.children.push(Node::Element(rdf(child, depth + 1)));
        }
    }
    element
}

fn prefix(namespace: &str) -> Option<&'static str> {
    // Older writers of Creative Commons' metadata.
    let namespace = if namespace == "http://web.resource.org/cc/" { RDF_PREFIXES[2].1 } else { namespace };
    RDF_PREFIXES.iter().find(|(_, known)| *known == namespace).map(|(prefix, _)| *prefix)
}

fn prefixed(name: roxmltree::ExpandedName<'_, '_>) -> Option<String> {
    let prefix = prefix(name.namespace()?)?;
    Some(format!("{prefix}:{}", name.name()))
}
