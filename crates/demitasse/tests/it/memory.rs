use std::borrow::Cow;

use axum::http::StatusCode;
use demitasse::config::Role;
use gif::{Encoder, Frame};
use serde_json::json;

use crate::support::{TestApp, eventually, noisy_png};

const MB: u64 = 1_000_000;

/// One that has so much memory for all its jobs.
async fn with_budget(bytes: u64) -> TestApp {
    TestApp::with(|config| config.worker.memory_budget = Some(bytes)).await
}

#[tokio::test]
async fn an_image_over_the_whole_budget_is_refused_at_the_door_with_both_numbers() {
    let app = with_budget(64 * MB).await;
    let answer = app.post("/v1/images", "image", "a.png", &noisy_png(1500, 1500, 1)).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{answer:?}");
    assert_eq!(answer.json()["code"], "limit_exceeded");
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    // What the file takes twice is not the engine's.
    let numbers: Vec<u64> = detail.split(' ').filter_map(|word| word.parse().ok()).collect();
    let [needed, allowed] = numbers[..] else { panic!("{detail}") };
    assert!(needed > 64 && (40..64).contains(&allowed), "{detail}");
    assert_eq!(app.metric("demitasse_uploads_total").await, 0);
    app.upload(&noisy_png(300, 300, 1)).await;
}

#[tokio::test]
async fn what_an_api_cannot_judge_its_worker_refuses_with_both_numbers() {
    let api = TestApp::with(|config| config.role = Role::Api).await;
    let task = api.upload(&noisy_png(1500, 1500, 1)).await;
    let worker = api.again(|config| config.worker.memory_budget = Some(64 * MB)).await;
    worker.app.run_pending_jobs().await;
    let task = api.task(&task).await;
    assert_eq!((&task["status"], &task["attempt"]), (&json!("failed"), &json!(1)), "{task}");
    assert_eq!(task["error"]["code"], "limit_exceeded");
    let detail = task["error"]["detail"].as_str().unwrap();
    assert!(detail.starts_with("It needs about") && detail.contains("MB may be used"), "{detail}");
    assert_eq!(worker.metric("demitasse_engine_memory_reserved_bytes").await, 0);
}

#[tokio::test]
async fn jobs_that_do_not_fit_together_are_done_one_after_the_other() {
    let app = with_budget(100 * MB).await;
    let tasks = [app.upload(&noisy_png(1200, 1200, 1)).await, app.upload(&noisy_png(1200, 1200, 2)).await];
    let reserved = || app.metric("demitasse_engine_memory_reserved_bytes");
    let watch = async {
        eventually("one works, and one waits", || async {
            let waits = app.metric("demitasse_jobs_waiting_for_memory").await == 1;
            (waits && reserved().await > 0).then_some(())
        })
        .await;
        let ready = app.get("/readyz").await.json()["memory"].clone();
        assert_eq!(
            (&ready["budget_bytes"], &ready["waiting_jobs"]),
            (&json!(100 * MB), &json!(1)),
            "{ready}"
        );
    };
    let most = async {
        let mut most = 0;
        while app.metric("demitasse_engine_runs_total").await < 2 {
            most = most.max(reserved().await);
            tokio::task::yield_now().await;
        }
        most
    };
    let (.., most) = tokio::join!(app.app.run_pending_jobs(), app.app.run_pending_jobs(), watch, most);
    assert!(most > 0 && most <= 100 * MB, "{most}");
    for task in tasks {
        assert_eq!(app.task(&task).await["status"], "succeeded");
    }
    assert_eq!(reserved().await, 0);
}

/// Two frames, and nothing in the row says so.
fn animation(side: u16) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, side, side, &[9, 9, 9, 200, 200, 200]).unwrap();
    for color in [0, 1] {
        let buffer = Cow::Owned(vec![color; usize::from(side) * usize::from(side)]);
        encoder.write_frame(&Frame { width: side, height: side, buffer, ..Frame::default() }).unwrap();
    }
    drop(encoder);
    bytes
}

#[tokio::test]
async fn what_turns_out_to_need_more_reserves_it_before_it_goes_on() {
    let app = TestApp::new().await;
    let task = app.upload(&animation(1500)).await;
    let mut most = 0;
    {
        let jobs = app.app.run_pending_jobs();
        tokio::pin!(jobs);
        loop {
            tokio::select! {
                () = &mut jobs => break,
                now = app.metric("demitasse_engine_memory_reserved_bytes") => most = most.max(now),
            }
        }
    }
    // 80 bytes a pixel for an animation; a still image of that size takes less than half.
    assert!(most >= 1500 * 1500 * 80, "{most}");
    assert_eq!(app.metric("demitasse_engine_runs_total").await, 1);
    let task = app.task(&task).await;
    assert_eq!((&task["status"], &task["attempt"]), (&json!("succeeded"), &json!(1)), "{task}");
}
