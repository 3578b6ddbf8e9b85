//! Files that others write: turned, tiled, multiplied, described by number, with more in them than a picture.

use std::borrow::Cow;

use super::super::boxes::{BmffBox, make, make_full};
use super::super::items::Items;
use super::super::picture::{Nclx, Picture, read_items};
use super::super::write::{Part, profile_box, size_box, write};
use super::*;
use crate::metadata::{Kind, exif};

const BRANDS: &[u8] = b"avif\0\0\0\0avifmif1miaf";

/// The parts of a file that was written, to be changed and written again.
fn parts_of(file: &[u8]) -> Vec<Part<'_>> {
    let items = read_items(file).unwrap();
    let picture = Picture::read(file, &items).unwrap();
    let ids = std::iter::once(picture.color.id).chain(picture.alpha.iter().map(|alpha| alpha.id));
    let part = |(place, id): (usize, u32)| {
        let item = items.get(id).unwrap();
        let whole =
            |(property, essential): &(BmffBox<'_>, bool)| (Cow::Owned(property.whole.to_vec()), *essential);
        Part {
            kind: item.kind,
            hidden: false,
            data: items.data(file, id).unwrap().into_owned().into(),
            properties: item.properties.iter().map(whole).collect(),
            references: if place == 0 { Vec::new() } else { vec![(*b"auxl", vec![0])] },
        }
    };
    ids.enumerate().map(part).collect()
}

fn rewritten(file: &[u8], change: impl FnOnce(&mut Vec<Part<'_>>)) -> Vec<u8> {
    let mut parts = parts_of(file);
    change(&mut parts);
    write(BRANDS, parts, &Embedded::default())
}

fn with_property(file: &[u8], property: &[u8], essential: bool) -> Vec<u8> {
    rewritten(file, |parts| parts[0].properties.push((property.to_vec().into(), essential)))
}

fn item(kind: [u8; 4], data: &[u8], reference: [u8; 4]) -> Part<'static> {
    Part {
        kind,
        hidden: true,
        data: data.to_vec().into(),
        properties: vec![(size_box(3, 3).into(), false)],
        references: vec![(reference, vec![0])],
    }
}

/// The first two are colours that differ, the others what stands for them elsewhere.
fn without_color(file: &[u8]) -> Vec<u8> {
    rewritten(file, |parts| parts[0].properties.retain(|(property, _)| &property[4..8] != b"colr"))
}

fn is_unsupported(file: &[u8]) -> bool {
    matches!(Avif.read_header(file), Err(Error::Unsupported(_)))
}

#[test]
fn a_turned_picture_says_how_and_keeps_it() {
    let file = planned(&ramp(6, 4, Layout::Rgb), &exact(8, false));
    let turn = |quarters: u8| make(b"irot", &[&[quarters]]);
    let mirror = |axis: u8| make(b"imir", &[&[axis]]);
    let cases = [
        (None, None, 1),
        (None, Some(1), 2),
        (Some(2), None, 3),
        (None, Some(0), 4),
        (Some(1), Some(0), 5),
        (Some(3), None, 6),
        (Some(3), Some(0), 7),
        (Some(1), None, 8),
        (Some(1), Some(1), 7),
        (Some(2), Some(0), 2),
    ];
    for (quarters, axis, orientation) in cases {
        let mut turned = file.clone();
        if let Some(quarters) = quarters {
            turned = with_property(&turned, &turn(quarters), true);
        }
        if let Some(axis) = axis {
            turned = with_property(&turned, &mirror(axis), true);
        }
        let keep = Embedded { exif: full().exif, ..Embedded::default() };
        for file in [&turned, &Avif.strip(&turned, &keep).unwrap()] {
            let metadata = Avif.read_metadata(file, &Limits::default()).unwrap();
            assert_eq!(metadata.orientation.exif(), orientation, "{quarters:?} {axis:?}");
            let header = Avif.read_header(file).unwrap();
            assert_eq!((header.width, header.height), (6, 4));
        }
    }
}

