//! Storing and destroying.

use std::io::{self, SeekFrom};

use demitasse_core::{BlobSource, ErrorKind, StoreError};
use reqwest::Body;
use reqwest::header::{CONTENT_RANGE, HeaderMap, HeaderValue};
use reqwest::multipart::Part;
use serde_json::Value;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use super::api::{Api, Call, Refusal};
use super::{Resource, error};
use crate::sniff::{OPAQUE, SNIFFED, media_type};

/// Bytes of one call; more go in several. The SDKs' own size.
pub(super) const CHUNK: u64 = 20_000_000;

/// What Cloudinary says about a file that it takes as `raw` only.
const NO_IMAGE: [&str; 3] = ["Invalid image", "Unsupported", "Megapixels"];

pub(super) async fn put(api: &Api, public_id: &str, source: &BlobSource) -> Result<(), StoreError> {
    let (start, length) = look(source).await.map_err(|reason| file_error(public_id, reason))?;
    if matches!(media_type(&start), OPAQUE | "image/qoi") {
        return upload(api, Resource::Raw, public_id, source, length)
            .await
            .map_err(|no| failed(no, public_id));
    }
    match upload(api, Resource::Image, public_id, source, length).await {
        Err(Refusal::BadRequest(reason)) if NO_IMAGE.iter().any(|sign| reason.contains(sign)) => {
            upload(api, Resource::Raw, public_id, source, length).await.map_err(|no| failed(no, public_id))
        }
        done => done.map_err(|no| failed(no, public_id)),
    }
}

pub(super) async fn destroy(api: &Api, public_id: &str) -> Result<(), StoreError> {
    for resource in [Resource::Image, Resource::Raw] {
        let call = Call {
            resource,
            action: "destroy",
            parameters: vec![("public_id", public_id), ("invalidate", "1")],
            headers: HeaderMap::new(),
            file: None,
            public_id,
        };
        let answer = api.send(&call).await.map_err(|no| failed(no, public_id))?;
        match answer["result"].as_str() {
            Some("ok") => return Ok(()),
            Some("not found") => {}
            _ => {
                return Err(error(ErrorKind::Internal, public_id, "an answer to `destroy` without a result"));
            }
        }
    }
    Ok(())
}

fn failed(refusal: Refusal, public_id: &str) -> StoreError {
    match refusal {
        Refusal::BadRequest(reason) => error(ErrorKind::Invalid, public_id, reason),
        Refusal::Failed(error) => error,
    }
}

async fn upload(
    api: &Api,
    resource: Resource,
    public_id: &str,
    source: &BlobSource,
    length: u64,
) -> Result<(), Refusal> {
    let mut call = Call {
        resource,
        action: "upload",
        parameters: vec![("public_id", public_id), ("overwrite", "0"), ("unique_filename", "0")],
        headers: HeaderMap::new(),
        file: Some(Slice { source, start: 0, length }),
        public_id,
    };
    if length <= CHUNK {
        let answer = api.send(&call).await?;
        return accept(api, public_id, length, &answer).map_err(Refusal::Failed);
    }
    let mut id = [0; 16];
    getrandom::fill(&mut id)
        .map_err(|reason| Refusal::Failed(error(ErrorKind::Internal, public_id, reason.to_string())))?;
    let id = header(&hex::encode(id));
    let mut answer = Value::Null;
    let mut start = 0;
    while start < length {
        let end = length.min(start + CHUNK);
        call.headers.insert("x-unique-upload-id", id.clone());
        call.headers.insert(CONTENT_RANGE, header(&format!("bytes {start}-{}/{length}", end - 1)));
        call.file = Some(Slice { source, start, length: end - start });
        answer = api.send(&call).await?;
        start = end;
    }
    accept(api, public_id, length, &answer).map_err(Refusal::Failed)
}

/// Believes an answer that is about this blob, tells its length, and was signed by who knows the secret.
fn accept(api: &Api, public_id: &str, length: u64, answer: &Value) -> Result<(), StoreError> {
    let refuse = |reason: &str| Err(error(ErrorKind::Invalid, public_id, reason));
    if answer["public_id"].as_str() != Some(public_id) {
        return refuse("the answer is about another asset");
    }
    let version = answer["version"].to_string();
    let signature = answer["signature"].as_str().unwrap_or_default();
    if !api.account.signing.verifies(public_id, version.trim_matches('"'), signature) {
        return refuse("the answer has a wrong signature");
    }
    // What was there before has whatever length it has: it was not touched.
    if answer["existing"].as_bool() != Some(true) && answer["bytes"].as_u64() != Some(length) {
        return refuse("the stored asset has another length");
    }
    Ok(())
}

/// The first bytes, and how many there are.
async fn look(source: &BlobSource) -> io::Result<(Vec<u8>, u64)> {
    match source {
        BlobSource::Bytes(bytes) => Ok((bytes[..bytes.len().min(SNIFFED)].to_vec(), bytes.len() as u64)),
        BlobSource::File(path) => {
            let file = File::open(path).await?;
            let length = file.metadata().await?.len();
            let mut start = Vec::new();
            file.take(SNIFFED as u64).read_to_end(&mut start).await?;
            Ok((start, length))
        }
    }
}

/// The bytes of one call.
pub(super) struct Slice<'a> {
    source: &'a BlobSource,
    start: u64,
    length: u64,
}

impl Slice<'_> {
    /// The part of the form; anew for every attempt. Streams from the file: memory holds a piece at a time.
    pub(super) async fn part(&self, public_id: &str) -> Result<Part, StoreError> {
        let Self { source, start, length } = *self;
        let body = match source {
            BlobSource::Bytes(bytes) => Body::from(bytes.slice(start as usize..(start + length) as usize)),
            BlobSource::File(path) => {
                let opened = async {
                    let mut file = File::open(path).await?;
                    file.seek(SeekFrom::Start(start)).await?;
                    Ok(file.take(length))
                };
                let file = opened.await.map_err(|reason| file_error(public_id, reason))?;
                Body::wrap_stream(ReaderStream::with_capacity(file, 64 * 1024))
            }
        };
        // The SDKs send a name and this type; Cloudinary looks at the bytes.
        let part =
            Part::stream_with_length(body, length).file_name("blob").mime_str("application/octet-stream");
        part.map_err(|reason| error(ErrorKind::Internal, public_id, reason))
    }
}

fn header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

fn file_error(public_id: &str, reason: io::Error) -> StoreError {
    let kind = match reason.kind() {
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        io::ErrorKind::PermissionDenied => ErrorKind::Denied,
        _ => ErrorKind::Unavailable,
    };
    error(kind, public_id, reason)
}
