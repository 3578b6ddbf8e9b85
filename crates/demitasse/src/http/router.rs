//! Which path belongs to whom, and what every answer passes on its way out.
//!
//! | paths | shape of errors | key | CORS |
//! |---|---|---|---|
//! | `/images`, `/tasks`, `/notification` | the original's | yes | `*` |
//! | `/v1`, `/metrics`, `/openapi.json` | problem+json | yes | no |
//! | `/v1/info`, `/healthz`, `/readyz`, `/i/..`, the UI | problem+json | no | no |

use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::classify::ServerErrorsFailureClass;
use tower_http::compression::CompressionLayer;
use tower_http::cors::{Any, CorsLayer};
use tower_http::request_id::{PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::TraceLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::require_key;
use super::error::{ApiError, Code, tell_original, tell_problem};
use super::openapi::Document;
use super::request_id::{self, MakeRandomId};
use super::routes::{blobs, events, health, images, info, original, push, tasks};
use super::state::HttpState;
use super::ui;
use crate::telemetry::{client_trace, join_trace};

/// The native API's routes that need the key, with their description.
pub(super) fn native() -> OpenApiRouter<HttpState> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(images::create, images::list))
        .routes(routes!(images::show, images::delete))
        .routes(routes!(tasks::show))
        .routes(routes!(tasks::cancel))
        .routes(routes!(tasks::retry))
        .routes(routes!(tasks::dead_letters))
        .routes(routes!(events::stream))
        .routes(routes!(push::key))
        .routes(routes!(push::subscribe, push::unsubscribe))
        .routes(routes!(health::metrics))
        .routes(routes!(info::openapi))
}

/// The routes that everyone may use, with their description.
pub(super) fn open() -> OpenApiRouter<HttpState> {
    OpenApiRouter::new()
        .routes(routes!(info::show))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(blobs::show))
}

/// The original service's routes, with their description.
pub(super) fn original() -> OpenApiRouter<HttpState> {
    OpenApiRouter::new()
        .routes(routes!(original::upload))
        .routes(routes!(original::list))
        .routes(routes!(original::image))
        .routes(routes!(original::task))
        .routes(routes!(original::task_status))
        .routes(routes!(push::original))
}

/// Everything that the server answers.
pub(crate) fn router(state: HttpState) -> Router {
    let key = || from_fn_with_state(state.clone(), require_key);
    let refused = || ApiError::new(Code::MethodNotAllowed, "This method does not work here.").into_response();
    let native: Router<HttpState> = native().into();
    let open: Router<HttpState> = open().into();
    let original: Router<HttpState> = original().into();
    let modern = native
        .method_not_allowed_fallback(async move || refused())
        .layer(key())
        .merge(
            open.route("/docs/errors.md", get(info::errors))
                .method_not_allowed_fallback(async move || refused()),
        )
        .fallback(ui::serve)
        .layer(CompressionLayer::new().gzip(true))
        .layer(from_fn(tell_problem));
    let original = original
        .method_not_allowed_fallback(async move || refused())
        .layer(key())
        .layer(CompressionLayer::new().gzip(true))
        .layer(from_fn(tell_original))
        .layer(cors())
        .layer(from_fn(empty_preflight));
    let nosniff = HeaderValue::from_static("nosniff");
    original
        .merge(modern)
        // The upload counts its bytes itself, with an error in the right shape.
        .layer(DefaultBodyLimit::disable())
        .layer(CatchPanicLayer::new())
        .layer(SetResponseHeaderLayer::if_not_present(
            HeaderName::from_static("x-content-type-options"),
            nosniff,
        ))
        .layer(TraceLayer::new_for_http().make_span_with(span).on_failure(failed))
        .layer(PropagateRequestIdLayer::new(request_id::HEADER))
        .layer(SetRequestIdLayer::new(request_id::HEADER, MakeRandomId))
        .with_state(state)
}

/// What a worker answers: how it is, and its counters.
pub(crate) fn operations(state: HttpState) -> Router {
    let key = from_fn_with_state(state.clone(), require_key);
    Router::new()
        .route("/metrics", get(health::metrics))
        .layer(key)
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .layer(from_fn(tell_problem))
        .layer(CatchPanicLayer::new())
        .with_state(state)
}

/// What every log line of a request carries.
fn span(request: &Request) -> tracing::Span {
    let id = request_id::request_id(request.headers());
    let span = tracing::info_span!("request", id, method = %request.method(), path = request.uri().path());
    join_trace(&span, client_trace(request.headers()).as_deref());
    span
}

/// Answers that fail are in the log, but for those that tell a client to come again: where there is too much to do there are
/// thousands of them, and who could not do it has said so.
fn failed(class: ServerErrorsFailureClass, latency: Duration, _: &tracing::Span) {
    match class {
        ServerErrorsFailureClass::StatusCode(StatusCode::SERVICE_UNAVAILABLE) => {
            tracing::debug!(?latency, "told to come again")
        }
        class => tracing::error!(%class, ?latency, "response failed"),
    }
}

/// The original answers a preflight with 204.
async fn empty_preflight(request: Request, next: Next) -> Response {
    let is_options = request.method() == Method::OPTIONS;
    let mut response = next.run(request).await;
    if is_options && response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::NO_CONTENT;
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    response
}

/// What the original allows: everyone, and the methods that its CORS middleware lists.
fn cors() -> CorsLayer {
    let methods = [Method::GET, Method::HEAD, Method::PUT, Method::PATCH, Method::POST, Method::DELETE];
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods(methods)
        .allow_headers(tower_http::cors::AllowHeaders::mirror_request())
}
