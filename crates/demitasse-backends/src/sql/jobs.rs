//! Jobs: every transition is one `UPDATE` whose `WHERE` is the compare of its compare-and-set.

use demitasse_core::{
    ErrorKind, JobId, LeaseId, RequestKey, Sequence, StoreError, Transition, Variant, VariantOutcome,
};
use jiff::Timestamp;

use super::rows::{job_columns, upload_columns};
use super::{Statement, row_limit};

// `Transition::apply` in SQL. $1 is the job, $2 the time, $3 the lease (or what else the transition brings first).

const START: &str = concat!(
    "UPDATE jobs SET state = 'running', lease = $3, attempt = attempt + 1, updated_at = $2
    WHERE id = $1 AND state IN ('queued', 'running', 'retrying') AND lease IS NOT DISTINCT FROM $4
        AND lease IS DISTINCT FROM $3 RETURNING ",
    job_columns!()
);

const SUCCEED: &str = concat!(
    "UPDATE jobs SET state = 'succeeded', lease = NULL, updated_at = $2,
        failure_code = NULL, failure_detail = NULL, variant_sha256 = $4, variant_bytes = $5, variant_media_type = $6,
        variant_width = $7, variant_height = $8, variant_outcome = $9, variant_reason = $10, variant_score = $11,
        report = $12, announcement = CASE WHEN $13 IS NULL THEN NULL ELSE 'pending' END,
        announce_attempts = CASE WHEN $13 IS NULL THEN 0 ELSE 1 END, announce_at = $13
    WHERE id = $1 AND state = 'running' AND lease = $3 RETURNING ",
    job_columns!()
);

const FAIL: &str = concat!(
    "UPDATE jobs SET state = 'failed', lease = NULL, updated_at = $2,
        failure_code = $4, failure_detail = $5, announcement = CASE WHEN $6 IS NULL THEN NULL ELSE 'pending' END,
        announce_attempts = CASE WHEN $6 IS NULL THEN 0 ELSE 1 END, announce_at = $6
    WHERE id = $1 AND state = 'running' AND lease = $3 RETURNING ",
    job_columns!()
);

const RETRY: &str = concat!(
    "UPDATE jobs SET state = 'retrying', lease = NULL, updated_at = $2, failure_code = $4, failure_detail = $5
    WHERE id = $1 AND state = 'running' AND lease = $3 RETURNING ",
    job_columns!()
);

const RELEASE: &str = concat!(
    "UPDATE jobs SET state = 'queued', lease = NULL, updated_at = $2,
        attempt = CASE WHEN attempt > 0 THEN attempt - 1 ELSE 0 END
    WHERE id = $1 AND state = 'running' AND lease = $3 RETURNING ",
    job_columns!()
);

const CANCEL: &str = concat!(
    "UPDATE jobs SET state = 'cancelled', lease = NULL, updated_at = $2
    WHERE id = $1 AND state IN ('queued', 'running', 'retrying') RETURNING ",
    job_columns!()
);

const REVIVE: &str = concat!(
    "UPDATE jobs SET state = 'queued', lease = NULL, attempt = 0, updated_at = $2,
        announcement = NULL, announce_attempts = 0, announce_at = NULL
    WHERE id = $1 AND state = 'failed' RETURNING ",
    job_columns!()
);

const BEGIN_ANNOUNCEMENT: &str = concat!(
    "UPDATE jobs SET announce_attempts = announce_attempts + 1, announce_at = $3
    WHERE id = $1 AND announcement = 'pending' AND announce_at <= $2 RETURNING ",
    job_columns!()
);

const POSTPONE_ANNOUNCEMENT: &str = concat!(
    "UPDATE jobs SET announce_at = $3
    WHERE id = $1 AND announcement = 'pending' AND announce_at < $3 AND $2 IS NOT NULL RETURNING ",
    job_columns!()
);

const END_ANNOUNCEMENT: &str = concat!(
    "UPDATE jobs SET announcement = CASE WHEN $3 THEN 'delivered' ELSE 'given_up' END
    WHERE id = $1 AND announcement = 'pending' AND $2 IS NOT NULL RETURNING ",
    job_columns!()
);

const JOB: &str = concat!(
    "SELECT ",
    upload_columns!(),
    " FROM jobs JOIN images ON images.sequence = jobs.sequence WHERE jobs.id = $1"
);

