use std::time::Duration;

use demitasse_backends::mongodb::MongoStore;
use demitasse_core::contract::sample;
use demitasse_core::{
    Document as Json, ImageId, ImageStore, JobId, JobState, JobStore, NewUpload, Original, OwnerId,
    SharedRows, Transition, Upload, Variant,
};
use jiff::Timestamp;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, DateTime, doc};

use super::{Own, adopt_defaults, apply, oid, own_store, start, succeed};

/// What [`write`] wrote.
pub(super) struct Written {
    pub(super) image: ImageId,
    pub(super) job: JobId,
    pub(super) url: String,
}

fn date(seconds: i64) -> DateTime {
    DateTime::from_millis(1_700_000_000_000 + seconds * 1000)
}

fn compressed(n: u8) -> String {
    format!("https://res.cloudinary.com/demo/image/upload/v1/compressed_images/{n}.jpg")
}

/// The `n`th image of some past time.
fn image_id(n: u8) -> ObjectId {
    ObjectId::from_parts(1_700_000_000 + u32::from(n), [1; 5], [0, 0, n])
}

async fn write_image(own: &Own, id: ObjectId, n: u8, compressed_url: Option<String>) -> String {
    let url = format!("https://res.cloudinary.com/demo/image/upload/v1/images/{n}.png");
    let image = doc! {
        "_id": id, "imageUrl": &url, "compressedUrl": compressed_url,
        "createdAt": date(n.into()), "updatedAt": date(n.into()), "__v": 0,
    };
    own.images().insert_one(image).await.unwrap();
    url
}

async fn write_task(own: &Own, n: u8, image: impl Into<Bson>, status: &str) -> JobId {
    // Another order than the images'.
    let id = ObjectId::from_parts(1_700_009_000 - u32::from(n), [2; 5], [0, 0, n]);
    let task = doc! {
        "_id": id, "imageId": image, "status": status,
        "createdAt": date(i64::from(n) + 1), "updatedAt": date(i64::from(n) + 2), "__v": 0,
    };
    own.tasks().insert_one(task).await.unwrap();
    id.to_hex().parse().unwrap()
}

/// Writes an image and its task with exactly the fields that Mongoose writes.
pub(super) async fn write(own: &Own, n: u8, status: &str, compressed_url: Option<String>) -> Written {
    let image = image_id(n);
    let url = write_image(own, image, n, compressed_url).await;
    let job = write_task(own, n, image, status).await;
    Written { image: image.to_hex().parse().unwrap(), job, url }
}

async fn job(store: &MongoStore, id: JobId) -> demitasse_core::Job {
    store.job(id).await.unwrap().unwrap().job
}

fn states(uploads: &[Upload]) -> Vec<JobState> {
    uploads.iter().map(|upload| upload.job.state).collect()
}

#[tokio::test]
async fn rows_are_taken_in_by_the_images_order_with_what_their_status_says() {
    let (store, own) = own_store().await;
    let third = write(&own, 3, "failed", None).await;
    let first = write(&own, 1, "pending", None).await;
    let second = write(&own, 2, "completed", Some(compressed(2))).await;
    write(&own, 4, "completed_with_errors", Some(compressed(4))).await;
    assert_eq!(
        store.images_after(OwnerId::DEFAULT, None, 9).await.unwrap(),
        [],
        "nothing is taken in unasked"
    );
    assert_eq!(store.job(first.job).await.unwrap(), None);

    let mut taken = store.adopt(3).await.unwrap();
    taken.extend(store.adopt(3).await.unwrap());
    assert_eq!(store.adopt(3).await.unwrap(), []);
    assert_eq!(
        states(&taken),
        [JobState::Queued, JobState::Succeeded, JobState::Failed, JobState::Succeeded]
    );
    assert_eq!([taken[0].job.id, taken[1].job.id, taken[2].job.id], [first.job, second.job, third.job]);
    assert!(taken.is_sorted_by(|a, b| a.job.sequence < b.job.sequence));
    assert_eq!(store.images_after(OwnerId::DEFAULT, None, 9).await.unwrap(), taken);
    assert_eq!(store.unfinished(None, 9).await.unwrap(), [taken[0].job.clone()]);

    let Upload { image, job } = &taken[0];
    assert_eq!(image.original, Original::External { url: first.url });
    assert_eq!(image.created_at.as_millisecond(), date(1).timestamp_millis());
    assert_eq!(job.created_at.as_millisecond(), date(2).timestamp_millis());
    assert_eq!((&job.request, job.max_attempts), (&adopt_defaults().request, adopt_defaults().max_attempts));
    assert_eq!(taken[1].job.external_variant, Some(compressed(2)));
    assert!(taken[2].job.failure.as_ref().unwrap().detail.contains("original service"));
    // Ours come after them.
    let ours = store.create_upload(sample::upload(1)).await.unwrap();
    assert!(ours.job.sequence > taken[3].job.sequence);
}

