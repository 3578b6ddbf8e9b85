//! What GIF can carry: known where the codec is not built, too.

use crate::format::Capabilities;

pub(crate) const CAPABILITIES: Capabilities = Capabilities {
    name: "gif",
    media_type: "image/gif",
    extension: "gif",
    other_extensions: &[],
    decodes: cfg!(feature = "gif"),
    encodes: false,
    on_the_web: true,
    alpha: true,
    sixteen_bits: false,
    animation: true,
    vector: false,
    metadata: &[],
};
