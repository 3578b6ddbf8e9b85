//! mozjpeg behind a safe face: decode to rows, and transcode coefficients without loss.
//!
//! libjpeg reports errors by calling a function that must not return: ours unwinds (every type here is `C-unwind`, and
//! the library is compiled with unwind tables) to [`guard`]. Owners free the library's memory on every path.

#![expect(unsafe_code, reason = "libjpeg is a C interface")]

use std::cell::Cell;
use std::ffi::{CStr, c_char};
use std::marker::PhantomData;
use std::mem::zeroed;

use mozjpeg_sys as sys;

use crate::codec::jpeg::marker::malformed;
use crate::codec::jpeg::sink::{Sink, guard, leave};
use crate::{Control, Error, Result};

/// Name and version, for the recipe.
pub(super) const VERSION: &str = "2.2.3";

/// Rows asked for in one call; libjpeg gives fewer.
const ROWS: usize = 16;
/// Pixels up to which the headers and tables of ten scans may weigh more than they save.
pub(super) const SMALL: u32 = 1 << 18;
/// Longest message of libjpeg, in bytes (JMSG_LENGTH_MAX).
const MESSAGE_BYTES: usize = 200;

/// Decoded rows.
pub(super) struct Pixels {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Samples a pixel: 1 gray, 3 RGB, 4 CMYK as stored.
    pub channels: usize,
    /// Interleaved, 8 bits.
    pub samples: Vec<u8>,
}

/// Decodes as browsers do: accurate integer DCT, smooth chroma upsampling, libjpeg's YCbCr to RGB.
///
/// With `at_least`, a half, a quarter or an eighth of the size in each direction, rounded up, where width and height are
/// still as large as that: the fewer frequencies of each block are transformed, which is as good as the mean of the pixels.
///
/// # Errors
/// `Malformed` for damaged and for truncated data; `Unsupported` for a sampling that libjpeg does not take;
/// `DeadlineExceeded`, `Cancelled` (asked at each row, and in progressive files at each row of blocks of each scan).
///
/// Cost: about 150 megapixels a second, twice as many and more at a part of the size; besides the result 2 to 6 bytes a
/// pixel of the file for a progressive one, little else.
pub(super) fn decode(bytes: &[u8], at_least: Option<(u32, u32)>, control: &Control) -> Result<Pixels> {
    guard(|| rows(&mut Decompressor::open(bytes, control)?, at_least))
}

/// What is wrong with a file, first of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Damage {
    /// For people.
    pub detail: &'static str,
    /// Rows of the picture above it, in pixels.
    pub row: u32,
    /// In which scan, from 1; a later one of a progressive file only adds detail.
    pub scan: u32,
}

/// As [`decode`], but goes on where data is damaged or missing, as viewers do: the picture, and what is wrong with it.
///
/// # Errors
/// As [`decode`]; `Malformed` for what libjpeg cannot go on from.
pub(super) fn salvage(bytes: &[u8], control: &Control) -> Result<(Pixels, Option<Damage>)> {
    guard(|| {
        let mut decoder = Decompressor::open(bytes, control)?;
        decoder.session().salvages.set(true);
        let pixels = rows(&mut decoder, None)?;
        Ok((pixels, decoder.session().damage.get()))
    })
}

/// Must run inside [`guard`].
fn rows(decoder: &mut Decompressor<'_>, at_least: Option<(u32, u32)>) -> Result<Pixels> {
    let info = decoder.info();
    if let Some(at_least) = at_least {
        (info.scale_num, info.scale_denom) = (1, divisor((info.image_width, info.image_height), at_least));
    }
    // SAFETY: `open` read the header; the struct lives as long as the decoder.
    unsafe { sys::jpeg_start_decompress(decoder.info()) };
    let info = decoder.info();
    let (width, height) = (info.output_width, info.output_height);
    let channels = info.output_components as usize;
    let stride = width as usize * channels;
    let mut samples = vec![0; stride * height as usize];
    while (info.output_scanline as usize) < height as usize {
        let rest = &mut samples[info.output_scanline as usize * stride..];
        let mut rows: Vec<_> = rest.chunks_exact_mut(stride).take(ROWS).map(<[u8]>::as_mut_ptr).collect();
        // SAFETY: each pointer has `stride` bytes, and libjpeg writes no more rows than there are.
        let read = unsafe { sys::jpeg_read_scanlines(info, rows.as_mut_ptr(), rows.len() as u32) };
        if read == 0 {
            return Err(malformed("its data ends too early"));
        }
    }
    Ok(Pixels { width, height, channels, samples })
}

