//! Pictures to upload: made ones, and any picture in as many copies of different bytes as wanted.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::pillow::Pillow;

/// Makes picture `number` with a photo's mixture, soft gradients, edges and fine noise, as a JPEG of quality 90 in `folder`.
/// The same number and size give the same pixels.
pub(crate) fn make(
    folder: &Path,
    number: u32,
    (width, height): (u32, u32),
    pillow: &mut Pillow,
) -> Result<PathBuf> {
    let mut samples = format!("P6\n{width} {height}\n255\n").into_bytes();
    let mut noise = 0x2545_f491_u32 ^ number;
    let (shift, loudness) = (number as f32 * 37.0, 14.0 - 2.0 * (number % 6) as f32);
    let middle = height as f32 * 0.586;
    for index in 0..width * height {
        let (x, y) = ((index % width) as f32 + shift, (index / width) as f32);
        noise ^= noise << 13;
        noise ^= noise >> 17;
        noise ^= noise << 5;
        let grain = (noise >> 24) as f32 / 255.0 * loudness - loudness / 2.0;
        let hill = if y > middle + 120.0 * (x / 170.0).sin() + 40.0 * (x / 31.0).sin() { 70.0 } else { 0.0 };
        let soft = 40.0 * (x / 260.0).sin() * (y / 190.0).cos() + 14.0 * (x / 9.0).sin() * (y / 11.0).sin();
        for base in [150.0, 140.0, 170.0] {
            samples.push((base + soft - hill + grain - y / 20.0).clamp(0.0, 255.0) as u8);
        }
    }
    let (raw, photo) =
        (folder.join(format!("photo-{number}.ppm")), folder.join(format!("photo-{number}.jpg")));
    std::fs::write(&raw, samples)?;
    pillow.ask("jpeg90", &[&raw, &photo])?;
    std::fs::remove_file(raw)?;
    Ok(photo)
}

/// The same JPEG with another comment, so that its bytes are not known yet and its pixels cost the same.
pub(crate) fn variation(photo: &[u8], text: &str) -> Result<Vec<u8>> {
    let Some(rest) = photo.strip_prefix(&[0xff, 0xd8]) else { bail!("the photo is no JPEG") };
    let length = u16::try_from(text.len() + 2)?.to_be_bytes();
    Ok([&[0xff, 0xd8, 0xff, 0xfe], length.as_slice(), text.as_bytes(), rest].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_upload_has_other_bytes_and_the_same_pixels() {
        let jpeg = b"\xff\xd8\xff\xd9";
        assert_eq!(variation(jpeg, "upload 7").unwrap(), b"\xff\xd8\xff\xfe\x00\x0aupload 7\xff\xd9");
        assert_ne!(variation(jpeg, "upload 7").unwrap(), variation(jpeg, "upload 8").unwrap());
        assert!(variation(b"GIF", "upload 1").is_err());
    }
}
