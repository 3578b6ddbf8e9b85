//! A multipart body that cannot be read ahead without end, nor come without end.
//!
//! The parser keeps in memory whatever it has read and not handed out: all of a body in which it finds no boundary, all of
//! a part's header that does not end. Here it may be [`WINDOW`] bytes ahead of its caller and no more.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::{Body, BodyDataStream};
use axum::extract::multipart::MultipartRejection;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use futures_util::Stream;

use super::error::{ApiError, Code};
use super::state::{Http, HttpState};
use super::turnstile::Pass;

/// How far the parser may be ahead; a part's header is a few hundred bytes.
const WINDOW: usize = 256 * 1024;

/// What a form may have beside its file, in bytes.
pub(crate) const BESIDE_FILE: u64 = 16 * 1024 * 1024;

/// A multipart body, and the say of its reader that it got on.
pub(crate) struct Form {
    /// Its place among the uploads, or why it has none.
    pub(crate) pass: Result<Pass, ApiError>,
    /// Whether the client waits with the body until we begin to read it.
    pub(crate) is_held_back: bool,
    /// The parser.
    pub(crate) multipart: Result<Multipart, MultipartRejection>,
    /// To be told of every part and every piece that the parser hands out.
    pub(crate) progress: Progress,
}

impl FromRequest<HttpState> for Form {
    type Rejection = Infallible;

    async fn from_request(request: Request, state: &HttpState) -> Result<Self, Infallible> {
        let progress = Progress::default();
        let (parts, body) = request.into_parts();
        let pass = match check_length(state, &parts.headers) {
            Ok(()) => state.door.enter(state, &parts).await,
            Err(error) => Err(error),
        };
        let is_held_back = parts.headers.contains_key(header::EXPECT);
        let metered = Metered { body: body.into_data_stream(), progress: progress.clone() };
        let request = Request::from_parts(parts, Body::from_stream(metered));
        let multipart = Multipart::from_request(request, state).await;
        Ok(Self { pass, is_held_back, multipart, progress })
    }
}

/// Refuses a form that says itself that it is larger than any may be.
fn check_length(http: &Http, headers: &HeaderMap) -> Result<(), ApiError> {
    let length: Option<u64> =
        headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let allowed = http.limits.max_bytes;
    match length {
        Some(length) if length > allowed.saturating_add(BESIDE_FILE) => Err(ApiError::new(
            Code::LimitExceeded,
            format!("The upload has {length} bytes, and a file may have {allowed}."),
        )),
        _ => Ok(()),
    }
}

/// How far the parser is ahead of its reader, and how fast bytes come.
#[derive(Clone, Default)]
pub(crate) struct Progress(Arc<Ahead>);

struct Ahead {
    began: Instant,
    /// Bytes that have come.
    received: AtomicU64,
    /// Bytes given to the parser since it last handed something out.
    bytes: AtomicUsize,
    /// Whether the parser was told to work with what it has.
    told: AtomicBool,
}

impl Default for Ahead {
    fn default() -> Self {
        let (received, bytes, told) = Default::default();
        Self { began: Instant::now(), received, bytes, told }
    }
}

impl Progress {
    /// What has come so far, and in what time.
    pub(crate) fn pace(&self) -> (u64, Duration) {
        (self.0.received.load(Ordering::Relaxed), self.0.began.elapsed())
    }

    /// The parser handed something out.
    pub(crate) fn made(&self) {
        self.0.bytes.store(0, Ordering::Relaxed);
        self.0.told.store(false, Ordering::Relaxed);
    }
}

struct Metered<S = BodyDataStream> {
    body: S,
    progress: Progress,
}

impl<S, E> Stream for Metered<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Item = io::Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let ahead = &this.progress.0;
        if ahead.bytes.load(Ordering::Relaxed) >= WINDOW {
            // The first time the parser gets nothing, and hands out what it has. If it comes back all the same, it has
            // nothing to hand out.
            if ahead.told.swap(true, Ordering::Relaxed) {
                return Poll::Ready(Some(Err(io::Error::other("a part of the form has no end"))));
            }
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let piece = std::task::ready!(Pin::new(&mut this.body).poll_next(context));
        if let Some(Ok(bytes)) = &piece {
            ahead.bytes.fetch_add(bytes.len(), Ordering::Relaxed);
            ahead.received.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        }
        Poll::Ready(piece.map(|piece| piece.map_err(io::Error::other)))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt, stream};

    use super::*;

    fn endless(progress: Progress) -> Metered<impl Stream<Item = Result<Bytes, io::Error>> + Unpin> {
        Metered { body: stream::repeat_with(|| Ok(Bytes::from_static(&[b'A'; 1024]))), progress }
    }

    #[tokio::test]
    async fn a_parser_that_hands_nothing_out_gets_no_more_than_the_window() {
        let mut body = endless(Progress::default());
        let mut read = 0;
        while let Some(Ok(piece)) = body.next().await {
            read += piece.len();
        }
        assert_eq!(read, WINDOW);
    }

    #[tokio::test]
    async fn a_parser_that_gets_on_may_read_without_end() {
        let progress = Progress::default();
        let mut body = endless(progress.clone());
        for _ in 0..10 * WINDOW / 1024 {
            assert!(body.next().await.is_some_and(|piece| piece.is_ok()));
            progress.made();
        }
    }
}
