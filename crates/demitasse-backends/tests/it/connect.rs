use std::path::Path;

use bytes::Bytes;
use demitasse_backends::{BackendUrls, Backends, ConnectError, Port, connect};
use demitasse_core::contract::sample;
use demitasse_core::{BlobSource, Delivery, OwnerId, Ticket};

fn embedded(dir: &Path) -> BackendUrls {
    BackendUrls {
        metadata: format!("sqlite:{}", dir.join("data/demitasse.db").display()),
        storage: format!("file:{}", dir.join("data").display()),
        ..BackendUrls::memory()
    }
}

async fn refused(urls: BackendUrls) -> ConnectError {
    connect(&urls).await.err().unwrap()
}

async fn working(urls: &BackendUrls) -> Backends {
    let backends = connect(urls).await.unwrap();
    for port in backends.check().await {
        assert!(port.error.is_none(), "{port:?}");
    }
    backends
}

#[tokio::test]
async fn the_defaults_may_share_one_directory() {
    let dir = tempfile::tempdir().unwrap();
    let backends = working(&embedded(dir.path())).await;
    let created = backends.images.create_upload(sample::upload(1)).await.unwrap();
    assert_eq!(backends.jobs.job(created.job.id).await.unwrap(), Some(created.clone()));
    let key = sample::blob_key(b"abc");
    backends.blobs.put(key, BlobSource::Bytes(Bytes::from_static(b"abc"))).await.unwrap();
    assert!(dir.path().join("data/original").is_dir());
    assert!(backends.description.contains("demitasse.db"), "{}", backends.description);
}

#[tokio::test]
async fn a_database_has_pools_of_connections_and_memory_has_none() {
    let dir = tempfile::tempdir().unwrap();
    assert!(working(&BackendUrls::memory()).await.pools.pools().is_empty());
    let pools = working(&embedded(dir.path())).await.pools.pools();
    let names: Vec<_> = pools.iter().map(|pool| (pool.pool, pool.max)).collect();
    assert_eq!(names, [("metadata_writer", 1), ("metadata_readers", 4)]);
}

#[tokio::test]
async fn the_queue_in_the_metadata_store_is_filled_by_the_upload() {
    let dir = tempfile::tempdir().unwrap();
    for urls in [BackendUrls::memory(), embedded(dir.path())] {
        let backends = working(&urls).await;
        assert!(backends.upload_enqueues);
        let created = backends.images.create_upload(sample::upload(1)).await.unwrap();
        backends.queue.enqueue(Ticket::from(&created.job)).await.unwrap();
        assert_eq!(backends.queue.depth().await.unwrap().ready, 1);
    }
}

#[tokio::test]
async fn a_queue_of_its_own_is_filled_by_the_caller() {
    let dir = tempfile::tempdir().unwrap();
    for urls in [BackendUrls::memory(), embedded(dir.path())] {
        let backends = working(&BackendUrls { queue: "memory:".into(), ..urls }).await;
        assert!(!backends.upload_enqueues);
        let created = backends.images.create_upload(sample::upload(1)).await.unwrap();
        assert_eq!(backends.queue.depth().await.unwrap().ready, 0);
        backends.queue.enqueue(Ticket::from(&created.job)).await.unwrap();
        assert_eq!(backends.queue.depth().await.unwrap().ready, 1);
    }
}

#[tokio::test]
async fn an_unknown_scheme_is_named_without_the_secret_behind_it() {
    let url = || "oracle://scott:tiger@db".to_owned();
    let error = refused(BackendUrls { metadata: url(), ..BackendUrls::memory() }).await;
    let sentence = "the metadata URL has the unknown scheme `oracle`; it takes `sqlite:PATH`, \
                    `postgres://HOST/DATABASE`, `mongodb://HOST/DATABASE` or `memory:`";
    assert_eq!(error.to_string(), sentence);
    for (urls, expected) in [
        (BackendUrls { queue: url(), ..BackendUrls::memory() }, Port::Queue),
        (BackendUrls { events: url(), ..BackendUrls::memory() }, Port::Events),
        (BackendUrls { storage: url(), ..BackendUrls::memory() }, Port::Storage),
    ] {
        let error = refused(urls).await;
        assert!(matches!(error, ConnectError::UnknownScheme { port, .. } if port == expected), "{error:?}");
        assert!(!error.to_string().contains("tiger"), "{error}");
    }
}

