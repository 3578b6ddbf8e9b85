use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use demitasse_backends::{BackendUrls, Backends, connect};
use demitasse_core::contract::sample;
use demitasse_core::{
    BlobKey, BlobKind, Claim, ErrorKind, ManualClock, NewUpload, OwnerId, Priority, QueueDepth, Removal,
    Sequence, StoreError, Ticket, Transition,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// A call, on few ids, so that calls meet. Durations are nothing or an hour, so that clocks do not matter.
#[derive(Debug, Clone)]
enum Call {
    Create { image: u64, job: u64 },
    Enqueue { job: u64 },
    Claim { long: bool },
    Heartbeat { claim: usize, long: bool },
    Ack { claim: usize },
    Nack { claim: usize, long: bool },
    Bury { claim: usize },
    Transition { job: u64, kind: u8, lease: u64, over: u64 },
    VariantFor { job: u64 },
    Page { bound: Option<i64>, limit: usize },
    Delete { image: u64 },
    Hold { image: u64 },
    BeginRemovals { grace: bool, abandoned: bool },
    EndRemoval { removal: usize, removed: bool },
    Named { image: u64 },
}

fn claim_number() -> impl Strategy<Value = usize> + Clone {
    0..6_usize
}

fn call() -> impl Strategy<Value = Call> {
    let claim = claim_number();
    prop_oneof![
        4 => (0..5_u64, 0..5_u64).prop_map(|(image, job)| Call::Create { image, job }),
        1 => (0..5_u64).prop_map(|job| Call::Enqueue { job }),
        4 => any::<bool>().prop_map(|long| Call::Claim { long }),
        2 => (claim.clone(), any::<bool>()).prop_map(|(claim, long)| Call::Heartbeat { claim, long }),
        2 => claim.clone().prop_map(|claim| Call::Ack { claim }),
        2 => (claim, any::<bool>()).prop_map(|(claim, long)| Call::Nack { claim, long }),
        10 => (0..5_u64, 0..12_u8, 0..3_u64, 0..3_u64)
            .prop_map(|(job, kind, lease, over)| Call::Transition { job, kind, lease, over }),
        1 => claim_number().prop_map(|claim| Call::Bury { claim }),
        1 => (0..5_u64).prop_map(|job| Call::VariantFor { job }),
        2 => (0..5_u64).prop_map(|image| Call::Delete { image }),
        1 => (0..5_u64).prop_map(|image| Call::Hold { image }),
        2 => (any::<bool>(), any::<bool>())
            .prop_map(|(grace, abandoned)| Call::BeginRemovals { grace, abandoned }),
        1 => (claim_number(), any::<bool>()).prop_map(|(removal, removed)| Call::EndRemoval { removal, removed }),
        1 => (0..5_u64).prop_map(|image| Call::Named { image }),
        1 => (proptest::option::of(-1..7_i64), 0..4_usize).prop_map(|(bound, limit)| Call::Page { bound, limit }),
    ]
}

fn original(n: u64) -> BlobKey {
    BlobKey { kind: BlobKind::Original, sha256: sample::upload(n).original.sha256 }
}

fn duration(long: bool) -> Duration {
    if long { Duration::from_secs(3600) } else { Duration::ZERO }
}

fn transition(kind: u8, lease: u64, over: u64) -> Transition {
    let announce_until = (over == 1).then(|| sample::time(4));
    let (failure, variant) = (sample::failure(lease), Box::new(sample::variant(lease)));
    let lease = sample::lease(lease);
    match kind {
        0 => Transition::Start { lease, over: None },
        1 => Transition::Start { lease, over: Some(sample::lease(over)) },
        2 => Transition::Succeed { lease, variant, announce_until },
        3 => Transition::Fail { lease, failure, announce_until },
        4 => Transition::Retry { lease, failure },
        5 => Transition::Cancel,
        6 => Transition::BeginAnnouncement { until: sample::time(9) },
        7 => Transition::EndAnnouncement { delivered: over == 0 },
        8 => Transition::PostponeAnnouncement { until: sample::time(5) },
        9 => Transition::Revive,
        _ => Transition::Release { lease },
    }
}

/// One backend and the claims that it gave; their leases differ between backends, their numbers do not.
struct Run {
    backends: Backends,
    claims: Vec<Claim>,
    /// By their blobs' names, within each call.
    removals: Vec<Removal>,
}

/// What a call said, without what may differ.
fn told<T: Debug>(result: Result<T, StoreError>) -> String {
    let told: Result<T, ErrorKind> = result.map_err(|error| error.kind);
    format!("{told:?}")
}

impl Run {
    fn new(backends: Backends) -> Self {
        Self { backends, claims: Vec::new(), removals: Vec::new() }
    }

    fn claim(&self, number: usize) -> Claim {
        let unknown = Claim { job_id: sample::job_id(0), lease: sample::lease(77), deliveries: 1 };
        self.claims.get(number).copied().unwrap_or(unknown)
    }

    async fn apply(&mut self, call: Call) -> String {
        let Backends { images, jobs, queue, deletions, .. } = &self.backends;
        match call {
            Call::Create { image, job } => {
                let new = NewUpload { image_id: sample::image_id(image), ..sample::upload(job) };
                told(images.create_upload(new).await)
            }
            Call::Enqueue { job } => {
                let ticket = Ticket {
                    job_id: sample::job_id(job),
                    sequence: Sequence(job as i64),
                    priority: Priority::ALL[job as usize % 3],
                };
                told(queue.enqueue(ticket).await)
            }
            Call::Claim { long } => {
                let claim = queue.claim("model", duration(long)).await.unwrap();
                self.claims.extend(claim);
                format!("{:?}", claim.map(|claim| (claim.job_id, claim.deliveries)))
            }
            Call::Heartbeat { claim, long } => told(queue.heartbeat(self.claim(claim), duration(long)).await),
            Call::Ack { claim } => told(queue.ack(self.claim(claim)).await),
            Call::Bury { claim } => told(queue.bury(self.claim(claim)).await),
            Call::Nack { claim, long } => told(queue.nack(self.claim(claim), duration(long)).await),
            Call::Transition { job, kind, lease, over } => {
                let transition = transition(kind, lease, over);
                told(jobs.transition(sample::job_id(job), transition, sample::time(5)).await)
            }
            Call::VariantFor { job } => told(jobs.variant_for(sample::request_key(job)).await),
            Call::Delete { image } => {
                told(deletions.delete_image(OwnerId::DEFAULT, sample::image_id(image)).await)
            }
            Call::Hold { image } => told(deletions.hold(original(image)).await),
            Call::Named { image } => told(deletions.is_named(original(image)).await),
            Call::BeginRemovals { grace, abandoned } => {
                let begun = deletions.begin_removals(duration(grace), duration(abandoned), 100).await;
                let mut begun = begun.unwrap();
                begun.sort_by_key(|removal| removal.key.to_string());
                self.removals.extend(&begun);
                format!("{:?}", begun.iter().map(|removal| removal.key).collect::<Vec<_>>())
            }
            Call::EndRemoval { removal, removed } => match self.removals.get(removal) {
                Some(removal) => told(deletions.end_removal(*removal, removed).await),
                None => String::new(),
            },
            Call::Page { bound, limit } => {
                let bound = bound.map(Sequence);
                let forward = images.images_after(OwnerId::DEFAULT, bound, limit).await;
                let backward = images.images_before(OwnerId::DEFAULT, bound, limit).await;
                let open = jobs.unfinished(bound, limit).await;
                let news = jobs.unannounced(sample::time(5), limit).await;
                let dead = jobs.dead_letters(bound, limit).await;
                format!("{} {} {} {} {}", told(forward), told(backward), told(open), told(news), told(dead))
            }
        }
    }

    /// Everything that can be seen.
    async fn state(&self) -> String {
        let images = self.backends.images.images_after(OwnerId::DEFAULT, None, usize::MAX).await;
        let open = self.backends.jobs.unfinished(None, usize::MAX).await;
        // The clocks differ.
        let depth = self.backends.queue.depth().await.map(|depth| QueueDepth { oldest_ready: None, ..depth });
        format!("{} {} {}", told(images), told(open), told(depth))
    }
}

async fn compare(calls: Vec<Call>) -> Result<(), TestCaseError> {
    let dir = tempfile::tempdir().unwrap();
    let metadata = format!("sqlite:{}", dir.path().join("demitasse.db").display());
    let sqlite = connect(&BackendUrls { metadata, ..BackendUrls::memory() }).await.unwrap();
    let mut sqlite = Run::new(sqlite);
    let clock = Arc::new(ManualClock::new(sample::time(0)));
    let mut memory = Run::new(Backends::memory(clock));
    for call in calls {
        prop_assert_eq!(memory.apply(call.clone()).await, sqlite.apply(call.clone()).await, "{:?}", call);
        prop_assert_eq!(memory.state().await, sqlite.state().await, "after {:?}", call);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn memory_and_sqlite_give_the_same_answers(calls in vec(call(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(compare(calls))?;
    }
}
