//! What the server can do, and its descriptions of itself.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

use crate::http::error::ApiError;
use crate::http::openapi::{errors_page, openapi_json};
use crate::http::state::HttpState;
use crate::http::view::Info;

/// What this server can do; needs no key.
#[utoipa::path(get, path = "/v1/info", tag = "native", operation_id = "getInfo", security(()),
    responses((status = 200, body = Info)))]
pub(crate) async fn show(State(http): State<HttpState>) -> Json<Info> {
    Json(Info::new(&http.limits, http.config.api_key.is_some()))
}

/// This description.
#[utoipa::path(get, path = "/openapi.json", tag = "native", operation_id = "getOpenApi",
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json")))]
pub(crate) async fn openapi() -> Result<impl IntoResponse, ApiError> {
    let document = openapi_json().map_err(|error| ApiError::internal(&error))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], document))
}

/// The page behind the `type` of every problem.
pub(crate) async fn errors() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], errors_page())
}
