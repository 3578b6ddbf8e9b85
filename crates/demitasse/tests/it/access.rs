use std::process::Output;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use demitasse::config::Secret;
use serde_json::json;

use crate::support::{TestApp, command, png};

const KEY: &str = "correct horse battery staple";

async fn locked() -> TestApp {
    TestApp::with(|config| config.http.api_key = KEY.parse::<Secret>().ok()).await
}

#[tokio::test]
async fn without_the_key_nothing_is_given_away_and_each_route_says_so_in_its_shape() {
    let app = locked().await;
    for path in ["/images", "/images/x", "/tasks/x", "/tasks/x/status"] {
        let answer = app.get(path).await;
        assert_eq!(
            (answer.status, answer.header("www-authenticate")),
            (StatusCode::UNAUTHORIZED, "Bearer"),
            "{path}"
        );
        let words = answer.json()["error"].clone();
        assert_eq!(answer.json(), json!({ "error": words }), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
    }
    for path in ["/v1/images", "/v1/images/x", "/v1/tasks/x", "/v1/events", "/metrics", "/openapi.json"] {
        let answer = app.get(path).await;
        assert_eq!(
            (answer.status, answer.header("www-authenticate")),
            (StatusCode::UNAUTHORIZED, "Bearer"),
            "{path}"
        );
        assert_eq!(answer.header("content-type"), "application/problem+json", "{path}");
        assert_eq!(answer.json()["code"], "unauthorized", "{path}");
    }
    for path in ["/images/upload", "/v1/images"] {
        assert_eq!(
            app.post(path, "image", "a.png", &png(8, 8, 1)).await.status,
            StatusCode::UNAUTHORIZED,
            "{path}"
        );
    }
}

#[tokio::test]
async fn some_routes_need_no_key() {
    let app = locked().await;
    for path in ["/healthz", "/readyz", "/v1/info", "/", "/docs/errors.md"] {
        assert_eq!(app.get(path).await.status, StatusCode::OK, "{path}");
    }
    assert_eq!(app.get("/v1/info").await.json()["auth_required"], true);
    let preflight = Request::options("/images/upload")
        .header("origin", "http://localhost")
        .header("access-control-request-method", "POST")
        .body(Body::empty())
        .unwrap();
    assert_eq!(app.send(preflight).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn the_key_opens_and_a_blob_needs_only_its_address() {
    let app = locked().await;
    let bearer = format!("Bearer {KEY}");
    let mut request = crate::support::multipart("/v1/images", &[("image", Some("a.png"), &png(8, 8, 1))]);
    request.headers_mut().insert("authorization", bearer.parse().unwrap());
    let answer = app.send(request).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    let url = answer.json()["image"]["original"]["url"].as_str().unwrap().to_owned();
    assert_eq!(app.get(&url).await.status, StatusCode::OK);
    assert_eq!(app.get_with("/images", &[("authorization", &bearer)]).await.status, StatusCode::OK);
    let wrong = [("authorization", "Bearer wrong")];
    assert_eq!(app.get_with("/images", &wrong).await.status, StatusCode::UNAUTHORIZED);
}

fn refused(args: &[&str]) -> Output {
    let data = tempfile::TempDir::new().unwrap();
    let output = command().arg("serve").arg("--data").arg(data.path()).args(args).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    output
}

#[test]
fn everyone_on_the_network_is_let_in_only_on_purpose() {
    let output = refused(&["--listen", "0.0.0.0:0"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("--api-key") && text.contains("--insecure-open"), "{text}");
    assert!(output.stdout.is_empty());
}

#[test]
fn all_mistakes_are_told_at_once() {
    let output = refused(&["--listen", "0.0.0.0:0", "--max-attempts", "0", "--public-url", "ftp://x"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    for word in ["--insecure-open", "--max-attempts", "--public-url"] {
        assert!(text.contains(word), "{word}: {text}");
    }
}
