//! The filter: Lanczos with three lobes, in linear light, with premultiplied alpha.
//!
//! Source of the filter: the crate `fast_image_resize`. Everything is done in whole numbers, 16 bits for images of 8 bits
//! a sample and 32 for those of 16, so that every processor gives the same pixels: with floating point, vector units
//! differ in the last bit.

use std::sync::LazyLock;

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{I32, InnerPixel, U16, U16x2, U16x3, U16x4};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};

use super::Region;
use crate::image::{Image, Layout, Samples};
use crate::{Control, Error, Result};

/// Pixels that are made linear at a time.
const BAND_PIXELS: u32 = 1 << 20;

/// Makes the region `from` of a still image an image of `to` pixels.
///
/// Layout, depth and profile stay. Linear light is reached by the sRGB curve (IEC 61966-2-1), with a profile too: the
/// curves of the profiles in use (Display P3 has sRGB's own, Adobe RGB a power of 2.2) are close to it, and a flat area
/// stays exactly what it was by any. A transparent pixel has no colour: none bleeds out of it, and it comes out black; of
/// pixels that are nearly so (alpha below 20 of 255) the darkest colours may be a level off. An image that is not resized,
/// only cut, keeps its samples.
///
/// # Errors
/// `DeadlineExceeded`, `Cancelled` between bands of rows; `Codec` if the filter refuses: a defect.
///
/// Cost: linear in the pixels of the region, about 80 megapixels a second for RGB of 8 bits, 25 for 16; memory 2 bytes
/// (16 bits: 4) for each sample of `to.width x from.height`, beside the result.
pub(super) fn resample(image: &Image, from: Region, to: (u32, u32), control: &Control) -> Result<Image> {
    let work = Work { from, to, stride: image.width as usize, channels: image.layout.channels(), control };
    let samples = match image.samples() {
        Samples::U8(samples) if (from.width, from.height) == to => Samples::U8(work.cut(samples)),
        Samples::U16(samples) if (from.width, from.height) == to => Samples::U16(work.cut(samples)),
        Samples::U8(samples) => Samples::U8(match image.layout {
            Layout::Gray => work.eight_bits::<U16>(samples, false),
            Layout::GrayAlpha => work.eight_bits::<U16x2>(samples, true),
            Layout::Rgb => work.eight_bits::<U16x3>(samples, false),
            Layout::Rgba => work.eight_bits::<U16x4>(samples, true),
        }?),
        Samples::U16(samples) => Samples::U16(work.sixteen_bits(samples, image.layout.has_alpha())?),
    };
    Ok(Image::still(to.0, to.1, image.layout, samples, image.profile.clone()))
}

/// One call's geometry.
struct Work<'a> {
    from: Region,
    to: (u32, u32),
    /// Pixels in a row of the image.
    stride: usize,
    channels: usize,
    control: &'a Control,
}

