//! The media type of a blob as its first bytes tell it, for stores that hand blobs to browsers themselves.
//!
//! The engine's own sniffer is out of reach here (adapters compile no codec), and less will do: a type is given only to
//! raster images, which no browser runs; everything else is [`OPAQUE`], which a browser saves and never sniffs.

/// How many bytes [`media_type`] looks at.
pub(crate) const SNIFFED: usize = 12;

/// The type of what is not known.
pub(crate) const OPAQUE: &str = "application/octet-stream";

/// The media type of the image that `start`, its first [`SNIFFED`] bytes, belongs to; [`OPAQUE`] for anything else.
/// Signatures: WHATWG MIME Sniffing (2024), ISO/IEC 18181-2 (JPEG XL), the AVIF specification 1.1, TIFF 6.0, QOI 1.0.
pub(crate) fn media_type(start: &[u8]) -> &'static str {
    match start {
        [0xff, 0xd8, 0xff, ..] => "image/jpeg",
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => "image/png",
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => "image/gif",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
        [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v', b'i', b'f' | b's', ..] => "image/avif",
        [0xff, 0x0a, ..] | [0, 0, 0, 12, b'J', b'X', b'L', b' ', ..] => "image/jxl",
        [b'I', b'I', b'*', 0, ..] | [b'M', b'M', 0, b'*', ..] => "image/tiff",
        [0, 0, 1, 0, ..] => "image/x-icon",
        [b'q', b'o', b'i', b'f', ..] => "image/qoi",
        [b'B', b'M', ..] => "image/bmp",
        _ => OPAQUE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_known_by_their_first_bytes() {
        for (start, expected) in [
            (&b"\xff\xd8\xff\xe0\0\x10JFIF\0"[..], "image/jpeg"),
            (b"\x89PNG\r\n\x1a\n\0\0\0\r", "image/png"),
            (b"GIF89a\x01\0\x01\0\0\0", "image/gif"),
            (b"RIFF\x24\0\0\0WEBP", "image/webp"),
            (b"\0\0\0\x20ftypavif", "image/avif"),
            (b"\xff\x0a", "image/jxl"),
            (b"\0\0\0\x0cJXL \r\n\x87\n", "image/jxl"),
            (b"II*\0\x08\0\0\0", "image/tiff"),
            (b"\0\0\x01\0\x01\0", "image/x-icon"),
            (b"qoif\0\0\0\x01", "image/qoi"),
            (b"BM\x46\0\0\0", "image/bmp"),
        ] {
            assert_eq!(media_type(start), expected, "{start:?}");
        }
    }

    #[test]
    fn what_a_browser_could_run_has_no_type() {
        for start in
            [&b"<svg xmlns=\""[..], b"<!DOCTYPE ht", b"%PDF-1.7\n", b"\0\0\0\x20ftypmp42", b"RIFF", b""]
        {
            assert_eq!(media_type(start), OPAQUE, "{start:?}");
        }
    }
}