/// The condition is the one of the partial index `jobs_succeeded`, word for word.
pub(crate) const VARIANT_FOR: &str = concat!(
    "SELECT ",
    job_columns!(),
    " FROM jobs WHERE request_key = $1 AND state = 'succeeded' ORDER BY sequence DESC LIMIT 1"
);

/// The condition is the one of the partial index `jobs_unannounced`, word for word.
pub(crate) const UNANNOUNCED: &str = concat!(
    "SELECT ",
    job_columns!(),
    " FROM jobs WHERE announcement = 'pending' AND announce_at <= $1 ORDER BY announce_at, sequence LIMIT $2"
);

pub(crate) fn job(id: JobId) -> Statement {
    Statement::new(JOB).bind(id.to_string())
}

pub(crate) fn variant_for(key: RequestKey) -> Statement {
    Statement::new(VARIANT_FOR).bind(key.0.to_string())
}

pub(crate) fn unannounced(now: Timestamp, limit: usize) -> Statement {
    Statement::new(UNANNOUNCED).bind(now.as_millisecond()).bind(row_limit(limit))
}

/// `sql` differs by how the index is chosen.
pub(crate) fn unfinished(sql: &'static str, after: Option<Sequence>, limit: usize) -> Statement {
    Statement::new(sql).bind(after.map_or(i64::MIN, |sequence| sequence.0)).bind(row_limit(limit))
}

/// `sql` differs by how the index is chosen.
pub(crate) fn dead_letters(sql: &'static str, before: Option<Sequence>, limit: usize) -> Statement {
    Statement::new(sql).bind(before.map_or(i64::MAX, |sequence| sequence.0)).bind(row_limit(limit))
}

/// The statement of a transition, with everything bound.
pub(crate) fn update(
    id: JobId,
    transition: Transition,
    now: Timestamp,
    backend: &'static str,
) -> Result<Statement, StoreError> {
    let change = |sql| Statement::new(sql).bind(id.to_string()).bind(now.as_millisecond());
    let text = |lease: LeaseId| lease.to_string();
    let milliseconds = |at: Option<Timestamp>| at.map(Timestamp::as_millisecond);
    Ok(match transition {
        Transition::Start { lease, over } => change(START).bind(text(lease)).bind(over.map(text)),
        Transition::Succeed { lease, variant, announce_until } => {
            bind_variant(change(SUCCEED).bind(text(lease)), *variant, backend)?
                .bind(milliseconds(announce_until))
        }
        Transition::Fail { lease, failure, announce_until } => change(FAIL)
            .bind(text(lease))
            .bind(failure.code)
            .bind(failure.detail)
            .bind(milliseconds(announce_until)),
        Transition::Retry { lease, failure } => {
            change(RETRY).bind(text(lease)).bind(failure.code).bind(failure.detail)
        }
        Transition::Release { lease } => change(RELEASE).bind(text(lease)),
        Transition::Cancel => change(CANCEL),
        Transition::Revive => change(REVIVE),
        Transition::BeginAnnouncement { until } => change(BEGIN_ANNOUNCEMENT).bind(until.as_millisecond()),
        Transition::PostponeAnnouncement { until } => {
            change(POSTPONE_ANNOUNCEMENT).bind(until.as_millisecond())
        }
        Transition::EndAnnouncement { delivered } => change(END_ANNOUNCEMENT).bind(delivered),
    })
}

/// Binds $4 to $12 of [`SUCCEED`].
fn bind_variant(
    statement: Statement,
    variant: Variant,
    backend: &'static str,
) -> Result<Statement, StoreError> {
    let bytes = i64::try_from(variant.bytes)
        .map_err(|error| StoreError::new(ErrorKind::Invalid, backend, "variant_bytes").because(error))?;
    Ok(statement
        .bind(variant.sha256.to_string())
        .bind(bytes)
        .bind(variant.media_type)
        .bind(variant.width)
        .bind(variant.height)
        .bind(match variant.outcome {
            VariantOutcome::Compressed => "compressed",
            VariantOutcome::KeptOriginal => "kept_original",
        })
        .bind(variant.reason)
        .bind(variant.score)
        .bind(variant.report.0.to_string()))
}
