//! What every [`JobStore`] must do. The store under test also creates the uploads, as metadata stores do.

#![expect(missing_docs, reason = "the name of a case says what it checks")]

use std::sync::Arc;

use futures_util::future::join_all;

use super::sample;
use crate::{
    ImageStore, Job, JobId, JobState, JobStore, LeaseId, NewUpload, OwnerId, Sequence, Transition, Variant,
};

/// Makes a test of each case.
#[macro_export]
macro_rules! job_store_contract {
    ($setup:path) => {
        $crate::contract_suite! { job_store, $setup:
            a_job_is_found_with_its_image
            an_unknown_job_is_none
            a_job_is_shown_to_its_owner_only
            a_transition_of_an_unknown_job_changes_nothing
            every_transition_from_every_state_follows_the_table
            a_start_counts_the_attempt
            a_release_does_not_count_the_attempt
            attempts_count_through_crashes
            an_older_lease_can_no_longer_end_the_attempt
            of_concurrent_starts_of_one_lease_exactly_one_wins
            of_concurrent_starts_exactly_one_wins
            a_start_from_an_outdated_reading_changes_nothing
            a_cancelled_job_is_not_started
            the_attempt_of_a_cancelled_job_can_no_longer_end
            an_announcement_is_due_when_its_teller_had_its_time
            an_announcement_is_begun_by_one_at_a_time
            an_announcement_that_was_put_off_is_due_later
            an_announcement_that_ended_is_not_listed
            whoever_is_due_for_longest_is_announced_first
            of_concurrent_ends_exactly_one_wins
            a_kept_original_reads_back
            lists_show_the_job_as_it_stands
            a_variant_is_found_for_succeeded_work_only
            a_variant_is_found_whoever_owns_the_job
            the_latest_variant_of_the_same_work_is_found
            unfinished_jobs_come_oldest_first_by_page
            dead_letters_come_newest_first_by_page
            a_revived_job_has_every_attempt_again
            a_revived_job_has_no_news
            of_concurrent_revivals_exactly_one_wins
        }
    };
}

async fn create(store: &impl ImageStore, n: u64) -> JobId {
    store.create_upload(sample::upload(n)).await.unwrap().job.id
}

async fn job(store: &impl JobStore, id: JobId) -> Job {
    store.job(id).await.unwrap().unwrap().job
}

async fn apply(store: &impl JobStore, id: JobId, transition: Transition) -> Option<Job> {
    store.transition(id, transition, sample::time(60)).await.unwrap()
}

/// Starts a job that is not running.
fn start(lease: LeaseId) -> Transition {
    Transition::Start { lease, over: None }
}

fn start_over(over: LeaseId, lease: LeaseId) -> Transition {
    Transition::Start { lease, over: Some(over) }
}

fn succeed(lease: LeaseId) -> Transition {
    Transition::Succeed { lease, variant: Box::new(sample::variant(1)), announce_until: None }
}

fn fail(lease: LeaseId) -> Transition {
    Transition::Fail { lease, failure: sample::failure(1), announce_until: None }
}

fn retry(lease: LeaseId) -> Transition {
    Transition::Retry { lease, failure: sample::failure(2) }
}

fn release(lease: LeaseId) -> Transition {
    Transition::Release { lease }
}

/// As `succeed`, announced until a minute after the transitions of [`apply`].
fn succeed_with_news(lease: LeaseId) -> Transition {
    Transition::Succeed {
        lease,
        variant: Box::new(sample::variant(1)),
        announce_until: Some(sample::time(120)),
    }
}

/// As `fail`, announced until two minutes after the transitions of [`apply`].
fn fail_with_news(lease: LeaseId) -> Transition {
    Transition::Fail { lease, failure: sample::failure(1), announce_until: Some(sample::time(180)) }
}

fn begin_announcement() -> Transition {
    Transition::BeginAnnouncement { until: sample::time(240) }
}

/// Later than the news of `succeed_with_news` is due, earlier than that of `fail_with_news`.
fn postpone_announcement() -> Transition {
    Transition::PostponeAnnouncement { until: sample::time(150) }
}

fn end_announcement(delivered: bool) -> Transition {
    Transition::EndAnnouncement { delivered }
}

