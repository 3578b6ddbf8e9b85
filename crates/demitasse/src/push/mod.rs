//! Web push: browsers that asked for it are told when a task has ended, even when the page is closed.
//!
//! | file | owns |
//! |---|---|
//! | `vapid` | the key that this server identifies itself with (RFC 8292) |
//! | `subscription` | what a browser hands in, checked |
//! | `message` | what is said, and its encryption (RFC 8291) |
//! | `channel` | one attempt to tell an owner's browsers |
//! | `send` | one message to one browser, and what its answer means (RFC 8030) |
//!
//! Endpoints are addresses that users supplied, so every request goes through [`crate::fetch`]. When and how often a
//! task is announced is decided by `notify`.

mod channel;
mod message;
mod send;
mod subscription;
mod vapid;

use std::sync::Arc;
use std::time::Duration;

use demitasse_core::{Clock, OwnerId, StoreError, Subscription, SubscriptionStore};

use crate::fetch::GuardedClient;
use crate::http::BaseUrl;

pub use vapid::VapidKey;

pub(crate) use subscription::{InvalidSubscription, PushSubscription};
pub(crate) use vapid::Vapid;

use message::Message;
use send::Sent;

/// Browsers that one owner may have told: more than anyone has, few enough to tell them all at once.
pub(crate) const MAX_SUBSCRIPTIONS: usize = 50;

/// How long one message may take. With [`MAX_SUBSCRIPTIONS`] and [`AT_ONCE`] one attempt takes at most 20 s.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);

/// Messages under way at the same time for one task.
const AT_ONCE: usize = 25;

/// Tells browsers.
pub(crate) struct WebPush {
    pub(crate) client: GuardedClient,
    pub(crate) vapid: Vapid,
    pub(crate) subscriptions: Arc<dyn SubscriptionStore>,
    pub(crate) clock: Arc<dyn Clock>,
    /// What the addresses in messages begin with; empty if nobody said, and then the browser completes them.
    pub(crate) base: BaseUrl,
}

/// Why a browser was not subscribed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SubscribeError {
    #[error(transparent)]
    Invalid(#[from] InvalidSubscription),
    #[error("there are {MAX_SUBSCRIPTIONS} subscriptions already")]
    TooMany,
    /// The first message did not arrive, so none would.
    #[error("{0}")]
    NotReached(&'static str),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl WebPush {
    /// Subscribes a browser, and greets it if it is new or `always`. A browser that the greeting does not reach is not
    /// kept, so that nothing can be hoarded here that leads nowhere.
    pub(crate) async fn subscribe(
        &self,
        owner: OwnerId,
        asked: PushSubscription,
        always_greet: bool,
    ) -> Result<(), SubscribeError> {
        let new = asked.check(&self.client, owner, self.clock.now())?;
        let known = self.subscriptions.subscriptions(owner).await?;
        let same = |old: &&Subscription| old.endpoint == new.endpoint;
        let old = known.iter().find(same);
        if old.is_none() && known.len() >= MAX_SUBSCRIPTIONS {
            return Err(SubscribeError::TooMany);
        }
        let unchanged = old.is_some_and(|old| old.p256dh == new.p256dh && old.auth == new.auth);
        if always_greet || !unchanged {
            match self.send(&new, &Message::hello()).await {
                Sent::Accepted => {}
                Sent::Gone => {
                    return Err(SubscribeError::NotReached("the push service says that it has ended"));
                }
                Sent::Refused => {
                    return Err(SubscribeError::NotReached("the push service refused a message to it"));
                }
                Sent::Later(_) => {
                    return Err(SubscribeError::NotReached("the push service could not be reached"));
                }
            }
        }
        if !unchanged {
            self.subscriptions.subscribe(new).await?;
        }
        Ok(())
    }
}
