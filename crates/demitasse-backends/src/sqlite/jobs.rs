//! Jobs: every transition is one `UPDATE` whose `WHERE` is the compare of its compare-and-set.

use async_trait::async_trait;
use demitasse_core::{
    ErrorKind, Job, JobId, JobStore, RequestKey, Sequence, StoreError, Transition, Upload, Variant,
};
use jiff::Timestamp;

use super::images::row_limit;
use super::rows::{self, outcome_text, upload_columns};
use super::{Arguments, BACKEND, SqliteStore};

// `Transition::apply` in SQL. $1 is the job, $2 the lease, $3 the time.

const START: &str = "UPDATE jobs SET state = 'running', lease = $2, attempt = attempt + 1, updated_at = $3
    WHERE id = $1 AND state IN ('queued', 'running', 'retrying') AND (lease IS NULL OR lease <> $2) RETURNING *";

const SUCCEED: &str = "UPDATE jobs SET state = 'succeeded', lease = NULL, updated_at = $3,
        failure_code = NULL, failure_detail = NULL, variant_sha256 = $4, variant_bytes = $5, variant_media_type = $6,
        variant_width = $7, variant_height = $8, variant_outcome = $9, variant_reason = $10, variant_score = $11,
        report = $12
    WHERE id = $1 AND state = 'running' AND lease = $2 RETURNING *";

const FAIL: &str = "UPDATE jobs SET state = 'failed', lease = NULL, updated_at = $3,
        failure_code = $4, failure_detail = $5
    WHERE id = $1 AND state = 'running' AND lease = $2 RETURNING *";

const RETRY: &str = "UPDATE jobs SET state = 'retrying', lease = NULL, updated_at = $3,
        failure_code = $4, failure_detail = $5
    WHERE id = $1 AND state = 'running' AND lease = $2 RETURNING *";

const RELEASE: &str = "UPDATE jobs SET state = 'queued', lease = NULL, updated_at = $3,
        attempt = MAX(attempt - 1, 0)
    WHERE id = $1 AND state = 'running' AND lease = $2 RETURNING *";

/// The condition is the one of the partial index `jobs_succeeded`, word for word.
pub(super) const VARIANT_FOR: &str =
    "SELECT * FROM jobs WHERE request_key = $1 AND state = 'succeeded' ORDER BY sequence LIMIT 1";

/// Left to itself the planner walks the whole table by its key.
pub(super) const UNFINISHED: &str = "SELECT * FROM jobs INDEXED BY jobs_unfinished
    WHERE state IN ('queued', 'running', 'retrying') AND sequence > $1 ORDER BY sequence LIMIT $2";

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
        let (update, lease) = match &transition {
            Transition::Start { lease } => (START, lease),
            Transition::Succeed { lease, .. } => (SUCCEED, lease),
            Transition::Fail { lease, .. } => (FAIL, lease),
            Transition::Retry { lease, .. } => (RETRY, lease),
            Transition::Release { lease } => (RELEASE, lease),
        };
        let query = sqlx::query(update).bind(&key).bind(lease.to_string()).bind(now.as_millisecond());
        let query = match transition {
            Transition::Succeed { variant, .. } => bind_variant(query, *variant)?,
            Transition::Fail { failure, .. } | Transition::Retry { failure, .. } => {
                query.bind(failure.code).bind(failure.detail)
            }
            Transition::Start { .. } | Transition::Release { .. } => query,
        };
        let row = self.write_one(query, &key).await?;
        row.as_ref().map(rows::job).transpose()
    }

    async fn variant_for(&self, key: RequestKey) -> Result<Option<Variant>, StoreError> {
        let key = key.0.to_string();
        let rows = self.read(sqlx::query(VARIANT_FOR).bind(&key), &key).await?;
        rows.first().map(rows::variant).transpose()
    }

    async fn unfinished(&self, after: Option<Sequence>, limit: usize) -> Result<Vec<Job>, StoreError> {
        let after = after.map_or(i64::MIN, |sequence| sequence.0);
        let query = sqlx::query(UNFINISHED).bind(after).bind(row_limit(limit));
        self.read(query, "unfinished").await?.iter().map(rows::job).collect()
    }
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
