//! What PostgreSQL does beyond the contract: plans, settings, and what its errors mean.

use demitasse_core::contract::sample;
use demitasse_core::{
    Claim, Clock, ErrorKind, ImageId, ImageStore, OwnerId, Priority, Sequence, SystemClock, Ticket,
    Transition,
};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::*;
use crate::sql::{images, jobs as shared_jobs, queue as shared_queue};

#[expect(clippy::disallowed_methods, reason = "tests are told by the environment where the servers are")]
async fn open() -> PostgresStore {
    let url = std::env::var("TEST_POSTGRES_URL").unwrap_or_else(|_| {
        panic!(
            "TEST_POSTGRES_URL is not set: run the tests through `scripts/services.sh run`, as `make test` does"
        )
    });
    let schema = format!("test_{}", ImageId::generate(SystemClock.now()).unwrap());
    let mut admin = PgConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(format!("CREATE SCHEMA {schema}"))).execute(&mut admin).await.unwrap();
    let joint = if url.contains('?') { '&' } else { '?' };
    let url = format!("{url}{joint}max_connections=1&options[search_path]={schema}");
    PostgresStore::connect(&url, true).await.unwrap()
}

/// Ten thousand entries, and images with their jobs, nearly all of them done.
async fn fill(store: &PostgresStore) {
    let sql = "INSERT INTO queue_entries (job_id, sequence, priority, ready_at)
            SELECT lpad(n::text, 24, '0'), n, 1, 0 FROM generate_series(1, 10000) AS n;
        INSERT INTO images (sequence, id, owner, sha256, bytes, media_type, width, height, created_at)
            SELECT n, lpad(n::text, 24, '0'), lpad((n % 100)::text, 24, '0'), '', 1, 'image/png', 1, 1, 0
            FROM generate_series(1, 10000) AS n;
        INSERT INTO jobs (sequence, id, image_id, owner, state, request, request_key, attempt, max_attempts, priority,
                variant_sha256, created_at, updated_at)
            SELECT n, lpad(n::text, 24, '0'), '', '',
                CASE n % 1000 WHEN 0 THEN 'queued' WHEN 1 THEN 'failed' ELSE 'succeeded' END, '{}',
                lpad(n::text, 64, '0'), 3, 3, 1, CASE WHEN n % 1000 < 2 THEN NULL ELSE '' END, 0, 0
            FROM generate_series(1, 10000) AS n;
        ANALYZE queue_entries, images, jobs";
    sqlx::raw_sql(sql).execute(&store.pool).await.unwrap();
}

async fn plan(store: &PostgresStore, sql: &str, statement: Statement) -> String {
    let query = sqlx::query_scalar::<_, String>(AssertSqlSafe(format!("EXPLAIN {sql}")));
    let query = statement.values.into_iter().fold(query, |query, value| match value {
        crate::sql::Value::Text(text) => query.bind(text),
        crate::sql::Value::Integer(number) => query.bind(number),
        crate::sql::Value::Real(number) => query.bind(number),
        crate::sql::Value::Flag(flag) => query.bind(flag),
    });
    let plan = query.fetch_all(&store.pool).await.unwrap().join("\n");
    assert!(!plan.contains("Seq Scan") && !plan.contains("Sort"), "{plan}");
    plan
}

#[tokio::test]
async fn claims_walk_the_queue_in_order_and_never_sort_or_scan() {
    let store = open().await;
    fill(&store).await;
    let claim = shared_queue::claim(queue::CLAIM, sample::lease(1), "tester", PATIENCE);
    let plan = plan(&store, queue::CLAIM, claim).await;
    assert!(plan.contains("Index Scan using queue_order"), "{plan}");
    assert!(plan.contains("LockRows"), "{plan}");
}

