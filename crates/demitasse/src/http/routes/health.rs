//! For operators and their machines.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use demitasse_backends::{Backends, PortCheck};
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::Mutex;
use utoipa::ToSchema;

use crate::http::error::ApiError;
use crate::http::state::HttpState;
use crate::memory::MemoryUse;
use crate::sandbox::{Sandbox, State as SandboxState};

/// How long the stores count as they were found.
const FRESH: Duration = Duration::from_secs(10);

/// Whether each thing that the server needs is there.
#[derive(Serialize, ToSchema)]
pub(crate) struct Readiness {
    /// Whether requests should be sent here.
    ready: bool,
    /// By name: `ok`, or what is wrong. A `disk` that is low refuses uploads, and is no reason to send nothing here.
    #[schema(value_type = std::collections::HashMap<String, String>)]
    dependencies: BTreeMap<String, String>,
    /// What the processes that decode images are held to; not there where none are started.
    #[serde(skip_serializing_if = "Option::is_none")]
    sandbox: Option<SandboxInForce>,
    /// What jobs take of this process' memory; not there where none are done.
    #[serde(skip_serializing_if = "Option::is_none")]
    memory: Option<MemoryInUse>,
}

/// What jobs are predicted to take at most, and may.
#[derive(Serialize, ToSchema)]
pub(crate) struct MemoryInUse {
    /// What all of them may take together, in bytes; null: not known.
    budget_bytes: Option<u64>,
    /// What those at work have reserved of it, in bytes.
    reserved_bytes: u64,
    /// Jobs that wait for their part.
    waiting_jobs: u64,
}

impl From<MemoryUse> for MemoryInUse {
    fn from(MemoryUse { budget, reserved, waiting }: MemoryUse) -> Self {
        Self { budget_bytes: budget, reserved_bytes: reserved, waiting_jobs: waiting }
    }
}

/// What was tried at the start, and stopped. Why something is missing is in the log.
#[derive(Serialize, ToSchema)]
pub(crate) struct SandboxInForce {
    /// In one word.
    state: SandboxState,
    /// `limits`, `landlock`, `seccomp`: those that are in force.
    layers: Vec<&'static str>,
}

impl From<&Sandbox> for SandboxInForce {
    fn from(sandbox: &Sandbox) -> Self {
        Self { state: sandbox.state(), layers: sandbox.layers.iter().map(|layer| layer.name()).collect() }
    }
}

/// The process answers.
#[utoipa::path(get, path = "/healthz", tag = "operation", security(()),
    responses((status = 200, body = String, content_type = "text/plain")))]
pub(crate) async fn live() -> &'static str {
    "ok\n"
}

/// The process and everything that it needs work.
#[utoipa::path(get, path = "/readyz", tag = "operation", security(()),
    responses((status = 200, body = Readiness), (status = 503, body = Readiness)))]
pub(crate) async fn ready(State(http): State<HttpState>) -> Response {
    let mut dependencies = http.probes.states(&http.backends, http.intake.clock.now()).await;
    let stopping = http.stopping.is_cancelled();
    let server = if stopping { "stopping" } else { "ok" };
    dependencies.insert("server".into(), server.into());
    let ready = dependencies.values().all(|state| state == "ok");
    // Reads and deletions go on, and a load balancer must let them through.
    let disk = if http.disks.low().is_some() { "low: uploads are refused" } else { "ok" };
    dependencies.insert("disk".into(), disk.into());
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let sandbox = http.sandbox.as_ref().map(Into::into);
    let memory = http.admission.as_ref().map(|admission| admission.in_use().into());
    (status, Json(Readiness { ready, dependencies, sandbox, memory })).into_response()
}

/// What came of trying the stores. That costs a write to each, so an answer serves everyone who asks within [`FRESH`]; who
/// asks while they are tried waits for what comes of it.
#[derive(Default)]
pub(crate) struct Probes {
    last: Mutex<Option<(Timestamp, States)>>,
}

/// By name: `ok`, or what is wrong.
type States = BTreeMap<String, String>;

impl Probes {
    async fn states(&self, backends: &Backends, now: Timestamp) -> States {
        let mut last = self.last.lock().await;
        if let Some((at, states)) = &*last
            && now.duration_since(*at).unsigned_abs() < FRESH
        {
            return states.clone();
        }
        let states: States = backends.check().await.iter().map(state).collect();
        *last = Some((now, states.clone()));
        states
    }
}

fn state(check: &PortCheck) -> (String, String) {
    let state = match &check.error {
        None => "ok".to_owned(),
        // The kind is enough for a machine; paths and vendors' words stay in the log.
        Some(error) => {
            tracing::warn!(%error, port = %check.port, "not ready");
            format!("{:?}", error.kind).to_lowercase()
        }
    };
    (check.port.to_string(), state)
}

/// Counters for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "operation",
    responses((status = 200, body = String, content_type = "text/plain")))]
pub(crate) async fn metrics(State(http): State<HttpState>) -> Result<impl IntoResponse, ApiError> {
    let text = http.metrics_text().await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text))
}
