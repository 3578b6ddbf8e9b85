use std::error::Error;

use bytes::Bytes;
use demitasse_core::contract::sample;
use demitasse_core::{BlobSource, BlobStore, Delivery, ErrorKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::BucketBlobs;

const SECRET: &str = "hunter2hunter2";

fn refused(url: &str) -> String {
    let sentence = BucketBlobs::open(url).err().unwrap_or_else(|| panic!("{url} was taken")).to_string();
    assert!(!sentence.contains(SECRET), "{sentence}");
    sentence
}

#[test]
fn a_url_that_cannot_work_is_refused_in_a_sentence_without_its_secrets() {
    for (url, expected) in [
        (format!("s3://?endpoint={SECRET}"), "nothing stands after the two slashes"),
        (format!("s3://KEY:{SECRET}@bucket:99999/"), "it cannot be read: invalid port number"),
        (format!("s3://KEY:{SECRET}@bucket:80/"), "a port where none belongs"),
        (format!("s3://{SECRET}@bucket"), "before the `@` it takes KEY:SECRET"),
        (format!("s3://bucket?delivery={SECRET}"), "the option `delivery` takes `proxy` or `redirect`"),
        (format!("s3://bucket?path_style={SECRET}"), "the option `path_style` takes `true` or `false`"),
        (format!("s3://bucket?endpoint=http://KEY:{SECRET}@host"), "`endpoint` takes the URL of a server"),
        (format!("s3://KEY:{SECRET}@bucket?endpoint=http://host"), "the endpoint is not encrypted"),
        (
            format!("s3://KEY:{SECRET}@bucket?colour=red"),
            "the unknown option `colour`; it takes `endpoint`, ",
        ),
        (format!("s3://bucket?region=a&region={SECRET}"), "the option `region` is given twice"),
        (format!("s3://bucket#{SECRET}"), "a `#` ends it early"),
        (format!("gs://KEY:{SECRET}@bucket"), "only `s3` takes credentials"),
        (format!("s3://KEY:{SECRET}@bucket/a/../b//c"), "is no path"),
    ] {
        let sentence = refused(&url);
        assert!(sentence.starts_with("the storage URL cannot be used: "), "{sentence}");
        assert!(sentence.contains(expected), "{sentence}");
    }
}

#[test]
fn the_description_has_no_secret() {
    let url = format!("s3://KEY:{SECRET}@bucket/some/prefix/?endpoint=https://s3.example.org/");
    let description = BucketBlobs::open(&url).unwrap().description().to_owned();
    assert_eq!(description, "s3://bucket/some/prefix at https://s3.example.org");
}

/// Where a presigned URL points says how requests are addressed.
async fn address(options: &str) -> String {
    let url = format!("s3://KEY:{SECRET}@bucket/p?region=eu-west-1&delivery=redirect{options}");
    let key = sample::blob_key(b"abc");
    let Delivery::Redirect(url) = BucketBlobs::open(&url).unwrap().delivery(key).await.unwrap() else {
        panic!("not a redirect")
    };
    assert!(!url.contains(SECRET), "{url}");
    assert!(url.contains("X-Amz-Expires=300"), "{url}");
    url.split('?').next().unwrap().replace(&key.to_string(), "KEY")
}

#[tokio::test]
async fn buckets_are_addressed_by_host_on_aws_and_by_path_elsewhere() {
    for (options, expected) in [
        ("", "https://bucket.s3.eu-west-1.amazonaws.com/p/KEY"),
        ("&path_style=true", "https://s3.eu-west-1.amazonaws.com/bucket/p/KEY"),
        ("&endpoint=https://minio.example.org:9000", "https://minio.example.org:9000/bucket/p/KEY"),
        (
            "&endpoint=https://minio.example.org:9000&path_style=false",
            "https://bucket.minio.example.org:9000/p/KEY",
        ),
        ("&endpoint=http://127.0.0.1:9&allow_http=true", "http://127.0.0.1:9/bucket/p/KEY"),
    ] {
        assert_eq!(address(options).await, expected);
    }
}

#[tokio::test]
async fn without_a_redirect_blobs_go_through_the_service() {
    let store = BucketBlobs::open("s3://KEY:secret@bucket").unwrap();
    assert_eq!(store.delivery(sample::blob_key(b"abc")).await.unwrap(), Delivery::Stream);
}

/// A server that gives every connection the same answer.
async fn answering(answer: String) -> BucketBlobs {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut request = vec![0; 16 * 1024];
            let _ = connection.read(&mut request).await;
            let _ = connection.write_all(answer.as_bytes()).await;
            let _ = connection.shutdown().await;
        }
    });
    let url = format!("s3://KEY:{SECRET}@bucket?endpoint=http://{address}&allow_http=true");
    BucketBlobs::open(&url).unwrap()
}

fn answer(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

#[tokio::test]
async fn refusals_of_the_server_have_their_kinds() {
    for (status, body, expected) in [
        ("403 Forbidden", "<Error><Code>AccessDenied</Code></Error>", ErrorKind::Denied),
        ("403 Forbidden", "<Error><Code>QuotaExceeded</Code></Error>", ErrorKind::Full),
        ("404 Not Found", "<Error><Code>NoSuchBucket</Code></Error>", ErrorKind::NotFound),
        ("400 Bad Request", "no XML at all", ErrorKind::Internal),
    ] {
        let store = answering(answer(status, body)).await;
        let put = store.put(sample::blob_key(b"abc"), BlobSource::Bytes(Bytes::from_static(b"abc"))).await;
        let error = put.unwrap_err();
        assert_eq!(error.kind, expected, "{body}: {error:?}");
        let source = error.source().unwrap().to_string();
        assert!(!source.contains(SECRET), "{source}");
    }
}

#[tokio::test]
async fn a_missing_bucket_is_not_taken_for_a_missing_blob() {
    let store = answering(answer("404 Not Found", "<Error><Code>NoSuchBucket</Code></Error>")).await;
    let error = store.get(sample::blob_key(b"abc"), None).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn a_conflict_that_leaves_nothing_behind_is_no_success() {
    // Every put is refused with a conflict, and no object ever appears.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut request = vec![0; 16 * 1024];
            let read = connection.read(&mut request).await.unwrap_or(0);
            let head = request[..read].starts_with(b"HEAD");
            let status = if head { "404 Not Found" } else { "409 Conflict" };
            let _ = connection.write_all(answer(status, "").as_bytes()).await;
            let _ = connection.shutdown().await;
        }
    });
    let url = format!("s3://KEY:{SECRET}@bucket?endpoint=http://{address}&allow_http=true");
    let store = BucketBlobs::open(&url).unwrap();
    let put = store.put(sample::blob_key(b"abc"), BlobSource::Bytes(Bytes::from_static(b"abc"))).await;
    assert_eq!(put.unwrap_err().kind, ErrorKind::Unavailable);
}
