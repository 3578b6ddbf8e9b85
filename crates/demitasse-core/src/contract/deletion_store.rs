//! What every [`DeletionStore`] must do. The store under test also creates the uploads and runs the jobs, as metadata
//! stores do.

#![expect(missing_docs, reason = "the name of a case says what it checks")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::sample;
use crate::{
    BlobKey, BlobKind, DeletionStore, ImageStore, JobId, JobStore, NewUpload, OwnerId, Removal, Transition,
    Upload,
};

/// Makes a test of each case.
#[macro_export]
macro_rules! deletion_store_contract {
    ($setup:path) => {
        $crate::contract_suite! { deletion_store, $setup:
            a_deleted_image_is_gone_with_its_job
            an_image_is_deleted_once
            another_owner_cannot_delete_an_image
            of_concurrent_deletions_exactly_one_wins
            a_deletion_gives_what_the_row_said_last
            a_number_is_not_given_again
            the_attempt_of_a_deleted_job_can_no_longer_end
            a_deleted_job_is_neither_started_nor_swept_nor_announced
            a_deleted_result_is_not_found_for_the_same_work
            of_a_deletion_and_a_success_the_deletion_stays
            images_are_found_by_their_age_oldest_first
            a_blob_is_named_while_any_row_names_it
            the_blobs_of_a_deleted_image_are_removed
            a_blob_that_another_image_names_stays
            a_result_that_another_job_names_stays
            a_blob_stays_for_its_grace_period
            a_blob_that_is_listed_again_is_listed_once
            a_blob_that_is_held_is_not_removed_before_its_grace_period_begins_anew
            a_blob_that_is_not_listed_can_be_held
            a_blob_that_is_being_removed_cannot_be_held
            a_blob_that_is_being_removed_is_not_given_again
            a_removal_that_was_abandoned_is_given_again
            a_removal_that_was_taken_over_cannot_be_ended
            a_removal_that_failed_is_listed_again
            a_blob_that_was_named_again_is_no_longer_listed
            removals_come_by_page
            of_concurrent_sweeps_each_removal_is_one_callers
            of_a_hold_and_a_removal_one_sees_the_other
        }
    };
}

const LONG: Duration = Duration::from_secs(3600);

async fn create(store: &impl ImageStore, n: u64) -> Upload {
    store.create_upload(sample::upload(n)).await.unwrap()
}

async fn apply(store: &impl JobStore, id: JobId, transition: Transition) -> bool {
    store.transition(id, transition, sample::time(60)).await.unwrap().is_some()
}

fn start() -> Transition {
    Transition::Start { lease: sample::lease(1), over: None }
}

fn succeed(variant: u64) -> Transition {
    let announce_until = Some(sample::time(61));
    Transition::Succeed {
        lease: sample::lease(1),
        variant: Box::new(sample::variant(variant)),
        announce_until,
    }
}

async fn finish(store: &impl JobStore, n: u64, variant: u64) {
    assert!(apply(store, sample::job_id(n), start()).await);
    assert!(apply(store, sample::job_id(n), succeed(variant)).await);
}

async fn delete(store: &impl DeletionStore, n: u64) -> Option<Upload> {
    store.delete_image(OwnerId::DEFAULT, sample::image_id(n)).await.unwrap()
}

fn original(n: u64) -> BlobKey {
    BlobKey { kind: BlobKind::Original, sha256: sample::upload(n).original.sha256 }
}

fn result(n: u64) -> BlobKey {
    BlobKey { kind: BlobKind::Variant, sha256: sample::variant(n).sha256 }
}

/// Everything that may be removed now.
async fn begin(store: &impl DeletionStore) -> Vec<Removal> {
    store.begin_removals(Duration::ZERO, LONG, 100).await.unwrap()
}

fn keys(removals: &[Removal]) -> BTreeSet<String> {
    removals.iter().map(|removal| removal.key.to_string()).collect()
}

fn names(keys: &[BlobKey]) -> BTreeSet<String> {
    keys.iter().map(ToString::to_string).collect()
}

