//! Jobs: every transition is one `UPDATE` whose `WHERE` is the compare of its compare-and-set.

use async_trait::async_trait;
use demitasse_core::{
    ErrorKind, Job, JobId, JobStore, LeaseId, RequestKey, Sequence, StoreError, Transition, Upload, Variant,
};
use jiff::Timestamp;

use super::images::row_limit;
use super::rows::{self, outcome_text, upload_columns};
use super::{Arguments, BACKEND, SqliteStore};

// `Transition::apply` in SQL. $1 is the job, $2 the time, $3 the lease (or what else the transition brings first).

const START: &str = "UPDATE jobs SET state = 'running', lease = $3, attempt = attempt + 1, updated_at = $2
    WHERE id = $1 AND state IN ('queued', 'running', 'retrying') AND lease IS $4 AND lease IS NOT $3 RETURNING *";

const SUCCEED: &str = "UPDATE jobs SET state = 'succeeded', lease = NULL, updated_at = $2,
        failure_code = NULL, failure_detail = NULL, variant_sha256 = $4, variant_bytes = $5, variant_media_type = $6,
        variant_width = $7, variant_height = $8, variant_outcome = $9, variant_reason = $10, variant_score = $11,
        report = $12, announcement = IIF($13 IS NULL, NULL, 'pending'), announce_attempts = $13 IS NOT NULL,
        announce_at = $13
    WHERE id = $1 AND state = 'running' AND lease = $3 RETURNING *";

const FAIL: &str = "UPDATE jobs SET state = 'failed', lease = NULL, updated_at = $2,
        failure_code = $4, failure_detail = $5, announcement = IIF($6 IS NULL, NULL, 'pending'),
        announce_attempts = $6 IS NOT NULL, announce_at = $6
    WHERE id = $1 AND state = 'running' AND lease = $3 RETURNING *";

const RETRY: &str = "UPDATE jobs SET state = 'retrying', lease = NULL, updated_at = $2,
        failure_code = $4, failure_detail = $5
    WHERE id = $1 AND state = 'running' AND lease = $3 RETURNING *";

const RELEASE: &str = "UPDATE jobs SET state = 'queued', lease = NULL, updated_at = $2,
        attempt = MAX(attempt - 1, 0)
    WHERE id = $1 AND state = 'running' AND lease = $3 RETURNING *";

const CANCEL: &str = "UPDATE jobs SET state = 'cancelled', lease = NULL, updated_at = $2
    WHERE id = $1 AND state IN ('queued', 'running', 'retrying') RETURNING *";

const BEGIN_ANNOUNCEMENT: &str = "UPDATE jobs SET announce_attempts = announce_attempts + 1, announce_at = $3
    WHERE id = $1 AND announcement = 'pending' AND announce_at <= $2 RETURNING *";

const END_ANNOUNCEMENT: &str = "UPDATE jobs SET announcement = IIF($3, 'delivered', 'given_up')
    WHERE id = $1 AND announcement = 'pending' AND $2 IS NOT NULL RETURNING *";

/// The condition is the one of the partial index `jobs_succeeded`, word for word.
pub(super) const VARIANT_FOR: &str =
    "SELECT * FROM jobs WHERE request_key = $1 AND state = 'succeeded' ORDER BY sequence LIMIT 1";

/// Left to itself the planner walks the whole table by its key.
pub(super) const UNFINISHED: &str = "SELECT * FROM jobs INDEXED BY jobs_unfinished
    WHERE state IN ('queued', 'running', 'retrying') AND sequence > $1 ORDER BY sequence LIMIT $2";

/// The condition is the one of the partial index `jobs_unannounced`, word for word.
pub(super) const UNANNOUNCED: &str = "SELECT * FROM jobs WHERE announcement = 'pending' AND announce_at <= $1
    ORDER BY announce_at, sequence LIMIT $2";

