use tiff::encoder::{Compression, TiffEncoder, colortype};
use tiff::tags::Tag;

use super::*;
use crate::Error;
use crate::codec::testing::*;
use crate::image::{Image, Layout, Samples};
use crate::metadata::{Kind, Orientation, Rights, exif};
use crate::report::Item;

const SHORT: u16 = 3;
const LONG: u16 = 4;
const BYTE: u16 = 1;
const ASCII: u16 = 2;

fn le(values: &[u16]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

type Field = (u16, u16, u32, Vec<u8>);

fn long(tag: u16, value: usize) -> Field {
    (tag, LONG, 1, (value as u32).to_le_bytes().to_vec())
}

/// A little-endian file: pixels, values, and one directory with an entry for each field and for the strip.
fn tiff(width: u16, height: u16, pixels: &[u8], fields: &[Field]) -> Vec<u8> {
    let mut out = b"II*\0\0\0\0\0".to_vec();
    let at = add_image(&mut out, width, height, pixels, fields);
    link(&mut out, 4, at);
    out
}

/// Writes an offset.
fn link(out: &mut [u8], at: usize, to: usize) {
    out[at..at + 4].copy_from_slice(&(to as u32).to_le_bytes());
}

/// Appends what [`tiff`] consists of; where its directory lies. The offset of the next is the last four bytes.
fn add_image(out: &mut Vec<u8>, width: u16, height: u16, pixels: &[u8], fields: &[Field]) -> usize {
    let start = out.len();
    out.extend_from_slice(pixels);
    let mut all = vec![
        (256, SHORT, 1, le(&[width])),
        (257, SHORT, 1, le(&[height])),
        long(273, start),
        (278, SHORT, 1, le(&[height])),
        (279, LONG, 1, (pixels.len() as u32).to_le_bytes().to_vec()),
    ];
    all.extend_from_slice(fields);
    add_directory(out, all)
}

fn add_directory(out: &mut Vec<u8>, mut all: Vec<Field>) -> usize {
    all.sort_by_key(|field| field.0);
    let entries: Vec<_> = all
        .into_iter()
        .map(|(tag, kind, count, mut value)| {
            if value.len() > 4 {
                let at = out.len() as u32;
                out.extend_from_slice(&value);
                value = at.to_le_bytes().to_vec();
            }
            value.resize(4, 0);
            [le(&[tag, kind]), count.to_le_bytes().to_vec(), value].concat()
        })
        .collect();
    let at = out.len();
    out.extend(le(&[entries.len() as u16]));
    out.extend(entries.concat());
    out.extend([0; 4]);
    at
}

/// A file of several pages, which share their directories of private data if they say so.
struct Pages {
    out: Vec<u8>,
    link_at: usize,
}

impl Pages {
    fn new() -> Self {
        Self { out: b"II*\0\0\0\0\0".to_vec(), link_at: 4 }
    }

    fn add(&mut self, pixels: &[u8], fields: &[Field]) {
        let fields = [coding(&[8], 1, None), fields.to_vec()].concat();
        let at = add_image(&mut self.out, pixels.len() as u16, 1, pixels, &fields);
        link(&mut self.out, self.link_at, at);
        self.link_at = self.out.len() - 4;
    }

    /// An image off the chain.
    fn add_sub_image(&mut self, pixels: &[u8], fields: &[Field]) -> usize {
        let fields = [coding(&[8], 1, None), fields.to_vec()].concat();
        add_image(&mut self.out, pixels.len() as u16, 1, pixels, &fields)
    }
}

fn text(tag: u16, text: &str) -> Field {
    (tag, ASCII, text.len() as u32, text.as_bytes().to_vec())
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

fn items(file: &[u8]) -> Vec<Item> {
    Tiff.read_metadata(file, &Limits::default()).unwrap().items
}

fn item_kinds(file: &[u8]) -> Vec<Kind> {
    items(file).iter().map(|item| item.kind).collect()
}

/// What the pages of a file have behind them, and how many pages there are.
fn private_directories(file: &[u8]) -> (usize, usize) {
    let nodes = tree::read(&container::File::open(file).unwrap()).unwrap();
    (nodes.iter().map(|node| node.private.len()).sum(), nodes.len())
}

/// Samples, bits of each, what they mean, and what extra ones are.
fn coding(bits: &[u16], photometric: u16, extra: Option<u16>) -> Vec<Field> {
    let mut fields = vec![
        (258, SHORT, bits.len() as u32, le(bits)),
        (259, SHORT, 1, le(&[1])),
        (262, SHORT, 1, le(&[photometric])),
        (277, SHORT, 1, le(&[bits.len() as u16])),
    ];
    fields.extend(extra.map(|extra| (338, SHORT, 1, le(&[extra]))));
    fields
}

fn private() -> Vec<Field> {
    vec![
        text(271, "CameraMaker\0"),
        text(305, "SomeSoftware\0"),
        text(270, "Description of it\0"),
        text(315, "Ada Lovelace\0"),
        text(33_432, "(c) 2026 Ada\0"),
        (274, SHORT, 1, le(&[6])),
        (700, BYTE, 40, b"<x:xmpmeta>secret packet</x:xmpmeta>    ".to_vec()),
    ]
}

fn by_library<C: colortype::ColorType>(data: &[C::Inner], compression: Compression, size: u32) -> Vec<u8>
where
    [C::Inner]: tiff::encoder::TiffValue,
{
    let mut out = std::io::Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut out).unwrap().with_compression(compression);
    encoder.write_image::<C>(size, size, data).unwrap();
    out.into_inner()
}

#[test]
fn every_compression_decodes_to_the_same_pixels() {
    let image = picture(24, 24, Layout::Rgb, 8);
    let samples = image.samples_u8().unwrap();
    for compression in [
        Compression::Uncompressed,
        Compression::Lzw,
        Compression::Packbits,
        Compression::Deflate(tiff::encoder::DeflateLevel::Fast),
    ] {
        let file = by_library::<colortype::RGB8>(samples, compression, 24);
        assert_eq!(decode(&Tiff, &file), image);
        refuses_every_truncation(&Tiff, &file);
        survives_every_damage(&Tiff, &file);
    }
}

#[test]
fn sixteen_bits_stay() {
    let image = picture(10, 10, Layout::Rgba, 16);
    let Samples::U16(samples) = image.samples() else { panic!() };
    let file = by_library::<colortype::RGBA16>(samples, Compression::Lzw, 10);
    assert_eq!(Tiff.read_header(&file).unwrap().bits, 16);
    assert_eq!(decode(&Tiff, &file), image);
}

#[test]
fn gray_may_begin_at_white_and_have_few_bits() {
    let samples = |bits: u16, photometric, pixels: &[u8]| {
        decode(&Tiff, &tiff(2, 2, pixels, &coding(&[bits], photometric, None))).samples().clone()
    };
    assert_eq!(samples(8, 1, &[0, 1, 2, 255]), Samples::U8(vec![0, 1, 2, 255]));
    assert_eq!(samples(8, 0, &[0, 1, 2, 255]), Samples::U8(vec![255, 254, 253, 0]));
    assert_eq!(samples(1, 1, &[0b0100_0000, 0b1000_0000]), Samples::U8(vec![0, 255, 255, 0]));
    assert_eq!(samples(1, 0, &[0b0100_0000, 0b1000_0000]), Samples::U8(vec![255, 0, 0, 255]));
    assert_eq!(samples(4, 1, &[0x0f, 0x10]), Samples::U8(vec![0, 255, 17, 0]));
    assert_eq!(samples(16, 0, &[0; 8]), Samples::U16(vec![0xffff; 4]));
}

#[test]
fn alpha_is_straight_afterwards() {
    let pixels = [100, 50, 0, 100, 10, 20, 30, 255, 9, 9, 9, 0, 0, 64, 128, 128];
    let decoded = |extra| decode(&Tiff, &tiff(2, 2, &pixels, &coding(&[8; 4], 2, extra)));
    assert_eq!(decoded(Some(2)).samples_u8().unwrap(), pixels);
    let divided = [255, 128, 0, 100, 10, 20, 30, 255, 0, 0, 0, 0, 0, 128, 255, 128];
    assert_eq!(decoded(Some(1)).samples_u8().unwrap(), divided);
    // An extra sample of no known meaning is no alpha.
    assert_eq!(decoded(Some(0)).samples_u8().unwrap()[..6], [100, 50, 0, 10, 20, 30]);
    let gray = decode(&Tiff, &tiff(2, 1, &[7, 255, 8, 128], &coding(&[8; 2], 1, Some(2))));
    assert_eq!((gray.layout, gray.samples_u8().unwrap()), (Layout::GrayAlpha, [7, 255, 8, 128].as_slice()));
}

#[test]
fn palettes_are_looked_up() {
    let mut map = vec![0u16; 3 * 16];
    (map[1], map[16 + 1], map[32 + 1]) = (0xffff, 0x8000, 0x0100);
    let fields = [coding(&[4], 3, None), vec![(320, SHORT, 48, le(&map))]].concat();
    let image = decode(&Tiff, &tiff(2, 1, &[0x10], &fields));
    assert_eq!(image.samples_u8().unwrap(), [255, 128, 1, 0, 0, 0]);
}

#[test]
fn planes_are_put_together() {
    let mut fields = coding(&[8; 3], 2, None);
    fields.push((284, SHORT, 1, le(&[2])));
    let mut file = tiff(2, 1, &[1, 2, 3, 4, 5, 6], &fields);
    // Three strips of two bytes in place of one of six.
    let offsets: Vec<u8> = [8u32, 10, 12].iter().flat_map(|at| at.to_le_bytes()).collect();
    let lengths: Vec<u8> = [2u32; 3].iter().flat_map(|at| at.to_le_bytes()).collect();
    for (tag, value) in [(273u16, offsets), (279, lengths)] {
        let entry = file.windows(4).rposition(|window| window == le(&[tag, LONG])).unwrap();
        let at = file.len() as u32;
        file[entry + 4..entry + 8].copy_from_slice(&3u32.to_le_bytes());
        file[entry + 8..entry + 12].copy_from_slice(&at.to_le_bytes());
        file.extend(value);
    }
    assert_eq!(decode(&Tiff, &file).samples_u8().unwrap(), [1, 3, 5, 2, 4, 6]);
}

#[test]
fn cmyk_is_converted_and_said() {
    let file = tiff(2, 1, &[0, 0, 0, 0, 0, 255, 255, 0], &coding(&[8; 4], 5, None));
    let decoded = Tiff.decode(&file, &Limits::default(), &Control::new()).unwrap();
    assert_eq!(decoded.image.samples_u8().unwrap(), [255, 255, 255, 255, 0, 0]);
    assert_eq!(decoded.warnings[0].code, "cmyk_converted");
}

#[test]
fn what_cannot_be_read_is_refused_in_words() {
    let file = tiff(1, 1, &[50, 0, 0], &coding(&[8; 3], 8, None));
    let error = Tiff.decode(&file, &Limits::default(), &Control::new()).unwrap_err();
    assert!(
        matches!(error, Error::Unsupported(_)) && error.to_string().contains("convert it to RGB"),
        "{error}"
    );
}

#[test]
fn metadata_is_listed_and_stripped_in_place() {
    let pixels: Vec<u8> = (0..48).collect();
    let fields = [coding(&[8; 3], 2, None), private()].concat();
    let file = tiff(4, 4, &pixels, &fields);
    let metadata = Tiff.read_metadata(&file, &Limits::default()).unwrap();
    assert_eq!(metadata.orientation, Orientation::from_exif(6));
    assert_eq!(metadata.rights.artist.as_deref(), Some("Ada Lovelace"));
    let kinds: Vec<_> = metadata.items.iter().map(|item| item.kind).collect();
    assert_eq!(kinds, [Kind::Copyright, Kind::Exif, Kind::Xmp, Kind::Comment]);

    let stripped = Tiff.strip(&file, &Embedded::default()).unwrap();
    assert_eq!(stripped.len(), file.len());
    for secret in ["CameraMaker", "SomeSoftware", "Description", "Lovelace", "2026", "secret"] {
        assert!(!stripped.windows(secret.len()).any(|window| window == secret.as_bytes()), "{secret}");
    }
    let after = Tiff.read_metadata(&stripped, &Limits::default()).unwrap();
    assert_eq!((after.items, after.orientation), (Vec::new(), Orientation::from_exif(6)));
    assert_eq!(decode(&Tiff, &stripped), decode(&Tiff, &file));

    let with_rights = Embedded { exif: exif::write(None, &metadata.rights), ..Embedded::default() };
    let kept = Tiff.strip(&file, &with_rights).unwrap();
    assert_eq!(Tiff.read_metadata(&kept, &Limits::default()).unwrap().rights, metadata.rights);
    survives_every_damage(&Tiff, &file);
}

#[test]
fn a_position_is_overwritten_where_it_lies() {
    let pixels = [1u8, 2, 3];
    let mut file =
        tiff(1, 1, &pixels, &[coding(&[8; 3], 2, None), vec![(34_853, LONG, 1, vec![0; 4])]].concat());
    let at = file.len() as u32;
    let entry = file.windows(4).rposition(|window| window == le(&[34_853, LONG])).unwrap();
    file[entry + 8..entry + 12].copy_from_slice(&at.to_le_bytes());
    // One entry of eight bytes behind the directory.
    file.extend(
        [le(&[1, 2, ASCII]), 8u32.to_le_bytes().to_vec(), (at + 18).to_le_bytes().to_vec(), vec![0; 4]]
            .concat(),
    );
    file.extend(b"SECRETS!");
    assert!(
        Tiff.read_metadata(&file, &Limits::default())
            .unwrap()
            .items
            .iter()
            .any(|item| item.kind == Kind::Gps)
    );
    let stripped = Tiff.strip(&file, &Embedded::default()).unwrap();
    assert!(stripped[at as usize..].iter().all(|&byte| byte == 0));
    assert_eq!(decode(&Tiff, &stripped), decode(&Tiff, &file));
}

#[test]
fn private_data_on_top_of_pixels_do_not_take_them_along() {
    let fields = [coding(&[8; 3], 2, None), vec![(305, ASCII, 12, vec![0; 4])]].concat();
    let mut file = tiff(2, 2, &[9; 12], &fields);
    let entry = file.windows(4).rposition(|window| window == le(&[305, ASCII])).unwrap();
    file[entry + 8..entry + 12].copy_from_slice(&8u32.to_le_bytes());
    let stripped = Tiff.strip(&file, &Embedded::default()).unwrap();
    assert_eq!(decode(&Tiff, &stripped).samples_u8().unwrap(), [9; 12]);
}

#[test]
fn only_the_first_page_is_used_and_that_is_said() {
    let mut out = std::io::Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut out).unwrap();
    encoder.write_image::<colortype::Gray8>(2, 1, &[1, 2]).unwrap();
    let mut second = encoder.new_image::<colortype::Gray8>(1, 1).unwrap();
    second.encoder().write_tag(Tag::Software, "SomeSoftware").unwrap();
    second.write_data(&[3]).unwrap();
    let file = out.into_inner();
    let decoded = Tiff.decode(&file, &Limits::default(), &Control::new()).unwrap();
    assert_eq!(decoded.image, Image::still(2, 1, Layout::Gray, Samples::U8(vec![1, 2]), None));
    assert_eq!(decoded.warnings[0].code, "first_page_only");
    let stripped = Tiff.strip(&file, &Embedded::default()).unwrap();
    assert!(!stripped.windows(12).any(|window| window == b"SomeSoftware"));
    assert_eq!(container::File::open(&stripped).unwrap().pages().unwrap().len(), 2);
}

