//! What a browser hands in, checked.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use demitasse_core::{OwnerId, Subscription};
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;
use web_push_native::Auth;
use web_push_native::p256::PublicKey;

use super::vapid::decode;
use crate::fetch::{FetchError, GuardedClient};

/// Longest endpoint that is kept; those of today's push services have up to 600 characters.
const MAX_ENDPOINT: usize = 2048;

/// A browser's `PushSubscription`, as its `toJSON()` gives it.
#[derive(Deserialize, ToSchema)]
pub(crate) struct PushSubscription {
    /// Where messages to the browser are posted.
    #[schema(example = "https://push.example.com/send/abc")]
    endpoint: String,
    keys: PushKeys,
}

/// The browser's keys, in base64url.
#[derive(Deserialize, ToSchema)]
struct PushKeys {
    /// Its public key, 65 bytes.
    p256dh: String,
    /// A secret that it shares with this server, 16 bytes.
    auth: String,
}

/// Why it is not a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidSubscription {
    #[error("the endpoint is longer than {MAX_ENDPOINT} characters")]
    Long,
    #[error("the endpoint cannot be used: {0}")]
    Endpoint(#[from] FetchError),
    #[error("`keys.p256dh` is not a public key of 65 bytes in base64url")]
    PublicKey,
    #[error("`keys.auth` is not 16 bytes in base64url")]
    Auth,
}

impl PushSubscription {
    /// Checks all that can be checked without asking anybody, and brings it into one form.
    pub(super) fn check(
        self,
        client: &GuardedClient,
        owner: OwnerId,
        now: Timestamp,
    ) -> Result<Subscription, InvalidSubscription> {
        if self.endpoint.len() > MAX_ENDPOINT {
            return Err(InvalidSubscription::Long);
        }
        let endpoint = client.check(&self.endpoint)?.to_string();
        let p256dh = decode(&self.keys.p256dh).ok_or(InvalidSubscription::PublicKey)?;
        let auth = decode(&self.keys.auth).ok_or(InvalidSubscription::Auth)?;
        let p256dh = BASE64_URL_SAFE_NO_PAD.encode(p256dh);
        let auth = BASE64_URL_SAFE_NO_PAD.encode(auth);
        keys(&p256dh, &auth)?;
        Ok(Subscription { owner, endpoint, p256dh, auth, created_at: now })
    }
}

/// Reads the keys of a subscription.
pub(super) fn keys(p256dh: &str, auth: &str) -> Result<(PublicKey, Auth), InvalidSubscription> {
    let point = decode(p256dh).filter(|bytes| bytes.len() == 65).ok_or(InvalidSubscription::PublicKey)?;
    let public = PublicKey::from_sec1_bytes(&point).map_err(|_| InvalidSubscription::PublicKey)?;
    let auth = decode(auth).and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
    Ok((public, auth.ok_or(InvalidSubscription::Auth)?.into()))
}
