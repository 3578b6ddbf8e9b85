use demitasse_core::contract::sample;
use demitasse_core::{
    ErrorKind, ImageStore, JobQueue, JobState, JobStore, NewUpload, OwnerId, SharedRows, Ticket,
};
use mongodb::bson::{Bson, doc};

use super::original::{Written, write};
use super::{Own, apply, oid, own_store, start, succeed};

async fn mirror(own: &Own, n: u64) -> Option<Bson> {
    own.task(sample::job_id(n)).await.get_document("demitasse").unwrap().get("mirror").cloned()
}

#[tokio::test]
async fn an_upload_is_in_step_when_it_returns_and_its_flag_is_dropped_later() {
    let (store, own) = own_store().await;
    let created = store.create_upload(sample::upload(1)).await.unwrap();
    own.image(created.image.id).await;
    let changed = doc! { "$set": { "imageUrl": "as somebody else wrote it" } };
    own.change_image(created.image.id, changed).await;
    store.unfinished(None, 9).await.unwrap();
    assert_eq!(mirror(&own, 1).await, None);
    // The mirror was written once: the flag alone is dropped.
    let image = own.image(created.image.id).await;
    assert_eq!(image.get_str("imageUrl").unwrap(), "as somebody else wrote it");
}

#[tokio::test]
async fn flags_do_not_wait_for_a_sweep_where_there_are_many() {
    let (store, own) = own_store().await;
    for n in 1..=40 {
        store.create_upload(sample::upload(n)).await.unwrap();
    }
    assert_eq!(mirror(&own, 1).await, None);
    assert!(mirror(&own, 40).await.is_some());
}

#[tokio::test]
async fn an_upload_whose_image_was_not_written_exists_and_is_completed_by_the_sweep() {
    let (store, own) = own_store().await;
    let created = store.create_upload(sample::upload(1)).await.unwrap();
    let written = own.image(created.image.id).await;
    // As a crash after the second write leaves it.
    own.images().delete_one(doc! { "_id": oid(created.image.id) }).await.unwrap();
    own.change_task(created.job.id, doc! { "$set": { "demitasse.mirror": "upload" } }).await;
    let store = own.open().await;

    assert_eq!(store.image(OwnerId::DEFAULT, created.image.id).await.unwrap().as_ref(), Some(&created));
    assert_eq!(store.unfinished(None, 9).await.unwrap().first(), Some(&created.job));
    assert_eq!(own.image(created.image.id).await, written);
    assert_eq!(mirror(&own, 1).await, None);
    // A page further on does not look again.
    own.change_task(created.job.id, doc! { "$set": { "demitasse.mirror": "upload" } }).await;
    store.unfinished(Some(created.job.sequence), 9).await.unwrap();
    assert!(mirror(&own, 1).await.is_some());
}

#[tokio::test]
async fn a_number_that_nothing_has_is_passed_over() {
    let (store, own) = own_store().await;
    let first = store.create_upload(sample::upload(1)).await.unwrap();
    // As a crash after the first write leaves it.
    let counters = own.database.collection::<mongodb::bson::Document>("demitasse_counters");
    counters.update_one(doc! {}, doc! { "$inc": { "last": 1_i64 } }).await.unwrap();
    let second = store.create_upload(sample::upload(2)).await.unwrap();
    assert_eq!(second.job.sequence.0, first.job.sequence.0 + 2);
    let page = store.images_after(OwnerId::DEFAULT, Some(first.job.sequence), 9).await.unwrap();
    assert_eq!(page, [second]);
}

#[tokio::test]
async fn a_job_that_was_not_enqueued_is_found_by_the_sweep() {
    let (store, own) = own_store().await;
    let created = store.create_upload(sample::upload(1)).await.unwrap();
    let entries = own.database.collection::<mongodb::bson::Document>("demitasse_queue");
    assert_eq!(entries.delete_many(doc! {}).await.unwrap().deleted_count, 1);
    for job in store.unfinished(None, 9).await.unwrap() {
        store.enqueue(Ticket::from(&job)).await.unwrap();
    }
    let claim = store.claim("tester", std::time::Duration::from_secs(60)).await.unwrap().unwrap();
    assert_eq!(claim.job_id, created.job.id);
}

#[tokio::test]
async fn a_result_that_the_image_does_not_show_is_completed_by_the_sweep() {
    let (store, own) = own_store().await;
    let created = store.create_upload(sample::upload(1)).await.unwrap();
    apply(&store, created.job.id, start()).await.unwrap();
    apply(&store, created.job.id, succeed()).await.unwrap();
    let written = own.image(created.image.id).await;
    let url = written.get_str("compressedUrl").unwrap();
    assert!(url.starts_with("https://img.example/i/") && url.ends_with("/variant/cup%201.webp"), "{url}");
    // As a crash after the first write leaves it.
    own.change_image(created.image.id, doc! { "$set": { "compressedUrl": Bson::Null } }).await;
    own.change_task(created.job.id, doc! { "$set": { "demitasse.mirror": "result" } }).await;
    let store = own.open().await;
    let seen = store.image(OwnerId::DEFAULT, created.image.id).await.unwrap().unwrap();
    assert_eq!(seen.job.state, JobState::Succeeded);
    store.unfinished(None, 9).await.unwrap();
    assert_eq!(own.image(created.image.id).await, written);
    assert_eq!(mirror(&own, 1).await, None);
}

#[tokio::test]
async fn an_adoption_that_did_not_reach_the_image_is_completed_with_the_same_number() {
    let (store, own) = own_store().await;
    let Written { image, .. } = write(&own, 1, "pending", None).await;
    let taken = store.adopt(9).await.unwrap();
    assert_eq!(taken.len(), 1);
    own.change_image(image, doc! { "$unset": { "demitasse": "" } }).await;
    assert_eq!(store.adopt(9).await.unwrap(), taken);
    assert_eq!(store.adopt(9).await.unwrap(), []);
}

#[tokio::test]
async fn an_attached_original_that_the_image_does_not_show_is_completed_by_the_sweep() {
    let (store, own) = own_store().await;
    let Written { image, job, url } = write(&own, 1, "pending", None).await;
    store.adopt(9).await.unwrap();
    store.attach_original(image, sample::upload(1).original, sample::request_key(1)).await.unwrap();
    own.change_image(image, doc! { "$set": { "imageUrl": url } }).await;
    own.change_task(job, doc! { "$set": { "demitasse.mirror": "original" } }).await;
    let store = own.open().await;
    store.unfinished(None, 9).await.unwrap();
    assert!(own.image(image).await.get_str("imageUrl").unwrap().starts_with("https://img.example/i/"));
}

#[tokio::test]
async fn an_id_that_the_original_gave_to_an_image_is_a_conflict_that_leaves_nothing() {
    let (store, own) = own_store().await;
    let Written { image, .. } = write(&own, 1, "pending", None).await;
    let untouched = own.image(image).await;
    let new = NewUpload { image_id: image, ..sample::upload(7) };
    assert_eq!(store.create_upload(new).await.unwrap_err().kind, ErrorKind::Conflict);
    assert_eq!(own.image(image).await, untouched);
    assert_eq!(store.job(sample::job_id(7)).await.unwrap(), None);
}
