//! News within one process: a broadcast channel as a stream.

use std::pin::Pin;

use futures_util::{Stream, stream};
use tokio::sync::broadcast::{Receiver, error::RecvError};

/// News kept for the slowest reader; one that lags further misses the oldest.
pub(crate) const KEPT: usize = 1024;

/// What the receiver gets, without word of what it missed.
pub(crate) fn stream<T: Clone + Send + 'static>(
    receiver: Receiver<T>,
) -> Pin<Box<dyn Stream<Item = T> + Send>> {
    Box::pin(stream::unfold(receiver, next))
}

async fn next<T: Clone>(mut receiver: Receiver<T>) -> Option<(T, Receiver<T>)> {
    loop {
        match receiver.recv().await {
            Ok(news) => return Some((news, receiver)),
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return None,
        }
    }
}