#[test]
fn directories_in_circles_are_damage() {
    let mut file = tiff(1, 1, &[7], &coding(&[8], 1, None));
    let start: [u8; 4] = file[4..8].try_into().unwrap();
    let end = file.len();
    file[end - 4..].copy_from_slice(&start);
    for result in [
        Tiff.read_metadata(&file, &Limits::default()).map(|_| ()),
        Tiff.strip(&file, &Embedded::default()).map(|_| ()),
    ] {
        assert!(matches!(result, Err(Error::Malformed { .. })));
    }
}

#[test]
fn a_header_can_claim_anything_and_costs_nothing() {
    let file = tiff(65_535, 65_535, &[7], &coding(&[16; 4], 2, None));
    assert_eq!(Tiff.read_header(&file).unwrap().width, 65_535);
    assert!(matches!(
        Tiff.decode(&file, &Limits::default(), &Control::new()),
        Err(Error::LimitExceeded { .. })
    ));
}

#[test]
fn a_directory_is_visited_once_however_many_entries_point_to_it() {
    let mut pages = Pages::new();
    let child = (0..3000).map(|tag| text(tag, "SECRET")).collect();
    let start = pages.out.len();
    let at = add_directory(&mut pages.out, child);
    let end = pages.out.len();
    let pointers: Vec<_> = (0..1500).flat_map(|_| [long(34_665, at), long(34_853, at)]).collect();
    pages.add(&[1, 2], &pointers);
    for _ in 0..100 {
        pages.add(&[3], &[long(34_665, at)]);
    }
    let file = pages.out;
    assert_eq!(private_directories(&file), (1, 101));
    assert!(items(&file).iter().all(|item| item.bytes <= file.len() as u64));
    let stripped = Tiff.strip(&file, &Embedded::default()).unwrap();
    assert!(stripped[start..end].iter().all(|&byte| byte == 0));
    assert_eq!(item_kinds(&stripped), []);
    assert_eq!(decode(&Tiff, &stripped), decode(&Tiff, &file));
}

