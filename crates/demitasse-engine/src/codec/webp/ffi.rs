//! libwebp, made safe: slices in, vectors out, every length checked on this side.

use std::ffi::{c_int, c_void};
use std::slice;

use libwebp_sys as sys;

use super::container::malformed;
use crate::{Control, Error, Result};

/// What is asked of the encoder; the rest is as libwebp has it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    /// VP8L, else VP8.
    pub lossless: bool,
    /// 0 to 100: of the pixels for VP8, of the search for VP8L.
    pub quality: f32,
    /// 0 to 6: how much is tried.
    pub method: u8,
    /// 0 to 100, VP8L only: how near the pixels stay; 100 changes none, not even the colour under transparent ones.
    pub near_lossless: u8,
    /// 0 to 7, VP8 only: how sharp the loop filter leaves edges.
    pub filter_sharpness: u8,
    /// 0 to 100, VP8 only: how much the header of the blocks is pressed to stay under its limit of 512 KB.
    pub partition_limit: u8,
}

/// Pixels to encode: `width * height * channels` samples, 3 or 4 channels.
#[derive(Clone, Copy)]
pub(super) struct Pixels<'a> {
    pub samples: &'a [u8],
    pub width: u32,
    pub height: u32,
    pub has_alpha: bool,
}

/// What an encode came to.
pub(super) enum Encoded {
    /// A whole WebP.
    Done(Vec<u8>),
    /// The header of the blocks does not fit in its limit; see [`Settings::partition_limit`].
    HeaderTooLarge,
}

/// Decodes to RGB, or RGBA if `alpha`; `width` and `height` are those of the header.
pub(super) fn decode(bytes: &[u8], width: u32, height: u32, alpha: bool) -> Result<Vec<u8>> {
    let (mut found_width, mut found_height): (c_int, c_int) = (0, 0);
    // SAFETY: the pointer and the length are those of one slice; the others point to integers that outlive the call.
    let is_webp =
        unsafe { sys::WebPGetInfo(bytes.as_ptr(), bytes.len(), &raw mut found_width, &raw mut found_height) };
    if is_webp == 0 || (found_width, found_height) != (width as c_int, height as c_int) {
        return Err(malformed("its parts disagree about its size"));
    }
    let stride = width as usize * if alpha { 4 } else { 3 };
    let mut samples = vec![0; stride * height as usize];
    let (input, length, out, size) = (bytes.as_ptr(), bytes.len(), samples.as_mut_ptr(), samples.len());
    // SAFETY: both pointers go with the lengths of their slices, which libwebp respects; it keeps neither.
    let written = unsafe {
        if alpha {
            sys::WebPDecodeRGBAInto(input, length, out, size, stride as c_int)
        } else {
            sys::WebPDecodeRGBInto(input, length, out, size, stride as c_int)
        }
    };
    if written.is_null() { Err(malformed("its image data are corrupt or cut off")) } else { Ok(samples) }
}

/// Encodes every pixel (VP8L), on this thread only.
pub(super) fn encode(pixels: Pixels<'_>, settings: &Settings, control: &Control) -> Result<Encoded> {
    encode_picture(Picture::import(pixels)?, settings, control)
}

/// A picture with its colours subsampled sharply, as VP8 wants it: a third of an encode.
pub(super) struct Subsampled(Picture);

impl Subsampled {
    /// Memory: 1.5 bytes a pixel, and one more with alpha; 4 more and the work space of sharp YUV meanwhile.
    pub(super) fn new(pixels: Pixels<'_>) -> Result<Self> {
        let mut picture = Picture::import(pixels)?;
        // SAFETY: the picture is initialised and holds pixels.
        if unsafe { sys::WebPPictureSharpARGBToYUVA(&raw mut picture.0) } == 0 {
            return Err(no_memory());
        }
        // A copy has the planes only.
        Ok(Self(picture.copy()?))
    }

    /// Encodes (VP8), on this thread only. Same bytes as if the encoder had subsampled.
    pub(super) fn encode_bare(&self, settings: &Settings, control: &Control) -> Result<Encoded> {
        // The encoder tidies up what transparent pixels hide, in place.
        encode_picture(self.0.copy()?, settings, control)
    }
}

fn encode_picture(mut picture: Picture, settings: &Settings, control: &Control) -> Result<Encoded> {
    let config = config(settings)?;
    let mut sink = Sink { out: Vec::new(), control, stopped: None };
    picture.0.writer = Some(write);
    picture.0.progress_hook = Some(progress);
    picture.0.custom_ptr = (&raw mut sink).cast();
    picture.0.user_data = (&raw mut sink).cast();
    // SAFETY: the configuration is valid and the picture has pixels; `sink` outlives the call, and no other reference to
    // it is in use while the hooks make theirs.
    let done = unsafe { sys::WebPEncode(&raw const config, &raw mut picture.0) };
    if let Some(error) = sink.stopped.take() {
        return Err(error);
    }
    match picture.0.error_code {
        _ if done != 0 => Ok(Encoded::Done(sink.out)),
        sys::WebPEncodingError::VP8_ENC_ERROR_PARTITION0_OVERFLOW => Ok(Encoded::HeaderTooLarge),
        code => Err(Error::codec("libwebp", format!("{code:?}"))),
    }
}

