//! News of tasks, as they happen.

use std::convert::Infallible;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, HeaderName};
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use demitasse_core::{EventStream, OwnerId};
use futures_util::{Stream, StreamExt, stream};

use crate::http::error::{ApiError, Problem};
use crate::http::state::HttpState;
use crate::http::urls::BaseUrl;
use crate::http::view::{DeletedEvent, TaskEvent};

/// How long a client should wait before it connects again.
const RETRY: Duration = Duration::from_secs(2);

/// A comment this often keeps proxies from closing the connection.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Keeps nginx from collecting events until its buffer is full, whatever its configuration says.
const UNBUFFERED: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Server-sent events: `event: task` with `data:` a TaskEvent, `event: deleted` with `data:` a DeletedEvent. Best effort:
/// refetch lists on every (re)connect.
#[utoipa::path(get, path = "/v1/events", tag = "native", operation_id = "streamEvents",
    responses(
        (status = 200, body = TaskEvent, content_type = "text/event-stream"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn stream(
    State(http): State<HttpState>,
    base: BaseUrl,
) -> Result<impl IntoResponse, ApiError> {
    let events = http.backends.events.subscribe().await?;
    let hello = stream::once(async { Ok(Event::default().retry(RETRY).comment("connected")) });
    let stopping = http.stopping.clone();
    let news = hello.chain(news(http, base, events)).take_until(stopping.cancelled_owned());
    let answer = Sse::new(news).keep_alive(KeepAlive::new().interval(HEARTBEAT));
    Ok(([(CACHE_CONTROL, "no-cache"), (UNBUFFERED, "no")], answer))
}

fn news(
    http: HttpState,
    base: BaseUrl,
    events: EventStream,
) -> impl Stream<Item = Result<Event, Infallible>> {
    events.filter(|event| std::future::ready(event.owner == OwnerId::DEFAULT)).filter_map(move |event| {
        let (http, base) = (http.clone(), base.clone());
        async move {
            // The row says how the task stands; the event only said that it is worth reading. Only a deletion takes a row.
            let found = http.backends.jobs.job_of(event.owner, event.job_id).await;
            let found = found.inspect_err(|error| tracing::warn!(%error, "an event was lost")).ok()?;
            let number = http.last_event.fetch_add(1, Ordering::Relaxed) + 1;
            let message = Event::default().id(number.to_string());
            let message = match found {
                Some(upload) => message.event("task").json_data(TaskEvent::new(&upload, &base)),
                None => message.event("deleted").json_data(DeletedEvent::new(&event)),
            };
            message.ok().map(Ok)
        }
    })
}
