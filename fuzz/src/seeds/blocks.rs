//! Metadata by themselves.

use super::tiff::{ASCII, UNDEFINED, bytes, child, file, long, short};
use super::{Seeds, named};

/// A packet with something of every kind.
pub const XMP: &str = concat!(
    r#"<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF "#,
    r#"xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" "#,
    r#"xmp:CreateDate="2026-11-02" exif:GPSLatitude="47,1N" tiff:Orientation="6" tiff:Make="Cam">"#,
    r#"<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">(c) Ada &amp; Co</rdf:li></rdf:Alt></dc:rights>"#,
    r"<dc:creator><rdf:Seq><rdf:li>Ada</rdf:li></rdf:Seq></dc:creator><!-- a note --><dc:title>Lake</dc:title>",
    r#"</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"#
);

/// A block as a camera writes it: turned, with rights, dates, a note, a position and a small picture.
pub fn camera() -> Vec<u8> {
    let exif = child(
        0x8769,
        vec![
            bytes(0x9003, ASCII, b"2026:11:01 09:30:00\0"),
            bytes(0x927c, UNDEFINED, b"the maker's own note"),
            short(0x8827, &[200]),
        ],
    );
    let position = child(0x8825, vec![bytes(1, ASCII, b"N\0"), bytes(2, UNDEFINED, &[7; 24])]);
    let main = vec![
        bytes(0x010f, ASCII, b"Cam & Co\0"),
        short(0x0112, &[6]),
        bytes(0x0132, ASCII, b"2026:11:02 10:00:00\0"),
        bytes(0x013b, ASCII, b"Ada\0"),
        bytes(0x8298, ASCII, b"(c) Ada\0"),
        exif,
        position,
    ];
    // The small picture is the data, from the eighth byte on.
    let thumbnail = b"\xff\xd8small\xff\xd9";
    let second = vec![short(0x0103, &[6]), long(0x0201, 8), long(0x0202, thumbnail.len() as u32)];
    file(thumbnail, vec![main, second])
}