/// Decodes at an eighth of the size, rounded up, and hands out each row: gray, or YCbCr as it is stored, interleaved. Gives width and
/// height of the whole picture, in pixels, and samples a pixel.
///
/// # Errors
/// As [`decode`].
///
/// Cost: 300 megapixels a second and more; memory for some rows, if the file is not progressive.
pub(super) fn eighths(
    bytes: &[u8],
    control: &Control,
    take: &mut dyn FnMut(&[u8]),
) -> Result<(u32, u32, usize)> {
    guard(|| {
        let mut decoder = Decompressor::open(bytes, control)?;
        let info = decoder.info();
        (info.scale_num, info.scale_denom) = (1, 8);
        info.out_color_space = info.jpeg_color_space;
        // SAFETY: `open` read the header; the struct lives as long as the decoder.
        unsafe { sys::jpeg_start_decompress(info) };
        let components = info.output_components as usize;
        let mut row = vec![0; info.output_width as usize * components];
        while info.output_scanline < info.output_height {
            let mut rows = [row.as_mut_ptr()];
            // SAFETY: the pointer has room for a row, and one is asked for.
            if unsafe { sys::jpeg_read_scanlines(info, rows.as_mut_ptr(), 1) } == 0 {
                return Err(malformed("its data ends too early"));
            }
            take(&row);
        }
        Ok((info.image_width, info.image_height, components))
    })
}

/// The largest part, 1 in 1, 2, 4 or 8, that leaves a side of `full` as long as `at_least`'s.
fn divisor(full: (u32, u32), at_least: (u32, u32)) -> u32 {
    let leaves = |parts: &u32| full.0.div_ceil(*parts) >= at_least.0 && full.1.div_ceil(*parts) >= at_least.1;
    [8, 4, 2].into_iter().find(leaves).unwrap_or(1)
}

/// Writes the same coefficients with Huffman tables of their own, in progressive scans; no metadata. Up to
/// [`SMALL`] pixels in one scan too, and the smaller file counts.
///
/// `adobe` says whether the source has an Adobe marker, which tells how CMYK is stored.
///
/// # Errors
/// As [`decode`]; `Codec` where the coefficients cannot be written in this form.
///
/// Cost: about 30 megapixels a second; 2 to 6 bytes a pixel, and the result. mozjpeg's search for better scans takes three
/// times as long and gains 0.4 % more (`docs/decisions/0005-jpeg-settings.md`), so the plain scan script is used.
pub(super) fn transcode(bytes: &[u8], adobe: bool, control: &Control) -> Result<Vec<u8>> {
    guard(|| {
        let mut source = Decompressor::open(bytes, control)?;
        // SAFETY: `open` read the header; the arrays live as long as `source`.
        let coefficients = unsafe { sys::jpeg_read_coefficients(source.info()) };
        if coefficients.is_null() {
            return Err(malformed("its data ends too early"));
        }
        let pixels = source.info().image_width * source.info().image_height;
        let mut write = |progressive| {
            let mut target = Compressor::open(control);
            let info = target.info();
            // SAFETY: both structs are initialised and alive; nothing was started on the target.
            unsafe {
                sys::jpeg_copy_critical_parameters(source.info(), info);
                info.optimize_coding = 1;
                if info.num_components == 4 {
                    info.write_Adobe_marker = adobe.into();
                }
                sys::jpeg_c_set_bool_param(info, sys::JBOOLEAN_OPTIMIZE_SCANS, 0);
                if progressive {
                    sys::jpeg_simple_progression(info);
                } else {
                    (info.num_scans, info.scan_info) = (0, std::ptr::null());
                }
                sys::jpeg_write_coefficients(info, coefficients);
                sys::jpeg_finish_compress(info);
            }
            target.into_bytes()
        };
        let file = write(true);
        if pixels > SMALL {
            return Ok(file);
        }
        let sequential = write(false);
        Ok(if sequential.len() < file.len() { sequential } else { file })
    })
}

