//! The blobs that a store has, asked from the store itself rather than from the server that is on trial.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use futures_util::TryStreamExt;
use object_store::ObjectStore;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::path::Path as Key;
use reqwest::Url;

/// Hexadecimal digits of a SHA-256.
const DIGITS: usize = 64;

/// Where to look.
pub(super) enum Blobs {
    /// Files, named after the blob's hash, or after its public id in hexadecimal digits, as the stand-in for Cloudinary does.
    Directory(PathBuf),
    /// Objects below a prefix.
    Bucket(Arc<dyn ObjectStore>, Key),
}

impl Blobs {
    /// A bucket as `--storage` names it.
    ///
    /// # Errors
    /// It is no `s3:` URL, or says what only the server understands.
    pub(super) fn in_bucket(storage: &str) -> Result<Self> {
        let url = Url::parse(storage).context("the bucket's URL")?;
        let mut builder = AmazonS3Builder::from_env().with_bucket_name(url.host_str().unwrap_or_default());
        for (name, value) in url.query_pairs() {
            let key: AmazonS3ConfigKey =
                name.parse().with_context(|| format!("`{name}` in the bucket's URL"))?;
            builder = builder.with_config(key, value);
        }
        Ok(Self::Bucket(Arc::new(builder.build()?), Key::from(url.path().trim_matches('/'))))
    }

    /// The SHA-256 of every blob, in hexadecimal digits, behind where it is.
    pub(super) async fn list(&self) -> Result<Vec<(String, String)>> {
        match self {
            Self::Directory(path) => Ok(files(path)),
            Self::Bucket(store, prefix) => {
                let objects: Vec<_> = store.list(Some(prefix)).try_collect().await?;
                let names = objects.into_iter().map(|object| object.location.to_string());
                Ok(names.filter_map(|name| hash(&name).map(|hash| (name.clone(), hash))).collect())
            }
        }
    }
}

fn files(path: &Path) -> Vec<(String, String)> {
    // A file that is removed meanwhile is no orphan.
    let entries = walkdir::WalkDir::new(path).into_iter().filter_map(Result::ok);
    let files = entries.filter(|entry| entry.file_type().is_file());
    let known = files.filter_map(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        let public_id = hex::decode(&name).ok().and_then(|id| String::from_utf8(id).ok());
        let hash = hash(&name).or_else(|| hash(&public_id?))?;
        Some((entry.path().display().to_string(), hash))
    });
    known.collect()
}

/// The hash that a blob's name ends with; `None` for what is not a blob.
fn hash(name: &str) -> Option<String> {
    let last = name.rsplit('/').next()?;
    let is_hash = last.len() == DIGITS && last.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then(|| last.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn blobs_are_told_by_their_hash_whatever_the_store_calls_them() {
        let folder = tempfile::tempdir().unwrap();
        let (plain, hidden) = ("a1".repeat(32), "b2".repeat(32));
        std::fs::create_dir_all(folder.path().join("original/a1")).unwrap();
        let public_id = hex::encode(format!("demitasse/variant/{hidden}"));
        for name in [&format!("original/a1/{plain}"), &public_id, "lock"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let blobs = Blobs::Directory(folder.path().to_path_buf()).list().await.unwrap();
        let mut hashes: Vec<_> = blobs.into_iter().map(|(_, hash)| hash).collect();
        hashes.sort();
        assert_eq!(hashes, [plain, hidden]);
    }

    #[test]
    fn a_bucket_is_found_by_the_url_that_the_server_gets() {
        let url = "s3://cups/chaos_1?endpoint=http://127.0.0.1:1&region=us-east-1&allow_http=true";
        let Blobs::Bucket(_, prefix) = Blobs::in_bucket(url).unwrap() else { panic!("no bucket") };
        assert_eq!(prefix.to_string(), "chaos_1");
        assert!(Blobs::in_bucket("s3://cups?delivery=redirect").is_err());
    }
}
