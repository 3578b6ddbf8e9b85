use std::collections::BTreeSet;

use demitasse_backends::Check;
use demitasse_backends::postgres::PostgresStore;
use demitasse_core::contract::sample;
use demitasse_core::{
    Claim, ErrorKind, ImageStore, JobId, JobQueue, JobStore, OwnerId, Sequence, SettingStore,
    SubscriptionStore, Transition,
};
use futures_util::future::join_all;
use tokio::time::timeout;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_start_on_an_empty_database_at_once() {
    let schema = Schema::new().await;
    let stores = join_all((0..4).map(|_| schema.open())).await;
    for (n, store) in (0..).zip(&stores) {
        store.check().await.unwrap();
        store.create_upload(sample::upload(n)).await.unwrap();
    }
    let images = stores[0].images_after(OwnerId::DEFAULT, None, 10).await.unwrap();
    assert_eq!(images.len(), 4);
    assert!(images.is_sorted_by(|a, b| a.image.sequence < b.image.sequence));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_never_hold_the_same_job() {
    let schema = Schema::new().await;
    let stores = [schema.open().await, schema.open().await];
    for n in 0..100 {
        stores[0].enqueue(ticket(n)).await.unwrap();
    }
    let workers = (0..8).map(|worker| {
        let store = stores[worker % 2].clone();
        tokio::spawn(async move {
            let mut jobs = Vec::new();
            while let Some(claim) = store.claim("tester", LONG).await.unwrap() {
                jobs.push(claim.job_id);
            }
            jobs
        })
    });
    let claimed: Vec<JobId> = join_all(workers).await.into_iter().flat_map(Result::unwrap).collect();
    assert_eq!(claimed.len(), 100);
    assert_eq!(claimed.iter().collect::<BTreeSet<_>>().len(), 100);
}

/// Claims, and waits for ever where there is nothing.
async fn next(store: Arc<PostgresStore>) -> Claim {
    loop {
        match store.claim("tester", LONG).await.unwrap() {
            Some(claim) => return claim,
            None => store.wait(LONG).await,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_workers_of_another_process_wake_for_each_entry() {
    let schema = Schema::new().await;
    let (api, worker) = (schema.open().await, schema.open().await);
    let idle: Vec<_> = (0..3).map(|_| tokio::spawn(next(worker.clone()))).collect();
    api.create_upload(sample::upload(1)).await.unwrap();
    api.enqueue(ticket(2)).await.unwrap();
    let held = api.claim("tester", LONG).await.unwrap();
    api.enqueue(ticket(3)).await.unwrap();
    if let Some(held) = held {
        assert!(api.nack(held, Duration::ZERO).await.unwrap());
    }
    let claims = timeout(PATIENCE, join_all(idle)).await.unwrap();
    let jobs: BTreeSet<JobId> = claims.into_iter().map(|claim| claim.unwrap().job_id).collect();
    assert_eq!(jobs, BTreeSet::from([1, 2, 3].map(sample::job_id)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_connections_are_replaced_unnoticed() {
    let schema = Schema::new().await;
    let store = schema.open().await;
    let idle = tokio::spawn(next(store.clone()));
    for n in 1..=5 {
        join_all((0..4).map(|_| store.depth())).await;
        schema.terminate().await;
        store.create_upload(sample::upload(n)).await.unwrap();
        schema.terminate().await;
        assert!(store.job(sample::job_id(n)).await.unwrap().is_some());
    }
    timeout(PATIENCE, idle).await.unwrap().unwrap();
    // The listener's connection was among them.
    for _ in 0..4 {
        timeout(PATIENCE, next(store.clone())).await.unwrap();
    }
    let idle = tokio::spawn(next(store.clone()));
    schema.terminate().await;
    store.enqueue(ticket(9)).await.unwrap();
    assert_eq!(timeout(PATIENCE, idle).await.unwrap().unwrap().job_id, sample::job_id(9));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_on_from_a_sequence_misses_no_upload() {
    let schema = Schema::new().await;
    let stores = [schema.open().await, schema.open().await];
    let uploads = (0..4_u64).map(|task| {
        let store = stores[(task % 2) as usize].clone();
        tokio::spawn(async move {
            for n in 0..25 {
                store.create_upload(sample::upload(task * 25 + n)).await.unwrap();
            }
        })
    });
    let reader = async {
        let (mut seen, mut after) = (BTreeSet::new(), None::<Sequence>);
        while seen.len() < 100 {
            for upload in stores[0].images_after(OwnerId::DEFAULT, after, 10).await.unwrap() {
                seen.insert(upload.image.id);
                after = Some(upload.image.sequence);
            }
        }
    };
    let uploads = uploads.collect::<Vec<_>>();
    timeout(PATIENCE, reader).await.unwrap();
    join_all(uploads).await;
}

#[tokio::test]
async fn an_upload_that_is_kept_waiting_is_given_up_and_leaves_nothing() {
    let schema = Schema::new().await;
    let hasty = format!("{}&options[statement_timeout]=300", schema.url());
    let store = PostgresStore::connect(&hasty, true).await.unwrap();
    let mut visitor = schema.visitor().await;
    let mut lock = visitor.begin().await.unwrap();
    sqlx::raw_sql("SELECT * FROM counters FOR UPDATE").execute(&mut *lock).await.unwrap();
    let error = store.create_upload(sample::upload(1)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable, "{error:?}");
    lock.rollback().await.unwrap();
    assert_eq!(store.images_after(OwnerId::DEFAULT, None, 10).await.unwrap(), []);
    store.create_upload(sample::upload(1)).await.unwrap();
    assert_eq!(store.depth().await.unwrap().ready, 1);
}

/// A prepared `SELECT *` would fail: "cached plan must not change result type".
#[tokio::test]
async fn one_goes_on_when_a_newer_one_adds_columns() {
    let schema = Schema::new().await;
    let store = PostgresStore::connect(&format!("{}&max_connections=1", schema.url()), true).await.unwrap();
    for n in 1..=2 {
        store.create_upload(sample::upload(n)).await.unwrap();
        store.subscribe(sample::subscription(n)).await.unwrap();
        assert_eq!(store.subscriptions(OwnerId::DEFAULT).await.unwrap().len() as u64, n);
        assert_eq!(store.setting_or_insert("key", "value".into()).await.unwrap(), "value");
        let held = store.claim("tester", LONG).await.unwrap().unwrap();
        let start = Transition::Start { lease: held.lease, over: None };
        assert!(store.transition(held.job_id, start, sample::time(1)).await.unwrap().is_some());
        assert_eq!(store.unfinished(None, 10).await.unwrap().len() as u64, n);
        assert_eq!(store.images_before(OwnerId::DEFAULT, None, 10).await.unwrap().len() as u64, n);
        for table in ["images", "jobs", "queue_entries", "subscriptions", "settings"] {
            schema.execute(&format!("ALTER TABLE {table} ADD COLUMN news_{n} TEXT DEFAULT 'new'")).await;
        }
    }
}
