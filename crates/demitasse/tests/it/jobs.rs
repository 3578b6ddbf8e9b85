use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use demitasse_core::{
    BlobKey, BlobKind, BlobSource, Clock, Document, Sha256, Ticket, Transition, Variant, VariantOutcome,
};
use futures_util::StreamExt;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::{TestApp, noisy_png, png, truncated_png};

#[tokio::test]
async fn a_task_goes_from_queued_to_succeeded_with_a_receipt_of_exactly_its_bytes() {
    let app = TestApp::new().await;
    let id = app.upload(&png(64, 48, 1)).await;
    let queued = app.task(&id).await;
    assert_eq!(
        (&queued["status"], &queued["attempt"], &queued["report"]),
        (&json!("queued"), &json!(0), &Value::Null)
    );
    assert_eq!(queued["finished_at"], Value::Null);

    app.clock.advance(SignedDuration::from_millis(1500));
    app.app.run_pending_jobs().await;
    let done = app.task(&id).await;
    assert_eq!(
        (&done["status"], &done["attempt"], &done["error"]),
        (&json!("succeeded"), &json!(1), &Value::Null)
    );
    assert_eq!(done["created_at"], "2023-11-14T22:13:20.000Z");
    assert_eq!(done["finished_at"], "2023-11-14T22:13:21.500Z");

    let variant = &done["image"]["variant"];
    let bytes = app.get(variant["url"].as_str().unwrap()).await.body;
    let hash = Sha256::of(&bytes).to_string();
    assert_eq!((&variant["sha256"], &done["report"]["output"]["sha256"]), (&json!(hash), &json!(hash)));
    assert_eq!(done["report"]["input"]["sha256"], done["image"]["original"]["sha256"]);
    assert_eq!(
        (&variant["bytes"], &variant["width"], &variant["height"]),
        (&json!(bytes.len()), &json!(64), &json!(48))
    );
    assert!(bytes.len() <= png(64, 48, 1).len());
}

#[tokio::test]
async fn the_same_bytes_again_get_new_ids_and_the_same_result_without_new_work() {
    let app = TestApp::new().await;
    let first = app.upload(&png(32, 32, 1)).await;
    let second = app.upload(&png(32, 32, 1)).await;
    assert_ne!(first, second);
    app.app.run_pending_jobs().await;
    let third = app.upload(&png(32, 32, 1)).await;
    app.app.run_pending_jobs().await;

    let (first, second, third) = (app.task(&first).await, app.task(&second).await, app.task(&third).await);
    for task in [&second, &third] {
        assert_eq!(task["image"]["variant"], first["image"]["variant"]);
        assert_eq!(task["report"], first["report"]);
        assert_ne!(task["image"]["id"], first["image"]["id"]);
    }
    assert_eq!(app.metric("demitasse_engine_runs_total").await, 1);
    assert_eq!(app.metric("demitasse_jobs_total{outcome=\"reused\"}").await, 2);
}

#[tokio::test]
async fn what_another_engine_made_is_not_used_again() {
    let app = TestApp::new().await;
    for (seed, engine) in [(1, demitasse_engine::VERSION), (2, "demitasse-engine 0.0.0")] {
        let bytes = png(64, 48, seed);
        app.upload(&bytes).await;
        let claim = app.backends.queue.claim("other", Duration::from_secs(60)).await.unwrap().unwrap();
        let variant = Variant {
            sha256: Sha256::of(b"made elsewhere"),
            bytes: 14,
            media_type: "image/png".into(),
            width: 64,
            height: 48,
            outcome: VariantOutcome::Compressed,
            reason: None,
            score: None,
            report: Document(json!({ "engine": engine })),
        };
        let key = BlobKey { kind: BlobKind::Variant, sha256: variant.sha256 };
        app.backends.blobs.put(key, BlobSource::Bytes(b"made elsewhere".as_slice().into())).await.unwrap();
        let start = Transition::Start { lease: claim.lease, over: None };
        let succeed =
            Transition::Succeed { lease: claim.lease, variant: Box::new(variant), announce_until: None };
        for step in [start, succeed] {
            app.backends.jobs.transition(claim.job_id, step, app.clock.now()).await.unwrap().unwrap();
        }
        app.backends.queue.ack(claim).await.unwrap();

        let again = app.upload(&bytes).await;
        app.app.run_pending_jobs().await;
        let variant = app.task(&again).await["image"]["variant"]["sha256"].clone();
        let used_again = variant == Sha256::of(b"made elsewhere").to_string();
        assert_eq!(used_again, engine == demitasse_engine::VERSION, "{engine}");
    }
    // What it made instead is.
    app.upload(&png(64, 48, 2)).await;
    app.app.run_pending_jobs().await;
    assert_eq!(app.metric("demitasse_engine_runs_total").await, 1);
}

