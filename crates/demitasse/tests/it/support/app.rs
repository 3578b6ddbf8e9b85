//! A server without a socket: memory backends, a clock that stands, jobs that run when told.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use demitasse::app::App;
use demitasse::config::{
    Config, DoorConfig, HttpConfig, MinFree, PushConfig, Role, SandboxMode, SpaceConfig, WorkerConfig,
};
use demitasse::fetch::FetchPolicy;
use demitasse_backends::{BackendUrls, Backends};
use demitasse_core::{BlobStore, ManualClock};
use demitasse_engine::Limits;
use http_body_util::BodyExt;
use jiff::Timestamp;
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;

/// Where the clients of a [`TestApp`] think it is.
const HOST: &str = "demitasse.test";

pub(crate) struct TestApp {
    pub(crate) app: App,
    pub(crate) router: Router,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) backends: Backends,
    pub(crate) data: TempDir,
}

impl TestApp {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::on(change, |_| {}).await
    }

    /// With other parts than memory's.
    pub(crate) async fn on(change: impl FnOnce(&mut Config), swap: impl FnOnce(&mut Backends)) -> Self {
        Self::build(change, |backends, _| swap(backends)).await
    }

    /// With a store of blobs around memory's.
    pub(crate) async fn with_blobs(
        wrap: impl FnOnce(Arc<dyn BlobStore>, Arc<ManualClock>) -> Arc<dyn BlobStore>,
    ) -> Self {
        let swap = |backends: &mut Backends, clock: &Arc<ManualClock>| {
            backends.blobs = wrap(backends.blobs.clone(), clock.clone());
        };
        Self::build(|_| {}, swap).await
    }

    /// Another server on the same stores.
    pub(crate) async fn again(&self, change: impl FnOnce(&mut Config)) -> Self {
        let (backends, clock) = (self.backends.clone(), self.clock.clone());
        let data = TempDir::new().unwrap();
        let mut config = config(data.path().to_owned());
        change(&mut config);
        let app = App::new(config, backends.clone(), clock.clone()).await.unwrap();
        let router = app.router();
        Self { app, router, clock, backends, data }
    }

    async fn build(
        change: impl FnOnce(&mut Config),
        swap: impl FnOnce(&mut Backends, &Arc<ManualClock>),
    ) -> Self {
        let data = TempDir::new().unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_second(1_700_000_000).unwrap()));
        let mut backends = Backends::memory(clock.clone());
        swap(&mut backends, &clock);
        let mut config = config(data.path().to_owned());
        change(&mut config);
        let app = App::new(config, backends.clone(), clock.clone()).await.unwrap();
        let router = app.router();
        Self { app, router, clock, backends, data }
    }

    pub(crate) fn clock_now(&self) -> Timestamp {
        demitasse_core::Clock::now(&*self.clock)
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[]).await
    }

    pub(crate) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        // What the server calls itself is absolute; the router wants the path.
        let path = path.strip_prefix(&format!("http://{HOST}")).unwrap_or(path);
        let mut request = Request::get(path).header("host", HOST);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, field: &str, name: &str, bytes: &[u8]) -> Answer {
        self.send(multipart(path, &[(field, Some(name), bytes)])).await
    }

    /// Uploads by the native API and gives the task's id.
    pub(crate) async fn upload(&self, bytes: &[u8]) -> String {
        let answer = self.post("/v1/images", "image", "photo.png", bytes).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn task(&self, id: &str) -> Value {
        self.get(&format!("/v1/tasks/{id}")).await.json()
    }

    /// The value of a counter.
    pub(crate) async fn metric(&self, name: &str) -> u64 {
        let text = self.app.metrics_text().await.unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or("0").parse().unwrap()
    }

    /// What lies in the spool; nothing, unless an upload is being received.
    pub(crate) fn spooled(&self) -> usize {
        super::spooled(self.data.path()).len()
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.spooled(), 0, "an upload was left in the spool");
        }
    }
}

fn config(data: std::path::PathBuf) -> Config {
    Config {
        role: Role::AllInOne,
        listen: None,
        warnings: Vec::new(),
        urls: BackendUrls::memory(),
        limits: Limits::default(),
        space: SpaceConfig {
            retain_for: None,
            blob_grace: Duration::from_secs(3600),
            disks: vec![data.clone()],
            // Whatever the machine has.
            min_free: MinFree::Bytes(0),
        },
        data,
        http: HttpConfig {
            listen: "127.0.0.1:0".parse().unwrap(),
            public_url: None,
            trusted_proxies: Vec::new(),
            api_key: None,
            door: DoorConfig::default(),
        },
        fetch: FetchPolicy::default(),
        push: PushConfig::default(),
        bridge_patience: Duration::from_secs(600),
        worker: WorkerConfig {
            workers: 0,
            max_attempts: 3,
            lease: Duration::from_secs(30),
            poll: Duration::from_secs(1),
            sweep: Duration::from_secs(15),
            retry_delay: Duration::from_secs(1),
            deadline: Duration::from_secs(60),
            memory: 4 << 30,
            memory_budget: Some(4 << 30),
            sandbox: SandboxMode::Auto,
            images_per_process: 64,
            program: Some(env!("CARGO_BIN_EXE_demitasse").into()),
        },
        grace: Duration::from_secs(30),
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// A multipart body of fields: name, file name if it is a file, content.
pub(crate) fn multipart(path: &str, fields: &[(&str, Option<&str>, &[u8])]) -> Request<Body> {
    let mut body = Vec::new();
    for (name, file_name, content) in fields {
        body.extend(format!("--cut\r\nContent-Disposition: form-data; name=\"{name}\"").bytes());
        if let Some(file_name) = file_name {
            body.extend(
                format!("; filename=\"{file_name}\"\r\nContent-Type: application/octet-stream").bytes(),
            );
        }
        body.extend(b"\r\n\r\n");
        body.extend(*content);
        body.extend(b"\r\n");
    }
    body.extend(b"--cut--\r\n");
    Request::post(path)
        .header("host", HOST)
        .header("content-type", "multipart/form-data; boundary=cut")
        .body(Body::from(body))
        .unwrap()
}
