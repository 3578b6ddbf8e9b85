//! What SVG can carry: known where the codec is not built, too.

use crate::format::Capabilities;
use crate::metadata::Kind;

pub(crate) const CAPABILITIES: Capabilities = Capabilities {
    name: "svg",
    media_type: "image/svg+xml",
    extension: "svg",
    other_extensions: &[],
    decodes: cfg!(feature = "svg"),
    encodes: false,
    on_the_web: true,
    alpha: true,
    sixteen_bits: false,
    animation: false,
    vector: true,
    metadata: &[Kind::Copyright],
};