/// What the callbacks need.
struct Session {
    control: Control,
    writes: bool,
    /// Whether to go on where the file is damaged.
    salvages: Cell<bool>,
    damage: Cell<Option<Damage>>,
}

/// What both directions share; libjpeg keeps pointers into it.
struct Shared {
    errors: sys::jpeg_error_mgr,
    progress: sys::jpeg_progress_mgr,
    session: Session,
}

impl Shared {
    fn new(control: &Control, writes: bool) -> Self {
        // SAFETY: all zeros is a value of both: integers, pointers and optional functions.
        let (errors, mut progress): (_, sys::jpeg_progress_mgr) = unsafe { zeroed() };
        progress.progress_monitor = Some(look_whether_to_stop);
        Self {
            errors,
            progress,
            session: Session {
                control: control.clone(),
                writes,
                salvages: Cell::new(false),
                damage: Cell::new(None),
            },
        }
    }

    /// Fills the head of a libjpeg struct, before the struct is created.
    ///
    /// # Safety
    /// `this` stays where it is as long as the struct lives.
    unsafe fn attach(this: *mut Self, common: &mut sys::jpeg_common_struct) {
        // SAFETY: the caller keeps `this` in place; the fields are distinct.
        unsafe {
            let errors = &mut (*this).errors;
            common.err = sys::jpeg_std_error(errors);
            errors.error_exit = Some(error_exit);
            errors.emit_message = Some(emit_message);
            errors.output_message = Some(stay_silent);
            common.client_data = (&raw mut (*this).session).cast();
        }
    }
}

/// A decompression, from a file in memory.
struct Decompressor<'a> {
    state: *mut Decompression,
    bytes: PhantomData<&'a [u8]>,
}

struct Decompression {
    info: sys::jpeg_decompress_struct,
    shared: Shared,
}

impl<'a> Decompressor<'a> {
    /// Creates it and reads the header. Must run inside [`guard`].
    fn open(bytes: &'a [u8], control: &Control) -> Result<Self> {
        // SAFETY: all zeros is a value of the struct: integers, pointers, enums with a zero.
        let info = unsafe { zeroed() };
        let state = Box::into_raw(Box::new(Decompression { info, shared: Shared::new(control, false) }));
        let mut decompressor = Self { state, bytes: PhantomData };
        let info = decompressor.info();
        // SAFETY: `state` is on the heap and stays there until `decompressor` is dropped; `bytes` outlive it.
        unsafe {
            Shared::attach(&raw mut (*state).shared, &mut info.common);
            sys::jpeg_create_decompress(info);
            info.common.progress = &raw mut (*state).shared.progress;
            sys::jpeg_mem_src(info, bytes.as_ptr(), bytes.len() as sys::c_ulong);
            sys::jpeg_read_header(info, 1);
        }
        Ok(decompressor)
    }

    fn session(&self) -> &Session {
        // SAFETY: `state` is valid until drop; libjpeg's callbacks borrow it as this does, shared.
        unsafe { &(*self.state).shared.session }
    }

    fn info<'s>(&mut self) -> &'s mut sys::jpeg_decompress_struct {
        // SAFETY: `state` is valid until drop, and only one borrow is used at a time.
        unsafe { &mut (*self.state).info }
    }
}

