use std::net::TcpListener;

use demitasse_backends::postgres::PostgresStore;
use demitasse_backends::{BackendUrls, Check, ConnectError, connect};
use demitasse_core::contract::sample;
use demitasse_core::{ErrorKind, OwnerId};

use super::Schema;

async fn refused(url: &str) -> ConnectError {
    PostgresStore::connect(url, true).await.err().unwrap()
}

#[tokio::test]
async fn the_url_of_the_metadata_picks_postgres_for_many_processes() {
    let schema = Schema::new().await;
    let urls = BackendUrls { metadata: schema.url(), ..BackendUrls::memory() };
    let (api, worker) = (connect(&urls).await.unwrap(), connect(&urls).await.unwrap());
    for port in api.check().await {
        assert!(port.error.is_none(), "{port:?}");
    }
    assert!(api.upload_enqueues && !api.exclusive);
    api.images.create_upload(sample::upload(1)).await.unwrap();
    assert_eq!(worker.queue.depth().await.unwrap().ready, 1);
    assert_eq!(worker.images.images_after(OwnerId::DEFAULT, None, 9).await.unwrap().len(), 1);
    let elsewhere = BackendUrls { queue: "memory:".into(), ..urls };
    let beside = connect(&elsewhere).await.unwrap();
    beside.images.create_upload(sample::upload(2)).await.unwrap();
    assert_eq!(worker.queue.depth().await.unwrap().ready, 1, "its queue is elsewhere");
}

#[tokio::test]
async fn what_cannot_be_reached_is_named_without_its_password() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = refused(&format!("postgres://scott:tiger@127.0.0.1:{port}/cups")).await;
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
    let sentence = format!("the metadata cannot be reached at postgres://127.0.0.1:{port}/cups: ");
    assert!(error.to_string().starts_with(&sentence), "{error}");
    assert!(!format!("{error} {error:?}").contains("tiger"), "{error:?}");
}

#[tokio::test]
async fn tls_to_a_server_that_has_none_is_refused() {
    let schema = Schema::new().await;
    let error = refused(&format!("{}&sslmode=require", schema.url())).await;
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn a_schema_that_does_not_exist_is_said() {
    let schema = Schema::new().await;
    let error = refused(&schema.url().replace("search_path]=", "search_path]=no_")).await;
    assert!(error.to_string().contains("no schema of its `search_path` exists"), "{error}");
}

#[tokio::test]
async fn a_newer_schema_is_taken_unless_it_says_otherwise() {
    let schema = Schema::new().await;
    let old = schema.open().await;
    schema
        .execute(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (9999, 'from the future', TRUE, '\\x00', 0)",
        )
        .await;
    schema.open().await.check().await.unwrap();
    schema.execute("UPDATE schema_version SET oldest_compatible = 9999").await;
    let error = refused(&schema.url()).await;
    assert!(matches!(error, ConnectError::NewerSchema { found: 9999, known: 3, .. }), "{error:?}");
    assert!(error.to_string().contains("has schema 9999, and this version knows schemas up to 3"), "{error}");
    let error = old.check().await.unwrap_err();
    assert_eq!((error.kind, error.key.as_str()), (ErrorKind::Invalid, "schema_version"));
}