/// Every transition, under `lease`.
fn transitions(lease: LeaseId) -> [Transition; 14] {
    [
        start(lease),
        start_over(sample::lease(1), lease),
        start_over(sample::lease(2), lease),
        succeed(lease),
        succeed_with_news(lease),
        fail(lease),
        fail_with_news(lease),
        retry(lease),
        release(lease),
        Transition::Cancel,
        Transition::Revive,
        begin_announcement(),
        postpone_announcement(),
        end_announcement(lease == sample::lease(1)),
    ]
}

pub async fn a_job_is_found_with_its_image<S: ImageStore + JobStore>(store: Arc<S>) {
    let created = store.create_upload(sample::upload(1)).await.unwrap();
    assert_eq!(store.job(created.job.id).await.unwrap(), Some(created));
}

pub async fn an_unknown_job_is_none<S: ImageStore + JobStore>(store: Arc<S>) {
    create(&*store, 1).await;
    assert_eq!(store.job(sample::job_id(2)).await.unwrap(), None);
}

pub async fn a_job_is_shown_to_its_owner_only<S: ImageStore + JobStore>(store: Arc<S>) {
    let new = NewUpload { owner: sample::owner(1), ..sample::upload(1) };
    let created = store.create_upload(new).await.unwrap();
    let id = created.job.id;
    assert_eq!(store.job_of(sample::owner(1), id).await.unwrap(), Some(created));
    assert_eq!(store.job_of(sample::owner(2), id).await.unwrap(), None);
}

pub async fn a_transition_of_an_unknown_job_changes_nothing<S: ImageStore + JobStore>(store: Arc<S>) {
    let other = create(&*store, 1).await;
    let before = job(&*store, other).await;
    for transition in transitions(sample::lease(1)) {
        assert_eq!(apply(&*store, sample::job_id(2), transition).await, None);
    }
    assert_eq!(job(&*store, other).await, before);
}

pub async fn every_transition_from_every_state_follows_the_table<S: ImageStore + JobStore>(store: Arc<S>) {
    let (held, other) = (sample::lease(1), sample::lease(2));
    // How a job comes into each state, both ways where there are two.
    let histories: [&[Transition]; 15] = [
        &[],
        &[start(held), release(held)],
        &[start(held)],
        &[start(other), retry(other), start(held)],
        &[start(held), retry(held)],
        &[start(held), succeed(held)],
        &[start(other), retry(other), start(held), succeed(held)],
        &[start(held), fail(held)],
        &[Transition::Cancel],
        &[start(held), succeed_with_news(held)],
        &[start(held), fail_with_news(held)],
        &[start(held), succeed_with_news(held), end_announcement(true)],
        &[start(held), fail_with_news(held), end_announcement(false)],
        &[start(held), fail_with_news(held), Transition::Revive],
        &[start(other), fail(other), Transition::Revive, start(held)],
    ];
    let mut n = 0;
    for history in histories {
        for transition in transitions(held).into_iter().chain(transitions(other)) {
            n += 1;
            let id = create(&*store, n).await;
            for step in history {
                assert!(apply(&*store, id, step.clone()).await.is_some(), "{history:?}");
            }
            let before = job(&*store, id).await;
            let later = sample::time(120);
            let expected = transition.clone().apply(&before, later);
            let changed = store.transition(id, transition.clone(), later).await.unwrap();
            assert_eq!(changed, expected, "{transition:?} after {history:?}");
            assert_eq!(
                job(&*store, id).await,
                expected.unwrap_or(before),
                "{transition:?} after {history:?}"
            );
        }
    }
}

pub async fn a_start_counts_the_attempt<S: ImageStore + JobStore>(store: Arc<S>) {
    let id = create(&*store, 1).await;
    let started = apply(&*store, id, start(sample::lease(1))).await.unwrap();
    assert_eq!((started.state, started.attempt), (JobState::Running, 1));
    assert_eq!(started.lease, Some(sample::lease(1)));
    assert_eq!(apply(&*store, id, start(sample::lease(1))).await, None, "a repeated start is no new attempt");
    assert_eq!(job(&*store, id).await.attempt, 1);
}

pub async fn a_release_does_not_count_the_attempt<S: ImageStore + JobStore>(store: Arc<S>) {
    let id = create(&*store, 1).await;
    for n in 1..=5 {
        let started = apply(&*store, id, start(sample::lease(n))).await.unwrap();
        assert_eq!(started.attempt, 1);
        let released = apply(&*store, id, release(sample::lease(n))).await.unwrap();
        assert_eq!((released.state, released.attempt, released.lease), (JobState::Queued, 0, None));
    }
}

