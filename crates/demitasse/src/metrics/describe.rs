//! What each metric is, in the words that Prometheus shows.

use metrics::{KeyName, Recorder, Unit};
use metrics_exporter_prometheus::PrometheusRecorder;

/// Gives each metric its words and, where its name does not say it, its unit.
pub(super) fn describe(recorder: &PrometheusRecorder) {
    for &(name, text) in COUNTERS {
        recorder.describe_counter(KeyName::from_const_str(name), None, text.into());
    }
    for &(name, text) in HISTOGRAMS {
        recorder.describe_histogram(KeyName::from_const_str(name), Some(Unit::Seconds), text.into());
    }
    for &(name, unit, text) in GAUGES {
        recorder.describe_gauge(KeyName::from_const_str(name), unit, text.into());
    }
}

/// What is counted.
const COUNTERS: &[(&str, &str)] = &[
    ("demitasse_uploads_total", "Uploads accepted."),
    ("demitasse_original_bytes_total", "Bytes of accepted uploads."),
    ("demitasse_variant_bytes_total", "Bytes of delivered variants."),
    ("demitasse_saved_bytes_total", "Bytes by which delivered variants are smaller than their originals."),
    ("demitasse_jobs_total", "Attempts at jobs, by how they ended."),
    ("demitasse_images_deleted_total", "Images deleted by this process, by the reason."),
    ("demitasse_refused_total", "Connections and uploads turned away at the door, by the limit."),
    ("demitasse_blobs_removed_total", "Blobs that nothing named, removed by this process."),
    ("demitasse_engine_runs_total", "Compressions begun; a reused variant needs none."),
    (
        "demitasse_bridge_messages_total",
        "Messages between the original service and this process, by what was done.",
    ),
];

/// What is timed, in seconds.
const HISTOGRAMS: &[(&str, &str)] = &[
    ("demitasse_job_seconds", "Time of an attempt at a job."),
    ("demitasse_step_seconds", "Time of a step of a job, by step and the original's format."),
    ("demitasse_upload_to_result_seconds", "Time from the accepted upload to the visible variant."),
];

/// What stands at a number now, and its unit where the name does not say it.
const GAUGES: &[(&str, Option<Unit>, &str)] = &[
    ("demitasse_workers", None, "Workers of this process."),
    ("demitasse_workers_busy", None, "Workers of this process that have a job."),
    ("demitasse_queue_depth", None, "Jobs in the queue, by state."),
    (
        "demitasse_queue_oldest_seconds",
        Some(Unit::Seconds),
        "How long the oldest job that could be worked on has waited.",
    ),
    (
        "demitasse_pool_connections",
        None,
        "Connections of this process to the metadata store, by pool and state.",
    ),
    (
        "demitasse_pool_connections_max",
        None,
        "Connections to the metadata store that this process may have, by pool.",
    ),
    ("demitasse_disk_free_bytes", Some(Unit::Bytes), "Bytes that may be written to the disk of a directory."),
    (
        "demitasse_disk_min_free_bytes",
        Some(Unit::Bytes),
        "Bytes that must stay free there: with less, uploads are refused.",
    ),
    (
        "demitasse_spool_bytes",
        Some(Unit::Bytes),
        "What uploads, fetched originals and results in flight hold on disk; NaN if it cannot be read.",
    ),
    (
        "demitasse_engine_memory_reserved_bytes",
        Some(Unit::Bytes),
        "Memory that the engine processes at work are predicted to take at most.",
    ),
    (
        "demitasse_engine_memory_budget_bytes",
        Some(Unit::Bytes),
        "Memory that they may take together: jobs wait for their part; +Inf if it is not known.",
    ),
    ("demitasse_jobs_waiting_for_memory", None, "Jobs of this process that wait for memory."),
];
