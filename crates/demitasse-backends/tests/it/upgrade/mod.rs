//! Processes of two versions share the stores during a rolling upgrade. `fixtures/` holds what the version before writes,
//! and its Redis scripts: this version must read the one and get on with the other, and what it writes itself must still
//! have everything that the version before looks for.
//!
//! Once a version is released, its own are recorded for the next: copy the scripts, and run these tests with
//! `RECORD_FIXTURES=1`.

use std::path::PathBuf;
use std::sync::Arc;

use demitasse_backends::Backends;
use demitasse_core::contract::sample;
use demitasse_core::{
    ImageStore, JobStore, OwnerId, SettingStore, Subscription, SubscriptionStore, SystemClock, Transition,
    Upload,
};
use serde_json::Value;

/// Documents, and words that this version does not know.
#[cfg(feature = "mongodb")]
mod mongodb;

/// Rows and schema, and words that this version does not know.
#[cfg(feature = "postgres")]
mod postgres;

/// One queue, two versions of its scripts.
#[cfg(feature = "redis")]
mod redis;

/// A store of metadata, seen through each of its ports.
struct Ports<'a> {
    images: &'a dyn ImageStore,
    jobs: &'a dyn JobStore,
    subscriptions: &'a dyn SubscriptionStore,
    settings: &'a dyn SettingStore,
}

impl<'a> Ports<'a> {
    fn of<S: ImageStore + JobStore + SubscriptionStore + SettingStore>(store: &'a S) -> Self {
        Self { images: store, jobs: store, subscriptions: store, settings: store }
    }

    fn of_backends(backends: &'a Backends) -> Self {
        Self {
            images: &*backends.images,
            jobs: &*backends.jobs,
            subscriptions: &*backends.subscriptions,
            settings: &*backends.settings,
        }
    }

    async fn apply(&self, n: u64, transition: Transition) {
        let changed = self.jobs.transition(sample::job_id(n), transition, sample::time(60)).await.unwrap();
        assert!(changed.is_some(), "job {n}");
    }

    /// One upload in each state, and all that a row can hold.
    async fn write(&self) {
        for n in 1..=7 {
            self.images.create_upload(sample::upload(n)).await.unwrap();
        }
        for n in [2, 3, 4, 5, 7] {
            self.apply(n, Transition::Start { lease: sample::lease(n), over: None }).await;
        }
        let (lease, failure) = (sample::lease(3), sample::failure(3));
        self.apply(3, Transition::Retry { lease, failure }).await;
        self.succeed(4).await;
        let (lease, failure, until) = (sample::lease(5), sample::failure(5), Some(sample::time(90)));
        self.apply(5, Transition::Fail { lease, failure, announce_until: until }).await;
        self.apply(5, Transition::EndAnnouncement { delivered: false }).await;
        self.apply(6, Transition::Cancel).await;
        self.succeed(7).await;
        self.apply(7, Transition::EndAnnouncement { delivered: true }).await;
        self.subscriptions.subscribe(sample::subscription(1)).await.unwrap();
        self.settings.setting_or_insert("key", "value".into()).await.unwrap();
    }

    /// What follows on from [`Ports::write`].
    async fn go_on(&self) {
        for n in [1, 3] {
            self.apply(n, Transition::Start { lease: sample::lease(10 + n), over: None }).await;
        }
        self.succeed(2).await;
        self.apply(1, Transition::Release { lease: sample::lease(11) }).await;
        let begin = Transition::BeginAnnouncement { until: sample::time(120) };
        let due = self.jobs.transition(sample::job_id(4), begin, sample::time(100)).await.unwrap();
        assert!(due.is_some());
        self.images.create_upload(sample::upload(8)).await.unwrap();
    }

    async fn succeed(&self, n: u64) {
        let variant = Box::new(sample::variant(n));
        let announce_until = Some(sample::time(90));
        self.apply(n, Transition::Succeed { lease: sample::lease(n), variant, announce_until }).await;
    }

    async fn read(&self) -> (Vec<Upload>, Vec<Subscription>, String) {
        let images = self.images.images_after(OwnerId::DEFAULT, None, 100).await.unwrap();
        let subscriptions = self.subscriptions.subscriptions(OwnerId::DEFAULT).await.unwrap();
        let setting = self.settings.setting_or_insert("key", "another".into()).await.unwrap();
        (images, subscriptions, setting)
    }
}

/// The store holds what [`Ports::write`] wrote, as memory has it, and goes on from there as memory does.
async fn assert_reads_and_goes_on(store: Ports<'_>) {
    let memory = Backends::memory(Arc::new(SystemClock));
    let memory = Ports::of_backends(&memory);
    memory.write().await;
    assert_eq!(store.read().await, memory.read().await);
    store.go_on().await;
    memory.go_on().await;
    assert_eq!(store.read().await, memory.read().await);
}

/// The recorded fixture; `written` becomes it if that is asked for.
#[expect(clippy::disallowed_methods, reason = "whoever records says so in the environment")]
fn fixture(name: &str, written: &Value) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/upgrade/fixtures").join(name);
    if std::env::var("RECORD_FIXTURES").is_ok() {
        std::fs::write(&path, format!("{written:#}\n")).unwrap();
    }
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Everything that is in `before` must be in `now`, and be the same; more may be added to objects.
fn assert_covers(now: &Value, before: &Value, path: &str) {
    match (now, before) {
        (Value::Object(now), Value::Object(before)) => {
            for (name, before) in before {
                let now = now.get(name).unwrap_or_else(|| panic!("{path}/{name} is missing"));
                assert_covers(now, before, &format!("{path}/{name}"));
            }
        }
        (Value::Array(now), Value::Array(before)) => {
            assert_eq!(now.len(), before.len(), "{path}");
            for (index, (now, before)) in now.iter().zip(before).enumerate() {
                assert_covers(now, before, &format!("{path}/{index}"));
            }
        }
        _ => assert_eq!(now, before, "{path}"),
    }
}