pub async fn a_deleted_image_is_gone_with_its_job<S: ImageStore + JobStore + DeletionStore>(store: Arc<S>) {
    let gone = create(&*store, 1).await;
    let kept = create(&*store, 2).await;
    assert_eq!(delete(&*store, 1).await, Some(gone));
    assert_eq!(store.image(OwnerId::DEFAULT, sample::image_id(1)).await.unwrap(), None);
    assert_eq!(store.job(sample::job_id(1)).await.unwrap(), None);
    assert_eq!(store.job_of(OwnerId::DEFAULT, sample::job_id(1)).await.unwrap(), None);
    assert_eq!(store.images_after(OwnerId::DEFAULT, None, 9).await.unwrap(), std::slice::from_ref(&kept));
    assert_eq!(store.images_before(OwnerId::DEFAULT, None, 9).await.unwrap(), [kept]);
}

pub async fn an_image_is_deleted_once<S: ImageStore + DeletionStore>(store: Arc<S>) {
    create(&*store, 1).await;
    assert_eq!(delete(&*store, 2).await, None);
    assert!(delete(&*store, 1).await.is_some());
    assert_eq!(delete(&*store, 1).await, None);
}

pub async fn another_owner_cannot_delete_an_image<S: ImageStore + DeletionStore>(store: Arc<S>) {
    let new = NewUpload { owner: sample::owner(1), ..sample::upload(1) };
    store.create_upload(new).await.unwrap();
    for other in [sample::owner(2), OwnerId::DEFAULT] {
        assert_eq!(store.delete_image(other, sample::image_id(1)).await.unwrap(), None);
    }
    assert!(store.image(sample::owner(1), sample::image_id(1)).await.unwrap().is_some());
    assert!(store.delete_image(sample::owner(1), sample::image_id(1)).await.unwrap().is_some());
}

pub async fn of_concurrent_deletions_exactly_one_wins<S: ImageStore + DeletionStore>(store: Arc<S>) {
    create(&*store, 1).await;
    let tasks = (0..6).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { delete(&*store, 1).await.is_some() })
    });
    let wins = join_all(tasks).await.into_iter().filter(|won| *won.as_ref().unwrap()).count();
    assert_eq!(wins, 1);
}

pub async fn a_deletion_gives_what_the_row_said_last<S: ImageStore + JobStore + DeletionStore>(
    store: Arc<S>,
) {
    create(&*store, 1).await;
    finish(&*store, 1, 1).await;
    let last = store.job(sample::job_id(1)).await.unwrap();
    assert_eq!(delete(&*store, 1).await, last);
}

pub async fn a_number_is_not_given_again<S: ImageStore + DeletionStore>(store: Arc<S>) {
    let first = create(&*store, 1).await;
    delete(&*store, 1).await;
    assert!(create(&*store, 2).await.image.sequence > first.image.sequence);
}

pub async fn the_attempt_of_a_deleted_job_can_no_longer_end<S>(store: Arc<S>)
where
    S: ImageStore + JobStore + DeletionStore,
{
    let (lease, failure) = (sample::lease(1), sample::failure(1));
    let ends = [
        succeed(1),
        Transition::Fail { lease, failure: failure.clone(), announce_until: None },
        Transition::Retry { lease, failure },
        Transition::Release { lease },
        Transition::Cancel,
    ];
    for (n, end) in (1..).zip(ends) {
        create(&*store, n).await;
        assert!(apply(&*store, sample::job_id(n), start()).await);
        assert!(delete(&*store, n).await.is_some());
        assert!(!apply(&*store, sample::job_id(n), end).await);
        assert_eq!(store.job(sample::job_id(n)).await.unwrap(), None);
    }
    assert_eq!(store.images_after(OwnerId::DEFAULT, None, 9).await.unwrap(), []);
}

pub async fn a_deleted_job_is_neither_started_nor_swept_nor_announced<S>(store: Arc<S>)
where
    S: ImageStore + JobStore + DeletionStore,
{
    for n in [1, 2] {
        create(&*store, n).await;
    }
    finish(&*store, 2, 2).await;
    for n in [1, 2] {
        assert!(delete(&*store, n).await.is_some());
    }
    assert!(!apply(&*store, sample::job_id(1), start()).await);
    assert_eq!(store.unfinished(None, 9).await.unwrap(), []);
    assert_eq!(store.unannounced(sample::time(1000), 9).await.unwrap(), []);
}

