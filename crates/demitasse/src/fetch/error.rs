//! Why nothing was fetched, in sentences that may be shown to whoever supplied the address.

use std::error::Error;

use super::chain;
use super::resolve::Refused;

/// Why nothing was fetched. The texts tell nothing about the network that this server is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The text is not an absolute URL with a host.
    #[error("the address is not a valid URL")]
    Invalid,
    /// The URL carries a user name or a password.
    #[error("the address has a user name or a password in it; such addresses are not fetched")]
    UserInfo,
    /// Another scheme than the policy permits.
    #[error("the address does not begin with https://, and other kinds are not fetched")]
    Scheme,
    /// Another port than the policy permits.
    #[error("the address names a port that is not permitted; leave the port out")]
    Port,
    /// The host is not on the public internet, or its name does not exist: which of the two is not told.
    #[error("the host does not exist, or it is not on the public internet")]
    Denied,
    /// Nothing answered, or TLS failed, or the answer broke off.
    #[error("the host could not be connected to, or its answer broke off")]
    Broken,
    /// The time limit passed first.
    #[error("the host took too long to answer")]
    TooSlow,
    /// The body is larger than the limit.
    #[error("the answer is larger than the limit of {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
    /// More redirects than the policy follows.
    #[error("the address redirects more than {limit} times")]
    TooManyRedirects {
        /// How many are followed.
        limit: usize,
    },
    /// The host answered with a status that is no success.
    #[error("the host answered with status {0}")]
    Status(u16),
    /// The body is compressed in transit although that was not asked for.
    #[error("the host sent the answer compressed, although it was asked not to")]
    Encoded,
    /// This machine cannot make secure connections at all; the log says why.
    #[error("this server is not set up to fetch addresses")]
    Unable,
}

impl FetchError {
    /// Whether the same request may succeed later.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        match self {
            // A name that cannot be resolved now may be resolvable once the name server is back.
            Self::Denied | Self::Broken | Self::TooSlow | Self::Unable => true,
            Self::Status(status) => status == 429 || status >= 500,
            _ => false,
        }
    }

    /// Finds the cause; the details go to the log only.
    pub(super) fn of(error: reqwest::Error) -> Self {
        let error = error.without_url();
        tracing::debug!(error = chain(&error), "a fetch failed");
        let mut causes = std::iter::successors(Some(&error as &dyn Error), |cause| (**cause).source());
        if causes.any(<dyn Error>::is::<Refused>) {
            Self::Denied
        } else if error.is_builder() {
            Self::Invalid
        } else if error.is_timeout() {
            Self::TooSlow
        } else {
            Self::Broken
        }
    }
}