#[test]
fn pages_that_share_a_long_list_of_strips_are_damage() {
    let mut pages = Pages::new();
    let list = pages.out.len();
    pages.out.resize(list + 40_000, 0);
    pages.add(&[1], &[]);
    for _ in 0..200 {
        let at = add_directory(&mut pages.out, vec![long(273, list), long(279, list)]);
        link(&mut pages.out, pages.link_at, at);
        pages.link_at = pages.out.len() - 4;
        for entry in [at + 2, at + 2 + container::ENTRY] {
            link(&mut pages.out, entry + 4, 10_000);
        }
    }
    let result = Tiff.strip(&pages.out, &Embedded::default());
    assert!(matches!(result, Err(Error::Malformed { .. })));
}

#[test]
fn a_thumbnail_is_listed_and_taken_out_with_its_pixels() {
    let mut pages = Pages::new();
    pages.add(b"FIRST", &[]);
    pages.add(b"SMALL", &[long(254, 1), text(305, "SomeSoftware")]);
    pages.add(b"SECOND", &[]);
    // As cameras write it: a JPEG without a size.
    let jpeg = pages.out.len();
    pages.out.extend(b"JPEGJPEG");
    let at = add_directory(&mut pages.out, vec![long(513, jpeg), long(514, 8)]);
    link(&mut pages.out, pages.link_at, at);
    let file = pages.out;
    assert_eq!(item_kinds(&file), [Kind::Thumbnail]);
    let stripped = Tiff.strip(&file, &Embedded::default()).unwrap();
    for gone in ["SMALL", "SomeSoftware", "JPEG"] {
        assert!(!contains(&stripped, gone), "{gone}");
    }
    assert!(contains(&stripped, "FIRST") && contains(&stripped, "SECOND"));
    assert_eq!(container::File::open(&stripped).unwrap().pages().unwrap().len(), 2);
    assert_eq!(item_kinds(&stripped), []);
    assert_eq!(decode(&Tiff, &stripped), decode(&Tiff, &file));
    survives_every_damage(&Tiff, &file);
}