#[test]
fn the_orientation_of_exif_does_not_count() {
    let block = exif::write(Some(crate::metadata::Orientation::from_exif(6)), &Default::default()).unwrap();
    let file = planned(&ramp(6, 4, Layout::Rgb), &exact(8, false));
    let data = [&[0; 4], block.as_slice()].concat();
    let file = rewritten(&file, |parts| parts.push(item(*b"Exif", &data, *b"cdsc")));
    let metadata = Avif.read_metadata(&file, &Limits::default()).unwrap();
    assert!(metadata.orientation.is_upright());
    let keep = Embedded { exif: Some(block), ..Embedded::default() };
    let stripped = Avif.strip(&file, &keep).unwrap();
    assert!(Avif.read_metadata(&stripped, &Limits::default()).unwrap().items.is_empty());
}

#[test]
fn a_grid_is_put_together() {
    let halves = [ramp(64, 70, Layout::Rgb), picture(64, 70, Layout::Rgb, 8)];
    let files = halves.each_ref().map(|half| planned(half, &exact(8, false)));
    let grid_of = |width: u32, height: u32| {
        let mut parts: Vec<Part<'_>> = files.iter().flat_map(|file| parts_of(file)).collect();
        let color = parts[0].properties.iter().filter(|(property, _)| &property[4..8] != b"ispe").cloned();
        let properties = std::iter::once((size_box(width, height).into(), false)).chain(color).collect();
        let sides = [width as u16, height as u16].map(u16::to_be_bytes).concat();
        let data = [&[0, 0, 0, 1], sides.as_slice()].concat();
        let references = vec![(*b"dimg", vec![1, 2])];
        parts.insert(0, Part { kind: *b"grid", hidden: false, data: data.into(), properties, references });
        write(BRANDS, parts, &Embedded::default())
    };
    let grid = grid_of(100, 70);
    let out = decode(&Avif, &grid);
    assert_eq!((out.width, out.height), (100, 70));
    let [left, right] = files.each_ref().map(|file| rgba(&decode(&Avif, file)));
    for (index, pixel) in rgba(&out).into_iter().enumerate() {
        let (x, y) = (index % 100, index / 100);
        assert_eq!(pixel, if x < 64 { left[y * 64 + x] } else { right[y * 64 + x - 64] });
    }
    let stripped = Avif.strip(&grid, &full()).unwrap();
    assert_eq!(rgba(&decode(&Avif, &stripped)), rgba(&out));
    refuses_every_truncation(&Avif, &grid);
    survives_every_damage(&Avif, &grid);
    for (width, height) in [(129, 70), (64, 70), (100, 71)] {
        assert!(matches!(Avif.read_header(&grid_of(width, height)), Err(Error::Malformed { .. })));
    }
}

#[test]
fn multiplied_colours_are_divided() {
    let samples = [[100, 50, 0, 128], [0, 0, 0, 0], [7, 200, 255, 255]].concat();
    let image = Image::still(3, 1, Layout::Rgba, Samples::U8(samples), None);
    let straight = planned(&image, &exact(8, false));
    let multiplied = rewritten(&straight, |parts| parts[0].references.push((*b"prem", vec![1])));
    for file in [&multiplied, &Avif.strip(&multiplied, &Embedded::default()).unwrap()] {
        let out = decode(&Avif, file).samples_u8().unwrap().to_vec();
        let expected = [[199_u8, 100, 0, 128], [0, 0, 0, 0], [7, 200, 255, 255]].concat();
        assert!(out.iter().zip(&expected).all(|(a, b)| a.abs_diff(*b) <= 4), "{out:?}");
    }
}

