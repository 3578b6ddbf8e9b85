use super::*;

fn rights() -> Rights {
    Rights { copyright: Some("© 2026 Ana".into()), artist: Some("Ana".into()) }
}

fn turned(exif: u16) -> Orientation {
    Orientation::from_exif(exif)
}

/// A big-endian block with a camera's model, GPS, an Exif directory and a thumbnail of `pixels` bytes.
fn camera_block(pixels: u32) -> Vec<u8> {
    let entry = |tag: u16, kind: u16, count: u32, value: u32| {
        [&tag.to_be_bytes()[..], &kind.to_be_bytes(), &count.to_be_bytes(), &value.to_be_bytes()].concat()
    };
    let mut block = b"MM\0*\0\0\0\x08".to_vec();
    block.extend(4_u16.to_be_bytes());
    block.extend(entry(0x0110, ASCII, 4, u32::from_be_bytes(*b"Cam\0")));
    block.extend(entry(ORIENTATION, SHORT, 1, 6 << 16));
    block.extend(entry(EXIF_DIRECTORY, 4, 1, 62));
    block.extend(entry(GPS_DIRECTORY, 4, 1, 80));
    block.extend(98_u32.to_be_bytes());
    for fields in [entry(0x9000, 7, 4, 0), entry(1, ASCII, 2, 0), entry(THUMBNAIL_LENGTH, 4, 1, pixels)] {
        block.extend(1_u16.to_be_bytes());
        block.extend(fields);
        block.extend([0; 4]);
    }
    block.resize(block.len() + pixels as usize, 7);
    block
}

#[test]
fn what_is_written_reads_back() {
    for exif in 2..=8 {
        let block = write(Some(turned(exif)), &rights()).unwrap();
        let facts = read(&block);
        assert_eq!((facts.orientation, facts.rights), (turned(exif), rights()));
    }
}

#[test]
fn a_second_reader_agrees() {
    let block = write(Some(turned(6)), &rights()).unwrap();
    let (fields, little_endian) = ::exif::parse_exif(&block).unwrap();
    assert!(little_endian);
    let values: Vec<_> = fields.iter().map(|field| (field.tag.number(), field.value.clone())).collect();
    let ascii = |text: &str| ::exif::Value::Ascii(vec![text.as_bytes().to_vec()]);
    assert_eq!(values.len(), 3);
    assert_eq!(fields[0].value.get_uint(0), Some(6));
    assert_eq!(format!("{:?}", values[1]), format!("{:?}", (ARTIST, ascii("Ana"))));
    assert_eq!(format!("{:?}", values[2]), format!("{:?}", (COPYRIGHT, ascii("© 2026 Ana"))));
}

#[test]
fn nothing_to_say_is_no_block() {
    assert_eq!(write(None, &Rights::default()), None);
    assert_eq!(write(Some(Orientation::UPRIGHT), &Rights::default()), None);
}

#[test]
fn the_minimal_block_holds_nothing_private() {
    let facts = read(&write(Some(turned(3)), &rights()).unwrap());
    assert_eq!(facts.items.iter().map(|item| item.kind).collect::<Vec<_>>(), [Kind::Copyright]);
    assert_eq!(read(&write(Some(turned(3)), &Rights::default()).unwrap()).items, []);
}

#[test]
fn pieces_are_weighed_by_kind() {
    let block = camera_block(1000);
    let facts = read(&block);
    assert_eq!(facts.orientation, turned(6));
    let bytes = |kind| facts.items.iter().find(|item| item.kind == kind).map(|item| item.bytes);
    assert_eq!((bytes(Kind::Gps), bytes(Kind::Thumbnail)), (Some(18), Some(1018)));
    assert_eq!(facts.items.iter().map(|item| item.bytes).sum::<u64>(), block.len() as u64);
}

fn kinds(block: &[u8]) -> Vec<Kind> {
    read(block).items.iter().map(|item| item.kind).collect()
}

