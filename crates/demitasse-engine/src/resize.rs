//! Another size on the way.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

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
}
