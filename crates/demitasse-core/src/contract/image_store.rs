//! What every [`ImageStore`] must do.

#![expect(missing_docs, reason = "the name of a case says what it checks")]

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::json;

use super::sample;
use crate::{Document, ErrorKind, ImageStore, NewUpload, OwnerId, Sequence, Upload};

/// Makes a test of each case.
#[macro_export]
macro_rules! image_store_contract {
    ($setup:path) => {
        $crate::contract_suite! { image_store, $setup:
            an_upload_is_found_with_its_queued_job
            an_unknown_image_is_none
            a_missing_or_unusual_file_name_reads_back
            a_document_reads_back_to_the_last_digit
            times_are_kept_in_whole_milliseconds
            sequences_increase
            uploads_at_the_same_time_get_different_sequences
            a_repeated_image_id_is_a_conflict_that_leaves_nothing
            a_repeated_job_id_is_a_conflict_that_leaves_nothing
            of_concurrent_uploads_with_one_id_exactly_one_wins
            another_owner_does_not_find_an_image
            lists_hold_one_owners_images_only
            a_list_forward_is_oldest_first
            a_list_backward_is_newest_first
            pages_forward_meet_without_gap_or_overlap
            pages_backward_meet_without_gap_or_overlap
            a_bound_that_is_no_row_is_a_bound_still
            a_limit_of_zero_gives_nothing
        }
    };
}

async fn create(store: &impl ImageStore, numbers: impl IntoIterator<Item = u64>) -> Vec<Upload> {
    let mut created = Vec::new();
    for n in numbers {
        created.push(store.create_upload(sample::upload(n)).await.unwrap());
    }
    created
}

async fn all(store: &impl ImageStore, owner: OwnerId) -> Vec<Upload> {
    store.images_after(owner, None, usize::MAX).await.unwrap()
}

pub async fn an_upload_is_found_with_its_queued_job<S: ImageStore>(store: Arc<S>) {
    let new = sample::upload(1);
    let created = store.create_upload(new.clone()).await.unwrap();
    assert_eq!(created, new.clone().into_upload(created.image.sequence));
    assert_eq!(store.image(new.owner, new.image_id).await.unwrap(), Some(created));
}

pub async fn an_unknown_image_is_none<S: ImageStore>(store: Arc<S>) {
    create(&*store, [1]).await;
    assert_eq!(store.image(OwnerId::DEFAULT, sample::image_id(2)).await.unwrap(), None);
}

pub async fn a_missing_or_unusual_file_name_reads_back<S: ImageStore>(store: Arc<S>) {
    let names = [None, Some(""), Some("../\u{202e}gnp.\u{1f375}"), Some("a'b\"c;--\n\u{0}z")];
    for (n, name) in (1..).zip(names) {
        let new = NewUpload { file_name: name.map(Into::into), ..sample::upload(n) };
        let created = store.create_upload(new).await.unwrap();
        let found = store.image(OwnerId::DEFAULT, created.image.id).await.unwrap().unwrap();
        assert_eq!(found.image.file_name.as_deref(), name);
    }
}

pub async fn a_document_reads_back_to_the_last_digit<S: ImageStore>(store: Arc<S>) {
    // Scores as they are measured; a parser that is content with being close misses some of a thousand.
    let mut numbers: Vec<f64> = (1..=1000).map(|n| f64::from(n).sqrt() * 3.0).collect();
    numbers.extend([0.1 + 0.2, 5e-324, f64::MAX]);
    let request =
        Document(json!({ "numbers": numbers, "large": u64::MAX, "deep": { "empty": {}, "none": null } }));
    let new = NewUpload { request: request.clone(), ..sample::upload(1) };
    let created = store.create_upload(new).await.unwrap();
    let found = store.image(OwnerId::DEFAULT, created.image.id).await.unwrap().unwrap();
    assert_eq!(found.job.request, request);
}

pub async fn times_are_kept_in_whole_milliseconds<S: ImageStore>(store: Arc<S>) {
    let now = "2027-01-02T03:04:05.678999Z".parse().unwrap();
    let created = store.create_upload(NewUpload { now, ..sample::upload(1) }).await.unwrap();
    assert_eq!(created.image.created_at, "2027-01-02T03:04:05.678Z".parse().unwrap());
    let found = store.image(OwnerId::DEFAULT, created.image.id).await.unwrap();
    assert_eq!(found, Some(created));
}

pub async fn sequences_increase<S: ImageStore>(store: Arc<S>) {
    let created = create(&*store, [3, 1, 2]).await;
    assert!(created.is_sorted_by(|earlier, later| earlier.image.sequence < later.image.sequence));
    assert!(created.iter().all(|upload| upload.image.sequence == upload.job.sequence));
}

pub async fn uploads_at_the_same_time_get_different_sequences<S: ImageStore>(store: Arc<S>) {
    let tasks = (0..16).map(|n| {
        let store = store.clone();
        tokio::spawn(async move { store.create_upload(sample::upload(n)).await.unwrap().image.sequence })
    });
    let sequences: BTreeSet<Sequence> = join_all(tasks).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(sequences.len(), 16);
    assert_eq!(all(&*store, OwnerId::DEFAULT).await.len(), 16);
}

pub async fn a_repeated_image_id_is_a_conflict_that_leaves_nothing<S: ImageStore>(store: Arc<S>) {
    let first = create(&*store, [1]).await;
    let again = NewUpload { image_id: sample::image_id(1), ..sample::upload(2) };
    assert_eq!(store.create_upload(again).await.unwrap_err().kind, ErrorKind::Conflict);
    assert_eq!(all(&*store, OwnerId::DEFAULT).await, first);
    // Had the job been written, its id would be taken.
    create(&*store, [2]).await;
}

