//! The images, and what each may be used for.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::helper::Helper;

/// Above this only the header of a file is read here.
const MOST_PIXELS: u64 = 150_000_000;
/// Below this a file is headers as much as picture, and one tile is all of it.
const FEWEST_PIXELS: f64 = 50_000.0;
/// Names of folders that say what is in them; in others it is guessed.
const PHOTOS: [&str; 4] = ["photo", "photos", "jpeg", "big"];
const SPECIAL: [&str; 1] = ["tricky"];
const GRAPHICS: [&str; 6] = ["ui", "graphic", "graphics", "screen", "screens", "alpha"];

/// What a file is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Rates and targets: still, upright, opaque, RGB without a profile other than sRGB, taken by a camera or painted.
    Photo,
    /// PNG, still and upright: drawn, or with alpha, a palette or grey.
    Graphic,
    /// Harms alone.
    Other,
}

/// A file.
#[derive(Debug, Clone)]
pub(super) struct Image {
    pub(super) path: PathBuf,
    pub(super) name: String,
    pub(super) bytes: u64,
    pub(super) kind: Kind,
    /// Nothing where it cannot be read.
    pub(super) facts: Option<Facts>,
}

/// What Pillow says of it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Facts {
    pub(super) format: String,
    pub(super) mode: String,
    /// As stored.
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) frames: u32,
    /// EXIF's, 1 to 8.
    pub(super) orientation: u32,
    /// Description of the ICC profile.
    pub(super) profile: Option<String>,
    /// Whether some pixel is not opaque.
    pub(super) alpha: bool,
    /// Share of pixels that are as light as their left neighbour.
    flat: Option<f64>,
    /// Of the others, the share that differs by 1 of 255.
    soft: Option<f64>,
}

impl Facts {
    pub(super) fn ask(pictures: &mut Helper, path: &Path) -> Result<Self> {
        Ok(serde_json::from_value(pictures.ask(&json!(["facts", path, MOST_PIXELS]))?)?)
    }

    /// Width and height as a viewer shows it.
    pub(super) fn shown(&self) -> (u32, u32) {
        if self.orientation >= 5 { (self.height, self.width) } else { (self.width, self.height) }
    }

    /// Whether there is a profile, of other colours than sRGB's.
    pub(super) fn has_own_colors(&self) -> bool {
        self.profile.as_ref().is_some_and(|name| !name.to_ascii_lowercase().contains("srgb"))
    }

    fn kind(&self, name: &str) -> Kind {
        let is_plain = self.frames == 1
            && self.orientation == 1
            && f64::from(self.width) * f64::from(self.height) >= FEWEST_PIXELS
            && self.flat.is_some();
        let is_in = |folders: &[&str]| {
            Path::new(name).iter().any(|part| folders.iter().any(|folder| part == *folder))
        };
        let is_drawn = self.alpha || !is_in(&PHOTOS) && (is_in(&GRAPHICS) || self.looks_drawn());
        match (self.format.as_str(), self.mode.as_str()) {
            _ if !is_plain || is_in(&SPECIAL) => Kind::Other,
            ("JPEG", "RGB") | ("PNG", "RGB" | "RGBA") if !is_drawn && !self.has_own_colors() => Kind::Photo,
            ("PNG", "RGB" | "RGBA" | "P" | "L" | "LA" | "1") if is_drawn => Kind::Graphic,
            _ => Kind::Other,
        }
    }

    /// Even areas with hard edges. Photos of the corpus are flat in 6 to 62 % of their pixels, or else softer; screens in
    /// 77 % and more.
    fn looks_drawn(&self) -> bool {
        let (flat, soft) = (self.flat.unwrap_or(0.0), self.soft.unwrap_or(0.0));
        self.format == "PNG" && (flat > 0.65 || flat > 0.3 && soft < 0.35)
    }
}

impl Image {
    fn look(pictures: &mut Helper, path: PathBuf, name: String) -> Result<Self> {
        let bytes = std::fs::metadata(&path)?.len();
        let facts = Facts::ask(pictures, &path).ok();
        let kind = facts.as_ref().map_or(Kind::Other, |facts| facts.kind(&name));
        Ok(Self { path, name, bytes, kind, facts })
    }

    /// A file that a section made; for its bytes and nothing else.
    pub(super) fn made(pictures: &mut Helper, path: PathBuf, name: &str) -> Result<Self> {
        Self::look(pictures, path, name.to_owned())
    }

    pub(super) fn megapixels(&self) -> f64 {
        self.facts.as_ref().map_or(0.0, |facts| f64::from(facts.width) * f64::from(facts.height) / 1e6)
    }

    pub(super) fn format(&self) -> &str {
        self.facts.as_ref().map_or("?", |facts| facts.format.as_str())
    }
}

/// Every file of a folder.
pub(super) struct Corpus(Vec<Image>);