#[tokio::test]
async fn what_is_taken_in_keeps_every_field_of_the_original() {
    let (store, own) = own_store().await;
    for (n, status) in (1..).zip(["pending", "completed", "completed_with_errors", "failed"]) {
        let Written { image, job, .. } =
            write(&own, n, status, (n == 2 || n == 3).then(|| compressed(n))).await;
        let (image_before, task_before) = (own.image(image).await, own.task(job).await);
        assert_eq!(store.adopt(9).await.unwrap().len(), 1);
        let (mut image_after, mut task_after) = (own.image(image).await, own.task(job).await);
        image_after.remove("demitasse").unwrap();
        task_after.remove("demitasse").unwrap();
        assert_eq!((image_after, task_after), (image_before, task_before));
    }
}

#[tokio::test]
async fn an_image_id_written_as_text_is_understood() {
    let (store, own) = own_store().await;
    let image = image_id(1);
    write_image(&own, image, 1, None).await;
    let job = write_task(&own, 1, image.to_hex(), "pending").await;
    let taken = store.adopt(9).await.unwrap();
    assert_eq!(taken[0].job.id, job);
    assert_eq!(store.image(OwnerId::DEFAULT, taken[0].image.id).await.unwrap().as_ref(), taken.first());
}

#[tokio::test]
async fn what_the_originals_worker_writes_ends_a_job_that_is_open() {
    let (store, own) = own_store().await;
    let (done, failed) = (write(&own, 1, "pending", None).await, write(&own, 2, "pending", None).await);
    store.adopt(9).await.unwrap();
    apply(&store, done.job, start()).await.unwrap();
    // Its worker writes the status, its API the address.
    own.change_task(failed.job, doc! { "$set": { "status": "failed" } }).await;
    own.change_task(done.job, doc! { "$set": { "status": "completed" } }).await;
    own.change_image(done.image, doc! { "$set": { "compressedUrl": compressed(1) } }).await;

    let seen = job(&store, done.job).await;
    assert_eq!((seen.state, seen.external_variant), (JobState::Succeeded, Some(compressed(1))));
    assert_eq!(job(&store, failed.job).await.state, JobState::Failed);
    assert_eq!(store.unfinished(None, 9).await.unwrap(), []);
    for (id, transition) in [
        (done.job, succeed()),
        (done.job, Transition::Release { lease: sample::lease(1) }),
        (failed.job, start()),
        (failed.job, Transition::Cancel),
    ] {
        assert_eq!(apply(&store, id, transition).await, None);
    }
    // Noted once, and then it is ours to say.
    let noted = store.adopt(9).await.unwrap();
    assert_eq!(states(&noted), [JobState::Succeeded, JobState::Failed]);
    assert_eq!(store.adopt(9).await.unwrap(), []);
    assert_eq!(job(&store, done.job).await, noted[0].job);
    own.change_task(done.job, doc! { "$set": { "status": "failed" } }).await;
    assert_eq!(job(&store, done.job).await, noted[0].job);
}

#[tokio::test]
async fn a_result_without_an_address_waits_for_it_and_is_made_anew_when_it_is_lost() {
    let (store, own) = own_store().await;
    let (comes, lost) = (write(&own, 1, "completed", None).await, write(&own, 2, "completed", None).await);
    assert_eq!(states(&store.adopt(9).await.unwrap()), [JobState::Queued; 2]);
    assert_eq!(store.adopt(9).await.unwrap(), [], "it may yet come");
    assert_eq!(apply(&store, lost.job, start()).await, None);
    assert_eq!(store.unfinished(None, 9).await.unwrap(), []);

    own.change_image(comes.image, doc! { "$set": { "compressedUrl": compressed(1) } }).await;
    // As if a minute had passed.
    own.change_task(lost.job, doc! { "$set": { "demitasse.unknownSince": 0_i64 } }).await;
    assert_eq!(states(&store.adopt(9).await.unwrap()), [JobState::Succeeded, JobState::Queued]);
    assert_eq!(store.adopt(9).await.unwrap(), []);
    assert_eq!(own.task(lost.job).await.get_str("status").unwrap(), "pending");
    assert!(apply(&store, lost.job, start()).await.is_some());
}

