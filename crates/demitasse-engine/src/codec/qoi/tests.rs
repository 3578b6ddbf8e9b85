use super::*;
use crate::codec::testing::*;

/// A header and these operations.
fn qoi(width: u32, height: u32, channels: u8, operations: &[u8]) -> Vec<u8> {
    [b"qoif".as_slice(), &width.to_be_bytes(), &height.to_be_bytes(), &[channels, 0], operations, &END]
        .concat()
}

fn pixels(bytes: &[u8]) -> Vec<[u8; 4]> {
    rgba(&decode(&Qoi, bytes)).into_iter().map(|pixel| pixel.map(|sample| (sample >> 8) as u8)).collect()
}

#[test]
fn pixels_of_either_kind_decode() {
    // QOI_OP_RGBA, QOI_OP_RGB, a run of two.
    let operations = [0xff, 1, 2, 3, 4, 0xfe, 9, 8, 7, 0xc1];
    let file = qoi(2, 2, 4, &operations);
    assert_eq!(pixels(&file), [[1, 2, 3, 4], [9, 8, 7, 4], [9, 8, 7, 4], [9, 8, 7, 4]]);
    assert!(Qoi.read_header(&file).unwrap().alpha);
    refuses_every_truncation(&Qoi, &file);
    let opaque = qoi(1, 1, 3, &[0xfe, 9, 8, 7]);
    assert_eq!(pixels(&opaque), [[9, 8, 7, 255]]);
}

#[test]
fn a_header_that_lies_takes_no_memory() {
    let bomb = qoi(60_000, 60_000, 4, &[0xfe, 9, 8, 7]);
    let limits = Limits { max_pixels: u64::MAX, ..Limits::default() };
    let error = Qoi.decode(&bomb, &limits, &Control::new()).unwrap_err();
    assert!(matches!(error, Error::Malformed { .. }), "{error}");
    assert!(Qoi.read_header(&qoi(0, 1, 4, &[])).is_err());
    assert!(Qoi.read_header(&qoi(1, 1, 5, &[])).is_err());
}

#[test]
fn what_follows_the_pixels_goes() {
    let file = qoi(1, 1, 3, &[0xfe, 9, 8, 7]);
    let longer = [&file, b"secret".as_slice()].concat();
    assert_eq!(Qoi.read_metadata(&longer, &Limits::default()).unwrap().items[0].bytes, 6);
    assert_eq!(Qoi.strip(&longer, &Embedded::default()).unwrap(), file);
}
