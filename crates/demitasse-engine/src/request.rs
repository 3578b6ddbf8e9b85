//! What a caller asks for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::metadata::Kind;
use crate::{Error, Format, MetadataPolicy, Resize, Result};

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
    /// The best score that fits into this many bytes.
    MaxBytes {
        /// Of the whole file, metadata included.
        max_bytes: u64,
        /// No worse than this, on the SSIMULACRA2 scale: where the bytes do not allow it, they are exceeded, and the
        /// report says so.
        #[serde(default = "default_floor")]
        floor: Score,
    },
}

/// Below this an image is damaged to anybody's eye.
pub const DEFAULT_FLOOR: Score = Score(30.0);

fn default_floor() -> Score {
    DEFAULT_FLOOR
}

/// Which format comes out.
///
/// In JSON and in words: `keep`, `auto`, a format's name, or a list of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OutputFormat {
    /// The input's; what browsers do not show (BMP, TIFF) goes to the smallest of PNG, JPEG and WebP that keeps alpha.
    #[default]
    Keep,
    /// The smallest that keeps the promise, of the input's own and those that browsers show: PNG, JPEG, WebP, AVIF.
    Auto,
    /// The smallest of these that keeps the promise. An input with transparency is refused where none of them has any.
    Among(FormatSet),
}

impl OutputFormat {
    /// This format and no other.
    pub const fn of(format: Format) -> Self {
        Self::Among(FormatSet::of(format))
    }

    /// The format, where there is just one to choose from; `None` for [`OutputFormat::Keep`] too.
    pub fn format(self) -> Option<Format> {
        match self {
            Self::Keep | Self::Auto => None,
            Self::Among(formats) => {
                let mut formats = formats.iter();
                formats.next().filter(|_| formats.next().is_none())
            }
        }
    }

    /// The words that [`OutputFormat::from_str`] takes alone: `keep`, `auto` and every format that is written.
    pub fn names() -> impl Iterator<Item = &'static str> {
        let written = Format::ALL.into_iter().map(Format::capabilities).filter(|format| format.encodes);
        ["keep", "auto"].into_iter().chain(written.map(|format| format.name))
    }
}

impl fmt::Display for OutputFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keep => f.write_str("keep"),
            Self::Auto => f.write_str("auto"),
            Self::Among(formats) => {
                let names: Vec<_> = formats.iter().map(|format| format.capabilities().name).collect();
                f.write_str(&names.join(","))
            }
        }
    }
}

/// `keep`, `auto`, or names of formats with commas between them: `avif,webp`. `jpg` is `jpeg`.
impl FromStr for OutputFormat {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "keep" => Ok(Self::Keep),
            "auto" => Ok(Self::Auto),
            _ => text
                .split(',')
                .map(|name| written_format(name.trim()))
                .collect::<Result<_>>()
                .map(Self::Among),
        }
    }
}

fn written_format(name: &str) -> Result<Format> {
    let name = if name == "jpg" { "jpeg" } else { name };
    Format::ALL
        .into_iter()
        .find(|format| format.capabilities().name == name && format.capabilities().encodes)
        .ok_or_else(|| {
            let names: Vec<_> = OutputFormat::names().collect();
            Error::InvalidRequest(format!("format {name:?} is not one of {}", names.join(", ")))
        })
}

impl Serialize for OutputFormat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Among(formats) if self.format().is_none() => {
                serializer.collect_seq(formats.iter().map(|format| format.capabilities().name))
            }
            _ => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for OutputFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Words {
            One(String),
            Many(Vec<String>),
        }
        let words = match Words::deserialize(deserializer)? {
            Words::One(word) => word,
            Words::Many(words) => words.join(","),
        };
        words.parse().map_err(serde::de::Error::custom)
    }
}

/// Some formats, in the order of [`Format::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct FormatSet(u16);

impl FormatSet {
    /// One format.
    pub const fn of(format: Format) -> Self {
        Self(1 << format as u16)
    }

    /// Whether `format` is among them.
    pub fn contains(self, format: Format) -> bool {
        self.0 & Self::of(format).0 != 0
    }

    /// The formats.
    pub fn iter(self) -> impl Iterator<Item = Format> {
        Format::ALL.into_iter().filter(move |format| self.contains(*format))
    }
}

impl FromIterator<Format> for FormatSet {
    fn from_iter<I: IntoIterator<Item = Format>>(formats: I) -> Self {
        Self(formats.into_iter().fold(0, |set, format| set | Self::of(format).0))
    }
}

/// How much time a result is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effort {
    /// JPEG and WebP: one encode, at a setting that is predicted from the image; the receipt says that nothing was measured. A large
    /// baseline JPEG is recoded in a stream: its picture is never held.
    /// Others: their quickest settings, searched and measured.
    Fast,
    /// The setting is searched for and the result measured, on tiles where the image is large.
    #[default]
    Balanced,
    /// The encoders' slow settings; everything is measured on the whole image.
    Max,
}

impl Effort {
    /// Every effort, from the quickest.
    pub const ALL: [Self; 3] = [Self::Fast, Self::Balanced, Self::Max];

    /// Its name: `fast`, `balanced`, `max`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Balanced => "balanced",
            Self::Max => "max",
        }
    }
}

