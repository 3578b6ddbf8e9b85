//! QOI, the "Quite OK Image": read only, by the crate `image`. It has no metadata.
//!
//! Source: the QOI specification, version 1.0.

mod capabilities;
#[cfg(test)]
mod tests;

use std::io::Cursor;

use image::ImageDecoder;
use image::codecs::qoi::QoiDecoder;

use super::{Codec, Decoded, Encoder, Header, Memory};
use crate::image::{Image, Layout, Samples};
use crate::metadata::{Embedded, Kind, Metadata};
use crate::report::Item;
use crate::{Control, Error, Format, Limits, Result};

pub(crate) use self::capabilities::CAPABILITIES;

/// Magic, width, height, channels, colour space.
const HEADER_BYTES: usize = 14;
/// What ends the pixels: seven bytes of 0 and a 1.
const END: [u8; 8] = [0, 0, 0, 0, 0, 0, 0, 1];

pub(crate) struct Qoi;

impl Codec for Qoi {
    fn read_header(&self, bytes: &[u8]) -> Result<Header> {
        let head = bytes.first_chunk::<HEADER_BYTES>().ok_or_else(|| malformed("its header is cut off"))?;
        let [b'q', b'o', b'i', b'f', w0, w1, w2, w3, h0, h1, h2, h3, channels, space] = *head else {
            return Err(malformed("it has no signature"));
        };
        let (width, height) = (u32::from_be_bytes([w0, w1, w2, w3]), u32::from_be_bytes([h0, h1, h2, h3]));
        if width == 0 || height == 0 || !matches!(channels, 3 | 4) || space > 1 {
            return Err(malformed(format!("{width} x {height} with {channels} channels cannot be")));
        }
        if space == 1 {
            return Err(Error::Unsupported("a QOI in linear light is not supported: send it as sRGB".into()));
        }
        let alpha = channels == 4;
        Ok(Header { format: Format::Qoi, width, height, bits: 8, alpha, animated: false, sequential: false })
    }

    fn read_metadata(&self, bytes: &[u8], _limits: &Limits) -> Result<Metadata> {
        self.read_header(bytes)?;
        let trailer = bytes.len() - end(bytes);
        let items =
            if trailer > 0 { vec![Item { kind: Kind::Trailer, bytes: trailer as u64 }] } else { Vec::new() };
        Ok(Metadata { items, ..Metadata::default() })
    }

    /// Cost: about one pass over the pixels; memory is the pixels.
    fn decode(&self, bytes: &[u8], limits: &Limits, control: &Control) -> Result<Decoded> {
        let header = self.read_header(bytes)?;
        limits.check_header(&header)?;
        control.check()?;
        // A byte is at most a run of 62 pixels: what claims more is cut off, and no memory is taken for it.
        let is_whole = bytes.windows(END.len()).any(|window| window == END);
        if !is_whole || header.pixels() > (bytes.len() as u64).saturating_mul(62) {
            return Err(malformed("it is cut off"));
        }
        let decoder = QoiDecoder::new(Cursor::new(bytes)).map_err(malformed)?;
        let layout = if header.alpha { Layout::Rgba } else { Layout::Rgb };
        let mut samples = vec![0; header.width as usize * header.height as usize * layout.channels()];
        if decoder.dimensions() != (header.width, header.height)
            || decoder.total_bytes() != samples.len() as u64
        {
            return Err(malformed("its parts disagree about its size"));
        }
        decoder.read_image(&mut samples).map_err(malformed)?;
        let image = Image::still(header.width, header.height, layout, Samples::U8(samples), None);
        Ok(Decoded { image, metadata: self.read_metadata(bytes, limits)?, warnings: Vec::new() })
    }

    /// Cuts off what follows the pixels. There is no place for anything in `keep`.
    fn strip(&self, bytes: &[u8], _keep: &Embedded) -> Result<Vec<u8>> {
        self.read_header(bytes)?;
        Ok(bytes[..end(bytes)].to_vec())
    }

    fn memory(&self) -> Memory {
        Memory { decode: 4, encode: 0 }
    }

    fn encoders(&self) -> &'static [&'static dyn Encoder] {
        &[]
    }
}

/// Where the image ends: behind the last end mark, which pixels may look like.
fn end(bytes: &[u8]) -> usize {
    let mark = bytes.windows(END.len()).rposition(|window| window == END);
    mark.map_or(bytes.len(), |at| at + END.len())
}

fn malformed(detail: impl ToString) -> Error {
    Error::malformed(Format::Qoi, detail)
}