pub async fn attempts_count_through_crashes<S: ImageStore + JobStore>(store: Arc<S>) {
    let id = create(&*store, 1).await;
    let mut over = None;
    for n in 1..=3 {
        let lease = sample::lease(n.into());
        let started = apply(&*store, id, Transition::Start { lease, over }).await.unwrap();
        assert_eq!(started.attempt, n);
        assert_eq!(started.has_attempts_left(), n < 3);
        over = Some(lease);
    }
}

pub async fn an_older_lease_can_no_longer_end_the_attempt<S: ImageStore + JobStore>(store: Arc<S>) {
    let id = create(&*store, 1).await;
    let (old, new) = (sample::lease(1), sample::lease(2));
    apply(&*store, id, start(old)).await.unwrap();
    let taken_over = apply(&*store, id, start_over(old, new)).await.unwrap();
    assert_eq!(taken_over.attempt, 2);
    for late in [succeed(old), fail(old), retry(old), release(old)] {
        assert_eq!(apply(&*store, id, late).await, None);
    }
    assert_eq!(job(&*store, id).await, taken_over);
    assert!(apply(&*store, id, succeed(new)).await.is_some());
}

pub async fn a_start_from_an_outdated_reading_changes_nothing<S: ImageStore + JobStore>(store: Arc<S>) {
    let id = create(&*store, 1).await;
    let (first, second, stalled) = (sample::lease(1), sample::lease(2), sample::lease(3));
    apply(&*store, id, start(first)).await.unwrap();
    let running = apply(&*store, id, start_over(first, second)).await.unwrap();
    for outdated in [start(stalled), start_over(first, stalled)] {
        assert_eq!(apply(&*store, id, outdated).await, None);
    }
    assert_eq!(job(&*store, id).await, running);
}

pub async fn of_concurrent_starts_of_one_lease_exactly_one_wins<S: ImageStore + JobStore>(store: Arc<S>) {
    let id = create(&*store, 1).await;
    let tasks = (0..8).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { apply(&*store, id, start(sample::lease(1))).await })
    });
    let wins = join_all(tasks).await.into_iter().filter_map(Result::unwrap).count();
    assert_eq!(wins, 1);
    assert_eq!(job(&*store, id).await.attempt, 1);
}

pub async fn of_concurrent_starts_exactly_one_wins<S: ImageStore + JobStore>(store: Arc<S>) {
    let id = create(&*store, 1).await;
    let tasks = (0..8).map(|n| {
        let store = store.clone();
        tokio::spawn(async move { apply(&*store, id, start(sample::lease(n))).await })
    });
    let wins: Vec<Job> = join_all(tasks).await.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(wins.len(), 1);
    assert_eq!((wins[0].attempt, job(&*store, id).await), (1, wins[0].clone()));
}

pub async fn of_concurrent_ends_exactly_one_wins<S: ImageStore + JobStore>(store: Arc<S>) {
    let id = create(&*store, 1).await;
    let held = sample::lease(1);
    apply(&*store, id, start(held)).await.unwrap();
    let ends = [succeed(held), fail(held), retry(held), release(held), succeed(held), fail(held)];
    let tasks = ends.map(|end| {
        let store = store.clone();
        tokio::spawn(async move { apply(&*store, id, end).await })
    });
    let wins: Vec<Job> = join_all(tasks).await.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(wins.len(), 1);
    assert_eq!(job(&*store, id).await, wins[0]);
}

pub async fn a_kept_original_reads_back<S: ImageStore + JobStore>(store: Arc<S>) {
    let id = create(&*store, 1).await;
    apply(&*store, id, start(sample::lease(1))).await.unwrap();
    let kept = Variant {
        outcome: crate::VariantOutcome::KeptOriginal,
        reason: Some("no candidate was smaller".into()),
        score: None,
        ..sample::variant(1)
    };
    let end = Transition::Succeed {
        lease: sample::lease(1),
        variant: Box::new(kept.clone()),
        announce_until: None,
    };
    apply(&*store, id, end).await.unwrap();
    assert_eq!(job(&*store, id).await.variant, Some(kept));
}

pub async fn lists_show_the_job_as_it_stands<S: ImageStore + JobStore>(store: Arc<S>) {
    let created = store.create_upload(sample::upload(1)).await.unwrap();
    let id = created.job.id;
    apply(&*store, id, start(sample::lease(1))).await.unwrap();
    let succeeded = apply(&*store, id, succeed(sample::lease(1))).await.unwrap();
    let listed = store.images_after(OwnerId::DEFAULT, None, 10).await.unwrap();
    assert_eq!(listed[0].job, succeeded);
    assert_eq!(listed[0].image, created.image);
}

