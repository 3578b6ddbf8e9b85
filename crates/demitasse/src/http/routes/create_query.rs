//! What an upload may ask for, in its query.

use std::str::FromStr;

use demitasse_core::{ParsePriorityError, Priority};
use demitasse_engine::{
    ColorSpace, DEFAULT_FLOOR, Effort, KindSet, MetadataPolicy, OutputFormat, PolicyName, Preset, Quality,
    Request, Resize, ResizeMethod, Score, Target,
};
use serde::Deserialize;

use crate::byte_size::byte_size;
use crate::http::error::{ApiError, Code};

/// What to do with an upload: at most one of preset, target, quality, lossless and max_bytes.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CreateQuery {
    /// A target with a name: small, balanced, high, visually-lossless, lossless.
    preset: Option<String>,
    /// Lowest score (SSIMULACRA2, 1 to 100) that the smaller file may have.
    target: Option<f64>,
    /// The encoder's own setting, 1 to 100.
    quality: Option<f32>,
    /// Every pixel as it was.
    lossless: Option<bool>,
    /// The best score that fits into this many bytes: 200000, 200kB, 1.5MB, 200KiB.
    #[param(example = "200kB")]
    max_bytes: Option<String>,
    /// With max_bytes: the score (SSIMULACRA2, 1 to 100; 30 unless said otherwise) that is held even where the bytes must
    /// then be exceeded. The report says so.
    floor: Option<f64>,
    /// keep (unless said otherwise): the original's. auto: the smallest that keeps the promise. Else jpeg, png, webp or
    /// another that `/v1/info` says is written; several with commas between them: the smallest of these.
    #[param(example = "auto")]
    format: Option<String>,
    /// How much time the result is worth: fast, balanced (unless said otherwise), max.
    effort: Option<String>,
    /// Another size: scale (to a width or a height), fit (whole, inside both), cover (fills both, cut on both sides alike),
    /// thumb (fills both, the cut keeps the most detail).
    #[param(example = "fit")]
    resize: Option<String>,
    /// With resize: in pixels, as a viewer shows the image.
    width: Option<u32>,
    /// With resize: in pixels, as a viewer shows the image.
    height: Option<u32>,
    /// With resize: whether the image may become larger than it is.
    enlarge: Option<bool>,
    /// Whether to make what is left of a damaged JPEG into a whole file; the report says what is missing. Without it a damaged
    /// image fails.
    salvage: Option<bool>,
    /// keep (unless said otherwise): wide gamut stays wide. srgb: colours of another profile are converted, and need none any more.
    color_space: Option<String>,
    /// What survives of what the file carries beside pixels. web (unless said otherwise): who holds the rights; archive: everything,
    /// or the file stays as it is; private: nothing. The colour profile is kept, and the orientation applied, under each.
    metadata: Option<String>,
    /// Kinds of metadata to keep although the policy drops them, with commas between them: copyright, date, gps, camera, xmp, iptc,
    /// comment, gain_map.
    #[param(example = "date,camera")]
    keep: Option<String>,
    /// Kinds of metadata to drop although the policy keeps them.
    #[param(example = "copyright")]
    drop: Option<String>,
    /// high, normal (unless said otherwise) or low: which of the waiting images goes first.
    priority: Option<String>,
}

impl CreateQuery {
    /// Which of the waiting images goes first.
    pub(crate) fn priority(&self) -> Result<Priority, ApiError> {
        let parsed = self.priority.as_deref().map_or(Ok(Priority::default()), str::parse);
        parsed.map_err(|error: ParsePriorityError| invalid(format!("{error}; leave it out for normal.")))
    }

    /// What the engine is asked for.
    pub(crate) fn request(&self) -> Result<Request, ApiError> {
        let request = Request {
            resize: self.resize()?,
            ..Request::new(self.target()?)
                .with_format(parse_or_default::<OutputFormat>(self.format.as_deref())?)
                .with_effort(parse_or_default::<Effort>(self.effort.as_deref())?)
                .with_salvage(self.salvage == Some(true))
                .with_color_space(parse_or_default::<ColorSpace>(self.color_space.as_deref())?)
                .with_metadata(MetadataPolicy {
                    policy: parse_or_default::<PolicyName>(self.metadata.as_deref())?,
                    keep: parse_or_default::<KindSet>(self.keep.as_deref())?,
                    drop: parse_or_default::<KindSet>(self.drop.as_deref())?,
                })
        };
        request.validate()?;
        Ok(request)
    }

