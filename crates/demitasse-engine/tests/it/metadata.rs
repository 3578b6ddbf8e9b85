//! What survives of metadata under each policy, as a second reader of EXIF finds it.

use std::io::Cursor;

use demitasse_engine::metadata::Kind;
use demitasse_engine::{
    Compressed, Control, Format, Limits, MetadataPolicy, Outcome, OutputFormat, PolicyName, Request,
    compress, read_metadata,
};
use exif::{Field, In, Tag, Value};

use crate::images::{photo, png, with_chunks, with_segment};

const XMP: &str = concat!(
    r#"<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description xmp:Rating="4" exif:GPSLatitude="47,1N">"#,
    r"<dc:title>Lake</dc:title></rdf:Description></rdf:RDF></x:xmpmeta>"
);
/// Place of the picture, in degrees; no other bytes of the files are these.
const DEGREES: u32 = 0x2f61_7b35;

/// A block as a camera writes it: turned, with a maker note, a position and a thumbnail.
fn camera_block(orientation: u16) -> Vec<u8> {
    let text = |text: &str| Value::Ascii(vec![text.as_bytes().to_vec()]);
    let field = |tag, ifd_num, value| Field { tag, ifd_num, value };
    let latitude = vec![(DEGREES, 1).into(), (0, 1).into(), (0, 1).into()];
    let fields = [
        field(Tag::Make, In::PRIMARY, text("Cam & Co")),
        field(Tag::Model, In::PRIMARY, text("Twelve")),
        field(Tag::Orientation, In::PRIMARY, Value::Short(vec![orientation])),
        field(Tag::DateTime, In::PRIMARY, text("2026:11:02 10:00:00")),
        field(Tag::Copyright, In::PRIMARY, text("Ada Lovelace")),
        field(Tag::DateTimeOriginal, In::PRIMARY, text("2026:11:01 09:30:00")),
        field(Tag::ExposureTime, In::PRIMARY, Value::Rational(vec![(1, 250).into()])),
        field(Tag::MakerNote, In::PRIMARY, Value::Undefined(b"a note of the maker's own".to_vec(), 0)),
        field(Tag::GPSLatitudeRef, In::PRIMARY, text("N")),
        field(Tag::GPSLatitude, In::PRIMARY, Value::Rational(latitude)),
    ];
    let mut writer = exif::experimental::Writer::new();
    fields.iter().for_each(|field| writer.push_field(field));
    let thumbnail = [b"\xff\xd8", b"thumbnail".repeat(40).as_slice(), b"\xff\xd9"].concat();
    writer.set_jpeg(&thumbnail, In::THUMBNAIL);
    let mut block = Cursor::new(Vec::new());
    writer.write(&mut block, false).unwrap();
    block.into_inner()
}

/// A photo as a camera leaves it, of 320 x 200 stored pixels.
fn camera_jpeg(orientation: u16) -> Vec<u8> {
    let request =
        Request::new(demitasse_engine::Target::Quality { quality: demitasse_engine::Quality(97.0) })
            .with_format(OutputFormat::of(Format::Jpeg));
    let jpeg = run(&png(320, 200, png::ColorType::Rgb, &photo(320, 200)), request).bytes;
    // Without the mark of this engine.
    let at = jpeg.windows(2).position(|pair| pair == [0xff, 0xfe]).unwrap();
    let length = usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
    let jpeg = [&jpeg[..at], &jpeg[at + 2 + length..]].concat();
    let jpeg = with_segment(&jpeg, 0xe1, &[b"http://ns.adobe.com/xap/1.0/\0", XMP.as_bytes()].concat());
    with_segment(&jpeg, 0xe1, &[b"Exif\0\0".as_slice(), &camera_block(orientation)].concat())
}

fn run(bytes: &[u8], request: Request) -> Compressed {
    compress(bytes, &request, &Limits::default(), &Control::new()).unwrap()
}

fn policy(name: PolicyName, keep: &str, drop: &str) -> Request {
    let kinds = |words: &str| if words.is_empty() { Default::default() } else { words.parse().unwrap() };
    Request::default().with_metadata(MetadataPolicy { policy: name, keep: kinds(keep), drop: kinds(drop) })
}

/// What a second reader finds: the words of these tags, in this order.
fn tags<const N: usize>(bytes: &[u8], tags: [Tag; N]) -> [Option<String>; N] {
    let found = exif::Reader::new().read_from_container(&mut Cursor::new(bytes)).ok();
    tags.map(|tag| Some(found.as_ref()?.get_field(tag, In::PRIMARY)?.display_value().to_string()))
}

fn has(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}

