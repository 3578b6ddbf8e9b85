use demitasse_core::contract::sample;
use demitasse_core::{ErrorKind, JobStore, OwnerId};
use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, doc};
use serde_json::{Map, Value, json};

use super::{Ports, assert_covers, assert_reads_and_goes_on, fixture};
use crate::mongodb::Own;

/// Every collection but the health check's.
const COLLECTIONS: [&str; 6] = [
    "compressingtasks",
    "imagemetadatas",
    "demitasse_queue",
    "demitasse_counters",
    "demitasse_subscriptions",
    "demitasse_settings",
];

/// As MongoDB's extended JSON, which keeps the types of numbers.
fn to_json(value: &Bson) -> Value {
    match value {
        Bson::Document(document) => {
            document.iter().map(|(name, value)| (name.clone(), to_json(value))).collect::<Map<_, _>>().into()
        }
        Bson::Array(values) => values.iter().map(to_json).collect::<Vec<_>>().into(),
        Bson::Int64(number) => json!({ "$numberLong": number.to_string() }),
        other => serde_json::to_value(other).unwrap(),
    }
}

/// Every document, without the time at which it was put into the queue.
async fn written(own: &Own) -> Value {
    let mut collections = Map::new();
    for name in COLLECTIONS {
        let collection = own.database.collection::<Document>(name);
        let found = collection.find(doc! {}).sort(doc! { "_id": 1 }).await.unwrap();
        let mut documents: Vec<Document> = found.try_collect().await.unwrap();
        if name == "demitasse_queue" {
            documents.iter_mut().for_each(|entry| drop(entry.insert("at", 0_i64)));
        }
        let documents: Vec<_> = documents.into_iter().map(|document| to_json(&document.into())).collect();
        collections.insert(name.into(), documents.into());
    }
    collections.into()
}

/// A database as the version before left it, with `change` made to each task's part of ours.
async fn left_behind(before: &Value, change: impl Fn(&mut Document)) -> Own {
    let own = Own::new().await;
    for name in COLLECTIONS {
        let mut documents: Vec<Document> = serde_json::from_value(before[name].clone()).unwrap();
        if name == "compressingtasks" {
            documents.iter_mut().for_each(|task| change(task.get_document_mut("demitasse").unwrap()));
        }
        own.database.collection::<Document>(name).insert_many(documents).await.unwrap();
    }
    own
}

async fn recorded() -> Value {
    let own = Own::new().await;
    Ports::of(&own.open().await).write().await;
    let written = written(&own).await;
    let before = fixture("mongodb.json", &written);
    assert_covers(&written, &before, "");
    before
}

#[tokio::test]
async fn documents_have_what_the_version_before_wrote_and_its_documents_are_read() {
    let own = left_behind(&recorded().await, |_| {}).await;
    assert_reads_and_goes_on(Ports::of(&own.open().await)).await;
}

#[tokio::test]
async fn fields_of_a_newer_version_are_passed_over_and_kept() {
    let news = || doc! { "of": "the next version" };
    let own = left_behind(&recorded().await, |ours| drop(ours.insert("news", news()))).await;
    assert_reads_and_goes_on(Ports::of(&own.open().await)).await;
    for n in 1..=7 {
        let task = own.task(sample::job_id(n)).await;
        assert_eq!(task.get_document("demitasse").unwrap().get_document("news").unwrap(), &news(), "{n}");
    }
}

#[tokio::test]
async fn a_state_that_is_not_known_is_refused() {
    let own = left_behind(&recorded().await, |_| {}).await;
    let store = own.open().await;
    own.change_task(sample::job_id(6), doc! { "$set": { "demitasse.state": "paused" } }).await;
    assert_eq!(store.job(sample::job_id(6)).await.unwrap_err().kind, ErrorKind::Invalid);
    let list = demitasse_core::ImageStore::images_after(&store, OwnerId::DEFAULT, None, 9).await;
    assert_eq!(list.unwrap_err().kind, ErrorKind::Invalid);
    // It is not open, and the sweep reads what is open.
    assert_eq!(store.unfinished(None, 9).await.unwrap().len(), 3);
}
