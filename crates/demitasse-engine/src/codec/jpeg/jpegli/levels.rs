//! jpegli's entropy coder for coefficients that others have quantized.

use std::ffi::c_int;

use jpegli_sys as sys;

use super::{Compressor, Raster, Settings};
use crate::codec::jpeg::sink::guard;
use crate::{Error, Result};

/// Writes coefficients that are quantized already, by the tables that [`encode`](super::encode) would use: `fill` is asked for one row of MCUs
/// after the other, from 0 on, and gets the rows of blocks of each component, coefficients row by row.
///
/// # Errors
/// `Codec`; those of `fill`.
///
/// Cost: about 100 megapixels a second; 3 bytes a pixel in half chroma, 6 in full, and the tokens of the entropy coder.
pub(in super::super) fn encode_levels(
    raster: Raster<'_>,
    settings: Settings,
    fill: &mut Fill<'_>,
) -> Result<Vec<u8>> {
    guard(|| {
        let mut compressor = Compressor::open();
        compressor.configure(raster, settings);
        let info = compressor.info();
        let arrays = Arrays::request(info, raster)?;
        let mut number = 0;
        while arrays.0[0].rows * number < arrays.0[0].height {
            let mut rows: Vec<Vec<_>> =
                arrays.0.iter().map(|array| array.rows_of_mcus(info, number)).collect::<Result<_>>()?;
            fill(number as usize, &mut rows)?;
            number += 1;
        }
        let mut pointers = arrays.0.iter().map(|array| array.array).collect::<Vec<_>>();
        // SAFETY: an array for each component, of the size that the library reads; they and the pointers live until it is finished.
        unsafe {
            sys::jpegli_write_coefficients(info, pointers.as_mut_ptr());
            sys::jpegli_finish_compress(info);
        }
        Ok(compressor.into_bytes())
    })
}

/// Gets the number of a row of MCUs, and for each component its rows of blocks.
pub(in super::super) type Fill<'f> = dyn FnMut(usize, &mut [Vec<&mut [sys::JBLOCK]>]) -> Result<()> + 'f;

/// Room for coefficients, that the library owns.
struct Arrays(Vec<ComponentArray>);

struct ComponentArray {
    array: sys::jvirt_barray_ptr,
    /// In blocks.
    width: u32,
    /// In blocks.
    height: u32,
    /// Rows of blocks in a row of MCUs.
    rows: u32,
}

impl Arrays {
    /// Requests it. `info` is configured.
    fn request(info: &mut sys::jpegli_compress_struct, raster: Raster<'_>) -> Result<Self> {
        let count = usize::from(raster.channels);
        // SAFETY: configuring allocates as many components as there are channels.
        let factors: Vec<(u32, u32)> = (0..count)
            .map(|channel| unsafe { &*info.comp_info.add(channel) })
            .map(|component| (component.h_samp_factor as u32, component.v_samp_factor as u32))
            .collect();
        let (most_across, most_down) = factors[0];
        let blocks = |pixels: u32, factor: u32, most: u32| (pixels * factor).div_ceil(8 * most);
        let arrays = factors.iter().map(|(across, down)| {
            let width = blocks(raster.width, *across, most_across);
            let height = blocks(raster.height, *down, most_down);
            // SAFETY: creating the struct set its memory manager; `info` begins with what is common.
            let array = unsafe {
                let request = (*info.common.mem).request_virt_barray.ok_or_else(no_arrays)?;
                request(&mut info.common, sys::JPOOL_IMAGE as c_int, 1, width, height, *down)
            };
            Ok(ComponentArray { array, width, height, rows: *down })
        });
        Ok(Self(arrays.collect::<Result<_>>()?))
    }
}

impl ComponentArray {
    /// The rows of blocks in a row of MCUs, to be written; each row of MCUs is handed out once.
    #[expect(
        clippy::mut_from_ref,
        reason = "the library owns the memory; the lifetime keeps the rows from outliving the arrays"
    )]
    fn rows_of_mcus<'a>(
        &'a self,
        info: &mut sys::jpegli_compress_struct,
        number: u32,
    ) -> Result<Vec<&'a mut [sys::JBLOCK]>> {
        let first = number * self.rows;
        let count = self.rows.min(self.height - first);
        // SAFETY: the array is in memory from the request on until the compressor is dropped, which is after the use of the rows;
        // each has as many blocks as were requested, and is handed out once.
        unsafe {
            let access = (*info.common.mem).access_virt_barray.ok_or_else(no_arrays)?;
            let rows = access(&mut info.common, self.array, first, count, 1);
            let row = |row| std::slice::from_raw_parts_mut(*rows.add(row), self.width as usize);
            Ok((0..count as usize).map(row).collect())
        }
    }
}

fn no_arrays() -> Error {
    Error::codec("jpegli", "it has no arrays of coefficients")
}