#[test]
fn what_is_private_on_a_later_page_is_listed() {
    let mut pages = Pages::new();
    let gps = add_directory(&mut pages.out, vec![text(2, "POSITION")]);
    pages.add(&[1], &[]);
    pages.add(&[2], &[long(34_853, gps), text(700, "<x:xmpmeta/>")]);
    assert_eq!(item_kinds(&pages.out), [Kind::Gps, Kind::Xmp]);
    let stripped = Tiff.strip(&pages.out, &Embedded::default()).unwrap();
    assert!(!contains(&stripped, "POSITION") && !contains(&stripped, "xmpmeta"));
    assert_eq!(item_kinds(&stripped), []);
}

#[test]
fn images_behind_a_page_lose_what_is_private_and_stay() {
    let mut pages = Pages::new();
    let child = pages.add_sub_image(b"LAYER", &[text(305, "SomeSoftware")]);
    pages.add(&[1], &[long(330, child)]);
    assert_eq!(item_kinds(&pages.out), [Kind::Exif]);
    let stripped = Tiff.strip(&pages.out, &Embedded::default()).unwrap();
    assert!(contains(&stripped, "LAYER") && !contains(&stripped, "SomeSoftware"));
    assert_eq!(private_directories(&stripped), (0, 2));
    assert_eq!(item_kinds(&stripped), []);
}

