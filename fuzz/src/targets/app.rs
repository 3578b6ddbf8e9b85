//! The HTTP door: requests as a hostile client may write them, to the whole router on memory.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header};
use demitasse::app::App;
use demitasse::config::{
    Config, DoorConfig, HttpConfig, MinFree, PushConfig, Role, SandboxMode, SpaceConfig, WorkerConfig,
};
use demitasse::fetch::FetchPolicy;
use demitasse::fuzzing::{create_query, range as read_range};
use demitasse_backends::{BackendUrls, Backends};
use demitasse_core::ManualClock;
use http_body_util::BodyExt;
use jiff::Timestamp;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

use super::LIMITS;

/// Requests after which a server begins anew: it keeps what it accepted.
const REQUESTS: u32 = 500;

/// Most fields of a header that are taken over.
const MOST_FIELDS: usize = 50;

/// A request as text is answered, with nothing that says that it broke something.
pub(super) fn http(bytes: &[u8]) {
    if let Some(request) = parse(bytes) {
        answer(request);
    }
}

/// A body of an upload: the first line is its media type. Both contracts take it.
pub(super) fn upload(bytes: &[u8]) {
    let (media_type, body) = line(bytes);
    let Ok(media_type) = HeaderValue::from_bytes(media_type) else { return };
    for path in ["/v1/images", "/images/upload"] {
        let body = Body::from(Bytes::copy_from_slice(body));
        let request = Request::post(path).header(header::CONTENT_TYPE, &media_type).body(body);
        answer(request.unwrap());
    }
}

/// What a query asks for can be done and stored, or is refused.
pub(super) fn query(bytes: &[u8]) {
    let Ok(uri) = Uri::try_from([b"/v1/images?", bytes].concat()) else { return };
    if let Some(request) = create_query(&uri) {
        request.validate().unwrap();
        let document = demitasse_core::Document::from_value(&request).unwrap();
        assert_eq!(document.read::<demitasse_engine::Request>().unwrap(), request);
    }
}

/// A range lies within the body.
pub(super) fn range(bytes: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
    for length in [0, 1, 100, u64::MAX] {
        if let Some((start, end)) = read_range(value.clone(), length) {
            assert!(start < end && end <= length, "{start}..{end} of {length}");
        }
    }
}

/// A line and the rest.
fn line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (line, rest) = bytes.split_at(end);
    (line.strip_suffix(b"\r").unwrap_or(line), rest.get(1..).unwrap_or_default())
}

/// A request as HTTP/1.1 has it on the wire; `None` where the library that reads it for us would refuse it, or it would be
/// answered by somebody else: push services are asked when browsers subscribe.
fn parse(bytes: &[u8]) -> Option<Request<Body>> {
    let (first, mut rest) = line(bytes);
    let mut words = first.split(|byte| *byte == b' ');
    let method = Method::from_bytes(words.next()?).ok()?;
    let uri = Uri::try_from(words.next()?).ok()?;
    if method == Method::POST && uri.path().contains("subscri") {
        return None;
    }
    let mut request = Request::builder().method(method).uri(uri);
    for _ in 0..MOST_FIELDS {
        let (field, after) = line(rest);
        rest = after;
        if field.is_empty() {
            break;
        }
        let colon = field.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&field[..colon]).ok()?;
        request = request.header(name, HeaderValue::from_bytes(field[colon + 1..].trim_ascii()).ok()?);
    }
    request.body(Body::from(Bytes::copy_from_slice(rest))).ok()
}

fn answer(mut request: Request<Body>) {
    static SERVER: Mutex<Option<Server>> = Mutex::new(None);
    let mut server = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    // It is put back only if it did not panic.
    let mut current = server.take().filter(|server| server.answered < REQUESTS).unwrap_or_else(Server::start);
    current.answered += 1;
    let peer: SocketAddr = ([127, 0, 0, 1], 40_000).into();
    request.extensions_mut().insert(ConnectInfo(peer));
    let router = current.router.clone();
    current.runtime.block_on(async {
        let Ok(response) = router.oneshot(request).await;
        let status = response.status();
        let is_clear = !status.is_server_error() || status == StatusCode::SERVICE_UNAVAILABLE;
        let media_type = response.headers().get(header::CONTENT_TYPE).cloned();
        assert_eq!(
            response.headers().get("x-content-type-options"),
            Some(&HeaderValue::from_static("nosniff"))
        );
        // News have no end.
        if media_type.is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream")) {
            return;
        }
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert!(is_clear, "{status}: {}", String::from_utf8_lossy(&body));
    });
    *server = Some(current);
}

/// A server without a socket and without workers.
struct Server {
    runtime: Runtime,
    router: Router,
    answered: u32,
    _app: App,
    _data: TempDir,
}

impl Server {
    fn start() -> Self {
        let runtime = Builder::new_current_thread().enable_all().max_blocking_threads(1).build().unwrap();
        let data = TempDir::new().unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        let app = App::new(config(data.path().to_owned()), Backends::memory(clock.clone()), clock);
        let app = runtime.block_on(app).unwrap();
        Self { runtime, router: app.router(), answered: 0, _app: app, _data: data }
    }
}

fn config(data: std::path::PathBuf) -> Config {
    let second = Duration::from_secs(1);
    Config {
        role: Role::Api,
        listen: None,
        warnings: Vec::new(),
        urls: BackendUrls::memory(),
        limits: LIMITS,
        space: SpaceConfig {
            retain_for: None,
            blob_grace: second,
            disks: vec![data.clone()],
            min_free: MinFree::Bytes(0),
        },
        data,
        http: HttpConfig {
            listen: ([127, 0, 0, 1], 0).into(),
            public_url: None,
            // The peer, so that what it says of others is read.
            trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()],
            api_key: None,
            door: DoorConfig::default(),
        },
        fetch: FetchPolicy { ports: Vec::new(), ..FetchPolicy::default() },
        push: PushConfig::default(),
        bridge_patience: second,
        worker: WorkerConfig {
            workers: 0,
            max_attempts: 1,
            lease: second,
            poll: second,
            sweep: second,
            retry_delay: second,
            deadline: second,
            memory: 1 << 30,
            memory_budget: None,
            sandbox: SandboxMode::Off,
            images_per_process: 1,
            program: None,
        },
        grace: second,
    }
}
