//! A panic in a codec is that codec's failure and nobody else's.
//!
//! The libraries are written in good faith and read what strangers send: an arithmetic overflow in one of them must not
//! take the caller's thread, with all that it holds, along.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::animation::{Patches, Timeline};
use super::{Animator, Codec, Decoded, Drawing, Encoder, Header, Memory, Recoder, Tiles};
use crate::image::Image;
use crate::metadata::{Embedded, Metadata};
use crate::{Control, Effort, Error, Format, Limits, Result};

/// Does `work` of the codec of `format`; a panic becomes [`Error::Codec`], with the format's name and what was said.
///
/// # Errors
/// Those of `work`; `Codec`.
///
/// The panic hook runs as ever, so that a defect stays visible. `work` may leave nothing half done behind: codecs own all
/// that they change.
pub(crate) fn caught<T>(format: Format, work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        Err(Error::codec(format.capabilities().name, format!("it panicked: {}", message(&*panic))))
    })
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// A codec whose panics are caught. Encoders and recoders are caught where they are called: [`caught`].
pub(crate) struct Caught<C>(pub Format, pub C);

impl<C: Codec> Codec for Caught<C> {
    fn read_header(&self, bytes: &[u8]) -> Result<Header> {
        caught(self.0, || self.1.read_header(bytes))
    }

    fn read_metadata(&self, bytes: &[u8], limits: &Limits) -> Result<Metadata> {
        caught(self.0, || self.1.read_metadata(bytes, limits))
    }

    fn decode(&self, bytes: &[u8], limits: &Limits, control: &Control) -> Result<Decoded> {
        caught(self.0, || self.1.decode(bytes, limits, control))
    }

    fn decode_shrunk(
        &self,
        bytes: &[u8],
        at_least: (u32, u32),
        limits: &Limits,
        control: &Control,
    ) -> Result<Decoded> {
        caught(self.0, || self.1.decode_shrunk(bytes, at_least, limits, control))
    }

    fn salvage(&self, bytes: &[u8], limits: &Limits, control: &Control) -> Result<Decoded> {
        caught(self.0, || self.1.salvage(bytes, limits, control))
    }

    fn decode_shown(&self, bytes: &[u8], limits: &Limits, control: &Control) -> Result<Decoded> {
        caught(self.0, || self.1.decode_shown(bytes, limits, control))
    }

    fn strip(&self, bytes: &[u8], keep: &Embedded) -> Result<Vec<u8>> {
        caught(self.0, || self.1.strip(bytes, keep))
    }

    fn timeline(&self, bytes: &[u8], limits: &Limits) -> Result<Timeline> {
        caught(self.0, || self.1.timeline(bytes, limits))
    }

    fn patches<'a>(&self, bytes: &'a [u8], limits: &Limits) -> Result<Box<dyn Patches + 'a>> {
        caught(self.0, || self.1.patches(bytes, limits))
    }

    fn recoder<'a>(
        &self,
        bytes: &'a [u8],
        tiles: &Tiles,
        control: &Control,
    ) -> Result<Option<Box<dyn Recoder + 'a>>> {
        caught(self.0, || self.1.recoder(bytes, tiles, control))
    }

    fn drawing(&self, bytes: &[u8]) -> Result<Box<dyn Drawing>> {
        caught(self.0, || self.1.drawing(bytes))
    }

    fn draw(&self, bytes: &[u8], size: (u32, u32), times: u32) -> Result<Image> {
        caught(self.0, || self.1.draw(bytes, size, times))
    }

    fn memory(&self) -> Memory {
        self.1.memory()
    }

    fn pace(&self, effort: Effort) -> f64 {
        self.1.pace(effort)
    }

    fn encoders(&self) -> &'static [&'static dyn Encoder] {
        self.1.encoders()
    }

    fn animators(&self) -> &'static [&'static dyn Animator] {
        self.1.animators()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Panics at whatever it is asked.
    struct Brittle;

    impl Codec for Brittle {
        fn read_header(&self, bytes: &[u8]) -> Result<Header> {
            panic!("byte {} is missing", bytes.len())
        }

        fn read_metadata(&self, _bytes: &[u8], _limits: &Limits) -> Result<Metadata> {
            panic!("no metadata")
        }

        fn decode(&self, _bytes: &[u8], _limits: &Limits, _control: &Control) -> Result<Decoded> {
            std::panic::panic_any(17)
        }

        fn strip(&self, _bytes: &[u8], _keep: &Embedded) -> Result<Vec<u8>> {
            panic!("no strip")
        }

        fn memory(&self) -> Memory {
            Memory { decode: 0, encode: 0 }
        }

        fn encoders(&self) -> &'static [&'static dyn Encoder] {
            &[]
        }
    }

    fn told<T>(result: Result<T>) -> String {
        let error = result.err().unwrap();
        assert_eq!(error.code(), "codec_failed");
        error.to_string()
    }

    #[test]
    fn a_panic_in_any_step_is_an_error_with_the_formats_name() {
        let (codec, limits, control) = (Caught(Format::Webp, Brittle), Limits::default(), Control::new());
        assert_eq!(told(codec.read_header(b"ab")), "the webp codec failed: it panicked: byte 2 is missing");
        assert!(told(codec.read_metadata(b"", &limits)).contains("webp"));
        assert!(told(codec.decode(b"", &limits, &control)).contains("no message"));
        assert!(told(codec.decode_shrunk(b"", (1, 1), &limits, &control)).contains("webp"));
        assert!(told(codec.salvage(b"", &limits, &control)).contains("no message"));
        assert!(told(codec.decode_shown(b"", &limits, &control)).contains("no message"));
        assert!(told(codec.strip(b"", &Embedded::default())).contains("no strip"));
    }

    #[test]
    fn what_does_not_panic_goes_through() {
        assert_eq!(caught(Format::Png, || Ok(5)).unwrap(), 5);
        assert!(matches!(caught::<()>(Format::Png, || Err(Error::Cancelled)), Err(Error::Cancelled)));
    }
}
