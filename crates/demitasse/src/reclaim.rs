//! What processes that died left in the spool: the bytes of uploads and results that were under way.
//!
//! A file is there from before its bytes are stored as a blob until a row names the blob. So whatever blob such a death left
//! without a row is found by its file, and listed: the next sweeps remove it, unless a row names it after all.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;
use demitasse_backends::Backends;
use demitasse_core::{BlobKey, BlobKind, Sha256, Sha256Hasher};

/// What files are called that hold the bytes of an upload.
pub(crate) const UPLOAD: &str = "upload-";
/// The same of an original that was fetched.
pub(crate) const ORIGINAL: &str = "original-";
/// The same of a result.
pub(crate) const VARIANT: &str = "variant-";

/// Lists the blobs of which the dead had bytes, and removes these.
///
/// # Errors
/// A directory cannot be read or removed, or a store does not answer.
pub(crate) async fn reclaim(backends: &Backends, abandoned: Vec<PathBuf>) -> anyhow::Result<()> {
    for dir in abandoned {
        let found = dir.clone();
        let keys = tokio::task::spawn_blocking(move || keys_of(&found)).await?;
        for key in keys.with_context(|| format!("cannot read {}", dir.display()))? {
            if backends.blobs.head(key).await?.is_some() {
                backends.deletions.list_blob(key).await?;
                tracing::info!(blob = %key, "bytes of a process that died are removed unless something names them");
            }
        }
        match std::fs::remove_dir_all(&dir) {
            // Another process that starts was faster.
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot remove {}", dir.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The blobs that the files in `dir` would be; half a file is none that is stored.
fn keys_of(dir: &Path) -> io::Result<Vec<BlobKey>> {
    let mut keys = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let is = |prefix: &str| name.to_string_lossy().starts_with(prefix);
        let kind = match () {
            () if is(UPLOAD) || is(ORIGINAL) => BlobKind::Original,
            () if is(VARIANT) => BlobKind::Variant,
            () => continue,
        };
        match hash(&entry.path()) {
            Ok(sha256) => keys.push(BlobKey { kind, sha256 }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(keys)
}

fn hash(path: &Path) -> io::Result<Sha256> {
    let mut file = std::fs::File::open(path)?;
    let mut hasher = Sha256Hasher::default();
    let mut piece = vec![0; 1 << 18];
    loop {
        match io::Read::read(&mut file, &mut piece)? {
            0 => return Ok(hasher.finish()),
            length => hasher.update(&piece[..length]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_by_their_names_and_known_by_their_bytes() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["upload-1", "original-2", "variant-3", "lock"] {
            std::fs::write(dir.path().join(name), name).unwrap();
        }
        let mut keys = keys_of(dir.path()).unwrap();
        keys.sort_by_key(|key| key.to_string());
        let key = |kind, bytes: &str| BlobKey { kind, sha256: Sha256::of(bytes.as_bytes()) };
        let mut wanted = vec![
            key(BlobKind::Original, "upload-1"),
            key(BlobKind::Original, "original-2"),
            key(BlobKind::Variant, "variant-3"),
        ];
        wanted.sort_by_key(|key| key.to_string());
        assert_eq!(keys, wanted);
    }
}
