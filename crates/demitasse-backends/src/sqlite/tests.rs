//! What SQLite does beyond the contract: plans, settings, and what its errors mean.

use std::time::Duration;

use demitasse_core::contract::sample;
use demitasse_core::{DeletionStore, ErrorKind, ImageStore, JobQueue, OwnerId, StoreError};
use sqlx::{ConnectOptions, Connection, Row, SqlSafeStr};
use tempfile::TempDir;

use super::*;
use crate::ConnectError;

async fn open() -> (SqliteStore, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("demitasse.db");
    (SqliteStore::open_with(&path, true, Duration::ZERO).await.unwrap(), dir)
}

async fn setting(store: &SqliteStore, pragma: &'static str) -> String {
    let row = sqlx::query(pragma).fetch_one(&store.writer).await.unwrap();
    row.try_get::<i64, _>(0).map_or_else(|_| row.get(0), |number| number.to_string())
}

async fn plan(store: &SqliteStore, sql: String) -> String {
    let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}")).into_sql_str();
    let rows = sqlx::query(explain).fetch_all(&store.readers).await.unwrap();
    rows.iter().map(|row| row.get::<String, _>("detail")).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn commits_are_synced_and_keys_are_checked() {
    let (store, _dir) = open().await;
    assert_eq!(setting(&store, "PRAGMA journal_mode").await, "wal");
    assert_eq!(setting(&store, "PRAGMA synchronous").await, "2", "2 is FULL");
    assert_eq!(setting(&store, "PRAGMA foreign_keys").await, "1");
}

#[tokio::test]
async fn claims_walk_the_queue_in_order_and_never_sort_or_scan_jobs() {
    let (store, _dir) = open().await;
    let plan = plan(&store, queue::CLAIM.replace(" RETURNING job_id, deliveries", "")).await;
    assert!(plan.contains("SEARCH queue_entries USING PRIMARY KEY"), "{plan}");
    assert!(plan.contains("SCAN queue_entries USING INDEX queue_order"), "{plan}");
    assert!(!plan.contains("TEMP B-TREE") && !plan.contains("jobs"), "{plan}");
}

#[tokio::test]
async fn the_sweep_and_the_search_for_equal_work_use_partial_indexes() {
    let (store, _dir) = open().await;
    let sweep = plan(&store, jobs::UNFINISHED.into()).await;
    assert_eq!(sweep, "SEARCH jobs USING INDEX jobs_unfinished (sequence>?)");
    let equal = plan(&store, crate::sql::jobs::VARIANT_FOR.into()).await;
    assert_eq!(equal, "SEARCH jobs USING INDEX jobs_succeeded (request_key=?)");
    let dead = plan(&store, jobs::DEAD_LETTERS.into()).await;
    assert!(dead.starts_with("SEARCH jobs USING INDEX jobs_dead_letters (sequence<?)"), "{dead}");
    assert!(!dead.contains("TEMP B-TREE"), "{dead}");
}

#[tokio::test]
async fn lists_walk_one_owners_images_without_sorting() {
    let (store, _dir) = open().await;
    for sql in [crate::sql::images::AFTER, crate::sql::images::BEFORE] {
        let plan = plan(&store, sql.into()).await;
        assert!(plan.contains("SEARCH images USING INDEX images_of_owner (owner=? AND rowid"), "{plan}");
        assert!(plan.contains("SEARCH jobs USING INTEGER PRIMARY KEY"), "{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{plan}");
    }
}

#[tokio::test]
async fn retention_and_the_sweep_of_blobs_use_their_indexes() {
    let (store, _dir) = open().await;
    let old = plan(&store, crate::sql::deletion::ACCEPTED_BEFORE.into()).await;
    assert_eq!(old, "SEARCH images USING INDEX images_by_age (created_at<?)");
    let named = plan(&store, crate::sql::deletion::NAMED.into()).await;
    assert!(named.contains("SEARCH images USING COVERING INDEX images_of_blob (sha256=?)"), "{named}");
    assert!(named.contains("SEARCH jobs USING COVERING INDEX jobs_of_blob (variant_sha256=?)"), "{named}");
}

