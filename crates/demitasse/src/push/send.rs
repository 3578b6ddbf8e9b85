//! One message to one browser: RFC 8030.

use axum::http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use demitasse_core::Subscription;
use url::Url;

use super::WebPush;
use super::message::Message;
use crate::fetch::{Answer, FetchError};

const TTL: HeaderName = HeaderName::from_static("ttl");
const URGENCY: HeaderName = HeaderName::from_static("urgency");
const TOPIC: HeaderName = HeaderName::from_static("topic");

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// The push service took it.
    Accepted,
    /// The subscription has ended.
    Gone,
    /// It may be taken later.
    Later,
    /// It is not taken, and would not be later.
    Refused,
}

impl WebPush {
    pub(super) async fn send(&self, to: &Subscription, message: &Message) -> Sent {
        let Some((headers, body)) = self.request(to, message) else {
            tracing::error!("a stored subscription cannot be read");
            return Sent::Refused;
        };
        let sent = judge(self.client.post(&to.endpoint, headers, body).await);
        // The path of an endpoint is a secret between the browser, its push service and us.
        let service = Url::parse(&to.endpoint).map(|url| url.origin().ascii_serialization());
        tracing::debug!(service = service.unwrap_or_default(), ?sent, "a push message was sent");
        sent
    }

    fn request(&self, to: &Subscription, message: &Message) -> Option<(HeaderMap, bytes::Bytes)> {
        let body = message.encrypted(&to.p256dh, &to.auth)?;
        let endpoint = Url::parse(&to.endpoint).ok()?;
        let authorization = self.vapid.authorization(&endpoint, self.clock.now());
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, authorization.try_into().ok()?);
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("aes128gcm"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        headers.insert(TTL, message.ttl.into());
        headers.insert(URGENCY, HeaderValue::from_static("normal"));
        if let Some(topic) = &message.topic {
            headers.insert(TOPIC, topic.try_into().ok()?);
        }
        Some((headers, body))
    }
}

/// What an answer means: RFC 8030, sections 5 and 7.3; RFC 8292, section 4.2.
fn judge(answer: Result<Answer, FetchError>) -> Sent {
    match answer {
        Ok(answer) => match answer.status {
            200..=299 => Sent::Accepted,
            404 | 410 => Sent::Gone,
            408 | 429 | 500.. => {
                tracing::info!(status = answer.status, "a push service wants to be asked later");
                Sent::Later
            }
            status => {
                let reason = String::from_utf8_lossy(&answer.body).chars().take(200).collect::<String>();
                tracing::warn!(status, reason, "a push service refused a message; it is dropped");
                Sent::Refused
            }
        },
        Err(error) => {
            tracing::info!(%error, "a push service was not reached");
            if error.is_retryable() { Sent::Later } else { Sent::Refused }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_decides_what_becomes_of_message_and_subscription() {
        let answered =
            |status| judge(Ok(Answer { status, headers: HeaderMap::new(), body: bytes::Bytes::new() }));
        for (statuses, sent) in [
            ([200, 201, 202, 204].as_slice(), Sent::Accepted),
            (&[404, 410], Sent::Gone),
            (&[408, 429, 500, 502, 503], Sent::Later),
            (&[301, 307, 400, 401, 403, 413], Sent::Refused),
        ] {
            for status in statuses {
                assert_eq!(answered(*status), sent, "{status}");
            }
        }
        assert_eq!(judge(Err(FetchError::TooSlow)), Sent::Later);
        assert_eq!(judge(Err(FetchError::Scheme)), Sent::Refused);
    }
}
