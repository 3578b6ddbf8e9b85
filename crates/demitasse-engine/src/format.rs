//! The formats, what each can carry, and how each is recognised.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::metadata::Kind;

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
    /// AV1 Image File Format 1.1.
    Avif,
    /// GIF87a, GIF89a.
    Gif,
    /// Windows bitmap.
    Bmp,
    /// TIFF 6.0.
    Tiff,
    /// ISO/IEC 18181.
    Jxl,
    /// Windows icon.
    Ico,
    /// The "Quite OK Image" format, version 1.0.
    Qoi,
    /// W3C SVG 1.1 and 2.
    Svg,
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
    /// Whether this engine reads it: whether the codec is built.
    pub decodes: bool,
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
    /// Whether it holds shapes, not pixels: any size can be made of it, and its limits are others.
    pub vector: bool,
    /// Kinds of metadata that this engine writes into it; of one that is never written, what stays beside pixels that stay.
    pub metadata: &'static [Kind],
}

impl Format {
    /// Every format, in the order in which ties between candidates are decided.
    pub const ALL: [Self; 11] = [
        Self::Jpeg,
        Self::Png,
        Self::Webp,
        Self::Avif,
        Self::Gif,
        Self::Bmp,
        Self::Tiff,
        Self::Jxl,
        Self::Ico,
        Self::Qoi,
        Self::Svg,
    ];

    /// What it can carry.
    pub fn capabilities(self) -> &'static Capabilities {
        match self {
            Self::Jpeg => &crate::codec::jpeg::CAPABILITIES,
            Self::Png => &crate::codec::png::CAPABILITIES,
            Self::Webp => &crate::codec::webp::CAPABILITIES,
            Self::Avif => &crate::codec::avif::CAPABILITIES,
            Self::Gif => &crate::codec::gif::CAPABILITIES,
            Self::Bmp => &crate::codec::bmp::CAPABILITIES,
            Self::Tiff => &crate::codec::tiff::CAPABILITIES,
            Self::Jxl => &crate::codec::jxl::CAPABILITIES,
            Self::Ico => &crate::codec::ico::CAPABILITIES,
            Self::Qoi => &crate::codec::qoi::CAPABILITIES,
            Self::Svg => &crate::codec::svg::CAPABILITIES,
        }
    }

    /// The names of those that this engine reads, for people: `JPEG, PNG or WebP`.
    pub(crate) fn names_of_read() -> String {
        let names: Vec<String> =
            Self::ALL.iter().filter(|f| f.capabilities().decodes).map(Self::to_string).collect();
        match names.split_last() {
            Some((last, [])) => last.clone(),
            Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
            None => "nothing".into(),
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
            Self::Avif => "AVIF",
            Self::Gif => "GIF",
            Self::Bmp => "BMP",
            Self::Tiff => "TIFF",
            Self::Jxl => "JPEG XL",
            Self::Ico => "ICO",
            Self::Qoi => "QOI",
            Self::Svg => "SVG",
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
    } else if starts(b"\xff\x0a") || starts(b"\0\0\0\x0cJXL \r\n\x87\n") {
        Sniffed::Known(Format::Jxl)
    } else if starts(b"qoif") {
        Sniffed::Known(Format::Qoi)
    } else if ico_header_is_plausible(bytes) {
        Sniffed::Known(Format::Ico)
    } else if looks_like_svg(bytes) {
        Sniffed::Known(Format::Svg)
    } else if let Some(brands) = brands(bytes) {
        sniff_brands(brands)
    } else {
        sniff_foreign(bytes)
    }
}

/// The brands of an ISO base media file, the major one first (ISO/IEC 14496-12, section 4.3); as many as there are.
fn brands(bytes: &[u8]) -> Option<impl Iterator<Item = &[u8; 4]>> {
    let (head, rest) = bytes.split_first_chunk::<8>()?;
    let (size, kind) = head.split_first_chunk::<4>()?;
    let length = (u32::from_be_bytes(*size) as usize).checked_sub(8)?;
    let (brands, _) = rest[..length.min(rest.len())].as_chunks();
    // Between the major brand and the others is its version.
    (kind == b"ftyp").then(|| brands.iter().take(1).chain(brands.iter().skip(2)))
}

fn sniff_brands<'a>(brands: impl Iterator<Item = &'a [u8; 4]>) -> Sniffed {
    let brands: Vec<_> = brands.take(32).collect();
    let has = |brand: &[u8; 4]| brands.contains(&brand);
    match brands.first().copied() {
        Some(b"avis") => Sniffed::Foreign("animated AVIF"),
        _ if has(b"avif") => Sniffed::Known(Format::Avif),
        Some(b"heic" | b"heix" | b"hevc" | b"hevx" | b"heim" | b"heis" | b"mif1" | b"msf1") => {
            Sniffed::Foreign("HEIC")
        }
        _ => Sniffed::Unknown,
    }
}

