//! The codecs: one folder and one feature each, and one line in the registry below.
//!
//! A [`Codec`] reads a format and rewrites its container; an [`Encoder`] makes candidates in it. Neither knows of
//! targets, scores or other formats.

mod absent;
pub(crate) mod animation;
mod caught;
mod recoder;
#[cfg(test)]
pub(crate) mod testing;

#[cfg(feature = "avif")]
pub(crate) mod avif;
#[cfg(feature = "bmp")]
pub(crate) mod bmp;
#[cfg(feature = "gif")]
pub(crate) mod gif;
#[cfg(feature = "ico")]
pub(crate) mod ico;
#[cfg(feature = "jpeg")]
pub(crate) mod jpeg;
#[cfg(feature = "jxl")]
pub(crate) mod jxl;
#[cfg(feature = "png")]
pub(crate) mod png;
#[cfg(feature = "qoi")]
pub(crate) mod qoi;
#[cfg(feature = "svg")]
pub(crate) mod svg;
#[cfg(feature = "tiff")]
pub(crate) mod tiff;
#[cfg(feature = "webp")]
pub(crate) mod webp;

// Of what is not built, the record of what the format can carry.
#[cfg(not(feature = "avif"))]
#[path = "avif/capabilities.rs"]
pub(crate) mod avif;
#[cfg(not(feature = "bmp"))]
#[path = "bmp/capabilities.rs"]
pub(crate) mod bmp;
#[cfg(not(feature = "gif"))]
#[path = "gif/capabilities.rs"]
pub(crate) mod gif;
#[cfg(not(feature = "ico"))]
#[path = "ico/capabilities.rs"]
pub(crate) mod ico;
#[cfg(not(feature = "jpeg"))]
#[path = "jpeg/capabilities.rs"]
pub(crate) mod jpeg;
#[cfg(not(feature = "jxl"))]
#[path = "jxl/capabilities.rs"]
pub(crate) mod jxl;
#[cfg(not(feature = "png"))]
#[path = "png/capabilities.rs"]
pub(crate) mod png;
#[cfg(not(feature = "qoi"))]
#[path = "qoi/capabilities.rs"]
pub(crate) mod qoi;
#[cfg(not(feature = "svg"))]
#[path = "svg/capabilities.rs"]
pub(crate) mod svg;
#[cfg(not(feature = "tiff"))]
#[path = "tiff/capabilities.rs"]
pub(crate) mod tiff;
#[cfg(not(feature = "webp"))]
#[path = "webp/capabilities.rs"]
pub(crate) mod webp;

use serde_json::{Map, Value};

use self::absent::absent;
use self::animation::{Animation, Patches, Timeline};
pub(crate) use self::caught::{Caught, caught};
pub(crate) use self::recoder::{Recoder, Tiles};
use crate::analyze::Analysis;
use crate::image::Image;
use crate::metadata::{Embedded, Metadata};
use crate::report::Warning;
use crate::search::{Axis, Curve, Guess, PLAIN_AXIS};
use crate::{Control, Effort, Error, Format, Limits, Quality, Result, Score};

/// What a file's header says; nothing was decoded to know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Format.
    pub format: Format,
    /// Width in pixels, as stored (before any orientation).
    pub width: u32,
    /// Height in pixels, as stored.
    pub height: u32,
    /// Bits a sample after decoding: 8 or 16.
    pub bits: u8,
    /// Whether the file can have pixels that are not opaque.
    pub alpha: bool,
    /// Whether it has, or may have, more than one frame in time.
    pub animated: bool,
    /// Whether it is coded once from top to bottom, in a way that effort `fast` may recode without holding the picture.
    pub sequential: bool,
}

impl Header {
    /// Width times height.
    pub(crate) fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }
}

/// Memory that a codec takes at most, in bytes for each pixel (`docs/decisions/0016-memory.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Memory {
    /// While decoding, beside the decoded pixels.
    pub decode: u64,
    /// While its dearest encoder works, beside the pixels; the files that are kept to choose from included.
    pub encode: u64,
}

/// A decoded file.
#[derive(Debug, Clone)]
pub(crate) struct Decoded {
    /// The pixels, as stored: the orientation is not applied.
    pub image: Image,
    /// What else the file carries.
    pub metadata: Metadata,
    /// What the owner should know.
    pub warnings: Vec<Warning>,
}

/// Reads one format and rewrites its container.
pub(crate) trait Codec: Sync {
    /// Reads the header.
    ///
    /// Work and memory are bounded by the length of `bytes`, never by the dimensions that the header claims.
    ///
    /// # Errors
    /// `Malformed`; `Unsupported` for a variety of the format that cannot be decoded.
    fn read_header(&self, bytes: &[u8]) -> Result<Header>;

