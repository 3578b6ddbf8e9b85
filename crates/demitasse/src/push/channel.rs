//! One attempt to tell an owner's browsers how a task ended.

use async_trait::async_trait;
use demitasse_core::{StoreError, Subscription, Upload};
use futures_util::{StreamExt, stream};

use super::message::Message;
use super::send::Sent;
use super::{AT_ONCE, WebPush};
use crate::notify::{Channel, Undelivered};

#[async_trait]
impl Channel for WebPush {
    fn name(&self) -> &'static str {
        "push"
    }

    async fn wants(&self, upload: &Upload) -> Result<bool, StoreError> {
        Ok(!self.subscriptions.subscriptions(upload.job.owner).await?.is_empty())
    }

    async fn tell(&self, upload: &Upload) -> Result<(), Undelivered> {
        let Some(message) = Message::of(upload, &self.base) else { return Ok(()) };
        let subscriptions = self.subscriptions.subscriptions(upload.job.owner).await;
        let subscriptions = subscriptions.map_err(|error| Undelivered {
            retry: true,
            not_before: None,
            reason: error.to_string(),
        })?;
        let message = &message;
        let sends = subscriptions.into_iter().map(|to| async move { self.tell_one(&to, message).await });
        let sent: Vec<Sent> = stream::iter(sends).buffer_unordered(AT_ONCE).collect().await;
        let refused = sent.iter().filter(|sent| **sent == Sent::Refused).count();
        let later =
            sent.iter().filter_map(|sent| if let Sent::Later(until) = sent { Some(*until) } else { None });
        match (later.clone().count(), refused) {
            (0, 0) => Ok(()),
            (count, refused) => Err(Undelivered {
                retry: count > 0,
                not_before: later.flatten().max(),
                reason: format!("of {} browsers {count} may be told later and {refused} not", sent.len()),
            }),
        }
    }
}

impl WebPush {
    async fn tell_one(&self, to: &Subscription, message: &Message) -> Sent {
        let sent = self.send(to, message).await;
        if sent == Sent::Gone
            && let Err(error) = self.subscriptions.unsubscribe(&to.endpoint).await
        {
            // It is found gone again at the next message.
            tracing::warn!(%error, "a subscription that ended was not forgotten");
        }
        sent
    }
}