pub async fn a_deleted_result_is_not_found_for_the_same_work<S>(store: Arc<S>)
where
    S: ImageStore + JobStore + DeletionStore,
{
    for n in [1, 2] {
        store
            .create_upload(NewUpload { request_key: sample::request_key(7), ..sample::upload(n) })
            .await
            .unwrap();
        finish(&*store, n, n).await;
    }
    delete(&*store, 2).await;
    assert_eq!(store.variant_for(sample::request_key(7)).await.unwrap(), Some(sample::variant(1)));
    delete(&*store, 1).await;
    assert_eq!(store.variant_for(sample::request_key(7)).await.unwrap(), None);
}

pub async fn of_a_deletion_and_a_success_the_deletion_stays<S>(store: Arc<S>)
where
    S: ImageStore + JobStore + DeletionStore,
{
    for n in 1..=6 {
        create(&*store, n).await;
        assert!(apply(&*store, sample::job_id(n), start()).await);
        let (deleting, ending) = (store.clone(), store.clone());
        let deleting = tokio::spawn(async move { delete(&*deleting, n).await });
        let ending = tokio::spawn(async move { apply(&*ending, sample::job_id(n), succeed(n)).await });
        let (deleted, ended) = (deleting.await.unwrap().unwrap(), ending.await.unwrap());
        assert_eq!(store.job(sample::job_id(n)).await.unwrap(), None);
        // Whatever the row named is listed.
        let removed = keys(&begin(&*store).await);
        // Whoever ended it may have found its row gone already.
        let has_ended = deleted.job.variant.is_some();
        assert!(has_ended || !ended);
        assert_eq!(removed.contains(&result(n).to_string()), has_ended);
        assert!(removed.contains(&original(n).to_string()));
    }
}

pub async fn images_are_found_by_their_age_oldest_first<S: ImageStore + DeletionStore>(store: Arc<S>) {
    for n in [2, 1, 3] {
        let (owner, now) = (sample::owner(n % 2), sample::time(n as i64));
        store.create_upload(NewUpload { owner, now, ..sample::upload(n) }).await.unwrap();
    }
    let found = async |before, limit| store.accepted_before(sample::time(before), limit).await.unwrap();
    let image = |n| (sample::owner(n % 2), sample::image_id(n));
    assert_eq!(found(1, 9).await, []);
    assert_eq!(found(3, 9).await, [image(1), image(2)]);
    assert_eq!(found(9, 9).await, [image(1), image(2), image(3)]);
    assert_eq!(found(9, 1).await, [image(1)]);
    assert_eq!(found(9, 0).await, []);
    store.delete_image(image(1).0, image(1).1).await.unwrap();
    assert_eq!(found(9, 1).await, [image(2)]);
}

pub async fn a_blob_is_named_while_any_row_names_it<S>(store: Arc<S>)
where
    S: ImageStore + JobStore + DeletionStore,
{
    assert!(!store.is_named(original(1)).await.unwrap());
    for n in [1, 2] {
        store
            .create_upload(NewUpload { original: sample::upload(1).original, ..sample::upload(n) })
            .await
            .unwrap();
    }
    finish(&*store, 1, 1).await;
    assert!(store.is_named(original(1)).await.unwrap());
    assert!(store.is_named(result(1)).await.unwrap());
    let swapped = [(BlobKind::Variant, original(1)), (BlobKind::Original, result(1))];
    for (kind, key) in swapped {
        assert!(!store.is_named(BlobKey { kind, ..key }).await.unwrap(), "another blob of the same bytes");
    }
    delete(&*store, 1).await;
    assert!(store.is_named(original(1)).await.unwrap());
    assert!(!store.is_named(result(1)).await.unwrap());
    delete(&*store, 2).await;
    assert!(!store.is_named(original(1)).await.unwrap());
}

