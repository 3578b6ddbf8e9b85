//! SVG: what comes out is safe, whatever went in.

use demitasse_engine::{Control, Format, Request, Sniffed, Target, compress, sniff, verify_receipt};
use quick_xml::events::{BytesStart, Event};

use super::{LIMITS, unless_refused};

/// Elements that run, hold or fetch something.
const ELEMENTS: [&str; 8] =
    ["script", "foreignobject", "iframe", "object", "embed", "handler", "link", "font-face-uri"];
/// What an address must not begin with, wherever it stands.
const SCHEMES: [&str; 4] = ["javascript:", "vbscript:", "data:text", "file:"];

/// A drawing comes out without what could do harm, its receipt is true, and there is nothing more to be left out of it.
pub(super) fn svg(bytes: &[u8]) {
    if sniff(bytes) != Sniffed::Known(Format::Svg) {
        return;
    }
    let (request, control) = (Request::new(Target::Lossless), Control::new());
    let Some(done) = unless_refused(compress(bytes, &request, &LIMITS, &control)) else { return };
    is_safe(&done.bytes);
    if let Some(verified) =
        unless_refused(verify_receipt(&done.report, bytes, &done.bytes, &LIMITS, &control))
    {
        assert!(verified.holds(), "{verified:?}");
    }
    if let Some(again) = unless_refused(compress(&done.bytes, &request, &LIMITS, &control)) {
        let more = again.report.warnings.iter().find(|warning| warning.code == "sanitized");
        assert!(more.is_none(), "{more:?}");
    }
}

/// Looks by a parser that the engine does not read drawings with.
fn is_safe(bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).unwrap();
    let mut reader = quick_xml::Reader::from_str(text);
    loop {
        match reader.read_event().unwrap() {
            Event::Start(element) | Event::Empty(element) => is_safe_element(&element),
            Event::PI(instruction) => assert!(!instruction.starts_with("xml-stylesheet"), "{instruction:?}"),
            Event::Eof => return,
            _ => {}
        }
    }
}

fn is_safe_element(element: &BytesStart<'_>) {
    let name = local(element.name().as_ref()).to_ascii_lowercase();
    assert!(!ELEMENTS.contains(&name.as_str()), "<{name}>");
    for attribute in element.attributes().with_checks(false) {
        let attribute = attribute.unwrap();
        let key = local(attribute.key.as_ref()).to_ascii_lowercase();
        assert!(!key.starts_with("on"), "{key} of <{name}>");
        if key == "href" || key == "src" {
            let value = quick_xml::escape::unescape(&attribute.value).unwrap_or_default();
            let kept: String = value.chars().filter(|c| *c > ' ').collect();
            let address = kept.to_ascii_lowercase();
            assert!(!SCHEMES.iter().any(|scheme| address.starts_with(scheme)), "{address} of <{name}>");
            let is_here =
                address.is_empty() || address.starts_with(['#']) || address.starts_with("data:image/");
            assert!(name == "a" || is_here, "{address} of <{name}>");
        }
    }
}

fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or_default()
}
