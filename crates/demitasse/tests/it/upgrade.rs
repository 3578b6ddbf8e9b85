use demitasse_core::contract::sample;
use demitasse_core::{Document, NewUpload, Ticket, Transition};
use demitasse_engine::{Report, Request};
use serde_json::{Value, json};

use crate::support::{TestApp, png};

/// Requests as the version before writes them.
const REQUESTS: [&str; 4] = [
    r#"{"version":1,"target":{"kind":"score","score":75.0},"format":"keep"}"#,
    r#"{"version":1,"target":{"kind":"quality","quality":82.5},"format":"jpeg"}"#,
    r#"{"version":1,"target":{"kind":"lossless"},"format":"png"}"#,
    r#"{"version":1,"target":{"kind":"score","score":90.0},"format":"webp"}"#,
];

/// Receipts as the version before writes them.
const RECEIPTS: &str = include_str!("fixtures/receipts.json");

#[test]
fn requests_of_the_version_before_are_read_and_written_as_it_does() {
    for json in REQUESTS {
        let request: Request = serde_json::from_str(json).unwrap();
        request.validate().unwrap();
        // Not a byte may differ: the request is a part of the key by which equal work is found.
        assert_eq!(serde_json::to_string(&request).unwrap(), json);
    }
}

#[test]
fn receipts_of_the_version_before_are_read_and_written_as_it_does() {
    let receipts: Vec<Value> = serde_json::from_str(RECEIPTS).unwrap();
    for receipt in receipts {
        let report: Report = serde_json::from_value(receipt.clone()).unwrap();
        assert_eq!(serde_json::to_value(report).unwrap(), receipt);
    }
}

/// A queued job with this request, beside the one that is uploaded.
async fn queued(app: &TestApp, request: Value) -> String {
    let uploaded = app.upload(&png(32, 32, 1)).await;
    let original = app.backends.jobs.job(uploaded.parse().unwrap()).await.unwrap().unwrap().image.original;
    let new = NewUpload {
        original: original.stored().unwrap().clone(),
        request: Document(request),
        ..sample::upload(1)
    };
    let upload = app.backends.images.create_upload(new).await.unwrap();
    app.backends.queue.enqueue(Ticket::from(&upload.job)).await.unwrap();
    upload.job.id.to_string()
}

#[tokio::test]
async fn a_request_of_a_newer_version_fails_with_a_reason_and_is_never_done_by_halves() {
    let target = json!({ "kind": "score", "score": 75.0 });
    for request in [
        json!({ "version": 2, "target": target, "format": "keep" }),
        json!({ "version": 1, "target": { "kind": "bytes", "bytes": 9000 }, "format": "keep" }),
        json!({ "version": 1, "target": target, "format": "jxl" }),
    ] {
        let app = TestApp::new().await;
        let id = queued(&app, request.clone()).await;
        app.app.run_pending_jobs().await;
        let task = app.task(&id).await;
        assert_eq!(task["status"], "failed", "{request} {task}");
        assert_eq!(task["error"]["code"], "invalid_request", "{request} {task}");
        assert_eq!(task["image"]["variant"], Value::Null);
    }
}

#[tokio::test]
async fn a_receipt_of_a_newer_version_is_shown_as_it_was_written() {
    let app = TestApp::new().await;
    let id = app.upload(&png(32, 32, 1)).await;
    let job = id.parse().unwrap();
    let lease = sample::lease(1);
    let receipt = json!({ "version": 2, "outcome": "dreamed", "news": [1, { "of": "the next version" }] });
    let variant =
        Box::new(demitasse_core::Variant { report: Document(receipt.clone()), ..sample::variant(1) });
    for transition in [
        Transition::Start { lease, over: None },
        Transition::Succeed { lease, variant, announce_until: None },
    ] {
        app.backends.jobs.transition(job, transition, app.clock_now()).await.unwrap().unwrap();
    }
    let task = app.task(&id).await;
    assert_eq!((&task["status"], &task["report"]), (&json!("succeeded"), &receipt));
}
