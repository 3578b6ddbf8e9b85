//! What JPEG XL can carry: known where the codec is not built, too.

use crate::format::Capabilities;
use crate::metadata::Kind;

pub(crate) const CAPABILITIES: Capabilities = Capabilities {
    name: "jxl",
    media_type: "image/jxl",
    extension: "jxl",
    other_extensions: &[],
    decodes: cfg!(feature = "jxl"),
    encodes: false,
    on_the_web: false,
    alpha: true,
    sixteen_bits: true,
    animation: true,
    vector: false,
    metadata: &[Kind::Icc, Kind::Copyright, Kind::Time, Kind::Gps, Kind::Exif, Kind::Thumbnail, Kind::Xmp],
};
