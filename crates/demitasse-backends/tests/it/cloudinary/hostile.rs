//! A server that answers something else than Cloudinary does.

use axum::Router;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use bytes::Bytes;
use demitasse_backends::cloudinary::CloudinaryBlobs;
use demitasse_core::contract::sample;
use demitasse_core::{BlobSource, BlobStore, ByteRange, ErrorKind};
use futures_util::TryStreamExt;

use super::{jpeg, open};

/// A store whose server gives every request the same answer.
async fn answering(
    status: u16,
    headers: &'static [(&'static str, &'static str)],
    body: Bytes,
) -> CloudinaryBlobs {
    let answer = move || async move {
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        for (name, value) in headers {
            response.headers_mut().insert(*name, value.parse().unwrap());
        }
        response
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    open(&format!("cloudinary://key:s3cret@demo?upload_prefix=http://{address}"))
}

async fn put_answered(status: u16, body: &str) -> (ErrorKind, String) {
    let store = answering(status, &[("retry-after", "0")], body.to_owned().into()).await;
    let bytes = jpeg(100);
    let put = store.put(sample::blob_key(&bytes), BlobSource::Bytes(bytes.into())).await;
    let error = put.unwrap_err();
    let reason = format!("{:?}", error.source);
    assert!(!reason.contains("s3cret"), "{reason}");
    (error.kind, reason)
}

#[tokio::test]
async fn an_answer_that_says_nothing_is_an_error() {
    for body in ["<html>welcome</html>", "", "[]", "null", "\"ok\""] {
        assert_eq!(put_answered(200, body).await.0, ErrorKind::Internal, "{body}");
    }
}

#[tokio::test]
async fn refusals_have_their_kinds_and_keep_their_sentence() {
    for (status, expected) in [
        (400, ErrorKind::Invalid),
        (401, ErrorKind::Denied),
        (403, ErrorKind::Denied),
        (404, ErrorKind::NotFound),
        (420, ErrorKind::Unavailable),
        (429, ErrorKind::Unavailable),
        (502, ErrorKind::Unavailable),
        (302, ErrorKind::Internal),
    ] {
        let (kind, reason) = put_answered(status, r#"{"error":{"message":"File size too large"}}"#).await;
        assert_eq!(kind, expected, "{status}");
        assert!(reason.contains("File size too large"), "{reason}");
    }
    let page = "<html>".repeat(10_000);
    let (kind, reason) = put_answered(500, &page).await;
    assert_eq!(kind, ErrorKind::Unavailable);
    assert!(reason.len() < 1000, "a page in an error");
    let long = format!(r#"{{"error":{{"message":"{page}"}}}}"#);
    assert!(put_answered(401, &long).await.1.len() < 1000, "a page in an error");
}

#[tokio::test]
async fn an_error_in_an_answer_of_success_is_an_error() {
    let (kind, _) = put_answered(200, r#"{"error":{"message":"no"}}"#).await;
    assert_eq!(kind, ErrorKind::Internal);
}

#[tokio::test]
async fn an_upload_that_someone_else_confirms_is_no_upload() {
    let id = format!("images/{}", sample::blob_key(&jpeg(100)).sha256);
    for answer in [
        format!(r#"{{"public_id":"{id}","version":1,"bytes":100}}"#),
        format!(r#"{{"public_id":"{id}","version":1,"bytes":100,"signature":"0000"}}"#),
        r#"{"public_id":"images/another","version":1,"bytes":100,"signature":"0000"}"#.to_owned(),
    ] {
        assert_eq!(put_answered(200, &answer).await.0, ErrorKind::Invalid, "{answer}");
    }
}

#[tokio::test]
async fn a_delivery_of_other_bytes_ends_in_an_error() {
    let store = answering(200, &[], Bytes::from_static(b"optimized for you")).await;
    let body = store.get(sample::blob_key(b"the original"), None).await.unwrap().unwrap();
    let error = body.try_collect::<Vec<Bytes>>().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
}

#[tokio::test]
async fn a_server_that_ignores_ranges_is_put_up_with() {
    let store = answering(200, &[], Bytes::from_static(b"0123456789")).await;
    let key = sample::blob_key(b"0123456789");
    let body = store.get(key, Some(ByteRange { start: 3, end: 7 })).await.unwrap().unwrap();
    assert_eq!(body.try_collect::<Vec<Bytes>>().await.unwrap().concat(), b"3456");
    let error = store.get(key, Some(ByteRange { start: 3, end: 11 })).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Invalid);
}

#[tokio::test]
async fn another_range_than_was_asked_for_is_refused() {
    let headers = &[("content-range", "bytes 0-3/10")];
    let store = answering(206, headers, Bytes::from_static(b"0123")).await;
    let range = Some(ByteRange { start: 3, end: 7 });
    let error = store.get(sample::blob_key(b"0123456789"), range).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Internal);
}
