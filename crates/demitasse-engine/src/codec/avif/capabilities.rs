//! What AVIF can carry: known where the codec is not built, too.

use crate::format::Capabilities;
use crate::metadata::Kind;

pub(crate) const CAPABILITIES: Capabilities = Capabilities {
    name: "avif",
    media_type: "image/avif",
    extension: "avif",
    other_extensions: &[],
    decodes: cfg!(feature = "avif"),
    encodes: cfg!(feature = "avif"),
    on_the_web: true,
    alpha: true,
    sixteen_bits: false,
    animation: false,
    vector: false,
    metadata: &[Kind::Icc, Kind::Copyright, Kind::Time, Kind::Gps, Kind::Exif, Kind::Thumbnail, Kind::Xmp],
};
