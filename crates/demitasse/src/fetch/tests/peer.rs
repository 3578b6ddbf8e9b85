//! A server that answers each path with prepared bytes, whatever they are.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What happens on a connection after the request's head was read.
#[derive(Clone)]
pub(super) enum Script {
    /// These bytes, then the end.
    Say(String),
    /// These bytes, then silence with the connection held open.
    Hang(String),
    /// These bytes, then others without an end.
    Flood(String),
}

pub(super) struct Peer {
    pub(super) port: u16,
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Peer {
    /// Answers each request by `script`, which is given the request's head.
    pub(super) async fn start(script: impl Fn(&str) -> Script + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = connections.clone();
        let script = Arc::new(script);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(answer(stream, script.clone()));
            }
        });
        Self { port, connections, task }
    }

    /// Always the same.
    pub(super) async fn saying(script: Script) -> Self {
        Self::start(move |_| script.clone()).await
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(mut stream: TcpStream, script: Arc<impl Fn(&str) -> Script>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let (Script::Say(text) | Script::Hang(text) | Script::Flood(text)) =
        &script(&String::from_utf8_lossy(&head));
    stream.write_all(text.as_bytes()).await.ok();
    match script(&String::from_utf8_lossy(&head)) {
        Script::Say(_) => {}
        Script::Hang(_) => std::future::pending().await,
        Script::Flood(_) => while stream.write_all(&[b'x'; 100]).await.is_ok() {},
    }
}

pub(super) fn ok(body: &str) -> Script {
    Script::Say(format!("HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nConnection: close\r\n\r\n{body}"))
}

pub(super) fn redirect(location: &str) -> Script {
    Script::Say(format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"))
}
