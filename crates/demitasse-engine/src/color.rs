//! Colour: what a profile's samples look like in sRGB.
//!
//! Conversions are moxcms's. Where a profile has several tables the perceptual one is used, as browsers do for pictures.

use std::sync::Arc;

use moxcms::{
    ColorProfile, DataColorSpace, Layout as Channels, ProfileClass, TransformExecutor, TransformOptions,
};

use crate::image::{Image, Layout, Samples};
use crate::report::Warning;

type Transform = Arc<moxcms::Transform8BitExecutor>;

/// Largest difference, of 255, at which a profile counts as sRGB: what rounding in a small table of curve points makes.
const SAME: u8 = 1;

/// From a profile's samples to sRGB, for looking at.
pub(crate) struct ToSrgb {
    is_gray: bool,
    /// None where the samples are sRGB already, or are taken as such.
    transform: Option<Transform>,
}

impl ToSrgb {
    /// From samples of one (gray) or three channels. Without a profile, and with one that cannot be used (see
    /// [`check_profile`]), they are taken as sRGB, as viewers do; so are those of a profile that is sRGB in all but name.
    pub(crate) fn new(is_gray: bool, profile: Option<&[u8]>) -> Self {
        let transform = profile
            .and_then(|profile| transform(is_gray, profile).ok())
            .filter(|transform| !is_identity(is_gray, transform));
        Self { is_gray, transform }
    }

    /// Whether three samples a pixel go through as they are.
    pub(crate) fn is_identity(&self) -> bool {
        !self.is_gray && self.transform.is_none()
    }

    /// Converts interleaved 8-bit samples without alpha to 8-bit sRGB, three samples a pixel. Cost: linear, about 700
    /// megapixels a second for a matrix profile; the result is the only large allocation.
    pub(crate) fn convert(&self, samples: &[u8]) -> Vec<u8> {
        let converted = self
            .transform
            .as_ref()
            .and_then(|transform| apply(transform, samples, samples_a_pixel(self.is_gray)).ok());
        match converted {
            Some(rgb) => rgb,
            None if self.is_gray => spread(samples),
            None => samples.to_vec(),
        }
    }
}

/// Looks whether `profile` describes samples of this layout.
///
/// # Errors
/// Why not, for people: it cannot be parsed, is of another colour space (a CMYK profile on RGB samples), of a class that
/// describes no picture (a device link, a named-colour list), or lacks the tables to convert with. Viewers ignore such a
/// profile.
pub(crate) fn check_profile(layout: Layout, profile: &[u8]) -> Result<(), String> {
    transform(layout.is_gray(), profile).map(|_| ())
}

/// The profile that samples of this layout are in: the file's, or none and a warning `profile_ignored` where it cannot
/// be used.
pub(crate) fn usable_profile(
    layout: Layout,
    profile: Option<&[u8]>,
    warnings: &mut Vec<Warning>,
) -> Option<Arc<[u8]>> {
    let profile = profile?;
    match check_profile(layout, profile) {
        Ok(()) => Some(profile.into()),
        Err(why) => {
            warnings.push(Warning {
                code: "profile_ignored".into(),
                detail: format!("its ICC profile {why}; it is ignored, as viewers ignore it"),
            });
            None
        }
    }
}

