//! What JPEG can carry: known where the codec is not built, too.

use crate::format::Capabilities;
use crate::metadata::Kind;

pub(crate) const CAPABILITIES: Capabilities = Capabilities {
    name: "jpeg",
    media_type: "image/jpeg",
    extension: "jpg",
    other_extensions: &["jpeg", "jpe", "jfif"],
    decodes: cfg!(feature = "jpeg"),
    encodes: cfg!(feature = "jpeg"),
    on_the_web: true,
    alpha: false,
    sixteen_bits: false,
    animation: false,
    vector: false,
    metadata: &[
        Kind::Icc,
        Kind::Copyright,
        Kind::Time,
        Kind::Gps,
        Kind::Exif,
        Kind::Thumbnail,
        Kind::Xmp,
        Kind::Iptc,
        Kind::Comment,
        Kind::GainMap,
    ],
};
