use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use demitasse_core::{Clock, JobState, Transition};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::{Answer, TestApp, noisy_png, png};

/// When there is too little room.
#[cfg(unix)]
mod disk;

/// When blobs go.
mod removal;

/// Images that are kept for a time.
mod retention;

async fn delete(app: &TestApp, image: &str) -> Answer {
    let request = Request::delete(format!("/v1/images/{image}")).header("host", "demitasse.test");
    app.send(request.body(Body::empty()).unwrap()).await
}

/// Uploads and gives the task.
async fn upload(app: &TestApp, bytes: &[u8]) -> Value {
    let id = app.upload(bytes).await;
    app.task(&id).await
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no {pointer} in {value}"))
}

#[tokio::test]
async fn a_deleted_image_vanishes_from_every_answer_and_no_other_does() {
    let app = TestApp::new().await;
    for seed in [1, 2] {
        upload(&app, &png(32, 32, seed)).await;
    }
    app.app.run_pending_jobs().await;
    let images = app.get("/v1/images").await.json();
    let [kept, gone] = &images["data"].as_array().unwrap()[..] else { panic!("two images") };
    let (image, task) = (text(gone, "/id"), text(gone, "/task_id"));
    let urls = [text(gone, "/original/url"), text(gone, "/variant/url")];
    for url in urls {
        assert_eq!(app.get(url).await.status, StatusCode::OK);
    }

    let answer = delete(&app, image).await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::NO_CONTENT, 0));
    assert_eq!(app.get("/v1/images").await.json()["data"], json!([kept]));
    let listed = app.get("/images").await.json();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(listed[0]["id"], kept["id"]);
    for path in [format!("/v1/images/{image}"), format!("/v1/tasks/{task}")] {
        let answer = app.get(&path).await;
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (StatusCode::NOT_FOUND, &json!("not_found")),
            "{path}"
        );
    }
    for (path, words) in [
        (format!("/images/{image}"), "Image not found."),
        (format!("/tasks/{task}"), "Task not found."),
        (format!("/tasks/{task}/status"), "Task not found."),
    ] {
        let answer = app.get(&path).await;
        assert_eq!(
            (answer.status, answer.json()),
            (StatusCode::NOT_FOUND, json!({ "error": words })),
            "{path}"
        );
    }
    for url in urls {
        assert_eq!(app.get(url).await.status, StatusCode::NOT_FOUND, "{url}");
    }
    for pointer in ["/original/url", "/variant/url"] {
        assert_eq!(app.get(text(kept, pointer)).await.status, StatusCode::OK);
    }
    assert_eq!(app.metric("demitasse_images_deleted_total{reason=\"request\"}").await, 1);
}

#[tokio::test]
async fn deleting_again_and_what_never_was_is_answered_in_the_same_way() {
    let app = TestApp::new().await;
    let task = upload(&app, &png(16, 16, 1)).await;
    let image = text(&task, "/image/id");
    for id in [image, image, "0123456789abcdef01234567"] {
        assert_eq!(delete(&app, id).await.status, StatusCode::NO_CONTENT, "{id}");
    }
    let malformed = delete(&app, "x").await;
    assert_eq!((malformed.status, &malformed.json()["code"]), (StatusCode::NOT_FOUND, &json!("not_found")));
    assert_eq!(app.metric("demitasse_images_deleted_total{reason=\"request\"}").await, 1);
}

#[tokio::test]
async fn without_the_key_nothing_is_deleted() {
    let app = TestApp::with(|config| config.http.api_key = "correct horse battery".parse().ok()).await;
    let refused = delete(&app, "0123456789abcdef01234567").await;
    assert_eq!((refused.status, &refused.json()["code"]), (StatusCode::UNAUTHORIZED, &json!("unauthorized")));
}

#[tokio::test]
async fn a_queued_job_of_a_deleted_image_is_dropped() {
    let app = TestApp::new().await;
    let task = upload(&app, &png(16, 16, 1)).await;
    delete(&app, text(&task, "/image/id")).await;
    app.app.run_pending_jobs().await;
    assert_eq!(app.metric("demitasse_engine_runs_total").await, 0);
    assert_eq!(app.backends.queue.depth().await.unwrap(), Default::default());
    assert_eq!(app.get("/v1/images").await.json()["data"], json!([]));
}

#[tokio::test]
async fn a_worker_that_finishes_after_the_deletion_does_not_bring_the_image_back() {
    let app = TestApp::new().await;
    let task = upload(&app, &noisy_png(256, 256, 1)).await;
    let mut events = app.backends.events.subscribe().await.unwrap();
    let working = app.app.run_pending_jobs();
    let deleting = async {
        while events.next().await.unwrap().state != JobState::Running {}
        delete(&app, text(&task, "/image/id")).await
    };
    let ((), deleted) = tokio::join!(working, deleting);
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    assert_eq!(app.get("/v1/images").await.json()["data"], json!([]));
    assert_eq!(app.metric("demitasse_jobs_total{outcome=\"cancelled\"}").await, 1);
    assert_eq!(app.backends.queue.depth().await.unwrap(), Default::default());
}

#[tokio::test]
async fn a_result_that_comes_after_the_deletion_is_refused() {
    let app = TestApp::new().await;
    let task = upload(&app, &png(16, 16, 1)).await;
    let claim = app.backends.queue.claim("slow", Duration::from_secs(60)).await.unwrap().unwrap();
    let start = Transition::Start { lease: claim.lease, over: None };
    let jobs = &app.backends.jobs;
    assert!(jobs.transition(claim.job_id, start, app.clock.now()).await.unwrap().is_some());
    delete(&app, text(&task, "/image/id")).await;
    let release = Transition::Release { lease: claim.lease };
    assert_eq!(jobs.transition(claim.job_id, release, app.clock.now()).await.unwrap(), None);
    assert!(app.backends.queue.ack(claim).await.unwrap());
}

#[tokio::test]
async fn a_page_that_listens_is_told_which_image_is_gone() {
    let app = TestApp::new().await;
    let task = upload(&app, &png(16, 16, 1)).await;
    let request = Request::get("/v1/events").header("host", "demitasse.test").body(Body::empty()).unwrap();
    let mut stream = app.router.clone().oneshot(request).await.unwrap().into_body().into_data_stream();
    delete(&app, text(&task, "/image/id")).await;
    let mut said = String::new();
    while !said.contains("event: deleted") {
        said.push_str(std::str::from_utf8(&stream.next().await.unwrap().unwrap()).unwrap());
    }
    let data = said.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
    let data: Value = serde_json::from_str(data).unwrap();
    assert_eq!(data, json!({ "task_id": task["id"], "image_id": task["image"]["id"] }));
}

#[tokio::test]
async fn a_worker_elsewhere_is_told_to_stop_in_words_that_every_version_knows() {
    let app = TestApp::new().await;
    let task = upload(&app, &png(16, 16, 1)).await;
    let mut events = app.backends.events.subscribe().await.unwrap();
    delete(&app, text(&task, "/image/id")).await;
    let event = events.next().await.unwrap();
    assert_eq!((event.job_id.to_string(), event.state), (text(&task, "/id").into(), JobState::Cancelled));
}