#[tokio::test]
async fn another_request_for_the_same_bytes_is_other_work() {
    let app = TestApp::new().await;
    app.upload(&png(32, 32, 1)).await;
    app.post("/v1/images?preset=small", "image", "a.png", &png(32, 32, 1)).await;
    app.post("/v1/images?lossless=true", "image", "a.png", &png(32, 32, 1)).await;
    app.app.run_pending_jobs().await;
    assert_eq!(app.metric("demitasse_engine_runs_total").await, 3);
}

#[tokio::test]
async fn the_oldest_upload_is_served_first() {
    let app = TestApp::new().await;
    let mut events = app.backends.events.subscribe().await.unwrap();
    let mut tasks = Vec::new();
    for seed in 0..5 {
        tasks.push(app.upload(&png(16, 16, seed)).await);
    }
    app.app.run_pending_jobs().await;
    let mut done = Vec::new();
    while done.len() < tasks.len() {
        let event = events.next().await.unwrap();
        if event.state.is_terminal() {
            done.push(event.job_id.to_string());
        }
    }
    assert_eq!(done, tasks);
}

#[tokio::test]
async fn a_failed_job_does_not_hold_up_the_next() {
    let app = TestApp::new().await;
    let bad = app.upload(&truncated_png()).await;
    let good = app.upload(&png(16, 16, 1)).await;
    app.app.run_pending_jobs().await;
    assert_eq!(app.task(&bad).await["status"], "failed");
    assert_eq!(app.task(&good).await["status"], "succeeded");
    assert_eq!(app.metric("demitasse_jobs_total{outcome=\"failed\"}").await, 1);
}

#[tokio::test]
async fn an_attempt_that_takes_too_long_is_retried_and_at_last_given_up() {
    let app = TestApp::with(|config| {
        config.worker.max_attempts = 2;
        config.worker.deadline = Duration::from_nanos(1);
    })
    .await;
    let id = app.upload(&noisy_png(64, 64, 1)).await;
    app.app.run_pending_jobs().await;
    let task = app.task(&id).await;
    assert_eq!((&task["status"], &task["attempt"]), (&json!("retrying"), &json!(1)), "{task}");
    assert_eq!(task["error"]["code"], "deadline_exceeded");
    assert_eq!(app.get(&format!("/tasks/{id}/status")).await.json()["status"], "pending");

    // It is not tried again before its time.
    app.app.run_pending_jobs().await;
    assert_eq!(app.task(&id).await["attempt"], 1);
    app.clock.advance(SignedDuration::from_secs(2));
    app.app.run_pending_jobs().await;
    let task = app.task(&id).await;
    assert_eq!((&task["status"], &task["attempt"]), (&json!("failed"), &json!(2)), "{task}");
    assert_eq!(task["error"]["code"], "deadline_exceeded");
}

#[tokio::test]
async fn a_program_that_cannot_be_started_fails_the_attempt_and_not_the_server() {
    let app = TestApp::with(|config| config.worker.program = Some("/nonexistent".into())).await;
    let id = app.upload(&png(16, 16, 1)).await;
    app.app.run_pending_jobs().await;
    let task = app.task(&id).await;
    assert_eq!((&task["status"], &task["error"]["code"]), (&json!("retrying"), &json!("internal")), "{task}");
    assert!(!task.to_string().contains("nonexistent"), "an internal path was shown: {task}");
}

#[tokio::test]
async fn events_tell_each_state_with_the_image_and_end_with_the_server() {
    let app = TestApp::new().await;
    let request = Request::get("/v1/events").header("host", "demitasse.test").body(Body::empty()).unwrap();
    let response = app.router.clone().oneshot(request).await.unwrap();
    let headers =
        ["content-type", "cache-control", "x-accel-buffering"].map(|name| &response.headers()[name]);
    assert_eq!(headers, ["text/event-stream", "no-cache", "no"]);
    let mut stream = response.into_body().into_data_stream();
    let mut text = String::new();

    let id = app.upload(&png(16, 16, 1)).await;
    read_until(&mut stream, &mut text, "\"status\":\"queued\"").await;
    assert!(text.starts_with("retry: 2000\n: connected\n\n"), "{text}");
    app.app.run_pending_jobs().await;
    read_until(&mut stream, &mut text, "\"variant\":{").await;

    let last = text.split("\n\n").filter(|message| message.contains("event: task")).last().unwrap();
    let line = |field: &str| last.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    let event: Value = serde_json::from_str(line("data: ")).unwrap();
    assert_eq!(
        (&event["task_id"], &event["status"], &event["attempt"]),
        (&json!(id), &json!("succeeded"), &json!(1))
    );
    assert_eq!(event["image"], app.task(&id).await["image"]);
    assert!(line("id: ").parse::<u64>().is_ok());

    app.app.stop();
    while stream.next().await.is_some() {}
    assert_eq!(app.get("/readyz").await.json()["dependencies"]["server"], "stopping");
}

