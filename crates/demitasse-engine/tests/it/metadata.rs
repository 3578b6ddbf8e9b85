//! What survives of metadata under each policy, as a second reader of EXIF finds it.

use std::io::Cursor;

use demitasse_engine::metadata::Kind;
use demitasse_engine::{
    ColorSpace, Compressed, Control, Format, Limits, MetadataPolicy, Outcome, OutputFormat, PolicyName,
    Request, compress, read_metadata, verify_receipt,
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

/// A TIFF of 320 x 200 as an editor leaves it: turned, with EXIF, a position and rights, and with a maker note on request.
fn camera_tiff(orientation: u16, with_note: bool) -> Vec<u8> {
    let entry = |tag: u16, kind: u16, count: u32, value: u32| {
        [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value.to_le_bytes()].concat()
    };
    let mut out = b"II*\0\0\0\0\0".to_vec();
    let mut add = |bytes: &[u8]| {
        out.resize(out.len().next_multiple_of(2), 0);
        let at = out.len() as u32;
        out.extend(bytes);
        at
    };
    let pixels = photo(320, 200);
    let (strip, bits) = (add(&pixels), add(&[8, 0, 8, 0, 8, 0]));
    let (make, date) = (add(b"Cam & Co\0"), add(b"2026:11:02 10:00:00\0"));
    let (taken, note, owner) =
        (add(b"2026:11:01 09:30:00\0"), add(b"a note of the maker's own"), add(b"Ada Lovelace\0"));
    let exposure = add(&[1_u32.to_le_bytes(), 250_u32.to_le_bytes()].concat());
    let directory = |entries: &[Vec<u8>]| {
        [&(entries.len() as u16).to_le_bytes()[..], &entries.concat(), &[0; 4]].concat()
    };
    let mut private = vec![entry(0x829a, 5, 1, exposure), entry(0x9003, 2, 20, taken)];
    private.extend(with_note.then(|| entry(0x927c, 7, 25, note)));
    let latitude = add(&[DEGREES, 1, 0, 1, 0, 1].map(u32::to_le_bytes).concat());
    let position = add(&directory(&[entry(1, 2, 2, u32::from(b'N')), entry(2, 5, 3, latitude)]));
    let private = add(&directory(&private));
    let main = [
        entry(256, 3, 1, 320),
        entry(257, 3, 1, 200),
        entry(258, 3, 3, bits),
        entry(259, 3, 1, 1),
        entry(262, 3, 1, 2),
        entry(271, 2, 9, make),
        entry(273, 4, 1, strip),
        entry(274, 3, 1, orientation.into()),
        entry(277, 3, 1, 3),
        entry(278, 3, 1, 200),
        entry(279, 4, 1, pixels.len() as u32),
        entry(306, 2, 20, date),
        entry(33_432, 2, 13, owner),
        entry(0x8769, 4, 1, private),
        entry(0x8825, 4, 1, position),
    ];
    let main = add(&directory(&main));
    out[4..8].copy_from_slice(&main.to_le_bytes());
    out
}

#[test]
fn exif_of_a_tiff_goes_into_every_format_as_the_policy_says() {
    let file = camera_tiff(6, true);
    for format in [Format::Jpeg, Format::Png, Format::Webp, Format::Avif] {
        let of = |keep: &str| policy(PolicyName::Web, keep, "").with_format(OutputFormat::of(format));
        let all = [Tag::Make, Tag::DateTimeOriginal, Tag::ExposureTime, Tag::Copyright];
        let with_camera = run(&file, of("camera"));
        let [make, date, exposure, owner] = tags(&with_camera.bytes, all);
        assert_eq!(
            (make.is_some(), date, exposure.is_some(), owner.is_some()),
            (true, None, true, true),
            "{format}"
        );
        let report = &with_camera.report.metadata;
        assert!(
            kinds(&report.kept).contains(&Kind::Exif) && !kinds(&report.kept).contains(&Kind::Time),
            "{report:?}"
        );
        assert_eq!(report.orientation_applied, Some(6));
        let with_dates = run(&file, of("date,gps"));
        let [make, date, exposure, owner] = tags(&with_dates.bytes, all);
        assert_eq!((make, date.is_some(), exposure, owner.is_some()), (None, true, None, true), "{format}");
        let kept = kinds(&with_dates.report.metadata.kept);
        assert!(
            kept.contains(&Kind::Time) && kept.contains(&Kind::Gps) && !kept.contains(&Kind::Exif),
            "{kept:?}"
        );
        let by_default = run(&file, of(""));
        assert_eq!(kinds(&by_default.report.metadata.kept), [Kind::Copyright], "{format}");
        for done in [&with_camera, &by_default] {
            assert!(!has(&done.bytes, &DEGREES.to_le_bytes()) && !has(&done.bytes, &DEGREES.to_be_bytes()));
            assert!(!has(&done.bytes, b"the maker's own"));
        }
        for done in [&with_camera, &with_dates, &by_default] {
            let (limits, control) = (Limits::default(), Control::new());
            let verified = verify_receipt(&done.report, &file, &done.bytes, &limits, &control).unwrap();
            assert!(verified.holds(), "{verified:?}");
        }
    }
}

#[test]
fn an_archive_of_a_tiff_loses_no_maker_note() {
    let archive = |file: &[u8]| {
        let request = policy(PolicyName::Archive, "", "").with_format(OutputFormat::of(Format::Png));
        run(file, request).report
    };
    let (with_note, without) = (archive(&camera_tiff(1, true)), archive(&camera_tiff(1, false)));
    assert_eq!(with_note.outcome, Outcome::KeptOriginal);
    assert_eq!((without.outcome, without.output.format), (Outcome::Compressed, Format::Png));
    assert!(without.metadata.dropped.is_empty(), "{:?}", without.metadata);
}

#[test]
fn rights_that_only_xmp_says_are_kept_and_the_receipt_says_so() {
    let packet = r"<x:xmpmeta><rdf:RDF><rdf:Description><dc:rights>mine</dc:rights></rdf:Description></rdf:RDF></x:xmpmeta>";
    let chunk = [b"XML:com.adobe.xmp\0\0\0\0\0", packet.as_bytes()].concat();
    let file = with_chunks(&png(320, 200, png::ColorType::Rgb, &photo(320, 200)), &[(b"iTXt", &chunk)]);
    for format in [Format::Png, Format::Jpeg, Format::Webp] {
        let done = run(&file, Request::default().with_format(OutputFormat::of(format)));
        assert_eq!(kinds(&done.report.metadata.kept), [Kind::Copyright], "{format}");
        assert_eq!(kinds(&done.report.metadata.dropped), [Kind::Xmp], "{format}");
        let (limits, control) = (Limits::default(), Control::new());
        let verified = verify_receipt(&done.report, &file, &done.bytes, &limits, &control).unwrap();
        assert!(verified.holds(), "{verified:?}");
    }
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
fn colours_are_converted_on_request_alone() {
    let wide = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let jpeg = with_segment(&camera_jpeg(1), 0xe2, &[b"ICC_PROFILE\0\x01\x01".as_slice(), &wide].concat());
    for format in [Format::Jpeg, Format::Png, Format::Webp, Format::Avif] {
        let request =
            Request::default().with_color_space(ColorSpace::Srgb).with_format(OutputFormat::of(format));
        let done = run(&jpeg, request);
        assert_eq!(done.report.outcome, Outcome::Compressed, "{format}");
        assert_eq!(read_metadata(&done.bytes, &Limits::default()).unwrap().icc, None, "{format}");
        assert!(kinds(&done.report.metadata.dropped).contains(&Kind::Icc), "{:?}", done.report.metadata);
        let found =
            verify_receipt(&done.report, &jpeg, &done.bytes, &Limits::default(), &Control::new()).unwrap();
        assert!(found.holds(), "{format}: {found:?}");
    }
    // What is sRGB already is not larger for it.
    let plain = run(&camera_jpeg(1), Request::default().with_color_space(ColorSpace::Srgb));
    assert_eq!(plain.bytes, run(&camera_jpeg(1), Request::default()).bytes);
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

/// A photo with a gain map behind it, led to by XMP, an index and ISO's segment; and the gain map.
fn with_gain_map(orientation: u16, more: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let describes =
        [b"http://ns.adobe.com/xap/1.0/\0".as_slice(), b"http://ns.adobe.com/hdr-gain-map/1.0/", more]
            .concat();
    let map = with_segment(&camera_jpeg(1)[..], 0xe1, &describes);
    let map = if more.is_empty() { without_exif(&map) } else { map };
    let xmp = format!(
        r#"<x:xmpmeta><rdf:RDF><rdf:Description xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0">
        <Container:Directory><Container:Item Item:Semantic="GainMap" Item:Length="{}"/></Container:Directory>
        </rdf:Description></rdf:RDF></x:xmpmeta>"#,
        map.len()
    );
    let head = without_exif(&camera_jpeg(1));
    let head = with_segment(&head, 0xe1, &[b"http://ns.adobe.com/xap/1.0/\0", xmp.as_bytes()].concat());
    let head = with_segment(&head, 0xe1, &[b"Exif\0\0".as_slice(), &camera_block(orientation)].concat());
    let head = with_segment(&head, 0xe2, b"urn:iso:std:iso:ts:21496:-1\0\0\0\0\0");
    // The index: one field, the table of two pictures behind it. It is the first segment: 2 of SOI, 4 of marker and length, 4 of MPF.
    let mut index = b"MM\0*\0\0\0\x08\0\x01\xb0\x02\0\x07\0\0\0\x20\0\0\0\x1a\0\0\0\0".to_vec();
    let first = head.len() + 8 + index.len() + 32;
    for (attribute, length, offset) in [(0x0003_0000_u32, first, 0), (0, map.len(), first - 10)] {
        index.extend(attribute.to_be_bytes());
        index.extend([length as u32, offset as u32].map(u32::to_be_bytes).concat());
        index.extend([0; 4]);
    }
    (
        with_segment(&head, 0xe2, &[b"MPF\0".as_slice(), &index].concat())
            .into_iter()
            .chain(map.clone())
            .collect(),
        map,
    )
}

/// Cuts out the segments of EXIF and XMP that [`camera_jpeg`] has.
fn without_exif(jpeg: &[u8]) -> Vec<u8> {
    let mut out = jpeg.to_vec();
    while let Some(at) = out.windows(6).position(|window| window == b"Exif\0\0") {
        let length = usize::from(u16::from_be_bytes([out[at - 2], out[at - 1]]));
        out.drain(at - 4..at - 2 + length);
    }
    while let Some(at) = out.windows(XMP.len()).position(|window| window == XMP.as_bytes()) {
        out.drain(at - 33..at + XMP.len());
    }
    out
}

/// The picture that the index of a file leads to.
fn second_picture(file: &[u8]) -> &[u8] {
    let index = file.windows(8).position(|window| window == b"MPF\0MM\0*").unwrap() + 4;
    let number = |at: usize| u32::from_be_bytes(file[index + at..][..4].try_into().unwrap()) as usize;
    let (first, length, offset) = (number(0x1a + 4), number(0x2a + 4), number(0x2a + 8));
    assert_eq!(first, index + offset, "the first picture ends where the second begins");
    &file[index + offset..][..length]
}

#[test]
fn a_gain_map_is_carried_on_request_and_without_loss() {
    let (file, map) = with_gain_map(1, b"");
    assert_eq!(second_picture(&file), map);
    for request in [
        policy(PolicyName::Web, "gain_map", ""),
        policy(PolicyName::Archive, "", ""),
        Request::new(demitasse_engine::Target::Lossless),
    ] {
        let done = run(&file, request);
        // Without loss there may be nothing to gain; what is private goes all the same.
        let is_lossy = request.target != demitasse_engine::Target::Lossless;
        assert!(done.report.outcome == Outcome::Compressed || !is_lossy, "{:?}", done.report);
        assert!(kinds(&done.report.metadata.kept).contains(&Kind::GainMap));
        assert_eq!(second_picture(&done.bytes), map);
        let length = format!("Item:Length=\"{}\"", map.len());
        assert!(has(&done.bytes, length.as_bytes()) && has(&done.bytes, b"iso:ts:21496"));
        let again = run(&done.bytes, request);
        assert_eq!(again.bytes, done.bytes);
    }
    let dropped = run(&file, Request::default());
    assert!(kinds(&dropped.report.metadata.dropped).contains(&Kind::GainMap));
    assert!(!has(&dropped.bytes, b"hdr-gain-map") && !has(&dropped.bytes, b"MPF"));
    assert!(dropped.report.warnings.iter().any(|warning| warning.code == "gain_map_dropped"));
}

#[test]
fn a_gain_map_that_would_not_fit_its_picture_is_not_carried() {
    // The pixels are turned; the map would have to be turned too.
    let (turned, _) = with_gain_map(6, b"");
    assert_eq!(run(&turned, policy(PolicyName::Archive, "", "")).bytes, turned);
    // Into a format without room for it nothing is made.
    let (file, _) = with_gain_map(1, b"");
    let request = policy(PolicyName::Web, "gain_map", "").with_format(OutputFormat::of(Format::Webp));
    assert_eq!(run(&file, request).report.outcome, Outcome::KeptOriginal);
    // One that says where it was taken is carried into an archive only.
    let (private, map) = with_gain_map(1, b" GPS ");
    let done = run(&private, policy(PolicyName::Web, "gain_map", ""));
    assert!(!has(&done.bytes, b"GPS "), "{:?}", done.report);
    assert_eq!(second_picture(&run(&private, policy(PolicyName::Archive, "", "")).bytes), map);
}