#[tokio::test]
async fn an_image_with_several_tasks_has_its_first_as_its_job() {
    let (store, own) = own_store().await;
    let image = image_id(1);
    write_image(&own, image, 1, None).await;
    // A higher number is a lower id.
    let (second, first) =
        (write_task(&own, 1, image, "failed").await, write_task(&own, 2, image, "pending").await);
    let taken = store.adopt(9).await.unwrap();
    assert_eq!((taken.len(), taken[0].job.id), (1, first));
    let id = taken[0].image.id;
    assert_eq!(store.adopt_one(id, second).await.unwrap(), None);
    assert_eq!(store.adopt_one(id, first).await.unwrap().as_ref(), taken.first());
    assert!(!own.task(second).await.contains_key("demitasse"));
}

#[tokio::test]
async fn halves_of_an_upload_of_the_original_are_completed_once_they_are_old() {
    let (store, own) = own_store().await;
    write_task(&own, 9, image_id(9), "pending").await;
    write_image(&own, image_id(1), 1, None).await;
    write_image(&own, image_id(2), 2, Some(compressed(2))).await;
    // Its task is about to be written.
    write_image(&own, ObjectId::new(), 3, None).await;
    let taken = store.adopt(9).await.unwrap();
    assert_eq!(states(&taken), [JobState::Queued, JobState::Succeeded]);
    assert_eq!(store.adopt(9).await.unwrap(), []);
    let made = own.task(taken[0].job.id).await;
    assert_eq!(made.get_object_id("imageId").unwrap(), image_id(1));
    assert_eq!(own.tasks().count_documents(doc! {}).await.unwrap(), 3);
}

#[tokio::test]
async fn one_upload_is_taken_in_by_name_when_both_halves_are_there() {
    let (store, own) = own_store().await;
    let Written { image, job, .. } = write(&own, 1, "pending", None).await;
    let lonely = write_task(&own, 9, image_id(9), "pending").await;
    assert_eq!(store.adopt_one(image_id(9).to_hex().parse().unwrap(), lonely).await.unwrap(), None);
    assert_eq!(store.adopt_one(image, sample::job_id(1)).await.unwrap(), None);
    assert_eq!(store.adopt_one(sample::image_id(1), job).await.unwrap(), None);
    let taken = store.adopt_one(image, job).await.unwrap().unwrap();
    assert_eq!(store.adopt_one(image, job).await.unwrap(), Some(taken.clone()));
    assert_eq!(store.adopt(9).await.unwrap(), []);
    assert_eq!(store.job(job).await.unwrap(), Some(taken));
}

#[tokio::test]
async fn of_concurrent_adopters_one_gives_the_number() {
    let (store, own) = own_store().await;
    for n in 1..=3 {
        write(&own, n, "pending", None).await;
    }
    let adopters = [store.adopt(9), store.adopt(9), store.adopt(9)];
    let taken = futures_util::future::join_all(adopters).await;
    let listed = store.images_after(OwnerId::DEFAULT, None, 9).await.unwrap();
    assert_eq!(listed.len(), 3);
    for upload in taken.into_iter().flat_map(Result::unwrap) {
        assert!(listed.contains(&upload), "{upload:?}");
    }
    assert_eq!(store.adopt(9).await.unwrap(), []);
}

#[tokio::test]
async fn an_external_original_is_stored_and_its_address_becomes_ours() {
    let (store, own) = own_store().await;
    let Written { image, job, url } = write(&own, 1, "pending", None).await;
    let (original, key) = (sample::upload(1).original, sample::request_key(1));
    assert_eq!(store.attach_original(image, original.clone(), key).await.unwrap(), None, "not taken in");
    store.adopt(9).await.unwrap();
    assert_eq!(own.image(image).await.get_str("imageUrl").unwrap(), url.as_str());
    let attached = store.attach_original(image, original.clone(), key).await.unwrap().unwrap();
    assert_eq!(
        (&attached.image.original, attached.job.request_key),
        (&Original::Stored(original.clone()), key)
    );
    let expected = format!("https://img.example/i/{}/original/image.png", original.sha256);
    assert_eq!(own.image(image).await.get_str("imageUrl").unwrap(), expected.as_str());
    // Once; a second call finds it done.
    let other = sample::upload(2).original;
    assert_eq!(store.attach_original(image, other, sample::request_key(2)).await.unwrap(), Some(attached));

    apply(&store, job, start()).await.unwrap();
    apply(&store, job, succeed()).await.unwrap();
    assert_eq!(own.task(job).await.get_str("status").unwrap(), "completed");
    assert!(own.image(image).await.get_str("compressedUrl").unwrap().contains("/variant/"));
}

