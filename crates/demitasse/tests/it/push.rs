use axum::body::Body;
use axum::http::header::RETRY_AFTER;
use axum::http::{Method, Request, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::support::{Answer, PushService, SlowPushService, TestApp, eventually, png, truncated_png};

/// A server that may reach the push service, at the time that the service has.
async fn app_beside(service: &PushService) -> TestApp {
    app_that_reaches(service.origin()).await
}

async fn app_that_reaches(origin: &str) -> TestApp {
    let app = TestApp::with(|config| {
        config.fetch.allow = vec![origin.parse().unwrap()];
        config.http.public_url = Some("https://images.example.com".parse().unwrap());
    })
    .await;
    app.clock.advance(Timestamp::now().duration_since(app.clock_now()));
    app
}

async fn key(app: &TestApp) -> String {
    app.get("/v1/push/key").await.json()["public_key"].as_str().unwrap().to_owned()
}

async fn send(app: &TestApp, method: Method, path: &str, body: &Value) -> Answer {
    let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    app.send(request.body(Body::from(body.to_string())).unwrap()).await
}

async fn subscribe(app: &TestApp, subscription: &Value) -> Answer {
    send(app, Method::POST, "/v1/push/subscriptions", subscription).await
}

async fn subscribe_as_the_original(app: &TestApp, subscription: &Value) -> Answer {
    let body = json!({"subscription": subscription});
    send(app, Method::POST, "/notification/subscribe", &body).await
}

/// Uploads, and runs what is to do; gives the original's view of the task.
async fn finished(app: &TestApp, bytes: &[u8]) -> (String, Value) {
    let id = app.upload(bytes).await;
    app.app.run_pending_jobs().await;
    let status = app.get(&format!("/tasks/{id}/status")).await.json()["status"].clone();
    (id, status)
}

#[tokio::test]
async fn the_originals_client_subscribes_is_greeted_and_told_in_its_words() {
    let service = PushService::start();
    let app = app_beside(&service).await;
    let browser = service.browser(&key(&app).await).await;
    let answer = subscribe_as_the_original(&app, &browser.subscription).await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, 0), "{answer:?}");
    assert_eq!(service.received(&browser).await.len(), 1, "the greeting");

    let (id, status) = finished(&app, &png(8, 6, 1)).await;
    assert_eq!(status, "completed");
    let url = app.task(&id).await["image"]["variant"]["url"].clone();
    let expected = json!({
        "title": "Image compressed!",
        "body": "Your image is ready. Click here to see it.",
        "url": url,
    });
    assert_eq!(service.received(&browser).await[1..], [expected]);
    app.app.announce_due().await.unwrap();
    assert_eq!(service.received(&browser).await.len(), 2, "told once");
}

#[tokio::test]
async fn a_failure_is_told_with_its_reason() {
    let service = PushService::start();
    let app = app_beside(&service).await;
    let browser = service.browser(&key(&app).await).await;
    assert_eq!(subscribe(&app, &browser.subscription).await.status, StatusCode::NO_CONTENT);
    let (_, status) = finished(&app, &truncated_png()).await;
    assert_eq!(status, "failed");
    let told = service.received(&browser).await.pop().unwrap();
    assert_eq!(told["title"], "Image not compressed");
    assert!(told["body"].as_str().unwrap().starts_with("photo.png: "), "{told}");
}

#[tokio::test]
async fn a_browser_that_subscribes_again_is_told_once_and_not_greeted_again() {
    let service = PushService::start();
    let app = app_beside(&service).await;
    let browser = service.browser(&key(&app).await).await;
    for _ in 0..3 {
        assert_eq!(subscribe(&app, &browser.subscription).await.status, StatusCode::NO_CONTENT);
    }
    finished(&app, &png(8, 6, 1)).await;
    assert_eq!(service.received(&browser).await.len(), 2);

    let endpoint = browser.subscription["endpoint"].as_str().unwrap();
    for _ in 0..2 {
        let path = format!("/v1/push/subscriptions?endpoint={endpoint}");
        assert_eq!(send(&app, Method::DELETE, &path, &json!(null)).await.status, StatusCode::NO_CONTENT);
    }
    finished(&app, &png(8, 6, 2)).await;
    assert_eq!(service.received(&browser).await.len(), 2, "after the end of the subscription");
}

