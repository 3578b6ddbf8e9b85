//! A push service that answers as it is told, or not at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode};
use demitasse_core::{OwnerId, Subscription};
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::TestApp;

/// What it says, and other headers with it.
pub(crate) type Reply = (StatusCode, Vec<(HeaderName, String)>);

pub(crate) struct SlowPushService {
    origin: String,
    seen: Arc<Seen>,
}

struct Seen {
    /// `None`: nothing is answered.
    reply: watch::Sender<Option<Reply>>,
    begun: AtomicUsize,
    answered: AtomicUsize,
}

impl SlowPushService {
    /// One that takes every message and says nothing.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let reply = watch::Sender::new(None);
        let seen = Arc::new(Seen { reply, begun: 0.into(), answered: 0.into() });
        let router = Router::new().fallback(answer).with_state(seen.clone());
        tokio::spawn(axum::serve(listener, router).into_future());
        Self { origin, seen }
    }

    /// What the operator would put into `--fetch-allow`.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// Subscribes a browser, without the greeting that would be waited for.
    pub(crate) async fn subscribe(&self, app: &TestApp) {
        let key = app.get("/v1/push/key").await.json()["public_key"].as_str().unwrap().to_owned();
        let kept = Subscription {
            owner: OwnerId::DEFAULT,
            endpoint: format!("{}/browser", self.origin),
            p256dh: key,
            auth: "_ordMnz7uTCmrpBTeUV4Bw".into(),
            created_at: Timestamp::UNIX_EPOCH,
        };
        app.backends.subscriptions.subscribe(kept).await.unwrap();
    }

    /// Answers what waits and what comes.
    pub(crate) fn answer(&self, status: StatusCode, headers: &[(HeaderName, &str)]) {
        let headers = headers.iter().map(|(name, value)| (name.clone(), (*value).into())).collect();
        self.seen.reply.send_replace(Some((status, headers)));
    }

    /// Messages that came.
    pub(crate) fn begun(&self) -> usize {
        self.seen.begun.load(Ordering::SeqCst)
    }

    /// Messages that were answered; the others wait, or whoever sent them has given up.
    pub(crate) fn answered(&self) -> usize {
        self.seen.answered.load(Ordering::SeqCst)
    }
}

async fn answer(State(seen): State<Arc<Seen>>) -> (StatusCode, axum::http::HeaderMap) {
    seen.begun.fetch_add(1, Ordering::SeqCst);
    let mut reply = seen.reply.subscribe();
    let (status, headers) = reply.wait_for(Option::is_some).await.unwrap().clone().unwrap();
    seen.answered.fetch_add(1, Ordering::SeqCst);
    (status, headers.into_iter().map(|(name, value)| (name, value.parse().unwrap())).collect())
}