fn kinds(items: &[demitasse_engine::report::Item]) -> Vec<Kind> {
    items.iter().map(|item| item.kind).collect()
}

#[test]
fn an_archive_keeps_everything_in_every_format() {
    let jpeg = camera_jpeg(6);
    for format in [Format::Jpeg, Format::Png, Format::Webp, Format::Avif] {
        let request = policy(PolicyName::Archive, "", "").with_format(OutputFormat::of(format));
        // PNG is larger than the photo whatever is done: then the file stays, which keeps everything too.
        let done = run(&jpeg, request);
        assert_eq!((done.report.output.width, done.report.output.height), (200, 320));
        if format != Format::Png {
            assert_eq!(done.report.outcome, Outcome::Compressed, "{format}: {:?}", done.report);
            assert_eq!(tags(&done.bytes, [Tag::Orientation]), [None], "the pixels were turned");
            assert_eq!(kinds(&done.report.metadata.dropped), [Kind::Thumbnail], "{format}");
        }
        let wanted =
            ["\"Cam & Co\"", "2026-11-01 09:30:00", "\"Ada Lovelace\""].map(|word| Some(word.to_owned()));
        assert_eq!(tags(&done.bytes, [Tag::Make, Tag::DateTimeOriginal, Tag::Copyright]), wanted, "{format}");
        assert!(
            has(&done.bytes, b"a note of the maker's own") && has(&done.bytes, &DEGREES.to_be_bytes()),
            "{format}"
        );
        assert!(has(&done.bytes, b"<dc:title>Lake") && has(&done.bytes, b"exif:GPSLatitude"), "{format}");
    }
}

#[test]
fn the_default_keeps_the_rights_alone() {
    let done = run(&camera_jpeg(1), Request::default());
    let wanted = [None, None, Some("\"Ada Lovelace\"".into())];
    assert_eq!(tags(&done.bytes, [Tag::Make, Tag::DateTimeOriginal, Tag::Copyright]), wanted);
    assert_eq!(kinds(&done.report.metadata.kept), [Kind::Copyright]);
    for word in [&b"Lake"[..], b"maker's own", b"2026:11", b"thumbnail", &DEGREES.to_be_bytes()] {
        assert!(!has(&done.bytes, word), "{word:?}");
    }
}

#[test]
fn nothing_is_left_of_a_private_picture() {
    let done = run(&camera_jpeg(6), policy(PolicyName::Private, "", ""));
    assert_eq!((done.report.output.width, done.report.output.height), (200, 320));
    assert!(!has(&done.bytes, b"Ada") && !has(&done.bytes, b"Exif"));
    assert_eq!(kinds(&done.report.metadata.kept), []);
}

#[test]
fn the_camera_is_kept_without_the_place() {
    for (orientation, format) in [(1, Format::Jpeg), (6, Format::Jpeg), (8, Format::Webp), (3, Format::Avif)]
    {
        let request = policy(PolicyName::Web, "camera,xmp", "").with_format(OutputFormat::of(format));
        let done = run(&camera_jpeg(orientation), request);
        let found =
            tags(&done.bytes, [Tag::Model, Tag::ExposureTime, Tag::GPSLatitude, Tag::DateTimeOriginal]);
        assert_eq!(found, [Some("\"Twelve\"".into()), Some("1/250".into()), None, None], "{format}");
        assert!(has(&done.bytes, b"a note of the maker's own") && has(&done.bytes, b"<dc:title>Lake"));
        for word in [&b"GPS"[..], b"2026:11", b"thumbnail", &DEGREES.to_be_bytes()] {
            assert!(!has(&done.bytes, word), "{word:?}");
        }
        assert_eq!(kinds(&done.report.metadata.dropped), [Kind::Gps, Kind::Thumbnail, Kind::Time]);
    }
}

#[test]
fn a_date_and_a_place_are_kept_without_the_camera() {
    let done = run(&camera_jpeg(6), policy(PolicyName::Web, "date,gps", "copyright"));
    let found = tags(&done.bytes, [Tag::DateTimeOriginal, Tag::GPSLatitudeRef, Tag::Model, Tag::Copyright]);
    assert_eq!(found, [Some("2026-11-01 09:30:00".into()), Some("N".into()), None, None]);
    assert!(!has(&done.bytes, b"maker's own") && !has(&done.bytes, b"Ada"));
    assert_eq!(kinds(&done.report.metadata.kept), [Kind::Gps, Kind::Time]);
}

