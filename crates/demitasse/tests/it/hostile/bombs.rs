//! Files that are small and claim, or unpack to, very much: one or more of each format.

use flate2::Compression;
use flate2::write::ZlibEncoder;
use std::io::Write;

use super::seeds::Seed;

/// Sizes that are claimed: over the limit of sides, over that of pixels, and within both with nothing behind it.
const CLAIMS: [(u32, u32); 3] = [(0x7fff_ffff, 0x7fff_ffff), (60_000, 60_000), (1_400, 1_400)];

/// Bytes that a compressed text unpacks to.
const UNPACKED: usize = 64_000_000;

/// Every bomb, by a name.
pub(super) fn bombs(seeds: &[Seed]) -> Vec<(String, Vec<u8>)> {
    let of = |name: &str| seeds.iter().find(|seed| seed.name == name).unwrap().bytes.clone();
    let mut bombs = Vec::new();
    for (width, height) in CLAIMS {
        let mut add = |name: &str, bytes| bombs.push((format!("{name} of {width} x {height}"), bytes));
        add("png", png_of(width, height, &zlib(1_000_000)));
        add("gif", with(of("gif"), 6, &[le16(width), le16(height)].concat()));
        add("bmp", with(of("bmp"), 18, &[width.to_le_bytes(), height.to_le_bytes()].concat()));
        add("jpeg", jpeg_of(&of("jpeg"), width, height));
        add("webp", webp_of(&of("webp animation"), width, height));
        add("avif", avif_of(of("avif"), width, height));
        add("tiff", tiff_of(of("tiff"), width, height));
        add("qoi", with(of("qoi"), 4, &[width.to_be_bytes(), height.to_be_bytes()].concat()));
        add("ico", ico_of(&png_of(width, height, &zlib(1_000_000))));
        add("jxl", jxl_of(width, height));
    }
    bombs.push(("png that unpacks to more than its size".into(), png_of(40, 40, &zlib(UNPACKED))));
    bombs.push(("png with a text that unpacks without end".into(), png_with(b"zTXt", b"note\0\0")));
    bombs.push(("png with a profile that unpacks without end".into(), png_with(b"iCCP", b"icc\0\0")));
    bombs.push(("gif with ten thousand frames".into(), gif_of_frames(of("gif"), 10_001)));
    bombs.push(("gif that promises a whole canvas for each byte".into(), gif_of_frames(of("gif"), 3_000)));
    bombs.push(("jpeg with a thousand scans".into(), jpeg_of_scans(&of("jpeg"), 1_000)));
    bombs.push(("tiff whose directories go round".into(), tiff_in_a_circle(of("tiff"))));
    bombs.push(("svg that stands for 2^39 shapes".into(), svg_of_uses(39)));
    bombs
}

/// Groups of which each stands for two of the one before.
fn svg_of_uses(levels: usize) -> Vec<u8> {
    let group = |n: usize| format!("<g id='l{n}'><use href='#l{0}'/><use href='#l{0}'/></g>", n - 1);
    let groups: String = (1..=levels).map(group).collect();
    format!("<svg xmlns='http://www.w3.org/2000/svg'><path id='l0' d='M0 0h1'/>{groups}</svg>").into_bytes()
}

/// One picture, which is this PNG.
fn ico_of(png: &[u8]) -> Vec<u8> {
    let entry =
        [&[0, 0, 0, 0, 1, 0, 32, 0][..], &(png.len() as u32).to_le_bytes(), &22_u32.to_le_bytes()].concat();
    [&[0, 0, 1, 0, 1, 0][..], &entry, png].concat()
}

/// A codestream of nothing but its size (ISO/IEC 18181-1, D.2): not in eights, each side in 30 bits, no usual ratio; then all fields
/// are as they mostly are, and zeros follow.
fn jxl_of(width: u32, height: u32) -> Vec<u8> {
    let side = |side: u32| (u64::from((side - 1).min(0x3fff_ffff)) << 2) | 3;
    let bits = u128::from(side(height)) << 1 | u128::from(side(width)) << 36 | 1 << 68;
    [b"\xff\x0a".as_slice(), &bits.to_le_bytes(), &[0; 400]].concat()
}

fn le16(value: u32) -> [u8; 2] {
    (value.min(0xffff) as u16).to_le_bytes()
}

/// `bytes` with `other` written over them.
fn with(mut bytes: Vec<u8>, at: usize, other: &[u8]) -> Vec<u8> {
    bytes[at..at + other.len()].copy_from_slice(other);
    bytes
}