#[async_trait]
impl JobStore for SqliteStore {
    async fn job(&self, id: JobId) -> Result<Option<Upload>, StoreError> {
        let id = id.to_string();
        let query = sqlx::query(concat!(
            "SELECT ",
            upload_columns!(),
            " FROM jobs JOIN images ON images.sequence = jobs.sequence WHERE jobs.id = $1"
        ));
        let rows = self.read(query.bind(&id), &id).await?;
        rows.first().map(rows::upload).transpose()
    }

    async fn transition(
        &self,
        id: JobId,
        transition: Transition,
        now: Timestamp,
    ) -> Result<Option<Job>, StoreError> {
        let key = id.to_string();
        let row = self.write_one(update(transition, &key, now)?, &key).await?;
        row.as_ref().map(rows::job).transpose()
    }

    async fn variant_for(&self, key: RequestKey) -> Result<Option<Variant>, StoreError> {
        let key = key.0.to_string();
        let rows = self.read(sqlx::query(VARIANT_FOR).bind(&key), &key).await?;
        rows.first().map(rows::variant).transpose()
    }

    async fn unannounced(&self, now: Timestamp, limit: usize) -> Result<Vec<Job>, StoreError> {
        let query = sqlx::query(UNANNOUNCED).bind(now.as_millisecond()).bind(row_limit(limit));
        self.read(query, "unannounced").await?.iter().map(rows::job).collect()
    }

    async fn unfinished(&self, after: Option<Sequence>, limit: usize) -> Result<Vec<Job>, StoreError> {
        let after = after.map_or(i64::MIN, |sequence| sequence.0);
        let query = sqlx::query(UNFINISHED).bind(after).bind(row_limit(limit));
        self.read(query, "unfinished").await?.iter().map(rows::job).collect()
    }
}

/// The statement of a transition, with everything bound.
fn update(transition: Transition, key: &str, now: Timestamp) -> Result<Arguments<'_>, StoreError> {
    let query = |sql: &'static str| sqlx::query(sql).bind(key).bind(now.as_millisecond());
    let text = |lease: LeaseId| lease.to_string();
    let milliseconds = |at: Option<Timestamp>| at.map(Timestamp::as_millisecond);
    Ok(match transition {
        Transition::Start { lease, over } => query(START).bind(text(lease)).bind(over.map(text)),
        Transition::Succeed { lease, variant, announce_until } => {
            bind_variant(query(SUCCEED).bind(text(lease)), *variant)?.bind(milliseconds(announce_until))
        }
        Transition::Fail { lease, failure, announce_until } => query(FAIL)
            .bind(text(lease))
            .bind(failure.code)
            .bind(failure.detail)
            .bind(milliseconds(announce_until)),
        Transition::Retry { lease, failure } => {
            query(RETRY).bind(text(lease)).bind(failure.code).bind(failure.detail)
        }
        Transition::Release { lease } => query(RELEASE).bind(text(lease)),
        Transition::Cancel => query(CANCEL),
        Transition::BeginAnnouncement { until } => query(BEGIN_ANNOUNCEMENT).bind(until.as_millisecond()),
        Transition::EndAnnouncement { delivered } => query(END_ANNOUNCEMENT).bind(delivered),
    })
}

/// Binds $4 to $12 of [`SUCCEED`].
fn bind_variant(query: Arguments<'_>, variant: Variant) -> Result<Arguments<'_>, StoreError> {
    let bytes = i64::try_from(variant.bytes)
        .map_err(|error| StoreError::new(ErrorKind::Invalid, BACKEND, "variant_bytes").because(error))?;
    Ok(query
        .bind(variant.sha256.to_string())
        .bind(bytes)
        .bind(variant.media_type)
        .bind(variant.width)
        .bind(variant.height)
        .bind(outcome_text(variant.outcome))
        .bind(variant.reason)
        .bind(variant.score)
        .bind(variant.report.0.to_string()))
}
