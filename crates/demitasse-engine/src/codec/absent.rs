//! A format that this build leaves out.

use super::{Codec, Decoded, Encoder, Header, Memory};
use crate::metadata::{Embedded, Metadata};
use crate::{Control, Error, Format, Limits, Result};

/// Refuses everything, by the format's name.
#[derive(Clone, Copy)]
pub(crate) struct Absent(Format);

const FORMATS: usize = Format::ALL.len();

/// In the order of [`Format::ALL`], which is that of its numbers.
static EACH: [Absent; FORMATS] = {
    let mut each = [Absent(Format::ALL[0]); FORMATS];
    let mut index = 0;
    while index < FORMATS {
        each[index] = Absent(Format::ALL[index]);
        index += 1;
    }
    each
};

/// The codec of a format that is not built.
pub(crate) fn absent(format: Format) -> &'static dyn Codec {
    &EACH[format as usize]
}

impl Absent {
    fn refuse<T>(&self) -> Result<T> {
        let Self(format) = self;
        let feature = format.capabilities().name;
        Err(Error::Unsupported(format!(
            "this build does not read {format}: it was made without the feature {feature}"
        )))
    }
}

impl Codec for Absent {
    fn read_header(&self, _bytes: &[u8]) -> Result<Header> {
        self.refuse()
    }

    fn read_metadata(&self, _bytes: &[u8], _limits: &Limits) -> Result<Metadata> {
        self.refuse()
    }

    fn decode(&self, _bytes: &[u8], _limits: &Limits, _control: &Control) -> Result<Decoded> {
        self.refuse()
    }

    fn strip(&self, _bytes: &[u8], _keep: &Embedded) -> Result<Vec<u8>> {
        self.refuse()
    }

    fn memory(&self) -> Memory {
        Memory { decode: 0, encode: 0 }
    }

    fn encoders(&self) -> &'static [&'static dyn Encoder] {
        &[]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_built_is_refused_by_name() {
        for format in Format::ALL {
            let refusal = absent(format).read_header(b"").unwrap_err();
            assert!(matches!(refusal, Error::Unsupported(_)));
            assert!(refusal.to_string().contains(&format!("does not read {format}")), "{refusal}");
            assert!(absent(format).encoders().is_empty());
        }
    }
}