impl Corpus {
    pub(super) fn read(folder: &Path, pictures: &mut Helper) -> Result<Self> {
        let mut images = Vec::new();
        for entry in walkdir::WalkDir::new(folder).sort_by_file_name() {
            let entry = entry?;
            let is_document = entry.path().extension().is_some_and(|extension| extension == "md");
            if entry.file_type().is_file() && !is_document {
                let path = entry.into_path();
                let name = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
                images.push(Image::look(pictures, path, name)?);
            }
        }
        ensure!(!images.is_empty(), "{} has no files", folder.display());
        Ok(Self(images))
    }

    pub(super) fn all(&self) -> Vec<&Image> {
        self.0.iter().collect()
    }

    /// Of a kind, up to so many megapixels each.
    pub(super) fn of(&self, kind: Kind, most_megapixels: f64) -> Vec<&Image> {
        self.0.iter().filter(|image| image.kind == kind && image.megapixels() <= most_megapixels).collect()
    }

    /// Photos, until they have `megapixels` together: what is dear is measured on fewer. Which they are depends on their
    /// names alone, by a hash, so that no run chooses.
    pub(super) fn photos(&self, most_megapixels: f64, megapixels: f64) -> Vec<&Image> {
        let mut photos = self.of(Kind::Photo, most_megapixels);
        photos.sort_by_key(|image| Sha256::digest(image.name.as_bytes()));
        let mut sum = 0.0;
        photos.retain(|image| {
            let fits = sum + image.megapixels() <= megapixels;
            sum += if fits { image.megapixels() } else { 0.0 };
            fits
        });
        photos
    }
}

/// The smallest few, for a quick look.
pub(super) fn smallest(mut images: Vec<&Image>, count: usize) -> Vec<&Image> {
    images.sort_by(|a, b| a.megapixels().total_cmp(&b.megapixels()).then_with(|| a.name.cmp(&b.name)));
    images.truncate(count);
    images
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(format: &str, mode: &str, flat: f64) -> Facts {
        Facts {
            format: format.into(),
            mode: mode.into(),
            width: 300,
            height: 200,
            frames: 1,
            orientation: 1,
            profile: None,
            alpha: false,
            flat: Some(flat),
            soft: Some(0.4),
        }
    }

    fn image(name: &str, width: u32) -> Image {
        let facts = Facts { width: width * 1000, height: 1000, ..facts("JPEG", "RGB", 0.1) };
        Image { path: name.into(), name: name.into(), bytes: 1, kind: Kind::Photo, facts: Some(facts) }
    }

    #[test]
    fn photos_and_graphics_are_told_apart_and_what_is_special_is_neither() {
        let plain = |format: &str, mode: &str, flat| facts(format, mode, flat).kind("a.file");
        assert_eq!(plain("JPEG", "RGB", 0.9), Kind::Photo);
        assert_eq!(plain("PNG", "RGB", 0.1), Kind::Photo);
        assert_eq!(plain("PNG", "RGB", 0.9), Kind::Graphic);
        assert_eq!(facts("PNG", "RGB", 0.9).kind("photo/a.png"), Kind::Photo);
        assert_eq!(facts("PNG", "P", 0.1).kind("ui/a.png"), Kind::Graphic);
        assert_eq!(plain("JPEG", "CMYK", 0.1), Kind::Other);
        let photo = facts("JPEG", "RGB", 0.1);
        assert_eq!(Facts { alpha: true, ..facts("PNG", "RGBA", 0.1) }.kind("photo/a.png"), Kind::Graphic);
        assert_eq!(Facts { orientation: 6, ..photo.clone() }.kind("a.jpg"), Kind::Other);
        assert_eq!(Facts { profile: Some("Adobe RGB".into()), ..photo.clone() }.kind("a.jpg"), Kind::Other);
        assert_eq!(Facts { profile: Some("sRGB IEC61966".into()), ..photo }.kind("a.jpg"), Kind::Photo);
    }

    #[test]
    fn a_share_of_the_photos_keeps_to_its_megapixels_and_is_the_same_again() {
        let corpus = Corpus(["a", "b", "c", "d"].map(|name| image(name, 2)).into());
        let names = |images: Vec<&Image>| images.iter().map(|image| image.name.clone()).collect::<Vec<_>>();
        let some = names(corpus.photos(12.0, 5.0));
        assert_eq!(some.len(), 2);
        assert_eq!(some, names(corpus.photos(12.0, 5.0)));
        assert!(corpus.photos(1.0, 5.0).is_empty());
        assert_eq!(names(smallest(corpus.all(), 1)), ["a"]);
    }

    #[test]
    fn a_turned_image_is_shown_with_its_sides_exchanged() {
        assert_eq!(facts("JPEG", "RGB", 0.1).shown(), (300, 200));
        assert_eq!(Facts { orientation: 6, ..facts("JPEG", "RGB", 0.1) }.shown(), (200, 300));
    }
}