impl Work<'_> {
    /// Row `y` of the region.
    fn row<'s, T>(&self, samples: &'s [T], y: u32) -> &'s [T] {
        let first = (self.from.y + y) as usize * self.stride + self.from.x as usize;
        &samples[first * self.channels..(first + self.from.width as usize) * self.channels]
    }

    fn cut<T: Copy>(&self, samples: &[T]) -> Vec<T> {
        (0..self.from.height).flat_map(|y| self.row(samples, y)).copied().collect()
    }

    fn eight_bits<P>(&self, samples: &[u8], has_alpha: bool) -> Result<Vec<u8>>
    where
        P: PixelTrait + InnerPixel<Component = u16>,
    {
        let light = &*LIGHT_8;
        let pixels = self.filter::<P>(|y, row| {
            let linear = P::components_mut(row);
            for (linear, sample) in linear.iter_mut().zip(self.row(samples, y)) {
                *linear = light.linear[usize::from(*sample)];
            }
            if has_alpha {
                let pixels = linear.chunks_exact_mut(self.channels);
                for (linear, stored) in pixels.zip(self.row(samples, y).chunks_exact(self.channels)) {
                    let alpha = stored[self.channels - 1];
                    linear[..self.channels - 1].iter_mut().for_each(|color| *color = times(*color, alpha));
                    linear[self.channels - 1] = times(ZERO + SPAN, alpha);
                }
            }
        })?;
        let linear = P::components(&pixels);
        if !has_alpha {
            return Ok(linear.iter().map(|value| light.encoded[usize::from(*value)]).collect());
        }
        let mut encoded = Vec::with_capacity(linear.len());
        for pixel in linear.chunks_exact(self.channels) {
            let (alpha, colors) = (pixel[self.channels - 1], &pixel[..self.channels - 1]);
            let opacity = opacity(alpha);
            // A pixel that rounds to transparent has no colour to show, and none to keep.
            let shown = |color| if opacity == 0 { ZERO } else { over(color, alpha) };
            encoded.extend(colors.iter().map(|color| light.encoded[usize::from(shown(*color))]));
            encoded.push(opacity);
        }
        Ok(encoded)
    }

    /// Plane by plane: the filter has no pixels of several 32-bit numbers.
    fn sixteen_bits(&self, samples: &[u16], has_alpha: bool) -> Result<Vec<u16>> {
        let light = &*LIGHT_16;
        let last = self.channels - 1;
        let plane = |channel: usize| {
            self.filter::<I32>(|y, row| {
                let stored = self.row(samples, y).chunks_exact(self.channels);
                for (linear, pixel) in I32::components_mut(row).iter_mut().zip(stored) {
                    *linear = match (has_alpha, channel == last) {
                        (true, true) => i32::from(pixel[last]) << ALPHA_SHIFT,
                        (true, false) => light.times(pixel[channel], pixel[last]),
                        (false, _) => light.linear[usize::from(pixel[channel])],
                    };
                }
            })
        };
        let planes = (0..self.channels).map(plane).collect::<Result<Vec<_>>>()?;
        let planes: Vec<&[i32]> = planes.iter().map(|plane| I32::components(plane)).collect();
        let mut encoded = Vec::with_capacity(planes[0].len() * self.channels);
        for index in 0..planes[0].len() {
            if !has_alpha {
                encoded.extend(planes.iter().map(|plane| light.encode(plane[index])));
                continue;
            }
            let alpha = planes[last][index].clamp(0, ONE);
            let opacity = ((alpha + (1 << (ALPHA_SHIFT - 1))) >> ALPHA_SHIFT) as u16;
            for plane in &planes[..last] {
                let color = i64::from(plane[index].clamp(0, alpha)) * i64::from(ONE);
                let shown = (color + i64::from(alpha) / 2).checked_div(i64::from(alpha)).unwrap_or(0);
                encoded.push(if opacity == 0 { 0 } else { light.encode(shown as i32) });
            }
            encoded.push(opacity);
        }
        Ok(encoded)
    }

    /// Both passes: first along the rows, in bands, so that the linear form of the whole image is never in memory; then
    /// along the columns. `fill` writes a row of the region in linear form.
    fn filter<P: PixelTrait>(&self, fill: impl Fn(u32, &mut [P])) -> Result<Vec<P>> {
        let (width, height) = (self.from.width, self.from.height);
        let (to_width, to_height) = self.to;
        let options =
            ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3)).use_alpha(false);
        let mut resizer = Resizer::new();
        let mut narrow = vec![P::default(); to_width as usize * height as usize];
        let band_rows = (BAND_PIXELS / width).clamp(1, height);
        let mut band = vec![P::default(); width as usize * band_rows as usize];
        for top in (0..height).step_by(band_rows as usize) {
            self.control.check()?;
            let rows = band_rows.min(height - top);
            for (y, row) in (top..top + rows).zip(band.chunks_exact_mut(width as usize)) {
                fill(y, row);
            }
            let done = &mut narrow[top as usize * to_width as usize..];
            let mut done = TypedImage::from_pixels_slice(to_width, rows, done).map_err(failed)?;
            let source = TypedImageRef::new(width, rows, &band).map_err(failed)?;
            resizer.resize_typed(&source, &mut done, &options).map_err(failed)?;
        }
        drop(band);
        self.control.check()?;
        let mut done = vec![P::default(); to_width as usize * to_height as usize];
        let mut target = TypedImage::from_pixels_slice(to_width, to_height, &mut done).map_err(failed)?;
        let source = TypedImageRef::new(to_width, height, &narrow).map_err(failed)?;
        resizer.resize_typed(&source, &mut target, &options).map_err(failed)?;
        drop(target);
        Ok(done)
    }
}

