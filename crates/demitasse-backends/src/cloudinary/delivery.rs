//! Reading through the delivery URL, which anyone may.

use bytes::Bytes;
use demitasse_core::{BlobBody, BlobMeta, ByteRange, ErrorKind, Sha256, Sha256Hasher, StoreError};
use futures_util::{Stream, StreamExt, stream};
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, HeaderMap, RANGE};
use reqwest::{Method, Response, StatusCode};

use super::api::Api;
use super::{Resource, error};

/// Where the asset is, and how long; `None` if it is nowhere.
pub(super) async fn find(api: &Api, public_id: &str) -> Result<Option<(Resource, BlobMeta)>, StoreError> {
    for resource in [Resource::Image, Resource::Raw] {
        let response = request(api, Method::HEAD, resource, public_id, None).await?;
        if response.status() == StatusCode::NOT_FOUND {
            continue;
        }
        let response = successful(response, public_id)?;
        let length = number(response.headers(), CONTENT_LENGTH.as_str());
        let bytes =
            length.ok_or_else(|| error(ErrorKind::Internal, public_id, "a delivery without a length"))?;
        return Ok(Some((resource, BlobMeta { bytes })));
    }
    Ok(None)
}

pub(super) async fn get(
    api: &Api,
    public_id: &str,
    sha256: Sha256,
    range: Option<ByteRange>,
) -> Result<Option<BlobBody>, StoreError> {
    let outside = |range: ByteRange| error(ErrorKind::Invalid, public_id, format!("{range:?} is not inside"));
    // No request asks for nothing, and none for less: a look at the length decides.
    if let Some(range) = range.filter(|range| range.start >= range.end) {
        return match find(api, public_id).await? {
            Some((_, meta)) if range.start == range.end && range.end <= meta.bytes => {
                Ok(Some(stream::empty().boxed()))
            }
            Some(_) => Err(outside(range)),
            None => Ok(None),
        };
    }
    for resource in [Resource::Image, Resource::Raw] {
        let response = request(api, Method::GET, resource, public_id, range).await?;
        match (response.status(), range) {
            (StatusCode::NOT_FOUND, _) => {}
            (StatusCode::RANGE_NOT_SATISFIABLE, Some(range)) => return Err(outside(range)),
            (_, Some(range)) => {
                let response = successful(response, public_id)?;
                return partial(response, public_id, range).map(Some);
            }
            (_, None) => {
                let response = successful(response, public_id)?;
                return Ok(Some(verified(pieces(response, public_id), public_id.into(), sha256)));
            }
        }
    }
    Ok(None)
}

async fn request(
    api: &Api,
    method: Method,
    resource: Resource,
    public_id: &str,
    range: Option<ByteRange>,
) -> Result<Response, StoreError> {
    let mut request = api.client.request(method, api.account.delivery_url(resource, public_id));
    if let Some(ByteRange { start, end }) = range {
        request = request.header(RANGE, format!("bytes={start}-{}", end - 1));
    }
    let sent = request.send().await;
    sent.map_err(|reason| error(ErrorKind::Unavailable, public_id, reason.without_url()))
}

fn successful(response: Response, public_id: &str) -> Result<Response, StoreError> {
    let status = response.status();
    let kind = match status.as_u16() {
        200 | 206 => return Ok(response),
        401 | 403 => ErrorKind::Denied,
        420 | 429 | 500..=599 => ErrorKind::Unavailable,
        _ => ErrorKind::Internal,
    };
    // Cloudinary explains itself here, not in the body.
    let reason = response.headers().get("x-cld-error").and_then(|value| value.to_str().ok());
    Err(error(kind, public_id, format!("the delivery answers {status}: {}", reason.unwrap_or("no reason"))))
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.parse().ok()
}

type Pieces = std::pin::Pin<Box<dyn Stream<Item = Result<Bytes, StoreError>> + Send>>;

fn pieces(response: Response, public_id: &str) -> Pieces {
    let public_id = public_id.to_owned();
    response
        .bytes_stream()
        .map(move |piece| {
            piece.map_err(|reason| error(ErrorKind::Unavailable, &public_id, reason.without_url()))
        })
        .boxed()
}

/// The part that was asked for, whether the server sent it or the whole (which it may, says RFC 9110, 14.2).
fn partial(response: Response, public_id: &str, range: ByteRange) -> Result<BlobBody, StoreError> {
    let whole = response.status() == StatusCode::OK;
    let total = if whole {
        number(response.headers(), CONTENT_LENGTH.as_str())
    } else {
        let sent = response.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
        let total = sent.and_then(|sent| sent.rsplit_once('/')).and_then(|(_, total)| total.parse().ok());
        let expected = total.map(|total: u64| {
            format!("bytes {}-{}/{total}", range.start, range.end.min(total).saturating_sub(1))
        });
        if sent != expected.as_deref() {
            return Err(error(ErrorKind::Internal, public_id, "another range was delivered"));
        }
        total
    };
    let total = total.ok_or_else(|| error(ErrorKind::Internal, public_id, "a delivery without a length"))?;
    if range.end > total {
        return Err(error(ErrorKind::Invalid, public_id, format!("{range:?} is not inside {total} bytes")));
    }
    let skipped = if whole { range.start } else { 0 };
    Ok(cut(pieces(response, public_id), public_id.into(), skipped, range.end - range.start))
}

/// Drops `skip` bytes, gives `length`, and ends there; or in an error if there are fewer.
fn cut(pieces: Pieces, public_id: String, skip: u64, length: u64) -> BlobBody {
    stream::try_unfold((pieces, skip, length), move |(mut pieces, mut skip, length)| {
        let public_id = public_id.clone();
        async move {
            if length == 0 {
                return Ok(None);
            }
            while let Some(piece) = pieces.next().await {
                let mut piece = piece?;
                let dropped = skip.min(piece.len() as u64);
                skip -= dropped;
                piece = piece.slice(dropped as usize..);
                piece.truncate(length.min(piece.len() as u64) as usize);
                if !piece.is_empty() {
                    let rest = length - piece.len() as u64;
                    return Ok(Some((piece, (pieces, skip, rest))));
                }
            }
            Err(error(ErrorKind::Unavailable, &public_id, "the delivery was cut off"))
        }
    })
    .boxed()
}

/// Passes the pieces on and hashes them; other bytes than the key names end in an error instead of an end.
fn verified(pieces: Pieces, public_id: String, expected: Sha256) -> BlobBody {
    let state = (pieces, Sha256Hasher::default());
    stream::try_unfold(state, move |(mut pieces, mut hasher)| {
        let public_id = public_id.clone();
        async move {
            match pieces.next().await {
                Some(piece) => {
                    let piece = piece?;
                    hasher.update(&piece);
                    Ok(Some((piece, (pieces, hasher))))
                }
                None if hasher.finish() == expected => Ok(None),
                None => Err(error(
                    ErrorKind::Invalid,
                    &public_id,
                    "other bytes were delivered than were stored: the account may be set to change what it delivers",
                )),
            }
        }
    })
    .boxed()
}
