//! libaom, made safe: planes in, an AV1 image out, every length checked on this side.

use std::ffi::{CStr, CString, c_int};
use std::mem::MaybeUninit;
use std::{ptr, slice};

use libaom_sys as sys;

use super::picture::Nclx;
use super::planes::Planes;
use super::rate::{FRAMES_A_SECOND, Rate, own, rate};
use crate::{Error, Result};

const NAME: &str = "libaom";

/// What is asked of the encoder; the rest is as libaom has it for still images.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Settings {
    /// Step of the quantizer, 0 to 255; 0 keeps every sample.
    pub qindex: u8,
    /// 0 to 9: how little is tried.
    pub speed: u8,
    /// More options, by libaom's own names.
    pub options: &'static [(&'static str, &'static str)],
}

/// An encoder that ends.
struct Encoder(sys::aom_codec_ctx_t);

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: it was initialised, and nothing else ends it.
        unsafe { sys::aom_codec_destroy(&raw mut self.0) };
    }
}

/// Encodes one image, on this thread only; gives its OBUs, without a temporal delimiter. `colors` are written into it.
///
/// # Errors
/// `Codec`.
///
/// Cost: 0.05 to 4 s a megapixel (`docs/decisions/0011-avif.md`), which nothing can stop: libaom has no hook. Memory 30 to
/// 50 bytes a pixel.
pub(super) fn encode(planes: &Planes, settings: &Settings, colors: Nclx) -> Result<Vec<u8>> {
    let mut image = Input::new(planes)?;
    let rate = rate(planes, settings.qindex);
    let mut out = Vec::new();
    let step = image.run(&mut open(planes, rate, settings, colors)?, &mut out)?;
    if matches!(rate, Rate::Target(_)) && step.abs_diff(settings.qindex) > 1 {
        // Its model is another one, after all: the nearest step of its own scale is sure.
        out.clear();
        let rate = Rate::Own(own(settings.qindex));
        image.run(&mut open(planes, rate, settings, colors)?, &mut out)?;
    }
    // Files of images have none (AV1 Image File Format, section 2.1).
    let obus = out.strip_prefix(&[0x12, 0]).unwrap_or(&out);
    if obus.is_empty() {
        return Err(Error::codec(NAME, "it gave nothing"));
    }
    Ok(obus.to_vec())
}

fn open(planes: &Planes, rate: Rate, settings: &Settings, colors: Nclx) -> Result<Encoder> {
    // SAFETY: it takes nothing and returns a constant.
    let interface = unsafe { sys::aom_codec_av1_cx() };
    let mut config = MaybeUninit::<sys::aom_codec_enc_cfg_t>::zeroed();
    // SAFETY: the configuration is filled.
    let code = unsafe {
        sys::aom_codec_enc_config_default(interface, config.as_mut_ptr(), sys::AOM_USAGE_ALL_INTRA)
    };
    check(code, "its defaults")?;
    // SAFETY: it was filled, and all zero would be one too.
    let mut config = unsafe { config.assume_init() };
    let is_full = planes.chroma.as_ref().is_some_and(|chroma| !chroma.halved);
    // AV1, section 6.4.1.
    config.g_profile = if planes.bits == 12 { 2 } else { is_full.into() };
    config.g_bit_depth = planes.bits.into();
    config.g_input_bit_depth = planes.bits.into();
    (config.g_w, config.g_h) = (planes.width, planes.height);
    config.g_threads = 1;
    config.g_limit = 1;
    config.g_lag_in_frames = 0;
    config.monochrome = planes.chroma.is_none().into();
    match rate {
        Rate::Own(own) => {
            config.rc_end_usage = sys::AOM_Q;
            (config.rc_min_quantizer, config.rc_max_quantizer) = (own.into(), own.into());
        }
        Rate::Target(kilobits) => {
            config.rc_end_usage = sys::AOM_VBR;
            (config.rc_min_quantizer, config.rc_max_quantizer) = (0, 63);
            config.rc_target_bitrate = kilobits;
            config.g_timebase = sys::aom_rational { num: 1, den: FRAMES_A_SECOND };
        }
    }
    let mut context = MaybeUninit::<sys::aom_codec_ctx_t>::zeroed();
    let flags = sys::AOM_CODEC_USE_HIGHBITDEPTH as sys::aom_codec_flags_t;
    let version = sys::AOM_ENCODER_ABI_VERSION as c_int;
    // SAFETY: context and configuration outlive the call, which copies the latter.
    let code = unsafe {
        sys::aom_codec_enc_init_ver(context.as_mut_ptr(), interface, &raw const config, flags, version)
    };
    check(code, "its settings")?;
    // SAFETY: it was initialised.
    let mut encoder = Encoder(unsafe { context.assume_init() });
    configure(&mut encoder, planes, settings, colors)?;
    Ok(encoder)
}