impl Drop for Decompressor<'_> {
    fn drop(&mut self) {
        // SAFETY: `state` came from a Box; destroying takes a struct in any state, even all zeros.
        unsafe {
            sys::jpeg_destroy_decompress(&mut (*self.state).info);
            drop(Box::from_raw(self.state));
        }
    }
}

/// A compression, into memory.
struct Compressor {
    state: *mut Compression,
}

struct Compression {
    info: sys::jpeg_compress_struct,
    destination: Destination,
    shared: Shared,
}

/// libjpeg's destination, and behind it ours: the callbacks get a pointer to the first.
#[repr(C)]
struct Destination {
    manager: sys::jpeg_destination_mgr,
    sink: Sink,
}

impl Compressor {
    /// Creates it. Must run inside [`guard`].
    fn open(control: &Control) -> Self {
        // SAFETY: all zeros is a value of the struct: integers, pointers, enums with a zero.
        let info = unsafe { zeroed() };
        let manager = sys::jpeg_destination_mgr {
            next_output_byte: std::ptr::null_mut(),
            free_in_buffer: 0,
            init_destination: Some(offer_room),
            empty_output_buffer: Some(take_full),
            term_destination: Some(take_rest),
        };
        let destination = Destination { manager, sink: Sink::default() };
        let shared = Shared::new(control, true);
        let state = Box::into_raw(Box::new(Compression { info, destination, shared }));
        let mut compressor = Self { state };
        let info = compressor.info();
        // SAFETY: `state` is on the heap and stays there until `compressor` is dropped.
        unsafe {
            Shared::attach(&raw mut (*state).shared, &mut info.common);
            sys::jpeg_create_compress(info);
            info.common.progress = &raw mut (*state).shared.progress;
            info.dest = (&raw mut (*state).destination).cast();
        }
        compressor
    }

    fn info<'s>(&mut self) -> &'s mut sys::jpeg_compress_struct {
        // SAFETY: `state` is valid until drop, and only one borrow is used at a time.
        unsafe { &mut (*self.state).info }
    }

    fn into_bytes(self) -> Vec<u8> {
        // SAFETY: `state` is valid until drop, which follows.
        unsafe { std::mem::take(&mut (*self.state).destination.sink) }.into_bytes()
    }
}

impl Drop for Compressor {
    fn drop(&mut self) {
        // SAFETY: `state` came from a Box; destroying takes a struct in any state, even all zeros.
        unsafe {
            sys::jpeg_destroy_compress(&mut (*self.state).info);
            drop(Box::from_raw(self.state));
        }
    }
}

unsafe extern "C-unwind" fn offer_room(info: &mut sys::jpeg_compress_struct) {
    // SAFETY: `dest` points at a `Destination`, set in `Compressor::open`.
    let destination = unsafe { &mut *info.dest.cast::<Destination>() };
    let (room, length) = destination.sink.offer();
    (destination.manager.next_output_byte, destination.manager.free_in_buffer) = (room, length);
}

unsafe extern "C-unwind" fn take_full(info: &mut sys::jpeg_compress_struct) -> sys::boolean {
    // SAFETY: as above; libjpeg calls this when all of the offer is written, whatever `free_in_buffer` says.
    unsafe {
        (*info.dest.cast::<Destination>()).sink.take(0);
        offer_room(info);
    }
    1
}

unsafe extern "C-unwind" fn take_rest(info: &mut sys::jpeg_compress_struct) {
    // SAFETY: as above; libjpeg wrote all but `free_in_buffer` bytes.
    unsafe {
        let destination = &mut *info.dest.cast::<Destination>();
        destination.sink.take(destination.manager.free_in_buffer);
    }
}

