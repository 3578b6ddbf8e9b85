//! Images made in code.

/// A PNG of smooth colours, wide `width` and high `height`, told apart by `seed`.
pub(crate) fn png(width: u32, height: u32, seed: u8) -> Vec<u8> {
    encode(width, height, |x, y| [(x % 256) as u8, (y % 256) as u8, seed])
}

/// A PNG that costs the engine some work.
pub(crate) fn noisy_png(width: u32, height: u32, seed: u32) -> Vec<u8> {
    let noise = move |x: u32, y: u32| {
        let mut bits =
            x.wrapping_mul(0x9E37_79B9) ^ y.wrapping_mul(0x85EB_CA6B) ^ seed.wrapping_mul(0xC2B2_AE35);
        bits ^= bits >> 15;
        bits = bits.wrapping_mul(0x2C1B_3C6D);
        bits ^ (bits >> 12)
    };
    encode(width, height, |x, y| {
        let [r, g, b, _] = noise(x, y).to_le_bytes();
        [r, g, b]
    })
}

fn encode(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; 3]) -> Vec<u8> {
    let pixels: Vec<u8> =
        (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).flat_map(|(x, y)| pixel(x, y)).collect();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&pixels).unwrap();
    writer.finish().unwrap();
    bytes
}

/// A PNG whose chunks are all whole and whose compressed pixels end half way.
pub(crate) fn truncated_png() -> Vec<u8> {
    let whole = noisy_png(64, 64, 1);
    // Signature (8) and IHDR (25); then the first IDAT: length, type, data, checksum.
    let length = u32::from_be_bytes([whole[33], whole[34], whole[35], whole[36]]) as usize;
    let mut idat = whole[37..41 + length / 2].to_vec();
    idat.extend(crc(&idat).to_be_bytes());
    [&whole[..33], &((length / 2) as u32).to_be_bytes(), &idat, &whole[whole.len() - 12..]].concat()
}

/// A PNG whose header claims `width` x `height` pixels.
pub(crate) fn huge_header(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = png(1, 1, 0);
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let checksum = crc(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&checksum.to_be_bytes());
    bytes
}

/// The checksum of a chunk's type and data (PNG, annex D).
pub(crate) fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(
            sum ^ u32::from(*byte),
            |sum, _| if sum & 1 == 1 { (sum >> 1) ^ 0xEDB8_8320 } else { sum >> 1 },
        )
    })
}