fn configure(encoder: &mut Encoder, planes: &Planes, settings: &Settings, colors: Nclx) -> Result<()> {
    let mut control = |id: u32, value: c_int| {
        // SAFETY: the encoder is initialised, and each of these takes one integer.
        let code = unsafe { sys::aom_codec_control(&raw mut encoder.0, id as c_int, value) };
        check(code, "a setting")
    };
    control(sys::AOME_SET_CPUUSED, settings.speed.into())?;
    // With a bit rate too: how quanta are spread over the picture is planned for this step (`deltaq-mode`).
    let own = own(settings.qindex);
    control(sys::AOME_SET_CQ_LEVEL, own.into())?;
    control(sys::AV1E_SET_LOSSLESS, (own == 0).into())?;
    control(sys::AV1E_SET_COLOR_RANGE, colors.full_range.into())?;
    if planes.chroma.is_some() {
        control(sys::AV1E_SET_COLOR_PRIMARIES, colors.primaries.into())?;
        control(sys::AV1E_SET_TRANSFER_CHARACTERISTICS, colors.transfer.into())?;
        control(sys::AV1E_SET_MATRIX_COEFFICIENTS, colors.matrix.into())?;
    }
    for (name, value) in settings.options {
        let [name, value] = [name, value].map(|text| CString::new(*text).unwrap_or_default());
        // SAFETY: the encoder is initialised, and both texts end with NUL and outlive the call.
        let code = unsafe { sys::aom_codec_set_option(&raw mut encoder.0, name.as_ptr(), value.as_ptr()) };
        check(code, &name.to_string_lossy())?;
    }
    Ok(())
}

/// Planes as libaom takes them.
struct Input<'a> {
    planes: &'a Planes,
    image: sys::aom_image_t,
    /// Planes of colour for a gray picture: they are not coded, yet looked at.
    middle: Vec<u16>,
}

impl<'a> Input<'a> {
    fn new(planes: &'a Planes) -> Result<Self> {
        let (width, height) = (planes.width as usize, planes.height as usize);
        let half = (width.div_ceil(2), height.div_ceil(2));
        let fits = match &planes.chroma {
            None => true,
            Some(chroma) => {
                let (width, height) = if chroma.halved { half } else { (width, height) };
                [&chroma.blue, &chroma.red].iter().all(|plane| plane.len() == width * height)
            }
        };
        if planes.luma.len() != width * height || !fits || planes.luma.is_empty() {
            return Err(Error::codec(NAME, "the samples do not fill the picture"));
        }
        let middle = match &planes.chroma {
            None => vec![1_u16 << (planes.bits - 1); half.0 * half.1],
            Some(_) => Vec::new(),
        };
        // SAFETY: the structure is of numbers and pointers, for which all zero is a value.
        let image = unsafe { MaybeUninit::zeroed().assume_init() };
        Ok(Self { planes, image, middle })
    }

