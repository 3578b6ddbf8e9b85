//! BMP, the Windows bitmap: read only, by the crate `image`, behind a header reader of our own because that crate
//! allocates before it can be asked about limits.
//!
//! It has no metadata but an embedded profile, which viewers ignore.

mod capabilities;
mod header;
#[cfg(test)]
mod tests;

use std::io::Cursor;

use image::codecs::bmp::BmpDecoder;
use image::{ColorType, ImageDecoder};

use self::header::malformed;
use super::{Codec, Decoded, Encoder, Header, Memory};
use crate::image::{Image, Layout, Samples};
use crate::metadata::{Embedded, Kind, Metadata};
use crate::report::Item;
use crate::{Control, Error, Limits, Result};

pub(crate) use self::capabilities::CAPABILITIES;

pub(crate) struct Bmp;

impl Codec for Bmp {
    fn read_header(&self, bytes: &[u8]) -> Result<Header> {
        header::read(bytes).map(|bmp| bmp.header)
    }

    fn read_metadata(&self, bytes: &[u8], _limits: &Limits) -> Result<Metadata> {
        let trailer = bytes.len() - header::read(bytes)?.end(bytes);
        let items =
            if trailer > 0 { vec![Item { kind: Kind::Trailer, bytes: trailer as u64 }] } else { Vec::new() };
        Ok(Metadata { items, ..Metadata::default() })
    }

    /// Cost: about one pass over the pixels; memory is the pixels.
    fn decode(&self, bytes: &[u8], limits: &Limits, control: &Control) -> Result<Decoded> {
        let bmp = header::read(bytes)?;
        limits.check_header(&bmp.header)?;
        bmp.check_length(bytes)?;
        control.check()?;
        let decoder = BmpDecoder::new(Cursor::new(bytes)).map_err(from_library)?;
        let (width, height) = decoder.dimensions();
        let layout = match decoder.color_type() {
            ColorType::L8 => Layout::Gray,
            ColorType::Rgb8 => Layout::Rgb,
            ColorType::Rgba8 => Layout::Rgba,
            other => {
                return Err(Error::Unsupported(format!(
                    "this BMP decodes to {other:?}, which is not supported"
                )));
            }
        };
        if (width, height) != (bmp.header.width, bmp.header.height) {
            return Err(malformed("its parts disagree about its size"));
        }
        let mut samples = vec![0; width as usize * height as usize * layout.channels()];
        decoder.read_image(&mut samples).map_err(from_library)?;
        let image = Image::still(width, height, layout, Samples::U8(samples), None);
        Ok(Decoded { image, metadata: self.read_metadata(bytes, limits)?, warnings: Vec::new() })
    }

    /// Cuts off what follows the pixels. There is no place for anything in `keep`.
    fn strip(&self, bytes: &[u8], _keep: &Embedded) -> Result<Vec<u8>> {
        let end = header::read(bytes)?.end(bytes);
        let mut out = bytes[..end].to_vec();
        if end < bytes.len() {
            out[2..6].copy_from_slice(&(end as u32).to_le_bytes());
        }
        Ok(out)
    }

    fn memory(&self) -> Memory {
        Memory { decode: 4, encode: 0 }
    }

    fn encoders(&self) -> &'static [&'static dyn Encoder] {
        &[]
    }
}

fn from_library(error: image::ImageError) -> Error {
    match error {
        image::ImageError::Unsupported(error) => {
            Error::Unsupported(format!("this variety of BMP is not supported: {error}"))
        }
        error => malformed(error),
    }
}