pub async fn a_variant_is_found_for_succeeded_work_only<S: ImageStore + JobStore>(store: Arc<S>) {
    let held = sample::lease(1);
    let histories: [&[Transition]; 5] =
        [&[], &[start(held)], &[start(held), retry(held)], &[start(held), fail(held)], &[Transition::Cancel]];
    for (n, history) in (1..).zip(histories) {
        let id = create(&*store, n).await;
        for step in history {
            apply(&*store, id, step.clone()).await.unwrap();
        }
        assert_eq!(store.variant_for(sample::request_key(n)).await.unwrap(), None, "{history:?}");
    }
    let id = create(&*store, 9).await;
    apply(&*store, id, start(held)).await.unwrap();
    apply(&*store, id, succeed(held)).await.unwrap();
    assert_eq!(store.variant_for(sample::request_key(9)).await.unwrap(), Some(sample::variant(1)));
    assert_eq!(store.variant_for(sample::request_key(10)).await.unwrap(), None);
}

pub async fn a_variant_is_found_whoever_owns_the_job<S: ImageStore + JobStore>(store: Arc<S>) {
    let held = sample::lease(1);
    for n in 1..=2 {
        let new =
            NewUpload { owner: sample::owner(n), request_key: sample::request_key(7), ..sample::upload(n) };
        store.create_upload(new).await.unwrap();
    }
    let second = sample::job_id(2);
    apply(&*store, second, start(held)).await.unwrap();
    apply(&*store, second, succeed(held)).await.unwrap();
    assert_eq!(store.variant_for(sample::request_key(7)).await.unwrap(), Some(sample::variant(1)));
}

pub async fn the_latest_variant_of_the_same_work_is_found<S: ImageStore + JobStore>(store: Arc<S>) {
    let held = sample::lease(1);
    for n in 1..=3 {
        let new = NewUpload { request_key: sample::request_key(7), ..sample::upload(n) };
        store.create_upload(new).await.unwrap();
        apply(&*store, sample::job_id(n), start(held)).await.unwrap();
    }
    // The last to be accepted has none yet.
    for n in [2, 1] {
        let variant = Box::new(sample::variant(n));
        let succeed = Transition::Succeed { lease: held, variant, announce_until: None };
        apply(&*store, sample::job_id(n), succeed).await.unwrap();
    }
    assert_eq!(store.variant_for(sample::request_key(7)).await.unwrap(), Some(sample::variant(2)));
}

pub async fn unfinished_jobs_come_oldest_first_by_page<S: ImageStore + JobStore>(store: Arc<S>) {
    let held = sample::lease(1);
    let histories: [&[Transition]; 7] = [
        &[],
        &[Transition::Cancel],
        &[start(held), succeed(held)],
        &[start(held)],
        &[start(held), fail(held)],
        &[start(held), retry(held)],
        &[start(held), release(held)],
    ];
    let mut open = Vec::new();
    for (n, history) in (1..).zip(histories) {
        let id = create(&*store, n).await;
        for step in history {
            apply(&*store, id, step.clone()).await.unwrap();
        }
        open.push(job(&*store, id).await);
    }
    open.retain(|job| !job.state.is_terminal());
    assert_eq!(open.len(), 4);
    assert_eq!(store.unfinished(None, usize::MAX).await.unwrap(), open);
    assert_eq!(store.unfinished(None, 3).await.unwrap(), open[..3]);
    assert_eq!(store.unfinished(Some(open[2].sequence), 3).await.unwrap(), open[3..]);
    assert_eq!(store.unfinished(Some(Sequence(i64::MAX)), 3).await.unwrap(), []);
    assert_eq!(store.unfinished(None, 0).await.unwrap(), []);
}

/// Tries the job `n` times, each under a lease of its own, and fails it the last time.
async fn use_up(store: &impl JobStore, id: JobId, n: u64) -> Job {
    for attempt in 1..n {
        apply(store, id, start(sample::lease(attempt))).await.unwrap();
        apply(store, id, retry(sample::lease(attempt))).await.unwrap();
    }
    apply(store, id, start(sample::lease(n))).await.unwrap();
    apply(store, id, fail(sample::lease(n))).await.unwrap()
}

