//! Draws, with resvg: shapes, gradients, filters, masks. There are no fonts here and no decoders for pictures inside of a drawing, so
//! letters and pictures are left out.

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{ImageHrefResolver, Options, Size, Tree};

use super::header::DEFAULT;
use super::read::text;
use crate::image::{Image, Layout, Samples};
use crate::{Error, Format, Result};

/// Draws a file that was found safe, in this size (width and height): straight RGBA, sRGB. Each pixel is the mean of `times` x `times`
/// that are drawn.
///
/// # Errors
/// `Malformed`; `Codec` where there is no memory for the pixels.
///
/// Cost: linear in shapes and pixels; filters may take many times as long. Memory: a layer of the size for each group that is
/// drawn apart.
pub(crate) fn draw(bytes: &[u8], (width, height): (u32, u32), times: u32) -> Result<Image> {
    let options = Options {
        default_size: Size::from_wh(DEFAULT.0 as f32, DEFAULT.1 as f32)
            .unwrap_or(Options::default().default_size),
        // Nothing is ever loaded.
        image_href_resolver: ImageHrefResolver {
            resolve_data: Box::new(|_, _, _| None),
            resolve_string: Box::new(|_, _| None),
        },
        ..Options::default()
    };
    let tree =
        Tree::from_str(text(bytes)?, &options).map_err(|error| Error::malformed(Format::Svg, error))?;
    let pixels = width.checked_mul(times).zip(height.checked_mul(times));
    let mut pixels = pixels
        .and_then(|(width, height)| Pixmap::new(width, height))
        .ok_or_else(|| Error::codec("svg", format!("there is no room for {width} x {height} pixels")))?;
    let size = tree.size();
    let scale =
        Transform::from_scale(pixels.width() as f32 / size.width(), pixels.height() as f32 / size.height());
    resvg::render(&tree, scale, &mut pixels.as_mut());
    let samples = if times == 1 { pixels.take_demultiplied() } else { means(&pixels, times) };
    Ok(Image::still(width, height, Layout::Rgba, Samples::U8(samples), None))
}

/// Of each `times` x `times` pixels one: the mean of what covers it. Rounded once, from what alpha was multiplied with to what it was not.
fn means(pixels: &Pixmap, times: u32) -> Vec<u8> {
    let (times, row) = (times as usize, pixels.width() as usize * 4);
    let mut samples = Vec::with_capacity(pixels.data().len() / (times * times));
    for band in pixels.data().chunks_exact(row * times) {
        for left in (0..row).step_by(4 * times) {
            let mut sums = [0_u32; 4];
            for line in band.chunks_exact(row) {
                for pixel in line[left..left + 4 * times].as_chunks::<4>().0 {
                    for (sum, sample) in sums.iter_mut().zip(pixel) {
                        *sum += u32::from(*sample);
                    }
                }
            }
            let [colors @ .., alpha] = sums;
            let straight =
                |color: u32| ((color * 255 + alpha / 2).checked_div(alpha)).unwrap_or(0).min(255) as u8;
            samples.extend(colors.map(straight));
            let count = (times * times) as u32;
            samples.push(((alpha + count / 2) / count) as u8);
        }
    }
    samples
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(shapes: &str, size: (u32, u32), times: u32) -> Vec<u8> {
        let text = format!("<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 2 1'>{shapes}</svg>");
        draw(text.as_bytes(), size, times).unwrap().samples_u8().unwrap().to_vec()
    }

    #[test]
    fn shapes_cover_the_pixels_that_they_should() {
        let shapes =
            "<path fill='#f80' d='M0 0h1v1H0z'/><path fill='#00f' fill-opacity='.5' d='M1 0h1v1H1z'/>";
        for times in [1, 4] {
            assert_eq!(of(shapes, (2, 1), times), [255, 136, 0, 255, 0, 0, 255, 128], "{times}");
        }
    }

    #[test]
    fn a_mean_is_of_what_covers_a_pixel_and_keeps_its_colour() {
        assert_eq!(of("<path fill='#f80' d='M0 0h.25v1H0z'/>", (2, 1), 4)[..4], [255, 136, 0, 64]);
    }
}
