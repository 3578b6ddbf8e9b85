//! Gif.

use super::{Codec, Decoded, Encoder, Header};
use crate::format::Capabilities;
use crate::metadata::{Embedded, Metadata};
use crate::{Control, Error, Limits, Result};

pub(crate) const CAPABILITIES: Capabilities = Capabilities {
    name: "gif",
    media_type: "image/gif",
    extension: "gif",
    other_extensions: &[],
    encodes: false,
    on_the_web: true,
    alpha: true,
    sixteen_bits: false,
    animation: true,
};

pub(crate) struct Gif;

impl Codec for Gif {
    fn read_header(&self, _bytes: &[u8]) -> Result<Header> {
        Err(Error::Unsupported("not built".into()))
    }

    fn read_metadata(&self, _bytes: &[u8], _limits: &Limits) -> Result<Metadata> {
        Err(Error::Unsupported("not built".into()))
    }

    fn decode(&self, _bytes: &[u8], _limits: &Limits, _control: &Control) -> Result<Decoded> {
        Err(Error::Unsupported("not built".into()))
    }

    fn strip(&self, _bytes: &[u8], _keep: &Embedded) -> Result<Vec<u8>> {
        Err(Error::Unsupported("not built".into()))
    }

    fn encoders(&self) -> &'static [&'static dyn Encoder] {
        &[]
    }
}
