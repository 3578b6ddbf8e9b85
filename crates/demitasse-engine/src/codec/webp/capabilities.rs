//! What WebP can carry: known where the codec is not built, too.

use crate::format::Capabilities;
use crate::metadata::Kind;

pub(crate) const CAPABILITIES: Capabilities = Capabilities {
    name: "webp",
    media_type: "image/webp",
    extension: "webp",
    other_extensions: &[],
    decodes: cfg!(feature = "webp"),
    encodes: cfg!(feature = "webp"),
    on_the_web: true,
    alpha: true,
    sixteen_bits: false,
    animation: true,
    vector: false,
    metadata: &[Kind::Icc, Kind::Copyright, Kind::Time, Kind::Gps, Kind::Exif, Kind::Thumbnail, Kind::Xmp],
};
