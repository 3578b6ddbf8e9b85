use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use reqwest::multipart::{Form, Part};
use reqwest::{Body, Response};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::support::{Nginx, SCRIPT, Server, eventually, noisy_png, png, spooled};

/// How long a message may take that is sent at once.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server that compresses nothing unless `args` say so, and a real nginx before it.
struct Site {
    nginx: Nginx,
    server: Server,
    data: TempDir,
}

impl Site {
    async fn start(args: &[&str]) -> Self {
        let data = TempDir::new().unwrap();
        let proxied = ["--trusted-proxy", "127.0.0.1/32", "--accel-prefix", "/_blobs"];
        let server = Server::start(data.path(), &[&proxied, args].concat(), "");
        let nginx = Nginx::start(&server.url, &data.path().join("blobs")).await;
        Self { nginx, server, data }
    }

    async fn upload(&self, url: &str, bytes: Vec<u8>) -> Response {
        let form = Form::new().part("image", Part::bytes(bytes).file_name("photo.png"));
        let request = self.nginx.client.post(format!("{url}/v1/images")).multipart(form);
        request.header("x-forwarded-host", "evil.example").send().await.unwrap()
    }

    /// The path of the uploaded bytes.
    async fn original(&self, bytes: Vec<u8>) -> String {
        let task: Value = self.upload(&self.nginx.url, bytes).await.json().await.unwrap();
        let url = task["image"]["original"]["url"].as_str().unwrap();
        url.strip_prefix(&self.nginx.url).unwrap_or_else(|| panic!("{url}")).to_owned()
    }
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn thirty_megabytes_reach_the_server_while_they_are_sent() {
    let site = Site::start(&["--workers", "0"]).await;
    let image = noisy_png(3200, 3200, 1);
    assert!(image.len() > 30_000_000, "{}", image.len());
    let (first, second) = image.split_at(20_000_000);
    let (sender, receiver) = mpsc::channel::<std::io::Result<Bytes>>(1);
    let body =
        futures_util::stream::unfold(receiver, async |mut receiver| Some((receiver.recv().await?, receiver)));
    let part = Part::stream_with_length(Body::wrap_stream(body), image.len() as u64).file_name("large.png");
    let request = site.nginx.client.post(format!("{}/v1/images", site.nginx.url));
    let answer = tokio::spawn(request.multipart(Form::new().part("image", part)).send());

    sender.send(Ok(Bytes::copy_from_slice(first))).await.unwrap();
    eventually("half of the upload is with the server", || async {
        (spooled(site.data.path()).iter().sum::<u64>() > 15_000_000).then_some(())
    })
    .await;
    sender.send(Ok(Bytes::copy_from_slice(second))).await.unwrap();
    drop(sender);

    let answer = answer.await.unwrap().unwrap();
    assert_eq!(answer.status(), 202);
    let location = header(&answer, "location").to_owned();
    assert!(location.starts_with(&format!("{}/v1/tasks/", site.nginx.url)), "{location}");
    let task: Value = answer.json().await.unwrap();
    assert_eq!(task["image"]["original"]["bytes"], image.len());
    let url = task["image"]["original"]["url"].as_str().unwrap();
    let sent = site.nginx.client.get(url).send().await.unwrap().bytes().await.unwrap();
    assert!(sent == image, "{} bytes came back", sent.len());
}

#[tokio::test]
async fn nginx_sends_the_images_with_our_headers() {
    let site = Site::start(&["--workers", "0"]).await;
    let image = noisy_png(100, 100, 2);
    let path = site.original(image.clone()).await;
    let answer = site.nginx.get(&path, &[]).await;
    let hash = path.split('/').nth(2).unwrap();
    // Only nginx knows when a file was written: it has sent the file, not passed on an answer.
    assert_ne!(header(&answer, "last-modified"), "");
    assert_eq!(header(&answer, "server"), "nginx");
    assert_eq!(header(&answer, "etag"), format!("\"{hash}\""));
    let direct = site.server.client.get(format!("{}{path}", site.server.url)).send().await.unwrap();
    assert!(direct.headers().contains_key("x-accel-redirect"));
    assert!(!answer.headers().contains_key("x-accel-redirect"));
    for name in [
        "content-type",
        "content-disposition",
        "content-security-policy",
        "cross-origin-resource-policy",
        "x-content-type-options",
    ] {
        assert_ne!(header(&answer, name), "", "{name}");
        assert_eq!(header(&answer, name), header(&direct, name), "{name}");
        assert_eq!(answer.headers().get_all(name).iter().count(), 1, "{name}");
    }
    assert_eq!(header(&answer, "content-type"), "image/png");
    for (name, value) in
        [("accept-ranges", "bytes"), ("cache-control", "public, max-age=31536000, immutable")]
    {
        let values: Vec<_> = answer.headers().get_all(name).iter().collect();
        assert_eq!(values, [value], "{name}");
    }
    assert_eq!(answer.bytes().await.unwrap(), image);
}

#[tokio::test]
async fn a_part_of_an_image_is_that_part() {
    let site = Site::start(&["--workers", "0"]).await;
    let image = noisy_png(100, 100, 3);
    let path = site.original(image.clone()).await;
    let tag = header(&site.nginx.get(&path, &[]).await, "etag").to_owned();

    let part = site.nginx.get(&path, &[("range", "bytes=100-1099")]).await;
    assert_eq!(part.status(), 206);
    assert_eq!(header(&part, "content-range"), format!("bytes 100-1099/{}", image.len()));
    assert_eq!(part.bytes().await.unwrap(), image[100..1100]);
    let part = site.nginx.get(&path, &[("range", "bytes=-10"), ("if-range", &tag)]).await;
    assert_eq!(part.status(), 206);
    assert_eq!(part.bytes().await.unwrap(), image[image.len() - 10..]);
    let whole = site.nginx.get(&path, &[("range", "bytes=0-9"), ("if-range", "\"another\"")]).await;
    assert_eq!((whole.status().as_u16(), whole.bytes().await.unwrap().len()), (200, image.len()));
    let beyond = site.nginx.get(&path, &[("range", "bytes=99999999-")]).await;
    assert_eq!(beyond.status(), 416);

    let known = site.nginx.get(&path, &[("if-none-match", &tag)]).await;
    assert_eq!((known.status().as_u16(), header(&known, "etag")), (304, &*tag));
    assert!(header(&known, "cache-control").contains("immutable"));
}

#[tokio::test]
async fn nobody_reaches_the_directory_of_the_images_itself() {
    let site = Site::start(&["--workers", "0"]).await;
    let path = site.original(png(8, 8, 4)).await;
    let direct = site.server.client.get(format!("{}{path}", site.server.url)).send().await.unwrap();
    let inside = header(&direct, "x-accel-redirect");
    assert!(inside.starts_with("/_blobs/original/"), "{inside}");
    for path in [inside, "/_blobs/lock", "/_blobs/../demitasse.db", "/assets/../../nginx.conf"] {
        assert_eq!(site.nginx.get(path, &[]).await.status(), 404, "{path}");
    }
}

#[tokio::test]
async fn an_image_that_nginx_cannot_open_is_not_gone_for_a_year() {
    let site = Site::start(&["--workers", "0"]).await;
    let path = site.original(png(8, 8, 7)).await;
    let elsewhere = TempDir::new().unwrap();
    let astray = Nginx::start(&site.server.url, elsewhere.path()).await;
    let answer = astray.get(&path, &[]).await;
    assert_eq!((answer.status().as_u16(), header(&answer, "cache-control")), (404, ""));
}

#[tokio::test]
async fn an_event_arrives_while_the_stream_is_open() {
    let site = Site::start(&["--workers", "1"]).await;
    let stream = site.nginx.get("/v1/events", &[("accept-encoding", "gzip")]).await;
    assert_eq!(header(&stream, "content-type"), "text/event-stream");
    assert_eq!(header(&stream, "content-encoding"), "");
    let mut pieces = stream.bytes_stream();
    let mut seen = String::new();
    let mut read_until = async |text: &str| {
        while !seen.contains(text) {
            let piece = timeout(PATIENCE, pieces.next()).await.unwrap_or_else(|_| panic!("{seen:?}"));
            seen.push_str(std::str::from_utf8(&piece.unwrap().unwrap()).unwrap());
        }
    };
    read_until(": connected").await;
    site.original(png(24, 24, 5)).await;
    read_until("event: task").await;
    read_until("\"succeeded\"").await;
}

#[tokio::test]
async fn the_web_ui_comes_from_nginx_with_the_same_guards() {
    let site = Site::start(&["--workers", "0"]).await;
    let page = site.nginx.get("/", &[]).await;
    let embedded = site.server.client.get(&site.server.url).send().await.unwrap();
    for name in [
        "content-type",
        "cache-control",
        "content-security-policy",
        "referrer-policy",
        "x-content-type-options",
    ] {
        assert_ne!(header(&page, name), "", "{name}");
        assert_eq!(header(&page, name), header(&embedded, name), "{name}");
    }
    assert!(page.text().await.unwrap().contains("served by nginx"));

    let script = site.nginx.get(SCRIPT, &[("accept-encoding", "gzip")]).await;
    assert_eq!(header(&script, "cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(header(&script, "content-encoding"), "gzip");
    assert_eq!(header(&script, "content-security-policy"), header(&embedded, "content-security-policy"));
    let other = site.nginx.get("/assets/of-another-version.js", &[]).await;
    assert_eq!((other.status().as_u16(), header(&other, "cache-control")), (404, ""));
    let within = site.nginx.get("/somewhere/in/the/ui", &[("accept", "text/html")]).await;
    assert_eq!(within.status(), 200);
}

#[tokio::test]
async fn links_follow_the_address_that_the_client_used() {
    let site = Site::start(&["--workers", "0"]).await;
    for url in [&site.nginx.url, &site.nginx.tls_url] {
        let answer = site.upload(url, png(8, 8, 6)).await;
        assert!(header(&answer, "location").starts_with(&format!("{url}/v1/tasks/")), "{answer:?}");
        let task: Value = answer.json().await.unwrap();
        let link = task["image"]["original"]["url"].as_str().unwrap();
        assert!(link.starts_with(&format!("{url}/i/")), "{link}");
        assert_eq!(site.nginx.client.get(link).send().await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn what_nginx_refuses_itself_it_says_as_we_do() {
    let site = Site::start(&["--workers", "0"]).await;
    let answer = site.upload(&site.nginx.url, vec![0; 101_000_000]).await;
    assert_eq!(answer.status(), 413);
    assert_eq!(header(&answer, "content-type"), "application/problem+json");
    assert_eq!(answer.json::<Value>().await.unwrap()["code"], "limit_exceeded");
    assert_eq!(site.nginx.get("/metrics", &[]).await.status(), 404);

    let Site { nginx, server, data } = site;
    server.kill();
    for path in ["/v1/images", "/images", "/i/x/original/y"] {
        let answer = nginx.get(path, &[]).await;
        assert_eq!((answer.status().as_u16(), header(&answer, "retry-after")), (503, "5"), "{path}");
        assert_eq!(header(&answer, "server"), "nginx");
        let body: Value = answer.json().await.unwrap();
        assert_eq!((&body["code"], &body["status"]), (&"unavailable".into(), &503.into()), "{path}");
        assert!(body["error"].is_string());
    }
    drop(data);
}