/// Converts an image of 8 or 16 bits to sRGB, in place; its profile goes. Whether it had to: without a profile, and with one that says
/// sRGB, or cannot be used, nothing changes.
///
/// Cost: linear; little memory.
pub(crate) fn convert_to_srgb(image: &mut Image) -> bool {
    let layout = image.layout;
    let Some(profile) = image.profile.clone().filter(|profile| !is_srgb(layout, profile)) else {
        return false;
    };
    let (space, channels) = match layout {
        Layout::Gray | Layout::GrayAlpha => (DataColorSpace::Gray, Channels::Gray),
        Layout::Rgb | Layout::Rgba => (DataColorSpace::Rgb, Channels::Rgb),
    };
    let srgb = ColorProfile::new_srgb();
    let Ok(from) = parse(&profile, space) else { return false };
    let options = TransformOptions::default;
    let narrow = from.create_transform_8bit(channels, &srgb, Channels::Rgb, options());
    let wide = from.create_transform_16bit(channels, &srgb, Channels::Rgb, options());
    let (Ok(narrow), Ok(wide)) = (narrow, wide) else { return false };
    let width = image.width as usize;
    for frame in &mut image.frames {
        let is_done = match &mut frame.samples {
            Samples::U8(samples) => convert_rows(samples, width, layout, &*narrow),
            Samples::U16(samples) => convert_rows(samples, width, layout, &*wide),
        };
        // Only lengths could be wrong, of which a row has the right ones.
        if is_done.is_err() {
            return false;
        }
    }
    image.profile = None;
    true
}

/// Alpha stays; gray comes out as gray.
fn convert_rows<T: Copy + Default>(
    samples: &mut [T],
    width: usize,
    layout: Layout,
    transform: &(dyn TransformExecutor<T> + Send + Sync),
) -> Result<(), moxcms::CmsError> {
    let (channels, colors) = (layout.channels(), if layout.is_gray() { 1 } else { 3 });
    let (mut before, mut after) = (vec![T::default(); width * colors], vec![T::default(); width * 3]);
    for row in samples.chunks_exact_mut(width * channels) {
        for (pixel, color) in row.chunks_exact(channels).zip(before.chunks_exact_mut(colors)) {
            color.copy_from_slice(&pixel[..colors]);
        }
        transform.transform(&before, &mut after)?;
        for (pixel, rgb) in row.chunks_exact_mut(channels).zip(after.chunks_exact(3)) {
            pixel[..colors].copy_from_slice(&rgb[..colors]);
        }
    }
    Ok(())
}

/// Whether two profiles of samples of this layout say the same: byte for byte, or sRGB both; none is sRGB.
pub(crate) fn is_same_profile(layout: Layout, a: Option<&[u8]>, b: Option<&[u8]>) -> bool {
    a == b || [a, b].into_iter().all(|profile| profile.is_none_or(|profile| is_srgb(layout, profile)))
}

/// Whether samples of this layout mean under `profile` what they mean without one. Gray ones never do: what a program makes of gray
/// without a profile is its own affair.
pub(crate) fn is_srgb(layout: Layout, profile: &[u8]) -> bool {
    !layout.is_gray() && transform(false, profile).is_ok_and(|transform| is_identity(false, &transform))
}

/// A profile of sRGB in as few bytes as it takes: primaries, white point and one parametric curve.
pub(crate) fn compact_srgb() -> &'static [u8] {
    static COMPACT: std::sync::LazyLock<Vec<u8>> =
        std::sync::LazyLock::new(|| ColorProfile::new_srgb().encode().unwrap_or_default());
    &COMPACT
}

/// Converts 8-bit CMYK to 8-bit sRGB. `samples` are interleaved, four a pixel, 255 is full ink; says whether the profile
/// was used.
///
/// Without a usable CMYK profile: R = 255 - C, scaled by 255 - K, and so on; what browsers do, brighter and more
/// saturated than print. Cost: linear, about 50 megapixels a second with a profile.
pub(crate) fn cmyk_to_srgb8(samples: &[u8], profile: Option<&[u8]>) -> (Vec<u8>, bool) {
    let converted = profile.and_then(|profile| {
        let profile = parse(profile, DataColorSpace::Cmyk).ok()?;
        let transform = to_srgb(&profile, Channels::Rgba).ok()?;
        apply(&transform, samples, 4).ok()
    });
    match converted {
        Some(rgb) => (rgb, true),
        None => (samples.chunks_exact(4).flat_map(without_inks).collect(), false),
    }
}