pub async fn the_blobs_of_a_deleted_image_are_removed<S>(store: Arc<S>)
where
    S: ImageStore + JobStore + DeletionStore,
{
    for n in [1, 2] {
        create(&*store, n).await;
    }
    finish(&*store, 1, 1).await;
    assert_eq!(begin(&*store).await, []);
    delete(&*store, 1).await;
    let removals = begin(&*store).await;
    assert_eq!(keys(&removals), names(&[original(1), result(1)]));
    for removal in removals {
        store.end_removal(removal, true).await.unwrap();
    }
    assert_eq!(store.begin_removals(Duration::ZERO, Duration::ZERO, 9).await.unwrap(), []);
    assert!(store.hold(original(1)).await.unwrap());
}

pub async fn a_blob_that_another_image_names_stays<S: ImageStore + DeletionStore>(store: Arc<S>) {
    for n in [1, 2] {
        store
            .create_upload(NewUpload { original: sample::upload(1).original, ..sample::upload(n) })
            .await
            .unwrap();
    }
    delete(&*store, 1).await;
    assert_eq!(begin(&*store).await, []);
    delete(&*store, 2).await;
    assert_eq!(keys(&begin(&*store).await), names(&[original(1)]));
}

pub async fn a_result_that_another_job_names_stays<S>(store: Arc<S>)
where
    S: ImageStore + JobStore + DeletionStore,
{
    for n in [1, 2] {
        create(&*store, n).await;
        finish(&*store, n, 7).await;
    }
    delete(&*store, 1).await;
    assert_eq!(keys(&begin(&*store).await), names(&[original(1)]));
    delete(&*store, 2).await;
    assert_eq!(keys(&begin(&*store).await), names(&[original(2), result(7)]));
}

pub async fn a_blob_stays_for_its_grace_period<S: ImageStore + DeletionStore>(store: Arc<S>) {
    create(&*store, 1).await;
    delete(&*store, 1).await;
    assert_eq!(store.begin_removals(LONG, LONG, 9).await.unwrap(), []);
    assert_eq!(begin(&*store).await.len(), 1);
}

pub async fn a_blob_that_is_listed_again_is_listed_once<S: DeletionStore>(store: Arc<S>) {
    for _ in 0..3 {
        store.list_blob(original(1)).await.unwrap();
    }
    store.list_blob(result(1)).await.unwrap();
    let removals = begin(&*store).await;
    assert_eq!((removals.len(), keys(&removals)), (2, names(&[original(1), result(1)])));
}

pub async fn a_blob_that_is_held_is_not_removed_before_its_grace_period_begins_anew<S>(store: Arc<S>)
where
    S: ImageStore + DeletionStore,
{
    store.list_blob(original(1)).await.unwrap();
    assert!(store.hold(original(1)).await.unwrap());
    assert_eq!(store.begin_removals(LONG, LONG, 9).await.unwrap(), []);
    create(&*store, 1).await;
    assert_eq!(begin(&*store).await, []);
}

pub async fn a_blob_that_is_not_listed_can_be_held<S: DeletionStore>(store: Arc<S>) {
    assert!(store.hold(original(1)).await.unwrap());
    assert_eq!(begin(&*store).await, [], "a hold alone lists nothing");
}

pub async fn a_blob_that_is_being_removed_cannot_be_held<S: DeletionStore>(store: Arc<S>) {
    store.list_blob(original(1)).await.unwrap();
    let [removal] = begin(&*store).await[..] else { panic!("one removal") };
    assert!(!store.hold(original(1)).await.unwrap());
    assert!(store.hold(result(1)).await.unwrap(), "another blob");
    store.list_blob(original(1)).await.unwrap();
    assert!(!store.hold(original(1)).await.unwrap(), "listing it does not make it safe");
    store.end_removal(removal, true).await.unwrap();
    assert!(store.hold(original(1)).await.unwrap());
}

pub async fn a_blob_that_is_being_removed_is_not_given_again<S: DeletionStore>(store: Arc<S>) {
    store.list_blob(original(1)).await.unwrap();
    assert_eq!(begin(&*store).await.len(), 1);
    assert_eq!(begin(&*store).await, []);
}

pub async fn a_removal_that_was_abandoned_is_given_again<S: DeletionStore>(store: Arc<S>) {
    store.list_blob(original(1)).await.unwrap();
    let first = begin(&*store).await;
    let second = store.begin_removals(LONG, Duration::ZERO, 9).await.unwrap();
    assert_eq!(keys(&second), keys(&first), "its grace period is over already");
    assert_ne!(second, first);
}

