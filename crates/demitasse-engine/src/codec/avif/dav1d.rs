//! dav1d, made safe: slices in, rows of samples out, every length checked on this side.

use std::ffi::c_int;
use std::mem::MaybeUninit;
use std::{ptr, slice};

use libdav1d_sys as sys;

use super::boxes::malformed;
use super::picture::Nclx;
use crate::{Error, Result};

const NAME: &str = "dav1d";

/// The version that is built.
#[cfg(test)]
pub(super) const VERSION: &str = "1.4.3";

/// How much smaller the planes of colour are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sampling {
    /// 4:0:0: there are none.
    Gray,
    /// 4:2:0: half as wide and half as high, rounded up.
    Both,
    /// 4:2:2: half as wide.
    Wide,
    /// 4:4:4.
    Full,
}

/// Samples of one row.
#[derive(Debug, Clone, Copy)]
pub(super) enum Row<'a> {
    /// Of 8 bits.
    U8(&'a [u8]),
    /// Of 10 or 12.
    U16(&'a [u16]),
}

/// A decoded picture, in memory of dav1d's.
pub(super) struct Picture {
    picture: sys::Dav1dPicture,
    /// In pixels.
    pub width: u32,
    pub height: u32,
    /// 8, 10 or 12.
    pub bits: u8,
    pub sampling: Sampling,
}

impl Picture {
    /// Row `y` of plane 0 (luma), 1 or 2.
    ///
    /// # Panics
    /// There is no such row.
    pub(super) fn row(&self, plane: usize, y: usize) -> Row<'_> {
        let (width, height) = self.plane_size(plane);
        assert!(y < height, "row {y} of {height}");
        let stride = self.picture.stride[plane.min(1)];
        let start = self.picture.data[plane].cast::<u8>();
        // SAFETY: dav1d's plane has `height` rows of at least `width` samples, each `stride` bytes after the one before;
        // the plane lives as long as the picture, and is not written to any more. Samples of more than 8 bits take 2
        // bytes and are aligned, as the plane and the stride are to 64 bytes.
        unsafe {
            let row = start.offset(stride * y as isize);
            if self.bits == 8 {
                Row::U8(slice::from_raw_parts(row, width))
            } else {
                Row::U16(slice::from_raw_parts(row.cast::<u16>(), width))
            }
        }
    }

    /// Width and height of a plane, in samples.
    pub(super) fn plane_size(&self, plane: usize) -> (usize, usize) {
        let (width, height) = (self.width as usize, self.height as usize);
        match (plane, self.sampling) {
            (0, _) | (_, Sampling::Full) => (width, height),
            (_, Sampling::Both) => (width.div_ceil(2), height.div_ceil(2)),
            (_, Sampling::Wide) => (width.div_ceil(2), height),
            (_, Sampling::Gray) => (0, 0),
        }
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        // SAFETY: the picture was given to us by dav1d, and nothing else gives it back.
        unsafe { sys::dav1d_picture_unref(&raw mut self.picture) }
    }
}

/// An open decoder.
struct Decoder(*mut sys::Dav1dContext);

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: the decoder is open, and nothing else closes it.
        unsafe { sys::dav1d_close(&raw mut self.0) }
    }
}

/// Bytes on their way into the decoder.
struct Data(sys::Dav1dData);

impl Drop for Data {
    fn drop(&mut self) {
        // SAFETY: it holds a reference of dav1d's, or none.
        unsafe { sys::dav1d_data_unref(&raw mut self.0) }
    }
}

impl Data {
    fn copy(bytes: &[u8]) -> Result<Self> {
        // SAFETY: all zero is how dav1d wants it: no data.
        let mut data = Self(unsafe { MaybeUninit::zeroed().assume_init() });
        // SAFETY: it makes room for as many bytes as are asked for, or gives null.
        let room = unsafe { sys::dav1d_data_create(&raw mut data.0, bytes.len()) };
        if room.is_null() {
            return Err(Error::codec(NAME, "there is not enough memory"));
        }
        // SAFETY: the room has this length, and is new.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), room, bytes.len()) };
        Ok(data)
    }
}