pub async fn dead_letters_come_newest_first_by_page<S: ImageStore + JobStore>(store: Arc<S>) {
    let mut dead = Vec::new();
    for n in 1..=4 {
        let new = NewUpload { owner: sample::owner(n), ..sample::upload(n) };
        let id = store.create_upload(new).await.unwrap().job.id;
        assert!(use_up(&*store, id, 3).await.is_dead_letter());
        dead.push(store.job(id).await.unwrap().unwrap());
    }
    // Failed for good at once, still trying for the last time, and taken back at it.
    let held = sample::lease(3);
    for (n, last) in [(5, None), (6, Some(start(held))), (7, Some(Transition::Cancel))] {
        let id = create(&*store, n).await;
        let Some(last) = last else {
            use_up(&*store, id, 2).await;
            continue;
        };
        for attempt in 1..=2 {
            apply(&*store, id, start(sample::lease(attempt))).await.unwrap();
            apply(&*store, id, retry(sample::lease(attempt))).await.unwrap();
        }
        apply(&*store, id, start(held)).await.unwrap();
        apply(&*store, id, last).await;
    }
    dead.reverse();
    assert_eq!(store.dead_letters(None, usize::MAX).await.unwrap(), dead);
    assert_eq!(store.dead_letters(None, 3).await.unwrap(), dead[..3]);
    let third = dead[2].job.sequence;
    assert_eq!(store.dead_letters(Some(third), 3).await.unwrap(), dead[3..]);
    assert_eq!(store.dead_letters(Some(Sequence(0)), 3).await.unwrap(), []);
    assert_eq!(store.dead_letters(None, 0).await.unwrap(), []);
}

pub async fn a_revived_job_has_every_attempt_again<S: ImageStore + JobStore>(store: Arc<S>) {
    let id = create(&*store, 1).await;
    let dead = use_up(&*store, id, 3).await;
    let revived = apply(&*store, id, Transition::Revive).await.unwrap();
    assert_eq!((revived.state, revived.attempt, revived.lease), (JobState::Queued, 0, None));
    assert_eq!(revived.failure, dead.failure, "why it failed is kept until it does better");
    assert_eq!(store.dead_letters(None, 10).await.unwrap(), []);
    assert_eq!(store.unfinished(None, 10).await.unwrap(), [revived]);
    assert_eq!(apply(&*store, id, Transition::Revive).await, None, "it is not failed any more");
    // A worker of the attempts before can no longer end it.
    assert_eq!(apply(&*store, id, succeed(sample::lease(3))).await, None);
    apply(&*store, id, start(sample::lease(4))).await.unwrap();
    let done = apply(&*store, id, succeed(sample::lease(4))).await.unwrap();
    assert_eq!((done.state, done.attempt, done.failure), (JobState::Succeeded, 1, None));
}

pub async fn a_revived_job_has_no_news<S: ImageStore + JobStore>(store: Arc<S>) {
    let id = create(&*store, 1).await;
    apply(&*store, id, start(sample::lease(1))).await.unwrap();
    apply(&*store, id, fail_with_news(sample::lease(1))).await.unwrap();
    assert_eq!(unannounced(&*store, 500).await, [id]);
    assert_eq!(apply(&*store, id, Transition::Revive).await.unwrap().announcement, None);
    assert_eq!(unannounced(&*store, 500).await, []);
}

pub async fn of_concurrent_revivals_exactly_one_wins<S: ImageStore + JobStore>(store: Arc<S>) {
    let id = create(&*store, 1).await;
    use_up(&*store, id, 1).await;
    let tasks = (0..6).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { apply(&*store, id, Transition::Revive).await })
    });
    let wins = join_all(tasks).await.into_iter().filter_map(Result::unwrap).count();
    assert_eq!(wins, 1);
}

pub async fn a_cancelled_job_is_not_started<S: ImageStore + JobStore>(store: Arc<S>) {
    let id = create(&*store, 1).await;
    let cancelled = apply(&*store, id, Transition::Cancel).await.unwrap();
    assert_eq!((cancelled.state, cancelled.attempt), (JobState::Cancelled, 0));
    assert_eq!(apply(&*store, id, start(sample::lease(1))).await, None);
    assert_eq!(apply(&*store, id, Transition::Cancel).await, None);
    assert_eq!(store.unfinished(None, 10).await.unwrap(), []);
}