/// EXIF.
pub fn exif() -> Seeds {
    named([
        ("of a camera", camera()),
        ("turned and nothing more", file(&[], vec![vec![short(0x0112, &[8])]])),
        ("rights", file(&[], vec![vec![bytes(0x8298, ASCII, b"photographer\0editor\0")]])),
        ("big-endian", b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x03\0\0\0\0\0\0".to_vec()),
        (
            "copies of others",
            file(&[], vec![vec![bytes(0x02bc, 1, XMP.as_bytes()), bytes(0x8649, 1, &resources())]]),
        ),
    ])
}

/// XMP.
pub fn xmp() -> Seeds {
    let of_map = r#"<x:xmpmeta><rdf:RDF><rdf:Description hdrgm:Version="1.0" xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/"/>"#;
    named([
        ("everything", XMP.into()),
        ("of a gain map", [of_map, "</rdf:RDF></x:xmpmeta>"].concat().into_bytes()),
        ("nested", [&"<a>".repeat(40), &*"</a>".repeat(40)].concat().into_bytes()),
        ("entities", br#"<!DOCTYPE a [<!ENTITY b "c">]><a d='&b;&#x41;&lt;'><![CDATA[x]]></a>"#.to_vec()),
    ])
}

/// Photoshop's resources: IPTC, and one of another kind.
pub fn resources() -> Vec<u8> {
    let datasets = [
        (2_u8, 5_u8, &b"Lake"[..]),
        (2, 55, b"20261102"),
        (2, 80, b"Ada"),
        (2, 116, b"(c) Ada"),
        (1, 90, b"\x1b%G"),
    ];
    let data: Vec<u8> = datasets
        .iter()
        .flat_map(|(record, number, value)| {
            [&[0x1c, *record, *number][..], &(value.len() as u16).to_be_bytes(), value].concat()
        })
        .collect();
    let resource = |id: u16, data: &[u8]| {
        let mut block =
            [b"8BIM", &id.to_be_bytes()[..], &[0, 0], &(data.len() as u32).to_be_bytes(), data].concat();
        block.resize(block.len().next_multiple_of(2), 0);
        block
    };
    [resource(0x0404, &data), resource(0x040c, b"a small picture")].concat()
}

/// IPTC.
pub fn iptc() -> Seeds {
    named([
        ("resources", resources()),
        ("with the name before them", [b"Photoshop 3.0\0".as_slice(), &resources()].concat()),
    ])
}

/// Profiles: tables of one tag or a few, as far as programs look.
pub fn icc() -> Seeds {
    named([
        ("matrix", matrix_profile(b"RGB ")),
        ("gray", matrix_profile(b"GRAY")),
        ("of tables", table_profile(b"RGB ", 3)),
        ("of four inks", table_profile(b"CMYK", 4)),
    ])
}

fn profile(space: &[u8; 4], connection: &[u8; 4], tags: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut header = vec![0; 128];
    header[8..12].copy_from_slice(&[4, 0x30, 0, 0]);
    header[12..16].copy_from_slice(b"mntr");
    header[16..20].copy_from_slice(space);
    header[20..24].copy_from_slice(connection);
    header[36..40].copy_from_slice(b"acsp");
    header[68..80].copy_from_slice(&[0, 0, 0xf6, 0xd6, 0, 1, 0, 0, 0, 0, 0xd3, 0x2d]);
    let mut table = (tags.len() as u32).to_be_bytes().to_vec();
    let mut data = Vec::new();
    for (name, value) in tags {
        let at = 132 + 12 * tags.len() + data.len();
        table.extend(*name);
        table.extend((at as u32).to_be_bytes());
        table.extend((value.len() as u32).to_be_bytes());
        data.extend(value);
        data.resize(data.len().next_multiple_of(4), 0);
    }
    let mut profile = [header, table, data].concat();
    let length = (profile.len() as u32).to_be_bytes();
    profile[..4].copy_from_slice(&length);
    profile
}

fn xyz(values: [u32; 3]) -> Vec<u8> {
    [b"XYZ \0\0\0\0".as_slice(), &values.map(u32::to_be_bytes).concat()].concat()
}

/// Primaries of sRGB, and a curve of gamma 2.2.
pub fn matrix_profile(space: &[u8; 4]) -> Vec<u8> {
    let curve = b"para\0\0\0\0\0\0\0\0\0\x02\x33\x33".to_vec();
    let tags = [
        (b"rXYZ", xyz([0x6fa2, 0x38f5, 0x0390])),
        (b"gXYZ", xyz([0x6299, 0xb785, 0x18da])),
        (b"bXYZ", xyz([0x24a0, 0x0f84, 0xb6cf])),
        (b"wtpt", xyz([0xf6d6, 0x1_0000, 0xd32d])),
        (b"rTRC", curve.clone()),
        (b"gTRC", curve.clone()),
        (b"bTRC", b"curv\0\0\0\0\0\0\0\x03\0\0\x40\0\xff\xff".to_vec()),
        (b"kTRC", curve),
    ];
    profile(space, b"XYZ ", &tags)
}

/// A table with two points a channel (lut8Type).
pub fn table_profile(space: &[u8; 4], channels: usize) -> Vec<u8> {
    let mut table = b"mft1\0\0\0\0".to_vec();
    table.extend([channels as u8, 3, 2, 0]);
    for at in 0..9_u32 {
        table.extend((if at % 4 == 0 { 0x1_0000_u32 } else { 0 }).to_be_bytes());
    }
    let curve: Vec<u8> = (0..=255).collect();
    table.extend(curve.repeat(channels));
    table.extend((0..3 << channels).map(|at| (at * 83) as u8));
    table.extend(curve.repeat(3));
    let mut back = b"mft1\0\0\0\0".to_vec();
    back.extend([3, channels as u8, 2, 0]);
    back.extend([0; 36]);
    back.extend(curve.repeat(3));
    back.extend((0..channels << 3).map(|at| (at * 59) as u8));
    back.extend(curve.repeat(channels));
    profile(space, b"Lab ", &[(b"A2B0", table), (b"B2A0", back), (b"wtpt", xyz([0xf6d6, 0x1_0000, 0xd32d]))])
}