/// Decodes the image in `obus`, on this thread only; of several layers the finest. Nothing above `max_pixels` is decoded.
///
/// # Errors
/// `Malformed`, also for what breaks the rules without an effect on the pixels; `Codec` where memory is short.
///
/// Cost: 20 to 100 megapixels a second; the picture, and as much again while it works.
pub(super) fn decode(obus: &[u8], max_pixels: u64) -> Result<Picture> {
    if obus.is_empty() {
        return Err(malformed("a picture has no data"));
    }
    let decoder = open(max_pixels)?;
    let mut data = Data::copy(obus)?;
    // SAFETY: the decoder is open, and the data are as dav1d made them. It takes them all: it has none yet.
    let sent = unsafe { sys::dav1d_send_data(decoder.0, &raw mut data.0) };
    if sent < 0 {
        return Err(corrupt(sent));
    }
    let mut first = None;
    while let Some(picture) = next_picture(&decoder)? {
        first = first.or(Some(picture));
    }
    first.ok_or_else(|| malformed("its AV1 data hold no whole picture"))
}

fn open(max_pixels: u64) -> Result<Decoder> {
    let mut settings = MaybeUninit::uninit();
    // SAFETY: it fills the settings.
    let mut settings: sys::Dav1dSettings = unsafe {
        sys::dav1d_default_settings(settings.as_mut_ptr());
        settings.assume_init()
    };
    settings.n_threads = 1;
    settings.max_frame_delay = 1;
    settings.all_layers = 0;
    settings.strict_std_compliance = 1;
    settings.frame_size_limit = u32::try_from(max_pixels).unwrap_or(u32::MAX);
    // It would write to the error output.
    settings.logger.callback = None;
    let mut decoder = Decoder(ptr::null_mut());
    // SAFETY: both pointers are to what outlives the call.
    match unsafe { sys::dav1d_open(&raw mut decoder.0, &raw const settings) } {
        0 => Ok(decoder),
        code => Err(Error::codec(NAME, format!("it does not open ({code})"))),
    }
}

fn next_picture(decoder: &Decoder) -> Result<Option<Picture>> {
    // SAFETY: all zero is how dav1d wants it: no picture.
    let mut picture: sys::Dav1dPicture = unsafe { MaybeUninit::zeroed().assume_init() };
    // SAFETY: the decoder is open, and the picture empty.
    let code = unsafe { sys::dav1d_get_picture(decoder.0, &raw mut picture) };
    if code == sys::DAV1D_ERR_AGAIN {
        return Ok(None);
    }
    if code < 0 {
        return Err(corrupt(code));
    }
    let sampling = match picture.p.layout {
        sys::Dav1dPixelLayout::DAV1D_PIXEL_LAYOUT_I400 => Sampling::Gray,
        sys::Dav1dPixelLayout::DAV1D_PIXEL_LAYOUT_I420 => Sampling::Both,
        sys::Dav1dPixelLayout::DAV1D_PIXEL_LAYOUT_I422 => Sampling::Wide,
        _ => Sampling::Full,
    };
    let (width, height) = (picture.p.w as u32, picture.p.h as u32);
    Ok(Some(Picture { width, height, bits: picture.p.bpc as u8, sampling, picture }))
}

/// The colours that the coded picture itself names.
pub(super) fn read_colors(obus: &[u8]) -> Result<Nclx> {
    let mut header = MaybeUninit::<sys::Dav1dSequenceHeader>::zeroed();
    let header = header.as_mut_ptr();
    // SAFETY: the pointers are to a header, which is written to, and to a slice of this length.
    let code = unsafe { sys::dav1d_parse_sequence_header(header, obus.as_ptr(), obus.len()) };
    if code != 0 {
        return Err(corrupt(code));
    }
    // SAFETY: the fields are numbers of 32 and 8 bits in memory that was all zero, then filled. They are not read as the
    // enumerations that the binding has for them: a file may hold numbers that have no name.
    unsafe {
        Ok(Nclx {
            primaries: (&raw const (*header).pri).cast::<u32>().read() as u16,
            transfer: (&raw const (*header).trc).cast::<u32>().read() as u16,
            matrix: (&raw const (*header).mtrx).cast::<u32>().read() as u16,
            full_range: (&raw const (*header).color_range).read() == 1,
        })
    }
}

fn corrupt(code: c_int) -> Error {
    malformed(format!("its AV1 data are corrupt or cut off ({code})"))
}

/// The version that runs.
#[cfg(test)]
pub(super) fn version() -> String {
    // SAFETY: it takes nothing and returns a constant text that ends with NUL.
    unsafe { std::ffi::CStr::from_ptr(sys::dav1d_version()) }.to_string_lossy().into_owned()
}
