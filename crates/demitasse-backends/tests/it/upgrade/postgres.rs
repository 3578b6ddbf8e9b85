use demitasse_core::contract::sample;
use demitasse_core::{ErrorKind, JobStore, OwnerId};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection};

use super::{Ports, assert_covers, assert_reads_and_goes_on, fixture};
use crate::postgres::Schema;

/// Every table but the health check's, in the order in which their rows can be inserted.
const TABLES: [(&str, &str); 6] = [
    ("counters", "name"),
    ("images", "sequence"),
    ("jobs", "sequence"),
    ("queue_entries", "sequence"),
    ("subscriptions", "endpoint"),
    ("settings", "name"),
];

/// Every row, without the time at which it was put into the queue, and the schema's steps.
async fn written(connection: &mut PgConnection) -> Value {
    let tables = TABLES.map(|(table, order)| {
        let row = if table == "queue_entries" { "to_jsonb(t) || '{\"ready_at\": 0}'" } else { "to_jsonb(t)" };
        format!("'{table}', (SELECT jsonb_agg({row} ORDER BY {order}) FROM {table} t)")
    });
    let steps = "'steps', (SELECT jsonb_object_agg(version, encode(checksum, 'hex')) FROM _sqlx_migrations)";
    let sql = AssertSqlSafe(format!("SELECT jsonb_build_object({}, {steps})::text", tables.join(", ")));
    let json: String = sqlx::query_scalar(sql).fetch_one(connection).await.unwrap();
    serde_json::from_str(&json).unwrap()
}

async fn recorded(schema: &Schema) -> Value {
    let store = schema.open().await;
    Ports::of(&*store).write().await;
    let written = written(&mut schema.visitor().await).await;
    let before = fixture("postgres.json", &written);
    assert_covers(&written, &before, "");
    before
}

/// The schema's steps are among what is compared: a released one is never edited.
#[tokio::test]
async fn rows_have_what_the_version_before_wrote_and_its_rows_are_read() {
    let before = recorded(&Schema::new().await).await;
    let schema = Schema::new().await;
    let store = schema.open().await;
    let mut visitor = schema.visitor().await;
    sqlx::raw_sql("DELETE FROM counters").execute(&mut visitor).await.unwrap();
    for (table, _) in TABLES {
        // Its columns alone: what is newer takes its default.
        let columns: Vec<_> = before[table][0].as_object().unwrap().keys().cloned().collect();
        let columns = columns.join(", ");
        let insert = format!(
            "INSERT INTO {table} ({columns}) SELECT {columns} FROM jsonb_populate_recordset(NULL::{table}, $1::text::jsonb)"
        );
        let rows = before[table].to_string();
        sqlx::query(AssertSqlSafe(insert)).bind(rows).execute(&mut visitor).await.unwrap();
    }
    assert_reads_and_goes_on(Ports::of(&*store)).await;
}

#[tokio::test]
async fn a_state_that_is_not_known_is_refused_by_name_and_leaves_the_sweep_alone() {
    let schema = Schema::new().await;
    let store = schema.open().await;
    Ports::of(&*store).write().await;
    let unfinished = store.unfinished(None, 9).await.unwrap().len();
    schema.execute("ALTER TABLE jobs DROP CONSTRAINT jobs_state_check").await;
    let update = format!("UPDATE jobs SET state = 'paused' WHERE id = '{}'", sample::job_id(1));
    schema.execute(&update).await;
    let error = store.job(sample::job_id(1)).await.unwrap_err();
    assert_eq!((error.kind, error.key.as_str()), (ErrorKind::Invalid, "state"));
    let error =
        demitasse_core::ImageStore::images_after(&*store, OwnerId::DEFAULT, None, 9).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert_eq!(store.unfinished(None, 9).await.unwrap().len(), unfinished - 1);
}
