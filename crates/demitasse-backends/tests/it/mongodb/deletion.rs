use std::time::Duration;

use demitasse_backends::mongodb::MongoStore;
use demitasse_core::contract::sample;
use demitasse_core::{
    BlobKey, BlobKind, DeletionStore, ImageId, ImageStore, JobId, JobStore, OwnerId, SharedRows,
};
use mongodb::Collection;
use mongodb::bson::{Document, doc};

use super::original::{Written, write};
use super::{Own, apply, oid, own_store, start, succeed};

impl Own {
    async fn has_image(&self, id: ImageId) -> bool {
        self.images().find_one(doc! { "_id": oid(id) }).await.unwrap().is_some()
    }

    async fn has_task(&self, id: JobId) -> bool {
        self.tasks().find_one(doc! { "_id": oid(id) }).await.unwrap().is_some()
    }

    fn deletions(&self) -> Collection<Document> {
        self.database.collection("demitasse_deletions")
    }

    /// As if what is written there had been written long ago.
    async fn age_deletions(&self) {
        self.deletions().update_many(doc! {}, doc! { "$set": { "at": 0_i64 } }).await.unwrap();
    }
}

async fn delete(store: &MongoStore, image: ImageId) -> bool {
    store.delete_image(OwnerId::DEFAULT, image).await.unwrap().is_some()
}

/// The blobs that are taken off the list.
async fn sweep(store: &MongoStore) -> Vec<BlobKey> {
    let begun = store.begin_removals(Duration::ZERO, Duration::from_secs(3600), 9).await.unwrap();
    begun.into_iter().map(|removal| removal.key).collect()
}

fn original(n: u64) -> BlobKey {
    BlobKey { kind: BlobKind::Original, sha256: sample::upload(n).original.sha256 }
}

fn result(n: u64) -> BlobKey {
    BlobKey { kind: BlobKind::Variant, sha256: sample::variant(n).sha256 }
}

/// What was decided before a crash: the first write of a deletion.
async fn decide(own: &Own, n: u64, blobs: &[BlobKey]) {
    let blobs: Vec<_> = blobs.iter().map(ToString::to_string).collect();
    let intent = doc! {
        "_id": oid(sample::job_id(n)), "image": oid(sample::image_id(n)), "blobs": blobs, "done": false, "at": 0_i64,
    };
    own.deletions().insert_one(intent).await.unwrap();
}

#[tokio::test]
async fn a_deleted_image_leaves_nothing_in_the_originals_collections() {
    let (store, own) = own_store().await;
    for n in [1, 2] {
        store.create_upload(sample::upload(n)).await.unwrap();
    }
    assert!(delete(&store, sample::image_id(1)).await);
    assert!(!own.has_image(sample::image_id(1)).await && !own.has_task(sample::job_id(1)).await);
    assert!(own.has_image(sample::image_id(2)).await && own.has_task(sample::job_id(2)).await);
    // Not even later.
    store.unfinished(None, 9).await.unwrap();
    store.adopt(9).await.unwrap();
    assert!(!own.has_image(sample::image_id(1)).await);
}

#[tokio::test]
async fn a_deletion_that_was_only_decided_is_carried_out_by_the_sweep() {
    let (store, own) = own_store().await;
    store.create_upload(sample::upload(1)).await.unwrap();
    decide(&own, 1, &[original(1)]).await;
    assert_eq!(sweep(&store).await, [original(1)]);
    assert!(!own.has_image(sample::image_id(1)).await && !own.has_task(sample::job_id(1)).await);
    assert_eq!(store.images_after(OwnerId::DEFAULT, None, 9).await.unwrap(), []);
}

#[tokio::test]
async fn a_deletion_that_was_cut_off_after_its_task_lists_the_blobs_and_hides_the_image() {
    let (store, own) = own_store().await;
    let created = store.create_upload(sample::upload(1)).await.unwrap();
    apply(&store, created.job.id, start()).await.unwrap();
    apply(&store, created.job.id, succeed()).await.unwrap();
    own.tasks().delete_one(doc! { "_id": oid(sample::job_id(1)) }).await.unwrap();
    decide(&own, 1, &[original(1), result(1)]).await;
    assert!(own.has_image(sample::image_id(1)).await);
    let mut swept = sweep(&store).await;
    swept.sort_by_key(ToString::to_string);
    assert_eq!(swept, [original(1), result(1)]);
    assert!(!own.has_image(sample::image_id(1)).await);
}

#[tokio::test]
async fn a_mirror_that_comes_late_is_deleted_with_it_and_the_intent_is_forgotten() {
    let (store, own) = own_store().await;
    store.create_upload(sample::upload(1)).await.unwrap();
    let image = own.image(sample::image_id(1)).await;
    assert!(delete(&store, sample::image_id(1)).await);
    own.images().insert_one(image).await.unwrap();
    sweep(&store).await;
    assert_eq!(own.deletions().count_documents(doc! {}).await.unwrap(), 1, "it is young");
    own.age_deletions().await;
    sweep(&store).await;
    assert!(!own.has_image(sample::image_id(1)).await);
    assert_eq!(own.deletions().count_documents(doc! {}).await.unwrap(), 0);
}

#[tokio::test]
async fn a_task_that_the_originals_worker_may_have_is_given_back_without_anything_of_ours() {
    let (store, own) = own_store().await;
    store.create_upload(sample::upload(1)).await.unwrap();
    assert!(store.lend(sample::job_id(1), sample::time(1_000_000), true).await.unwrap().is_some());
    assert!(delete(&store, sample::image_id(1)).await);
    assert!(!own.has_image(sample::image_id(1)).await);
    let task = own.task(sample::job_id(1)).await;
    assert_eq!((task.get_str("status").unwrap(), task.get("demitasse")), ("pending", None));
    assert_eq!(store.job(sample::job_id(1)).await.unwrap(), None);
    // Its worker's update finds the task; nothing of ours takes it in again.
    own.change_task(sample::job_id(1), doc! { "$set": { "status": "completed" } }).await;
    assert_eq!(store.adopt(9).await.unwrap(), []);
    assert_eq!(store.adopt_one(sample::image_id(1), sample::job_id(1)).await.unwrap(), None);
    assert_eq!(store.end_elsewhere(sample::job_id(1), None, sample::time(1)).await.unwrap(), None);
}

#[tokio::test]
async fn what_the_original_wrote_is_deleted_and_not_taken_in_again() {
    let (store, own) = own_store().await;
    let Written { image, job, .. } =
        write(&own, 1, "completed", Some("https://cdn.example/c.jpg".into())).await;
    assert_eq!(store.adopt(9).await.unwrap().len(), 1);
    // As a crash leaves it: taken in, and the image not marked.
    own.change_image(image, doc! { "$unset": { "demitasse": "" } }).await;
    assert!(delete(&store, image).await);
    assert!(!own.has_image(image).await && !own.has_task(job).await);
    assert_eq!(store.adopt(9).await.unwrap(), []);
    assert_eq!(sweep(&store).await, [], "its bytes are not ours");
}