async fn read_until(stream: &mut axum::body::BodyDataStream, text: &mut String, word: &str) {
    while !text.contains(word) {
        text.push_str(std::str::from_utf8(&stream.next().await.unwrap().unwrap()).unwrap());
    }
    while !text.ends_with("\n\n") {
        text.push_str(std::str::from_utf8(&stream.next().await.unwrap().unwrap()).unwrap());
    }
}

#[tokio::test]
async fn a_cancelled_task_is_not_worked_on_and_its_queue_entry_goes_when_it_is_claimed() {
    let app = TestApp::new().await;
    let id = app.upload(&png(32, 32, 1)).await;
    let cancel = || Request::post(format!("/v1/tasks/{id}/cancel")).body(Body::empty()).unwrap();
    let cancelled = app.send(cancel()).await;
    assert_eq!((cancelled.status.as_u16(), &cancelled.json()["status"]), (200, &json!("cancelled")));
    assert_eq!(app.backends.queue.depth().await.unwrap().ready, 1, "the entry stays until it is claimed");

    app.app.run_pending_jobs().await;
    assert_eq!(app.backends.queue.depth().await.unwrap().ready, 0);
    let task = app.task(&id).await;
    assert_eq!((&task["status"], &task["attempt"]), (&json!("cancelled"), &json!(0)));
    assert_eq!(app.get(&format!("/tasks/{id}/status")).await.json()["status"], "failed");
    assert_eq!(app.send(cancel()).await.status, 200, "cancelling again changes nothing");
}

#[tokio::test]
async fn a_task_that_has_ended_cannot_be_cancelled() {
    let app = TestApp::new().await;
    let id = app.upload(&png(32, 32, 1)).await;
    app.app.run_pending_jobs().await;
    let cancel = Request::post(format!("/v1/tasks/{id}/cancel")).body(Body::empty()).unwrap();
    let refused = app.send(cancel).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["code"]), (409, &json!("task_ended")));
    assert_eq!(app.task(&id).await["status"], "succeeded");
}

#[tokio::test]
async fn an_urgent_upload_overtakes_those_that_wait() {
    let app = TestApp::new().await;
    for priority in ["low", "normal", "high"] {
        let bytes = png(32, 32, priority.len() as u8);
        let path = format!("/v1/images?priority={priority}");
        let answer = app.post(&path, "image", "photo.png", &bytes).await;
        assert_eq!(answer.json()["priority"], priority);
    }
    let mut order = Vec::new();
    while let Some(claim) = app.backends.queue.claim("test", Duration::from_secs(60)).await.unwrap() {
        order.push(app.backends.jobs.job(claim.job_id).await.unwrap().unwrap().job.priority.as_str());
    }
    assert_eq!(order, ["high", "normal", "low"]);
    let wrong = app.post("/v1/images?priority=urgent", "image", "photo.png", &png(8, 8, 1)).await;
    assert_eq!(wrong.status, 400);
}

#[tokio::test]
async fn a_queue_that_lost_its_memory_does_not_take_a_job_from_the_worker_that_has_it() {
    let app = TestApp::new().await;
    let id = app.upload(&png(32, 32, 1)).await;
    let backends = &app.backends;
    let held = backends.queue.claim("busy", Duration::from_secs(600)).await.unwrap().unwrap();
    let start = Transition::Start { lease: held.lease, over: None };
    let running = backends.jobs.transition(held.job_id, start, app.clock.now()).await.unwrap().unwrap();
    // What a queue without the entry looks like, and what the sweep does about it.
    backends.queue.ack(held).await.unwrap();
    backends.queue.enqueue(Ticket::from(&running)).await.unwrap();

    app.app.run_pending_jobs().await;
    assert_eq!(
        (&app.task(&id).await["status"], &app.task(&id).await["attempt"]),
        (&json!("running"), &json!(1))
    );

    // The worker died as well: after a lease's time somebody else does it.
    app.clock.advance(SignedDuration::from_secs(3600));
    app.app.run_pending_jobs().await;
    let done = app.task(&id).await;
    assert_eq!((&done["status"], &done["attempt"]), (&json!("succeeded"), &json!(2)));
}
