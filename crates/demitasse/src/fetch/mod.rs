//! The one HTTP client for addresses that a user supplied: push endpoints, images fetched by URL, webhooks.
//!
//! A server that fetches what it is told to is a way into the network behind it. So every hop of every request is held
//! against a [`FetchPolicy`]: scheme and port by list; no user name in the address; a literal IP address in whatever
//! notation must be globally routable ([`is_global`]); so must *every* address that a name resolves to, and the
//! connection is made to the addresses that were checked, so that a second answer of the name server changes nothing.
//! No proxy is asked, redirects are followed by hand, and time and size are bounded. What is refused reads the same
//! whether or not anything is there. The operator can permit more by [`FetchAllow`].
//!
//! | file | owns |
//! |---|---|
//! | `address` | which addresses are on the public internet |
//! | `allow` | what the operator permits beyond that |
//! | `policy` | the verdict on a URL |
//! | `resolve` | the verdict on a name's addresses |
//! | `body` | the answer's bytes, counted and timed |
//!
//! Clients for URLs that the *operator* configures (storage, databases) are no business of this module.

mod address;
mod allow;
mod body;
mod error;
mod policy;
mod resolve;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, OnceLock};

use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, HeaderValue};
use bytes::Bytes;
use reqwest::dns::Resolve;
use reqwest::{Client, Response, redirect, retry};
use tokio::time::{Instant, timeout_at};
use url::Url;

pub use address::is_global;
pub use allow::FetchAllow;
pub use body::{Fetched, SaveError};
pub use error::FetchError;
pub use policy::FetchPolicy;

use policy::Way;
use resolve::{CheckedDns, SystemDns};

/// Bytes of the answer to a `post` that are read; more is not looked at.
const ANSWER_LIMIT: usize = 16 * 1024;

/// Fetches addresses that users supplied, and nothing that the policy forbids. Cheap to share by `Arc`.
pub struct GuardedClient {
    policy: Arc<FetchPolicy>,
    dns: Arc<dyn Resolve>,
    // Built when first used, each with a connection pool of its own: a connection that the operator's word permitted must
    // not serve an address that needs none. Building reads the machine's certificates, which may be missing.
    public: OnceLock<Option<Client>>,
    permitted: OnceLock<Option<Client>>,
}

/// What answered a [`GuardedClient::post`], whatever its status.
#[derive(Debug)]
pub struct Answer {
    /// The status; 3xx too, for nothing posted is sent on to another address.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The first bytes of the body, at most 16 KiB.
    pub body: Bytes,
}

impl GuardedClient {
    /// Gives a client that asks the system's resolver.
    #[must_use]
    pub fn new(policy: FetchPolicy) -> Self {
        Self::with_dns(policy, Arc::new(SystemDns))
    }

    /// Gives a client that asks `dns`, whose answers are checked like any other.
    #[must_use]
    pub fn with_dns(policy: FetchPolicy, dns: Arc<dyn Resolve>) -> Self {
        Self { policy: Arc::new(policy), dns, public: OnceLock::new(), permitted: OnceLock::new() }
    }

    /// Checks what can be checked of an address without asking a name server.
    ///
    /// # Errors
    /// The cause for which fetching would refuse it.
    pub fn check(&self, url: &str) -> Result<Url, FetchError> {
        let url = parse(url)?;
        self.policy.judge(&url)?;
        Ok(url)
    }

    /// Requests `url`, follows its redirects, and gives the answer as soon as its head is there.
    ///
    /// # Errors
    /// By cause; a status other than 2xx and a body that is announced as too large or as encoded included.
    pub async fn get(&self, url: &str) -> Result<Fetched, FetchError> {
        let deadline = Instant::now() + self.policy.total_timeout;
        let mut url = parse(url)?;
        for _ in 0..=self.policy.max_redirects {
            let request = self.client(&url)?.get(url.clone()).header(ACCEPT_ENCODING, "identity");
            let response = within(deadline, request.send()).await?;
            match next_hop(&url, &response)? {
                Some(next) => url = next,
                None => return self.accept(url, response, deadline),
            }
        }
        Err(FetchError::TooManyRedirects { limit: self.policy.max_redirects })
    }