/// Steps 1 and 2 were released: a database that they made is brought up to date with what is in it.
#[tokio::test]
async fn images_of_an_older_schema_are_found_named_and_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("demitasse.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let older = SqlitePool::connect_with(options).await.unwrap();
    open::migrator(&open::MIGRATIONS[..2]).run(&older).await.unwrap();
    let (upload, variant) = (sample::upload(1), sample::variant(1));
    let rows = format!(
        "INSERT INTO images (sequence, id, owner, sha256, bytes, media_type, width, height, created_at)
            VALUES (1, '{image}', '{owner}', '{original}', 5, 'image/png', 640, 480, 1);
         INSERT INTO jobs (sequence, id, image_id, owner, state, request, request_key, attempt, max_attempts, report,
            variant_sha256, variant_bytes, variant_media_type, variant_width, variant_height, variant_outcome, created_at,
            updated_at)
            VALUES (1, '{job}', '{image}', '{owner}', 'succeeded', '{{}}', '{key}', 1, 3, '{{}}', '{result}', 4, 'image/webp',
            640, 480, 'compressed', 1, 2)",
        image = upload.image_id,
        owner = upload.owner,
        original = upload.original.sha256,
        job = upload.job_id,
        key = upload.request_key.0,
        result = variant.sha256,
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(rows)).execute(&older).await.unwrap();
    older.close().await;

    let store = SqliteStore::open(&path, true).await.unwrap();
    let found = store.image(OwnerId::DEFAULT, upload.image_id).await.unwrap().unwrap();
    for key in found.blobs() {
        assert!(store.is_named(key).await.unwrap(), "{key}");
    }
    let old = store.accepted_before(sample::time(0), 9).await.unwrap();
    assert_eq!(old, [(OwnerId::DEFAULT, upload.image_id)]);
    assert_eq!(store.delete_image(OwnerId::DEFAULT, upload.image_id).await.unwrap(), Some(found));
    let removals = store.begin_removals(Duration::ZERO, Duration::ZERO, 9).await.unwrap();
    assert_eq!(removals.len(), 2);
}

#[tokio::test]
async fn a_full_database_is_full_and_keeps_no_half_of_an_upload() {
    let (store, _dir) = open().await;
    sqlx::query("PRAGMA max_page_count = 40").execute(&store.writer).await.unwrap();
    let mut accepted = 0;
    let error: StoreError = loop {
        match store.create_upload(sample::upload(accepted)).await {
            Ok(_) => accepted += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind, ErrorKind::Full, "{error:?}");
    let images = store.images_after(OwnerId::DEFAULT, None, usize::MAX).await.unwrap();
    assert_eq!(images.len() as u64, accepted);
    assert_eq!(store.depth().await.unwrap().ready, accepted);
}

#[tokio::test]
async fn a_database_that_someone_else_writes_is_unavailable() {
    let (store, dir) = open().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(dir.path().join("demitasse.db"));
    let mut visitor = options.connect().await.unwrap();
    let writing = visitor.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let error = store.create_upload(sample::upload(1)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable, "{error:?}");
    assert!(store.images_after(OwnerId::DEFAULT, None, 1).await.unwrap().is_empty(), "readers do not wait");
    writing.rollback().await.unwrap();
    store.create_upload(sample::upload(1)).await.unwrap();
}

#[tokio::test]
async fn a_call_that_is_abandoned_leaves_the_writer_to_others() {
    let (store, _dir) = open().await;
    for n in 0..50 {
        // Polled a few times and dropped, at whatever point that is.
        let upload = store.create_upload(sample::upload(n));
        tokio::select! { biased; _ = upload => {}, () = tokio::task::yield_now() => {} }
    }
    store.create_upload(sample::upload(50)).await.unwrap();
    let images = store.images_after(OwnerId::DEFAULT, None, usize::MAX).await.unwrap();
    assert_eq!(store.depth().await.unwrap().ready, images.len() as u64);
}

#[tokio::test]
async fn a_newer_schema_is_refused_with_a_sentence() {
    let (store, dir) = open().await;
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'from the future', TRUE, x'00', 0)",
    )
    .execute(&store.writer)
    .await
    .unwrap();
    drop(store);
    let error = SqliteStore::open(&dir.path().join("demitasse.db"), true).await.err().unwrap();
    assert!(matches!(error, ConnectError::NewerSchema { found: 9999, known: 4, .. }), "{error:?}");
    assert!(error.to_string().contains("has schema 9999, and this version knows schemas up to 4"), "{error}");
}

