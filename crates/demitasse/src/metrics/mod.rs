//! What is counted, and its Prometheus form. Each process part holds the handles; there is no global recorder, so two
//! servers in one process (as in tests) count apart.
//!
//! Here is what is counted as it happens; `now` is what is looked at when somebody asks, `describe` says in words what each
//! is. `docs/operations.md` lists them all.

mod describe;
mod now;

use std::time::Duration;

use demitasse_backends::PoolUse;
use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

pub(crate) use now::Now;

use crate::disk::Room;
use crate::memory::MemoryUse;

const METADATA: Metadata<'static> = Metadata::new(module_path!(), Level::INFO, Some(module_path!()));

/// Bounds of the duration histograms, in seconds.
const SECONDS: [f64; 11] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0];

/// How an attempt at a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JobEnd {
    /// A smaller variant was made.
    Compressed,
    /// The original was kept.
    KeptOriginal,
    /// An earlier job's variant was taken.
    Reused,
    /// Given up.
    Failed,
    /// To be tried again.
    Retried,
    /// Given back on shutdown.
    Released,
    /// Another worker has it.
    Lost,
    /// Taken back by its owner.
    Cancelled,
}

impl JobEnd {
    const ALL: [(Self, &'static str); 8] = [
        (Self::Compressed, "compressed"),
        (Self::KeptOriginal, "kept_original"),
        (Self::Reused, "reused"),
        (Self::Failed, "failed"),
        (Self::Retried, "retried"),
        (Self::Released, "released"),
        (Self::Lost, "lost"),
        (Self::Cancelled, "cancelled"),
    ];
}

/// A part of the work on a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Reading the original and compressing it, in the child process.
    Engine,
    /// Storing the variant.
    Store,
}

/// A message between the original service and us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bridged {
    /// A task of its API is in our queue.
    Taken,
    /// Nothing could be done for a message of its API.
    Buried,
    /// A task was put onto its list.
    Given,
    /// A job has ended by a result of its worker.
    Heard,
    /// Its API was told of a result of ours.
    Told,
}

/// Why an image was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deleted {
    /// Its owner asked for it.
    Request,
    /// It was older than images are kept.
    Retention,
}

