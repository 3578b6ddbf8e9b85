//! Files that the encoders of this build do not make, for tests.

use super::jpegli::{Raster, encode_sequentially};
use crate::image::Image;

/// A baseline file of half the chroma, at a Butteraugli distance. Of 8 bits, gray or RGB.
pub(crate) fn sequential(image: &Image, distance: f32) -> Vec<u8> {
    let samples = image.samples_u8().unwrap();
    let channels = image.layout.channels() as u8;
    let raster = Raster { width: image.width, height: image.height, channels, samples };
    let factors = if channels == 1 { (1, 1) } else { (2, 2) };
    encode_sequentially(raster, distance, factors, 0)
}
