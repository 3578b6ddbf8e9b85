use std::sync::Arc;

use demitasse_backends::disk::DiskBlobs;
use demitasse_backends::memory::{MemoryBlobs, MemoryEvents, MemoryStore};
use demitasse_backends::sqlite::SqliteStore;
use demitasse_core::{ManualClock, contract::sample};
use tempfile::TempDir;

/// A clock that stands still: nothing in a suite may depend on time passing.
async fn memory() -> (Arc<MemoryStore>, ()) {
    let clock = Arc::new(ManualClock::new(sample::time(0)));
    (Arc::new(MemoryStore::new(clock, true)), ())
}

async fn sqlite() -> (Arc<SqliteStore>, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("demitasse.db"), true).await.unwrap();
    (Arc::new(store), dir)
}

async fn memory_blobs() -> (Arc<MemoryBlobs>, ()) {
    (Arc::default(), ())
}

async fn disk() -> (Arc<DiskBlobs>, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    (Arc::new(DiskBlobs::open(dir.path()).unwrap()), dir)
}

async fn memory_events() -> (Arc<MemoryEvents>, ()) {
    (Arc::default(), ())
}

mod memory_images {
    demitasse_core::image_store_contract!(super::memory);
}

mod memory_jobs {
    demitasse_core::job_store_contract!(super::memory);
}

mod memory_deletions {
    demitasse_core::deletion_store_contract!(super::memory);
}

mod memory_subscriptions {
    demitasse_core::subscription_store_contract!(super::memory);
}

mod memory_settings {
    demitasse_core::setting_store_contract!(super::memory);
}

mod memory_queue {
    demitasse_core::job_queue_contract!(super::memory);
}

mod memory_blob_store {
    demitasse_core::blob_store_contract!(super::memory_blobs);
}

mod memory_event_bus {
    demitasse_core::event_bus_contract!(super::memory_events);
}

mod sqlite_images {
    demitasse_core::image_store_contract!(super::sqlite);
}

mod sqlite_jobs {
    demitasse_core::job_store_contract!(super::sqlite);
}

mod sqlite_deletions {
    demitasse_core::deletion_store_contract!(super::sqlite);
}

mod sqlite_subscriptions {
    demitasse_core::subscription_store_contract!(super::sqlite);
}

mod sqlite_settings {
    demitasse_core::setting_store_contract!(super::sqlite);
}

mod sqlite_queue {
    demitasse_core::job_queue_contract!(super::sqlite);
}

mod disk_blob_store {
    demitasse_core::blob_store_contract!(super::disk);
}
