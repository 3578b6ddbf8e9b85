//! Decoded pixels.

use std::sync::Arc;

/// Which channels a pixel has, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layout {
    /// Luma.
    Gray,
    /// Luma, alpha.
    GrayAlpha,
    /// Red, green, blue.
    Rgb,
    /// Red, green, blue, alpha.
    Rgba,
}

impl Layout {
    /// Samples a pixel: 1 to 4.
    pub fn channels(self) -> usize {
        match self {
            Self::Gray => 1,
            Self::GrayAlpha => 2,
            Self::Rgb => 3,
            Self::Rgba => 4,
        }
    }

    /// Whether the last channel is alpha.
    pub fn has_alpha(self) -> bool {
        matches!(self, Self::GrayAlpha | Self::Rgba)
    }

    /// Whether there is one colour channel.
    pub fn is_gray(self) -> bool {
        matches!(self, Self::Gray | Self::GrayAlpha)
    }
}

/// Samples: interleaved, row by row from the top, no padding; straight (not premultiplied) alpha; the non-linear values
/// of the file, in the colour space of [`Image::profile`] (sRGB where there is none). 0 is black or transparent, the
/// type's maximum white or opaque.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Samples {
    /// 8 bits a sample.
    U8(Vec<u8>),
    /// 16 bits a sample, native byte order.
    U16(Vec<u16>),
}

impl Samples {
    /// How many samples.
    pub fn len(&self) -> usize {
        match self {
            Self::U8(samples) => samples.len(),
            Self::U16(samples) => samples.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bits a sample: 8 or 16.
    pub fn bits(&self) -> u8 {
        match self {
            Self::U8(_) => 8,
            Self::U16(_) => 16,
        }
    }
}

/// One frame; it covers the whole canvas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// `width x height x channels` samples.
    pub samples: Samples,
    /// How long it is shown, in milliseconds; 0 for a still image.
    pub delay_ms: u32,
}

/// A decoded image: one frame, or several in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Width in pixels, at least 1.
    pub width: u32,
    /// Height in pixels, at least 1.
    pub height: u32,
    /// Channels, the same in every frame.
    pub layout: Layout,
    /// At least one.
    pub frames: Vec<Frame>,
    /// The ICC profile that the samples are in; `None` is sRGB.
    pub profile: Option<Arc<[u8]>>,
    /// How often the frames are played; 0 is for ever. 1 for a still image.
    pub loop_count: u32,
}

impl Image {
    /// Makes a still image of 8 bits a sample.
    ///
    /// # Panics
    /// `samples` has another length than `width x height x channels`, or there is no pixel: a defect of the decoder.
    pub fn still(
        width: u32,
        height: u32,
        layout: Layout,
        samples: Samples,
        profile: Option<Arc<[u8]>>,
    ) -> Self {
        let expected = width as usize * height as usize * layout.channels();
        assert!(
            expected > 0 && samples.len() == expected,
            "{} samples for {width} x {height}",
            samples.len()
        );
        Self { width, height, layout, frames: vec![Frame { samples, delay_ms: 0 }], profile, loop_count: 1 }
    }

    /// The samples of the first frame.
    pub fn samples(&self) -> &Samples {
        &self.frames[0].samples
    }

    /// The first frame's samples if they have 8 bits.
    pub fn samples_u8(&self) -> Option<&[u8]> {
        match self.samples() {
            Samples::U8(samples) => Some(samples),
            Samples::U16(_) => None,
        }
    }

    /// Bits a sample: 8 or 16.
    pub fn bits(&self) -> u8 {
        self.samples().bits()
    }

    /// Pixels of one frame.
    pub fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }
}