#[tokio::test]
async fn a_missing_path_is_said() {
    for url in ["sqlite:", "sqlite", "sqlite://"] {
        let error = refused(BackendUrls { metadata: url.into(), ..BackendUrls::memory() }).await;
        assert!(error.to_string().starts_with("the metadata URL names no path"), "{error}");
    }
    let error = refused(BackendUrls { storage: "file:".into(), ..BackendUrls::memory() }).await;
    assert!(error.to_string().starts_with("the storage URL names no path"), "{error}");
}

#[tokio::test]
async fn a_second_store_on_the_same_data_is_refused_until_the_first_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let urls = embedded(dir.path());
    let database_only = BackendUrls { storage: "memory:".into(), ..urls.clone() };
    let blobs_only = BackendUrls { metadata: "memory:".into(), ..urls.clone() };
    let first = connect(&urls).await.unwrap();
    for second in [&database_only, &blobs_only] {
        let error = refused(second.clone()).await;
        assert!(matches!(error, ConnectError::InUse { .. }), "{error:?}");
        assert!(error.to_string().starts_with("another process uses "), "{error}");
    }
    drop(first);
    working(&urls).await;
}

#[tokio::test]
async fn a_path_that_cannot_be_written_is_named() {
    let dir = tempfile::tempdir().unwrap();
    // A file where a directory should be: refused to everybody, root included.
    std::fs::write(dir.path().join("data"), b"in the way").unwrap();
    let urls = embedded(dir.path());
    let storage = BackendUrls { metadata: "memory:".into(), ..urls.clone() };
    let metadata = BackendUrls { storage: "memory:".into(), ..urls };
    for urls in [storage, metadata] {
        let sentence = refused(urls).await.to_string();
        assert!(
            sentence.starts_with("cannot open ") && sentence.contains("data for writing: "),
            "{sentence}"
        );
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notes.txt");
    let text = "not a database ".repeat(100);
    std::fs::write(&path, &text).unwrap();
    let metadata = format!("sqlite:{}", path.display());
    let error = refused(BackendUrls { metadata, ..BackendUrls::memory() }).await;
    assert!(matches!(error, ConnectError::Open { .. }), "{error:?}");
    assert_eq!(std::fs::read_to_string(path).unwrap(), text);
}

#[cfg(unix)]
#[tokio::test]
async fn the_database_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let backends = connect(&embedded(dir.path())).await.unwrap();
    backends.images.create_upload(sample::upload(1)).await.unwrap();
    let mode = |path: &str| std::fs::metadata(dir.path().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("data"), 0o700);
    for file in
        ["data/demitasse.db", "data/demitasse.db-wal", "data/demitasse.db-shm", "data/demitasse.db.lock"]
    {
        assert_eq!(mode(file), 0o600, "{file}");
    }
    assert_eq!(backends.images.images_after(OwnerId::DEFAULT, None, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_directory_takes_the_prefix_of_a_reverse_proxy_and_no_other_option() {
    let dir = tempfile::tempdir().unwrap();
    let with = |options: &str| BackendUrls {
        storage: format!("file:{}{options}", dir.path().join("blobs").display()),
        ..BackendUrls::memory()
    };
    let key = sample::blob_key(b"abc");
    let backends = working(&with("?accel=/_blobs")).await;
    let Delivery::AccelPath(path) = backends.blobs.delivery(key).await.unwrap() else {
        panic!("not by a proxy")
    };
    assert!(path.starts_with("/_blobs/original/"), "{path}");
    drop(backends);
    assert_eq!(working(&with("")).await.blobs.delivery(key).await.unwrap(), Delivery::Stream);
    for wrong in [
        "?accel=",
        "?accel=blobs",
        "?accel=/",
        "?accel=//x",
        "?accel=/a b",
        "?accel=/a/../b",
        "?acel=/_blobs",
    ] {
        let error = refused(with(wrong)).await;
        assert!(matches!(error, ConnectError::InvalidUrl { port: Port::Storage, .. }), "{wrong}: {error}");
    }
}