pub async fn a_repeated_job_id_is_a_conflict_that_leaves_nothing<S: ImageStore>(store: Arc<S>) {
    let first = create(&*store, [1]).await;
    let again = NewUpload { job_id: sample::job_id(1), ..sample::upload(2) };
    assert_eq!(store.create_upload(again).await.unwrap_err().kind, ErrorKind::Conflict);
    assert_eq!(all(&*store, OwnerId::DEFAULT).await, first);
    assert_eq!(store.image(OwnerId::DEFAULT, sample::image_id(2)).await.unwrap(), None);
    create(&*store, [2]).await;
}

pub async fn of_concurrent_uploads_with_one_id_exactly_one_wins<S: ImageStore>(store: Arc<S>) {
    let tasks = (0..8).map(|n| {
        let store = store.clone();
        let new = NewUpload { image_id: sample::image_id(99), ..sample::upload(n) };
        tokio::spawn(async move { store.create_upload(new).await })
    });
    let results: Vec<_> = join_all(tasks).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    let mut errors = results.iter().filter_map(|result| result.as_ref().err());
    assert!(errors.all(|error| error.kind == ErrorKind::Conflict));
    assert_eq!(all(&*store, OwnerId::DEFAULT).await.len(), 1);
}

pub async fn another_owner_does_not_find_an_image<S: ImageStore>(store: Arc<S>) {
    let new = NewUpload { owner: sample::owner(1), ..sample::upload(1) };
    store.create_upload(new).await.unwrap();
    assert!(store.image(sample::owner(1), sample::image_id(1)).await.unwrap().is_some());
    assert_eq!(store.image(sample::owner(2), sample::image_id(1)).await.unwrap(), None);
    assert_eq!(store.image(OwnerId::DEFAULT, sample::image_id(1)).await.unwrap(), None);
}

pub async fn lists_hold_one_owners_images_only<S: ImageStore>(store: Arc<S>) {
    for n in 0..6 {
        let new = NewUpload { owner: sample::owner(n % 2), ..sample::upload(n) };
        store.create_upload(new).await.unwrap();
    }
    let forward = store.images_after(sample::owner(0), None, 10).await.unwrap();
    let ids: Vec<_> = forward.iter().map(|upload| upload.image.id).collect();
    assert_eq!(ids, [0, 2, 4].map(sample::image_id));
    // The limit counts the owner's rows, not those it passes.
    let backward = store.images_before(sample::owner(1), None, 2).await.unwrap();
    let ids: Vec<_> = backward.iter().map(|upload| upload.image.id).collect();
    assert_eq!(ids, [5, 3].map(sample::image_id));
    assert_eq!(all(&*store, sample::owner(7)).await, []);
}

pub async fn a_list_forward_is_oldest_first<S: ImageStore>(store: Arc<S>) {
    let created = create(&*store, [2, 3, 1]).await;
    assert_eq!(store.images_after(OwnerId::DEFAULT, None, 10).await.unwrap(), created);
    assert_eq!(store.images_after(OwnerId::DEFAULT, None, 2).await.unwrap(), created[..2]);
}

pub async fn a_list_backward_is_newest_first<S: ImageStore>(store: Arc<S>) {
    let mut created = create(&*store, [2, 3, 1]).await;
    created.reverse();
    assert_eq!(store.images_before(OwnerId::DEFAULT, None, 10).await.unwrap(), created);
    assert_eq!(store.images_before(OwnerId::DEFAULT, None, 2).await.unwrap(), created[..2]);
}

pub async fn pages_forward_meet_without_gap_or_overlap<S: ImageStore>(store: Arc<S>) {
    let created = create(&*store, 0..5).await;
    let mut after = None;
    for expected in [&created[0..2], &created[2..4], &created[4..5], &[]] {
        let page = store.images_after(OwnerId::DEFAULT, after, 2).await.unwrap();
        assert_eq!(page, expected);
        after = page.last().map(|upload| upload.image.sequence).or(after);
    }
}

pub async fn pages_backward_meet_without_gap_or_overlap<S: ImageStore>(store: Arc<S>) {
    let mut created = create(&*store, 0..5).await;
    created.reverse();
    let mut before = None;
    for expected in [&created[0..2], &created[2..4], &created[4..5], &[]] {
        let page = store.images_before(OwnerId::DEFAULT, before, 2).await.unwrap();
        assert_eq!(page, expected);
        before = page.last().map(|upload| upload.image.sequence).or(before);
    }
}

pub async fn a_bound_that_is_no_row_is_a_bound_still<S: ImageStore>(store: Arc<S>) {
    let created = create(&*store, 0..2).await;
    let last = created[1].image.sequence;
    let beyond = Some(Sequence(last.0 + 100));
    assert_eq!(store.images_after(OwnerId::DEFAULT, beyond, 10).await.unwrap(), []);
    assert_eq!(store.images_before(OwnerId::DEFAULT, beyond, 10).await.unwrap().len(), 2);
    let below = Some(Sequence(i64::MIN));
    assert_eq!(store.images_after(OwnerId::DEFAULT, below, 10).await.unwrap().len(), 2);
    assert_eq!(store.images_before(OwnerId::DEFAULT, below, 10).await.unwrap(), []);
}

pub async fn a_limit_of_zero_gives_nothing<S: ImageStore>(store: Arc<S>) {
    create(&*store, 0..2).await;
    assert_eq!(store.images_after(OwnerId::DEFAULT, None, 0).await.unwrap(), []);
    assert_eq!(store.images_before(OwnerId::DEFAULT, None, 0).await.unwrap(), []);
}
