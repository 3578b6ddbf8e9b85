//! `TEST_MONGODB_URI` names the server. `scripts/services.sh` starts one that speaks MongoDB's wire protocol and is no mongod.

use std::sync::Arc;
use std::time::Duration;

use demitasse_backends::AdoptDefaults;
use demitasse_backends::memory::MemoryBlobs;
use demitasse_backends::mongodb::{Links, MongoStore};
use demitasse_core::contract::sample;
use demitasse_core::{Clock, Document as Json, ImageId, JobId, JobStore, SystemClock, Transition};
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Document, doc};
use mongodb::{Client, Collection, Database};

use crate::services::required;

/// Which URI gives which store, and what a refused one says.
mod connect;

/// Deletions: what a crash between two writes leaves, and tasks that the original's worker may have.
mod deletion;

/// Rows that the original service wrote, and ours as it reads them.
mod original;

/// States that a crash between two writes leaves.
mod tears;

/// A database that no other test has, and the URI that names it.
pub(crate) struct Own {
    uri: String,
    pub(crate) database: Database,
}

impl Own {
    pub(crate) async fn new() -> Self {
        let server = required("TEST_MONGODB_URI");
        let (server, options) = server.split_once('?').unwrap_or((&server, ""));
        let name = format!("demitasse-test-{}", ImageId::generate(SystemClock.now()).unwrap());
        let uri = format!("{}/{name}?{options}", server.trim_end_matches('/'));
        let database = Client::with_uri_str(&uri).await.unwrap().database(&name);
        Self { uri, database }
    }

    pub(crate) async fn open(&self) -> MongoStore {
        MongoStore::open(&self.uri, links(), adopt_defaults(), true).await.unwrap()
    }

    fn tasks(&self) -> Collection<Document> {
        self.database.collection("compressingtasks")
    }

    fn images(&self) -> Collection<Document> {
        self.database.collection("imagemetadatas")
    }

    async fn image(&self, id: ImageId) -> Document {
        self.images().find_one(doc! { "_id": oid(id) }).await.unwrap().unwrap()
    }

    pub(crate) async fn task(&self, id: JobId) -> Document {
        self.tasks().find_one(doc! { "_id": oid(id) }).await.unwrap().unwrap()
    }

    pub(crate) async fn change_task(&self, id: JobId, change: Document) {
        let done = self.tasks().update_one(doc! { "_id": oid(id) }, change).await.unwrap();
        assert_eq!(done.matched_count, 1);
    }

    async fn change_image(&self, id: ImageId, change: Document) {
        let done = self.images().update_one(doc! { "_id": oid(id) }, change).await.unwrap();
        assert_eq!(done.matched_count, 1);
    }
}

/// A server of one's own choice is left as it was found.
impl Drop for Own {
    fn drop(&mut self) {
        let (uri, name) = (self.uri.clone(), self.database.name().to_owned());
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let client = Client::with_uri_str(&uri).await.unwrap();
                client.database(&name).drop().await.ok();
            });
        });
        dropping.join().ok();
    }
}

fn links() -> Links {
    Links { blobs: Arc::new(MemoryBlobs::default()), public_url: Some("https://img.example/".into()) }
}

fn adopt_defaults() -> AdoptDefaults {
    AdoptDefaults {
        request: Json(serde_json::json!({ "version": 1, "adopted": true })),
        max_attempts: 5,
        patience: Duration::from_secs(600),
    }
}

/// An id as MongoDB has it.
fn oid(id: impl std::fmt::Display) -> ObjectId {
    ObjectId::parse_str(id.to_string()).unwrap()
}

async fn own_store() -> (Arc<MongoStore>, Own) {
    let own = Own::new().await;
    (Arc::new(own.open().await), own)
}

async fn apply(store: &MongoStore, id: JobId, transition: Transition) -> Option<demitasse_core::Job> {
    store.transition(id, transition, sample::time(60)).await.unwrap()
}

fn start() -> Transition {
    Transition::Start { lease: sample::lease(1), over: None }
}

fn succeed() -> Transition {
    Transition::Succeed {
        lease: sample::lease(1),
        variant: Box::new(sample::variant(1)),
        announce_until: None,
    }
}

mod images_suite {
    demitasse_core::image_store_contract!(super::own_store);
}

mod jobs_suite {
    demitasse_core::job_store_contract!(super::own_store);
}

mod deletions_suite {
    demitasse_core::deletion_store_contract!(super::own_store);
}

mod queue_suite {
    demitasse_core::job_queue_contract!(super::own_store);
}

mod subscriptions_suite {
    demitasse_core::subscription_store_contract!(super::own_store);
}

mod settings_suite {
    demitasse_core::setting_store_contract!(super::own_store);
}
