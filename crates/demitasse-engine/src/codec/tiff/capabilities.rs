//! What TIFF can carry: known where the codec is not built, too.

use crate::format::Capabilities;
use crate::metadata::Kind;

pub(crate) const CAPABILITIES: Capabilities = Capabilities {
    name: "tiff",
    media_type: "image/tiff",
    extension: "tiff",
    other_extensions: &["tif"],
    decodes: cfg!(feature = "tiff"),
    encodes: false,
    on_the_web: false,
    alpha: true,
    sixteen_bits: true,
    animation: false,
    vector: false,
    metadata: &[Kind::Icc, Kind::Copyright],
};
