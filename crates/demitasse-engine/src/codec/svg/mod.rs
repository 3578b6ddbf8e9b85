//! SVG: drawings. One that stays a drawing is made safe and written shorter ([`minify`]); `vector` in the engine looks whether both are
//! drawn the same. One that becomes a picture of pixels is drawn in its own size, by resvg.
//!
//! Everything but [`header`] is the sandbox's work: reading takes several times the file in memory.

mod bounds;
mod capabilities;
mod draw;
mod header;
mod minify;
mod nested;
mod read;
mod rights;
mod sanitize;
mod tree;
mod write;

use self::read::Drawing as Read;
use self::tree::Element;
use super::{Codec, Decoded, Drawing, Encoder, Header, Memory};
use crate::image::Image;
use crate::metadata::{Embedded, Kind, Metadata, add_item};
use crate::report::Warning;
use crate::{Control, Error, Format, Limits, Result};

pub(crate) use self::capabilities::CAPABILITIES;

pub(crate) struct Svg;

impl Codec for Svg {
    fn read_header(&self, bytes: &[u8]) -> Result<Header> {
        let (width, height) = header::read_size(bytes)?;
        Ok(Header {
            format: Format::Svg,
            width,
            height,
            bits: 8,
            alpha: true,
            animated: false,
            sequential: false,
        })
    }

    /// Cost: that of reading the whole file.
    fn read_metadata(&self, bytes: &[u8], _limits: &Limits) -> Result<Metadata> {
        let beside = read::read(bytes, 0)?.beside;
        let mut metadata = Metadata::default();
        let rights = beside.rdf.as_ref().map(rights::of).unwrap_or_default();
        let of_rights = if rights.is_empty() { 0 } else { rights::bytes(&rights) };
        for (kind, bytes) in [
            (Kind::Copyright, of_rights),
            (Kind::Xmp, beside.metadata.saturating_sub(of_rights)),
            (Kind::Comment, beside.comments),
            (Kind::Other, beside.editor),
        ] {
            add_item(&mut metadata.items, kind, bytes);
        }
        metadata.rights = rights;
        Ok(metadata)
    }

    /// Draws it in its own size.
    fn decode(&self, bytes: &[u8], limits: &Limits, control: &Control) -> Result<Decoded> {
        let header = self.read_header(bytes)?;
        limits.check_size(header.width, header.height)?;
        let drawing = read::read(bytes, 0)?;
        control.check()?;
        if let Some(missing) = not_drawn(&drawing.root) {
            return Err(Error::Unsupported(format!(
                "the drawing has {missing}, which cannot be drawn here: keep it as SVG (format keep or auto)"
            )));
        }
        let warnings = drawing.removed.detail().map(|detail| Warning {
            code: "sanitized".into(),
            detail: format!("left out for safety: {detail}"),
        });
        let image = draw::draw(&write::write(&drawing.root, None), (header.width, header.height), 1)?;
        control.check()?;
        Ok(Decoded {
            image,
            metadata: self.read_metadata(bytes, limits)?,
            warnings: warnings.into_iter().collect(),
        })
    }

    /// Never leaves in what could do harm.
    fn strip(&self, bytes: &[u8], keep: &Embedded) -> Result<Vec<u8>> {
        Ok(read::read(bytes, 0)?.plain(keep.exif.is_some()))
    }

    fn drawing(&self, bytes: &[u8]) -> Result<Box<dyn Drawing>> {
        Ok(Box::new(read::read(bytes, 0)?))
    }

    fn draw(&self, bytes: &[u8], size: (u32, u32), times: u32) -> Result<Image> {
        draw::draw(bytes, size, times)
    }

    /// Of one that becomes pixels: layers of groups, and filters.
    fn memory(&self) -> Memory {
        Memory { decode: 32, encode: 0 }
    }

    fn encoders(&self) -> &'static [&'static dyn Encoder] {
        &[]
    }
}

impl Drawing for Read {
    fn removed(&self) -> Option<String> {
        self.removed.detail()
    }

    fn plain(&self, keeps_rights: bool) -> Vec<u8> {
        write::write(&self.root, self.rights(keeps_rights).as_ref())
    }

    fn minified(&self, parts: f64, keeps_rights: bool) -> Vec<u8> {
        let root = minify::minify(&self.root, minify::Precision(parts));
        write::write(&root, self.rights(keeps_rights).as_ref())
    }
}

impl Read {
    fn rights(&self, are_kept: bool) -> Option<Element> {
        let rights = self.beside.rdf.as_ref().filter(|_| are_kept).map(rights::of)?;
        (!rights.is_empty()).then(|| rights::write_rights(&rights))
    }
}

/// What is in a drawing that cannot be drawn here, for people.
fn not_drawn(root: &Element) -> Option<&'static str> {
    let has = |names: &[&str]| root.any(&|element| names.contains(&element.name.as_str()));
    if has(&["text", "font"]) {
        Some("letters")
    } else if has(&["image", "feImage"]) {
        Some("a picture inside")
    } else {
        None
    }
}