    fn target(&self) -> Result<Target, ApiError> {
        let lossless = self.lossless == Some(true);
        let asked = [
            self.preset.is_some(),
            self.target.is_some(),
            self.quality.is_some(),
            lossless,
            self.max_bytes.is_some(),
        ];
        if asked.into_iter().filter(|asked| *asked).count() > 1 {
            return Err(invalid("Give only one of preset, target, quality, lossless and max_bytes."));
        }
        if let Some(bytes) = &self.max_bytes {
            let max_bytes = byte_size(bytes).map_err(|why| invalid(format!("max_bytes: {why}.")))?;
            let floor = self.floor.map_or(DEFAULT_FLOOR, Score);
            return Ok(Target::MaxBytes { max_bytes, floor });
        }
        if self.floor.is_some() {
            return Err(invalid("floor is of use with max_bytes only; for a score to hold, give target."));
        }
        Ok(match (&self.preset, self.target, self.quality) {
            (Some(name), _, _) => name.parse::<Preset>()?.target(),
            (_, Some(score), _) => Target::Score { score: Score(score) },
            (_, _, Some(quality)) => Target::Quality { quality: Quality(quality) },
            _ if lossless => Target::Lossless,
            _ => Preset::default().target(),
        })
    }

    fn resize(&self) -> Result<Option<Resize>, ApiError> {
        let (width, height) = (self.width, self.height);
        let method = match self.resize.as_deref() {
            Some("scale") => ResizeMethod::Scale,
            Some("fit") => ResizeMethod::Fit,
            Some("cover") => ResizeMethod::Cover,
            Some("thumb") => ResizeMethod::Thumb,
            Some(other) => {
                return Err(invalid(format!("resize {other:?} is not one of scale, fit, cover, thumb.")));
            }
            None if width.is_some() || height.is_some() || self.enlarge.is_some() => {
                return Err(invalid(
                    "width, height and enlarge need resize: scale, fit, cover or thumb says how.",
                ));
            }
            None => return Ok(None),
        };
        Ok(Some(Resize { method, width, height, enlarge: self.enlarge == Some(true) }))
    }
}

fn parse_or_default<T>(text: Option<&str>) -> Result<T, ApiError>
where
    T: Default + FromStr,
    ApiError: From<T::Err>,
{
    Ok(text.map_or(Ok(T::default()), str::parse)?)
}

fn invalid(detail: impl Into<String>) -> ApiError {
    ApiError::new(Code::InvalidRequest, detail)
}

#[cfg(test)]
mod tests {
    use demitasse_engine::Format;

    use super::*;

    fn request(change: impl FnOnce(&mut CreateQuery)) -> Result<Request, ApiError> {
        let mut query = CreateQuery::default();
        change(&mut query);
        query.request()
    }

    #[test]
    fn nothing_asked_is_the_default() {
        assert_eq!(request(|_| {}).unwrap(), Request::default());
    }

    #[test]
    fn only_one_target_can_be_asked_for() {
        let two = |query: &mut CreateQuery| {
            query.target = Some(70.0);
            query.lossless = Some(true);
        };
        assert!(request(two).is_err());
        let unasked = |query: &mut CreateQuery| {
            query.target = Some(70.0);
            query.lossless = Some(false);
        };
        assert_eq!(request(unasked).unwrap().target, Target::Score { score: Score(70.0) });
    }

    #[test]
    fn everything_asked_reaches_the_engine() {
        let asked = request(|query| {
            query.max_bytes = Some("1.5MB".into());
            query.floor = Some(50.0);
            query.format = Some("webp,jpg".into());
            query.effort = Some("max".into());
            query.resize = Some("fit".into());
            (query.width, query.height, query.enlarge) = (Some(800), Some(600), Some(true));
            query.salvage = Some(true);
            query.metadata = Some("archive".into());
            query.color_space = Some("srgb".into());
            query.keep = Some("date, camera".into());
            query.drop = Some("gps".into());
        });
        let target = Target::MaxBytes { max_bytes: 1_500_000, floor: Score(50.0) };
        let formats = OutputFormat::Among([Format::Jpeg, Format::Webp].into_iter().collect());
        let (width, height) = (Some(800), Some(600));
        let resize = Resize { method: ResizeMethod::Fit, width, height, enlarge: true };
        let expected = Request::new(target)
            .with_format(formats)
            .with_effort(Effort::Max)
            .with_resize(resize)
            .with_salvage(true)
            .with_color_space(ColorSpace::Srgb)
            .with_metadata(MetadataPolicy {
                policy: PolicyName::Archive,
                keep: "date,camera".parse().unwrap(),
                drop: "gps".parse().unwrap(),
            });
        assert_eq!(asked.unwrap(), expected);
    }
}
