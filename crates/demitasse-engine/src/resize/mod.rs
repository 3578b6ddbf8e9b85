//! Another size on the way: which, and the parts of the image that it is made of.
//!
//! This file is geometry alone; `pixels` filters, `crop` looks where the detail is.

mod crop;
mod pixels;

use serde::{Deserialize, Serialize};

use crate::image::Image;
use crate::{Control, Error, Result};

/// How an image is fitted to another size; the names are Tinify's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResizeMethod {
    /// To a width or a height; the other side follows.
    Scale,
    /// Whole, inside width and height.
    Fit,
    /// Fills width and height exactly; what stands over is cut off on both sides alike.
    Cover,
    /// As [`ResizeMethod::Cover`], but the cut is placed where the most detail is kept.
    Thumb,
}

/// Another size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Resize {
    /// How.
    pub method: ResizeMethod,
    /// In pixels, as a viewer shows the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// In pixels, as a viewer shows the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Whether an image may become larger than it is; if not, a size above its own is its own.
    #[serde(default)]
    pub enlarge: bool,
}

impl Resize {
    /// Checks that the method has the sides that it needs.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`], naming what is missing.
    pub fn validate(&self) -> Result<()> {
        let invalid = |detail: &str| Err(Error::InvalidRequest(detail.into()));
        match (self.method, self.width, self.height) {
            (_, Some(0), _) | (_, _, Some(0)) => invalid("a width or height of 0 is no size"),
            (ResizeMethod::Scale, Some(_), Some(_)) | (ResizeMethod::Scale, None, None) => {
                invalid("scale takes a width or a height, not both")
            }
            (ResizeMethod::Fit | ResizeMethod::Cover | ResizeMethod::Thumb, Some(_), Some(_))
            | (ResizeMethod::Scale, ..) => Ok(()),
            _ => invalid("fit, cover and thumb take a width and a height"),
        }
    }

    /// The width and height, in pixels, that an image of `width x height` gets; both as a viewer shows it.
    ///
    /// At least 1 each. Scale and fit keep the proportions, rounded to the nearest pixel. Cover and thumb give the very
    /// size asked for; where the image is too small for it and may not be enlarged, the largest of the same proportions
    /// that the image has room for. A size that [`Resize::validate`] refuses is the image's own.
    pub fn output_size(&self, width: u32, height: u32) -> (u32, u32) {
        let (wanted_width, wanted_height) = match (self.width, self.height) {
            (Some(wanted), None) => (wanted, u32::MAX),
            (None, Some(wanted)) => (u32::MAX, wanted),
            (Some(wanted_width), Some(wanted_height)) => (wanted_width, wanted_height),
            (None, None) => return (width, height),
        };
        if self.validate().is_err() {
            return (width, height);
        }
        let fills = matches!(self.method, ResizeMethod::Cover | ResizeMethod::Thumb);
        let fits = wanted_width <= width && wanted_height <= height;
        if fills && (fits || self.enlarge) {
            return (wanted_width, wanted_height);
        }
        // What is filled, or fitted into, and the proportions that are kept.
        let (room, (of_width, of_height)) = if fills {
            ((width, height), (wanted_width, wanted_height))
        } else if self.enlarge {
            ((wanted_width, wanted_height), (width, height))
        } else {
            ((wanted_width.min(width), wanted_height.min(height)), (width, height))
        };
        largest_inside(room, (of_width, of_height))
    }

    /// Makes `image`, upright, the size that an image of `full` size gets: `full` is larger than `image` where it was
    /// decoded at a part of its size.
    ///
    /// The caller has checked the output's size.
    ///
    /// # Errors
    /// `DeadlineExceeded`, `Cancelled`; `Codec` for a defect of the filter.
    ///
    /// Cost: see [`pixels::resample`]; thumb adds a pass over the image.
    pub(crate) fn apply(&self, image: &Image, full: (u32, u32), control: &Control) -> Result<Image> {
        let to = self.output_size(full.0, full.1);
        let from = match self.method {
            ResizeMethod::Scale | ResizeMethod::Fit => {
                Region { x: 0, y: 0, width: image.width, height: image.height }
            }
            ResizeMethod::Cover => centered(image, to),
            ResizeMethod::Thumb => crop::most_detail(image, centered(image, to)),
        };
        pixels::resample(image, from, to, control)
    }
}

/// A part of an image, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Region {
    /// Left edge.
    x: u32,
    /// Top edge.
    y: u32,
    /// Width, at least 1.
    width: u32,
    /// Height, at least 1.
    height: u32,
}

/// The largest size of the proportions of `of` that has room inside `room`; at least 1 x 1. A room of these proportions,
/// to the nearest pixel of either side, is filled: so what has been made this size stays as it is.
fn largest_inside(room: (u32, u32), of: (u32, u32)) -> (u32, u32) {
    let (width, height) = (proportional(room.1, of.0, of.1), proportional(room.0, of.1, of.0));
    if width == room.0 || height == room.1 {
        return room;
    }
    if width < room.0 { (width, room.1) } else { (room.0, height) }
}

/// `side x numerator / denominator`, to the nearest; at least 1.
fn proportional(side: u32, numerator: u32, denominator: u32) -> u32 {
    let (product, denominator) = (u128::from(side) * u128::from(numerator), u128::from(denominator));
    u32::try_from((product + denominator / 2) / denominator).unwrap_or(u32::MAX).max(1)
}