    /// Reads what the file carries beside pixels, without decoding any.
    ///
    /// # Errors
    /// `Malformed` only if the container itself cannot be walked; a broken piece of metadata is an item of its kind,
    /// not an error. `LimitExceeded` for a piece above `limits.max_metadata_bytes` when decompressed.
    fn read_metadata(&self, bytes: &[u8], limits: &Limits) -> Result<Metadata>;

    /// Decodes the first (for a still image: the only) frame. The caller has checked the header against its limits and
    /// holds a still image.
    ///
    /// # Errors
    /// `Malformed` for damaged and for truncated files: a picture with a part missing is never passed as whole.
    /// `DeadlineExceeded`, `Cancelled` between rows or strips, where the library allows it.
    fn decode(&self, bytes: &[u8], limits: &Limits, control: &Control) -> Result<Decoded>;

    /// As [`Codec::decode`], for a picture that is going to be resized: at a part of its size, where the format makes that
    /// cheap and both sides are still as long as `at_least` (width and height, as stored).
    ///
    /// # Errors
    /// As [`Codec::decode`].
    fn decode_shrunk(
        &self,
        bytes: &[u8],
        _at_least: (u32, u32),
        limits: &Limits,
        control: &Control,
    ) -> Result<Decoded> {
        self.decode(bytes, limits, control)
    }

    /// What can be had of a file that [`Codec::decode`] finds damaged: the whole canvas, and a warning `salvaged` that says
    /// which part of it is true. Where a format cannot tell, it is the error that `decode` gives.
    ///
    /// # Errors
    /// As [`Codec::decode`].
    fn salvage(&self, bytes: &[u8], limits: &Limits, control: &Control) -> Result<Decoded> {
        self.decode(bytes, limits, control)
    }

    /// As [`Codec::decode`], to 8 bits a sample as viewers come to them, where that is not the nearest 8 bits to what
    /// `decode` gives. Results are looked at so.
    ///
    /// # Errors
    /// As [`Codec::decode`].
    fn decode_shown(&self, bytes: &[u8], limits: &Limits, control: &Control) -> Result<Decoded> {
        self.decode(bytes, limits, control)
    }

    /// Rewrites the container around the same coded pixels: what `keep` names is written in place of all metadata.
    /// Works for animations too.
    ///
    /// # Errors
    /// `Malformed` if the container cannot be walked.
    fn strip(&self, bytes: &[u8], keep: &Embedded) -> Result<Vec<u8>>;

    /// Reads when what is shown of an animation, from its container: no pixel is decoded.
    ///
    /// # Errors
    /// `Malformed`; `Unsupported` for what viewers do not agree on, or what this engine does not read; `LimitExceeded` for more
    /// frames, or pixels in them, than `limits` allow.
    fn timeline(&self, _bytes: &[u8], _limits: &Limits) -> Result<Timeline> {
        Err(Error::Unsupported("animations of this format are not read".into()))
    }

    /// Reads the frames of an animation, of which the caller has read the [`Codec::timeline`]. What it then gives may panic.
    ///
    /// # Errors
    /// As [`Codec::timeline`].
    fn patches<'a>(&self, _bytes: &'a [u8], _limits: &Limits) -> Result<Box<dyn Patches + 'a>> {
        Err(Error::Unsupported("animations of this format are not read".into()))
    }

    /// Looks through a file that may be recoded in a stream, and takes a sample of it; `None` where it is unusual, or of a format for
    /// which this cannot be done.
    ///
    /// # Errors
    /// As [`Codec::decode`].
    fn recoder<'a>(
        &self,
        _bytes: &'a [u8],
        _tiles: &Tiles,
        _control: &Control,
    ) -> Result<Option<Box<dyn Recoder + 'a>>> {
        Ok(None)
    }

    /// Reads a drawing, of a format that has shapes for pixels.
    ///
    /// # Errors
    /// `Malformed`; `LimitExceeded`.
    fn drawing(&self, _bytes: &[u8]) -> Result<Box<dyn Drawing>> {
        Err(Error::Unsupported("this format has no drawings".into()))
    }

    /// Draws a file of shapes in this size (width and height), less letters and the pictures inside of it: straight RGBA, sRGB. Each
    /// pixel is the mean of `times` x `times` that are drawn.
    ///
    /// # Errors
    /// As [`Codec::drawing`]; `Codec`.
    fn draw(&self, _bytes: &[u8], _size: (u32, u32), _times: u32) -> Result<Image> {
        Err(Error::Unsupported("this format has no drawings".into()))
    }

    /// Memory that it takes.
    fn memory(&self) -> Memory;

    /// Processor time of a search through all its encoders, in seconds a megapixel: measured on photos, or graphics where
    /// those take longer (`docs/decisions/0015-choice.md`). 0 if it is only read.
    fn pace(&self, _effort: Effort) -> f64 {
        0.0
    }

    /// The encoders that write this format, best first; none if it is only read.
    fn encoders(&self) -> &'static [&'static dyn Encoder];

    /// Those that write animations, lossless ones first; none if stills alone are written.
    fn animators(&self) -> &'static [&'static dyn Animator] {
        &[]
    }
}

