use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Answer, Server, TestApp, command, eventually, noisy_png, png, truncated_png};

/// One whose attempts all take too long.
async fn too_slow() -> TestApp {
    TestApp::with(|config| {
        config.worker.max_attempts = 2;
        config.worker.deadline = Duration::from_nanos(1);
    })
    .await
}

/// Uploads, and has every attempt fail.
async fn use_up(app: &TestApp, seed: u32) -> String {
    let id = app.upload(&noisy_png(64, 64, seed)).await;
    app.app.run_pending_jobs().await;
    app.clock.advance(SignedDuration::from_secs(2));
    app.app.run_pending_jobs().await;
    let task = app.task(&id).await;
    assert_eq!((&task["status"], &task["attempt"]), (&json!("failed"), &json!(2)), "{task}");
    id
}

async fn retry(app: &TestApp, id: &str) -> Answer {
    let path = format!("/v1/tasks/{id}/retry");
    app.send(Request::post(path).header("host", "demitasse.test").body(Body::empty()).unwrap()).await
}

fn ids(page: &Value) -> Vec<&str> {
    page["data"].as_array().unwrap().iter().map(|task| task["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn what_used_up_its_attempts_is_listed_with_the_cause_and_other_failures_are_not() {
    let app = too_slow().await;
    assert_eq!(app.get("/v1/dead-letters").await.json(), json!({ "data": [], "next_cursor": null }));
    let mut dead = Vec::new();
    for seed in 1..=3 {
        dead.insert(0, use_up(&app, seed).await);
    }
    // The owner of a damaged image knows what is wrong with it.
    let damaged = app.again(|_| {}).await;
    let bad = damaged.upload(&truncated_png()).await;
    damaged.app.run_pending_jobs().await;
    assert_eq!(damaged.task(&bad).await["status"], "failed");

    let page = app.get("/v1/dead-letters?limit=2").await;
    let link = page.header("link").to_owned();
    let page = page.json();
    assert_eq!(ids(&page), dead[..2]);
    let error = &page["data"][0]["error"];
    assert_eq!(error["code"], "deadline_exceeded", "{page}");
    let next = format!("/v1/dead-letters?limit=2&cursor={}", page["next_cursor"].as_str().unwrap());
    assert_eq!(link, format!("<http://demitasse.test{next}>; rel=\"next\""));
    let last = app.get(&next).await.json();
    assert_eq!((ids(&last), &last["next_cursor"]), (vec![dead[2].as_str()], &Value::Null));
    assert_eq!(app.get("/v1/dead-letters?limit=0").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_dead_letter_is_tried_again_with_every_attempt_and_its_image() {
    let app = too_slow().await;
    let id = use_up(&app, 1).await;
    let answer = retry(&app, &id).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let task = answer.json();
    assert_eq!((&task["status"], &task["attempt"]), (&json!("queued"), &json!(0)), "{task}");
    assert_eq!(ids(&app.get("/v1/dead-letters").await.json()), [""; 0]);

    let able = app.again(|_| {}).await;
    able.app.run_pending_jobs().await;
    let task = able.task(&id).await;
    assert_eq!((&task["status"], &task["attempt"]), (&json!("succeeded"), &json!(1)), "{task}");
    assert_eq!(task["error"], Value::Null);
}

#[tokio::test]
async fn only_what_failed_is_tried_again() {
    let app = TestApp::new().await;
    let id = app.upload(&png(16, 16, 1)).await;
    for _ in 0..2 {
        let refused = retry(&app, &id).await;
        assert_eq!(
            (refused.status, &refused.json()["code"]),
            (StatusCode::CONFLICT, &json!("task_not_failed"))
        );
        app.app.run_pending_jobs().await;
    }
    assert_eq!(app.task(&id).await["status"], "succeeded");
    assert_eq!(retry(&app, "000000000000000000000000").await.status, StatusCode::NOT_FOUND);
    assert_eq!(retry(&app, "nonsense").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_image_that_is_deleted_is_no_dead_letter_any_more() {
    let app = too_slow().await;
    let id = use_up(&app, 1).await;
    let image = app.task(&id).await["image_id"].as_str().unwrap().to_owned();
    let delete = Request::delete(format!("/v1/images/{image}")).header("host", "demitasse.test");
    assert_eq!(app.send(delete.body(Body::empty()).unwrap()).await.status, StatusCode::NO_CONTENT);
    assert_eq!(ids(&app.get("/v1/dead-letters").await.json()), [""; 0]);
    assert_eq!(retry(&app, &id).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_command_lists_and_retries_with_the_service_s_key() {
    let data = TempDir::new().unwrap();
    let args = ["--workers", "1", "--max-attempts", "1", "--deadline", "1", "--api-key", "correct horse"];
    let server = Server::start(data.path(), &args, "");
    let run = |args: &[&str]| {
        let mut command = command();
        command.args(["dead-letters", "--url", &server.url]).args(args);
        let output = command.env("DEMITASSE_API_KEY", "correct horse").output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    assert_eq!(run(&["list"]), (Some(0), String::new(), String::new()));
    let image = reqwest::multipart::Part::bytes(truncated_png()).file_name("half.png");
    let form = reqwest::multipart::Form::new().part("image", image);
    let upload = server.client.post(format!("{}/v1/images", server.url)).bearer_auth("correct horse");
    let task: Value = upload.multipart(form).send().await.unwrap().json().await.unwrap();
    let id = task["id"].as_str().unwrap();
    let listed = eventually("it has failed", || async {
        let (code, out, _) = run(&["list"]);
        (code == Some(0) && !out.is_empty()).then_some(out)
    })
    .await;
    assert!(
        listed.starts_with(id) && listed.contains("1 of 1 attempts  half.png  malformed: PNG"),
        "{listed}"
    );
    let (code, out, _) = run(&["retry", id]);
    assert_eq!((code, out), (Some(0), format!("{id}  will be tried again\n")));
    let (code, _, err) = run(&["retry", "000000000000000000000000"]);
    assert_eq!(code, Some(1));
    assert!(err.contains("There is no task with this id."), "{err}");
    let (code, _, err) = run(&["list", "--api-key", "wrong"]);
    assert_eq!(code, Some(2));
    assert!(err.contains("Authorization: Bearer KEY"), "{err}");
}
