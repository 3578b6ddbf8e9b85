//! What BMP can carry: known where the codec is not built, too.

use crate::format::Capabilities;

pub(crate) const CAPABILITIES: Capabilities = Capabilities {
    name: "bmp",
    media_type: "image/bmp",
    extension: "bmp",
    other_extensions: &["dib"],
    decodes: cfg!(feature = "bmp"),
    encodes: false,
    on_the_web: false,
    alpha: true,
    sixteen_bits: false,
    animation: false,
    vector: false,
    metadata: &[],
};
