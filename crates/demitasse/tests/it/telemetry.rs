//! Spans, as a collector receives them.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use reqwest::multipart::{Form, Part};

use crate::support::{Server, eventually, png};

/// A collector that keeps what it is sent: OTLP's protobuf, in which ids are their bytes and names their letters.
async fn collector() -> (String, Arc<Mutex<Vec<u8>>>) {
    let received = Arc::new(Mutex::new(Vec::new()));
    let keep = received.clone();
    let receive = post(move |body: Bytes| {
        keep.lock().unwrap().extend_from_slice(&body);
        async { Bytes::new() }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().route("/v1/traces", receive);
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, received)
}

fn count(haystack: &[u8], needle: &[u8]) -> usize {
    haystack.windows(needle.len()).filter(|window| *window == needle).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_work_is_seen_in_the_trace_of_the_request_that_asked_for_it() {
    let (address, received) = collector().await;
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &["--workers", "1", "--otlp-endpoint", &address], "");
    let form = Form::new().part("image", Part::bytes(png(64, 64, 1)).file_name("a.png"));
    let request = server.client.post(format!("{}/v1/images", server.url)).multipart(form);
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let task: serde_json::Value =
        request.header("traceparent", traceparent).send().await.unwrap().json().await.unwrap();
    server.ended(task["id"].as_str().unwrap()).await;

    let trace = *b"\x0a\xf7\x65\x19\x16\xcd\x43\xdd\x84\x48\xeb\x21\x1c\x80\x31\x9c";
    let both = || async {
        let received = received.lock().unwrap();
        let spans = count(&received, &trace) >= 2;
        let names = count(&received, b"request") >= 1 && count(&received, b"\x03job") >= 1;
        (spans && names).then_some(())
    };
    eventually("the spans of request and job arrive under the client's trace", both).await;
}
