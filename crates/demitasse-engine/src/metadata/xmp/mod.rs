//! XMP: an RDF packet. `dc:rights` and `dc:creator` are read; what survives of the rest is copied by its name.
//!
//! Source: ISO 16684-1. The prefix `dc` is taken literally, as every writer of XMP uses it: a table of namespaces would
//! make the cost of a hostile packet quadratic.

mod select;

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesRef, BytesStart, Event};

pub(crate) use self::select::{Keep, of_gain_map, select};
use super::{Rights, text};

/// Longest packet that is read, in bytes: ordinary ones have 2 to 20 KB, edit histories reach hundreds.
const MAX_BYTES: usize = 4_000_000;
/// Creators that are taken over.
const MAX_CREATORS: usize = 16;
/// Longest value, in bytes; the rest is not collected.
const MAX_VALUE_BYTES: usize = 8192;

/// The namespace of gain maps (ISO 21496-1 as Adobe and Google write it).
const GAIN_MAP_NAMESPACE: &[u8] = b"http://ns.adobe.com/hdr-gain-map/1.0/";

/// Reads who holds the rights: `dc:rights` (its default language) and `dc:creator`.
///
/// A packet that is no XML, not UTF-8 or above 4 MB says nothing from where it breaks. Entities of its own are not
/// expanded. Cost: linear.
pub(crate) fn read_rights(packet: &[u8]) -> Rights {
    let Ok(text) = std::str::from_utf8(packet) else { return Rights::default() };
    if text.len() > MAX_BYTES {
        return Rights::default();
    }
    let mut reader = Reader::from_str(text);
    reader.config_mut().allow_dangling_amp = true;
    let mut collector = Collector::default();
    loop {
        match reader.read_event() {
            Ok(Event::Start(element)) => collector.start(&element),
            Ok(Event::Empty(element)) => collector.attributes(&element),
            Ok(Event::End(element)) => collector.end(element.name().as_ref()),
            Ok(Event::Text(text)) => collector.push(&text),
            Ok(Event::CData(text)) => collector.push(&text),
            Ok(Event::GeneralRef(reference)) => collector.reference(&reference),
            Ok(Event::Eof) | Err(_) => return collector.rights(),
            Ok(_) => {}
        }
    }
}

/// Whether the packet describes a gain map.
pub(crate) fn has_gain_map(packet: &[u8]) -> bool {
    packet.windows(GAIN_MAP_NAMESPACE.len()).any(|window| window == GAIN_MAP_NAMESPACE)
}

#[derive(Clone, Copy, PartialEq)]
enum Property {
    Rights,
    Creator,
}

impl Property {
    fn named(name: &str) -> Option<Self> {
        match name {
            "dc:rights" => Some(Self::Rights),
            "dc:creator" => Some(Self::Creator),
            _ => None,
        }
    }
}

/// What was found so far.
#[derive(Default)]
struct Collector {
    inside: Option<Property>,
    value: String,
    is_default_language: bool,
    notice: Option<String>,
    default_notice: Option<String>,
    creators: Vec<String>,
}

impl Collector {
    fn start(&mut self, element: &BytesStart<'_>) {
        let name = element.name();
        if let Some(property) = Property::named(name.as_ref()) {
            self.inside = Some(property);
        } else if self.inside.is_none() {
            self.attributes(element);
        }
        self.value.clear();
        self.is_default_language =
            name.as_ref() == "rdf:li"
                && element.attributes().with_checks(false).flatten().any(|attribute| {
                    attribute.key.as_ref() == "xml:lang" && &*attribute.value == "x-default"
                });
    }

    /// A property without structure may be an attribute of its description.
    fn attributes(&mut self, element: &BytesStart<'_>) {
        if element.name().as_ref() != "rdf:Description" {
            return;
        }
        for attribute in element.attributes().with_checks(false).flatten() {
            let Some(property) = Property::named(attribute.key.as_ref()) else { continue };
            if let Ok(value) = attribute.normalized_value(XmlVersion::Implicit1_0) {
                self.store(property, &value);
            }
        }
    }

    fn push(&mut self, text: &str) {
        let room = MAX_VALUE_BYTES.saturating_sub(self.value.len());
        if self.inside.is_some() && room > 0 {
            self.value.push_str(&text[..text.floor_char_boundary(room)]);
        }
    }

    fn reference(&mut self, reference: &BytesRef<'_>) {
        if let Ok(Some(character)) = reference.resolve_char_ref() {
            self.push(character.encode_utf8(&mut [0; 4]));
        } else if let Some(known) = quick_xml::escape::resolve_xml_entity(reference) {
            self.push(known);
        }
    }

    fn end(&mut self, name: &str) {
        let Some(property) = self.inside else { return };
        let closes = Property::named(name) == Some(property);
        if closes || name == "rdf:li" {
            let value = std::mem::take(&mut self.value);
            self.store(property, &value);
        }
        if closes {
            self.inside = None;
        }
    }

    fn store(&mut self, property: Property, value: &str) {
        let Some(value) = text::clean(value.as_bytes()) else { return };
        match property {
            Property::Creator if self.creators.len() < MAX_CREATORS => self.creators.push(value),
            Property::Creator => {}
            Property::Rights if self.is_default_language => self.default_notice = Some(value),
            Property::Rights => self.notice = self.notice.take().or(Some(value)),
        }
    }

    fn rights(self) -> Rights {
        Rights {
            copyright: self.default_notice.or(self.notice),
            artist: text::clean(self.creators.join(", ").as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKET: &str = r#"<?xpacket begin="" id="x"?><x:xmpmeta xmlns:x="adobe:ns:meta/">
        <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
        <rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmp:Rating="3">
        <dc:title><rdf:Alt><rdf:li xml:lang="x-default">not this</rdf:li></rdf:Alt></dc:title>
        <dc:rights><rdf:Alt><rdf:li xml:lang="de">Rechte</rdf:li>
        <rdf:li xml:lang="x-default">&#169; Ana &amp; Bo</rdf:li></rdf:Alt></dc:rights>
        <dc:creator><rdf:Seq><rdf:li>Ana</rdf:li><rdf:li>Bo</rdf:li></rdf:Seq></dc:creator>
        </rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"#;

    #[test]
    fn rights_are_found_in_their_default_language() {
        let rights = read_rights(PACKET.as_bytes());
        assert_eq!(rights.copyright.as_deref(), Some("© Ana & Bo"));
        assert_eq!(rights.artist.as_deref(), Some("Ana, Bo"));
    }

    #[test]
    fn a_plain_property_may_be_an_attribute_or_text() {
        let packet = r#"<rdf:Description dc:rights="mine &lt;3"/><dc:creator>Ana</dc:creator>"#;
        let rights = read_rights(packet.as_bytes());
        assert_eq!((rights.copyright.as_deref(), rights.artist.as_deref()), (Some("mine <3"), Some("Ana")));
    }

    #[test]
    fn its_own_entities_are_not_expanded() {
        let packet = r#"<!DOCTYPE r [<!ENTITY a "boom"><!ENTITY b "&a;&a;">]><dc:rights>x&b;y</dc:rights>"#;
        assert_eq!(read_rights(packet.as_bytes()).copyright.as_deref(), Some("xy"));
    }

    #[test]
    fn a_cut_packet_never_panics() {
        for length in 0..PACKET.len() {
            read_rights(&PACKET.as_bytes()[..length]);
        }
        assert!(read_rights(b"\xFF\xFE").is_empty());
    }
}
