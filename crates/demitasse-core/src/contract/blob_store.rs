//! What every [`BlobStore`] must do.

#![expect(missing_docs, reason = "the name of a case says what it checks")]

use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt;
use futures_util::future::join_all;

use super::sample;
use crate::{BlobKey, BlobKind, BlobMeta, BlobSource, BlobStore, ByteRange, ErrorKind};

/// Makes a test of each case.
#[macro_export]
macro_rules! blob_store_contract {
    ($setup:path) => {
        $crate::contract_suite! { blob_store, $setup:
            a_blob_reads_back
            an_unknown_blob_is_none
            an_original_and_a_variant_of_the_same_bytes_are_two_blobs
            an_empty_blob_reads_back
            a_large_blob_comes_in_pieces
            a_range_gives_its_part
            a_range_outside_the_blob_is_invalid
            a_range_of_an_unknown_blob_is_none
            a_repeated_put_changes_nothing
            concurrent_puts_of_one_key_all_succeed
            a_file_reads_back
            a_missing_file_is_an_error_that_leaves_nothing
            a_deleted_blob_is_gone_and_may_come_again
            deleting_twice_is_no_error
            a_body_that_was_opened_survives_deletion_or_ends_in_an_error
            the_check_passes_and_leaves_nothing
        }
    };
}

async fn put(store: &impl BlobStore, bytes: &[u8]) -> BlobKey {
    let key = sample::blob_key(bytes);
    store.put(key, BlobSource::Bytes(Bytes::copy_from_slice(bytes))).await.unwrap();
    key
}

async fn read(store: &impl BlobStore, key: BlobKey, range: Option<ByteRange>) -> Option<Vec<u8>> {
    let body = store.get(key, range).await.unwrap()?;
    Some(body.try_collect::<Vec<Bytes>>().await.unwrap().concat())
}

pub async fn a_blob_reads_back<S: BlobStore>(store: Arc<S>) {
    let key = put(&*store, b"some bytes").await;
    assert_eq!(read(&*store, key, None).await.unwrap(), b"some bytes");
    assert_eq!(store.head(key).await.unwrap(), Some(BlobMeta { bytes: 10 }));
}

pub async fn an_unknown_blob_is_none<S: BlobStore>(store: Arc<S>) {
    put(&*store, b"some bytes").await;
    let key = sample::blob_key(b"others");
    assert!(read(&*store, key, None).await.is_none());
    assert_eq!(store.head(key).await.unwrap(), None);
}

pub async fn an_original_and_a_variant_of_the_same_bytes_are_two_blobs<S: BlobStore>(store: Arc<S>) {
    let original = put(&*store, b"same").await;
    let variant = BlobKey { kind: BlobKind::Variant, ..original };
    assert_eq!(store.head(variant).await.unwrap(), None);
    store.put(variant, BlobSource::Bytes(Bytes::from_static(b"same"))).await.unwrap();
    store.delete(original).await.unwrap();
    assert_eq!(read(&*store, variant, None).await.unwrap(), b"same");
}

pub async fn an_empty_blob_reads_back<S: BlobStore>(store: Arc<S>) {
    let key = put(&*store, b"").await;
    assert_eq!(store.head(key).await.unwrap(), Some(BlobMeta { bytes: 0 }));
    assert_eq!(read(&*store, key, None).await.unwrap(), b"");
    assert_eq!(read(&*store, key, Some(ByteRange { start: 0, end: 0 })).await.unwrap(), b"");
}

pub async fn a_large_blob_comes_in_pieces<S: BlobStore>(store: Arc<S>) {
    let bytes = sample::bytes(3 * 1024 * 1024 + 1);
    let key = put(&*store, &bytes).await;
    let body = store.get(key, None).await.unwrap().unwrap();
    let pieces: Vec<Bytes> = body.try_collect().await.unwrap();
    assert!(pieces.len() > 1, "three megabytes came in one piece");
    assert!(pieces.concat() == bytes, "the pieces are not the bytes");
    let tail = ByteRange { start: 1_000_000, end: bytes.len() as u64 };
    assert!(read(&*store, key, Some(tail)).await.unwrap() == bytes[1_000_000..], "the tail differs");
}

pub async fn a_range_gives_its_part<S: BlobStore>(store: Arc<S>) {
    let key = put(&*store, b"0123456789").await;
    for (start, end) in [(0, 10), (0, 1), (9, 10), (3, 7), (4, 4), (10, 10), (0, 0)] {
        let part = read(&*store, key, Some(ByteRange { start, end })).await.unwrap();
        assert_eq!(part, b"0123456789"[start as usize..end as usize], "{start}..{end}");
    }
}