    /// Sends `body` to `url` and gives what came back. Redirects are not followed.
    ///
    /// # Errors
    /// By cause, if no answer came.
    pub async fn post(&self, url: &str, headers: HeaderMap, body: Bytes) -> Result<Answer, FetchError> {
        let deadline = Instant::now() + self.policy.total_timeout;
        let url = parse(url)?;
        let request = self.client(&url)?.post(url).headers(headers).body(body);
        let mut response = within(deadline, request.send()).await?;
        let mut body = Vec::new();
        // An answer that breaks off is an answer: the status has said what happened.
        while body.len() < ANSWER_LIMIT
            && let Ok(Some(chunk)) = within(deadline, response.chunk()).await
        {
            body.extend_from_slice(&chunk[..chunk.len().min(ANSWER_LIMIT - body.len())]);
        }
        Ok(Answer {
            status: response.status().as_u16(),
            headers: std::mem::take(response.headers_mut()),
            body: body.into(),
        })
    }

    fn accept(&self, url: Url, response: Response, deadline: Instant) -> Result<Fetched, FetchError> {
        if !response.status().is_success() {
            return Err(FetchError::Status(response.status().as_u16()));
        }
        let limit = self.policy.max_bytes;
        if response.content_length().is_some_and(|announced| announced > limit) {
            return Err(FetchError::TooLarge { limit });
        }
        let encoded = |value: &HeaderValue| !value.as_bytes().eq_ignore_ascii_case(b"identity");
        if response.headers().get(CONTENT_ENCODING).is_some_and(encoded) {
            return Err(FetchError::Encoded);
        }
        let media_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = media_type.map(str::to_owned);
        Ok(Fetched::new(url, media_type, response, limit, deadline))
    }

    /// The client for this hop, if the policy permits the hop at all.
    fn client(&self, url: &Url) -> Result<&Client, FetchError> {
        let (cell, dns) = match self.policy.judge(url)? {
            Way::Public => (&self.public, None),
            Way::Permitted => (&self.permitted, Some(self.dns.clone())),
        };
        let build = || {
            let checked =
                || Arc::new(CheckedDns::new(self.policy.clone(), self.dns.clone())) as Arc<dyn Resolve>;
            let client = build(&self.policy, dns.unwrap_or_else(checked));
            client
                .inspect_err(|error| tracing::error!(error = %chain(error), "cannot set up the client"))
                .ok()
        };
        cell.get_or_init(build).as_ref().ok_or(FetchError::Unable)
    }
}

impl fmt::Debug for GuardedClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedClient").field("policy", &self.policy).finish_non_exhaustive()
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the module that the ban points to")]
fn build(policy: &FetchPolicy, dns: Arc<dyn Resolve>) -> reqwest::Result<Client> {
    Client::builder()
        .user_agent(concat!("demitasse/", env!("CARGO_PKG_VERSION")))
        .no_proxy()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .no_gzip()
        .no_brotli()
        .no_deflate()
        .no_zstd()
        .connect_timeout(policy.connect_timeout)
        .dns_resolver(dns)
        .build()
}

fn parse(url: &str) -> Result<Url, FetchError> {
    Url::parse(url).map_err(|error| {
        tracing::debug!(%error, "not a URL");
        FetchError::Invalid
    })
}

/// Where a redirect leads; `None` if this is no redirect.
fn next_hop(from: &Url, response: &Response) -> Result<Option<Url>, FetchError> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let location = response.headers().get(LOCATION).ok_or(FetchError::Broken)?;
    let location = std::str::from_utf8(location.as_bytes()).map_err(|_| FetchError::Broken)?;
    from.join(location).map(Some).map_err(|_| FetchError::Broken)
}

/// Waits for one step until the deadline, and tells its failure by cause.
async fn within<T>(
    deadline: Instant,
    step: impl Future<Output = reqwest::Result<T>>,
) -> Result<T, FetchError> {
    timeout_at(deadline, step).await.map_err(|_| FetchError::TooSlow)?.map_err(FetchError::of)
}

/// An error with all its causes, for the log.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| (**cause).source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
