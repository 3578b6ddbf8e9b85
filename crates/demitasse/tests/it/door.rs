//! What clients may do at the same time, and how slow they may be: against the real binary, over sockets.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use demitasse::config::Config;
use demitasse_core::{Claim, ErrorKind, JobQueue, QueueDepth, StoreError, Ticket};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Server, TestApp, eventually, multipart, noisy_png, png};

/// The begin of an upload that does not end by itself.
const HEAD: &str = "POST /v1/images HTTP/1.1\r\nHost: demitasse\r\nContent-Type: multipart/form-data; boundary=cut\r\n\
    Content-Length: 100000\r\n\r\n\
    --cut\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n\r\n";

fn start(data: &TempDir, args: &[&str]) -> Server {
    Server::start(data.path(), args, "")
}

fn connect(server: &Server) -> TcpStream {
    let address: SocketAddr = server.url.strip_prefix("http://").unwrap().parse().unwrap();
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

/// An upload that has begun, and stands still.
fn begin_upload(server: &Server) -> TcpStream {
    let mut stream = connect(server);
    stream.write_all(HEAD.as_bytes()).unwrap();
    stream
}

/// Waits until so many uploads have begun to be written.
async fn receiving(data: &TempDir, uploads: usize) {
    eventually("the uploads are being received", || async {
        (crate::support::spooled(data.path()).len() == uploads).then_some(())
    })
    .await;
}

/// Everything that comes until the server closes: status line and headers, and the problem.
fn answer(mut stream: &TcpStream) -> (String, Value) {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
    (head.to_lowercase(), serde_json::from_str(body).unwrap())
}

async fn refused(server: &Server, limit: &str) -> u64 {
    server.metric(&format!("demitasse_refused_total{{limit=\"{limit}\"}}")).await
}

#[tokio::test]
async fn a_header_that_does_not_end_is_given_up_with_a_word() {
    let data = TempDir::new().unwrap();
    let server = start(&data, &["--header-timeout", "1"]);
    let mut slow = connect(&server);
    slow.write_all(b"GET / HTTP/1.1\r\nHost: demitasse\r\nX-Slow: ").unwrap();
    let (head, problem) = answer(&slow);
    assert!(head.starts_with("http/1.1 408") && head.contains("connection: close"), "{head}");
    assert_eq!(problem["code"], "too_slow");
    assert!(problem["detail"].as_str().unwrap().contains("after 1 seconds"), "{problem}");
    assert_eq!(refused(&server, "header_timeout").await, 1);

    let idle = connect(&server);
    let mut nothing = Vec::new();
    (&idle).read_to_end(&mut nothing).unwrap();
    assert_eq!(nothing, b"", "who asked nothing is not answered");
}

#[tokio::test]
async fn a_body_that_stands_still_is_given_up_and_nothing_stays() {
    let data = TempDir::new().unwrap();
    let server = start(&data, &["--stall-timeout", "1"]);
    let stream = begin_upload(&server);
    let (head, problem) = answer(&stream);
    assert!(head.starts_with("http/1.1 408"), "{head}");
    assert_eq!(problem["code"], "too_slow");
    receiving(&data, 0).await;
    assert_eq!(refused(&server, "slow_upload").await, 1);
}

#[tokio::test]
async fn a_body_that_trickles_is_given_up_with_its_rate() {
    let data = TempDir::new().unwrap();
    let server = start(&data, &["--stall-timeout", "1", "--min-upload-rate", "5000"]);
    let stream = begin_upload(&server);
    let mut writer = stream.try_clone().unwrap();
    let trickle = std::thread::spawn(move || {
        // Never still for long; it ends when the server has closed.
        while writer.write_all(&[7; 16]).is_ok() {
            std::thread::park_timeout(Duration::from_millis(50));
        }
    });
    let mut bytes = Vec::new();
    // What the client still sends after the answer may take the connection down.
    (&stream).read_to_end(&mut bytes).ok();
    stream.shutdown(Shutdown::Both).ok();
    trickle.join().unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.starts_with("HTTP/1.1 408") && text.contains("at least 5000 a second"), "{text}");
}

