//! jpegli's encoder behind a safe face.
//!
//! Its ABI is libjpeg 8's under other names; nothing of it is shared with mozjpeg's, which is libjpeg 6.2's. Errors unwind
//! through its C++ frames to [`guard`].

#![expect(unsafe_code, reason = "jpegli is a C interface")]

mod levels;

use std::ffi::{CStr, c_int};
use std::mem::zeroed;

use jpegli_sys as sys;

pub(super) use self::levels::encode_levels;

use crate::codec::jpeg::sink::{Sink, guard, leave};
use crate::{Control, Error, Result};

/// Version of libjxl that it comes from, for the recipe.
pub(super) const VERSION: &str = "0.10.2";

/// Rows between two looks at the control.
const ROWS: usize = 64;

// The library has these; the crate does not declare them.
unsafe extern "C-unwind" {
    fn jpegli_set_distance(info: *mut sys::jpegli_compress_struct, distance: f32, force_baseline: c_int);
    fn jpegli_set_progressive_level(info: *mut sys::jpegli_compress_struct, level: c_int);
}

/// How to encode.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Settings {
    /// Butteraugli distance: 0 is exact, 1 about the limit of what is seen; lower is better and larger.
    pub distance: f32,
    /// Whether chroma is halved in both directions; not used for gray.
    pub subsampled: bool,
    /// 0 sequential, 1 or 2 progressive.
    pub progressive_level: u8,
}

/// 8-bit samples, interleaved: one a pixel (gray) or three (RGB).
#[derive(Clone, Copy)]
pub(super) struct Raster<'a> {
    pub width: u32,
    pub height: u32,
    pub channels: u8,
    pub samples: &'a [u8],
}

/// Encodes, with Huffman tables of its own; no metadata. Same raster and settings: same bytes.
///
/// # Errors
/// `Codec`; `DeadlineExceeded`, `Cancelled`, asked every 64 rows but not while the last pass writes.
///
/// Cost: 60 to 100 megapixels a second; about 7 bytes a pixel.
pub(super) fn encode(raster: Raster<'_>, settings: Settings, control: &Control) -> Result<Vec<u8>> {
    let stride = raster.width as usize * usize::from(raster.channels);
    guard(|| {
        let mut compressor = Compressor::open();
        compressor.configure(raster, settings);
        let info = compressor.info();
        // SAFETY: the struct is configured and lives as long as the compressor.
        unsafe { sys::jpegli_start_compress(info, 1) };
        for rows in raster.samples.chunks(stride * ROWS) {
            control.check()?;
            let rows: Vec<_> = rows.chunks_exact(stride).map(<[u8]>::as_ptr).collect();
            // SAFETY: each pointer has `stride` bytes.
            let taken = unsafe { sys::jpegli_write_scanlines(info, rows.as_ptr(), rows.len() as u32) };
            if taken as usize != rows.len() {
                return Err(Error::codec("jpegli", "it did not take every row"));
            }
        }
        control.check()?;
        // SAFETY: as above; every row was written, or this reports an error.
        unsafe { sys::jpegli_finish_compress(info) };
        Ok(compressor.into_bytes())
    })
}

/// The quantization tables that [`encode`] uses: one for each of 1 or 3 channels, row by row.
///
/// # Errors
/// `Codec`.
pub(super) fn tables(channels: u8, subsampled: bool, distance: f32) -> Result<Vec<[u16; 64]>> {
    guard(|| {
        let mut compressor = Compressor::open();
        let raster = Raster { width: 16, height: 16, channels, samples: &[] };
        compressor.configure(raster, Settings { distance, subsampled, progressive_level: 0 });
        let info = compressor.info();
        (0..usize::from(channels))
            .map(|channel| {
                // SAFETY: configuring allocates as many components as there are channels.
                let number = unsafe { (*info.comp_info.add(channel)).quant_tbl_no };
                let table = usize::try_from(number).ok().and_then(|number| info.quant_tbl_ptrs.get(number));
                // SAFETY: a table is null or allocated by the library, and lives as long as the compressor.
                let table = table.and_then(|table| unsafe { table.as_ref() });
                table.map(|table| table.quantval).ok_or_else(|| Error::codec("jpegli", "it lacks a table"))
            })
            .collect()
    })
}

/// A compression, into memory.
struct Compressor {
    state: *mut Compression,
}

