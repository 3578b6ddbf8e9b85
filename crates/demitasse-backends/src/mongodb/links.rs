//! The addresses that the original's fields hold.

use std::fmt::Write;
use std::sync::Arc;

use demitasse_core::{BlobKey, BlobKind, BlobStore, Job, Original, Upload};

/// Makes the absolute addresses that `imageUrl` and `compressedUrl` hold, which outlive the request that wrote them.
#[derive(Clone)]
pub struct Links {
    /// Says under which public URL a blob can be read, if it has one.
    pub blobs: Arc<dyn BlobStore>,
    /// Where our API is reached, for blobs without a public URL: `https://images.example`. Without it the addresses are
    /// paths, which the original's clients cannot follow.
    pub public_url: Option<String>,
}

impl Links {
    /// The image's `imageUrl`.
    pub(super) fn original(&self, upload: &Upload) -> String {
        match &upload.image.original {
            Original::External { url } => url.clone(),
            Original::Stored(original) => {
                let key = BlobKey { kind: BlobKind::Original, sha256: original.sha256 };
                let name = upload.image.file_name.clone();
                self.blob(key, &name.unwrap_or_else(|| named(None, &original.media_type)))
            }
        }
    }

    /// The image's `compressedUrl`; `None` while there is no result.
    pub(super) fn result(&self, upload: &Upload) -> Option<String> {
        let Job { variant, external_variant, .. } = &upload.job;
        let Some(variant) = variant else { return external_variant.clone() };
        let key = BlobKey { kind: BlobKind::Variant, sha256: variant.sha256 };
        Some(self.blob(key, &named(upload.image.file_name.as_deref(), &variant.media_type)))
    }

    fn blob(&self, key: BlobKey, name: &str) -> String {
        self.blobs.public_url(key).unwrap_or_else(|| {
            let base = self.public_url.as_deref().unwrap_or_default().trim_end_matches('/');
            format!("{base}/i/{}/{}/{}", key.sha256, key.kind.as_str(), escaped(name))
        })
    }
}

/// The file name with the extension of `media_type`. The name is for people: the server takes any.
fn named(name: Option<&str>, media_type: &str) -> String {
    let stem = name.map_or("image", |name| name.rsplit_once('.').map_or(name, |(stem, _)| stem));
    let subtype = media_type.rsplit('/').next().unwrap_or_default();
    format!("{stem}.{}", if subtype == "jpeg" { "jpg" } else { subtype })
}

/// RFC 3986 unreserved characters stay; everything else in a path segment is escaped.
fn escaped(name: &str) -> String {
    name.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(byte.into());
        } else {
            // Writing into a string cannot fail.
            write!(text, "%{byte:02X}").ok();
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_named_after_its_original_and_its_type() {
        assert_eq!(named(Some("cup 1.tar.png"), "image/jpeg"), "cup 1.tar.jpg");
        assert_eq!(named(None, "image/webp"), "image.webp");
        assert_eq!(escaped("cup 1/ü.png"), "cup%201%2F%C3%BC.png");
    }
}