#[cfg(feature = "disk")]
#[tokio::test]
async fn a_backup_of_a_newer_schema_is_not_put_back() {
    let (store, dir) = open().await;
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (99, 'newer', TRUE, x'00', 0)",
    )
    .execute(&store.writer)
    .await
    .unwrap();
    let urls = |metadata: &std::path::Path, storage| crate::BackendUrls {
        metadata: format!("sqlite:{}", metadata.display()),
        storage: format!("file:{}", dir.path().join(storage).display()),
        ..crate::BackendUrls::memory()
    };
    let (backup, database) = (dir.path().join("backup"), dir.path().join("demitasse.db"));
    crate::backup::backup(&urls(&database, "blobs"), &backup).await.unwrap();
    let new = dir.path().join("new/demitasse.db");
    let error = crate::backup::restore(&backup, &urls(&new, "new/blobs")).await.unwrap_err().to_string();
    assert!(error.contains("has schema 99, and this version knows schemas up to 4"), "{error}");
    assert!(!new.exists());
}

#[tokio::test]
async fn an_unreadable_row_is_invalid_and_names_its_column() {
    let (store, _dir) = open().await;
    store.create_upload(sample::upload(1)).await.unwrap();
    sqlx::query("UPDATE jobs SET request = '{'").execute(&store.writer).await.unwrap();
    let error = store.image(OwnerId::DEFAULT, sample::image_id(1)).await.unwrap_err();
    assert_eq!((error.kind, error.key.as_str()), (ErrorKind::Invalid, "request"));
}

#[tokio::test]
async fn the_check_meets_a_database_that_cannot_be_written() {
    let (store, _dir) = open().await;
    store.check().await.unwrap();
    sqlx::query("PRAGMA query_only = TRUE").execute(&store.writer).await.unwrap();
    assert_eq!(store.check().await.unwrap_err().kind, ErrorKind::Denied);
}

#[tokio::test]
async fn the_pools_say_who_has_the_writer_and_how_many_may_read() {
    let (store, _dir) = open().await;
    // A pool takes a connection back in a task of its own.
    while store.pools().iter().any(|pool| pool.in_use > 0) {
        tokio::task::yield_now().await;
    }
    let [writer, readers] = store.pools()[..] else { panic!("two pools") };
    assert_eq!(writer, PoolUse { pool: "metadata_writer", in_use: 0, idle: 1, max: 1 });
    assert_eq!(readers, PoolUse { pool: "metadata_readers", in_use: 0, idle: 1, max: 4 });
    let held = store.writer.acquire().await.unwrap();
    assert_eq!(store.pools(), [PoolUse { in_use: 1, idle: 0, ..writer }, readers]);
    held.close().await.unwrap();
    assert_eq!(store.pools(), [PoolUse { in_use: 0, idle: 0, ..writer }, readers]);
}

#[tokio::test]
async fn a_broken_page_is_damage_and_the_check_says_so_once_it_was_met() {
    let (store, dir) = open().await;
    store.create_upload(sample::upload(1)).await.unwrap();
    let root = "SELECT rootpage FROM sqlite_schema WHERE name = 'images'";
    let root: i64 = sqlx::query(root).fetch_one(&store.writer).await.unwrap().get(0);
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&store.writer).await.unwrap();
    store.writer.close().await;
    store.readers.close().await;
    drop(store);
    let path = dir.path().join("demitasse.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let page = 4096 * (usize::try_from(root).unwrap() - 1);
    bytes[page..page + 4096].fill(0xff);
    std::fs::write(&path, bytes).unwrap();

    let store = SqliteStore::open(&path, true).await.unwrap();
    store.check().await.unwrap();
    assert_eq!(store.examine().await.unwrap_err().kind, ErrorKind::Damaged);
    let store = {
        drop(store);
        SqliteStore::open(&path, true).await.unwrap()
    };
    let error = store.image(OwnerId::DEFAULT, sample::image_id(1)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Damaged, "{error:?}");
    assert_eq!(store.check().await.unwrap_err().kind, ErrorKind::Damaged);
    let error = store.create_upload(sample::upload(2)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Damaged, "{error:?}");
}