fn config(settings: &Settings) -> Result<sys::WebPConfig> {
    let mut config =
        sys::WebPConfig::new().map_err(|()| Error::codec("libwebp", "it is of another version"))?;
    config.lossless = settings.lossless.into();
    // What is exact is never moved (libwebp, `predictor_enc.c`).
    config.exact = (settings.lossless && settings.near_lossless == 100).into();
    config.quality = settings.quality;
    config.method = settings.method.into();
    config.near_lossless = settings.near_lossless.into();
    config.filter_sharpness = settings.filter_sharpness.into();
    config.partition_limit = settings.partition_limit.into();
    config.use_sharp_yuv = (!settings.lossless).into();
    config.alpha_quality = 100;
    config.thread_level = 0;
    // SAFETY: it points to an initialised configuration.
    if unsafe { sys::WebPValidateConfig(&raw const config) } == 0 {
        return Err(Error::codec("libwebp", format!("it does not take {settings:?}")));
    }
    Ok(config)
}

/// A picture that frees its memory.
struct Picture(sys::WebPPicture);

impl Picture {
    fn import(pixels: Pixels<'_>) -> Result<Self> {
        let stride = pixels.width as usize * if pixels.has_alpha { 4 } else { 3 };
        if pixels.samples.len() != stride * pixels.height as usize {
            return Err(Error::codec("libwebp", "the samples do not fill the picture"));
        }
        let picture =
            sys::WebPPicture::new().map_err(|()| Error::codec("libwebp", "it is of another version"))?;
        let mut picture = Self(picture);
        picture.0.use_argb = 1;
        picture.0.width = pixels.width as c_int;
        picture.0.height = pixels.height as c_int;
        let samples = pixels.samples.as_ptr();
        // SAFETY: the picture is initialised, and the samples are as many as its size and the stride say (above); they
        // are copied.
        let imported = unsafe {
            if pixels.has_alpha {
                sys::WebPPictureImportRGBA(&raw mut picture.0, samples, stride as c_int)
            } else {
                sys::WebPPictureImportRGB(&raw mut picture.0, samples, stride as c_int)
            }
        };
        if imported == 0 { Err(no_memory()) } else { Ok(picture) }
    }

    fn copy(&self) -> Result<Self> {
        let copy =
            sys::WebPPicture::new().map_err(|()| Error::codec("libwebp", "it is of another version"))?;
        let mut copy = Self(copy);
        // SAFETY: both are initialised; the copy owns what it is given.
        let copied = unsafe { sys::WebPPictureCopy(&raw const self.0, &raw mut copy.0) };
        if copied == 0 { Err(no_memory()) } else { Ok(copy) }
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        // SAFETY: the picture is initialised, and nothing else frees it.
        unsafe { sys::WebPPictureFree(&raw mut self.0) }
    }
}

fn no_memory() -> Error {
    Error::codec("libwebp", "there is not enough memory")
}

/// Where the hooks work.
struct Sink<'a> {
    out: Vec<u8>,
    control: &'a Control,
    stopped: Option<Error>,
}

unsafe extern "C" fn write(data: *const u8, size: usize, picture: *const sys::WebPPicture) -> c_int {
    // SAFETY: libwebp calls this inside `encode`, with its picture, whose `custom_ptr` is the sink, and `size` bytes.
    let (sink, data) = unsafe { (sink((*picture).custom_ptr), slice::from_raw_parts(data, size)) };
    sink.out.extend_from_slice(data);
    1
}

unsafe extern "C" fn progress(_percent: c_int, picture: *const sys::WebPPicture) -> c_int {
    // SAFETY: libwebp calls this inside `encode`, with its picture, whose `user_data` is the sink.
    let sink = unsafe { sink((*picture).user_data) };
    match sink.control.check() {
        Ok(()) => 1,
        Err(error) => {
            sink.stopped = Some(error);
            0
        }
    }
}

/// # Safety
/// `pointer` is the sink of a running `encode`, and no other reference to it is in use.
unsafe fn sink<'a>(pointer: *mut c_void) -> &'a mut Sink<'a> {
    // SAFETY: as the caller promises.
    unsafe { &mut *pointer.cast() }
}

/// The version of the encoder, as `0xMMmmrr`.
#[cfg(test)]
pub(super) fn encoder_version() -> c_int {
    // SAFETY: it takes nothing and returns a constant.
    unsafe { sys::WebPGetEncoderVersion() }
}
