//! Checksums of PNG: without them a spoilt file says nothing but that it is spoilt.

/// What a PNG begins with.
pub const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Makes every chunk's checksum right, as far as the lengths go.
pub fn repair(bytes: &mut [u8]) {
    if !bytes.starts_with(SIGNATURE) {
        return;
    }
    let mut at = SIGNATURE.len();
    while let Some(length) = bytes.get(at..at + 4).and_then(|four| <[u8; 4]>::try_from(four).ok()) {
        let end = at.saturating_add(8).saturating_add(u32::from_be_bytes(length) as usize);
        let Some(body) = bytes.get(at + 4..end) else { return };
        let checksum = checksum(body).to_be_bytes();
        let Some(place) = bytes.get_mut(end..end + 4) else { return };
        place.copy_from_slice(&checksum);
        at = end + 4;
    }
}

/// A chunk with its length and its checksum.
pub fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let body = [kind, data].concat();
    let length = (data.len() as u32).to_be_bytes();
    [&length, &body[..], &checksum(&body).to_be_bytes()].concat()
}

/// A file of its header (8 bits a sample), packed rows and chunks before them.
pub fn file(width: u32, height: u32, color: u8, chunks: &[Vec<u8>], packed: &[u8]) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, color, 0, 0, 0]].concat();
    let mut bytes = [SIGNATURE, &chunk(b"IHDR", &header)].concat();
    bytes.extend(chunks.concat());
    bytes.extend(chunk(b"IDAT", packed));
    bytes.extend(chunk(b"IEND", &[]));
    bytes
}

/// Of a chunk's type and data (PNG, annex D).
fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spoilt_file_is_whole_again_as_far_as_checksums_go() {
        let whole = file(1, 1, 2, &[chunk(b"tEXt", b"a\0b")], &[1, 2, 3]);
        let mut spoilt = whole.clone();
        // The last byte of the checksum of the header.
        spoilt[32] ^= 1;
        repair(&mut spoilt);
        assert_eq!(spoilt, whole);
        for end in 0..whole.len() {
            repair(&mut spoilt[..end]);
        }
    }
}
