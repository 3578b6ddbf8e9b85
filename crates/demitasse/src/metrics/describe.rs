//! What each metric is, in the words that Prometheus shows.

use metrics::{KeyName, Recorder, Unit};
use metrics_exporter_prometheus::PrometheusRecorder;

/// Gives each metric its words and, where its name does not say it, its unit.
pub(super) fn describe(recorder: &PrometheusRecorder) {
    let counters = [
        ("demitasse_uploads_total", "Uploads accepted."),
        ("demitasse_original_bytes_total", "Bytes of accepted uploads."),
        ("demitasse_variant_bytes_total", "Bytes of delivered variants."),
        (
            "demitasse_saved_bytes_total",
            "Bytes by which delivered variants are smaller than their originals.",
        ),
        ("demitasse_jobs_total", "Attempts at jobs, by how they ended."),
        ("demitasse_engine_runs_total", "Compressions begun; a reused variant needs none."),
        (
            "demitasse_bridge_messages_total",
            "Messages between the original service and this process, by what was done.",
        ),
    ];
    for (name, text) in counters {
        recorder.describe_counter(KeyName::from_const_str(name), None, text.into());
    }
    let histograms = [
        ("demitasse_job_seconds", "Time of an attempt at a job."),
        ("demitasse_step_seconds", "Time of a step of a job, by step and the original's format."),
        ("demitasse_upload_to_result_seconds", "Time from the accepted upload to the visible variant."),
    ];
    for (name, text) in histograms {
        recorder.describe_histogram(KeyName::from_const_str(name), Some(Unit::Seconds), text.into());
    }
    let gauges = [
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
        (
            "demitasse_spool_bytes",
            Some(Unit::Bytes),
            "What uploads and fetched originals in flight hold on disk; NaN if it cannot be read.",
        ),
        (
            "demitasse_engine_memory_reserved_bytes",
            Some(Unit::Bytes),
            "Address space that the engine processes at work may take: the ceiling, not the use.",
        ),
    ];
    for (name, unit, text) in gauges {
        recorder.describe_gauge(KeyName::from_const_str(name), unit, text.into());
    }
}
