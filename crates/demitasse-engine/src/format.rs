//! The formats, what each can carry, and how each is recognised.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An image format that the engine reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// ITU-T T.81.
    Jpeg,
    /// W3C PNG.
    Png,
    /// RFC 9649.
    Webp,
    /// GIF87a, GIF89a.
    Gif,
    /// Windows bitmap.
    Bmp,
    /// TIFF 6.0.
    Tiff,
}

/// What a format can carry and what this engine does with it: data, so that no caller matches on formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Short lower-case name.
    pub name: &'static str,
    /// IANA media type.
    pub media_type: &'static str,
    /// File name extension, without the dot.
    pub extension: &'static str,
    /// Other usual extensions.
    pub other_extensions: &'static [&'static str],
    /// Whether this engine writes it.
    pub encodes: bool,
    /// Whether browsers show it; a format that they do not show is converted under `keep`.
    pub on_the_web: bool,
    /// Whether it can carry an alpha channel.
    pub alpha: bool,
    /// Whether it can carry 16 bits a sample without loss.
    pub sixteen_bits: bool,
    /// Whether it can carry several frames in time.
    pub animation: bool,
}

impl Format {
    /// Every format, in the order in which ties between candidates are decided.
    pub const ALL: [Self; 6] = [Self::Jpeg, Self::Png, Self::Webp, Self::Gif, Self::Bmp, Self::Tiff];

    /// What it can carry.
    pub fn capabilities(self) -> &'static Capabilities {
        match self {
            Self::Jpeg => &crate::codec::jpeg::CAPABILITIES,
            Self::Png => &crate::codec::png::CAPABILITIES,
            Self::Webp => &crate::codec::webp::CAPABILITIES,
            Self::Gif => &crate::codec::gif::CAPABILITIES,
            Self::Bmp => &crate::codec::bmp::CAPABILITIES,
            Self::Tiff => &crate::codec::tiff::CAPABILITIES,
        }
    }

    /// IANA media type.
    pub fn media_type(self) -> &'static str {
        self.capabilities().media_type
    }

    /// File name extension, without the dot.
    pub fn extension(self) -> &'static str {
        self.capabilities().extension
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::Webp => "WebP",
            Self::Gif => "GIF",
            Self::Bmp => "BMP",
            Self::Tiff => "TIFF",
        })
    }
}

/// What the first bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sniffed {
    /// A format that the engine reads.
    Known(Format),
    /// An image format that the engine knows by name and does not read; the name.
    Foreign(&'static str),
    /// Nothing that looks like an image.
    Unknown,
}

/// Recognises a format by its signature, in the first few hundred bytes; never by a name or a header.
pub fn sniff(bytes: &[u8]) -> Sniffed {
    let starts = |signature: &[u8]| bytes.starts_with(signature);
    let at =
        |offset: usize, signature: &[u8]| bytes.get(offset..).is_some_and(|rest| rest.starts_with(signature));
    if starts(b"\xff\xd8\xff") {
        Sniffed::Known(Format::Jpeg)
    } else if starts(b"\x89PNG\r\n\x1a\n") {
        Sniffed::Known(Format::Png)
    } else if starts(b"RIFF") && at(8, b"WEBP") {
        Sniffed::Known(Format::Webp)
    } else if starts(b"GIF87a") || starts(b"GIF89a") {
        Sniffed::Known(Format::Gif)
    } else if starts(b"BM") && bmp_header_is_plausible(bytes) {
        Sniffed::Known(Format::Bmp)
    } else if starts(b"II*\0") || starts(b"MM\0*") {
        Sniffed::Known(Format::Tiff)
    } else {
        sniff_foreign(bytes)
    }
}

fn bmp_header_is_plausible(bytes: &[u8]) -> bool {
    // The size of the DIB header, at offset 14: 12 (OS/2) or 40 to 124 (Windows).
    bytes.get(14..18).is_some_and(|size| matches!(size, [12 | 16 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0]))
}

fn sniff_foreign(bytes: &[u8]) -> Sniffed {
    let starts = |signature: &[u8]| bytes.starts_with(signature);
    let brand = |brands: &[&[u8; 4]]| {
        bytes.get(4..8) == Some(b"ftyp".as_slice())
            && bytes.get(8..12).is_some_and(|found| brands.iter().any(|brand| brand.as_slice() == found))
    };
    let name = if brand(&[b"avif", b"avis"]) {
        "AVIF"
    } else if brand(&[b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"]) {
        "HEIC"
    } else if starts(b"\xff\x0a") || starts(b"\0\0\0\x0cJXL \r\n\x87\n") {
        "JPEG XL"
    } else if starts(b"\0\0\x01\0") || starts(b"\0\0\x02\0") {
        "ICO"
    } else if starts(b"qoif") {
        "QOI"
    } else if starts(b"8BPS") {
        "Photoshop"
    } else if starts(b"\0\0\0\x0cjP  \r\n\x87\n") || starts(b"\xff\x4f\xff\x51") {
        "JPEG 2000"
    } else if starts(b"II+\0") || starts(b"MM\0+") {
        "BigTIFF"
    } else if starts(b"%PDF") {
        "PDF"
    } else if looks_like_svg(bytes) {
        "SVG"
    } else {
        return Sniffed::Unknown;
    };
    Sniffed::Foreign(name)
}

fn looks_like_svg(bytes: &[u8]) -> bool {
    let head = bytes.get(..bytes.len().min(1024)).unwrap_or_default();
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    head.starts_with(b"<svg") || (head.starts_with(b"<") && head.windows(4).any(|window| window == b"<svg"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_known_by_its_signature() {
        assert_eq!(sniff(b"\xff\xd8\xff\xe0"), Sniffed::Known(Format::Jpeg));
        assert_eq!(sniff(b"RIFF\0\0\0\0WEBPVP8 "), Sniffed::Known(Format::Webp));
        assert_eq!(sniff(b"\0\0\0\x20ftypavif"), Sniffed::Foreign("AVIF"));
        assert_eq!(sniff(b"<?xml version='1.0'?>\n<!-- x --><svg"), Sniffed::Foreign("SVG"));
        assert_eq!(sniff(b"BMW is a car"), Sniffed::Unknown);
        assert_eq!(sniff(b""), Sniffed::Unknown);
    }

    #[test]
    fn every_prefix_of_a_signature_is_looked_at_without_a_panic() {
        let head = b"\0\0\0\x0cJXL \r\n\x87\n";
        for end in 0..head.len() {
            assert_eq!(sniff(&head[..end]), Sniffed::Unknown);
        }
    }
}