struct Compression {
    info: sys::jpegli_compress_struct,
    errors: sys::jpegli_error_mgr,
    destination: Destination,
}

/// jpegli's destination, and behind it ours: the callbacks get a pointer to the first.
#[repr(C)]
struct Destination {
    manager: sys::jpegli_destination_mgr,
    sink: Sink,
}

impl Compressor {
    /// Creates it. Must run inside [`guard`].
    fn open() -> Self {
        // SAFETY: all zeros is a value of both: integers, pointers, optional functions, enums with a zero.
        let (info, errors) = unsafe { zeroed() };
        let manager = sys::jpegli_destination_mgr {
            next_output_byte: std::ptr::null_mut(),
            free_in_buffer: 0,
            init_destination: Some(offer_room),
            empty_output_buffer: Some(take_full),
            term_destination: Some(take_rest),
        };
        let destination = Destination { manager, sink: Sink::default() };
        let state = Box::into_raw(Box::new(Compression { info, errors, destination }));
        let mut compressor = Self { state };
        let info = compressor.info();
        // SAFETY: `state` is on the heap and stays there until `compressor` is dropped; the fields are distinct.
        unsafe {
            let errors = &mut (*state).errors;
            info.common.err = sys::jpegli_std_error(errors);
            errors.error_exit = Some(error_exit);
            errors.emit_message = Some(ignore_message);
            errors.output_message = Some(stay_silent);
            sys::jpegli_create_compress(info);
            info.dest = (&raw mut (*state).destination).cast();
        }
        compressor
    }

    /// The order matters: tables are scaled by the sampling that is set when the distance is.
    fn configure(&mut self, raster: Raster<'_>, settings: Settings) {
        let info = self.info();
        (info.image_width, info.image_height) = (raster.width, raster.height);
        info.input_components = raster.channels.into();
        info.in_color_space = if raster.channels == 1 {
            sys::J_COLOR_SPACE::JCS_GRAYSCALE
        } else {
            sys::J_COLOR_SPACE::JCS_RGB
        };
        // SAFETY: the struct is created and not started; `set_defaults` allocates as many components as it has channels.
        unsafe {
            sys::jpegli_set_defaults(info);
            if raster.channels == 3 {
                let luma = &mut *info.comp_info;
                let factor = if settings.subsampled { 2 } else { 1 };
                (luma.h_samp_factor, luma.v_samp_factor) = (factor, factor);
            }
            jpegli_set_distance(info, settings.distance, 1);
            share_chroma_table(info);
            refine_slow_waves(info, settings.distance);
            jpegli_set_progressive_level(info, settings.progressive_level.into());
        }
        info.optimize_coding = 1;
    }

    fn info<'s>(&mut self) -> &'s mut sys::jpegli_compress_struct {
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
            sys::jpegli_destroy_compress(&mut (*self.state).info);
            drop(Box::from_raw(self.state));
        }
    }
}

/// Makes Cb use the table of Cr, as `jpegli_set_quality` does and `jpegli_set_distance`, which gives each its own, does
/// not: 1 % smaller at a score of 75, 4 % at 90, 1 % larger at 60 (`docs/decisions/0005-jpeg-settings.md`).
///
/// # Safety
/// The distance of `info` is set.
unsafe fn share_chroma_table(info: &mut sys::jpegli_compress_struct) {
    if info.num_components != 3 {
        return;
    }
    let [_, cb, cr, _] = info.quant_tbl_ptrs;
    // SAFETY: setting a distance allocates a table for each of three components, and there are three components.
    unsafe {
        (*cb).quantval = (*cr).quantval;
        (*info.comp_info.add(2)).quant_tbl_no = 1;
    }
    info.quant_tbl_ptrs[2] = std::ptr::null_mut();
}

/// What the steps of slow waves are multiplied by at the distances of everyday quality: luma's mean, luma's two slowest
/// waves, chroma's mean. Steps are whole numbers, so that smooth regions, which have nothing else, would jump from one
/// quality to the next by up to three points; and the same score takes 0.7 to 3 % fewer bytes
/// (`docs/decisions/0005-jpeg-settings.md`).
const SLOW_WAVES: [f32; 3] = [0.7, 0.85, 0.75];
/// At distances up to the first the tables stay as they are; from the second on they have all of [`SLOW_WAVES`].
const REFINED_FROM: (f32, f32) = (0.8, 1.3);