fn without_inks(pixel: &[u8]) -> [u8; 3] {
    let light = u32::from(255 - pixel[3]);
    [0, 1, 2].map(|ink| ((u32::from(255 - pixel[ink]) * light + 127) / 255) as u8)
}

fn samples_a_pixel(is_gray: bool) -> usize {
    if is_gray { 1 } else { 3 }
}

fn spread(gray: &[u8]) -> Vec<u8> {
    gray.iter().flat_map(|sample| [*sample; 3]).collect()
}

fn parse(profile: &[u8], space: DataColorSpace) -> Result<ColorProfile, String> {
    let profile = ColorProfile::new_from_slice(profile).map_err(|error| format!("is broken ({error})"))?;
    if profile.color_space != space {
        return Err(format!("is of another colour space ({:?})", profile.color_space));
    }
    match profile.profile_class {
        ProfileClass::InputDevice
        | ProfileClass::DisplayDevice
        | ProfileClass::OutputDevice
        | ProfileClass::ColorSpace => Ok(profile),
        class => Err(format!("is of a class that describes no picture ({class:?})")),
    }
}

fn to_srgb(profile: &ColorProfile, from: Channels) -> Result<Transform, String> {
    profile
        .create_transform_8bit(from, &ColorProfile::new_srgb(), Channels::Rgb, TransformOptions::default())
        .map_err(|error| format!("cannot be converted with ({error})"))
}

fn transform(is_gray: bool, profile: &[u8]) -> Result<Transform, String> {
    let (space, channels) =
        if is_gray { (DataColorSpace::Gray, Channels::Gray) } else { (DataColorSpace::Rgb, Channels::Rgb) };
    to_srgb(&parse(profile, space)?, channels)
}

fn apply(transform: &Transform, samples: &[u8], samples_a_pixel: usize) -> Result<Vec<u8>, String> {
    let mut rgb = vec![0; samples.len() / samples_a_pixel * 3];
    transform.transform(samples, &mut rgb).map_err(|error| error.to_string())?;
    Ok(rgb)
}

