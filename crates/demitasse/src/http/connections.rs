//! Connections: how many there may be, how long a request's header may take, and how they end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::client::Client;
use super::error::{ApiError, Code, bare_answer};
use super::turnstile::{Full, Pass, Turnstile};
use crate::config::HttpConfig;
use crate::metrics::{Metrics, Refused};

/// Longest header of a request, and what is read of a body in one go.
const BUFFER: usize = 128 * 1024;

/// How long a refusal waits to be read.
const LINGER: Duration = Duration::from_secs(1);

/// Refusals that wait at the same time; beyond them connections are closed without a word.
const REFUSALS: usize = 64;

/// Files that stay for everything else than connections.
const SHARE_OF_FILES: u64 = 2;

/// Takes connections and answers their requests.
struct Reception {
    router: Router,
    config: HttpConfig,
    metrics: Arc<Metrics>,
    connections: Arc<Turnstile>,
    refusals: Arc<Semaphore>,
    tasks: TaskTracker,
    stopping: CancellationToken,
}

/// Serves until `stopping`, and then until the last running request is answered.
///
/// # Errors
/// None yet; a listener that fails is tried again.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    config: HttpConfig,
    metrics: Arc<Metrics>,
    stopping: CancellationToken,
) -> io::Result<()> {
    let door = &config.door;
    let most = door.max_connections.min(room_for_connections());
    if most < door.max_connections {
        tracing::warn!(
            connections = most,
            "this process may open too few files for --max-connections: raise its limit (ulimit -n, LimitNOFILE=)"
        );
    }
    let reception = Reception {
        connections: Turnstile::new(most, door.max_connections_per_client),
        router,
        config,
        metrics,
        refusals: Arc::new(Semaphore::new(REFUSALS)),
        tasks: TaskTracker::new(),
        stopping: stopping.clone(),
    };
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopping.cancelled() => break,
        };
        match accepted {
            Ok((stream, peer)) => reception.receive(stream, peer),
            Err(error) => wait_out(error).await,
        }
    }
    drop(listener);
    reception.tasks.close();
    reception.tasks.wait().await;
    Ok(())
}

impl Reception {
    fn receive(&self, stream: TcpStream, peer: SocketAddr) {
        let client = Client::of_peer(peer.ip(), &self.config.trusted_proxies);
        match self.connections.enter(client) {
            Ok(pass) => self.answer(stream, peer, pass),
            Err(full) => self.refuse(stream, full),
        }
    }

    fn answer(&self, stream: TcpStream, peer: SocketAddr, pass: Pass) {
        let service = self.router.clone().map_request(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            request.map(Body::new)
        });
        let patience = self.config.door.header_timeout;
        let mut connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(patience)
            .max_buf_size(BUFFER)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        let (stopping, metrics) = (self.stopping.clone(), self.metrics.clone());
        self.tasks.spawn(async move {
            let _pass = pass;
            let ended = tokio::select! {
                ended = &mut connection => ended,
                () = stopping.cancelled() => {
                    std::pin::Pin::new(&mut connection).graceful_shutdown();
                    (&mut connection).await
                }
            };
            let Err(error) = ended else { return };
            tracing::debug!(%error, %peer, "a connection ended");
            if !error.is_timeout() {
                return;
            }
            let parts = connection.into_parts();
            // A connection that only waited for its next request is closed without a word.
            if !parts.read_buf.is_empty() {
                metrics.refused(Refused::Header);
                let detail = format!(
                    "The header of the request was not complete after {} seconds.",
                    patience.as_secs_f64()
                );
                say(parts.io.into_inner(), ApiError::new(Code::TooSlow, detail)).await;
            }
        });
    }

    fn refuse(&self, stream: TcpStream, full: Full) {
        let (code, detail) = match full {
            Full::All(most) => {
                self.metrics.refused(Refused::Connections);
                (Code::Overloaded, format!("{most} connections are open, and no more than {most} may be."))
            }
            Full::OfClient(most) => {
                self.metrics.refused(Refused::ClientConnections);
                let detail = format!("{most} connections of yours are open, and no more than {most} may be.");
                (Code::Overloaded, detail)
            }
        };
        let Ok(permit) = self.refusals.clone().try_acquire_owned() else { return };
        self.tasks.spawn(async move {
            say(stream, ApiError::new(code, detail)).await;
            drop(permit);
        });
    }
}

/// Writes an answer and closes, once the client has read it: closing on bytes that nobody read would take it away.
async fn say(mut stream: TcpStream, error: ApiError) {
    let said = async {
        stream.write_all(&bare_answer(error)).await?;
        stream.shutdown().await?;
        let mut unread = [0; 4096];
        while stream.read(&mut unread).await? > 0 {}
        io::Result::Ok(())
    };
    timeout(LINGER, said).await.ok();
}

/// A connection that broke before it was taken is nothing; where files have run out, some are closed soon.
async fn wait_out(error: io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        return;
    }
    tracing::error!(%error, "no connection can be taken");
    tokio::time::sleep(Duration::from_secs(1)).await;
}

/// Asks for as many files as this process may open at all, and gives the connections that these are enough for.
#[cfg(unix)]
fn room_for_connections() -> usize {
    let files = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(u64::MAX);
    usize::try_from(files / SHARE_OF_FILES).unwrap_or(usize::MAX)
}

#[cfg(not(unix))]
fn room_for_connections() -> usize {
    usize::MAX
}