/// A drawing, without what could do harm.
pub(crate) trait Drawing {
    /// What was left out because it could, for people; `None` if nothing had to be.
    fn removed(&self) -> Option<String>;

    /// Writes it as it is, and who holds the rights where that is wanted.
    fn plain(&self, keeps_rights: bool) -> Vec<u8>;

    /// Writes it short, with numbers that tell so many parts of its larger side apart.
    fn minified(&self, parts: f64, keeps_rights: bool) -> Vec<u8>;
}

/// What an encoder makes its candidate from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    /// The pixels, upright.
    pub image: &'a Image,
    /// The file they came from.
    pub bytes: &'a [u8],
    /// The file's format.
    pub format: Format,
}

/// How an encoder treats pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Mode {
    /// Every pixel as it was; the quality is not used.
    Lossless,
    /// The quality decides, from `min` to `max`.
    Lossy {
        /// Coarsest setting worth trying.
        min: Quality,
        /// Finest setting.
        max: Quality,
        /// Settings closer than this are the same.
        step: f32,
    },
}

/// What an encoder is told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Setting {
    /// Its own scale; not used by lossless encoders.
    pub quality: Quality,
    /// How much time it may take.
    pub effort: Effort,
}

/// A source, ready to be encoded at one setting after the other: what every trial would do alike is done.
pub(crate) trait Prepared {
    /// As [`Encoder::encode`] of the same source: the same bytes.
    ///
    /// # Errors
    /// As [`Encoder::encode`].
    fn encode(&self, setting: Setting, embedded: &Embedded, control: &Control) -> Result<Vec<u8>>;
}

/// Makes candidates in one format.
pub(crate) trait Encoder: Sync {
    /// Name and version of the library, for the recipe.
    fn identity(&self) -> (&'static str, &'static str);

    /// How it treats pixels.
    fn mode(&self) -> Mode;

    /// On which scores are nearly straight, where pixels are lossy.
    fn axis(&self) -> &'static Axis {
        &PLAIN_AXIS
    }

    /// What to expect of a quality, where pixels are lossy.
    fn curve(&self, _effort: Effort) -> &'static Curve {
        const UNFITTED: Curve = Curve::unfitted();
        &UNFITTED
    }

    /// Whether [`Encoder::curve`] was fitted to measured images, so that a result may rest on it. Where it was not, even
    /// effort `fast` measures.
    fn is_predictable(&self) -> bool {
        false
    }

    /// Whether a setting does to a part of the image what it does to the whole, so that a search may start on a part.
    fn rehearses(&self) -> bool {
        true
    }

    /// Whether it can carry this source whole: dimensions, depth, alpha, frames.
    fn accepts(&self, source: Source<'_>) -> bool;

    /// Whether the orientation of a JPEG must stay in its metadata, because its coefficients are kept as they are.
    fn keeps_coefficients(&self) -> bool {
        false
    }

    /// Whether it is worth a try for this kind of picture; asked even where no other format may come out.
    fn suits(&self, _analysis: &Analysis) -> bool {
        true
    }

    /// Whether its quality is the one that a request's `quality` means: the scale that users know by the format's name.
    fn takes_requested_quality(&self) -> bool {
        true
    }

    /// Does what is the same at every setting, once; none where that is next to nothing.
    ///
    /// # Errors
    /// As [`Encoder::encode`].
    fn prepare<'s>(
        &'s self,
        _source: Source<'s>,
        _control: &Control,
    ) -> Result<Option<Box<dyn Prepared + 's>>> {
        Ok(None)
    }

    /// The library's own settings, for the recipe.
    fn settings(&self, source: Source<'_>, setting: Setting) -> Map<String, Value>;

    /// Encodes. Same source, setting and version: same bytes, at any number of threads.
    ///
    /// # Errors
    /// `Codec`; `DeadlineExceeded`, `Cancelled` where the library allows it.
    fn encode(
        &self,
        source: Source<'_>,
        setting: Setting,
        embedded: &Embedded,
        control: &Control,
    ) -> Result<Vec<u8>>;

    /// Packs the chosen result tighter without touching a pixel; called once, where [`Encoder::encode`] is called for
    /// every trial. Gives the result back where there is nothing to gain.
    ///
    /// # Errors
    /// As [`Encoder::encode`].
    fn repack(
        &self,
        _source: Source<'_>,
        _setting: Setting,
        result: Vec<u8>,
        _embedded: &Embedded,
        _control: &Control,
    ) -> Result<Vec<u8>> {
        Ok(result)
    }
}