fn failed(error: impl ToString) -> Error {
    Error::codec("resize", error)
}

/// No light, and how much more full light is, in the 16 bits that 8 become. The filter overshoots by a sixth at most, and
/// what is cut off between its passes would be missing in the second.
const ZERO: u16 = 8_192;
const SPAN: u16 = 49_152;

/// `color x alpha / 255`, rounded.
fn times(color: u16, alpha: u8) -> u16 {
    ZERO + ((u32::from(color - ZERO) * u32::from(alpha) + 127) / 255) as u16
}

/// What [`times`] was made of; black where there is no alpha. No colour is above its alpha, whatever the filter made.
fn over(color: u16, alpha: u16) -> u16 {
    let [color, alpha] = [color, alpha].map(|value| u32::from(value.saturating_sub(ZERO)));
    let shown = color.min(alpha) * u32::from(SPAN) + alpha / 2;
    ZERO + shown.checked_div(alpha).unwrap_or(0).min(SPAN.into()) as u16
}

/// Alpha in 8 bits.
fn opacity(alpha: u16) -> u8 {
    let alpha = u32::from(alpha.saturating_sub(ZERO).min(SPAN));
    ((alpha * 255 + u32::from(SPAN) / 2) / u32::from(SPAN)) as u8
}

/// Linear light of a non-linear sRGB value, both 0 to 1. Source: IEC 61966-2-1.
fn linear(encoded: f64) -> f64 {
    if encoded <= 0.040_45 { encoded / 12.92 } else { ((encoded + 0.055) / 1.055).powf(2.4) }
}

/// The inverse of [`linear`].
fn encoded(linear: f64) -> f64 {
    if linear <= 0.003_130_8 { linear * 12.92 } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 }
}

/// Between 8 bits and 16 bits of linear light: the darkest steps are 15 apart.
struct Light8 {
    /// Of each sample.
    linear: Vec<u16>,
    /// Of each linear value; what is beyond [`ZERO`] or [`SPAN`] is black or white.
    encoded: Vec<u8>,
}

static LIGHT_8: LazyLock<Light8> = LazyLock::new(|| Light8 {
    linear: (0..=255)
        .map(|value| ZERO + (linear(f64::from(value) / 255.0) * f64::from(SPAN)).round() as u16)
        .collect(),
    encoded: (0..=u16::MAX)
        .map(|value| f64::from(value.saturating_sub(ZERO).min(SPAN)) / f64::from(SPAN))
        .map(|light| (encoded(light) * 255.0).round() as u8)
        .collect(),
});

/// Opaque and white, in 32 bits: 65,535 x 2^14. The filter overshoots by a fifth at most, and has room for a whole.
const ONE: i32 = 65_535 << ALPHA_SHIFT;
const ALPHA_SHIFT: u32 = 14;

/// Between 16 bits and 30 bits of linear light: the darkest steps are 1,268 apart.
struct Light16 {
    linear: Vec<i32>,
}

static LIGHT_16: LazyLock<Light16> = LazyLock::new(|| Light16 {
    linear: (0..=65_535)
        .map(|value| (linear(f64::from(value) / 65_535.0) * f64::from(ONE)).round() as i32)
        .collect(),
});

impl Light16 {
    fn times(&self, color: u16, alpha: u16) -> i32 {
        let product = i64::from(self.linear[usize::from(color)]) * i64::from(alpha);
        ((product + 32_767) / 65_535) as i32
    }

