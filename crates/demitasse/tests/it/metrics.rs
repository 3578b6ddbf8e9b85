use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use bytes::Bytes;
use demitasse::config::{Config, Role};
use demitasse_backends::{PoolUse, Pooled};
use futures_util::stream;
use tokio::sync::mpsc;

use crate::support::{TestApp, eventually, noisy_png, png, spooled};

const OPERATIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operations.md");

/// A database that is never asked, and so has always the same connections.
struct SomePools;

impl Pooled for SomePools {
    fn pools(&self) -> Vec<PoolUse> {
        let writer = PoolUse { pool: "writer", in_use: 1, idle: 0, max: 1 };
        vec![writer, PoolUse { pool: "readers", in_use: 3, idle: 2, max: 8 }]
    }
}

/// A server with all that it can have in one process.
pub(crate) async fn with_pools(change: impl FnOnce(&mut Config)) -> TestApp {
    TestApp::on(change, |backends| backends.pools = Arc::new(SomePools)).await
}

/// The names of our metrics in a text, whole.
pub(crate) fn names(text: &str) -> BTreeSet<String> {
    let ours = text.match_indices("demitasse_").map(|(start, _)| &text[start..]);
    ours.map(|rest| {
        rest.chars().take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '_').collect()
    })
    .collect()
}

/// The lines that begin with one of these names.
fn lines(text: &str, beginnings: &[&str]) -> Vec<String> {
    let asked = text.lines().filter(|line| beginnings.iter().any(|beginning| line.starts_with(beginning)));
    let mut lines: Vec<_> = asked.map(str::to_owned).collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn every_metric_is_in_the_page_on_operations_and_no_other() {
    let app = with_pools(|_| {}).await;
    app.upload(&png(24, 24, 1)).await;
    app.app.run_pending_jobs().await;
    let text = app.app.metrics_text().await.unwrap();
    // What is said of a histogram's parts is said of it.
    let types: Vec<_> = text.lines().filter(|line| line.starts_with("# TYPE ")).collect();
    let mut served = names(&types.join("\n"));
    assert!(served.len() > 12, "{served:?}");
    // There is no original service here.
    served.insert("demitasse_bridge_messages_total".into());
    assert_eq!(names(&std::fs::read_to_string(OPERATIONS).unwrap()), served);
    let helped = text.lines().filter(|line| line.starts_with("# HELP ")).count();
    assert_eq!(helped, types.len(), "each says what it is");
}

#[tokio::test]
async fn api_and_worker_tell_their_pools_their_spool_and_their_engines() {
    for role in [Role::AllInOne, Role::Api, Role::Worker] {
        let app = with_pools(|config| config.role = role).await;
        let text = app.get("/metrics").await.text();
        let asked = ["demitasse_pool_", "demitasse_spool_", "demitasse_engine_memory_reserved"];
        let expected = [
            "demitasse_engine_memory_reserved_bytes 0",
            "demitasse_pool_connections_max{pool=\"readers\"} 8",
            "demitasse_pool_connections_max{pool=\"writer\"} 1",
            "demitasse_pool_connections{pool=\"readers\",state=\"idle\"} 2",
            "demitasse_pool_connections{pool=\"readers\",state=\"in_use\"} 3",
            "demitasse_pool_connections{pool=\"writer\",state=\"idle\"} 0",
            "demitasse_pool_connections{pool=\"writer\",state=\"in_use\"} 1",
            "demitasse_spool_bytes 0",
        ];
        assert_eq!(lines(&text, &asked), expected, "{role:?}");
    }
}

#[tokio::test]
async fn a_store_without_connections_has_no_pools() {
    let text = TestApp::new().await.app.metrics_text().await.unwrap();
    assert_eq!(lines(&text, &["demitasse_pool_"]), [""; 0]);
}

#[tokio::test]
async fn the_spool_is_as_large_as_what_has_come_of_an_upload() {
    let app = TestApp::new().await;
    let (sender, mut receiver) = mpsc::channel::<Bytes>(1);
    let body = stream::poll_fn(move |context| {
        receiver.poll_recv(context).map(|piece| piece.map(std::io::Result::Ok))
    });
    let request = Request::post("/v1/images")
        .header("host", "demitasse.test")
        .header("content-type", "multipart/form-data; boundary=cut")
        .body(Body::from_stream(body));
    let image = noisy_png(300, 200, 1);
    let (first, rest) = image.split_at(image.len() / 2);
    let client = async {
        let head = b"--cut\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n\r\n";
        sender.send([head, first].concat().into()).await.unwrap();
        // The parser keeps what may be the beginning of a boundary.
        let least = first.len() as u64 - 100;
        eventually("the first half is in the spool", || async {
            let held = app.metric("demitasse_spool_bytes").await;
            (held >= least && [held] == spooled(app.data.path())[..]).then_some(())
        })
        .await;
        sender.send([rest, b"\r\n--cut--\r\n"].concat().into()).await.unwrap();
        drop(sender);
    };
    let (answer, ()) = tokio::join!(app.send(request.unwrap()), client);
    assert_eq!(answer.status, 202, "{answer:?}");
    assert_eq!(app.metric("demitasse_spool_bytes").await, 0);
}

#[tokio::test]
async fn a_spool_that_cannot_be_read_is_not_called_empty() {
    let app = TestApp::new().await;
    let spool = app.data.path().join("spool");
    let away = app.data.path().join("away");
    std::fs::rename(&spool, &away).unwrap();
    let text = app.app.metrics_text().await.unwrap();
    assert_eq!(lines(&text, &["demitasse_spool_"]), ["demitasse_spool_bytes NaN"]);
    std::fs::rename(away, spool).unwrap();
    assert_eq!(app.metric("demitasse_spool_bytes").await, 0);
}

#[tokio::test]
async fn an_engine_reserves_what_it_may_take_as_long_as_it_runs() {
    let app = TestApp::new().await;
    let reserved = || app.metric("demitasse_engine_memory_reserved_bytes");
    assert_eq!(app.metric("demitasse_engine_memory_budget_bytes").await, 4 << 30);
    app.upload(&png(24, 24, 1)).await;
    // Takes so long that it is seen.
    app.upload(&noisy_png(1200, 1200, 1)).await;
    let mut seen = BTreeSet::from([reserved().await]);
    {
        let jobs = app.app.run_pending_jobs();
        tokio::pin!(jobs);
        while app.metric("demitasse_engine_runs_total").await < 2 {
            tokio::select! {
                () = &mut jobs => panic!("the second job was not seen to begin"),
                now = reserved() => seen.insert(now),
            };
        }
        let large = reserved().await;
        seen.remove(&large);
        // One child after the other, never both, and the first takes little.
        assert!(seen.iter().all(|small| *small < 30 << 20) && large > 50 << 20, "{seen:?}, {large}");
        // The second child is killed here.
    }
    assert_eq!(reserved().await, 0);
}