/// Tells whether a frame is shown well enough: as it should be, as it is shown; both of red, green, blue and straight alpha.
pub(crate) type IsGood<'a> = &'a dyn Fn(&[u8], &[u8]) -> Result<bool>;

/// What is asked of an encode of all frames.
#[derive(Clone, Copy)]
pub(crate) struct FramesSetting<'a> {
    /// Of every frame.
    pub setting: Setting,
    /// A frame that is not good is coded again, finer, until it is; without it frames are as the setting makes them.
    pub is_good: Option<IsGood<'a>>,
}

/// Makes animations in one format: every frame of the input is a frame of the output, shown as long.
pub(crate) trait Animator: Sync {
    /// Name and version of what encodes, for the recipe.
    fn identity(&self) -> (&'static str, &'static str);

    /// How it treats pixels.
    fn mode(&self) -> Mode;

    /// Whether its quality is the one that a request's `quality` means.
    fn takes_requested_quality(&self) -> bool {
        true
    }

    /// Where a search for this score begins, where pixels are lossy.
    fn guess(&self, _target: Score) -> Guess {
        Guess { quality: Quality(75.0), slope: 1.0 }
    }

    /// Processor time of an encode, in seconds a megapixel of what changes from frame to frame
    /// (`docs/decisions/0021-animation.md`).
    fn pace(&self, effort: Effort) -> f64;

    /// Why it cannot carry this animation, for people; `None` if it can.
    fn refusal(&self, animation: &Animation<'_>) -> Option<String>;

    /// Its own settings, for the recipe.
    fn settings(&self, setting: Setting) -> Map<String, Value>;

    /// Encodes; `None` if the result would have `below_bytes` or more. Same animation, setting and version: same bytes.
    ///
    /// # Errors
    /// Of the player; `Codec`; `DeadlineExceeded`, `Cancelled`, looked at for each frame.
    fn encode(
        &self,
        animation: &Animation<'_>,
        setting: FramesSetting<'_>,
        embedded: &Embedded,
        below_bytes: u64,
        control: &Control,
    ) -> Result<Option<Vec<u8>>>;
}

/// The registry: what this build has, one line a codec.
static BUILT: &[(Format, &dyn Codec)] = &[
    #[cfg(feature = "jpeg")]
    (Format::Jpeg, &Caught(Format::Jpeg, jpeg::Jpeg)),
    #[cfg(feature = "png")]
    (Format::Png, &Caught(Format::Png, png::Png)),
    #[cfg(feature = "webp")]
    (Format::Webp, &Caught(Format::Webp, webp::Webp)),
    #[cfg(feature = "avif")]
    (Format::Avif, &Caught(Format::Avif, avif::Avif)),
    #[cfg(feature = "gif")]
    (Format::Gif, &Caught(Format::Gif, gif::Gif)),
    #[cfg(feature = "bmp")]
    (Format::Bmp, &Caught(Format::Bmp, bmp::Bmp)),
    #[cfg(feature = "tiff")]
    (Format::Tiff, &Caught(Format::Tiff, tiff::Tiff)),
    #[cfg(feature = "jxl")]
    (Format::Jxl, &Caught(Format::Jxl, jxl::Jxl)),
    #[cfg(feature = "ico")]
    (Format::Ico, &Caught(Format::Ico, ico::Ico)),
    #[cfg(feature = "qoi")]
    (Format::Qoi, &Caught(Format::Qoi, qoi::Qoi)),
    #[cfg(feature = "svg")]
    (Format::Svg, &Caught(Format::Svg, svg::Svg)),
];

/// The codec of a format; one that refuses, by the format's name, where it is not built.
pub(crate) fn codec(format: Format) -> &'static dyn Codec {
    let built = BUILT.iter().find(|(built, _)| *built == format);
    built.map_or_else(|| absent(format), |(_, codec)| *codec)
}