/// The largest region of the proportions of `to`, in the middle. It has the image's whole width or its whole height.
fn centered(image: &Image, to: (u32, u32)) -> Region {
    let (width, height) = largest_inside((image.width, image.height), to);
    Region { x: (image.width - width) / 2, y: (image.height - height) / 2, width, height }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn resize(method: ResizeMethod, width: impl Into<Option<u32>>, height: impl Into<Option<u32>>) -> Resize {
        Resize { method, width: width.into(), height: height.into(), enlarge: false }
    }

    #[test]
    fn scale_follows_the_side_that_is_given() {
        let to = |width, height| resize(ResizeMethod::Scale, width, height).output_size(1000, 600);
        assert_eq!(to(Some(500), None), (500, 300));
        assert_eq!(to(None, Some(60)), (100, 60));
        assert_eq!(to(Some(1), None), (1, 1));
        assert_eq!(to(Some(2000), None), (1000, 600));
    }

    #[test]
    fn fit_stays_inside_both_sides() {
        let to = |width, height| resize(ResizeMethod::Fit, width, height).output_size(1000, 600);
        assert_eq!(to(150, 100), (150, 90));
        assert_eq!(to(500, 60), (100, 60));
        assert_eq!(to(1200, 300), (500, 300));
        assert_eq!(to(1200, 700), (1000, 600));
    }

    #[test]
    fn cover_and_thumb_are_exact_or_keep_their_proportions() {
        for method in [ResizeMethod::Cover, ResizeMethod::Thumb] {
            let to = |width, height| resize(method, width, height).output_size(1000, 600);
            assert_eq!(to(123, 45), (123, 45));
            assert_eq!(to(2000, 2000), (600, 600));
            assert_eq!(to(1500, 300), (1000, 200));
            assert_eq!(to(400, 1200), (200, 600));
        }
    }

    #[test]
    fn enlarging_is_done_where_it_is_asked_for() {
        let to = |method, width: Option<u32>, height| {
            Resize { enlarge: true, ..resize(method, width, height) }.output_size(100, 60)
        };
        assert_eq!(to(ResizeMethod::Scale, Some(250), None), (250, 150));
        assert_eq!(to(ResizeMethod::Fit, Some(300), Some(120)), (200, 120));
        assert_eq!(to(ResizeMethod::Cover, Some(300), Some(20)), (300, 20));
        assert_eq!(to(ResizeMethod::Scale, Some(u32::MAX), None).0, u32::MAX);
    }

    fn requests() -> impl Strategy<Value = Resize> {
        let side = || prop_oneof![1_u32..50, 1_u32..70_000];
        let method =
            prop_oneof![Just(ResizeMethod::Fit), Just(ResizeMethod::Cover), Just(ResizeMethod::Thumb)];
        prop_oneof![
            (side(), any::<bool>(), any::<bool>()).prop_map(|(side, wide, enlarge)| {
                let (width, height) = if wide { (Some(side), None) } else { (None, Some(side)) };
                Resize { method: ResizeMethod::Scale, width, height, enlarge }
            }),
            (method, side(), side(), any::<bool>()).prop_map(|(method, width, height, enlarge)| Resize {
                method,
                width: Some(width),
                height: Some(height),
                enlarge
            }),
        ]
    }

    proptest! {
        #[test]
        fn no_side_is_empty_and_none_grows_unasked(
            request in requests(), width in 1_u32..70_000, height in 1_u32..70_000,
        ) {
            let (to_width, to_height) = request.output_size(width, height);
            prop_assert!(to_width >= 1 && to_height >= 1);
            if !request.enlarge {
                prop_assert!(to_width <= width && to_height <= height);
            }
        }

        #[test]
        fn what_is_asked_for_again_changes_nothing(
            request in requests(), width in 1_u32..70_000, height in 1_u32..70_000,
        ) {
            let once = request.output_size(width, height);
            if !request.enlarge || matches!(request.method, ResizeMethod::Cover | ResizeMethod::Thumb) {
                prop_assert_eq!(request.output_size(once.0, once.1), once);
            }
        }

        #[test]
        fn proportions_are_kept_to_the_nearest_pixel(
            request in requests(), width in 1_u32..70_000, height in 1_u32..70_000,
        ) {
            let (to_width, to_height) = request.output_size(width, height);
            let (of_width, of_height) = match (request.method, request.width, request.height) {
                (ResizeMethod::Cover | ResizeMethod::Thumb, Some(width), Some(height)) => (width, height),
                _ => (width, height),
            };
            let off = |side: u32, other: u32, numerator: u32, denominator: u32| {
                (f64::from(side) - f64::from(other) * f64::from(numerator) / f64::from(denominator)).abs()
            };
            // The side that was computed from the other.
            let nearest = off(to_height, to_width, of_height, of_width).min(off(to_width, to_height, of_width, of_height));
            prop_assert!(nearest <= 0.5 || to_width == 1 || to_height == 1, "{to_width} x {to_height}: {nearest}");
        }

        #[test]
        fn a_crop_lies_inside_the_image_and_touches_two_of_its_edges(
            (width, height) in (1_u32..90, 1_u32..90), to in (1_u32..500, 1_u32..500),
        ) {
            let pixels = vec![0; (width * height) as usize];
            let image = Image::still(width, height, crate::Layout::Gray, crate::Samples::U8(pixels), None);
            for region in [centered(&image, to), crop::most_detail(&image, centered(&image, to))] {
                prop_assert!(region.width >= 1 && region.height >= 1);
                prop_assert!(region.x + region.width <= width && region.y + region.height <= height);
                prop_assert!(region.width == width || region.height == height);
            }
        }
    }
}
