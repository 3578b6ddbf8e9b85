//! What a caller asks for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Format, Result};

/// A score on the SSIMULACRA2 scale: 100 is identical, 90 visually lossless, 70 high quality, 50 medium; higher is
/// better; heavy damage goes below 0. Never a quality setting.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Score(pub f64);

/// An encoder's own setting from 0 to 100, where more is better and larger. What it means is the encoder's business;
/// never a score.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Quality(pub f32);

/// What must be held.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Target {
    /// The smallest file whose score is at least this.
    Score {
        /// On the SSIMULACRA2 scale, 1 to 100.
        score: Score,
    },
    /// This setting of the encoder, whatever score it gives; the score is measured and reported.
    Quality {
        /// 1 to 100.
        quality: Quality,
    },
    /// Every pixel as it was.
    Lossless,
}

/// Which format comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutputFormat {
    /// The input's; what browsers do not show (BMP, TIFF) goes to the smallest of PNG, JPEG and WebP that keeps alpha.
    #[default]
    Keep,
    /// JPEG; an input with transparency is refused, because JPEG has none.
    Jpeg,
    /// PNG.
    Png,
    /// WebP.
    Webp,
}

impl OutputFormat {
    /// The format named, or `None` for [`OutputFormat::Keep`].
    pub fn format(self) -> Option<Format> {
        match self {
            Self::Keep => None,
            Self::Jpeg => Some(Format::Jpeg),
            Self::Png => Some(Format::Png),
            Self::Webp => Some(Format::Webp),
        }
    }
}

impl FromStr for OutputFormat {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "keep" => Ok(Self::Keep),
            "jpeg" | "jpg" => Ok(Self::Jpeg),
            "png" => Ok(Self::Png),
            "webp" => Ok(Self::Webp),
            _ => Err(Error::InvalidRequest(format!("format {text:?} is not one of keep, jpeg, png, webp"))),
        }
    }
}

/// A target with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// Score 60: visibly compressed to a careful eye.
    Small,
    /// Score 75: no difference at normal viewing.
    #[default]
    Balanced,
    /// Score 85: no difference side by side.
    High,
    /// Score 90: no difference when flickering between the two.
    VisuallyLossless,
    /// Every pixel as it was.
    Lossless,
}

impl Preset {
    /// Every preset, from the smallest files to the largest.
    pub const ALL: [Self; 5] =
        [Self::Small, Self::Balanced, Self::High, Self::VisuallyLossless, Self::Lossless];

    /// Its name: `small`, `balanced`, `high`, `visually-lossless`, `lossless`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Balanced => "balanced",
            Self::High => "high",
            Self::VisuallyLossless => "visually-lossless",
            Self::Lossless => "lossless",
        }
    }

    /// What it asks for.
    pub fn target(self) -> Target {
        let score = |score| Target::Score { score: Score(score) };
        match self {
            Self::Small => score(60.0),
            Self::Balanced => score(75.0),
            Self::High => score(85.0),
            Self::VisuallyLossless => score(90.0),
            Self::Lossless => Target::Lossless,
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Preset {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|preset| preset.name() == text).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|preset| preset.name()).collect();
            Error::InvalidRequest(format!("preset {text:?} is not one of {}", names.join(", ")))
        })
    }
}

/// What to do with an image.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Of this JSON: 1.
    pub version: u32,
    /// What must be held.
    pub target: Target,
    /// Which format comes out.
    #[serde(default)]
    pub format: OutputFormat,
}

impl Request {
    /// Asks for `target` in the input's own format.
    pub fn new(target: Target) -> Self {
        Self { version: 1, target, format: OutputFormat::Keep }
    }

    /// Asks for another format.
    #[must_use]
    pub fn with_format(mut self, format: OutputFormat) -> Self {
        self.format = format;
        self
    }

    /// Checks the numbers.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`], naming the value.
    pub fn validate(&self) -> Result<()> {
        if self.version != 1 {
            return Err(Error::InvalidRequest(format!("request version {} is not 1", self.version)));
        }
        match self.target {
            Target::Score { score: Score(value) } if !(1.0..=100.0).contains(&value) => {
                Err(Error::InvalidRequest(format!("target {value} is not between 1 and 100")))
            }
            Target::Quality { quality: Quality(value) } if !(1.0..=100.0).contains(&value) => {
                Err(Error::InvalidRequest(format!("quality {value} is not between 1 and 100")))
            }
            _ => Ok(()),
        }
    }
}

impl Default for Request {
    fn default() -> Self {
        Self::new(Preset::default().target())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_a_stable_json_form() {
        let request = Request::new(Target::Score { score: Score(75.0) });
        let json = r#"{"version":1,"target":{"kind":"score","score":75.0},"format":"keep"}"#;
        assert_eq!(serde_json::to_string(&request).unwrap(), json);
        assert_eq!(serde_json::from_str::<Request>(json).unwrap(), request);
    }

    #[test]
    fn numbers_outside_the_scale_are_refused() {
        for value in [0.0, -1.0, 100.5, f64::NAN, f64::INFINITY] {
            let error = Request::new(Target::Score { score: Score(value) }).validate().unwrap_err();
            assert_eq!(error.code(), "invalid_request");
        }
    }
}
