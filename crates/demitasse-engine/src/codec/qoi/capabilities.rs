//! What QOI can carry: known where the codec is not built, too.

use crate::format::Capabilities;

pub(crate) const CAPABILITIES: Capabilities = Capabilities {
    name: "qoi",
    media_type: "image/qoi",
    extension: "qoi",
    other_extensions: &[],
    decodes: cfg!(feature = "qoi"),
    encodes: false,
    on_the_web: false,
    alpha: true,
    sixteen_bits: false,
    animation: false,
    vector: false,
    metadata: &[],
};
