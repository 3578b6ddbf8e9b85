//! Events within one process: a broadcast channel as a stream.

use demitasse_core::{Event, EventStream};
use futures_util::stream;
use tokio::sync::broadcast::{Receiver, error::RecvError};

/// Events kept for the slowest reader; one that lags further misses the oldest.
pub(crate) const KEPT: usize = 1024;

/// What the receiver gets, without word of what it missed.
pub(crate) fn stream(receiver: Receiver<Event>) -> EventStream {
    Box::pin(stream::unfold(receiver, next))
}

async fn next(mut receiver: Receiver<Event>) -> Option<(Event, Receiver<Event>)> {
    loop {
        match receiver.recv().await {
            Ok(event) => return Some((event, receiver)),
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return None,
        }
    }
}
