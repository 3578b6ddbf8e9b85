//! What of a packet survives: it is copied, less the properties of kinds that go.
//!
//! Prefixes are taken literally, as in the reading of rights: every writer of XMP uses those of its specification.

use quick_xml::events::{BytesStart, BytesText, Event};
use quick_xml::{Reader, Writer};

use super::MAX_BYTES;

/// Kinds of properties that survive; the orientation never does where pixels are upright.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Keep {
    /// Who holds the rights.
    pub rights: bool,
    /// When.
    pub time: bool,
    /// Where.
    pub gps: bool,
    /// With what.
    pub camera: bool,
    /// How to turn the pixels.
    pub orientation: bool,
    /// Small pictures of it.
    pub thumbnail: bool,
    /// What leads to a gain map behind the picture.
    pub gain_map: bool,
}

impl Keep {
    fn drops(self, name: &str) -> bool {
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        match (prefix, local) {
            ("dc", "rights" | "creator") | ("xmpRights", _) => !self.rights,
            ("xmp", "CreateDate" | "ModifyDate" | "MetadataDate")
            | ("exif", "DateTimeOriginal" | "DateTimeDigitized")
            | ("photoshop", "DateCreated")
            | ("tiff", "DateTime") => !self.time,
            ("Iptc4xmpExt", "LocationCreated" | "LocationShown") => !self.gps,
            ("exif" | "exifEX", local) if local.starts_with("GPS") => !self.gps,
            ("tiff", "Orientation") => !self.orientation,
            ("tiff", "Make" | "Model" | "Software") | ("aux" | "exif" | "exifEX" | "crs", _) => !self.camera,
            ("xmp", "Thumbnails") | ("xmpGImg", _) => !self.thumbnail,
            // They point at bytes that are no longer there: a second part of the packet, pictures behind the first.
            ("xmpNote", "HasExtendedXMP") | ("GCamera", _) => true,
            ("hdrgm" | "GContainer" | "Container" | "Item", _) => !self.gain_map,
            _ => false,
        }
    }
}

