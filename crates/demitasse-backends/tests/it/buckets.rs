use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use demitasse_backends::s3::BucketBlobs;
use demitasse_backends::{BackendUrls, connect};
use demitasse_core::contract::sample;
use demitasse_core::{BlobMeta, BlobSource, BlobStore, Delivery, ErrorKind};
use futures_util::TryStreamExt;

use crate::services::{fetch, required};

/// A store of its own in the shared bucket: under a prefix that nothing else uses.
fn fresh_url(variable: &str, options: &str) -> String {
    let mut prefix = [0; 8];
    getrandom::fill(&mut prefix).unwrap();
    let url = required(variable);
    let (bucket, query) = url.split_once('?').unwrap_or((&url, ""));
    format!("{}/{}?{query}{options}", bucket.trim_end_matches('/'), hex::encode(prefix))
}

fn fresh(variable: &str, options: &str) -> BucketBlobs {
    BucketBlobs::open(&fresh_url(variable, options)).unwrap()
}

async fn moto() -> (Arc<BucketBlobs>, ()) {
    (Arc::new(fresh("TEST_S3_URL", "")), ())
}

async fn s3s_fs() -> (Arc<BucketBlobs>, ()) {
    (Arc::new(fresh("TEST_S3_FS_URL", "")), ())
}

mod moto_blob_store {
    demitasse_core::blob_store_contract!(super::moto);
}

mod s3s_fs_blob_store {
    demitasse_core::blob_store_contract!(super::s3s_fs);
}

const SERVERS: [&str; 2] = ["TEST_S3_URL", "TEST_S3_FS_URL"];

async fn read(store: &BucketBlobs, bytes: &[u8]) -> Vec<u8> {
    let body = store.get(sample::blob_key(bytes), None).await.unwrap().unwrap();
    body.try_collect::<Vec<Bytes>>().await.unwrap().concat()
}

async fn put_file(store: &BucketBlobs, path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
    store.put(sample::blob_key(bytes), BlobSource::File(path.into())).await.unwrap();
}

#[tokio::test]
async fn a_large_file_goes_in_parts_and_reads_back() {
    let dir = tempfile::tempdir().unwrap();
    // Three parts, the last one short.
    let bytes = sample::bytes(17 * 1024 * 1024 + 1);
    for server in SERVERS {
        let store = fresh(server, "");
        put_file(&store, &dir.path().join("large"), &bytes).await;
        assert!(read(&store, &bytes).await == bytes, "{server}");
        // Again, with other bytes: nothing honest does this, but it shows who is kept.
        let other = dir.path().join("other");
        std::fs::write(&other, vec![0; bytes.len()]).unwrap();
        store.put(sample::blob_key(&bytes), BlobSource::File(other)).await.unwrap();
        assert!(read(&store, &bytes).await == bytes, "{server}: the second put won");
    }
}

#[tokio::test]
async fn a_presigned_url_gives_the_bytes_with_a_type_that_cannot_run() {
    let jpeg = [b"\xff\xd8\xff\xe0".as_slice(), &sample::bytes(1000)].concat();
    let page = b"<!DOCTYPE html><script>alert(1)</script>".to_vec();
    for server in SERVERS {
        let store = fresh(server, "&delivery=redirect");
        for (bytes, media_type, disposition) in
            [(&jpeg, "image/jpeg", "inline"), (&page, "application/octet-stream", "attachment")]
        {
            let key = sample::blob_key(bytes);
            store.put(key, BlobSource::Bytes(bytes.clone().into())).await.unwrap();
            let Delivery::Redirect(url) = store.delivery(key).await.unwrap() else { panic!("no redirect") };
            let answer = fetch(&url).await;
            assert_eq!(answer.status(), 200, "{server}");
            assert_eq!(answer.headers()["content-type"], media_type, "{server}");
            assert_eq!(answer.headers()["content-disposition"], disposition, "{server}");
            assert!(answer.bytes().await.unwrap() == *bytes, "{server}");
        }
    }
}

#[tokio::test]
async fn a_large_image_has_its_type_too() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = [b"\x89PNG\r\n\x1a\n".as_slice(), &sample::bytes(17 * 1024 * 1024)].concat();
    for server in SERVERS {
        let store = fresh(server, "&delivery=redirect");
        put_file(&store, &dir.path().join("large"), &bytes).await;
        let delivery = store.delivery(sample::blob_key(&bytes)).await.unwrap();
        let Delivery::Redirect(url) = delivery else { panic!("no redirect") };
        let answer = fetch(&url).await;
        assert_eq!(answer.headers()["content-type"], "image/png", "{server}");
    }
}

#[tokio::test]
async fn wrong_credentials_are_denied() {
    // moto takes any; s3s-fs checks them.
    let url = fresh_url("TEST_S3_FS_URL", "").replacen("s3://", "s3://NOBODY:wrong@", 1);
    let store = BucketBlobs::open(&url).unwrap();
    assert_eq!(store.check().await.unwrap_err().kind, ErrorKind::Denied);
}

#[tokio::test]
async fn a_missing_bucket_fails_the_check() {
    // moto says so; s3s-fs makes one up.
    let url = fresh_url("TEST_S3_URL", "").replacen("s3://", "s3://no-such-bucket-", 1);
    let error = BucketBlobs::open(&url).unwrap().check().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound, "{error:?}");
}

#[tokio::test]
async fn a_server_that_is_away_is_unavailable() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("s3://KEY:SECRET@bucket?endpoint=http://{closed}&allow_http=true");
    let error = BucketBlobs::open(&url).unwrap().check().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable, "{error:?}");
}

#[tokio::test]
async fn the_storage_url_picks_the_bucket_and_hides_its_credentials() {
    let key = required("AWS_ACCESS_KEY_ID");
    let secret = required("AWS_SECRET_ACCESS_KEY");
    let url = fresh_url("TEST_S3_FS_URL", "").replacen("s3://", &format!("s3://{key}:{secret}@"), 1);
    let backends = connect(&BackendUrls { storage: url, ..BackendUrls::memory() }).await.unwrap();
    assert!(!backends.description.contains(&secret), "{}", backends.description);
    assert!(backends.description.contains("storage s3://"), "{}", backends.description);
    let blob = sample::blob_key(b"abc");
    backends.blobs.put(blob, BlobSource::Bytes(Bytes::from_static(b"abc"))).await.unwrap();
    assert_eq!(backends.blobs.head(blob).await.unwrap(), Some(BlobMeta { bytes: 3 }));
}
