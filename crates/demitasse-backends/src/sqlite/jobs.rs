//! Jobs and their states.

use async_trait::async_trait;
use demitasse_core::{Job, JobId, JobStore, RequestKey, Sequence, StoreError, Transition, Upload, Variant};
use jiff::Timestamp;

use super::{BACKEND, SqliteStore};
use crate::sql::jobs;
use crate::sql::rows::{self, job_columns, upload_columns};

/// Left to itself the planner walks the whole table by its key.
pub(super) const UNFINISHED: &str = concat!(
    "SELECT ",
    job_columns!(),
    " FROM jobs INDEXED BY jobs_unfinished
    WHERE state IN ('queued', 'running', 'retrying') AND sequence > $1 ORDER BY sequence LIMIT $2"
);

/// The condition is the one of the partial index `jobs_dead_letters`, word for word.
pub(super) const DEAD_LETTERS: &str = concat!(
    "SELECT ",
    upload_columns!(),
    " FROM jobs INDEXED BY jobs_dead_letters JOIN images ON images.sequence = jobs.sequence
    WHERE jobs.state = 'failed' AND jobs.attempt >= jobs.max_attempts AND jobs.sequence < $1
    ORDER BY jobs.sequence DESC LIMIT $2"
);

#[async_trait]
impl JobStore for SqliteStore {
    async fn job(&self, id: JobId) -> Result<Option<Upload>, StoreError> {
        self.read(jobs::job(id), &id.to_string()).await?.first().map(rows::upload).transpose()
    }

    async fn transition(
        &self,
        id: JobId,
        transition: Transition,
        now: Timestamp,
    ) -> Result<Option<Job>, StoreError> {
        let statement = jobs::update(id, transition, now, BACKEND)?;
        self.write_one(statement, &id.to_string()).await?.as_ref().map(rows::job).transpose()
    }

    async fn variant_for(&self, key: RequestKey) -> Result<Option<Variant>, StoreError> {
        let rows = self.read(jobs::variant_for(key), &key.0.to_string()).await?;
        rows.first().map(rows::variant).transpose()
    }

    async fn unannounced(&self, now: Timestamp, limit: usize) -> Result<Vec<Job>, StoreError> {
        self.read(jobs::unannounced(now, limit), "unannounced").await?.iter().map(rows::job).collect()
    }

    async fn dead_letters(&self, before: Option<Sequence>, limit: usize) -> Result<Vec<Upload>, StoreError> {
        let statement = jobs::dead_letters(DEAD_LETTERS, before, limit);
        self.read(statement, "dead letters").await?.iter().map(rows::upload).collect()
    }

    async fn unfinished(&self, after: Option<Sequence>, limit: usize) -> Result<Vec<Job>, StoreError> {
        let statement = jobs::unfinished(UNFINISHED, after, limit);
        self.read(statement, "unfinished").await?.iter().map(rows::job).collect()
    }
}