fn bmp_header_is_plausible(bytes: &[u8]) -> bool {
    // The size of the DIB header, at offset 14: 12 (OS/2) or 40 to 124 (Windows).
    bytes.get(14..18).is_some_and(|size| matches!(size, [12 | 16 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0]))
}

/// An icon or a cursor has no signature: its type, at least one picture, and a byte of the first one's entry that is always 0.
fn ico_header_is_plausible(bytes: &[u8]) -> bool {
    bytes.first_chunk::<10>().is_some_and(|head| {
        let [reserved_0, reserved_1, kind, kind_high, count, count_high, _, _, _, reserved_2] = *head;
        let is_icon = matches!((kind, kind_high), (1 | 2, 0));
        (reserved_0, reserved_1, reserved_2) == (0, 0, 0) && is_icon && (count, count_high) != (0, 0)
    })
}

fn sniff_foreign(bytes: &[u8]) -> Sniffed {
    let starts = |signature: &[u8]| bytes.starts_with(signature);
    let name = if starts(b"8BPS") {
        "Photoshop"
    } else if starts(b"\0\0\0\x0cjP  \r\n\x87\n") || starts(b"\xff\x4f\xff\x51") {
        "JPEG 2000"
    } else if starts(b"II+\0") || starts(b"MM\0+") {
        "BigTIFF"
    } else if starts(b"%PDF") {
        "PDF"
    } else if starts(b"\x1f\x8b") {
        "gzip-packed (SVGZ)"
    } else {
        return Sniffed::Unknown;
    };
    Sniffed::Foreign(name)
}

/// XML whose first element, or whose document type, is `svg`, under whatever prefix.
fn looks_like_svg(bytes: &[u8]) -> bool {
    let head = bytes.get(..bytes.len().min(4096)).unwrap_or_default();
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let has = |word: &[u8]| head.windows(word.len()).any(|window| window == word);
    head.starts_with(b"<") && (has(b"<svg") || has(b":svg") || has(b"<!DOCTYPE svg"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_known_by_its_signature() {
        assert_eq!(sniff(b"\xff\xd8\xff\xe0"), Sniffed::Known(Format::Jpeg));
        assert_eq!(sniff(b"RIFF\0\0\0\0WEBPVP8 "), Sniffed::Known(Format::Webp));
        assert_eq!(sniff(b"\0\0\0\x20ftypavif"), Sniffed::Known(Format::Avif));
        assert_eq!(sniff(b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif"), Sniffed::Known(Format::Avif));
        assert_eq!(sniff(b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic"), Sniffed::Foreign("HEIC"));
        assert_eq!(sniff(b"\0\0\0\x18ftypavis\0\0\0\0avifavis"), Sniffed::Foreign("animated AVIF"));
        assert_eq!(sniff(b"\0\0\0\x18ftypisom\0\0\0\0mp41isom"), Sniffed::Unknown);
        assert_eq!(sniff(b"<?xml version='1.0'?>\n<!-- x --><svg"), Sniffed::Known(Format::Svg));
        assert_eq!(sniff(b"\xff\x0a\xfa"), Sniffed::Known(Format::Jxl));
        assert_eq!(sniff(b"\0\0\x01\0\x02\0\x10\x10\0\0"), Sniffed::Known(Format::Ico));
        assert_eq!(sniff(b"\0\0\x01\0\0\0\x10\x10\0\0"), Sniffed::Unknown);
        assert_eq!(sniff(b"qoif"), Sniffed::Known(Format::Qoi));
        assert_eq!(sniff(b"BMW is a car"), Sniffed::Unknown);
        assert_eq!(sniff(b""), Sniffed::Unknown);
    }

    #[test]
    fn what_is_read_is_told_in_one_sentence() {
        assert_eq!(
            Format::names_of_read(),
            "JPEG, PNG, WebP, AVIF, GIF, BMP, TIFF, JPEG XL, ICO, QOI or SVG"
        );
    }

    #[test]
    fn every_prefix_of_a_signature_is_looked_at_without_a_panic() {
        let head = b"\0\0\0\x0cJXL \r\n\x87\n";
        assert_eq!(sniff(head), Sniffed::Known(Format::Jxl));
        for end in 0..head.len() {
            assert_eq!(sniff(&head[..end]), Sniffed::Unknown);
        }
    }
}