#[tokio::test]
async fn the_other_worker_ends_a_job_once() {
    let (store, own) = own_store().await;
    let (done, failed) = (write(&own, 1, "completed", None).await, write(&own, 2, "pending", None).await);
    let ended = store.end_elsewhere(done.job, Some(compressed(1)), sample::time(9)).await.unwrap();
    assert_eq!(ended, None, "not taken in");
    store.adopt(9).await.unwrap();
    let ended = store.end_elsewhere(done.job, Some(compressed(1)), sample::time(9)).await.unwrap().unwrap();
    assert_eq!((ended.state, ended.external_variant.clone()), (JobState::Succeeded, Some(compressed(1))));
    assert_eq!(ended.updated_at, sample::time(9));
    assert_eq!(job(&store, done.job).await, ended);
    assert_eq!(own.image(done.image).await.get_str("compressedUrl").unwrap(), compressed(1).as_str());
    assert_eq!(store.end_elsewhere(done.job, None, sample::time(10)).await.unwrap(), None);

    let ended = store.end_elsewhere(failed.job, None, sample::time(9)).await.unwrap().unwrap();
    assert_eq!((ended.state, ended.failure.is_some()), (JobState::Failed, true));
    assert_eq!(own.task(failed.job).await.get_str("status").unwrap(), "failed");
}

#[tokio::test]
async fn a_task_that_its_worker_may_be_at_is_left_to_it_for_a_while() {
    let (store, own) = own_store().await;
    let unfinished = async || store.unfinished(None, 9).await.unwrap().len();
    let now = Timestamp::now();
    // Just uploaded to its API: left to its worker until we have been given it.
    let young = ObjectId::new();
    write_image(&own, image_id(1), 1, None).await;
    let task = doc! {
        "_id": young, "imageId": image_id(1), "status": "pending",
        "createdAt": DateTime::now(), "updatedAt": DateTime::now(), "__v": 0,
    };
    own.tasks().insert_one(task).await.unwrap();
    let taken = store.adopt(9).await.unwrap();
    assert_eq!((states(&taken), unfinished().await), (vec![JobState::Queued], 0));
    let given = store.adopt_one(taken[0].image.id, taken[0].job.id).await.unwrap().unwrap();
    assert_eq!((given.job.attempt, unfinished().await), (0, 1));

    let ours = store.create_upload(sample::upload(1)).await.unwrap().job.id;
    assert_eq!(unfinished().await, 2);
    let lent = store.lend(ours, now + Duration::from_secs(600), true).await.unwrap().unwrap();
    assert_eq!((lent.job.attempt, lent.job.state, unfinished().await), (1, JobState::Queued, 1));
    let lent = store.lend(ours, now - Duration::from_secs(1), false).await.unwrap().unwrap();
    assert_eq!((lent.job.attempt, unfinished().await), (1, 2));
    assert!(apply(&store, ours, start()).await.is_some());
    assert_eq!(store.lend(ours, now, true).await.unwrap(), None, "an attempt of ours runs");
    apply(&store, ours, succeed()).await.unwrap();
    assert_eq!(store.lend(ours, now, true).await.unwrap(), None, "it has ended");
    assert_eq!(store.lend(sample::job_id(9), now, true).await.unwrap(), None);
}

#[tokio::test]
async fn what_its_worker_has_ended_is_announced_and_old_results_are_not() {
    let (store, own) = own_store().await;
    write(&own, 1, "completed", Some(compressed(1))).await;
    let (done, failed) = (write(&own, 2, "pending", None).await, write(&own, 3, "pending", None).await);
    store.adopt(9).await.unwrap();
    let due = async || {
        let due = store.unannounced(sample::time(1_000_000_000), 9).await.unwrap();
        due.into_iter().map(|job| job.id).collect::<Vec<_>>()
    };
    assert_eq!(due().await, []);
    store.end_elsewhere(done.job, Some(compressed(2)), sample::time(9)).await.unwrap().unwrap();
    own.change_task(failed.job, doc! { "$set": { "status": "failed" } }).await;
    store.adopt(9).await.unwrap();
    assert_eq!(due().await.len(), 2);
    let told = Transition::EndAnnouncement { delivered: false };
    assert!(apply(&store, done.job, told.clone()).await.is_some());
    assert!(apply(&store, failed.job, told).await.is_some());
    assert_eq!(own.task(done.job).await.get_str("status").unwrap(), "completed_with_errors");
    assert_eq!(own.task(failed.job).await.get_str("status").unwrap(), "failed");
    assert_eq!(due().await, []);
}

