//! JPEG XL: read only, by jxl-oxide. No encoder for it is both permissive and as good as the others' here.
//!
//! - `header`: what there is, read without the library.
//! - `container`: boxes, walked without decoding; metadata and strip share the walk.
//!
//! Pixels come out upright, in the colours that the file names, with 16 bits a sample where it has more than 8.

mod capabilities;
mod container;
mod header;
#[cfg(test)]
mod tests;

use jxl_oxide::{AllocTracker, ExtraChannelType, InitializeResult, JxlImage, JxlThreadPool, PixelFormat};

use super::{Codec, Decoded, Encoder, Header, Memory};
use crate::color;
use crate::image::{Image, Layout, Samples};
use crate::metadata::{Embedded, Metadata};
use crate::{Control, Error, Format, Limits, Result};

pub(crate) use self::capabilities::CAPABILITIES;

/// What is given to the decoder at first, in bytes; then twice as much, until it knows the header.
const STEP: usize = 16 * 1024;
/// Memory that a header with its profile may take, in bytes.
const HEADER_MEMORY: usize = 64 << 20;
/// Memory that the decoder may take for a pixel, in bytes: planes of 32-bit floats, of the picture and of the frames that it is made of.
const DECODE_BYTES: u64 = 96;

pub(crate) struct Jxl;

impl Codec for Jxl {
    fn read_header(&self, bytes: &[u8]) -> Result<Header> {
        header::read(bytes)
    }

    fn read_metadata(&self, bytes: &[u8], limits: &Limits) -> Result<Metadata> {
        let mut metadata = container::read(bytes, limits)?;
        let (image, _) = open(bytes, HEADER_MEMORY)?;
        metadata.icc = profile(&image);
        Ok(metadata)
    }

    /// Cost: 5 to 30 megapixels a second; memory of up to 96 bytes a pixel while it works. It cannot be stopped within.
    fn decode(&self, bytes: &[u8], limits: &Limits, control: &Control) -> Result<Decoded> {
        let header = self.read_header(bytes)?;
        limits.check_header(&header)?;
        control.check()?;
        let most = usize::try_from(header.pixels().saturating_mul(DECODE_BYTES)).unwrap_or(usize::MAX);
        let (mut image, fed) = open(bytes, most.saturating_add(HEADER_MEMORY))?;
        let layout = layout(&image)?;
        image.feed_bytes(&bytes[fed..]).map_err(malformed)?;
        image.finalize().map_err(malformed)?;
        if !image.is_loading_done() {
            return Err(malformed("it is cut off"));
        }
        let render = image.render_frame(0).map_err(malformed)?;
        control.check()?;
        let mut stream = render.stream();
        let (width, height) = (stream.width(), stream.height());
        if (width, height, stream.channels() as usize) != (header.width, header.height, layout.channels()) {
            return Err(malformed("its parts disagree about its size"));
        }
        let count = width as usize * height as usize * layout.channels();
        let samples = if header.bits == 16 {
            let mut samples = vec![0_u16; count];
            stream.write_to_buffer(&mut samples);
            Samples::U16(samples)
        } else {
            let mut samples = vec![0_u8; count];
            stream.write_to_buffer(&mut samples);
            Samples::U8(samples)
        };
        let metadata = self.read_metadata(bytes, limits)?;
        let mut warnings = Vec::new();
        let profile = color::usable_profile(layout, metadata.icc.as_deref(), &mut warnings);
        let image = Image::still(width, height, layout, samples, profile);
        Ok(Decoded { image, metadata, warnings })
    }

    fn strip(&self, bytes: &[u8], keep: &Embedded) -> Result<Vec<u8>> {
        container::strip(bytes, keep)
    }

    fn memory(&self) -> Memory {
        Memory { decode: DECODE_BYTES, encode: 0 }
    }

    fn encoders(&self) -> &'static [&'static dyn Encoder] {
        &[]
    }
}

/// Reads as much as it takes to know the header, and says how many bytes that was. On one thread: what comes out must not depend on
/// how many there are.
fn open(bytes: &[u8], memory: usize) -> Result<(JxlImage, usize)> {
    let tracker = AllocTracker::with_limit(memory);
    // Some writers claim that 16 bits are enough to compute with where they are not; libjxl does not believe them either.
    let builder = JxlImage::builder().force_wide_buffers(true);
    let mut waiting = builder.pool(JxlThreadPool::none()).alloc_tracker(tracker).build_uninit();
    let (mut fed, mut end) = (0, STEP.min(bytes.len()));
    loop {
        // What the parser leaves it wants to see again, with more behind it.
        fed += waiting.feed_bytes(&bytes[fed..end]).map_err(malformed)?;
        match waiting.try_init().map_err(malformed)? {
            InitializeResult::Initialized(image) => return Ok((image, fed)),
            InitializeResult::NeedMoreData(_) if end == bytes.len() => {
                return Err(malformed("its header is cut off"));
            }
            InitializeResult::NeedMoreData(more) => waiting = more,
        }
        // Each try begins anew: twice as much each time keeps the work linear.
        end = end.saturating_mul(2).min(bytes.len());
    }
}

/// # Errors
/// `Unsupported` for inks, for PQ and HLG, whose brightness no profile says, and for colours that alpha was multiplied into.
fn layout(image: &JxlImage) -> Result<Layout> {
    let unsupported =
        |what: &str| Err(Error::Unsupported(format!("a JPEG XL {what} is not supported: convert it first")));
    if image.hdr_type().is_some() {
        return unsupported("of high dynamic range (PQ, HLG)");
    }
    let is_associated =
        |ty: ExtraChannelType| matches!(ty, ExtraChannelType::Alpha { alpha_associated: true });
    if image.image_header().metadata.ec_info.iter().any(|channel| is_associated(channel.ty)) {
        return unsupported("with premultiplied alpha");
    }
    Ok(match image.pixel_format() {
        PixelFormat::Gray => Layout::Gray,
        PixelFormat::Graya => Layout::GrayAlpha,
        PixelFormat::Rgb => Layout::Rgb,
        PixelFormat::Rgba => Layout::Rgba,
        PixelFormat::Cmyk | PixelFormat::Cmyka => return unsupported("of inks (CMYK)"),
    })
}

/// The profile of the pixels that come out; none where it says sRGB, which most files say by a number.
fn profile(image: &JxlImage) -> Option<Vec<u8>> {
    let profile = image.rendered_icc();
    let is_srgb = color::is_srgb(Layout::Rgb, &profile);
    let is_plain_gray = image.pixel_format().is_grayscale() && image.original_icc().is_none();
    (!profile.is_empty() && !is_srgb && !is_plain_gray).then_some(profile)
}

pub(super) fn malformed(detail: impl ToString) -> Error {
    Error::malformed(Format::Jxl, detail)
}