#[tokio::test]
async fn connections_beyond_the_limit_are_refused_with_both_numbers_and_those_that_are_open_go_on() {
    let data = TempDir::new().unwrap();
    let server = start(&data, &["--max-connections", "3"]);
    let held = [(); 2].map(|()| begin_upload(&server));
    receiving(&data, 2).await;
    // Its connection is kept: the third.
    assert_eq!(server.json("/readyz").await["ready"], true);
    let (head, problem) = answer(&connect(&server));
    assert!(head.starts_with("http/1.1 503") && head.contains("retry-after: 5"), "{head}");
    assert_eq!(problem["code"], "overloaded");
    assert!(problem["detail"].as_str().unwrap().starts_with("3 connections are open, and no more than 3"));
    assert_eq!(refused(&server, "connections").await, 1);
    drop(held);
    eventually("there is room again", || async {
        let mut stream = connect(&server);
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: demitasse\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.starts_with("HTTP/1.1 200").then_some(())
    })
    .await;
}

#[tokio::test]
async fn one_client_may_not_have_every_connection() {
    let data = TempDir::new().unwrap();
    let server = start(&data, &["--max-connections-per-client", "1"]);
    let _held = begin_upload(&server);
    receiving(&data, 1).await;
    let (head, problem) = answer(&connect(&server));
    assert!(head.starts_with("http/1.1 503"), "{head}");
    assert!(problem["detail"].as_str().unwrap().starts_with("1 connections of yours are open"), "{problem}");
}

#[tokio::test]
async fn uploads_of_one_client_beyond_the_limit_are_told_to_wait() {
    let data = TempDir::new().unwrap();
    let server = start(&data, &["--max-uploads-per-client", "2"]);
    let held = [(); 2].map(|()| begin_upload(&server));
    receiving(&data, 2).await;
    for (path, words) in [("/v1/images", "detail"), ("/images/upload", "error")] {
        let form = reqwest::multipart::Part::bytes(noisy_png(400, 400, 1)).file_name("a.png");
        let form = reqwest::multipart::Form::new().part("image", form);
        let answer = server.client.post(format!("{}{path}", server.url)).multipart(form);
        let answer = answer.send().await.unwrap();
        assert_eq!((answer.status().as_u16(), &answer.headers()[RETRY_AFTER]), (429, &"1".parse().unwrap()));
        let told: Value = answer.json().await.unwrap();
        let told = told[words].as_str().unwrap();
        assert!(told.starts_with("2 uploads of yours") && told.contains("no more than 2"), "{told}");
    }
    assert_eq!(refused(&server, "client_uploads").await, 2);
    drop(held);
    receiving(&data, 0).await;
    server.upload(png(8, 8, 1)).await.unwrap();
}

#[tokio::test]
async fn a_trusted_proxy_s_clients_are_told_apart() {
    let data = TempDir::new().unwrap();
    let server = start(&data, &["--max-uploads-per-client", "1", "--trusted-proxy", "127.0.0.0/8"]);
    let forwarded = |client: &str| HEAD.replace("Host:", &format!("X-Forwarded-For: {client}\r\nHost:"));
    let mut held = connect(&server);
    held.write_all(forwarded("192.0.2.1").as_bytes()).unwrap();
    receiving(&data, 1).await;
    let mut same = connect(&server);
    same.write_all(forwarded("192.0.2.1").as_bytes()).unwrap();
    assert!(answer(&same).0.starts_with("http/1.1 429"));
    let mut other = connect(&server);
    other.write_all(forwarded("192.0.2.2").as_bytes()).unwrap();
    receiving(&data, 2).await;
}

#[tokio::test]
async fn uploads_beyond_what_is_received_at_a_time_are_told_to_come_again() {
    let data = TempDir::new().unwrap();
    let server = start(&data, &["--max-uploads", "1"]);
    let _held = begin_upload(&server);
    receiving(&data, 1).await;
    let (head, problem) = answer(&begin_upload(&server));
    assert!(head.starts_with("http/1.1 503") && head.contains("retry-after: 5"), "{head}");
    assert_eq!(problem["code"], "overloaded");
    assert!(problem["detail"].as_str().unwrap().starts_with("1 uploads are being received"), "{problem}");
}

