//! Group commit: whoever waits to write shares one transaction, and so one sync of the log, with those who wait as well.
//!
//! A task takes what has come while the last group was written, runs each change in a savepoint of its own, and commits.
//! Nobody is answered before the commit. A change that fails takes nothing of the others with it: its savepoint is rolled
//! back. If the whole transaction is lost (a full disk may end it), each of the group is tried alone.

use std::time::Duration;

use demitasse_core::{ErrorKind, StoreError};
use futures_util::TryStreamExt;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::SqliteRow;
use sqlx::{Either, Executor, Sqlite, SqlitePool};
use tokio::sync::{mpsc, oneshot};

use super::BACKEND;
use super::error::{kind, store_error};
use crate::sql::Statement;

/// Changes that share a commit at most, so that the first of them does not wait for long.
const GROUP: usize = 128;

/// Changes that wait in the queue; more wait for their place in it.
const QUEUE: usize = 256;

/// How long a call waits for its place in the queue before it gives up as `Unavailable`.
const PATIENCE: Duration = Duration::from_secs(10);

/// What to do, all of it or nothing.
struct Change {
    statements: Vec<Statement>,
    /// What it is about, for errors.
    key: String,
    answer: oneshot::Sender<Result<Done, StoreError>>,
}

/// What a change did.
#[derive(Default)]
pub(super) struct Done {
    /// Rows that statements gave, in order.
    pub(super) rows: Vec<SqliteRow>,
    /// Rows that statements changed.
    pub(super) changed: u64,
}

/// The way to the one connection that writes.
pub(super) struct Writer(mpsc::Sender<Change>);

impl Writer {
    /// Starts the task that writes on the connection of `pool`; it ends with this value.
    pub(super) fn start(pool: SqlitePool) -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE);
        tokio::spawn(write(pool, receiver));
        Self(sender)
    }

    /// Runs the statements, all or none, and gives what they did once it is on the disk. Who stops waiting leaves it open
    /// whether it was done.
    pub(super) async fn run(&self, statements: Vec<Statement>, key: &str) -> Result<Done, StoreError> {
        let gone = |kind, why| StoreError::new(kind, BACKEND, key).because(why);
        let place = tokio::time::timeout(PATIENCE, self.0.reserve()).await;
        let place = place.map_err(|_| gone(ErrorKind::Unavailable, "the database is busy"))?;
        let place = place.map_err(|_| gone(ErrorKind::Internal, "the writer has ended"))?;
        let (answer, done) = oneshot::channel();
        place.send(Change { statements, key: key.into(), answer });
        done.await.map_err(|_| gone(ErrorKind::Internal, "the writer has ended"))?
    }
}

async fn write(pool: SqlitePool, mut changes: mpsc::Receiver<Change>) {
    let mut group = Vec::with_capacity(GROUP);
    while changes.recv_many(&mut group, GROUP).await > 0 {
        // Nobody waits for these any more: they were never begun, and are not.
        group.retain(|change| !change.answer.is_closed());
        for change in commit_together(&pool, std::mem::take(&mut group)).await {
            commit_together(&pool, vec![change]).await;
        }
    }
}

/// Runs the group in one transaction and answers. Gives back those to try alone, of whom nothing is kept.
async fn commit_together(pool: &SqlitePool, group: Vec<Change>) -> Vec<Change> {
    if group.is_empty() {
        return group;
    }
    let mut writer = match begin(pool).await {
        Ok(writer) => writer,
        Err(error) => {
            fail_all(group, &error);
            return Vec::new();
        }
    };
    let is_alone = group.len() == 1;
    let mut outcomes = Vec::with_capacity(group.len());
    for change in &group {
        let outcome = if is_alone {
            run(&mut writer, &change.statements).await
        } else {
            match run_apart(&mut writer, &change.statements).await {
                Ok(outcome) => outcome,
                Err(_lost) => {
                    abandon(writer).await;
                    return group;
                }
            }
        };
        outcomes.push(outcome);
    }
    if is_alone && outcomes.iter().any(Result::is_err) {
        abandon(writer).await;
    } else if let Err(error) = writer.execute("COMMIT").await {
        abandon(writer).await;
        fail_all(group, &error);
        return Vec::new();
    }
    for (change, outcome) in group.into_iter().zip(outcomes) {
        // Who does not wait any more is not told.
        let _ = change.answer.send(outcome.map_err(store_error(change.key)));
    }
    Vec::new()
}

async fn begin(pool: &SqlitePool) -> Result<PoolConnection<Sqlite>, sqlx::Error> {
    let mut writer = pool.acquire().await?;
    writer.execute("BEGIN IMMEDIATE").await?;
    Ok(writer)
}

/// Runs the statements in a savepoint.
///
/// # Errors
/// The transaction is gone: SQLite ends it itself after some errors, of which a full disk is one.
async fn run_apart(
    writer: &mut PoolConnection<Sqlite>,
    statements: &[Statement],
) -> Result<Result<Done, sqlx::Error>, sqlx::Error> {
    writer.execute("SAVEPOINT change").await?;
    let outcome = run(writer, statements).await;
    if outcome.is_err() {
        writer.execute("ROLLBACK TO change").await?;
    }
    writer.execute("RELEASE change").await?;
    Ok(outcome)
}

