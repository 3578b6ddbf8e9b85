//! Who wants to be told when a task has ended: the native routes, and the original's.

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{Query, Request, State};
use axum::http::{StatusCode, header};
use demitasse_core::OwnerId;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use utoipa::ToSchema;

use crate::http::error::{ApiError, Code, Problem, sentence};
use crate::http::state::{Http, HttpState};
use crate::push::{MAX_SUBSCRIPTIONS, PushSubscription, SubscribeError};

/// Longest body that is read; a subscription has about 600 bytes.
const MAX_BODY: usize = 16 * 1024;

/// The key that push services know this server by.
#[derive(Serialize, ToSchema)]
pub(crate) struct PushKey {
    /// What a browser takes as `applicationServerKey`: 65 bytes in base64url.
    public_key: String,
}

/// What the original's client sends.
#[derive(Deserialize, ToSchema)]
pub(crate) struct OriginalSubscription {
    subscription: PushSubscription,
}

/// Which subscription ends.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Unsubscribe {
    /// The subscription's endpoint.
    endpoint: String,
}

/// The key that a browser needs to subscribe.
#[utoipa::path(get, path = "/v1/push/key", tag = "native", operation_id = "getPushKey",
    responses(
        (status = 200, body = PushKey),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn key(State(http): State<HttpState>) -> Json<PushKey> {
    Json(PushKey { public_key: http.push.vapid.public_key().into() })
}

/// Subscribes a browser to the ends of tasks, or changes its keys; a new one gets a greeting at once.
#[utoipa::path(post, path = "/v1/push/subscriptions", tag = "native", operation_id = "subscribeToPush",
    request_body = PushSubscription,
    responses(
        (status = 204, description = "The browser is subscribed"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn subscribe(
    State(http): State<HttpState>,
    request: Request,
) -> Result<StatusCode, ApiError> {
    let asked = read_json(&http, request).await?;
    http.push.subscribe(OwnerId::DEFAULT, asked, false).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends a subscription; there need not be one.
#[utoipa::path(delete, path = "/v1/push/subscriptions", tag = "native", operation_id = "unsubscribeFromPush",
    params(Unsubscribe),
    responses(
        (status = 204, description = "The browser is not subscribed"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn unsubscribe(
    State(http): State<HttpState>,
    query: Result<Query<Unsubscribe>, axum::extract::rejection::QueryRejection>,
) -> Result<StatusCode, ApiError> {
    let Query(Unsubscribe { endpoint }) = query.map_err(|rejection| invalid(rejection.body_text()))?;
    // Kept as the parser writes it, which may differ from what the browser shows.
    let endpoint = url::Url::parse(&endpoint).map_or(endpoint, |url| url.to_string());
    http.backends.subscriptions.unsubscribe(&endpoint).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Subscribes a browser, and greets it.
#[utoipa::path(post, path = "/notification/subscribe", tag = "original", request_body = OriginalSubscription,
    responses((status = 200, description = "The browser is subscribed")))]
pub(crate) async fn original(State(http): State<HttpState>, request: Request) -> Result<Body, ApiError> {
    let OriginalSubscription { subscription } = read_json(&http, request).await?;
    let words = |error: ApiError| error.in_original_words("Failed to create subscription.");
    http.push.subscribe(OwnerId::DEFAULT, subscription, true).await.map_err(|error| {
        words(match error {
            // The original does not tell whose fault it was.
            SubscribeError::NotReached(_) => ApiError::internal(&error),
            error => error.into(),
        })
    })?;
    Ok(Body::empty())
}

impl From<SubscribeError> for ApiError {
    fn from(error: SubscribeError) -> Self {
        match error {
            SubscribeError::Invalid(error) => invalid(error),
            SubscribeError::TooMany => Self::new(
                Code::TooManySubscriptions,
                format!("This server already tells {MAX_SUBSCRIPTIONS} browsers; end a subscription first."),
            ),
            SubscribeError::NotReached(why) => Self::new(Code::PushFailed, sentence(why)),
            SubscribeError::Store(error) => error.into(),
        }
    }
}

/// Reads a small JSON body. The type must be declared: a browser asks this server before it sends such a request for
/// a page of another origin.
async fn read_json<T: DeserializeOwned>(http: &Http, request: Request) -> Result<T, ApiError> {
    let media_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = media_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(invalid("send JSON, with the header `Content-Type: application/json`"));
    }
    let stall = http.config.door.stall_timeout;
    let bytes = timeout(stall, to_bytes(request.into_body(), MAX_BODY))
        .await
        .map_err(|_| {
            let detail = format!("The body was not there after {} seconds.", stall.as_secs_f64());
            ApiError::new(Code::TooSlow, detail)
        })?
        .map_err(|_| invalid(format!("the body did not come whole, or is longer than {MAX_BODY} bytes")))?;
    serde_json::from_slice(&bytes).map_err(|error| invalid(format!("the body is not as described: {error}")))
}

fn invalid(why: impl std::fmt::Display) -> ApiError {
    ApiError::new(Code::InvalidRequest, sentence(&why.to_string()))
}