#[tokio::test]
async fn a_subscription_that_has_ended_is_forgotten_and_harms_no_task() {
    let service = PushService::start();
    let app = app_beside(&service).await;
    let browser = service.browser(&key(&app).await).await;
    subscribe(&app, &browser.subscription).await;
    service.expire(&browser).await;
    let (_, status) = finished(&app, &png(8, 6, 1)).await;
    assert_eq!(status, "completed");
    let left = app.backends.subscriptions.subscriptions(demitasse_core::OwnerId::DEFAULT).await.unwrap();
    assert_eq!(left, []);
    let again = subscribe_as_the_original(&app, &browser.subscription).await;
    assert_eq!(again.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(again.json(), json!({"error": "Failed to create subscription."}));
}

#[tokio::test]
async fn a_browser_that_subscribed_to_another_key_is_not_kept() {
    let service = PushService::start();
    let app = app_beside(&service).await;
    let other = app_beside(&service).await;
    let browser = service.browser(&key(&other).await).await;
    let answer = subscribe(&app, &browser.subscription).await;
    assert_eq!(
        (answer.status, answer.json()["code"].clone()),
        (StatusCode::BAD_GATEWAY, json!("push_failed"))
    );
    assert_eq!(finished(&app, &png(8, 6, 1)).await.1, "completed");
}

#[tokio::test]
async fn news_that_nobody_takes_is_tried_again_and_given_up_in_the_end() {
    let service = PushService::start();
    let app = app_beside(&service).await;
    let browser = service.browser(&key(&app).await).await;
    subscribe(&app, &browser.subscription).await;
    drop(service);
    let (id, status) = finished(&app, &png(8, 6, 1)).await;
    assert_eq!(status, "completed", "the result counts from the start");
    for attempt in 2..=6 {
        let status = app.get(&format!("/tasks/{id}/status")).await.json()["status"].clone();
        assert_eq!(status, "completed", "before attempt {attempt}");
        app.clock.advance(SignedDuration::from_secs(3600));
        app.app.announce_due().await.unwrap();
    }
    let status = app.get(&format!("/tasks/{id}/status")).await.json()["status"].clone();
    assert_eq!(status, "completed_with_errors");
    let url = app.task(&id).await["image"]["variant"]["url"].as_str().unwrap().to_owned();
    let path = url.strip_prefix("https://images.example.com").unwrap();
    assert_eq!(app.get(path).await.status, StatusCode::OK);
}

/// Runs what is to do until every one of `tasks` has ended, whoever is still being told of it.
async fn all_completed(app: &TestApp, tasks: &[String]) {
    let completed = async {
        for id in tasks {
            eventually("the task ends", || async {
                (app.get(&format!("/tasks/{id}/status")).await.json()["status"] == "completed").then_some(())
            })
            .await;
        }
    };
    tokio::select! {
        () = completed => {}
        () = app.app.run_pending_jobs() => {}
    }
}

#[tokio::test]
async fn a_push_service_that_never_answers_keeps_no_job_from_being_done() {
    let service = SlowPushService::start().await;
    let app = app_that_reaches(service.origin()).await;
    service.subscribe(&app).await;
    let tasks = [app.upload(&png(8, 6, 1)).await, app.upload(&png(8, 6, 2)).await];
    all_completed(&app, &tasks).await;
    eventually("both are told", || async { (service.begun() == 2).then_some(()) }).await;
    service.answer(StatusCode::CREATED, &[]);
    // Nobody has given up: the first was still being told when the second was done.
    eventually("both are answered", || async { (service.answered() == 2).then_some(()) }).await;
    app.app.run_pending_jobs().await;
    app.clock.advance(SignedDuration::from_secs(3600));
    assert_eq!(app.app.announce_due().await.unwrap(), 0, "told");
}

#[tokio::test]
async fn a_push_service_that_names_a_time_is_not_asked_before_it_and_not_kept_waiting_for_days() {
    let service = SlowPushService::start().await;
    let app = app_that_reaches(service.origin()).await;
    service.subscribe(&app).await;
    service.answer(StatusCode::TOO_MANY_REQUESTS, &[(RETRY_AFTER, "120")]);
    app.upload(&png(8, 6, 1)).await;
    app.app.run_pending_jobs().await;
    app.clock.advance(SignedDuration::from_secs(119));
    assert_eq!(app.app.announce_due().await.unwrap(), 0, "too early");
    service.answer(StatusCode::SERVICE_UNAVAILABLE, &[(RETRY_AFTER, "1000000")]);
    app.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(app.app.announce_due().await.unwrap(), 1);
    app.clock.advance(SignedDuration::from_secs(3599));
    assert_eq!(app.app.announce_due().await.unwrap(), 0, "an hour at most");
    // Sooner than we would: our own pause counts.
    service.answer(StatusCode::SERVICE_UNAVAILABLE, &[(RETRY_AFTER, "1")]);
    app.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(app.app.announce_due().await.unwrap(), 1);
    app.clock.advance(SignedDuration::from_secs(100));
    assert_eq!(app.app.announce_due().await.unwrap(), 0, "four times half a minute");
    service.answer(StatusCode::CREATED, &[]);
    app.clock.advance(SignedDuration::from_secs(20));
    assert_eq!(app.app.announce_due().await.unwrap(), 1);
    assert_eq!(service.answered(), 4);
}

#[tokio::test]
async fn news_that_finds_no_room_is_told_later() {
    let service = SlowPushService::start().await;
    let app = app_that_reaches(service.origin()).await;
    service.subscribe(&app).await;
    let mut tasks = Vec::new();
    for seed in 0..40 {
        tasks.push(app.upload(&png(8, 6, seed)).await);
    }
    all_completed(&app, &tasks).await;
    eventually("as many are told as may be", || async { (service.begun() == 32).then_some(()) }).await;
    service.answer(StatusCode::CREATED, &[]);
    app.app.run_pending_jobs().await;
    assert_eq!(app.app.announce_due().await.unwrap(), 0, "too early");
    app.clock.advance(SignedDuration::from_secs(30));
    assert_eq!(app.app.announce_due().await.unwrap(), 8);
    assert_eq!((service.begun(), service.answered()), (40, 40));
}

#[tokio::test]
async fn what_is_no_subscription_is_refused_by_cause() {
    let app = TestApp::new().await;
    let good = json!({"p256dh": key(&app).await, "auth": "_ordMnz7uTCmrpBTeUV4Bw"});
    for (subscription, word) in [
        (json!({"endpoint": "http://push.example.com/1", "keys": good}), "https"),
        (json!({"endpoint": "https://127.0.0.1/1", "keys": good}), "public internet"),
        (json!({"endpoint": "https://169.254.169.254/1", "keys": good}), "public internet"),
        (json!({"endpoint": "https://push.example.com:8443/1", "keys": good}), "port"),
        (
            json!({"endpoint": format!("https://push.example.com/{}", "a".repeat(2100)), "keys": good}),
            "longer",
        ),
        (
            json!({"endpoint": "https://push.example.com/1", "keys": {"p256dh": "AAAA", "auth": good["auth"]}}),
            "p256dh",
        ),
        (
            json!({"endpoint": "https://push.example.com/1", "keys": {"p256dh": good["p256dh"], "auth": "AA"}}),
            "auth",
        ),
        (json!({"endpoint": "https://push.example.com/1"}), "keys"),
        (json!("x".repeat(20_000)), "bytes"),
    ] {
        let answer = subscribe(&app, &subscription).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{word}");
        assert!(answer.json()["detail"].as_str().unwrap().contains(word), "{word}: {}", answer.text());
        let answer = subscribe_as_the_original(&app, &subscription).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{word}");
        assert!(answer.json()["error"].as_str().is_some(), "{}", answer.text());
    }
    // What a form of another site can send without asking.
    let form = Request::post("/v1/push/subscriptions").header("content-type", "text/plain");
    assert_eq!(app.send(form.body(Body::from("{}")).unwrap()).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn nobody_can_fill_the_store_with_subscriptions() {
    let app = TestApp::new().await;
    let (p256dh, auth) = (key(&app).await, "_ordMnz7uTCmrpBTeUV4Bw".to_owned());
    for n in 0..50 {
        let endpoint = format!("https://push.example.com/{n}");
        let (owner, created_at) = (demitasse_core::OwnerId::DEFAULT, Timestamp::UNIX_EPOCH);
        let (p256dh, auth) = (p256dh.clone(), auth.clone());
        let kept = demitasse_core::Subscription { owner, endpoint, p256dh, auth, created_at };
        app.backends.subscriptions.subscribe(kept).await.unwrap();
    }
    let keys = json!({"p256dh": p256dh, "auth": auth});
    let one_more = json!({"endpoint": "https://push.example.com/50", "keys": keys});
    let answer = subscribe(&app, &one_more).await;
    assert_eq!(
        (answer.status, answer.json()["code"].clone()),
        (StatusCode::CONFLICT, json!("too_many_subscriptions"))
    );
    let known = json!({"endpoint": "https://push.example.com/49", "keys": keys});
    assert_eq!(subscribe(&app, &known).await.status, StatusCode::NO_CONTENT);
}