#[tokio::test]
async fn a_client_that_waits_to_be_asked_for_the_body_is_refused_without_being_asked() {
    let data = TempDir::new().unwrap();
    let server = start(&data, &["--max-bytes", "1000"]);
    let mut stream = connect(&server);
    let head = "POST /v1/images HTTP/1.1\r\nHost: demitasse\r\nContent-Type: multipart/form-data; boundary=cut\r\n\
        Content-Length: 90000000\r\nExpect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let (head, problem) = answer(&stream);
    assert!(head.starts_with("http/1.1 413"), "{head}");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("90000000 bytes") && detail.contains("1000"), "{detail}");
}

#[tokio::test]
async fn nothing_is_accepted_while_too_many_jobs_wait() {
    let app = TestApp::with(|config| config.http.door.max_queue = 2).await;
    for seed in [1, 2] {
        app.upload(&png(8, 8, seed)).await;
    }
    let refused = app.post("/v1/images", "image", "a.png", &png(8, 8, 3)).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{refused:?}");
    assert_eq!((refused.header("retry-after"), &refused.json()["code"]), ("5", &"overloaded".into()));
    assert!(refused.json()["detail"].as_str().unwrap().starts_with("2 jobs wait, and no more than 2"));
    assert_eq!(app.backends.queue.depth().await.unwrap().ready, 2);
    app.app.run_pending_jobs().await;
    eventually("the queue is looked at again", || async {
        let answer = app.post("/v1/images", "image", "a.png", &png(8, 8, 4)).await;
        (answer.status == StatusCode::ACCEPTED).then_some(())
    })
    .await;
}

/// A queue that is away, as far as its length goes.
struct Uncounted(Arc<dyn JobQueue>);

#[async_trait]
impl JobQueue for Uncounted {
    async fn enqueue(&self, ticket: Ticket) -> Result<(), StoreError> {
        self.0.enqueue(ticket).await
    }

    async fn claim(&self, worker: &str, lease: Duration) -> Result<Option<Claim>, StoreError> {
        self.0.claim(worker, lease).await
    }

    async fn heartbeat(&self, claim: Claim, lease: Duration) -> Result<bool, StoreError> {
        self.0.heartbeat(claim, lease).await
    }

    async fn ack(&self, claim: Claim) -> Result<bool, StoreError> {
        self.0.ack(claim).await
    }

    async fn nack(&self, claim: Claim, delay: Duration) -> Result<bool, StoreError> {
        self.0.nack(claim, delay).await
    }

    async fn bury(&self, claim: Claim) -> Result<bool, StoreError> {
        self.0.bury(claim).await
    }

    async fn depth(&self) -> Result<QueueDepth, StoreError> {
        Err(StoreError::new(ErrorKind::Unavailable, "test", "queue"))
    }
}

#[tokio::test]
async fn a_queue_that_cannot_be_counted_keeps_nobody_out() {
    let change = |config: &mut Config| config.http.door.max_queue = 1;
    let app =
        TestApp::on(change, |backends| backends.queue = Arc::new(Uncounted(backends.queue.clone()))).await;
    let id = app.upload(&png(8, 8, 1)).await;
    app.app.run_pending_jobs().await;
    assert_eq!(app.task(&id).await["status"], "succeeded");
}

#[tokio::test]
async fn what_stands_beside_the_file_has_an_end() {
    let app = TestApp::new().await;
    let (filler, image) = (vec![b'x'; 6 * 1024 * 1024], png(8, 8, 1));
    let some: [(&str, Option<&str>, &[u8]); 2] = [("note", None, &filler), ("image", Some("a.png"), &image)];
    assert_eq!(app.send(multipart("/v1/images", &some)).await.status, StatusCode::ACCEPTED);
    let field: (&str, Option<&str>, &[u8]) = ("note", None, &filler);
    let answer = app.send(multipart("/v1/images", &[field, field, field])).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{answer:?}");
    assert!(answer.json()["detail"].as_str().unwrap().contains("16777216 bytes beside its file"));
}