/// Zeros, so many, compressed.
fn zlib(length: usize) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    let zeros = [0; 65_536];
    let mut left = length;
    while left > 0 {
        let piece = left.min(zeros.len());
        encoder.write_all(&zeros[..piece]).unwrap();
        left -= piece;
    }
    encoder.finish().unwrap()
}

fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let body = [kind, data].concat();
    let checksum = crate::support::crc(&body).to_be_bytes();
    [&(data.len() as u32).to_be_bytes(), &body[..], &checksum].concat()
}

fn png_of(width: u32, height: u32, pixels: &[u8]) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    let signature = b"\x89PNG\r\n\x1a\n";
    [&signature[..], &chunk(b"IHDR", &header), &chunk(b"IDAT", pixels), &chunk(b"IEND", &[])].concat()
}

/// A small PNG with a chunk whose data are `head` and something that unpacks to very much.
fn png_with(kind: &[u8; 4], head: &[u8]) -> Vec<u8> {
    let whole = png_of(2, 2, &zlib(14));
    let bomb = chunk(kind, &[head, &zlib(UNPACKED)].concat());
    // After the signature (8) and IHDR (25).
    [&whole[..33], &bomb, &whole[33..]].concat()
}

/// Where the first marker with this code stands.
fn marker(jpeg: &[u8], codes: &[u8]) -> usize {
    jpeg.windows(2).position(|pair| pair[0] == 0xff && codes.contains(&pair[1])).unwrap()
}

fn jpeg_of(jpeg: &[u8], width: u32, height: u32) -> Vec<u8> {
    let size = [(height.min(0xffff) as u16).to_be_bytes(), (width.min(0xffff) as u16).to_be_bytes()].concat();
    with(jpeg.to_vec(), marker(jpeg, &[0xc0, 0xc1, 0xc2]) + 5, &size)
}

/// The first scan again and again, each decoded over the whole picture.
fn jpeg_of_scans(jpeg: &[u8], scans: usize) -> Vec<u8> {
    let (start, end) = (marker(jpeg, &[0xda]), jpeg.len() - 2);
    let mut bytes = jpeg[..start].to_vec();
    for _ in 0..scans {
        bytes.extend(&jpeg[start..end]);
    }
    bytes.extend([0xff, 0xd9]);
    bytes
}

/// The canvas in `VP8X`: 24 bits each, less one.
fn webp_of(webp: &[u8], width: u32, height: u32) -> Vec<u8> {
    let at = webp.windows(4).position(|four| four == b"VP8X").unwrap() + 12;
    let side = |side: u32| (side - 1).min(0x00ff_ffff).to_le_bytes();
    let size = [&side(width)[..3], &side(height)[..3]].concat();
    with(webp.to_vec(), at, &size)
}

fn avif_of(avif: Vec<u8>, width: u32, height: u32) -> Vec<u8> {
    let at = avif.windows(4).position(|four| four == b"ispe").unwrap() + 8;
    with(avif, at, &[width.to_be_bytes(), height.to_be_bytes()].concat())
}

/// The values of the first two fields, which are width and height.
fn tiff_of(tiff: Vec<u8>, width: u32, height: u32) -> Vec<u8> {
    let directory = u32::from_le_bytes(tiff[4..8].try_into().unwrap()) as usize;
    let tiff = with(tiff, directory + 10, &width.to_le_bytes());
    with(tiff, directory + 22, &height.to_le_bytes())
}

fn tiff_in_a_circle(tiff: Vec<u8>) -> Vec<u8> {
    let (directory, end) = (tiff[4..8].to_vec(), tiff.len() - 4);
    with(tiff, end, &directory)
}

/// The first frame, of which there are `frames` then.
fn gif_of_frames(gif: Vec<u8>, frames: usize) -> Vec<u8> {
    // Each frame begins with its control extension.
    let starts: Vec<usize> =
        gif.windows(3).enumerate().filter(|(_, three)| three == b"\x21\xf9\x04").map(|(at, _)| at).collect();
    // What each draws is cut to nothing: an image of one byte of codes.
    let control = &gif[starts[0]..starts[0] + 8];
    let size = &gif[6..10];
    let mut bytes = gif[..starts[0]].to_vec();
    for _ in 0..frames {
        bytes.extend(control);
        bytes.extend([0x2c, 0, 0, 0, 0]);
        bytes.extend(size);
        bytes.extend([0, 6, 2, 0x40, 0x82, 0]);
    }
    bytes.push(0x3b);
    bytes
}