#[tokio::test]
async fn the_original_finds_images_at_the_addresses_in_their_rows() {
    let (store, own) = own_store().await;
    let upload = store.create_upload(sample::upload(1)).await.unwrap();
    let addresses = store.addresses(&upload);
    let row = own.image(upload.image.id).await;
    assert_eq!((row.get_str("imageUrl").unwrap(), addresses.result), (addresses.original.as_str(), None));
    apply(&store, upload.job.id, start()).await.unwrap();
    apply(&store, upload.job.id, succeed()).await.unwrap();
    let upload = store.job(upload.job.id).await.unwrap().unwrap();
    let row = own.image(upload.image.id).await;
    assert_eq!(row.get_str("compressedUrl").ok(), store.addresses(&upload).result.as_deref());
}

#[tokio::test]
async fn our_rows_have_what_the_original_reads() {
    let (store, own) = own_store().await;
    let Upload { image, job } = store.create_upload(sample::upload(1)).await.unwrap();
    let mut task = own.task(job.id).await;
    assert!(task.remove("demitasse").is_some());
    let now = DateTime::from_millis(sample::time(0).as_millisecond());
    let expected = doc! {
        "_id": oid(job.id), "imageId": oid(image.id), "status": "pending", "createdAt": now, "updatedAt": now, "__v": 0,
    };
    assert_eq!(sorted(task), sorted(expected));
    let mut row = own.image(image.id).await;
    assert_eq!(row.remove("demitasse"), Some(doc! { "task": oid(job.id) }.into()));
    let sha256 = sample::upload(1).original.sha256;
    let expected = doc! {
        "_id": oid(image.id), "imageUrl": format!("https://img.example/i/{sha256}/original/cup%201.png"),
        "compressedUrl": Bson::Null, "createdAt": now, "updatedAt": now, "__v": 0,
    };
    assert_eq!(sorted(row), sorted(expected));
}

fn sorted(document: mongodb::bson::Document) -> Vec<(String, Bson)> {
    let mut fields: Vec<_> = document.into_iter().collect();
    fields.sort_by(|a, b| a.0.cmp(&b.0));
    fields
}

#[tokio::test]
async fn the_status_of_our_jobs_is_always_one_of_the_originals_words() {
    let (store, own) = own_store().await;
    let lease = sample::lease(1);
    let warned =
        Variant { report: Json(serde_json::json!({ "warnings": ["salvaged"] })), ..sample::variant(1) };
    let succeed_with =
        |variant, announce_until| Transition::Succeed { lease, variant: Box::new(variant), announce_until };
    let fail =
        || Transition::Fail { lease, failure: sample::failure(1), announce_until: Some(sample::time(90)) };
    let told = || Some(sample::time(90));
    let ended = |delivered| Transition::EndAnnouncement { delivered };
    let histories: [(&str, Vec<Transition>); 10] = [
        ("pending", vec![start()]),
        ("pending", vec![start(), Transition::Retry { lease, failure: sample::failure(1) }]),
        ("pending", vec![start(), Transition::Release { lease }]),
        ("completed", vec![start(), succeed()]),
        ("completed_with_errors", vec![start(), succeed_with(warned.clone(), None)]),
        ("completed", vec![start(), succeed_with(sample::variant(1), told()), ended(true)]),
        ("completed_with_errors", vec![start(), succeed_with(sample::variant(1), told()), ended(false)]),
        ("completed_with_errors", vec![start(), succeed_with(warned, told()), ended(true)]),
        ("failed", vec![start(), fail(), ended(false)]),
        ("failed", vec![Transition::Cancel]),
    ];
    for (n, (status, history)) in (1..).zip(histories) {
        let id = store.create_upload(NewUpload { ..sample::upload(n) }).await.unwrap().job.id;
        for step in history.clone() {
            assert!(apply(&store, id, step).await.is_some());
        }
        assert_eq!(own.task(id).await.get_str("status").unwrap(), status, "{history:?}");
    }
}
