//! What ICO can carry: known where the codec is not built, too.

use crate::format::Capabilities;

pub(crate) const CAPABILITIES: Capabilities = Capabilities {
    name: "ico",
    media_type: "image/x-icon",
    extension: "ico",
    other_extensions: &["cur"],
    decodes: cfg!(feature = "ico"),
    encodes: false,
    on_the_web: true,
    alpha: true,
    sixteen_bits: true,
    animation: false,
    vector: false,
    metadata: &[],
};
