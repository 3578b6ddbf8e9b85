//! What PNG can carry: known where the codec is not built, too.

use crate::format::Capabilities;
use crate::metadata::Kind;

pub(crate) const CAPABILITIES: Capabilities = Capabilities {
    name: "png",
    media_type: "image/png",
    extension: "png",
    other_extensions: &["apng"],
    decodes: cfg!(feature = "png"),
    encodes: cfg!(feature = "png"),
    on_the_web: true,
    alpha: true,
    sixteen_bits: true,
    animation: true,
    vector: false,
    metadata: &[
        Kind::Icc,
        Kind::Copyright,
        Kind::Time,
        Kind::Gps,
        Kind::Exif,
        Kind::Thumbnail,
        Kind::Xmp,
        Kind::Comment,
    ],
};
