//! For operators and their machines.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::error::ApiError;
use crate::http::state::HttpState;

/// Whether each thing that the server needs is there.
#[derive(Serialize, ToSchema)]
pub(crate) struct Readiness {
    /// Whether requests should be sent here.
    ready: bool,
    /// By name: `ok`, or what is wrong.
    #[schema(value_type = std::collections::HashMap<String, String>)]
    dependencies: BTreeMap<String, String>,
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
    let mut dependencies = BTreeMap::new();
    for check in http.backends.check().await {
        let state = match &check.error {
            None => "ok".to_owned(),
            // The kind is enough for a machine; paths and vendors' words stay in the log.
            Some(error) => {
                tracing::warn!(%error, port = %check.port, "not ready");
                format!("{:?}", error.kind).to_lowercase()
            }
        };
        dependencies.insert(check.port.to_string(), state);
    }
    let stopping = http.stopping.is_cancelled();
    let server = if stopping { "stopping" } else { "ok" };
    dependencies.insert("server".into(), server.into());
    let ready = dependencies.values().all(|state| state == "ok");
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready, dependencies })).into_response()
}

/// Counters for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "operation",
    responses((status = 200, body = String, content_type = "text/plain")))]
pub(crate) async fn metrics(State(http): State<HttpState>) -> Result<impl IntoResponse, ApiError> {
    let depth = http.backends.queue.depth().await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], http.metrics.render(depth)))
}
