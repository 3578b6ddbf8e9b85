mod hostile;
mod sdk;

/// The stand-in of `examples/`, in this process.
#[path = "../../../examples/cloudinary_stand_in/server.rs"]
mod stand_in;

use std::path::Path;
use std::sync::Arc;

use crate::services::fetch;
use bytes::Bytes;
use demitasse_backends::cloudinary::CloudinaryBlobs;
use demitasse_backends::{BackendUrls, connect};
use demitasse_core::contract::sample;
use demitasse_core::{BlobKey, BlobKind, BlobSource, BlobStore, Delivery, ErrorKind, SystemClock};
use futures_util::TryStreamExt;
use stand_in::StandIn;
use tempfile::TempDir;

pub(super) fn open(url: &str) -> CloudinaryBlobs {
    CloudinaryBlobs::open(url, Arc::new(SystemClock)).unwrap()
}

pub(super) fn jpeg(length: usize) -> Vec<u8> {
    [b"\xff\xd8\xff\xe0".as_slice(), &sample::bytes(length - 4)].concat()
}

/// A stand-in on a directory: its storage URL, and itself for its knobs.
async fn start(dir: &Path) -> (String, Arc<StandIn>) {
    start_with(dir, false).await
}

async fn start_with(dir: &Path, sha256: bool) -> (String, Arc<StandIn>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut stand_in = StandIn::default();
    (stand_in.dir, stand_in.sha256) = (dir.into(), sha256);
    let (state, router) = stand_in.router().await.unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (state.storage_url(address), state)
}

async fn fresh() -> (Arc<CloudinaryBlobs>, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let (url, _) = start(dir.path()).await;
    (Arc::new(open(&url)), dir)
}

mod blob_store {
    demitasse_core::blob_store_contract!(super::fresh);
}

async fn put(store: &CloudinaryBlobs, bytes: &[u8]) -> BlobKey {
    let key = sample::blob_key(bytes);
    store.put(key, BlobSource::Bytes(Bytes::copy_from_slice(bytes))).await.unwrap();
    key
}

async fn read(store: &CloudinaryBlobs, key: BlobKey) -> Vec<u8> {
    let body = store.get(key, None).await.unwrap().unwrap();
    body.try_collect::<Vec<Bytes>>().await.unwrap().concat()
}

#[tokio::test]
async fn every_signature_is_taken_and_a_wrong_one_is_denied() {
    let dir = tempfile::tempdir().unwrap();
    for sha256 in [false, true] {
        let (url, _) = start_with(dir.path(), sha256).await;
        for version in [1, 2] {
            open(&format!("{url}&signature_version={version}")).check().await.unwrap();
        }
    }
    let (url, _) = start(dir.path()).await;
    // The account signs its answers with another hash than was configured: that may be anyone.
    let error = open(&format!("{url}&signature=sha256")).check().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid, "{error:?}");
    let error = open(&url.replace(":secret@", ":wrong@")).check().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied, "{error:?}");
}

#[tokio::test]
async fn images_lie_in_the_original_services_folders_under_public_urls() {
    let dir = tempfile::tempdir().unwrap();
    let (url, _) = start(dir.path()).await;
    let store = open(&url);
    let bytes = jpeg(1000);
    let original = put(&store, &bytes).await;
    let variant = BlobKey { kind: BlobKind::Variant, ..original };
    store.put(variant, BlobSource::Bytes(bytes.clone().into())).await.unwrap();
    for (key, folder) in [(original, "images"), (variant, "compressed_images")] {
        let public = store.public_url(key).unwrap();
        assert!(public.ends_with(&format!("/demo/image/upload/v1/{folder}/{}", key.sha256)), "{public}");
        assert_eq!(store.delivery(key).await.unwrap(), Delivery::Redirect(public.clone()));
        assert!(fetch(&public).await.bytes().await.unwrap() == bytes);
    }
    let proxied = open(&format!("{url}&delivery=proxy"));
    assert_eq!(proxied.delivery(original).await.unwrap(), Delivery::Stream);
}

#[tokio::test]
async fn what_is_no_image_to_cloudinary_is_kept_as_raw() {
    let dir = tempfile::tempdir().unwrap();
    let (url, _) = start(dir.path()).await;
    let store = open(&url);
    // An ICO starts like an image to us; the stand-in refuses it, as an account may.
    for bytes in [b"qoif and some more bytes".as_slice(), b"\0\0\x01\0 and some more bytes"] {
        let key = put(&store, bytes).await;
        assert_eq!(read(&store, key).await, bytes);
        let Delivery::Redirect(public) = store.delivery(key).await.unwrap() else { panic!("no redirect") };
        assert!(public.contains("/raw/upload/"), "{public}");
        store.delete(key).await.unwrap();
        assert_eq!(store.head(key).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_large_file_goes_in_chunks_and_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (url, stand_in) = start(&dir.path().join("kept")).await;
    let bytes = jpeg(20_000_001);
    let key = sample::blob_key(&bytes);
    let path = dir.path().join("large");
    std::fs::write(&path, &bytes).unwrap();
    // One refusal in the middle of it all is no reason to give up.
    stand_in.refuse_first(1);
    open(&url).put(key, BlobSource::File(path)).await.unwrap();
    let (url, _) = start(&dir.path().join("kept")).await;
    assert!(read(&open(&url), key).await == bytes, "other bytes came back");
}

#[tokio::test]
async fn a_rate_limit_is_waited_for_but_not_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let (url, stand_in) = start(dir.path()).await;
    let store = open(&url);
    stand_in.refuse_first(4);
    let key = put(&store, &jpeg(100)).await;
    stand_in.refuse_first(5);
    let error = store.delete(key).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    store.delete(key).await.unwrap();
}

#[tokio::test]
async fn the_storage_url_picks_the_account_and_hides_its_secret() {
    let dir = tempfile::tempdir().unwrap();
    let (storage, _) = start(dir.path()).await;
    let backends = connect(&BackendUrls { storage, ..BackendUrls::memory() }).await.unwrap();
    assert!(
        backends.description.contains("storage cloudinary://demo at http://"),
        "{}",
        backends.description
    );
    assert!(!backends.description.contains("secret"), "{}", backends.description);
    backends.blobs.check().await.unwrap();
}

#[test]
fn a_url_that_cannot_work_is_refused_in_a_sentence_without_its_secrets() {
    for (url, expected) in [
        ("cloudinary://demo", "it takes KEY:SECRET before the `@`"),
        ("cloudinary://key@demo", "before the `@` it takes KEY:SECRET"),
        ("cloudinary://key:s3cret@", "it cannot be read: "),
        ("cloudinary://key:s3cret@de.mo", "the cloud's name: letters, digits"),
        ("cloudinary://key:s3cret@demo/images", "nothing may stand between"),
        ("cloudinary://key:s3cret@demo?signature=md5", "`signature` takes `sha1` or `sha256`"),
        ("cloudinary://key:s3cret@demo?signature_version=3", "`signature_version` takes `1` or `2`"),
        ("cloudinary://key:s3cret@demo?upload_prefix=host:1", "`upload_prefix` takes the URL of a server"),
        ("cloudinary://key:s3cret@demo?api_proxy=x", "unknown option `api_proxy`; it takes `upload_prefix`"),
    ] {
        let sentence = CloudinaryBlobs::open(url, Arc::new(SystemClock)).err().unwrap().to_string();
        assert!(sentence.starts_with("the storage URL cannot be used: "), "{sentence}");
        assert!(sentence.contains(expected), "{url}: {sentence}");
        assert!(!sentence.contains("s3cret"), "{sentence}");
    }
}
