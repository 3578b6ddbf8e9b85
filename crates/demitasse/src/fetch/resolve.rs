//! Names become addresses here, and only checked ones leave.

use std::fmt;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::lookup_host;

use super::policy::FetchPolicy;

/// The system's resolver.
pub(super) struct SystemDns;

/// Another resolver, whose answers count only if every address in them may be connected to.
pub(super) struct CheckedDns {
    policy: Arc<FetchPolicy>,
    inner: Arc<dyn Resolve>,
}

/// The name does not exist, or leads where nothing is fetched.
#[derive(Debug)]
pub(super) struct Refused;

impl CheckedDns {
    pub(super) fn new(policy: Arc<FetchPolicy>, inner: Arc<dyn Resolve>) -> Self {
        Self { policy, inner }
    }
}

impl Resolve for SystemDns {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let addresses = lookup_host((name.as_str(), 0)).await?;
            Ok(Box::new(addresses.collect::<Vec<_>>().into_iter()) as Addrs)
        })
    }
}

impl Resolve for CheckedDns {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = self.policy.clone();
        let host = name.as_str().to_owned();
        let resolving = self.inner.resolve(name);
        Box::pin(async move {
            let addresses: Vec<_> = resolving
                .await
                .inspect_err(|error| tracing::debug!(host, error, "not resolved"))
                .map_err(|_| Refused)?
                .collect();
            // One private address among public ones is how a name is bent to lead inside at the second try.
            let denied = addresses.iter().find(|address| !policy.permits_address(address.ip()));
            if addresses.is_empty() || denied.is_some() {
                tracing::info!(host, ?denied, "a host was refused for its addresses");
                return Err(Refused.into());
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the host is unknown or refused")
    }
}

impl std::error::Error for Refused {}
