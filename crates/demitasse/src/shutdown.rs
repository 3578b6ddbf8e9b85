//! The signal to stop.

/// Completes at SIGINT (Ctrl-C) or SIGTERM. A second signal ends the process at once: nothing is lost by that either.
pub(crate) async fn requested() {
    signal().await;
    tokio::spawn(async {
        signal().await;
        tracing::warn!("stopped at once by a second signal");
        std::process::exit(130);
    });
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let terminate = async {
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => {
                terminate.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = terminate => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

#[cfg(not(unix))]
async fn signal() {
    tokio::signal::ctrl_c().await.ok();
}