impl Deleted {
    const ALL: [(Self, &'static str); 2] = [(Self::Request, "request"), (Self::Retention, "retention")];
}

/// What a limit at the door turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// A connection, of all.
    Connections,
    /// A connection, of its client's.
    ClientConnections,
    /// A request whose header took too long.
    Header,
    /// An upload, of all.
    Uploads,
    /// An upload, of its client's.
    ClientUploads,
    /// An upload while too many jobs wait.
    Queue,
    /// An upload that came too slowly.
    Slow,
}

impl Refused {
    const ALL: [(Self, &'static str); 7] = [
        (Self::Connections, "connections"),
        (Self::ClientConnections, "client_connections"),
        (Self::Header, "header_timeout"),
        (Self::Uploads, "uploads"),
        (Self::ClientUploads, "client_uploads"),
        (Self::Queue, "queue"),
        (Self::Slow, "slow_upload"),
    ];
}

/// The handles.
pub(crate) struct Metrics {
    recorder: PrometheusRecorder,
    bytes_saved: Counter,
    busy: Gauge,
    workers: Gauge,
    uploads: Counter,
    bytes_in: Counter,
    bytes_out: Counter,
    /// In the order of [`JobEnd::ALL`].
    jobs: [Counter; 8],
    engine_runs: Counter,
    blobs_removed: Counter,
    /// In the order of [`Deleted::ALL`].
    deleted: [Counter; 2],
    /// In the order of [`Refused::ALL`].
    refused: [Counter; 7],
    memory_reserved: Gauge,
    memory_budget: Gauge,
    memory_waiting: Gauge,
    job_seconds: Histogram,
    wait_seconds: Histogram,
    /// Ready, delayed, claimed, dead.
    queue: [Gauge; 4],
    oldest: Gauge,
    spool: Gauge,
    handle: PrometheusHandle,
}

impl Metrics {
    pub(crate) fn new() -> Result<Self, BuildError> {
        let recorder = PrometheusBuilder::new().set_buckets(&SECONDS)?.build_recorder();
        describe::describe(&recorder);
        let counter = |name: &'static str| recorder.register_counter(&Key::from_static_name(name), &METADATA);
        let histogram =
            |name: &'static str| recorder.register_histogram(&Key::from_static_name(name), &METADATA);
        let gauge = |name: &'static str| recorder.register_gauge(&Key::from_static_name(name), &METADATA);
        let ended = |(_, name)| {
            let key =
                Key::from_parts("demitasse_jobs_total", vec![Label::from_static_parts("outcome", name)]);
            recorder.register_counter(&key, &METADATA)
        };
        let deleted = |(_, name)| {
            let key = Key::from_parts(
                "demitasse_images_deleted_total",
                vec![Label::from_static_parts("reason", name)],
            );
            recorder.register_counter(&key, &METADATA)
        };
        let refused = |(_, name)| {
            let key =
                Key::from_parts("demitasse_refused_total", vec![Label::from_static_parts("limit", name)]);
            recorder.register_counter(&key, &METADATA)
        };
        let depth = |name| {
            let key = Key::from_parts("demitasse_queue_depth", vec![Label::from_static_parts("state", name)]);
            recorder.register_gauge(&key, &METADATA)
        };
        Ok(Self {
            uploads: counter("demitasse_uploads_total"),
            bytes_in: counter("demitasse_original_bytes_total"),
            bytes_out: counter("demitasse_variant_bytes_total"),
            jobs: JobEnd::ALL.map(ended),
            engine_runs: counter("demitasse_engine_runs_total"),
            blobs_removed: counter("demitasse_blobs_removed_total"),
            deleted: Deleted::ALL.map(deleted),
            refused: Refused::ALL.map(refused),
            memory_reserved: gauge("demitasse_engine_memory_reserved_bytes"),
            memory_budget: gauge("demitasse_engine_memory_budget_bytes"),
            memory_waiting: gauge("demitasse_jobs_waiting_for_memory"),
            job_seconds: histogram("demitasse_job_seconds"),
            wait_seconds: histogram("demitasse_upload_to_result_seconds"),
            queue: ["ready", "delayed", "claimed", "dead"].map(depth),
            oldest: gauge("demitasse_queue_oldest_seconds"),
            spool: gauge("demitasse_spool_bytes"),
            bytes_saved: counter("demitasse_saved_bytes_total"),
            busy: gauge("demitasse_workers_busy"),
            workers: gauge("demitasse_workers"),
            handle: recorder.handle(),
            recorder,
        })
    }

    /// An upload was accepted.
    pub(crate) fn uploaded(&self, bytes: u64) {
        self.uploads.increment(1);
        self.bytes_in.increment(bytes);
    }

    /// The engine is about to run.
    pub(crate) fn engine_run(&self) {
        self.engine_runs.increment(1);
    }

    /// An attempt ended after `took`.
    pub(crate) fn job_ended(&self, end: JobEnd, took: Duration) {
        let place = JobEnd::ALL.iter().position(|(known, _)| *known == end);
        if let Some(counter) = place.and_then(|place| self.jobs.get(place)) {
            counter.increment(1);
        }
        self.job_seconds.record(took.as_secs_f64());
    }

    /// A step of a job on an image of this media type took so long.
    pub(crate) fn step(&self, step: Step, format: &'static str, took: Duration) {
        let step = match step {
            Step::Engine => "engine",
            Step::Store => "store",
        };
        let labels = vec![Label::from_static_parts("step", step), Label::from_static_parts("format", format)];
        let key = Key::from_parts("demitasse_step_seconds", labels);
        self.recorder.register_histogram(&key, &METADATA).record(took.as_secs_f64());
    }

    /// An image was deleted.
    pub(crate) fn deleted(&self, why: Deleted) {
        let place = Deleted::ALL.iter().position(|(known, _)| *known == why);
        if let Some(counter) = place.and_then(|place| self.deleted.get(place)) {
            counter.increment(1);
        }
    }