    /// The nearest value.
    fn encode(&self, light: i32) -> u16 {
        let above = self.linear.partition_point(|step| *step < light).clamp(1, 65_535);
        let below = above - 1;
        let nearer_below =
            light.saturating_sub(self.linear[below]) < self.linear[above].saturating_sub(light);
        (if nearer_below { below } else { above }) as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::testing::{LAYOUTS, picture, rgba};

    fn resampled(image: &Image, width: u32, height: u32) -> Image {
        let whole = Region { x: 0, y: 0, width: image.width, height: image.height };
        resample(image, whole, (width, height), &Control::new()).unwrap()
    }

    fn flat(layout: Layout, bits: u8, value: u16, alpha: u16) -> Image {
        let pixel: Vec<u16> = match layout {
            Layout::Gray => vec![value],
            Layout::GrayAlpha => vec![value, alpha],
            Layout::Rgb => vec![value; 3],
            Layout::Rgba => vec![value, value, value, alpha],
        };
        let samples = pixel.into_iter().cycle().take(37 * 29 * layout.channels());
        let samples = match bits {
            16 => Samples::U16(samples.collect()),
            _ => Samples::U8(samples.map(|sample| sample as u8).collect()),
        };
        Image::still(37, 29, layout, samples, None)
    }

    #[test]
    fn every_value_survives_the_way_to_linear_light_and_back() {
        for value in 0..=255_u8 {
            assert_eq!(LIGHT_8.encoded[usize::from(LIGHT_8.linear[usize::from(value)])], value);
        }
        for value in 0..=65_535_u16 {
            assert_eq!(LIGHT_16.encode(LIGHT_16.linear[usize::from(value)]), value);
        }
        assert_eq!(
            [i32::MIN, -1, ONE + 1, i32::MAX].map(|light| LIGHT_16.encode(light)),
            [0, 0, 65_535, 65_535]
        );
    }

    #[test]
    fn a_flat_area_stays_exactly_what_it_was() {
        for (width, height) in [(10, 7), (36, 29), (1, 1), (80, 91)] {
            for layout in LAYOUTS {
                for value in [0, 1, 2, 17, 128, 254, 255] {
                    for alpha in [20, 128, 255] {
                        let done = resampled(&flat(layout, 8, value, alpha), width, height);
                        let first = &done.samples_u8().unwrap()[..layout.channels()];
                        let asked = flat(layout, 8, value, alpha);
                        assert_eq!(first, &asked.samples_u8().unwrap()[..layout.channels()]);
                        assert!(
                            done.samples_u8()
                                .unwrap()
                                .chunks_exact(layout.channels())
                                .all(|pixel| pixel == first)
                        );
                    }
                }
                for value in [0, 1, 700, 65_534, 65_535] {
                    let done = resampled(&flat(layout, 16, value, 30_000), width, height);
                    let Samples::U16(samples) = flat(layout, 16, value, 30_000).samples().clone() else {
                        unreachable!()
                    };
                    let Samples::U16(done) = done.samples() else { unreachable!() };
                    assert!(
                        done.chunks_exact(layout.channels())
                            .all(|pixel| pixel == &samples[..layout.channels()])
                    );
                }
            }
        }
    }

    #[test]
    fn black_and_white_average_to_the_gray_of_half_the_light() {
        // Half the light is 188 of 255; half the value would be 128.
        for layout in LAYOUTS {
            for bits in [8, 16] {
                let white = if bits == 8 { 255 } else { 65_535 };
                let mut samples = Vec::new();
                for index in 0..64_u32 * 64 {
                    let value = if (index % 64 + index / 64) % 2 == 0 { 0 } else { white };
                    samples.extend(vec![value; layout.channels() - usize::from(layout.has_alpha())]);
                    samples.extend(layout.has_alpha().then_some(white));
                }
                let samples = match bits {
                    8 => Samples::U8(samples.iter().map(|sample| *sample as u8).collect()),
                    _ => Samples::U16(samples),
                };
                let done = resampled(&Image::still(64, 64, layout, samples, None), 32, 32);
                // The filter reaches over the border, where the pattern ends: look inside.
                let inside = (8..24).flat_map(|y| (8..24).map(move |x| y * 32 + x));
                let pixels = rgba(&done);
                for index in inside {
                    let value = (u32::from(pixels[index][0]) + 128) / 257;
                    assert!(value.abs_diff(188) <= 1, "{layout:?} {bits}: {value}");
                    assert_eq!(pixels[index][3], 65_535);
                }
            }
        }
    }

    #[test]
    fn the_colour_of_transparent_pixels_does_not_bleed() {
        for bits in [8, 16] {
            let mut samples = Vec::new();
            for index in 0..40 * 40 {
                samples.extend(if index % 40 < 20 { [65_535, 0, 0, 0] } else { [0, 0, 65_535, 65_535] });
            }
            let samples = match bits {
                8 => Samples::U8(samples.iter().map(|sample: &u16| (sample >> 8) as u8).collect()),
                _ => Samples::U16(samples),
            };
            let done = resampled(&Image::still(40, 40, Layout::Rgba, samples, None), 13, 13);
            for pixel in rgba(&done) {
                assert_eq!(pixel[0], 0, "{pixel:?}");
                assert!(pixel[3] == 0 || pixel[2] > 65_000, "{pixel:?}");
            }
        }
    }

    #[test]
    #[expect(unsafe_code, reason = "the vector units of a processor are chosen by an unsafe call")]
    fn every_processor_gives_the_same_pixels() {
        use fast_image_resize::CpuExtensions;
        let image = picture(150, 120, Layout::Rgb, 8);
        let pixels: Vec<_> = image
            .samples_u8()
            .unwrap()
            .chunks_exact(3)
            .map(|pixel| U16x3::new([0, 1, 2].map(|channel| LIGHT_8.linear[usize::from(pixel[channel])])))
            .collect();
        let source = TypedImageRef::new(150, 120, &pixels).unwrap();
        let with = |extensions| {
            let mut resizer = Resizer::new();
            // SAFETY: either none, or what the crate found this processor to have.
            unsafe { resizer.set_cpu_extensions(extensions) };
            let mut done = TypedImage::new(67, 44);
            resizer.resize_typed(&source, &mut done, &ResizeOptions::new().use_alpha(false)).unwrap();
            U16x3::components(done.pixels()).to_vec()
        };
        assert!(with(CpuExtensions::None) == with(CpuExtensions::default()));
    }

    #[test]
    fn both_depths_give_the_same_picture() {
        for layout in LAYOUTS {
            let narrow = picture(90, 70, layout, 8);
            let Samples::U8(samples) = narrow.samples() else { unreachable!() };
            let wide = samples.iter().map(|sample| u16::from(*sample) * 257).collect();
            let wide = Image::still(90, 70, layout, Samples::U16(wide), None);
            let [narrow, wide] = [narrow, wide].map(|image| rgba(&resampled(&image, 31, 44)));
            for (narrow, wide) in narrow.iter().zip(&wide) {
                assert!(narrow[3].abs_diff(wide[3]) <= 257, "{narrow:?} {wide:?}");
                // Colours of little opacity are known to few bits, and not seen.
                let tolerance = if narrow[3] > 30 * 257 { 400 } else { 65_535 };
                assert!(
                    narrow.iter().zip(wide).take(3).all(|(a, b)| a.abs_diff(*b) <= tolerance),
                    "{narrow:?} {wide:?}"
                );
            }
        }
    }

    #[test]
    fn a_cut_keeps_samples_and_profile() {
        let image = Image { profile: Some([7_u8, 8].into()), ..picture(50, 40, Layout::Rgb, 8) };
        let from = Region { x: 11, y: 3, width: 20, height: 30 };
        let done = resample(&image, from, (20, 30), &Control::new()).unwrap();
        assert_eq!(done.profile, image.profile);
        let (all, cut) = (image.samples_u8().unwrap(), done.samples_u8().unwrap());
        assert_eq!(cut[..60], all[(3 * 50 + 11) * 3..][..60]);
        assert_eq!(cut[29 * 60..], all[(32 * 50 + 11) * 3..][..60]);
    }

    #[test]
    fn a_region_is_resized_without_what_is_around_it() {
        let mut image = flat(Layout::Gray, 8, 200, 255);
        let Samples::U8(samples) = &mut image.frames[0].samples else { unreachable!() };
        for (index, sample) in samples.iter_mut().enumerate() {
            if !(10..30).contains(&(index % 37)) {
                *sample = 0;
            }
        }
        let from = Region { x: 10, y: 0, width: 20, height: 29 };
        let done = resample(&image, from, (7, 9), &Control::new()).unwrap();
        assert!(done.samples_u8().unwrap().iter().all(|sample| *sample == 200));
    }

    #[test]
    fn a_cancelled_call_ends() {
        let control = Control::new();
        control.cancel();
        let whole = Region { x: 0, y: 0, width: 37, height: 29 };
        let error = resample(&flat(Layout::Gray, 8, 1, 255), whole, (5, 5), &control).unwrap_err();
        assert_eq!(error.code(), "cancelled");
    }
}