/// Makes the steps of the slowest waves smaller.
///
/// # Safety
/// The distance of `info` is set.
unsafe fn refine_slow_waves(info: &mut sys::jpegli_compress_struct, distance: f32) {
    let (from, to) = REFINED_FROM;
    let part = ((distance - from) / (to - from)).clamp(0.0, 1.0);
    let [luma_mean, luma_slow, chroma_mean] = SLOW_WAVES.map(|factor| 1.0 - part * (1.0 - factor));
    // Places in a table, which is stored row by row.
    let luma = [(0, luma_mean), (1, luma_slow), (8, luma_slow)];
    for (table, factors) in [(0, &luma[..]), (1, &[(0, chroma_mean)])] {
        // SAFETY: setting a distance allocates a table for each component; gray has one.
        let Some(table) = (unsafe { info.quant_tbl_ptrs[table].as_mut() }) else { continue };
        for (place, factor) in factors {
            let step = &mut table.quantval[*place];
            *step = ((f32::from(*step) * factor).round() as u16).max(1);
        }
    }
}

unsafe extern "C-unwind" fn offer_room(info: &mut sys::jpegli_compress_struct) {
    // SAFETY: `dest` points at a `Destination`, set in `Compressor::open`.
    let destination = unsafe { &mut *info.dest.cast::<Destination>() };
    let (room, length) = destination.sink.offer();
    (destination.manager.next_output_byte, destination.manager.free_in_buffer) = (room, length);
}

unsafe extern "C-unwind" fn take_full(info: &mut sys::jpegli_compress_struct) -> sys::boolean {
    // SAFETY: as above; jpegli calls this when all of the offer is written.
    unsafe {
        (*info.dest.cast::<Destination>()).sink.take(0);
        offer_room(info);
    }
    1
}

unsafe extern "C-unwind" fn take_rest(info: &mut sys::jpegli_compress_struct) {
    // SAFETY: as above; jpegli wrote all but `free_in_buffer` bytes.
    unsafe {
        let destination = &mut *info.dest.cast::<Destination>();
        destination.sink.take(destination.manager.free_in_buffer);
    }
}

unsafe extern "C-unwind" fn error_exit(common: &mut sys::jpegli_common_struct) {
    // SAFETY: `err` was set in `Compressor::open`; jpegli puts its message there, with a final zero.
    let message = unsafe { CStr::from_ptr((*common.err).msg_parm.s.as_ptr()) };
    leave(Error::codec("jpegli", message.to_string_lossy()))
}

unsafe extern "C-unwind" fn ignore_message(_: &mut sys::jpegli_common_struct, _: c_int) {}

unsafe extern "C-unwind" fn stay_silent(_: &mut sys::jpegli_common_struct) {}

/// A sequential file in sampling factors, and with restart markers, that [`encode`] does not make.
#[cfg(test)]
pub(super) fn encode_sequentially(
    raster: Raster<'_>,
    distance: f32,
    factors: (i32, i32),
    restart_interval: u32,
) -> Vec<u8> {
    let stride = raster.width as usize * usize::from(raster.channels);
    let settings = Settings { distance, subsampled: factors == (2, 2), progressive_level: 0 };
    let encode = || {
        let mut compressor = Compressor::open();
        compressor.configure(raster, settings);
        let info = compressor.info();
        info.restart_interval = restart_interval;
        // SAFETY: the struct is configured and has a component; each row has `stride` bytes.
        unsafe {
            ((*info.comp_info).h_samp_factor, (*info.comp_info).v_samp_factor) = factors;
            sys::jpegli_start_compress(info, 1);
            for row in raster.samples.chunks_exact(stride) {
                sys::jpegli_write_scanlines(info, [row.as_ptr()].as_ptr(), 1);
            }
            sys::jpegli_finish_compress(info);
        }
        Ok(compressor.into_bytes())
    };
    guard(encode).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_library_comes_back_as_ours() {
        let raster = Raster { width: 70_000, height: 1, channels: 1, samples: &vec![0; 70_000] };
        let settings = Settings { distance: 1.0, subsampled: false, progressive_level: 2 };
        let error = encode(raster, settings, &Control::new()).unwrap_err();
        assert_eq!(error.code(), "codec_failed");
        assert!(error.to_string().contains("too big"), "{error}");
    }
}