#[test]
fn thumbnails_behind_a_page_go() {
    let mut pages = Pages::new();
    let child = pages.add_sub_image(b"SMALL", &[long(254, 1)]);
    pages.add(&[1], &[long(330, child)]);
    assert_eq!(item_kinds(&pages.out), [Kind::Thumbnail]);
    let stripped = Tiff.strip(&pages.out, &Embedded::default()).unwrap();
    assert!(!contains(&stripped, "SMALL"));
    assert_eq!((private_directories(&stripped), item_kinds(&stripped)), ((0, 1), Vec::new()));
    assert_eq!(decode(&Tiff, &stripped), decode(&Tiff, &pages.out));
}

#[test]
fn profile_and_rights_of_a_later_page_only_are_dropped_and_listed_so() {
    let mut pages = Pages::new();
    pages.add(&[1], &[(274, SHORT, 1, le(&[6]))]);
    pages.add(&[2], &[text(315, "Ada Lovelace"), text(34_675, "PROFILE")]);
    assert_eq!(item_kinds(&pages.out), [Kind::Other]);
    let turned = exif::write(Some(Orientation::from_exif(6)), &Rights::default());
    let stripped = Tiff.strip(&pages.out, &Embedded { exif: turned, ..Embedded::default() }).unwrap();
    assert!(!contains(&stripped, "Lovelace") && !contains(&stripped, "PROFILE"));
    assert_eq!(item_kinds(&stripped), []);
}

#[test]
fn a_strip_shorter_than_its_rows_shows_nothing_of_what_lies_behind_it() {
    let fields = [coding(&[8], 1, None), vec![text(33_432, "(c) somebody\0")]].concat();
    let decode = |file: &[u8]| Tiff.decode(file, &Limits::default(), &Control::new());
    assert!(decode(&tiff(4, 4, &[9; 16], &fields)).is_ok());
    let short = decode(&tiff(4, 4, &[9; 15], &fields));
    assert!(matches!(short, Err(Error::Malformed { .. })), "{short:?}");
    let halves = [long(322, 16), long(323, 16), long(324, 8), long(325, 255)];
    let tile = decode(&tiff(4, 4, &[9; 16 * 16], &[fields, halves.to_vec()].concat()));
    assert!(matches!(tile, Err(Error::Malformed { .. })), "{tile:?}");
}