#[test]
fn colours_by_number_are_seen_and_kept() {
    let image = ramp(20, 20, Layout::Rgb);
    let hdr = Nclx { primaries: 9, transfer: 16, ..SRGB };
    let file = encode::encode(&image, hdr, &exact(10, false), &Embedded::default(), &Control::new()).unwrap();
    // The coded picture says it too.
    for file in [&file, &without_color(&file)] {
        let metadata = Avif.read_metadata(file, &Limits::default()).unwrap();
        assert!(metadata.own_color);
        let out = decode(&Avif, file);
        let source = Source { image: &out, bytes: file, format: Format::Avif };
        let again = Lossy.encode(source, setting(50.0), &Embedded::default(), &Control::new()).unwrap();
        let items = read_items(&again).unwrap();
        assert_eq!(Picture::read(&again, &items).unwrap().nclx, Some(hdr));
    }
    let srgb = planned(&image, &exact(10, false));
    assert!(!Avif.read_metadata(&srgb, &Limits::default()).unwrap().own_color);
    // A profile stands above numbers.
    let profiled = with_property(&file, &profile_box(&[1; 200]), false);
    assert!(!Avif.read_metadata(&profiled, &Limits::default()).unwrap().own_color);
}

#[test]
fn a_gray_picture_with_a_profile_for_colours_is_one_of_colours() {
    let icc = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let gray = planned(&ramp(20, 20, Layout::GrayAlpha), &exact(8, false));
    let file = with_property(&gray, &profile_box(&icc), false);
    let out = decode(&Avif, &file);
    assert_eq!((out.layout, out.profile.as_deref()), (Layout::Rgba, Some(icc.as_slice())));
    assert_eq!(rgba(&out), rgba(&decode(&Avif, &gray)));
}

#[test]
fn matrices_and_ranges_make_the_colours_that_they_should() {
    // Pure colours of BT.709 in the limited range (ITU-R BT.709, table 4): white, black, red.
    let limited = Nclx { primaries: 1, transfer: 13, matrix: 1, full_range: false };
    let matrix = matrix::Matrix::of(limited, dav1d::Sampling::Full).unwrap();
    let color = |y: f32, u: f32, v: f32| {
        let (luma, difference) = (matrix::Scale::of_luma(8, false), matrix::Scale::of_difference(8, false));
        let apply = |value: f32, scale: matrix::Scale| (value - scale.offset) * scale.scale;
        matrix.to_rgb(apply(y, luma), apply(u, difference), apply(v, difference))
    };
    for (stored, expected) in [
        ([235.0, 128.0, 128.0], [1.0, 1.0, 1.0]),
        ([16.0, 128.0, 128.0], [0.0, 0.0, 0.0]),
        ([63.0, 102.0, 240.0], [1.0, 0.0, 0.0]),
    ] {
        let found = color(stored[0], stored[1], stored[2]);
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 0.01), "{stored:?} {found:?}");
    }
    let unknown = Nclx { matrix: 14, ..limited };
    assert!(matches!(matrix::Matrix::of(unknown, dav1d::Sampling::Full), Err(Error::Unsupported(_))));
    let identity = Nclx { matrix: 0, ..limited };
    assert!(matrix::Matrix::of(identity, dav1d::Sampling::Both).is_err());
}

#[test]
fn what_is_private_is_listed_and_goes() {
    let bare = quick(&ramp(24, 24, Layout::Rgba), &Embedded::default());
    let xmp = b"<rdf:Description dc:rights='Bo'/>";
    let udes = make_full(b"udes", 0, 0, &[b"en\0name\0secret\0tag\0"]);
    let dirty = rewritten(&bare, |parts| {
        parts[0].properties.push((udes.into(), false));
        parts.push(item(
            *b"Exif",
            b"\0\0\0\0II*\0\x08\0\0\0\x01\0\x25\x88\x04\0\x01\0\0\0\x1a\0\0\0\0\0\0\0",
            *b"cdsc",
        ));
        parts.push(item(*b"av01", b"small", *b"thmb"));
        parts.push(item(*b"tmap", b"gain", *b"cdsc"));
        parts.push(item(*b"uri ", xmp, *b"cdsc"));
    });
    let dirty = [dirty, make(b"free", &[b"hidden"]), b"trailer".to_vec()].concat();
    let metadata = Avif.read_metadata(&dirty, &Limits::default()).unwrap();
    for kind in [Kind::Gps, Kind::Thumbnail, Kind::GainMap, Kind::Other, Kind::Trailer] {
        assert!(metadata.items.iter().any(|item| item.kind == kind), "{kind:?} in {:?}", metadata.items);
    }
    let stripped = Avif.strip(&dirty, &Embedded::default()).unwrap();
    assert!(!stripped.windows(6).any(|word| word == b"secret" || word == b"hidden"));
    assert!(Avif.read_metadata(&stripped, &Limits::default()).unwrap().items.is_empty());
    assert_eq!(rgba(&decode(&Avif, &stripped)), rgba(&decode(&Avif, &bare)));
    assert!(stripped.len() < dirty.len());
}

