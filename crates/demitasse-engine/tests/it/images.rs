//! Pictures made in code, and the files around them.

/// A picture that compresses like a photo: smooth shapes of several sizes and a little grain. RGB, 8 bits.
pub(crate) fn photo(width: u32, height: u32) -> Vec<u8> {
    let mut noise = 0x2545_f491_u32;
    let mut rgb = Vec::with_capacity((width * height * 3) as usize);
    for y in 0..height {
        for x in 0..width {
            noise ^= noise << 13;
            noise ^= noise >> 17;
            noise ^= noise << 5;
            let (fx, fy) = (f64::from(x), f64::from(y));
            let shape = (fx / 37.0).sin() * (fy / 23.0).cos() + ((fx + 2.0 * fy) / 9.0).sin() * 0.3;
            let edge = if (fx - f64::from(width) / 2.0).hypot(fy - f64::from(height) / 2.0) < 60.0 {
                50.0
            } else {
                0.0
            };
            let grain = f64::from(noise % 9) - 4.0;
            for shift in [0.0, 25.0, -30.0] {
                rgb.push((120.0 + shape * 55.0 + edge + shift + grain).clamp(0.0, 255.0) as u8);
            }
        }
    }
    rgb
}

/// A picture like a chart: flat colours, hard edges. RGBA, 8 bits; a corner is transparent.
pub(crate) fn chart(width: u32, height: u32) -> Vec<u8> {
    let colors = [[250, 250, 250, 255], [30, 60, 200, 255], [220, 40, 30, 255], [20, 20, 20, 255]];
    let mut rgba = Vec::with_capacity((width * height * 4) as usize);
    for y in 0..height {
        for x in 0..width {
            let color = colors[((x / 11) ^ (y / 7)) as usize % colors.len()];
            rgba.extend_from_slice(if x < 16 && y < 16 { &[0, 0, 0, 0] } else { &color });
        }
    }
    rgba
}

/// A PNG file around interleaved 8-bit samples.
pub(crate) fn png(width: u32, height: u32, color: png::ColorType, samples: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(color);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(samples).unwrap();
    writer.finish().unwrap();
    bytes
}

/// The samples of a PNG file, 8 bits, with its colour type.
pub(crate) fn decode_png(bytes: &[u8]) -> (u32, u32, png::ColorType, Vec<u8>) {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().unwrap();
    let mut samples = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut samples).unwrap();
    samples.truncate(info.buffer_size());
    (info.width, info.height, info.color_type, samples)
}

/// Puts a marker segment behind the first two bytes of a JPEG file.
pub(crate) fn with_segment(jpeg: &[u8], marker: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xff, marker], &length, payload, &jpeg[2..]].concat()
}

/// An EXIF segment's payload, big-endian, with these IFD0 entries: (tag, type, count, value or text).
pub(crate) fn exif(orientation: u16, copyright: &str, gps: bool) -> Vec<u8> {
    let text = [copyright.as_bytes(), b"\0"].concat();
    let entries = 2 + u16::from(gps);
    let text_at = 8 + 2 + 12 * u32::from(entries) + 4;
    let gps_at = text_at + text.len() as u32;
    let mut tiff = b"MM\0*\0\0\0\x08".to_vec();
    tiff.extend(entries.to_be_bytes());
    let mut entry = |tag: u16, kind: u16, count: u32, value: u32| {
        tiff.extend(tag.to_be_bytes());
        tiff.extend(kind.to_be_bytes());
        tiff.extend(count.to_be_bytes());
        tiff.extend(value.to_be_bytes());
    };
    entry(0x0112, 3, 1, u32::from(orientation) << 16);
    entry(0x8298, 2, text.len() as u32, text_at);
    if gps {
        entry(0x8825, 4, 1, gps_at);
    }
    tiff.extend(0_u32.to_be_bytes());
    tiff.extend(&text);
    if gps {
        // One entry: GPSLatitudeRef "N".
        tiff.extend([0, 1, 0, 1, 0, 2, 0, 0, 0, 2, b'N', 0, 0, 0, 0, 0, 0, 0]);
    }
    [b"Exif\0\0".as_slice(), &tiff].concat()
}

/// Puts chunks behind the header of a PNG file.
pub(crate) fn with_chunks(file: &[u8], chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut out = file[..33].to_vec();
    for (kind, data) in chunks {
        let body = [kind.as_slice(), data].concat();
        out.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        out.extend(&body);
        out.extend(crc32(&body).to_be_bytes());
    }
    out.extend(&file[33..]);
    out
}

/// CRC-32 of PNG (ISO 3309), bit by bit.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 },
        )
    })
}