    /// A limit at the door turned something away.
    pub(crate) fn refused(&self, what: Refused) {
        let place = Refused::ALL.iter().position(|(known, _)| *known == what);
        if let Some(counter) = place.and_then(|place| self.refused.get(place)) {
            counter.increment(1);
        }
    }

    /// A blob that nothing named was removed.
    pub(crate) fn blob_removed(&self) {
        self.blobs_removed.increment(1);
    }

    /// A message went between the original service and us.
    pub(crate) fn bridged(&self, message: Bridged) {
        let message = match message {
            Bridged::Taken => "taken",
            Bridged::Buried => "buried",
            Bridged::Given => "given",
            Bridged::Heard => "heard",
            Bridged::Told => "told",
        };
        let labels = vec![Label::from_static_parts("message", message)];
        let key = Key::from_parts("demitasse_bridge_messages_total", labels);
        self.recorder.register_counter(&key, &METADATA).increment(1);
    }

    /// This process has so many workers.
    pub(crate) fn set_workers(&self, workers: usize) {
        self.workers.set(workers as f64);
    }

    /// A worker has a job until the guard is dropped.
    pub(crate) fn busy(&self) -> Held<'_> {
        Held::new(&self.busy, 1.0)
    }

    /// A variant of an original of so many bytes became visible, so long after its upload.
    pub(crate) fn delivered(&self, original: u64, bytes: u64, since_upload: f64) {
        self.bytes_out.increment(bytes);
        self.bytes_saved.increment(original.saturating_sub(bytes));
        self.wait_seconds.record(since_upload);
    }

    /// Counts what was timed into its buckets. Each time is kept until then, so this is to be called where nobody asks for the
    /// text, too.
    pub(crate) fn tidy(&self) {
        self.handle.run_upkeep();
    }

    /// The text that Prometheus reads.
    pub(crate) fn render(&self, now: &Now) -> String {
        let depth = now.queue;
        let [ready, delayed, claimed, dead] = &self.queue;
        ready.set(depth.ready as f64);
        delayed.set(depth.delayed as f64);
        claimed.set(depth.claimed as f64);
        dead.set(depth.dead as f64);
        self.oldest.set(depth.oldest_ready.unwrap_or_default().as_secs_f64());
        self.spool.set(now.spool_bytes.map_or(f64::NAN, |bytes| bytes as f64));
        if let Some(MemoryUse { budget, reserved, waiting }) = now.memory {
            self.memory_reserved.set(reserved as f64);
            self.memory_budget.set(budget.map_or(f64::INFINITY, |budget| budget as f64));
            self.memory_waiting.set(waiting as f64);
        }
        for pool in &now.pools {
            self.set_pool(*pool);
        }
        for room in &now.disks {
            self.set_room(room);
        }
        self.tidy();
        self.handle.render()
    }

    fn set_room(&self, room: &Room) {
        for (name, bytes) in
            [("demitasse_disk_free_bytes", room.free), ("demitasse_disk_min_free_bytes", room.least)]
        {
            let key = Key::from_parts(name, vec![Label::new("dir", room.dir.display().to_string())]);
            self.recorder.register_gauge(&key, &METADATA).set(bytes as f64);
        }
    }

    fn set_pool(&self, PoolUse { pool, in_use, idle, max }: PoolUse) {
        let label = || Label::from_static_parts("pool", pool);
        for (state, connections) in [("in_use", in_use), ("idle", idle)] {
            let labels = vec![label(), Label::from_static_parts("state", state)];
            let key = Key::from_parts("demitasse_pool_connections", labels);
            self.recorder.register_gauge(&key, &METADATA).set(connections);
        }
        let key = Key::from_parts("demitasse_pool_connections_max", vec![label()]);
        self.recorder.register_gauge(&key, &METADATA).set(max);
    }
}

/// A part of a gauge, taken off again on drop.
#[must_use]
pub(crate) struct Held<'a> {
    gauge: &'a Gauge,
    amount: f64,
}

impl<'a> Held<'a> {
    /// Whole numbers up to 2^53 are added and taken off without a rest.
    fn new(gauge: &'a Gauge, amount: f64) -> Self {
        gauge.increment(amount);
        Self { gauge, amount }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.gauge.decrement(self.amount);
    }
}