#[test]
fn an_archive_stays_as_it_is_where_something_would_be_lost() {
    let gain_map = with_segment(&camera_jpeg(1), 0xe2, b"urn:iso:std:iso:ts:21496:-1\0\0\0\0\0");
    let done = run(&gain_map, policy(PolicyName::Archive, "", ""));
    assert_eq!(done.bytes, gain_map);
    assert!(done.report.reason.unwrap().detail.contains("gain map"));
    // Under another policy it goes, and the receipt says so.
    let done = run(&gain_map, Request::default());
    assert!(kinds(&done.report.metadata.dropped).contains(&Kind::GainMap));
    // JPEG has room for IPTC, WebP has none.
    let iptc = [b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x09\x1c\x02\x5a\0\x04Bern\0".as_slice()].concat();
    let jpeg = with_segment(&with_segment(&camera_jpeg(1), 0xed, &iptc), 0xfe, b"by the lake");
    let archive = policy(PolicyName::Archive, "", "");
    let same = run(&jpeg, archive);
    assert_eq!(same.report.outcome, Outcome::Compressed);
    assert!(has(&same.bytes, b"\x5a\0\x04Bern") && has(&same.bytes, b"by the lake"));
    assert_eq!(kinds(&same.report.metadata.dropped), []);
    assert_eq!(run(&jpeg, archive.with_format(OutputFormat::of(Format::Webp))).bytes, jpeg);
}

#[test]
fn what_was_named_and_cannot_be_carried_is_said() {
    let jpeg = with_segment(&camera_jpeg(1), 0xfe, b"by the lake");
    let done = run(&jpeg, policy(PolicyName::Web, "comment", "").with_format(OutputFormat::of(Format::Webp)));
    let warning = done.report.warnings.iter().find(|warning| warning.code == "metadata_not_carried").unwrap();
    assert!(warning.detail.contains("comment") && warning.detail.contains("WebP"), "{}", warning.detail);
}

#[test]
fn the_texts_of_a_png_are_kept_on_request() {
    let texts: &[(&[u8; 4], &[u8])] =
        &[(b"tEXt", b"Title\0A lake"), (b"tIME", &[7, 0xea, 11, 1, 9, 30, 0]), (b"tEXt", b"Software\0Paint")];
    let bytes = with_chunks(&png(320, 200, png::ColorType::Rgb, &photo(320, 200)), texts);
    let done = run(&bytes, policy(PolicyName::Archive, "", ""));
    assert_eq!(done.report.outcome, Outcome::Compressed);
    assert_eq!(kinds(&done.report.metadata.dropped), []);
    assert!(has(&done.bytes, b"A lake") && has(&done.bytes, b"Paint") && has(&done.bytes, b"tIME\x07\xea"));
    let asked = run(&bytes, policy(PolicyName::Web, "comment", ""));
    assert!(has(&asked.bytes, b"A lake") && !has(&asked.bytes, b"tIME"));
}

#[test]
fn a_profile_that_says_srgb_takes_as_few_bytes_as_the_format_allows() {
    let long = [moxcms::ColorProfile::new_srgb().encode().unwrap(), vec![0; 3000]].concat();
    let profile = [b"\0\0\x0c\0".as_slice(), &long[4..3072]].concat();
    let jpeg = with_segment(&camera_jpeg(1), 0xe2, &[b"ICC_PROFILE\0\x01\x01".as_slice(), &profile].concat());
    for (format, most) in [(Format::Jpeg, 1000), (Format::Webp, 0), (Format::Avif, 0)] {
        let done = run(&jpeg, Request::default().with_format(OutputFormat::of(format)));
        assert_eq!(done.report.outcome, Outcome::Compressed, "{format}");
        assert!(kinds(&done.report.metadata.kept).contains(&Kind::Icc));
        let left = read_metadata(&done.bytes, &Limits::default()).unwrap().icc.map_or(0, |icc| icc.len());
        assert!(left <= most && (left > 0) == (most > 0), "{format}: {left}");
    }
    // Wide gamut stays as it is.
    let wide = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let jpeg = with_segment(&camera_jpeg(1), 0xe2, &[b"ICC_PROFILE\0\x01\x01".as_slice(), &wide].concat());
    let done = run(&jpeg, Request::default().with_format(OutputFormat::of(Format::Webp)));
    assert_eq!(read_metadata(&done.bytes, &Limits::default()).unwrap().icc, Some(wide));
}

#[test]
fn what_was_kept_goes_through_again_unchanged() {
    for request in [policy(PolicyName::Archive, "", ""), policy(PolicyName::Web, "camera,date,xmp", "")] {
        let once = run(&camera_jpeg(6), request);
        let twice = run(&once.bytes, request);
        assert_eq!(twice.report.outcome, Outcome::KeptOriginal);
        assert_eq!(twice.bytes, once.bytes);
    }
}