/// A block that says `rights` and the orientation, and more entries in its directory.
fn block_with(entries: &[[u8; 12]]) -> Vec<u8> {
    let mut block = write(Some(turned(6)), &Rights::default()).unwrap();
    block[8] += entries.len() as u8;
    let end = block.len() - 4;
    block.splice(end..end, entries.concat());
    block
}

fn entry(tag: u16, kind: u16, count: u32, value: u32) -> [u8; 12] {
    let mut entry = [0; 12];
    entry[..2].copy_from_slice(&tag.to_le_bytes());
    entry[2..4].copy_from_slice(&kind.to_le_bytes());
    entry[4..8].copy_from_slice(&count.to_le_bytes());
    entry[8..].copy_from_slice(&value.to_le_bytes());
    entry
}

#[test]
fn what_nothing_points_to_any_more_is_weighed() {
    for block in [write(Some(turned(6)), &Rights::default()), write(None, &rights())] {
        let mut block = block.unwrap();
        let clean = read(&block);
        block.extend(b"GPS of an editor that deleted the pointer");
        let facts = read(&block);
        assert_eq!((facts.orientation, facts.rights), (clean.orientation, clean.rights));
        let exif = facts.items.iter().find(|item| item.kind == Kind::Exif).unwrap();
        assert!(exif.bytes >= 41, "{exif:?}");
    }
}

#[test]
fn rights_do_not_hide_what_they_lie_about() {
    // A value that the block does not hold, one that lies over what is private, and a second of the same tag.
    for entries in [
        vec![entry(ARTIST, ASCII, 1_000_000, 38)],
        vec![entry(ARTIST, ASCII, 44, 38)],
        vec![entry(ARTIST, ASCII, 2, 65), entry(ARTIST, ASCII, 40, 50)],
        vec![entry(COPYRIGHT, SHORT, 20, 38)],
    ] {
        let mut block = block_with(&entries);
        block.extend(b"Ana\0");
        block.extend([1; 40]);
        assert!(kinds(&block).contains(&Kind::Exif), "{entries:?}");
    }
}

#[test]
fn a_position_that_is_not_there_is_still_a_pointer() {
    for offset in [0, 1_000_000] {
        assert_eq!(kinds(&block_with(&[entry(GPS_DIRECTORY, 4, 1, offset)])), [Kind::Gps]);
    }
}

#[test]
fn what_is_written_has_nothing_to_drop() {
    for length in 0..12 {
        let text = |letter: &str| Some(letter.repeat(length)).filter(|text| !text.is_empty());
        for (copyright, artist) in [(text("c"), None), (None, text("\u{e4}")), (text("c"), text("\u{e4}"))] {
            for exif in [1, 6] {
                let rights = Rights { copyright: copyright.clone(), artist: artist.clone() };
                let Some(block) = write(Some(turned(exif)), &rights) else { continue };
                assert!(kinds(&block).iter().all(|kind| *kind == Kind::Copyright), "{rights:?} {exif}");
            }
        }
    }
}

#[test]
fn a_broken_block_is_one_item_and_upright() {
    for block in [&b""[..], b"II*\0", b"MM\0*\xFF\xFF\xFF\xFF", b"garbage", b"II*\0\x08\0\0\0\0\0"] {
        let facts = read(block);
        assert_eq!(facts.items, [Item { kind: Kind::Exif, bytes: block.len() as u64 }]);
        assert!(facts.orientation.is_upright());
    }
}

#[test]
fn no_cut_or_flip_makes_it_panic_or_grow() {
    let block = camera_block(40);
    let check = |block: &[u8]| {
        let total: u64 = read(block).items.iter().map(|item| item.bytes).sum();
        assert!(total <= block.len() as u64);
    };
    for at in 0..block.len() {
        check(&block[..at]);
        for value in [0, 1, 0x7F, 0x80, 0xFF] {
            let mut damaged = block.clone();
            damaged[at] = value;
            check(&damaged);
        }
    }
}