async fn run(writer: &mut PoolConnection<Sqlite>, statements: &[Statement]) -> Result<Done, sqlx::Error> {
    let mut done = Done::default();
    for statement in statements {
        let mut results = writer.fetch_many(statement.clone().query());
        // To the end, whatever the first row is: a statement is done when it has been stepped through.
        while let Some(result) = results.try_next().await? {
            match result {
                Either::Left(result) => done.changed += result.rows_affected(),
                Either::Right(row) => done.rows.push(row),
            }
        }
    }
    Ok(done)
}

/// Gives a transaction up. If it was given up already, the connection is not as it should be, and another takes its place.
async fn abandon(mut writer: PoolConnection<Sqlite>) {
    if writer.execute("ROLLBACK").await.is_err() {
        writer.close().await.ok();
    }
}

fn fail_all(group: Vec<Change>, error: &sqlx::Error) {
    for Change { key, answer, .. } in group {
        let _ = answer.send(Err(StoreError::new(kind(error), BACKEND, key).because(error.to_string())));
    }
}

#[cfg(test)]
mod tests {
    use demitasse_core::contract::sample;
    use demitasse_core::{ErrorKind, ImageStore, JobQueue, OwnerId, StoreError, Upload};
    use futures_util::future::{join, join_all};
    use sqlx::{Row, SqlitePool};
    use tempfile::TempDir;

    use super::super::SqliteStore;

    async fn open() -> (SqliteStore, TempDir) {
        let dir = tempfile::tempdir().unwrap();
        (SqliteStore::open(&dir.path().join("demitasse.db"), true).await.unwrap(), dir)
    }

    /// Uploads that all wait before the first of them is written.
    async fn upload_together(store: &SqliteStore, numbers: &[u64]) -> Vec<Result<Upload, StoreError>> {
        let held = store.writer.acquire().await.unwrap();
        let uploads = join_all(numbers.iter().map(|number| store.create_upload(sample::upload(*number))));
        // Polled in turn: the uploads have asked when the connection is given back.
        join(uploads, async move { drop(held) }).await.0
    }

    async fn number(pool: &SqlitePool, pragma: &'static str, column: usize) -> i64 {
        sqlx::query(pragma).fetch_one(pool).await.unwrap().get(column)
    }

    fn bytes_logged(dir: &TempDir) -> u64 {
        std::fs::metadata(dir.path().join("demitasse.db-wal")).unwrap().len()
    }

    #[tokio::test]
    async fn those_who_wait_share_a_commit() {
        let (store, dir) = open().await;
        store.create_upload(sample::upload(1)).await.unwrap();
        let before = bytes_logged(&dir);
        store.create_upload(sample::upload(2)).await.unwrap();
        let of_one = bytes_logged(&dir) - before;
        let numbers: Vec<u64> = (3..103).collect();
        let uploads = upload_together(&store, &numbers).await;
        assert!(uploads.iter().all(Result::is_ok));
        let of_hundred = bytes_logged(&dir) - before - of_one;
        assert!(of_hundred < 20 * of_one, "{of_hundred} bytes for 100 uploads, {of_one} for one");
        assert_eq!(store.depth().await.unwrap().ready, 102);
    }

    #[tokio::test]
    async fn one_that_fails_takes_nothing_of_the_others_with_it() {
        let (store, _dir) = open().await;
        let uploads = upload_together(&store, &[1, 2, 1, 3]).await;
        let kinds: Vec<_> =
            uploads.iter().map(|upload| upload.as_ref().err().map(|error| error.kind)).collect();
        assert_eq!(kinds, [None, None, Some(ErrorKind::Conflict), None]);
        let sequences: Vec<_> = uploads.into_iter().flatten().map(|upload| upload.job.sequence).collect();
        let images = store.images_after(OwnerId::DEFAULT, None, usize::MAX).await.unwrap();
        assert_eq!(images.iter().map(|upload| upload.job.sequence).collect::<Vec<_>>(), sequences);
        assert_eq!(store.depth().await.unwrap().ready, 3);
    }

    #[tokio::test]
    async fn when_the_database_is_full_those_who_were_accepted_are_there_and_it_goes_on_when_there_is_room() {
        let (store, _dir) = open().await;
        let pages = number(&store.writer, "PRAGMA page_count", 0).await;
        let most = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {}", pages + 8));
        sqlx::query(most).execute(&store.writer).await.unwrap();
        let mut accepted = Vec::new();
        for group in 0..8 {
            let numbers: Vec<u64> = (group * 40..group * 40 + 40).collect();
            for upload in upload_together(&store, &numbers).await {
                match upload {
                    Ok(upload) => accepted.push(upload.image.id),
                    Err(error) => assert_eq!(error.kind, ErrorKind::Full, "{error:?}"),
                }
            }
        }
        assert!((1..320).contains(&accepted.len()), "{}", accepted.len());
        let images = store.images_after(OwnerId::DEFAULT, None, usize::MAX).await.unwrap();
        assert_eq!(images.iter().map(|upload| upload.image.id).collect::<Vec<_>>(), accepted);
        sqlx::query("PRAGMA max_page_count = 1000000").execute(&store.writer).await.unwrap();
        store.create_upload(sample::upload(1000)).await.unwrap();
        assert_eq!(store.depth().await.unwrap().ready, accepted.len() as u64 + 1);
    }
}
