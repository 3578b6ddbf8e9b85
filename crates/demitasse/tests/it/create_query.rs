use axum::http::StatusCode;
use demitasse_engine::{Effort, Format, OutputFormat, Request, Resize, ResizeMethod, Score, Target};
use serde_json::json;

use crate::support::{TestApp, noisy_png, png};

/// What the engine will be asked by an upload to `/v1/images?QUERY`.
async fn asked(app: &TestApp, query: &str) -> Request {
    let answer = app.post(&format!("/v1/images?{query}"), "image", "a.png", &png(8, 6, 1)).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{query}: {answer:?}");
    let id = answer.json()["id"].as_str().unwrap().parse().unwrap();
    app.backends.jobs.job(id).await.unwrap().unwrap().job.request.read().unwrap()
}

#[tokio::test]
async fn everything_in_the_query_reaches_the_engine() {
    let app = TestApp::new().await;
    let default = Request::default();
    let (width, height) = (Some(800), Some(600));
    let max_bytes = |max_bytes, floor| Target::MaxBytes { max_bytes, floor: Score(floor) };
    for (query, request) in [
        ("", default),
        ("effort=balanced&format=keep", default),
        ("effort=fast", default.with_effort(Effort::Fast)),
        ("format=auto", default.with_format(OutputFormat::Auto)),
        ("format=jpg", default.with_format(OutputFormat::of(Format::Jpeg))),
        (
            "format=webp,png",
            default.with_format(OutputFormat::Among([Format::Png, Format::Webp].into_iter().collect())),
        ),
        ("max_bytes=200000", Request::new(max_bytes(200_000, 30.0))),
        ("max_bytes=1.5MB&floor=60", Request::new(max_bytes(1_500_000, 60.0))),
        ("max_bytes=200%20KiB", Request::new(max_bytes(204_800, 30.0))),
        (
            "resize=fit&width=800&height=600",
            default.with_resize(Resize { method: ResizeMethod::Fit, width, height, enlarge: false }),
        ),
        (
            "resize=scale&width=800&enlarge=true",
            default.with_resize(Resize { method: ResizeMethod::Scale, width, height: None, enlarge: true }),
        ),
    ] {
        assert_eq!(asked(&app, query).await, request, "{query}");
    }
}

#[tokio::test]
async fn what_is_wrong_or_contradicts_itself_is_refused_and_named() {
    let app = TestApp::new().await;
    for (query, named) in [
        ("effort=slow", "effort"),
        ("format=gif", "format"),
        ("format=", "format"),
        ("format=webp,", "format"),
        ("max_bytes=0", "max_bytes"),
        ("max_bytes=many", "max_bytes"),
        ("max_bytes=1000&preset=high", "max_bytes"),
        ("max_bytes=1000&target=80", "max_bytes"),
        ("max_bytes=1000&floor=0", "floor"),
        ("floor=50", "floor"),
        ("floor=50&target=80", "floor"),
        ("resize=crop&width=8&height=8", "resize"),
        ("resize=fit&width=800", "fit"),
        ("resize=scale&width=8&height=8", "scale"),
        ("resize=scale", "scale"),
        ("resize=fit&width=0&height=8", "width"),
        ("resize=fit&width=-8&height=8", "width"),
        ("width=800", "resize"),
        ("enlarge=true", "resize"),
        ("resize=fit&width=8&height=8&enlarge=maybe", "enlarge"),
    ] {
        let answer = app.post(&format!("/v1/images?{query}"), "image", "a.png", &png(8, 6, 1)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}: {answer:?}");
        assert_eq!(answer.header("content-type"), "application/problem+json", "{query}");
        let problem = answer.json();
        assert_eq!(problem["code"], "invalid_request", "{query}");
        let detail = problem["detail"].as_str().unwrap().to_lowercase();
        assert!(detail.contains(named), "{query}: {detail}");
    }
    assert_eq!(app.metric("demitasse_uploads_total").await, 0);
}

#[tokio::test]
async fn an_image_says_whether_a_limit_of_bytes_was_kept() {
    let app = TestApp::new().await;
    let image = noisy_png(32, 32, 1);
    let mut seen = Vec::new();
    for query in ["max_bytes=1", "max_bytes=1MB", "preset=lossless"] {
        let answer = app.post(&format!("/v1/images?{query}"), "image", "a.png", &image).await;
        app.app.run_pending_jobs().await;
        let task = app.task(answer.json()["id"].as_str().unwrap()).await;
        assert_eq!(task["status"], "succeeded", "{query}: {task}");
        let variant = &task["image"]["variant"];
        assert_eq!(variant["lossless"], task["report"]["lossless"], "{query}");
        seen.push(variant["within_max_bytes"].clone());
    }
    assert_eq!(seen, [json!(false), json!(true), json!(null)]);
}

#[tokio::test]
async fn the_routes_of_the_original_take_no_options() {
    let app = TestApp::new().await;
    let path = "/images/upload?effort=slow&max_bytes=many";
    let answer = app.post(path, "image", "a.png", &png(8, 6, 1)).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let id = answer.json()["taskId"].as_str().unwrap().parse().unwrap();
    let asked: Request = app.backends.jobs.job(id).await.unwrap().unwrap().job.request.read().unwrap();
    assert_eq!((asked.effort, asked.resize), (Effort::Balanced, None));
    assert!(!matches!(asked.target, Target::MaxBytes { .. }));
}