fn keep(kinds: u8) -> Keep {
    let has = |place: u8| kinds >> place & 1 == 1;
    Keep { time: has(0), gps: has(1), camera: has(2), thumbnail: has(3), copies: has(4) }
}

#[test]
fn what_is_edited_in_place_says_the_rest() {
    let block = camera_block(40);
    let left = select(Some(&block), keep(0b100), &rights(), None).unwrap();
    let facts = read(&left);
    assert_eq!((facts.orientation.exif(), facts.rights), (1, rights()));
    assert!(facts.items.iter().all(|item| !matches!(item.kind, Kind::Gps | Kind::Thumbnail)));
    let (fields, _) = ::exif::parse_exif(&left).unwrap();
    assert!(fields.iter().any(|field| field.display_value().to_string() == "\"Cam\""));
}

#[test]
fn everything_kept_is_the_same_block() {
    let block = camera_block(40);
    let left = select(Some(&block), keep(0b11111), &Rights::default(), Some(turned(6))).unwrap();
    assert_eq!(left, block);
}

#[test]
fn fields_that_share_a_long_value_do_not_multiply_it() {
    let count = 2000_u16;
    let entry = |tag: u16, kind: u16, count: u32, value: u32| {
        [&tag.to_be_bytes()[..], &kind.to_be_bytes(), &count.to_be_bytes(), &value.to_be_bytes()].concat()
    };
    let mut block = b"MM\0*\0\0\0\x08\0\x01".to_vec();
    block.extend(entry(GPS_DIRECTORY, 4, 1, 26));
    block.extend([0; 4]);
    block.extend(count.to_be_bytes());
    (0..count).for_each(|tag| block.extend(entry(tag, ASCII, 20_000, 30)));
    let left = select(Some(&block), keep(0b10), &Rights::default(), None).unwrap();
    assert!(left.len() < 70_000, "{}", left.len());
}

proptest::proptest! {
    #[test]
    fn a_block_that_lies_gives_nothing_that_was_to_go(
        changes in proptest::collection::vec((0..200_usize, proptest::num::u8::ANY), 0..12),
        cut in 0..200_usize,
        kinds in 0..32_u8,
    ) {
        let mut block = camera_block(40);
        for (place, byte) in changes {
            let place = place % block.len();
            block[place] = byte;
        }
        block.truncate(block.len() - cut.min(block.len() / 2));
        let left = select(Some(&block), keep(kinds), &rights(), None);
        let facts = read(&left.unwrap_or_default());
        let has = |kind| facts.items.iter().any(|item| item.kind == kind);
        proptest::prop_assert!(kinds & 2 != 0 || !has(Kind::Gps));
        proptest::prop_assert!(kinds & 8 != 0 || kinds & 4 == 0 || !has(Kind::Thumbnail));
        proptest::prop_assert!(facts.orientation.is_upright());
    }
}

#[test]
fn a_thumbnail_that_lies_about_its_length_does_not_hide_the_rights() {
    let mut block = write(None, &rights()).unwrap();
    let second = (block.len() as u32).to_le_bytes();
    // Behind the header, the count and two fields.
    block[34..38].copy_from_slice(&second);
    block.extend([1, 0]);
    block.extend([&THUMBNAIL_LENGTH.to_le_bytes()[..], &[4, 0, 1, 0, 0, 0, 0, 0, 0, 9]].concat());
    block.extend([0; 4]);
    assert_eq!(kinds(&block), [Kind::Thumbnail, Kind::Copyright]);
}

#[test]
fn a_position_with_values_of_odd_lengths_is_nothing_else() {
    let field = |tag: u16, value: &[u8]| (tag, ASCII, value.len() as u32, value.to_vec());
    let position = vec![field(29, b"2026:11:02\0"), field(27, b"by hand"), field(1, b"N\0")];
    let block = write_block(false, None, &rights(), Vec::new(), [Vec::new(), position]).unwrap();
    assert_eq!(kinds(&block), [Kind::Gps, Kind::Copyright]);
}