    /// Encodes into `out`; gives the step of the quantizer that was taken.
    fn run(&mut self, encoder: &mut Encoder, out: &mut Vec<u8>) -> Result<u8> {
        let planes = self.planes;
        let (halved, chroma) = match &planes.chroma {
            None => (true, [&self.middle, &self.middle]),
            Some(chroma) => (chroma.halved, [&chroma.blue, &chroma.red]),
        };
        let format = if halved { sys::AOM_IMG_FMT_I42016 } else { sys::AOM_IMG_FMT_I44416 };
        let start = planes.luma.as_ptr().cast_mut().cast::<u8>();
        // SAFETY: it fills the structure and touches no sample.
        let wrapped =
            unsafe { sys::aom_img_wrap(&raw mut self.image, format, planes.width, planes.height, 1, start) };
        if wrapped.is_null() {
            return Err(Error::codec(NAME, "it does not take the picture's size"));
        }
        let image = &mut self.image;
        let width = planes.width as c_int;
        let chroma_width = if halved { (width + 1) / 2 } else { width };
        image.planes = [start, chroma[0].as_ptr().cast_mut().cast(), chroma[1].as_ptr().cast_mut().cast()];
        image.stride = [2 * width, 2 * chroma_width, 2 * chroma_width];
        image.bit_depth = planes.bits.into();
        image.monochrome = planes.chroma.is_none().into();
        image.range = sys::AOM_CR_FULL_RANGE;
        // SAFETY: the encoder is initialised. The planes have the sizes that format and strides say (see `new`), outlive
        // the call, which copies them, and are only read: no denoising is asked for.
        let code = unsafe { sys::aom_codec_encode(&raw mut encoder.0, &raw const *image, 0, 1, 0) };
        check_encoder(encoder, code)?;
        take_packets(encoder, out);
        let mut step: c_int = 0;
        let id = sys::AOME_GET_LAST_QUANTIZER as c_int;
        // SAFETY: the encoder is initialised, and this control takes a pointer to an integer, which outlives the call.
        check(unsafe { sys::aom_codec_control(&raw mut encoder.0, id, &raw mut step) }, "a question")?;
        flush(encoder, out)?;
        Ok(u8::try_from(step).unwrap_or_default())
    }
}

fn flush(encoder: &mut Encoder, out: &mut Vec<u8>) -> Result<()> {
    // SAFETY: the encoder is initialised; no image is how its end is told.
    let code = unsafe { sys::aom_codec_encode(&raw mut encoder.0, ptr::null(), 0, 1, 0) };
    check_encoder(encoder, code)?;
    take_packets(encoder, out);
    Ok(())
}

fn take_packets(encoder: &mut Encoder, out: &mut Vec<u8>) {
    let mut iterator = ptr::null();
    loop {
        // SAFETY: the encoder is initialised, and the iterator is its own.
        let packet = unsafe { sys::aom_codec_get_cx_data(&raw mut encoder.0, &raw mut iterator) };
        // SAFETY: a packet that is not null is valid until the next call, and its kind says which of its parts is set.
        let Some(packet) = (unsafe { packet.as_ref() }) else { return };
        if packet.kind == sys::AOM_CODEC_CX_FRAME_PKT {
            // SAFETY: as above; a frame has a buffer of this length.
            let data = unsafe {
                let frame = packet.data.frame;
                slice::from_raw_parts(frame.buf.cast::<u8>(), frame.sz)
            };
            out.extend_from_slice(data);
        }
    }
}

fn check(code: sys::aom_codec_err_t, what: &str) -> Result<()> {
    if code == sys::AOM_CODEC_OK {
        return Ok(());
    }
    Err(Error::codec(NAME, format!("it does not take {what} ({code})")))
}

fn check_encoder(encoder: &mut Encoder, code: sys::aom_codec_err_t) -> Result<()> {
    if code == sys::AOM_CODEC_OK {
        return Ok(());
    }
    // SAFETY: the encoder is initialised; what it says is null or a text that ends with NUL and lives until the next call.
    let detail = unsafe {
        let detail = sys::aom_codec_error_detail(&raw const encoder.0);
        if detail.is_null() { String::new() } else { CStr::from_ptr(detail).to_string_lossy().into_owned() }
    };
    Err(Error::codec(NAME, format!("error {code} {detail}")))
}

/// The version that runs.
#[cfg(test)]
pub(super) fn version() -> String {
    // SAFETY: it takes nothing and returns a constant text that ends with NUL.
    unsafe { CStr::from_ptr(sys::aom_codec_version_str()) }.to_string_lossy().into_owned()
}
