use std::net::TcpListener;

use demitasse_backends::{BackendUrls, ConnectError, connect};
use demitasse_core::OwnerId;
use demitasse_core::contract::sample;
use futures_util::future::join_all;

use super::Own;

async fn refused(metadata: String) -> ConnectError {
    connect(&BackendUrls { metadata, ..BackendUrls::memory() }).await.err().unwrap()
}

#[tokio::test]
async fn the_metadata_uri_picks_mongodb_for_several_processes() {
    let own = Own::new().await;
    let urls = BackendUrls { metadata: own.uri.clone(), ..BackendUrls::memory() };
    let (api, worker) = (connect(&urls).await.unwrap(), connect(&urls).await.unwrap());
    for port in api.check().await {
        assert!(port.error.is_none(), "{port:?}");
    }
    assert!(api.upload_enqueues && !api.exclusive && api.shared.is_some());
    assert!(api.description.starts_with("metadata mongodb://"), "{}", api.description);
    let created = api.images.create_upload(sample::upload(1)).await.unwrap();
    assert_eq!(worker.jobs.job(created.job.id).await.unwrap(), Some(created));
    assert_eq!(worker.queue.depth().await.unwrap().ready, 1);
}

#[tokio::test]
async fn a_queue_of_its_own_is_filled_by_the_caller() {
    let own = Own::new().await;
    let urls = BackendUrls { metadata: own.uri.clone(), queue: "memory:".into(), ..BackendUrls::memory() };
    let backends = connect(&urls).await.unwrap();
    backends.images.create_upload(sample::upload(1)).await.unwrap();
    let entries = own.database.collection::<mongodb::bson::Document>("demitasse_queue");
    assert_eq!(entries.count_documents(mongodb::bson::doc! {}).await.unwrap(), 0);
}

#[tokio::test]
async fn the_pool_follows_calls_that_run_and_calls_that_are_dropped() {
    let own = Own::new().await;
    let joint = if own.uri.ends_with('?') { "" } else { "&" };
    let metadata = format!("{}{joint}maxPoolSize=3", own.uri);
    let backends = connect(&BackendUrls { metadata, ..BackendUrls::memory() }).await.unwrap();
    let now = || backends.pools.pools()[0];
    let quiet = async || {
        while now().in_use > 0 {
            tokio::task::yield_now().await
        }
    };
    quiet().await;
    assert_eq!((now().pool, now().max), ("metadata", 3));
    assert!((1..=3).contains(&now().idle), "{:?}", now());

    let mut most = 0;
    let calls = join_all((0..12).map(|_| backends.queue.depth()));
    tokio::pin!(calls);
    let done = loop {
        tokio::select! {
            biased;
            done = &mut calls => break done,
            () = tokio::task::yield_now() => most = most.max(now().in_use),
        }
        assert!(now().in_use + now().idle <= 3, "{:?}", now());
    };
    assert!(done.iter().all(Result::is_ok), "{done:?}");
    assert_eq!(most, 3, "more calls than connections");
    // Dropped on their way, at whatever point that is.
    for polls in 0..40 {
        let call = backends.queue.depth();
        let polled = async {
            for _ in 0..polls {
                tokio::task::yield_now().await
            }
        };
        tokio::select! { biased; _ = call => {}, () = polled => {} }
    }
    backends.queue.depth().await.unwrap();
    quiet().await;
    assert!((1..=3).contains(&now().idle), "{:?}", now());
}

#[tokio::test]
async fn several_processes_may_make_the_indexes_at_once() {
    let own = Own::new().await;
    let stores = join_all((0..3).map(|_| own.open())).await;
    for (n, store) in (0..).zip(&stores) {
        use demitasse_core::ImageStore;
        store.create_upload(sample::upload(n)).await.unwrap();
        assert_eq!(store.images_after(OwnerId::DEFAULT, None, 9).await.unwrap().len(), n as usize + 1);
    }
}

#[tokio::test]
async fn what_cannot_be_reached_is_named_without_its_password() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error =
        refused(format!("mongodb://scott:tiger@127.0.0.1:{port}/shop?serverSelectionTimeoutMS=200")).await;
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
    let sentence = format!("the metadata cannot be reached at mongodb://127.0.0.1:{port}/shop: ");
    assert!(error.to_string().starts_with(&sentence), "{error}");
    assert!(!format!("{error} {error:?}").contains("tiger"), "{error:?}");
}

#[tokio::test]
async fn a_uri_that_cannot_be_read_is_refused_without_repeating_it() {
    for uri in [
        "mongodb:",
        "mongodb://",
        "mongodb://scott:ti@ger@host",
        "mongodb://scott:ti%ger@host",
        "mongodb://scott:tiger@host:99999",
        "mongodb://host/?retryWrites=tiger",
    ] {
        let error = refused(uri.into()).await;
        assert!(matches!(error, ConnectError::InvalidUrl { .. }), "{uri}: {error:?}");
        assert!(!format!("{error} {error:?}").contains("ger@"), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("tiger"), "{error:?}");
    }
}