#[tokio::test]
async fn the_sweep_the_search_for_equal_work_and_lists_use_their_indexes() {
    let store = open().await;
    fill(&store).await;
    let key = sample::request_key(1);
    let owner = OwnerId::DEFAULT;
    for (statement, index) in [
        (shared_jobs::unfinished(jobs::UNFINISHED, None, 10), "jobs_unfinished"),
        (shared_jobs::dead_letters(jobs::DEAD_LETTERS, None, 10), "jobs_dead_letters"),
        (shared_jobs::variant_for(key), "jobs_succeeded"),
        (shared_jobs::unannounced(sample::time(1), 10), "jobs_unannounced"),
        (images::after(owner, None, 10), "images_of_owner"),
        (images::before(owner, None, 10), "images_of_owner"),
        (crate::sql::deletion::accepted_before(sample::time(1), 10), "images_by_age"),
    ] {
        let plan = plan(&store, statement.sql, statement).await;
        let plan = plan.replace("Backward ", "");
        assert!(plan.contains(&format!("Index Scan using {index}")), "{plan}");
    }
}

#[tokio::test]
async fn commits_are_synced_and_statements_end() {
    let store = open().await;
    for (name, value) in
        [("synchronous_commit", "on"), ("statement_timeout", "20s"), ("tcp_keepalives_idle", "30")]
    {
        let query = sqlx::query_scalar::<_, String>("SELECT current_setting($1)").bind(name);
        assert_eq!(query.fetch_one(&store.pool).await.unwrap(), value, "{name}");
    }
}

/// The setting under which each is committed.
#[tokio::test]
async fn the_queue_does_not_wait_for_the_disk_but_uploads_and_jobs_do() {
    let store = open().await;
    let upload = sample::upload(1);
    let (id, lease) = (upload.job_id, sample::lease(1));
    let claim = Claim { job_id: id, lease, deliveries: 1 };
    let start = Transition::Start { lease, over: None };
    let ticket = Ticket { job_id: sample::job_id(2), sequence: Sequence(2), priority: Priority::High };
    let create = super::images::create(&upload, true).unwrap();
    let steps = [
        ("upload", create, "on"),
        ("claim", shared_queue::claim(queue::CLAIM, lease, "tester", PATIENCE), "off"),
        ("start", shared_jobs::update(id, start, sample::time(1), BACKEND).unwrap(), "on"),
        ("heartbeat", shared_queue::held(queue::HEARTBEAT, claim, Some(PATIENCE)), "off"),
        ("ack", shared_queue::held(queue::ACK, claim, None), "off"),
        ("enqueue", shared_queue::enqueue(queue::ENQUEUE, ticket), "off"),
    ];
    for (name, statement, setting) in steps {
        let mut transaction = store.pool.begin().await.unwrap();
        let rows = text::escaped(statement).query().fetch_all(&mut *transaction).await.unwrap();
        assert_eq!(rows.len(), 1, "{name}");
        let query = sqlx::query_scalar::<_, String>("SELECT current_setting('synchronous_commit')");
        assert_eq!(query.fetch_one(&mut *transaction).await.unwrap(), setting, "{name}");
        transaction.commit().await.unwrap();
    }
}

#[tokio::test]
async fn an_unreadable_row_is_invalid_and_names_its_column() {
    let store = open().await;
    store.create_upload(sample::upload(1)).await.unwrap();
    sqlx::raw_sql("UPDATE jobs SET request = '{'").execute(&store.pool).await.unwrap();
    let error = store.image(OwnerId::DEFAULT, sample::image_id(1)).await.unwrap_err();
    assert_eq!((error.kind, error.key.as_str()), (ErrorKind::Invalid, "request"));
}

#[tokio::test]
async fn the_check_meets_a_database_that_cannot_be_written() {
    let store = open().await;
    store.check().await.unwrap();
    sqlx::raw_sql("SET default_transaction_read_only = on").execute(&store.pool).await.unwrap();
    assert_eq!(store.check().await.unwrap_err().kind, ErrorKind::Unavailable);
}

#[tokio::test]
async fn the_pool_says_how_many_connections_are_in_use() {
    let store = open().await;
    let now = || store.pools()[0];
    let none = PoolUse { pool: "metadata", in_use: 0, idle: 0, max: 1 };
    assert_eq!(now(), none, "the first call opens the first connection");
    let mut held = store.pool.acquire().await.unwrap();
    assert_eq!(now(), PoolUse { in_use: 1, ..none });
    held.ping().await.unwrap();
    drop(held);
    // It is given back by a task of its own.
    store.check().await.unwrap();
    assert_eq!(now().in_use + now().idle, 1);
    store.pool.close().await;
    assert_eq!(now(), none);
}