/// A packet that leads to a gain map of `bytes` behind the picture, and says nothing else. Source: Ultra HDR 1.1.
pub(crate) fn of_gain_map(bytes: usize) -> Vec<u8> {
    let item = |more: &str| {
        format!(
            r#"<rdf:li rdf:parseType="Resource"><Container:Item Item:Mime="image/jpeg" Item:Semantic={more}/></rdf:li>"#
        )
    };
    let items = [item(r#""Primary""#), item(&format!(r#""GainMap" Item:Length="{bytes}""#))].concat();
    let names = concat!(
        r#"xmlns:Container="http://ns.google.com/photos/1.0/container/" "#,
        r#"xmlns:Item="http://ns.google.com/photos/1.0/container/item/" "#,
        r#"xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0""#
    );
    [
        r#"<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">"#,
        &format!("<rdf:Description {names}><Container:Directory><rdf:Seq>{items}</rdf:Seq>"),
        "</Container:Directory></rdf:Description></rdf:RDF></x:xmpmeta>",
    ]
    .concat()
    .into_bytes()
}

/// The packet less what `keep` does not name, and less the blanks that writers leave for editors at its end; `None` for one that
/// is no XML, not UTF-8 or above 4 MB.
///
/// Cost: linear.
pub(crate) fn select(packet: &[u8], keep: Keep) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(packet).ok().filter(|text| text.len() <= MAX_BYTES)?;
    let mut reader = Reader::from_str(text);
    let mut writer = Writer::new(Vec::with_capacity(packet.len()));
    loop {
        let event = match reader.read_event().ok()? {
            Event::Eof => break,
            Event::Start(element) if keep.drops(element.name().as_ref()) => {
                reader.read_to_end(element.name()).ok()?;
                continue;
            }
            Event::Empty(element) if keep.drops(element.name().as_ref()) => continue,
            Event::Start(element) => Event::Start(without_attributes(element, keep)?),
            Event::Empty(element) => Event::Empty(without_attributes(element, keep)?),
            Event::Text(text) if text.len() > 2 && text.trim_ascii().is_empty() => {
                Event::Text(BytesText::new("\n"))
            }
            // It could name entities that make the packet as long as it likes.
            Event::DocType(_) => return None,
            event => event,
        };
        writer.write_event(event).ok()?;
    }
    let selected = writer.into_inner();
    (!selected.is_empty()).then_some(selected)
}

fn without_attributes(element: BytesStart<'_>, keep: Keep) -> Option<BytesStart<'_>> {
    let attributes: Result<Vec<_>, _> = element.attributes().with_checks(false).collect();
    let attributes = attributes.ok()?;
    let stays = |name: &str| !keep.drops(name);
    if attributes.iter().all(|attribute| stays(attribute.key.as_ref())) {
        return Some(element.into_owned());
    }
    let mut kept = BytesStart::new(element.name().as_ref().to_owned());
    attributes
        .into_iter()
        .filter(|attribute| stays(attribute.key.as_ref()))
        .for_each(|attribute| kept.push_attribute(attribute));
    Some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKET: &str = concat!(
        r#"<?xpacket begin="" id="x"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF>"#,
        r#"<rdf:Description rdf:about="" exif:GPSLatitude="1,2N" tiff:Make="Cam &amp; Co" tiff:Orientation="6" xmp:Rating="5">"#,
        r#"<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">&#169; Ana &amp; Bo</rdf:li></rdf:Alt></dc:rights>"#,
        r#"<Iptc4xmpExt:LocationShown><rdf:Bag><rdf:li exif:GPSLongitude="3"/></rdf:Bag></Iptc4xmpExt:LocationShown>"#,
        r#"<xmp:CreateDate>2026-01-02</xmp:CreateDate><exif:GPSAltitude>7</exif:GPSAltitude>"#,
        "<dc:title>Caf\u{e9} &lt;3</dc:title></rdf:Description></rdf:RDF></x:xmpmeta>",
        "          \n          <?xpacket end=\"w\"?>"
    );

    fn selected(keep: Keep) -> String {
        String::from_utf8(select(PACKET.as_bytes(), keep).unwrap()).unwrap()
    }

    #[test]
    fn each_kind_goes_by_itself_and_the_rest_stays() {
        let all = Keep {
            rights: true,
            time: true,
            gps: true,
            camera: true,
            orientation: true,
            thumbnail: true,
            gain_map: true,
        };
        let words = [
            ("\u{e9} &lt;3", all),
            ("dc:rights", Keep { rights: false, ..all }),
            ("xmp:CreateDate", Keep { time: false, ..all }),
            ("GPS", Keep { gps: false, ..all }),
            ("tiff:Make", Keep { camera: false, ..all }),
            ("tiff:Orientation", Keep { orientation: false, ..all }),
        ];
        for (place, (word, keep)) in words.into_iter().enumerate() {
            let left = selected(keep);
            assert_eq!(left.contains(word), place == 0, "{word}: {left}");
            assert!(left.contains("xmp:Rating=\"5\"") && left.contains("Caf\u{e9} &lt;3"), "{left}");
        }
        assert!(selected(all).contains("Cam &amp; Co"));
    }

    #[test]
    fn what_is_left_says_the_same_rights() {
        let left = selected(Keep { rights: true, ..Keep::default() });
        assert_eq!(super::super::read_rights(left.as_bytes()), super::super::read_rights(PACKET.as_bytes()));
        assert!(left.len() < PACKET.len() / 2 + 120 && left.ends_with("\n<?xpacket end=\"w\"?>"), "{left}");
    }

    #[test]
    fn what_is_no_packet_goes_whole() {
        for packet in [&b"\xFF\xFE"[..], b"<!DOCTYPE r [<!ENTITY a \"b\">]><r/>", b"", b"<a></b>"] {
            assert_eq!(select(packet, Keep::default()), None);
        }
        for length in 0..PACKET.len() {
            select(&PACKET.as_bytes()[..length], Keep::default());
        }
    }
}