pub async fn the_attempt_of_a_cancelled_job_can_no_longer_end<S: ImageStore + JobStore>(store: Arc<S>) {
    let id = create(&*store, 1).await;
    let held = sample::lease(1);
    apply(&*store, id, start(held)).await.unwrap();
    let cancelled = apply(&*store, id, Transition::Cancel).await.unwrap();
    for late in [succeed(held), fail(held), retry(held), release(held)] {
        assert_eq!(apply(&*store, id, late).await, None);
    }
    assert_eq!(job(&*store, id).await, cancelled);
}

async fn unannounced(store: &impl JobStore, seconds: i64) -> Vec<JobId> {
    let jobs = store.unannounced(sample::time(seconds), 10).await.unwrap();
    jobs.into_iter().map(|job| job.id).collect()
}

pub async fn an_announcement_is_due_when_its_teller_had_its_time<S: ImageStore + JobStore>(store: Arc<S>) {
    let silent = create(&*store, 1).await;
    let told = create(&*store, 2).await;
    for (id, end) in [(silent, succeed(sample::lease(1))), (told, succeed_with_news(sample::lease(1)))] {
        apply(&*store, id, start(sample::lease(1))).await.unwrap();
        apply(&*store, id, end).await.unwrap();
    }
    assert_eq!(unannounced(&*store, 119).await, []);
    assert_eq!(unannounced(&*store, 120).await, [told]);
    let begun = store.transition(told, begin_announcement(), sample::time(120)).await.unwrap().unwrap();
    assert_eq!(begun.announcement.unwrap().attempts, 2);
    assert_eq!(unannounced(&*store, 239).await, []);
    assert_eq!(unannounced(&*store, 240).await, [told]);
}

pub async fn an_announcement_is_begun_by_one_at_a_time<S: ImageStore + JobStore>(store: Arc<S>) {
    let id = create(&*store, 1).await;
    apply(&*store, id, start(sample::lease(1))).await.unwrap();
    apply(&*store, id, fail_with_news(sample::lease(1))).await.unwrap();
    let tasks = (0..6).map(|_| {
        let store = store.clone();
        tokio::spawn(
            async move { store.transition(id, begin_announcement(), sample::time(200)).await.unwrap() },
        )
    });
    let wins = join_all(tasks).await.into_iter().filter_map(Result::unwrap).count();
    assert_eq!(wins, 1);
}

pub async fn an_announcement_that_was_put_off_is_due_later<S: ImageStore + JobStore>(store: Arc<S>) {
    let id = create(&*store, 1).await;
    apply(&*store, id, start(sample::lease(1))).await.unwrap();
    apply(&*store, id, succeed_with_news(sample::lease(1))).await.unwrap();
    let put_off = apply(&*store, id, postpone_announcement()).await.unwrap();
    assert_eq!(put_off.announcement.unwrap().attempts, 1);
    assert_eq!(unannounced(&*store, 149).await, []);
    assert_eq!(unannounced(&*store, 150).await, [id]);
    let earlier = Transition::PostponeAnnouncement { until: sample::time(140) };
    assert_eq!(apply(&*store, id, earlier).await, None, "it is due later than that");
}

pub async fn an_announcement_that_ended_is_not_listed<S: ImageStore + JobStore>(store: Arc<S>) {
    for (n, delivered) in [(1, true), (2, false)] {
        let id = create(&*store, n).await;
        apply(&*store, id, start(sample::lease(1))).await.unwrap();
        let told = apply(&*store, id, succeed_with_news(sample::lease(1))).await.unwrap();
        let ended =
            store.transition(id, end_announcement(delivered), sample::time(300)).await.unwrap().unwrap();
        assert_eq!((ended.state, ended.updated_at), (JobState::Succeeded, told.updated_at));
        assert_eq!(apply(&*store, id, end_announcement(delivered)).await, None, "it has ended");
    }
    assert_eq!(unannounced(&*store, 1_000_000).await, []);
}

pub async fn whoever_is_due_for_longest_is_announced_first<S: ImageStore + JobStore>(store: Arc<S>) {
    let ends = [fail_with_news(sample::lease(1)), succeed_with_news(sample::lease(1))];
    let mut ids = Vec::new();
    for (n, end) in (1..).zip(ends) {
        let id = create(&*store, n).await;
        apply(&*store, id, start(sample::lease(1))).await.unwrap();
        apply(&*store, id, end).await.unwrap();
        ids.push(id);
    }
    ids.reverse();
    assert_eq!(unannounced(&*store, 500).await, ids);
    assert_eq!(store.unannounced(sample::time(500), 1).await.unwrap().len(), 1);
    assert_eq!(store.unannounced(sample::time(500), 0).await.unwrap(), []);
}