impl fmt::Display for Effort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Effort {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|effort| effort.name() == text).ok_or_else(|| {
            Error::InvalidRequest(format!("effort {text:?} is not one of fast, balanced, max"))
        })
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

/// Which colours come out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColorSpace {
    /// Those of the input: wide gamut stays wide, and its profile stays.
    #[default]
    Keep,
    /// sRGB: pixels of another profile are converted, and need none any more. What sRGB cannot show is brought to its edge.
    Srgb,
}

impl ColorSpace {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Keep, Self::Srgb];

    /// Its name: `keep`, `srgb`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Srgb => "srgb",
        }
    }
}

impl FromStr for ColorSpace {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|space| space.name() == text)
            .ok_or_else(|| Error::InvalidRequest(format!("color_space {text:?} is not one of keep, srgb")))
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
    /// How much time it is worth.
    #[serde(default, skip_serializing_if = "is_default")]
    pub effort: Effort,
    /// Another size in pixels; the input's own if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resize: Option<Resize>,
    /// Whether to make what is left of a damaged image into a whole one, with a warning `salvaged` that says which part is
    /// true. Without it damage is an error. JPEG alone; other formats do not tell what is missing.
    #[serde(default, skip_serializing_if = "is_default")]
    pub salvage: bool,
    /// Which colours come out.
    #[serde(default, skip_serializing_if = "is_default")]
    pub color_space: ColorSpace,
    /// What survives of what the file carries beside pixels.
    #[serde(default, skip_serializing_if = "is_default")]
    pub metadata: MetadataPolicy,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Request {
    /// Asks for `target` in the input's own format and size, with balanced effort.
    pub fn new(target: Target) -> Self {
        Self {
            version: 1,
            target,
            format: OutputFormat::Keep,
            effort: Effort::Balanced,
            resize: None,
            salvage: false,
            color_space: ColorSpace::Keep,
            metadata: MetadataPolicy::default(),
        }
    }

    /// Asks for another format.
    #[must_use]
    pub fn with_format(mut self, format: OutputFormat) -> Self {
        self.format = format;
        self
    }

    /// Asks for another effort.
    #[must_use]
    pub fn with_effort(mut self, effort: Effort) -> Self {
        self.effort = effort;
        self
    }

    /// Asks for another size.
    #[must_use]
    pub fn with_resize(mut self, resize: Resize) -> Self {
        self.resize = Some(resize);
        self
    }

    /// Asks for what is left of a damaged image.
    #[must_use]
    pub fn with_salvage(mut self, salvage: bool) -> Self {
        self.salvage = salvage;
        self
    }

    /// Asks for other colours.
    #[must_use]
    pub fn with_color_space(mut self, color_space: ColorSpace) -> Self {
        self.color_space = color_space;
        self
    }

    /// Asks for another policy of metadata.
    #[must_use]
    pub fn with_metadata(mut self, metadata: MetadataPolicy) -> Self {
        self.metadata = metadata;
        self
    }

    /// The policy of metadata, less what this request makes senseless: without loss a gain map belongs to the picture, and one of
    /// another size has none.
    pub(crate) fn metadata_policy(&self) -> MetadataPolicy {
        match (self.target, self.resize) {
            (_, Some(_)) => self.metadata.without(Kind::GainMap),
            (Target::Lossless, None) => self.metadata.and(Kind::GainMap),
            _ => self.metadata,
        }
    }

    /// Checks the numbers.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`], naming the value.
    pub fn validate(&self) -> Result<()> {
        if self.version != 1 {
            return Err(Error::InvalidRequest(format!("request version {} is not 1", self.version)));
        }
        if let Some(resize) = &self.resize {
            resize.validate()?;
        }
        if self.format == OutputFormat::Among(FormatSet::default()) {
            return Err(Error::InvalidRequest("the list of formats is empty".into()));
        }
        match self.target {
            Target::MaxBytes { max_bytes: 0, .. } => {
                Err(Error::InvalidRequest("max_bytes is 0: no image has so few".into()))
            }
            Target::MaxBytes { floor: Score(value), .. } if !(1.0..=100.0).contains(&value) => {
                Err(Error::InvalidRequest(format!("floor {value} is not between 1 and 100")))
            }
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
    fn a_format_is_one_word_or_a_list() {
        for (format, json) in [
            (OutputFormat::Auto, r#""auto""#),
            (OutputFormat::of(Format::Webp), r#""webp""#),
            (OutputFormat::Among([Format::Webp, Format::Jpeg].into_iter().collect()), r#"["jpeg","webp"]"#),
        ] {
            assert_eq!(serde_json::to_string(&format).unwrap(), json);
            assert_eq!(serde_json::from_str::<OutputFormat>(json).unwrap(), format);
            assert_eq!(format.to_string().parse::<OutputFormat>().unwrap(), format);
        }
        for wrong in ["", "gif", "jpeg,", "heic"] {
            assert_eq!(wrong.parse::<OutputFormat>().unwrap_err().code(), "invalid_request");
        }
    }

    #[test]
    fn numbers_outside_the_scale_are_refused() {
        for value in [0.0, -1.0, 100.5, f64::NAN, f64::INFINITY] {
            let error = Request::new(Target::Score { score: Score(value) }).validate().unwrap_err();
            assert_eq!(error.code(), "invalid_request");
        }
    }
}
