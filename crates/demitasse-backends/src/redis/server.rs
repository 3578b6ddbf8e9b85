//! One connection, shared by all callers, that comes back after a loss.

use std::time::Duration;

use demitasse_core::StoreError;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::io::tcp::TcpSettings;
use redis::{Client, Cmd, FromRedisValue, RedisResult, Script, ScriptInvocation};

use super::address::Address;
use super::error::store_error;
use crate::{ConnectError, Port};

/// The oldest version for our own queue: its scripts need lag-keeping groups and XCLAIM that clears vanished entries.
pub(super) const OLDEST_VERSION: (u32, u32) = (7, 0);

/// How long an answer or a new connection may take. The client's own 500 ms would fail calls that wait for a fork.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// How long sent bytes may stay unacknowledged until the connection counts as lost: an answer that never comes does not
/// make the client connect again.
#[cfg(target_os = "linux")]
const SILENCE: Duration = Duration::from_secs(10);

/// Tries of a new connection beyond the first, 0.1 to 0.4 s apart, until a call fails: a quick restart goes unnoticed.
const RECONNECTS: usize = 3;

/// The server and our part of it.
pub(super) struct Server {
    pub(super) client: Client,
    manager: ConnectionManager,
    prefix: String,
}

impl Server {
    /// Connects, and refuses a server before version `oldest`.
    pub(super) async fn connect(port: Port, url: &str, oldest: (u32, u32)) -> Result<Self, ConnectError> {
        let Address { info, prefix, name } = Address::parse(port, url)?;
        let unreachable = |error: redis::RedisError| ConnectError::Unreachable {
            port,
            server: name.clone(),
            source: error.into(),
        };
        choose_tls();
        let tcp = TcpSettings::default().set_nodelay(true);
        #[cfg(target_os = "linux")]
        let tcp = tcp.set_user_timeout(SILENCE);
        let client = Client::open(info.set_tcp_settings(tcp)).map_err(unreachable)?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE))
            .set_number_of_retries(RECONNECTS);
        let mut manager = client.get_connection_manager_with_config(config).await.map_err(unreachable)?;
        let about: String =
            redis::cmd("INFO").arg("server").query_async(&mut manager).await.map_err(unreachable)?;
        let found = about.lines().find_map(|line| line.strip_prefix("redis_version:")).unwrap_or("unknown");
        let mut numbers = found.split('.').map(|number| number.parse().unwrap_or(0));
        if (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) < oldest {
            let (server, found, oldest) = (name, found.into(), format!("{}.{}", oldest.0, oldest.1));
            return Err(ConnectError::TooOld { port, server, found, oldest });
        }
        Ok(Self { client, manager, prefix })
    }

    /// One of our keys or channels.
    pub(super) fn key(&self, name: &str) -> String {
        format!("{{{}}}:{name}", self.prefix)
    }

    /// Runs a script; `about` is for the error.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[String],
        arguments: &[&str],
        about: &str,
    ) -> Result<T, StoreError> {
        let mut invocation = script.prepare_invoke();
        invocation.key(keys).arg(arguments);
        self.invoke(&invocation, about).await
    }

    /// Runs a prepared script.
    pub(super) async fn invoke<T: FromRedisValue>(
        &self,
        invocation: &ScriptInvocation<'_>,
        about: &str,
    ) -> Result<T, StoreError> {
        let mut connection = self.manager.clone();
        let mut result: RedisResult<T> = invocation.invoke_async(&mut connection).await;
        if result.as_ref().is_err_and(|error| error.is_connection_dropped()) {
            // The first call after a restart finds out that the connection is gone; the second waits for the new one.
            // Should the first have been executed: an enqueue is the same twice, a claim ends with its lease, and
            // whatever ends a lease finds it ended.
            result = invocation.invoke_async(&mut connection).await;
        }
        result.map_err(|error| store_error(about, error))
    }

    /// Tells a channel.
    pub(super) async fn publish(&self, channel: &str, message: &[u8]) -> Result<(), StoreError> {
        self.query(redis::cmd("PUBLISH").arg(channel).arg(message), channel).await
    }

    /// Runs a command that does no harm when it is executed twice; `about` is for the error.
    pub(super) async fn query<T: FromRedisValue>(&self, command: &Cmd, about: &str) -> Result<T, StoreError> {
        let mut connection = self.manager.clone();
        let mut result: RedisResult<T> = command.query_async(&mut connection).await;
        if result.as_ref().is_err_and(|error| error.is_connection_dropped()) {
            result = command.query_async(&mut connection).await;
        }
        result.map_err(|error| store_error(about, error))
    }
}

/// The client takes the process' TLS provider, and panics where there is none and several are compiled in. It is the one
/// that the other clients bring; one that the process has chosen stays.
fn choose_tls() {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
}