/// Whether a grid over the cube, and every gray, come out as they went in.
fn is_identity(is_gray: bool, transform: &Transform) -> bool {
    let grays = 0..=255_u8;
    let probe: Vec<u8> = if is_gray {
        grays.collect()
    } else {
        let steps = || (0..=255_u8).step_by(51);
        let grid = steps().flat_map(|r| steps().flat_map(move |g| steps().flat_map(move |b| [r, g, b])));
        grays.flat_map(|gray| [gray; 3]).chain(grid).collect()
    };
    let expected = if is_gray { spread(&probe) } else { probe.clone() };
    apply(transform, &probe, samples_a_pixel(is_gray))
        .is_ok_and(|rgb| rgb.iter().zip(&expected).all(|(a, b)| a.abs_diff(*b) <= SAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to_srgb8(samples: &[u8], is_gray: bool, profile: Option<&[u8]>) -> Vec<u8> {
        ToSrgb::new(is_gray, profile).convert(samples)
    }

    fn p3() -> Vec<u8> {
        ColorProfile::new_display_p3().encode().unwrap()
    }

    #[test]
    fn a_wide_image_is_converted_in_every_layout_and_depth() {
        let [r, g, b] = [200_u8, 100, 100];
        for (layout, pixel) in [(Layout::Rgb, vec![r, g, b]), (Layout::Rgba, vec![r, g, b, 7])] {
            let expected = to_srgb8(&[r, g, b], false, Some(&p3()));
            let narrow = Samples::U8(pixel.repeat(6));
            let wide = Samples::U16(
                pixel.iter().map(|&sample| u16::from(sample) * 257).collect::<Vec<_>>().repeat(6),
            );
            for samples in [narrow, wide] {
                let mut image = Image::still(3, 2, layout, samples, Some(p3().into()));
                assert!(convert_to_srgb(&mut image) && image.profile.is_none());
                let found: Vec<u8> = match image.samples() {
                    Samples::U8(samples) => samples.clone(),
                    Samples::U16(samples) => {
                        samples.iter().map(|sample| ((sample + 128) / 257) as u8).collect()
                    }
                };
                for found in found.chunks_exact(layout.channels()) {
                    assert!(
                        found.iter().zip(&expected).all(|(a, b)| a.abs_diff(*b) <= 1),
                        "{found:?} {expected:?}"
                    );
                    assert_eq!(found.get(3), pixel.get(3), "alpha stays");
                }
                assert!(!convert_to_srgb(&mut image), "there is nothing more to convert");
            }
        }
    }

    #[test]
    fn a_gray_image_stays_gray() {
        let linear = ColorProfile::new_gray_with_gamma(1.0).encode().unwrap();
        let samples = Samples::U8(vec![128, 9, 128, 9]);
        let mut image = Image::still(2, 1, Layout::GrayAlpha, samples, Some(linear.into()));
        assert!(convert_to_srgb(&mut image));
        assert_eq!(
            image.samples_u8().map(|samples| (samples[0].abs_diff(188) <= 1, samples[1])),
            Some((true, 9))
        );
    }

    #[test]
    fn an_srgb_profile_changes_nothing() {
        let srgb = ColorProfile::new_srgb().encode().unwrap();
        let samples: Vec<u8> = (0..=254).collect();
        assert_eq!(to_srgb8(&samples, false, Some(&srgb)), samples);
    }

    #[test]
    fn a_wide_profile_is_converted() {
        // Display P3's (200, 100, 100) is more saturated in sRGB.
        let rgb = to_srgb8(&[200, 100, 100], false, Some(&p3()));
        assert!(rgb[0] > 205 && rgb[1] < 100 && rgb[2] < 100, "{rgb:?}");
    }

    #[test]
    fn gray_becomes_three_channels_with_and_without_a_profile() {
        assert_eq!(to_srgb8(&[7, 200], true, None), [7, 7, 7, 200, 200, 200]);
        let linear = ColorProfile::new_gray_with_gamma(1.0).encode().unwrap();
        let rgb = to_srgb8(&[128], true, Some(&linear));
        assert!((187..=189).contains(&rgb[0]) && rgb[0] == rgb[1] && rgb[1] == rgb[2], "{rgb:?}");
    }

    #[test]
    fn an_unusable_profile_is_named_and_ignored() {
        for profile in [&b""[..], b"no profile at all", &p3()[..200]] {
            assert!(check_profile(Layout::Rgb, profile).unwrap_err().contains("broken"));
            assert_eq!(to_srgb8(&[1, 2, 3], false, Some(profile)), [1, 2, 3]);
        }
        assert!(check_profile(Layout::Gray, &p3()).unwrap_err().contains("another colour space"));
        let mut warnings = Vec::new();
        assert_eq!(usable_profile(Layout::Gray, Some(&p3()), &mut warnings), None);
        assert_eq!(warnings[0].code, "profile_ignored");
        assert_eq!(usable_profile(Layout::Rgba, Some(&p3()), &mut warnings).as_deref(), Some(&*p3()));
    }

    #[test]
    fn cmyk_without_a_profile_is_subtracted() {
        let (rgb, profiled) = cmyk_to_srgb8(&[0, 0, 0, 0, 255, 0, 0, 0, 0, 0, 0, 255, 51, 0, 0, 51], None);
        assert_eq!(rgb, [255, 255, 255, 0, 255, 255, 0, 0, 0, 163, 204, 204]);
        assert!(!profiled);
    }

    #[test]
    fn a_flipped_profile_never_panics() {
        let profile = p3();
        for at in 0..profile.len() {
            let mut damaged = profile.clone();
            damaged[at] ^= 0xFF;
            to_srgb8(&[1, 2, 3], false, Some(&damaged));
        }
    }
}
