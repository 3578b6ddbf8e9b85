//! Files that the engine writes.

use demitasse_engine::{
    Control, Effort, Format, Limits, MetadataPolicy, OutputFormat, PolicyName, Quality, Request, Resize,
    ResizeMethod, Target, compress, inspect,
};

use super::super::blocks::{XMP, camera, matrix_profile, resources};
use super::tiny_png;

/// The same picture in another format, with all its metadata. A still one gets another size: it could not be kept then, however few
/// bytes it has.
fn made(bytes: &[u8], format: Format, effort: Effort) -> Vec<u8> {
    let is_animated = inspect(bytes, &Limits::default()).unwrap().animated;
    let resize = Resize { method: ResizeMethod::Scale, width: Some(24), height: None, enlarge: true };
    let request = Request {
        resize: (!is_animated).then_some(resize),
        ..Request::new(Target::Quality { quality: Quality(70.0) })
            .with_format(OutputFormat::of(format))
            .with_metadata(MetadataPolicy { keep: everything(), ..MetadataPolicy::new(PolicyName::Web) })
            .with_effort(effort)
    };
    let made = compress(bytes, &request, &Limits::default(), &Control::new()).unwrap();
    assert_eq!(made.report.output.format, format, "{:?}", made.report.reason);
    made.bytes
}

fn everything() -> demitasse_engine::KindSet {
    "copyright,date,gps,camera,xmp,iptc,comment".parse().unwrap()
}

pub(super) fn as_jpeg(bytes: &[u8], is_fast: bool) -> Vec<u8> {
    made(bytes, Format::Jpeg, if is_fast { Effort::Fast } else { Effort::Balanced })
}

pub(super) fn as_webp(bytes: &[u8], is_fast: bool) -> Vec<u8> {
    made(bytes, Format::Webp, if is_fast { Effort::Fast } else { Effort::Balanced })
}

pub(super) fn as_avif(bytes: &[u8]) -> Vec<u8> {
    made(bytes, Format::Avif, Effort::Fast)
}

/// A JPEG with every block that a camera or an editor puts before the picture.
pub(super) fn camera_jpeg() -> Vec<u8> {
    let jpeg = as_jpeg(&tiny_png(), true);
    let segment = |marker: u8, name: &[u8], data: &[u8]| {
        let length = ((2 + name.len() + data.len()) as u16).to_be_bytes();
        [&[0xff, marker], &length[..], name, data].concat()
    };
    let segments = [
        segment(0xe1, b"Exif\0\0", &camera()),
        segment(0xe1, b"http://ns.adobe.com/xap/1.0/\0", XMP.as_bytes()),
        segment(0xe2, b"ICC_PROFILE\0\x01\x01", &matrix_profile(b"RGB ")),
        segment(0xed, b"Photoshop 3.0\0", &resources()),
        segment(0xfe, b"", b"a comment"),
    ];
    [&jpeg[..2], &segments.concat(), &jpeg[2..]].concat()
}
