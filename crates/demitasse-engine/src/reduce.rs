//! Takes away what an image does not use: an opaque alpha channel, colour in a grey image, 16 bits that say no more
//! than 8.
//!
//! Every viewer shows the same afterwards. The encoders start from the reduced form, so that equal pictures give equal
//! bytes however they were stored, and what comes out goes through again unchanged.

use crate::image::{Image, Layout, Samples};

/// Reduces a still image. Cost: three passes at most.
///
/// Colour is only taken away where no profile gives it a meaning of its own.
pub(crate) fn reduce(image: Image) -> Image {
    if image.frames.len() != 1 {
        return image;
    }
    let image = narrow(image);
    match image.samples() {
        Samples::U8(samples) => {
            let (layout, kept) = drop_channels(samples, image.layout, image.profile.is_none(), u8::MAX);
            rebuild(image, layout, kept.map(Samples::U8))
        }
        Samples::U16(samples) => {
            let (layout, kept) = drop_channels(samples, image.layout, image.profile.is_none(), u16::MAX);
            rebuild(image, layout, kept.map(Samples::U16))
        }
    }
}

/// Whether some pixel is not opaque.
pub(crate) fn uses_alpha(image: &Image) -> bool {
    let channels = image.layout.channels();
    image.layout.has_alpha()
        && image.frames.iter().any(|frame| match &frame.samples {
            Samples::U8(samples) => !is_opaque(samples, channels, u8::MAX),
            Samples::U16(samples) => !is_opaque(samples, channels, u16::MAX),
        })
}

fn rebuild(image: Image, layout: Layout, samples: Option<Samples>) -> Image {
    match samples {
        None => image,
        Some(samples) => Image::still(image.width, image.height, layout, samples, image.profile),
    }
}

/// 16 bits to 8 where every sample is 257 times an 8-bit one: the one exact widening of PNG (13.12) and TIFF.
fn narrow(image: Image) -> Image {
    let Samples::U16(samples) = image.samples() else { return image };
    if !samples.iter().all(|sample| sample % 257 == 0) {
        return image;
    }
    let narrowed = samples.iter().map(|sample| (sample / 257) as u8).collect();
    Image::still(image.width, image.height, image.layout, Samples::U8(narrowed), image.profile)
}

fn is_opaque<T: Copy + PartialEq>(samples: &[T], channels: usize, opaque: T) -> bool {
    samples.chunks_exact(channels).all(|pixel| pixel[channels - 1] == opaque)
}

/// The layout that is enough, and the samples in it; `None` if nothing can go.
fn drop_channels<T: Copy + PartialEq>(
    samples: &[T],
    layout: Layout,
    may_drop_color: bool,
    opaque: T,
) -> (Layout, Option<Vec<T>>) {
    let channels = layout.channels();
    let mut pixels = samples.chunks_exact(channels);
    let keep_alpha = layout.has_alpha() && !is_opaque(samples, channels, opaque);
    let is_gray = may_drop_color && !layout.is_gray() && pixels.all(|p| p[0] == p[1] && p[1] == p[2]);
    let reduced = match (layout.is_gray() || is_gray, keep_alpha) {
        (true, false) => Layout::Gray,
        (true, true) => Layout::GrayAlpha,
        (false, false) => Layout::Rgb,
        (false, true) => Layout::Rgba,
    };
    if reduced == layout {
        return (layout, None);
    }
    let colors = if reduced.is_gray() { 1 } else { 3 };
    let mut kept = Vec::with_capacity(samples.len() / channels * reduced.channels());
    for pixel in samples.chunks_exact(channels) {
        kept.extend_from_slice(&pixel[..colors]);
        if keep_alpha {
            kept.push(pixel[channels - 1]);
        }
    }
    (reduced, Some(kept))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn reduced(layout: Layout, samples: Samples, profile: Option<Arc<[u8]>>) -> (Layout, Samples) {
        let image = reduce(Image::still(2, 1, layout, samples, profile));
        (image.layout, image.samples().clone())
    }

    #[test]
    fn an_opaque_alpha_channel_goes() {
        let samples = Samples::U8(vec![1, 2, 3, 255, 4, 5, 6, 255]);
        assert_eq!(reduced(Layout::Rgba, samples, None), (Layout::Rgb, Samples::U8(vec![1, 2, 3, 4, 5, 6])));
    }

    #[test]
    fn a_used_alpha_channel_stays() {
        let samples = Samples::U8(vec![1, 2, 3, 254, 4, 5, 6, 255]);
        assert_eq!(reduced(Layout::Rgba, samples.clone(), None), (Layout::Rgba, samples));
    }

    #[test]
    fn a_gray_image_loses_its_color_channels_unless_a_profile_gives_them_a_meaning() {
        let samples = Samples::U8(vec![9, 9, 9, 7, 7, 7]);
        assert_eq!(reduced(Layout::Rgb, samples.clone(), None), (Layout::Gray, Samples::U8(vec![9, 7])));
        assert_eq!(reduced(Layout::Rgb, samples.clone(), Some(Arc::from([0_u8]))), (Layout::Rgb, samples));
    }

    #[test]
    fn sixteen_bits_that_say_no_more_than_eight_are_narrowed() {
        let samples = Samples::U16(vec![257, 65_535]);
        assert_eq!(reduced(Layout::Gray, samples, None), (Layout::Gray, Samples::U8(vec![1, 255])));
        let samples = Samples::U16(vec![258, 65_535]);
        assert_eq!(reduced(Layout::Gray, samples.clone(), None), (Layout::Gray, samples));
    }
}
