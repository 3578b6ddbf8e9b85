//! The tree that is changed and written: elements, attributes, text. What it holds is safe: `read` leaves the rest out.

/// Which of the namespaces that are kept an attribute is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Space {
    /// None: SVG's own attributes.
    Own,
    /// `http://www.w3.org/1999/xlink`.
    Xlink,
    /// `http://www.w3.org/XML/1998/namespace`.
    Xml,
    /// Of an element in metadata: the name has its prefix.
    Prefixed,
}

/// An attribute; its value as it is meant, without references.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attribute {
    pub space: Space,
    pub name: String,
    pub value: String,
}

impl Attribute {
    /// Whether it is an attribute of SVG's own by this name.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.space == Space::Own && self.name == name
    }

    /// Whether it names another element or file: in any case, because HTML, into which drawings are put, knows none.
    pub(crate) fn is_link(&self) -> bool {
        matches!(self.space, Space::Own | Space::Xlink) && self.name.eq_ignore_ascii_case("href")
    }
}

/// An element.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Element {
    /// Local name; of one in metadata, with its prefix.
    pub name: String,
    pub attributes: Vec<Attribute>,
    pub children: Vec<Node>,
}

/// What is inside of an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    Element(Element),
    /// As it is meant, without references.
    Text(String),
}

impl Node {
    pub(crate) fn as_element(&self) -> Option<&Element> {
        match self {
            Self::Element(element) => Some(element),
            Self::Text(_) => None,
        }
    }
}

impl Element {
    /// The value of one of SVG's own attributes.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|attribute| attribute.is(name)).map(|attribute| attribute.value.as_str())
    }

    /// The elements right below.
    pub(crate) fn elements(&self) -> impl Iterator<Item = &Element> {
        self.children.iter().filter_map(Node::as_element)
    }

    /// Whether it, or an element below, is as `wanted`.
    pub(crate) fn any(&self, wanted: &dyn Fn(&Element) -> bool) -> bool {
        wanted(self) || self.elements().any(|element| element.any(wanted))
    }

    /// Text in which every space may count: it, and what is below, stays as it is.
    pub(crate) fn holds_text(&self) -> bool {
        matches!(self.name.as_str(), "text" | "tspan" | "textPath" | "tref" | "altGlyph" | "title" | "desc")
    }
}