pub async fn a_removal_that_was_taken_over_cannot_be_ended<S: DeletionStore>(store: Arc<S>) {
    for removed in [true, false] {
        store.list_blob(original(1)).await.unwrap();
        let [first] = begin(&*store).await[..] else { panic!("one removal") };
        let [second] = store.begin_removals(LONG, Duration::ZERO, 9).await.unwrap()[..] else {
            panic!("one removal")
        };
        store.end_removal(first, removed).await.unwrap();
        assert!(!store.hold(original(1)).await.unwrap());
        store.end_removal(second, true).await.unwrap();
        assert!(store.hold(original(1)).await.unwrap());
    }
}

pub async fn a_removal_that_failed_is_listed_again<S: DeletionStore>(store: Arc<S>) {
    store.list_blob(original(1)).await.unwrap();
    let [removal] = begin(&*store).await[..] else { panic!("one removal") };
    store.end_removal(removal, false).await.unwrap();
    assert_eq!(store.begin_removals(LONG, LONG, 9).await.unwrap(), [], "its grace period has begun anew");
    assert!(store.hold(original(1)).await.unwrap());
    assert_eq!(begin(&*store).await.len(), 1);
}

pub async fn a_blob_that_was_named_again_is_no_longer_listed<S: ImageStore + DeletionStore>(store: Arc<S>) {
    create(&*store, 1).await;
    delete(&*store, 1).await;
    let again = NewUpload { original: sample::upload(1).original, ..sample::upload(3) };
    store.create_upload(again).await.unwrap();
    assert_eq!(begin(&*store).await, []);
    // As a process of a version without deletion may leave it: named while it was being removed.
    store.list_blob(original(2)).await.unwrap();
    assert_eq!(begin(&*store).await.len(), 1);
    create(&*store, 2).await;
    assert_eq!(store.begin_removals(Duration::ZERO, Duration::ZERO, 9).await.unwrap(), []);
    assert!(store.hold(original(2)).await.unwrap());
}

pub async fn removals_come_by_page<S: DeletionStore>(store: Arc<S>) {
    let mut expected = BTreeSet::new();
    for n in 0..5 {
        store.list_blob(original(n)).await.unwrap();
        expected.insert(original(n).to_string());
    }
    assert_eq!(store.begin_removals(Duration::ZERO, LONG, 0).await.unwrap(), []);
    let mut found = BTreeSet::new();
    for count in [2, 2, 1, 0] {
        let page = store.begin_removals(Duration::ZERO, LONG, 2).await.unwrap();
        assert_eq!(page.len(), count);
        found.extend(keys(&page));
    }
    assert_eq!(found, expected);
}

pub async fn of_concurrent_sweeps_each_removal_is_one_callers<S: DeletionStore>(store: Arc<S>) {
    for n in 0..6 {
        store.list_blob(original(n)).await.unwrap();
    }
    let tasks = (0..4).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { begin(&*store).await })
    });
    let mut removals: Vec<Removal> = join_all(tasks).await.into_iter().flat_map(Result::unwrap).collect();
    removals.extend(begin(&*store).await);
    assert_eq!((removals.len(), keys(&removals).len()), (6, 6));
}

pub async fn of_a_hold_and_a_removal_one_sees_the_other<S: DeletionStore>(store: Arc<S>) {
    for n in 0..6 {
        store.list_blob(original(n)).await.unwrap();
        let (holding, removing) = (store.clone(), store.clone());
        let holding = tokio::spawn(async move { holding.hold(original(n)).await.unwrap() });
        let removing =
            tokio::spawn(async move { removing.begin_removals(Duration::ZERO, LONG, 9).await.unwrap() });
        let (held, removals) = (holding.await.unwrap(), removing.await.unwrap());
        // With no grace at all a blob may be held and then taken; but never taken and then held.
        assert!(held || removals.len() == 1, "neither got it");
        if !removals.is_empty() {
            assert!(!store.hold(original(n)).await.unwrap());
        }
    }
}
