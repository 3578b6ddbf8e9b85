use super::*;
use crate::codec::testing::*;

/// An icon of these pictures: side as the directory has it, and data.
fn ico(pictures: &[(u8, &[u8])]) -> Vec<u8> {
    let mut out = vec![0, 0, 1, 0, pictures.len() as u8, 0];
    let mut start = DIRECTORY_BYTES + pictures.len() * ENTRY_BYTES;
    for (side, data) in pictures {
        out.extend([*side, *side, 0, 0, 1, 0, 32, 0]);
        out.extend((data.len() as u32).to_le_bytes());
        out.extend((start as u32).to_le_bytes());
        start += data.len();
    }
    pictures.iter().for_each(|(_, data)| out.extend(*data));
    out
}

/// A bitmap of 32 bits a pixel, all of one colour (blue, green, red, alpha), and its mask.
fn dib(side: u32, pixel: [u8; 4]) -> Vec<u8> {
    let mut out = DIB_BYTES.to_le_bytes().to_vec();
    out.extend(side.to_le_bytes());
    out.extend((side * 2).to_le_bytes());
    out.extend([1, 0, 32, 0]);
    out.resize(DIB_BYTES as usize, 0);
    out.extend(pixel.repeat((side * side) as usize));
    out.resize(out.len() + (side * side.div_ceil(32) * 4) as usize, 0);
    out
}

fn png(side: u32, pixel: [u8; 4]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut bytes, side, side);
    encoder.set_color(::png::ColorType::Rgba);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&pixel.repeat((side * side) as usize)).unwrap();
    writer.finish().unwrap();
    bytes
}

fn first_pixel(bytes: &[u8]) -> (u32, [u8; 4]) {
    let decoded = Ico.decode(bytes, &Limits::default(), &Control::new()).unwrap();
    (decoded.image.width, rgba(&decoded.image)[0].map(|sample| (sample >> 8) as u8))
}

#[test]
fn the_largest_picture_is_taken_and_said_to_be_one_of_several() {
    let (small, large) = (dib(2, [3, 2, 1, 255]), png(4, [9, 8, 7, 128]));
    let file = ico(&[(2, &small), (4, &large)]);
    assert_eq!(first_pixel(&file), (4, [9, 8, 7, 128]));
    let decoded = Ico.decode(&file, &Limits::default(), &Control::new()).unwrap();
    assert_eq!(decoded.warnings[0].code, "largest_size_only");
    let single = ico(&[(2, &small)]);
    assert_eq!(first_pixel(&single), (2, [1, 2, 3, 255]));
    assert!(Ico.decode(&single, &Limits::default(), &Control::new()).unwrap().warnings.is_empty());
}

#[test]
fn sixteen_bits_a_sample_stay_sixteen() {
    let mut bytes = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut bytes, 4, 4);
    encoder.set_color(::png::ColorType::Rgba);
    encoder.set_depth(::png::BitDepth::Sixteen);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&[1, 2, 3, 4, 5, 6, 0xff, 0xff].repeat(16)).unwrap();
    writer.finish().unwrap();
    let file = ico(&[(4, &bytes)]);
    assert_eq!(Ico.read_header(&file).unwrap().bits, 16);
    let image = Ico.decode(&file, &Limits::default(), &Control::new()).unwrap().image;
    assert_eq!(image.bits(), 16);
    assert_eq!(rgba(&image)[0], [0x0102, 0x0304, 0x0506, 0xffff]);
    let request =
        crate::Request::new(crate::Target::Lossless).with_format(crate::OutputFormat::of(Format::Png));
    let output = crate::compress(&file, &request, &Limits::default(), &Control::new()).unwrap().report.output;
    assert_eq!((output.format, output.bits), (Format::Png, 16));
}

#[test]
fn every_truncation_is_refused() {
    refuses_every_truncation(&Ico, &ico(&[(2, &dib(2, [3, 2, 1, 255]))]));
    refuses_every_truncation(&Ico, &ico(&[(4, &png(4, [9, 8, 7, 128]))]));
}

#[test]
fn what_a_picture_claims_is_seen_before_it_is_decoded() {
    let mut bomb = png(4, [9, 8, 7, 128]);
    bomb[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
    let error = Ico.decode(&ico(&[(0, &bomb)]), &Limits::default(), &Control::new()).unwrap_err();
    assert!(matches!(error, Error::LimitExceeded { .. }), "{error}");
    let mut wide = dib(2, [3, 2, 1, 255]);
    wide[4..8].copy_from_slice(&60_000_u32.to_le_bytes());
    assert!(Ico.read_header(&ico(&[(2, &wide)])).is_err());
    assert!(Ico.read_header(&ico(&[])).is_err());
}

#[test]
fn entries_that_name_the_same_long_file_do_not_multiply_its_reading() {
    // 60,000 entries of a PNG with 100,000 chunks before its pixels: walked for each, that would be billions of steps.
    let png = png(4, [9, 8, 7, 128]);
    let chunk = [b"\0\0\0\0teSt".as_slice(), &[0; 4]].concat();
    let long = [&png[..33], &chunk.repeat(100_000), &png[33..]].concat();
    let count = 60_000_u16;
    let start = DIRECTORY_BYTES + usize::from(count) * ENTRY_BYTES;
    let entry =
        [&[4, 4, 0, 0, 1, 0, 32, 0][..], &(long.len() as u32).to_le_bytes(), &(start as u32).to_le_bytes()];
    let head = [&[0, 0, 1, 0][..], &count.to_le_bytes()].concat();
    let file = [&head[..], &entry.concat().repeat(count.into()), &long].concat();
    assert_eq!(Ico.read_header(&file).unwrap().width, 4);
}