unsafe extern "C-unwind" fn error_exit(common: &mut sys::jpeg_common_struct) {
    let (code, message) = message(common);
    // SAFETY: `client_data` points at the session, set in `Shared::attach`.
    let session = unsafe { &*common.client_data.cast::<Session>() };
    leave(match code {
        _ if session.writes => Error::codec("mozjpeg", message),
        sys::JERR_OUT_OF_MEMORY => Error::codec("mozjpeg", message),
        sys::JERR_BAD_SAMPLING
        | sys::JERR_FRACT_SAMPLE_NOTIMPL
        | sys::JERR_CCIR601_NOTIMPL
        | sys::JERR_CONVERSION_NOTIMPL
        | sys::JERR_NOTIMPL
        | sys::JERR_NOT_COMPILED
        | sys::JERR_ARITH_NOTIMPL => {
            Error::Unsupported(format!("this kind of JPEG is not supported: {message}"))
        }
        _ => malformed(message),
    })
}

/// Warnings come with a negative level. Those that mean a damaged or missing part end the decoding; what remains are
/// deviations that leave the picture whole: bytes before a marker, an odd JFIF version or Adobe transform, an end marker
/// that libjpeg supplied.
unsafe extern "C-unwind" fn emit_message(common: &mut sys::jpeg_common_struct, level: sys::c_int) {
    if level >= 0 {
        return;
    }
    // SAFETY: `err` was set in `Shared::attach`.
    let detail = match unsafe { (*common.err).msg_code } {
        sys::JWRN_HIT_MARKER => "its data ends too early: a part of the image is missing",
        sys::JWRN_HUFF_BAD_CODE => "its data holds an impossible code",
        sys::JWRN_BOGUS_PROGRESSION => "its scans are inconsistent",
        sys::JWRN_MUST_RESYNC => "its restart markers are out of order",
        _ => return,
    };
    // SAFETY: only a decompression warns of its input, so this is one; `client_data` was set in `Shared::attach`.
    let (info, session) = unsafe {
        let common: *mut _ = common;
        (&*common.cast::<sys::jpeg_decompress_struct>(), &*(*common).client_data.cast::<Session>())
    };
    let row = info.input_iMCU_row.saturating_mul(8 * info.max_v_samp_factor as u32).min(info.image_height);
    let damage = Damage { detail, row, scan: info.input_scan_number as u32 };
    if !session.salvages.get() {
        leave(malformed(format!("{detail} (row {row} of {})", info.image_height)));
    }
    session.damage.set(session.damage.get().or(Some(damage)));
}

unsafe extern "C-unwind" fn stay_silent(_: &mut sys::jpeg_common_struct) {}

unsafe extern "C-unwind" fn look_whether_to_stop(common: &mut sys::jpeg_common_struct) {
    // SAFETY: `client_data` points at the session, set in `Shared::attach`.
    let session = unsafe { &*common.client_data.cast::<Session>() };
    if let Err(stop) = session.control.check() {
        leave(stop);
    }
}

fn message(common: &mut sys::jpeg_common_struct) -> (sys::c_int, String) {
    type Format = unsafe extern "C-unwind" fn(&mut sys::jpeg_common_struct, *mut c_char);
    let mut buffer = [0 as c_char; MESSAGE_BYTES + 1];
    // SAFETY: `err` was set in `Shared::attach`; `format_message` is libjpeg's own, which writes at most MESSAGE_BYTES
    // with a final zero. The binding declares its buffer shorter and read-only, hence the cast.
    let (code, text) = unsafe {
        let errors = &*common.err;
        if let Some(format) = errors.format_message {
            std::mem::transmute::<unsafe extern "C-unwind" fn(_, &[u8; 80]), Format>(format)(
                common,
                buffer.as_mut_ptr(),
            );
        }
        ((*common.err).msg_code, CStr::from_ptr(buffer.as_ptr()))
    };
    (code, text.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_taken_only_where_enough_is_left() {
        assert_eq!(divisor((4000, 3000), (500, 375)), 8);
        assert_eq!(divisor((4000, 3000), (501, 375)), 4);
        assert_eq!(divisor((4000, 3000), (100, 376)), 4);
        assert_eq!(divisor((4001, 3001), (2001, 1501)), 2);
        assert_eq!(divisor((4000, 3000), (2001, 100)), 1);
        assert_eq!(divisor((10, 10), (u32::MAX, 1)), 1);
    }
}
