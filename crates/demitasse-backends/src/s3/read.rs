//! Reading, in the pieces in which the network brings them.

use std::ops::Range;

use bytes::Bytes;
use demitasse_core::{BlobBody, BlobKey, BlobMeta, BlobStore, ByteRange, ErrorKind, StoreError};
use futures_util::{StreamExt, stream};
use object_store::{GetOptions, GetRange, GetResult};

use super::{BucketBlobs, error};

pub(super) async fn get(
    store: &BucketBlobs,
    key: BlobKey,
    range: Option<ByteRange>,
) -> Result<Option<BlobBody>, StoreError> {
    // No request asks for nothing, and none for less: a look at the length decides.
    if let Some(range) = range.filter(|range| range.start >= range.end) {
        let Some(meta) = store.head(key).await? else { return Ok(None) };
        check(store, key, range, meta)?;
        return Ok(Some(stream::empty().boxed()));
    }
    let options = GetOptions {
        range: range.map(|range| GetRange::Bounded(Range { start: range.start, end: range.end })),
        ..Default::default()
    };
    match store.store.get_opts(&store.path(key), options).await {
        Ok(found) => {
            if let Some(range) = range {
                check(store, key, range, BlobMeta { bytes: found.meta.size })?;
            }
            Ok(Some(body(store, key, found)))
        }
        Err(error) if error::is_missing_object(&error) => Ok(None),
        // Vendors differ in what they say about a range that begins or ends past the end.
        Err(error) => {
            if let Some(range) = range {
                let Some(meta) = store.head(key).await? else { return Ok(None) };
                check(store, key, range, meta)?;
            }
            Err(store.error(key)(error))
        }
    }
}

fn check(store: &BucketBlobs, key: BlobKey, range: ByteRange, meta: BlobMeta) -> Result<(), StoreError> {
    if range.start <= range.end && range.end <= meta.bytes {
        return Ok(());
    }
    Err(StoreError::new(ErrorKind::Invalid, store.backend, format!("{key} {range:?}")))
}

/// The bytes that were promised, or an error at their end: a client must not trust a cut-off image.
fn body(store: &BucketBlobs, key: BlobKey, found: GetResult) -> BlobBody {
    let backend = store.backend;
    let missing = found.range.end - found.range.start;
    let pieces = found.into_stream();
    let rest = stream::try_unfold((pieces, missing), move |(mut pieces, missing)| async move {
        let piece: Bytes = match pieces.next().await {
            Some(Ok(piece)) => piece,
            Some(Err(error)) => return Err(error::store_error(backend, key.to_string())(error)),
            None if missing == 0 => return Ok(None),
            None => Bytes::new(),
        };
        let Some(missing) = missing.checked_sub(piece.len() as u64).filter(|_| !piece.is_empty()) else {
            return Err(StoreError::new(ErrorKind::Unavailable, backend, key.to_string())
                .because("the body has another length than was announced"));
        };
        Ok(Some((piece, (pieces, missing))))
    });
    rest.boxed()
}
