//! Jpeg.

use super::{Codec, Decoded, Encoder, Header};
use crate::format::Capabilities;
use crate::metadata::{Embedded, Metadata};
use crate::{Control, Error, Limits, Result};

pub(crate) const CAPABILITIES: Capabilities = Capabilities {
    name: "jpeg",
    media_type: "image/jpeg",
    extension: "jpg",
    other_extensions: &["jpeg", "jpe", "jfif"],
    encodes: true,
    on_the_web: true,
    alpha: false,
    sixteen_bits: false,
    animation: false,
};

pub(crate) struct Jpeg;

impl Codec for Jpeg {
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