#[test]
fn what_would_change_the_picture_and_is_not_understood_is_refused_by_name() {
    let file = quick(&ramp(24, 24, Layout::Rgb), &Embedded::default());
    assert!(is_unsupported(&with_property(&file, &make(b"clap", &[&[0; 32]]), true)));
    assert!(is_unsupported(&with_property(&file, &make(b"lsel", &[&[0, 1]]), true)));
    assert!(is_unsupported(&with_property(&file, &make(b"what", &[]), true)));
    assert!(!is_unsupported(&with_property(&file, &make(b"what", &[]), false)));
    assert!(is_unsupported(&rewritten(&file, |parts| parts[0].kind = *b"hvc1")));
    assert!(is_unsupported(&rewritten(&file, |parts| parts[0].kind = *b"iden")));
}

#[test]
fn a_header_can_claim_anything_and_costs_nothing() {
    let file = quick(&ramp(24, 24, Layout::Rgb), &Embedded::default());
    let sized = |width: u32, height: u32| {
        rewritten(&file, |parts| {
            parts[0].properties.retain(|(property, _)| &property[4..8] != b"ispe");
            parts[0].properties.push((size_box(width, height).into(), false));
        })
    };
    assert_eq!(Avif.read_header(&sized(65_536, 65_536)).unwrap().width, 65_536);
    let decode = |file: &[u8]| Avif.decode(file, &Limits::default(), &Control::new());
    assert!(matches!(decode(&sized(65_536, 65_536)), Err(Error::LimitExceeded { .. })));
    for (width, height) in [(23, 24), (25, 24), (24, 8000)] {
        assert!(matches!(decode(&sized(width, height)), Err(Error::Malformed { .. })));
    }
}

#[test]
fn pieces_and_places_inside_the_table_are_read() {
    let place = |extents: &[(u32, u32)], method: u16| {
        let mut table = vec![0x44, 0, 0, 1, 0, 1];
        table.extend(method.to_be_bytes());
        table.extend([0, 0]);
        table.extend((extents.len() as u16).to_be_bytes());
        table.extend(
            extents.iter().flat_map(|(offset, length)| [offset.to_be_bytes(), length.to_be_bytes()].concat()),
        );
        make_full(b"iloc", 1, 0, &[&table])
    };
    let meta = |places: &[u8]| {
        let infos =
            make_full(b"iinf", 0, 0, &[&[0, 1], &make_full(b"infe", 2, 0, &[&[0, 1, 0, 0], b"av01", &[0]])]);
        let properties = make(b"iprp", &[&make(b"ipco", &[])]);
        let primary = make_full(b"pitm", 0, 0, &[&[0, 1]]);
        [&[0; 4], primary.as_slice(), &infos, places, &properties, &make(b"idat", &[b"inside"])].concat()
    };
    let data = |extents: &[(u32, u32)], method: u16| {
        let meta = meta(&place(extents, method));
        let items = Items::read(&meta).unwrap();
        items.data(b"the file", 1).map(Cow::into_owned)
    };
    assert_eq!(data(&[(4, 4)], 0).unwrap(), b"file");
    assert_eq!(data(&[(4, 4), (0, 4)], 0).unwrap(), b"filethe ");
    assert_eq!(data(&[(2, 4)], 1).unwrap(), b"side");
    assert_eq!(data(&[(4, 0)], 0).unwrap(), b"file");
    let broken: [&[(u32, u32)]; 5] = [&[(4, 5)], &[(9, 0)], &[], &[(0, 5), (0, 5)], &[(u32::MAX, u32::MAX)]];
    for places in broken {
        assert!(data(places, 0).is_err(), "{places:?}");
    }
    assert!(Items::read(&meta(&place(&[(0, 1)], 2))).is_err());
}