pub async fn a_range_outside_the_blob_is_invalid<S: BlobStore>(store: Arc<S>) {
    let key = put(&*store, b"0123456789").await;
    for (start, end) in
        [(0, 11), (10, 11), (11, 11), (7, 3), (0, u64::MAX), (u64::MAX, u64::MAX), (u64::MAX, 0)]
    {
        let range = Some(ByteRange { start, end });
        let error = store.get(key, range).await.err().unwrap_or_else(|| panic!("{start}..{end} was taken"));
        assert_eq!(error.kind, ErrorKind::Invalid, "{start}..{end}");
    }
}

pub async fn a_range_of_an_unknown_blob_is_none<S: BlobStore>(store: Arc<S>) {
    let range = Some(ByteRange { start: 0, end: 1 });
    assert!(read(&*store, sample::blob_key(b"unknown"), range).await.is_none());
}

pub async fn a_repeated_put_changes_nothing<S: BlobStore>(store: Arc<S>) {
    let key = put(&*store, b"once").await;
    // Other bytes under the same key show who is kept; nothing honest does this.
    store.put(key, BlobSource::Bytes(Bytes::from_static(b"twice"))).await.unwrap();
    assert_eq!(read(&*store, key, None).await.unwrap(), b"once");
}

pub async fn concurrent_puts_of_one_key_all_succeed<S: BlobStore>(store: Arc<S>) {
    let bytes = Bytes::from(sample::bytes(200_000));
    let key = sample::blob_key(&bytes);
    let tasks = (0..8).map(|_| {
        let (store, bytes) = (store.clone(), bytes.clone());
        tokio::spawn(async move {
            store.put(key, BlobSource::Bytes(bytes.clone())).await.unwrap();
            assert!(
                read(&*store, key, None).await.unwrap() == bytes,
                "a put returned before its bytes were there"
            );
        })
    });
    join_all(tasks).await.into_iter().for_each(Result::unwrap);
    assert_eq!(store.head(key).await.unwrap(), Some(BlobMeta { bytes: 200_000 }));
}

pub async fn a_file_reads_back<S: BlobStore>(store: Arc<S>) {
    let directory = tempfile::tempdir().unwrap();
    let bytes = sample::bytes(100_000);
    let key = sample::blob_key(&bytes);
    for name in ["first", "again"] {
        let path = directory.path().join(name);
        std::fs::write(&path, &bytes).unwrap();
        store.put(key, BlobSource::File(path)).await.unwrap();
        assert!(read(&*store, key, None).await.unwrap() == bytes, "{name}");
    }
    // Whatever is left of the files is the caller's to remove, and the blob does not depend on it.
    drop(directory);
    assert!(read(&*store, key, None).await.unwrap() == bytes, "the blob went with its source");
}

pub async fn a_missing_file_is_an_error_that_leaves_nothing<S: BlobStore>(store: Arc<S>) {
    let directory = tempfile::tempdir().unwrap();
    let key = sample::blob_key(b"never written");
    let missing = BlobSource::File(directory.path().join("missing"));
    assert!(store.put(key, missing).await.is_err());
    assert_eq!(store.head(key).await.unwrap(), None);
}

pub async fn a_deleted_blob_is_gone_and_may_come_again<S: BlobStore>(store: Arc<S>) {
    let key = put(&*store, b"here").await;
    store.delete(key).await.unwrap();
    assert!(read(&*store, key, None).await.is_none());
    assert_eq!(store.head(key).await.unwrap(), None);
    put(&*store, b"here").await;
    assert_eq!(read(&*store, key, None).await.unwrap(), b"here");
}

pub async fn deleting_twice_is_no_error<S: BlobStore>(store: Arc<S>) {
    let key = put(&*store, b"here").await;
    store.delete(key).await.unwrap();
    store.delete(key).await.unwrap();
    store.delete(sample::blob_key(b"never there")).await.unwrap();
}

pub async fn a_body_that_was_opened_survives_deletion_or_ends_in_an_error<S: BlobStore>(store: Arc<S>) {
    let bytes = sample::bytes(300_000);
    let key = put(&*store, &bytes).await;
    let body = store.get(key, None).await.unwrap().unwrap();
    store.delete(key).await.unwrap();
    if let Ok(pieces) = body.try_collect::<Vec<Bytes>>().await {
        assert!(pieces.concat() == bytes, "a cut-off body ended as if it were whole");
    }
}

pub async fn the_check_passes_and_leaves_nothing<S: BlobStore>(store: Arc<S>) {
    let key = put(&*store, b"here").await;
    store.check().await.unwrap();
    store.check().await.unwrap();
    assert_eq!(read(&*store, key, None).await.unwrap(), b"here");
}
