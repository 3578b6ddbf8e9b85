use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::json;

use crate::support::{TestApp, multipart, png};

/// The instant at which a [`TestApp`]'s clock stands, as JavaScript writes it.
const NOW: &str = "Tue Nov 14 2023 22:13:20 GMT+0000 (Coordinated Universal Time)";

#[tokio::test]
async fn an_upload_gives_exactly_a_task_id_and_says_where_to_look() {
    let app = TestApp::new().await;
    let answer = app.post("/images/upload", "image", "a.png", &png(8, 8, 1)).await;
    assert_eq!(answer.status, StatusCode::OK);
    let body = answer.json();
    let id = body["taskId"].as_str().unwrap();
    assert_eq!(body, json!({ "taskId": id }));
    assert!(id.len() == 24 && id.bytes().all(|digit| digit.is_ascii_hexdigit()), "{id}");
    assert_eq!(answer.header("location"), format!("http://demitasse.test/v1/tasks/{id}"));
}

#[tokio::test]
async fn the_states_and_shapes_of_an_image_and_its_task() {
    let app = TestApp::new().await;
    let id = app.post("/images/upload", "image", "a.png", &png(8, 8, 1)).await.json()["taskId"].clone();
    let id = id.as_str().unwrap();

    let task = app.get(&format!("/tasks/{id}")).await.json();
    let image_id = task["imageId"].as_str().unwrap().to_owned();
    assert_eq!(task, json!({ "id": id, "imageId": image_id, "status": "pending" }));
    let status = app.get(&format!("/tasks/{id}/status")).await.json();
    assert_eq!(status, json!({ "taskId": id, "status": "pending" }));
    let image = app.get(&format!("/images/{image_id}")).await.json();
    let url = image["imageUrl"].as_str().unwrap();
    let pending = json!({ "id": image_id, "imageUrl": url, "compressedUrl": null, "createdAt": NOW });
    assert_eq!(image, pending);
    assert!(url.starts_with("http://demitasse.test/i/") && url.ends_with("/original/a.png"), "{url}");
    assert_eq!(app.get(url).await.body, png(8, 8, 1));

    app.app.run_pending_jobs().await;
    assert_eq!(app.get(&format!("/tasks/{id}/status")).await.json()["status"], "completed");
    let image = app.get(&format!("/images/{image_id}")).await.json();
    let compressed = app.get(image["compressedUrl"].as_str().unwrap()).await;
    assert_eq!((compressed.status, compressed.header("content-type")), (StatusCode::OK, "image/png"));
    assert_eq!(app.get("/images").await.json(), json!([image]));
}

#[tokio::test]
async fn the_list_is_a_bare_array_of_every_row_in_order_of_acceptance() {
    let app = TestApp::new().await;
    assert_eq!(app.get("/images").await.text(), "[]");
    // More than two pages of the store, and exactly a multiple of a page on the way.
    for count in 1..=401_u32 {
        app.post("/images/upload", "image", &format!("{count}.png"), &png(1, 1, (count % 251) as u8)).await;
        if count % 200 == 0 || count == 401 {
            let list = app.get("/images").await.json();
            let names: Vec<_> = list.as_array().unwrap().iter().map(name).collect();
            let expected: Vec<_> = (1..=count).map(|count| format!("{count}.png")).collect();
            assert_eq!(names, expected);
        }
    }
}

fn name(image: &serde_json::Value) -> String {
    image["imageUrl"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
}

#[tokio::test]
async fn what_is_not_there_is_404_in_the_original_words() {
    let app = TestApp::new().await;
    for id in ["000000000000000000000000", "nonsense", "..%2f..%2fetc%2fpasswd"] {
        for (path, words) in [
            (format!("/images/{id}"), "Image not found."),
            (format!("/tasks/{id}"), "Task not found."),
            (format!("/tasks/{id}/status"), "Task not found."),
        ] {
            let answer = app.get(&path).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
            assert_eq!(answer.json(), json!({ "error": words }), "{path}");
        }
    }
}

#[tokio::test]
async fn everyone_may_call_from_anywhere_but_only_the_original_routes() {
    let app = TestApp::new().await;
    let preflight = Request::options("/images/upload")
        .header("origin", "http://localhost:3000")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type")
        .body(Body::empty())
        .unwrap();
    let answer = app.send(preflight).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(answer.header("access-control-allow-methods"), "GET,HEAD,PUT,PATCH,POST,DELETE");
    assert_eq!(answer.header("access-control-allow-headers"), "content-type");
    assert_eq!(answer.header("access-control-allow-credentials"), "");

    let origin = [("origin", "http://localhost:3000")];
    assert_eq!(app.get_with("/images", &origin).await.header("access-control-allow-origin"), "*");
    assert_eq!(app.get_with("/images/none", &origin).await.header("access-control-allow-origin"), "*");
    assert_eq!(app.get_with("/v1/images", &origin).await.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn other_form_fields_and_query_parameters_mean_nothing() {
    let app = TestApp::new().await;
    let image = png(8, 8, 1);
    let fields: [(&str, Option<&str>, &[u8]); 3] =
        [("comment", None, b"hello"), ("image", Some("a.png"), &image), ("tag", None, b"x")];
    let answer = app.send(multipart("/images/upload?quality=banana&foo=bar", &fields)).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
}
