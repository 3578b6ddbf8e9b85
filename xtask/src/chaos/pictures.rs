//! Small pictures to upload: cheap to compress, and each with bytes of its own.

use anyhow::Result;
use demitasse_engine::{Control, Format, Limits, OutputFormat, Quality, Request, Target, compress};

use super::random::Random;

/// Picture number `number`: the same bytes each time; every third is a JPEG, the others are PNG.
pub(crate) fn picture(seed: u64, number: u64) -> Result<Vec<u8>> {
    let png = png(&mut Random::new(seed, number))?;
    if !number.is_multiple_of(3) {
        return Ok(png);
    }
    let request =
        Request::new(Target::Quality { quality: Quality(92.0) }).with_format(OutputFormat::of(Format::Jpeg));
    Ok(compress(&png, &request, &Limits::default(), &Control::new())?.bytes)
}

/// A soft gradient under noise, 32 to 128 pixels a side.
fn png(random: &mut Random) -> Result<Vec<u8>> {
    let (width, height) = (random.within(32, 128), random.within(32, 128));
    let (right, down) = (random.within(1, 4), random.within(1, 4));
    let mut pixels = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let soft = x * right + y * down;
            let noise = random.within(0, 40);
            pixels.extend([soft / 5, soft / 4, 160].map(|base| (base % 200 + noise).min(255) as u8));
        }
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, u32::try_from(width)?, u32::try_from(height)?);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_gives_its_own_picture_again() {
        assert_eq!(picture(1, 7).unwrap(), picture(1, 7).unwrap());
        assert_ne!(picture(1, 7).unwrap(), picture(1, 8).unwrap());
        assert!(picture(1, 9).unwrap().starts_with(&[0xff, 0xd8]));
        assert!(picture(1, 10).unwrap().starts_with(b"\x89PNG"));
    }
}
